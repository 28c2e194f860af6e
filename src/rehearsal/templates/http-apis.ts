import { Assembly, AssemblyResource } from './assembly';
import { keyOf, Resolver, ResourceReference } from './intrinsics';
import { number, text } from './values';
import { Condition, FixedResponseAction, HttpApiSpec, ListenerRuleSpec, ResourceKey } from '../model';
import { escapeRegExp } from '../patterns';

/*
 * Reads HTTP APIs of API Gateway whose private integrations lead to services of Cloud Map.
 */

interface Integration {
  readonly key: ResourceKey;
  /** The service of Cloud Map that it leads to, if any. */
  readonly service?: ResourceKey;
  readonly timeoutSeconds: number;
}

interface Route {
  /** `GET /pets/{id}`, `ANY /{proxy+}` or `$default`. */
  readonly routeKey: string;
  readonly integration?: Integration;
}

const NOT_FOUND: FixedResponseAction = {
  type: 'fixed-response',
  statusCode: 404,
  contentType: 'application/json',
  body: '{"message":"Not Found"}',
};

/** The HTTP APIs that lead to one of the services of Cloud Map. */
export function readHttpApis(
  assembly: Assembly, resolver: Resolver, cloudMapServices: readonly ResourceKey[],
): HttpApiSpec[] {
  const integrations = assembly.ofType('AWS::ApiGatewayV2::Integration')
    .map((integration) => readIntegration(resolver, integration));
  return assembly.ofType('AWS::ApiGatewayV2::Api').flatMap((api): HttpApiSpec[] => {
    const isOwned = ({ stack, logicalId }: AssemblyResource) => {
      const owner = resolver.reference(stack, stack.properties(logicalId).ApiId);
      return owner !== undefined && keyOf(owner) === keyOf(api);
    };
    const routes = assembly.ofType('AWS::ApiGatewayV2::Route')
      .filter(isOwned)
      .map((route) => readRoute(resolver, route, integrations));
    const reached = routes.flatMap(({ integration }) =>
      integration && cloudMapServices.includes(integration.service ?? '') ? [integration] : []);
    if (reached.length === 0) { return []; }

    const stages = assembly.ofType('AWS::ApiGatewayV2::Stage')
      .filter(isOwned)
      .map((stage) => text(resolver.properties(stage).StageName, ''));
    const name = api.stack.displayName(api.logicalId);
    return [{
      key: keyOf(api),
      name,
      notes: [`${name} is an HTTP API of API Gateway: its emulator has its routes, its timeout and the limit of 10 MB,`
        + ' and gets the health of tasks as Cloud Map would.'],
      idleTimeoutSeconds: Math.max(...reached.map(({ timeoutSeconds }) => timeoutSeconds)),
      listeners: [{
        name,
        port: 443,
        protocol: 'HTTPS',
        rules: routes.sort(bySpecificity).map((route) => toRule(route, stages)),
        defaultAction: NOT_FOUND,
      }],
    }];
  });
}

function readIntegration(resolver: Resolver, { stack, logicalId }: ResourceReference): Integration {
  const properties = stack.properties(logicalId);
  const service = resolver.reference(stack, properties.IntegrationUri);
  return {
    key: keyOf({ stack, logicalId }),
    service: service && keyOf(service),
    timeoutSeconds: number(resolver.resolve(stack, properties.TimeoutInMillis), 30_000) / 1000,
  };
}

function readRoute(resolver: Resolver, route: ResourceReference, integrations: readonly Integration[]): Route {
  const { Target, RouteKey } = resolver.properties(route);
  // integrations/{{aws:STACK:ID}}
  const [, stackKey, id] = /^integrations\/\{\{aws:([^:}]+):([^:}]+)\}\}$/.exec(String(Target)) ?? [];
  return { routeKey: String(RouteKey), integration: integrations.find(({ key }) => key === `${stackKey}:${id}`) };
}

/** Sorts routes in the order in which API Gateway selects them; `$default` is last. */
function bySpecificity({ routeKey: one }: Route, { routeKey: other }: Route): number {
  return compare(one === '$default', other === '$default')
    || compare(isGreedy(one), isGreedy(other))
    || compare(one.includes('{'), other.includes('{'))
    // Of two greedy routes, the longer one is selected.
    || (isGreedy(one) ? other.split('/').length - one.split('/').length : 0)
    || compare(one.startsWith('ANY '), other.startsWith('ANY '));
}

function isGreedy(routeKey: string): boolean {
  return routeKey.includes('+}');
}

function compare(one: boolean, other: boolean): number {
  return Number(one) - Number(other);
}

function toRule({ routeKey, integration }: Route, stages: readonly string[]): ListenerRuleSpec {
  const action = { type: 'forward' as const, targetGroups: [{ key: integration?.service ?? '', weight: 1 }] };
  const prefix = stagePrefix(stages);
  if (routeKey === '$default') {
    return { conditions: [{ field: 'route', expression: new RegExp(`^${prefix}(?:/.*)?$`, 's') }], action };
  }
  const [method, path] = routeKey.split(' ');
  const pattern = path.replace(/\/$/, '').split('/').slice(1).map(segmentPattern).join('');
  const conditions: Condition[] = [{ field: 'route', expression: new RegExp(`^${prefix}${pattern}/?$`, 's') }];
  if (method !== 'ANY') { conditions.push({ field: 'http-request-method', values: [method] }); }
  return { conditions, action };
}

/** The name of a stage is the first segment of the path, but for the stage `$default`. */
function stagePrefix(stages: readonly string[]): string {
  const named = stages.filter((stage) => stage !== '$default').map(escapeRegExp);
  if (named.length === 0) { return ''; }
  return `(?:/(?:${named.join('|')}))${stages.includes('$default') ? '?' : ''}`;
}

function segmentPattern(segment: string): string {
  if (/^\{.*\+\}$/.test(segment)) { return '/.+'; }
  return /^\{.*\}$/.test(segment) ? '/[^/]+' : `/${escapeRegExp(segment)}`;
}
