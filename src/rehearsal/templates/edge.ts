import { Assembly } from './assembly';
import { readCloudFronts } from './cloud-fronts';
import { readHttpApis } from './http-apis';
import { Resolver } from './intrinsics';
import { readLoadBalancers } from './load-balancers';
import { ReadServices, skipServices } from './services';
import { EdgeSpec, leadsTo, TargetGroupSpec } from '../model';

/** What is in front of the target groups: nothing for a service without ingress. */
export function readEdge(assembly: Assembly, resolver: Resolver, targetGroups: readonly TargetGroupSpec[]): EdgeSpec {
  const httpApis = readHttpApis(assembly, resolver, targetGroups.map(({ key }) => key));
  const loadBalancers = readLoadBalancers(assembly, resolver, targetGroups);
  return { cloudFronts: readCloudFronts(assembly, resolver, [...httpApis, ...loadBalancers]), httpApis, loadBalancers };
}

/**
 * Skips services that ECS would refuse, because no load balancer is associated with their target group.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html
 *
 * @throws CannotRun if no service is left
 */
export function skipWithoutListener(read: ReadServices, edge: EdgeSpec): ReadServices {
  const listeners = [...edge.httpApis, ...edge.loadBalancers].flatMap((origin) => origin.listeners);
  return skipServices(read, ({ registrations }) => {
    const alone = registrations.find(({ targetGroup }) =>
      !targetGroup.healthCheck.inContainer && !listeners.some((listener) => leadsTo(listener, targetGroup.key)));
    return alone && `no listener in this assembly forwards requests to ${alone.targetGroup.name}: ECS creates no`
      + ' service whose target group has no load balancer';
  });
}
