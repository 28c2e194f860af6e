import { Assembly } from './assembly';
import { readCloudFronts } from './cloud-fronts';
import { readHttpApis } from './http-apis';
import { Resolver } from './intrinsics';
import { readLoadBalancers } from './load-balancers';
import { CannotRun } from '../cannot-run';
import { EdgeSpec, leadsTo, TargetGroupSpec } from '../model';

/**
 * What is in front of the target groups.
 *
 * @throws CannotRun if nothing leads to one of them
 */
export function readEdge(assembly: Assembly, resolver: Resolver, targetGroups: readonly TargetGroupSpec[]): EdgeSpec {
  const httpApis = readHttpApis(assembly, resolver, targetGroups.map(({ key }) => key));
  const loadBalancers = readLoadBalancers(assembly, resolver, targetGroups);
  const origins = [...httpApis, ...loadBalancers];
  const listeners = origins.flatMap((origin) => origin.listeners);
  for (const { key, name } of targetGroups) {
    if (!listeners.some((listener) => leadsTo(listener, key))) {
      throw new CannotRun(`no listener rule and no route of an HTTP API in this assembly leads to ${name}:`
        + ' a service without ingress cannot be rehearsed; select another service with --service');
    }
  }
  return { cloudFronts: readCloudFronts(assembly, resolver, origins), httpApis, loadBalancers };
}
