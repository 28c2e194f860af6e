import { malformedParameter } from './api-call';
import { CustomResources } from './custom-resources';
import { CheckOutcome } from '../report/report';
import { Assembly, CfnResource, Stack } from '../templates/assembly';
import { knownOnlyInAws } from '../templates/intrinsics';
import { PublicNames } from '../templates/public-names';
import { Properties, record, text } from '../templates/values';

/*
 * Runs the assertions of the integ tests in an assembly with the handler of `@aws-cdk/integ-tests-alpha`, which is a
 * file asset of the stack with the assertions and runs on Lambda in AWS.
 */

export interface AssertionResult {
  readonly outcome: CheckOutcome;
  /** For example: GET http://127.0.0.1:8080/health returns {"status":200}. */
  readonly assertion: string;
  readonly reason?: string;
}

export interface AssertionOptions {
  readonly names: PublicNames;
  /** By which the waiting times of the assertions are divided. */
  readonly speedup: number;
  readonly interrupted: AbortSignal;
  readonly report: (result: AssertionResult) => void;
}

const ASSERTION = 'Custom::DeployAssert@';
const HTTP_CALL = `${ASSERTION}HttpCall`;
const SDK_CALL = `${ASSERTION}SdkCall`;

const READ_ONLY_API = /^(describe|list|get|batchGet|head|query|scan|lookup|search|filter)/i;

export async function rehearseAssertions(assembly: Assembly, options: AssertionOptions): Promise<void> {
  const { names, speedup, interrupted, report } = options;
  for (const { stack } of assembly.integTests) {
    const resources = new CustomResources(assembly, stack, { known: names.known, speedup, interrupted });
    try {
      await resources.start();
      // The changes in AWS that an assertion makes or depends on, by its logical ID.
      const changes = new Map<string, string>();
      for (const assertion of inOrder(stack)) {
        const change = changeBy(assertion.resource)
          ?? assertion.dependencies.map((id) => changes.get(id)).find((found) => found !== undefined);
        if (change !== undefined) { changes.set(assertion.logicalId, change); }
        const result = await runAssertion(stack, assertion, change, { resources, names });
        if (interrupted.aborted) { return; }
        report(result);
      }
    } finally {
      resources.close();
    }
  }
}

/** The AWS API call of an assertion, unless it only reads. */
function changeBy({ Type, Properties: { service, api } = {} }: CfnResource): string | undefined {
  return Type.startsWith(SDK_CALL) && !READ_ONLY_API.test(String(api)) ? `${service}:${api}` : undefined;
}

interface Assertion {
  readonly logicalId: string;
  readonly resource: CfnResource;
  /** Logical IDs. */
  readonly dependencies: readonly string[];
}

/** The assertions of a stack, each after its dependencies. */
function inOrder(stack: Stack): Assertion[] {
  const remaining = new Map(stack.resources.filter(([, { Type }]) => Type.startsWith(ASSERTION)));
  const ordered: Assertion[] = [];
  const visit = (logicalId: string) => {
    const resource = remaining.get(logicalId);
    if (!resource) { return; }
    remaining.delete(logicalId);
    const references = JSON.stringify(resource.Properties ?? {}).matchAll(/"Fn::GetAtt":\["(\w+)"/g);
    const dependencies = [resource.DependsOn ?? [], [...references].map((match) => match[1])].flat();
    dependencies.forEach(visit);
    ordered.push({ logicalId, resource, dependencies });
  };
  [...remaining.keys()].forEach(visit);
  return ordered;
}

/** @param change in AWS that the assertion makes or depends on */
async function runAssertion(
  stack: Stack,
  { logicalId, resource: { Type } }: Assertion,
  change: string | undefined,
  { resources, names }: { readonly resources: CustomResources; readonly names: PublicNames },
): Promise<AssertionResult> {
  const resolved = resources.resolver.properties({ stack, logicalId });
  const { assertion, properties, malformed, skipReason } = prepare(Type, resolved, names);
  if (malformed !== undefined) { return { outcome: 'failed', assertion, reason: malformed }; }
  const reason = skipReason ?? reasonToSkip(properties, change);
  if (reason !== undefined) { return { outcome: 'skipped', assertion, reason }; }

  const { Status, Reason, Data } = await resources.create(logicalId, Type, properties);
  // An assertion that fails still responds with SUCCESS, unless it waits: its result is in the data.
  const { status, message }: { status?: string; message?: string } = Data?.assertion === undefined
    ? { status: 'success' }
    : JSON.parse(String(Data.assertion));
  return Status === 'SUCCESS' && status === 'success'
    ? { outcome: 'passed', assertion }
    : { outcome: 'failed', assertion, reason: message ?? lastMismatch(resources.output) ?? Reason };
}

interface PreparedAssertion {
  readonly assertion: string;
  readonly properties: Properties;
  /** Why it would fail in AWS too. */
  readonly malformed?: string;
  readonly skipReason?: string;
}

/** Describes an assertion, and directs HTTP calls to the emulators. */
function prepare(type: string, properties: Properties, names: PublicNames): PreparedAssertion {
  const expected = properties.expected === undefined ? '' : ` returns ${readable(properties.expected)}`;
  if (type.startsWith(SDK_CALL)) {
    const assertion = `${properties.service}:${properties.api}${expected}`;
    return { assertion, properties, malformed: malformedParameter(properties), skipReason: 'it calls AWS' };
  }
  if (!type.startsWith(HTTP_CALL)) { return { assertion: `${readable(properties.actual)}${expected}`, properties }; }

  const parameters = record(properties.parameters);
  const url = String(parameters.url);
  const localUrl = names.rewrite(url);
  return {
    assertion: `${text(record(parameters.fetchOptions).method, 'GET')} ${localUrl}${expected}`,
    properties: { ...properties, parameters: { ...parameters, url: localUrl } },
    skipReason: localUrl === url ? 'its URL is not that of an emulated load balancer' : undefined,
  };
}

/** Why an assertion cannot run without AWS. */
function reasonToSkip(properties: Properties, change: string | undefined): string | undefined {
  if (change !== undefined) { return `it depends on ${change}, which only AWS can run`; }
  const unknown = knownOnlyInAws(JSON.stringify(properties));
  return unknown.length === 0 ? undefined : `it needs ${unknown.join(', ')}, which only AWS knows`;
}

/** After a timeout the response has no details; the log of the handler has the last mismatch. */
function lastMismatch(output: string): string | undefined {
  const prefix = 'Assertion Failed: ';
  const line = output.split('\n').filter((candidate) => candidate.startsWith(prefix)).at(-1);
  if (line === undefined) { return undefined; }
  const { assertion } = JSON.parse(line.slice(prefix.length)) as { assertion: string };
  return (JSON.parse(assertion) as { message?: string }).message;
}

/** {"$ObjectLike":{"status":200}} as {"status":200}. */
function readable(expected: unknown): string {
  try {
    return JSON.stringify(JSON.parse(String(expected), (_key, value: unknown) => {
      const [[matcher, argument] = []] = Object.entries(record(value));
      return matcher?.startsWith('$') ? argument : value;
    }));
  } catch {
    return String(expected ?? '');
  }
}
