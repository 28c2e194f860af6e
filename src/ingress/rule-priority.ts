import { createHash } from 'node:crypto';
import {
  CfnParameter,
  Reference,
  Stack,
  Stage,
  Token,
  Tokenization,
  aws_elasticloadbalancingv2 as elbv2,
} from 'aws-cdk-lib';
import { IConstruct } from 'constructs';

/** The requests that a listener rule matches. */
export interface RuleConditions {
  readonly pathPatterns: string[];
  readonly hostHeaders: string[];
}

/**
 * Priorities from 1000 to 48999: 16,000 for rules with exact hosts, then for hosts with wildcards, then for all hosts.
 * Within these, a band for each length of the path: common lengths have wide bands, so that rules seldom clash.
 */
const FIRST_PRIORITY = 1000;
const MAX_PATH_LENGTH = 49;
const BAND_SIZES = Array.from({ length: MAX_PATH_LENGTH + 1 }, (_, i) => bandSize(MAX_PATH_LENGTH - i));
const PRIORITIES_PER_KIND_OF_HOST = 16_000;

/** The length that a token counts as: longer than `/*`, which must not match the requests of the rule. */
const TOKEN_LENGTH = 8;

/**
 * The priority of a rule, computed from the rule alone, so that it does not change when services are added or removed:
 * CloudFormation changes one rule at a time, and a number that another rule still has is refused
 * (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetRulePriorities.html: PriorityInUse).
 *
 * More specific rules get lower numbers, so that `/*` does not match requests for `/shop`. Among equally specific
 * rules, a hash of the conditions decides. It does not include the text of tokens, which differs between syntheses.
 */
export function priorityOf(scope: IConstruct, { pathPatterns, hostHeaders }: RuleConditions): number {
  const resolved = (values: string[]) => values.map((value) => JSON.stringify(Stack.of(scope).resolve(value))).sort();
  const content = JSON.stringify([resolved(pathPatterns), resolved(hostHeaders.map(lowerCased))]);
  const hash = createHash('sha256').update(content).digest().readUInt32BE();

  const pathLength = pathPatterns.length > 0 ? Math.min(MAX_PATH_LENGTH, ...pathPatterns.map(literalLength)) : 0;
  const band = MAX_PATH_LENGTH - pathLength;
  const first = FIRST_PRIORITY + kindOfHost(hostHeaders) * PRIORITIES_PER_KIND_OF_HOST + sum(BAND_SIZES.slice(0, band));
  return first + hash % BAND_SIZES[band];
}

function bandSize(pathLength: number): number {
  if (pathLength < 2) { return 1760; }
  return pathLength < 26 ? 400 : 120;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Exact hosts, hosts with wildcards, or all hosts. */
function kindOfHost(hostHeaders: string[]): number {
  if (hostHeaders.length === 0) { return 2; }
  return hostHeaders.some((host) => /[*?]/.test(host)) ? 1 : 0;
}

/** Hosts are not case-sensitive, but the text of a token is. */
function lowerCased(host: string): string {
  return Token.isUnresolved(host) ? host : host.toLowerCase();
}

/** The length of a pattern without wildcards. */
function literalLength(pattern: string): number {
  const tokens = Token.isUnresolved(pattern) ? Tokenization.reverseString(pattern).tokens : [];
  const literal = tokens.reduce<string>((text, token) => text.replace(String(token), ''), pattern);
  return literal.replace(/[*?]/g, '').length + tokens.length * TOKEN_LENGTH;
}

const PRIORITIES = Symbol.for('hello-fargate-service.prioritiesInUse');

/** The priorities in use on a listener, with the services that use them. App-wide, as stacks can import a listener. */
export function prioritiesInUse(listener: elbv2.IApplicationListener): Map<number, string> {
  const root = listener.node.root as unknown as { [PRIORITIES]?: Map<string, Map<number, string>> };
  const byListener = root[PRIORITIES] ??= new Map();
  const key = identityOf(listener);
  if (!byListener.has(key)) { byListener.set(key, new Map()); }
  return byListener.get(key)!;
}

/** The resource IDs that CDK returns for every lookup of a listener until it has been made. */
const DUMMY_LISTENER = '50dc6c495c0c9188/f2f7dc8efc522ab2';

/** A text that is equal for two constructs only if they certainly are the same listener. */
function identityOf(listener: elbv2.IApplicationListener): string {
  const { listenerArn, node: { path } } = listener;
  if (!Token.isUnresolved(listenerArn)) {
    if (listenerArn.endsWith(DUMMY_LISTENER)) { return path; }
    return listenerArn.startsWith('arn:') ? listenerArn : inEnvironment(listener, listenerArn);
  }
  const { tokens } = Tokenization.reverseString(listenerArn);
  const references = tokens.filter((token): token is Reference => Reference.isReference(token));
  if (references.length === 0) { return inEnvironment(listener, Stack.of(listener).resolve(listenerArn)); }
  const { target } = references[0];
  if (tokens.length > 1) { return path; }
  // A parameter of a stack can differ between stacks, except that SSM has one value for a name.
  const isSsmParameter = target instanceof CfnParameter && target.type.startsWith('AWS::SSM::Parameter::Value');
  return isSsmParameter ? inEnvironment(listener, { ssm: target.default }) : target.node.path;
}

/** Exports and SSM parameters are the same within an account and Region. Stages without them can differ. */
function inEnvironment(scope: IConstruct, value: unknown): string {
  const { environment, account, region } = Stack.of(scope);
  const isUnknown = Token.isUnresolved(account) || Token.isUnresolved(region);
  return JSON.stringify([environment, isUnknown && Stage.of(scope)?.node.path, value]);
}
