import { Emulator } from './emulator';
import { appendClient, requestHeaders, traceId } from './headers';
import { GatewayError, HttpEmulator, OwnResponse } from './http-emulator';
import { pickByWeight, TargetGroup } from './target-group';
import { leadsTo, LoadBalancerSpec, ResourceKey } from '../model';

/*
 * An emulator of an Application Load Balancer on the loopback interface.
 *
 * It follows AWS's documentation in what an app and its template can get wrong. It has no TLS, no HTTP/2, no
 * stickiness, no authentication and no web ACL. It tests the configuration; it does not prove that AWS would run it.
 *
 * Pages in the table are below https://docs.aws.amazon.com/elasticloadbalancing/latest/application/,
 * those that begin with ECS below https://docs.aws.amazon.com/AmazonECS/latest/developerguide/.
 *
 * | behavior                                                         | documented in, or assumed                      |
 * |------------------------------------------------------------------|------------------------------------------------|
 * | rules by priority, conditions, redirects, fixed responses        | rule-condition-types, rule-action-types        |
 * | weights of target groups                                         | documented; that they take turns is assumed    |
 * | probes, thresholds, matcher, timeout; a new target is healthy    | target-group-health-checks                     |
 * | after one successful probe                                       |                                                |
 * | if all targets are unhealthy, all get requests                   | target-group-health-checks                     |
 * | round robin among healthy targets                                | load-balancer-target-groups; the order assumed |
 * | a deregistered target gets no new request and completes the      | edit-target-group-attributes (deregistration)  |
 * | in-flight ones                                                   |                                                |
 * | deregistration takes effect at once                              | assumed; a check also tests a delay of 2 s     |
 * | 502, 503 and 504, and their causes                               | load-balancer-troubleshooting                  |
 * | connections to targets are kept for the idle timeout             | edit-load-balancer-attributes                  |
 * | 502 if the target closes a kept connection as a request arrives  | load-balancer-troubleshooting                  |
 * | X-Forwarded-*, the trace ID, headers that are dropped            | x-forwarded-headers, edit-load-balancer-…      |
 * | slow start                                                       | left out                                       |
 * | for On-Demand capacity ECS deregisters a task before SIGTERM,    | ECS fargate-capacity-providers; the order      |
 * | for Spot it may not                                              | assumed                                        |
 */

const STATUS_TEXTS: Record<GatewayError, string> = {
  502: '502 Bad Gateway',
  503: '503 Service Temporarily Unavailable',
  504: '504 Gateway Time-out',
};

/** @param targetGroups by key; one that is missing has no targets */
export function newLoadBalancer(spec: LoadBalancerSpec, targetGroups: ReadonlyMap<ResourceKey, TargetGroup>): Emulator {
  const keys = [...targetGroups.keys()];
  return new HttpEmulator(spec, {
    mainListener: spec.listeners.find((listener) => keys.some((key) => leadsTo(listener, key))),
    acceptsWebSockets: true,
    ownHeaders: { 'Server': 'awselb/2.0', 'Content-Type': 'text/plain' },
    pickTarget: pickByWeight(targetGroups),
    outgoing: (request, listener) => {
      const changes: Record<string, string | undefined> = {
        'X-Forwarded-Proto': listener.protocol.toLowerCase(),
        'X-Forwarded-Port': String(listener.port),
        'X-Amzn-Trace-Id': traceId(request),
      };
      if (spec.xForwardedFor === 'append') { changes['X-Forwarded-For'] = appendClient(request); }
      if (spec.xForwardedFor === 'remove') { changes['X-Forwarded-For'] = undefined; }
      const isDropped = (name: string) => spec.dropInvalidHeaderFields && !/^[A-Za-z0-9-]+$/.test(name);
      return { headers: requestHeaders(request, changes, isDropped) };
    },
    gatewayError: (error): OwnResponse => ({ status: error, body: STATUS_TEXTS[error] }),
  });
}
