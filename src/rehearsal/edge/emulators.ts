import { CannotRun } from '../cannot-run';
import { CloudFront, readCloudFronts } from './cloud-front';
import { HttpApi, readHttpApis } from './http-api';
import { LoadBalancer } from './load-balancer';
import { TargetGroup } from './target-group';
import { Assembly } from '../templates/assembly';
import { Resolver } from '../templates/intrinsics';
import { leadsTo, readLoadBalancers } from '../templates/service';

/**
 * What stands in front of the target groups, outermost first: CloudFront, HTTP APIs, load balancers.
 *
 * @throws CannotRun when nothing leads to one of them
 */
export function newEmulators(assembly: Assembly, resolver: Resolver, targetGroups: ReadonlyMap<string, TargetGroup>): LoadBalancer[] {
  const groups = [...targetGroups.values()].map(({ spec }) => spec);
  const inner = [
    ...readHttpApis(assembly, resolver, groups.map(({ key }) => key)).map((spec) => new HttpApi(spec, targetGroups)),
    ...readLoadBalancers(assembly, resolver, groups).map((spec) => new LoadBalancer(spec, targetGroups)),
  ];
  for (const group of groups) {
    if (!inner.some(({ spec }) => spec.listeners.some((listener) => leadsTo(listener, group.key)))) {
      throw new CannotRun(`nothing of this assembly leads to ${group.name}, neither a rule of a listener nor a route of an HTTP API:`
        + ' what has no way in cannot be rehearsed; name another service with --service');
    }
  }
  return [...readCloudFronts(assembly, resolver, inner.map(({ spec }) => spec)).map((spec) => new CloudFront(spec, inner)), ...inner];
}
