import { randomUUID } from 'node:crypto';
import * as http from 'node:http';
import { AddressInfo } from 'node:net';
import * as path from 'node:path';
import { CloudFormationResponse, LambdaCode, RESPONSE_URL } from './lambda';
import { execute, StateMachineDefinition } from './state-machine';
import { PublicNames } from '../edge/public-names';
import { Assembly, CfnResource, Stack } from '../templates/assembly';
import { knownOnlyInAws, KnownAttributes, Resolver } from '../templates/intrinsics';

/*
 * The assertions of the integ tests in an assembly, run by the handler that `@aws-cdk/integ-tests-alpha` has put there to be run
 * by Lambda: it is a file asset of the stack with the assertions. CloudFormation, Lambda and Step Functions are played around it.
 */

export interface AssertionOutcome {
  readonly outcome: 'passed' | 'failed' | 'not rehearsed';
  /** What is asserted, for example GET http://127.0.0.1:8080/health gives {"status":200}. */
  readonly assertion: string;
  readonly reason?: string;
}

const ASSERTION = 'Custom::DeployAssert@';
const HTTP_CALL = `${ASSERTION}HttpCall`;
const SDK_CALL = `${ASSERTION}SdkCall`;

/**
 * @param pace how many times as fast as they say the waiters of the assertions wait
 * @param interrupted ends the waiting
 * @param tell is told each outcome
 */
export async function rehearseAssertions(
  assembly: Assembly, names: PublicNames, pace: number, interrupted: AbortSignal, tell: (outcome: AssertionOutcome) => void,
): Promise<void> {
  for (const { stack } of assembly.integTests) {
    const provider = new AssertionProvider(assembly, stack, names, pace, interrupted);
    try {
      await provider.start();
      // What AWS was to change, and what comes after it.
      const changed = new Map<string, string>();
      for (const { logicalId, resource, after } of inOrder(stack)) {
        const change = changeIn(resource) ?? after.map((other) => changed.get(other)).find((found) => found !== undefined);
        if (change !== undefined) { changed.set(logicalId, change); }
        const outcome = await provider.assert(logicalId, resource, change);
        if (interrupted.aborted) { return; }
        tell(outcome);
      }
    } finally {
      provider.close();
    }
  }
}

/** What a call of AWS's API would change, unless it only asks. */
function changeIn({ Type, Properties = {} }: CfnResource): string | undefined {
  return Type.startsWith(SDK_CALL) && !/^(describe|list|get|batchGet|head|query|scan|lookup|search|filter)/i.test(Properties.api)
    ? `${Properties.service}:${Properties.api}`
    : undefined;
}

interface Assertion {
  readonly logicalId: string;
  readonly resource: CfnResource;
  /** What it depends on. */
  readonly after: string[];
}

