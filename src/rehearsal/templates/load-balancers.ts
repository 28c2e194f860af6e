import { Assembly } from './assembly';
import { keyOf, Resolver } from './intrinsics';
import { readAction, readConditions } from './listener-rules';
import { number, records, text } from './values';
import { leadsTo, ListenerRuleSpec, ListenerSpec, LoadBalancerSpec, ResourceKey, TargetGroupSpec } from '../model';

/*
 * Reads Application and Network Load Balancers with their listeners and rules.
 */

interface Rule extends ListenerRuleSpec {
  /** The key of the listener or, for a listener outside the assembly, its ARN. */
  readonly listener: ResourceKey;
  readonly isOutside: boolean;
  readonly priority: number;
}

interface Listener extends ListenerSpec {
  readonly loadBalancer?: ResourceKey;
}

/** The load balancers whose listeners lead to one of the target groups. */
export function readLoadBalancers(
  assembly: Assembly, resolver: Resolver, targetGroups: readonly TargetGroupSpec[],
): LoadBalancerSpec[] {
  const rules = readRules(assembly, resolver);
  const listeners = readListeners(assembly, resolver, rules);
  const loadBalancers = assembly.ofType('AWS::ElasticLoadBalancingV2::LoadBalancer')
    .map(({ stack, logicalId }): LoadBalancerSpec => {
      const key = keyOf({ stack, logicalId });
      const { LoadBalancerAttributes, Type } = resolver.properties({ stack, logicalId });
      const attributes = Object.fromEntries(records(LoadBalancerAttributes)
        .map((attribute) => [String(attribute.Key), attribute.Value]));
      return {
        key,
        name: stack.displayName(logicalId),
        type: Type === 'network' ? 'network' : 'application',
        notes: [],
        // Defaults: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
        idleTimeoutSeconds: number(attributes['idle_timeout.timeout_seconds'], 60),
        dropInvalidHeaderFields: attributes['routing.http.drop_invalid_header_fields.enabled'] === 'true',
        xForwardedFor: readXForwardedFor(attributes['routing.http.xff_header_processing.mode']),
        listeners: listeners.filter((listener) => listener.loadBalancer === key),
      };
    });
  const outside = [...new Set(rules.filter(({ isOutside }) => isOutside).map(({ listener }) => listener))]
    .map((arn) => outsideLoadBalancer(arn, rules.filter(({ listener }) => listener === arn)));
  return [...loadBalancers, ...outside].filter((loadBalancer) =>
    loadBalancer.listeners.some((listener) => targetGroups.some(({ key }) => leadsTo(listener, key))));
}

/** All rules of the assembly, by priority. */
function readRules(assembly: Assembly, resolver: Resolver): Rule[] {
  return assembly.ofType('AWS::ElasticLoadBalancingV2::ListenerRule').map(({ stack, logicalId }) => {
    const properties = stack.properties(logicalId);
    const listener = resolver.reference(stack, properties.ListenerArn);
    return {
      listener: listener ? keyOf(listener) : String(resolver.resolve(stack, properties.ListenerArn)),
      isOutside: !listener,
      priority: Number(resolver.resolve(stack, properties.Priority)),
      conditions: readConditions(resolver.resolve(stack, properties.Conditions)),
      action: readAction(properties.Actions, resolver, stack),
    };
  }).sort((one, other) => one.priority - other.priority);
}

function readListeners(assembly: Assembly, resolver: Resolver, rules: readonly Rule[]): Listener[] {
  return assembly.ofType('AWS::ElasticLoadBalancingV2::Listener').map(({ stack, logicalId }) => {
    const properties = stack.properties(logicalId);
    const loadBalancer = resolver.reference(stack, properties.LoadBalancerArn);
    return {
      loadBalancer: loadBalancer && keyOf(loadBalancer),
      name: stack.displayName(logicalId),
      port: number(resolver.resolve(stack, properties.Port), 80),
      protocol: readProtocol(resolver.resolve(stack, properties.Protocol)),
      rules: rules.filter(({ listener }) => listener === keyOf({ stack, logicalId })),
      defaultAction: readAction(properties.DefaultActions, resolver, stack),
    };
  });
}

function readProtocol(protocol: unknown): ListenerSpec['protocol'] {
  return (['HTTPS', 'TCP', 'TLS'] as const).find((candidate) => candidate === protocol) ?? 'HTTP';
}

function readXForwardedFor(mode: unknown): LoadBalancerSpec['xForwardedFor'] {
  return text(mode, 'append') as LoadBalancerSpec['xForwardedFor'];
}

/** A load balancer of which the assembly has only the ARN of a listener, and rules. */
function outsideLoadBalancer(arn: string, rules: readonly Rule[]): LoadBalancerSpec {
  return {
    key: arn,
    type: 'application',
    name: `a load balancer outside the assembly, listener ${arn}`,
    notes: [
      `Listener ${arn} is not in this assembly. Its emulator has the rules that are in the assembly, and returns 404`
      + ' for all other requests. HTTP on port 80 and an idle timeout of 60 s are assumed.',
    ],
    idleTimeoutSeconds: 60,
    dropInvalidHeaderFields: false,
    xForwardedFor: 'append',
    listeners: [{
      name: `listener ${arn}`,
      port: 80,
      protocol: 'HTTP',
      rules,
      defaultAction: {
        type: 'fixed-response',
        statusCode: 404,
        contentType: 'text/plain',
        body: 'no listener rule in this assembly matches the request\n',
      },
    }],
  };
}
