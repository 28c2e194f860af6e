import { newCloudFront } from './cloud-front';
import { Emulator } from './emulator';
import { newHttpApi } from './http-api';
import { newLoadBalancer } from './load-balancer';
import { NetworkLoadBalancer } from './network-load-balancer';
import { TargetGroup } from './target-group';
import { EdgeSpec, ResourceKey } from '../model';

/**
 * The emulators of everything in front of the target groups, outermost first: CloudFront, HTTP APIs, load balancers.
 */
export function newEmulators(edge: EdgeSpec, targetGroups: ReadonlyMap<ResourceKey, TargetGroup>): Emulator[] {
  const origins = [
    ...edge.httpApis.map((spec) => newHttpApi(spec, targetGroups)),
    ...edge.loadBalancers.map((spec) => spec.type === 'network'
      ? new NetworkLoadBalancer(spec, targetGroups)
      : newLoadBalancer(spec, targetGroups)),
  ];
  return [...edge.cloudFronts.map((spec) => newCloudFront(spec, origins)), ...origins];
}