/** The assertions of a stack, each after those that it depends on. */
function inOrder(stack: Stack): Assertion[] {
  const left = new Map(stack.resources.filter(([, { Type }]) => Type.startsWith(ASSERTION)));
  const ordered: Assertion[] = [];
  const visit = (logicalId: string) => {
    const resource = left.get(logicalId);
    if (!resource) { return; }
    left.delete(logicalId);
    const mentioned = [...JSON.stringify(resource.Properties ?? {}).matchAll(/"Fn::GetAtt":\["(\w+)"/g)].map((match) => match[1]);
    const after = [resource.DependsOn ?? [], mentioned].flat();
    after.forEach(visit);
    ordered.push({ logicalId, resource, after });
  };
  [...left.keys()].forEach(visit);
  return ordered;
}

class AssertionProvider {
  private readonly resolver: Resolver;
  private readonly code = new Map<string, LambdaCode>();
  private readonly responses = new Map<string, (response: CloudFormationResponse) => void>();
  /** What the resources that are done answered, for those that read it. */
  private readonly data = new Map<string, CloudFormationResponse['Data']>();
  private readonly stepFunctions: http.Server;
  /** Ends the waiters, of which the last one may not know yet that its answer has come. */
  private readonly ended = new AbortController();

  constructor(
    assembly: Assembly, private readonly stack: Stack, private readonly names: PublicNames, private readonly pace: number, interrupted: AbortSignal,
  ) {
    interrupted.addEventListener('abort', () => this.ended.abort(), { once: true });
    const known: KnownAttributes = (reference) => {
      const { logicalId, attribute } = reference;
      if (reference.stack !== stack) { return names.known(reference); }
      switch (stack.template.Resources?.[logicalId]?.Type) {
        case 'AWS::Lambda::Function': return attribute === 'Arn' ? arnOf('lambda', logicalId) : undefined;
        case 'AWS::StepFunctions::StateMachine': return attribute === undefined || attribute === 'Arn' ? arnOf('states', logicalId) : undefined;
        default: return attribute === undefined ? undefined : this.data.get(logicalId)?.[attribute] ?? names.known(reference);
      }
    };
    this.resolver = new Resolver(assembly, known);
    this.stepFunctions = http.createServer((request, response) => this.startExecution(request, response));
  }

  public async start(): Promise<void> {
    await new Promise<void>((resolve) => this.stepFunctions.listen(0, '127.0.0.1', resolve));
  }

  public close(): void {
    this.ended.abort();
    this.stepFunctions.close();
    this.stepFunctions.closeAllConnections();
    this.code.forEach((code) => code.close());
  }

  /** @param change what AWS was to change before, or by it */
  public async assert(logicalId: string, resource: CfnResource, change: string | undefined): Promise<AssertionOutcome> {
    const properties = this.resolver.resolve(this.stack, resource.Properties ?? {});
    const expected = properties.expected === undefined ? '' : ` gives ${readable(properties.expected)}`;

    if (resource.Type.startsWith(SDK_CALL)) {
      return { outcome: 'not rehearsed', assertion: `${properties.service}:${properties.api}${expected}`, reason: 'it asks AWS' };
    }
    let assertion = `${readable(properties.actual)}${expected}`;
    if (resource.Type.startsWith(HTTP_CALL)) {
      const { url, fetchOptions } = properties.parameters;
      const method = fetchOptions?.method ?? 'GET';
      properties.parameters.url = this.names.rewrite(String(url));
      assertion = `${method} ${properties.parameters.url}${expected}`;
      if (properties.parameters.url === url) { return { outcome: 'not rehearsed', assertion, reason: 'it does not ask a load balancer that is rehearsed' }; }
    }
    if (change !== undefined) { return { outcome: 'not rehearsed', assertion, reason: `it comes after ${change}, which only AWS does` }; }
    const unknown = knownOnlyInAws(JSON.stringify(properties));
    if (unknown.length > 0) { return { outcome: 'not rehearsed', assertion, reason: `it needs ${unknown.join(', ')}, which only AWS knows` }; }

    this.code.forEach((code) => { code.output = ''; });
    const response = await this.create(logicalId, resource.Type, properties);
    this.data.set(logicalId, response.Data);
    // An assertion that does not hold answers SUCCESS all the same, unless it is waited for: what it found is in the data.
    const found = response.Data?.assertion === undefined ? { status: 'success' } : JSON.parse(response.Data.assertion);
    return response.Status === 'SUCCESS' && found.status === 'success'
      ? { outcome: 'passed', assertion }
      : { outcome: 'failed', assertion, reason: found.message ?? this.lastMismatch() ?? response.Reason };
  }

  /** What CloudFormation does to create a custom resource. */
  private async create(logicalId: string, type: string, properties: any): Promise<CloudFormationResponse> {
    const requestId = randomUUID();
    const response = new Promise<CloudFormationResponse>((resolve) => this.responses.set(requestId, resolve));
    const failed = (error: Error): CloudFormationResponse => ({ Status: 'FAILED', Reason: error.message, RequestId: requestId });
    try {
      await this.invoke(properties.ServiceToken, {
        RequestType: 'Create',
        RequestId: requestId,
        StackId: arnOf('cloudformation', this.stack.name),
        LogicalResourceId: logicalId,
        ResourceType: type,
        ServiceToken: properties.ServiceToken,
        ResponseURL: RESPONSE_URL,
        ResourceProperties: withStrings(properties),
      });
    } catch (error) {
      return failed(error as Error);
    }
    return response;
  }

  /** Calls a Lambda function of the stack. */
  private async invoke(arn: string, event: unknown): Promise<unknown> {
    const { Code, Handler, Timeout = 3 } = this.resolver.resolve(this.stack, this.stack.template.Resources![nameIn(arn)].Properties);
    const [module, handler] = Handler.split('.');
    const file = path.join(this.stack.fileAsset(Code.S3Key) ?? '', `${module}.js`);
    if (!this.code.has(file)) {
      this.code.set(file, new LambdaCode(file, {
        PATH: process.env.PATH,
        AWS_REGION: 'us-east-1',
        // The handler's client wants some; they are good for nothing.
        AWS_ACCESS_KEY_ID: 'rehearsal',
        AWS_SECRET_ACCESS_KEY: 'rehearsal',
        AWS_ENDPOINT_URL_SFN: `http://127.0.0.1:${(this.stepFunctions.address() as AddressInfo).port}`,
      }, (response) => this.responses.get(response.RequestId)?.(response)));
    }
    return this.code.get(file)!.invoke(handler, event, Timeout);
  }

  /** Step Functions' StartExecution: answers at once, and plays the state machine. */
  private startExecution(request: http.IncomingMessage, response: http.ServerResponse): void {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => { body += text; }).on('end', () => {
      const { stateMachineArn, input, name } = JSON.parse(body);
      const { DefinitionString } = this.resolver.resolve(this.stack, this.stack.template.Resources![nameIn(stateMachineArn)].Properties);
      const definition: StateMachineDefinition = JSON.parse(DefinitionString);
      void execute(definition, JSON.parse(input), async (resource, data) => this.invoke(resource, data), this.pace, this.ended.signal)
        .then(() => 'it ended without an answer', (error: Error) => error.message)
        // Only the first answer counts.
        .then((reason) => this.responses.get(name)?.({ Status: 'FAILED', Reason: reason, RequestId: name }));
      response.setHeader('Content-Type', 'application/x-amz-json-1.0');
      response.end(JSON.stringify({ executionArn: `${stateMachineArn}:${name}`, startDate: Date.now() / 1000 }));
    });
  }

  /** After a time-out the handler says only that; what it saw last is in its log. */
  private lastMismatch(): string | undefined {
    const logged = [...this.code.values()].flatMap(({ output }) => output.split('\n')).filter((line) => line.startsWith('Assertion Failed: ')).at(-1);
    return logged && JSON.parse(JSON.parse(logged.slice('Assertion Failed: '.length)).assertion).message;
  }
}

function arnOf(service: string, name: string): string {
  return `arn:aws:${service}:us-east-1:123456789012:${name}`;
}

function nameIn(arn: string): string {
  return arn.split(':').at(-1)!;
}

/** CloudFormation hands every scalar to a custom resource as a string. */
function withStrings(value: any): any {
  if (Array.isArray(value)) { return value.map(withStrings); }
  if (value === null || typeof value !== 'object') { return String(value); }
  return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, withStrings(element)]));
}

/** {"$ObjectLike":{"status":200}} as {"status":200}. */
function readable(expected: unknown): string {
  try {
    return JSON.stringify(JSON.parse(String(expected), (_key, value) => {
      const [[matcher, argument] = []] = Object.entries(value ?? {});
      return matcher?.startsWith('$') ? argument : value;
    }));
  } catch {
    return String(expected ?? '');
  }
}
