import { decide } from './listener-rules';
import { LoadBalancer } from './load-balancer';
import { Front } from '../checks/load';
import { ListenerRuleSpec, ListenerSpec, ResourceKey } from '../model';
import { forwardsTo, leadsTo } from '../templates/service';

/*
 * How requests come to a target group by the rules of a listener, read backwards.
 */

/** A way by which users reach the tasks: not the health path, which answers 503 when a task leaves. */
export function frontOf(targetGroup: ResourceKey, loadBalancers: readonly LoadBalancer[]): Front | undefined {
  for (const loadBalancer of loadBalancers) {
    for (const listener of loadBalancer.spec.listeners.filter((candidate) => leadsTo(candidate, targetGroup))) {
      const host = hostTowards(listener, targetGroup);
      const path = pathsTowards(listener, targetGroup).find((candidate) => reaches(listener, targetGroup, host, candidate));
      if (path !== undefined) { return { loadBalancer, url: `${loadBalancer.url(listener)}${path}`, host }; }
    }
  }
  return undefined;
}

/** Whether a request goes there: another rule may come first, and a weight may be 0. */
export function reaches(listener: ListenerSpec, targetGroup: ResourceKey, host: string, path: string): boolean {
  const [pathname, query = ''] = path.split('?');
  const action = decide(listener, {
    method: 'GET', protocol: listener.protocol, host, port: listener.port, path: pathname, query, headers: { host }, sourceIp: '127.0.0.1',
  });
  return action.type === 'forward' && action.targetGroups.some(({ key, weight }) => key === targetGroup && weight > 0);
}

/** A host that the rules ask for, or any. */
export function hostTowards(listener: ListenerSpec, targetGroup: ResourceKey): string {
  const [rule] = rulesTowards(listener, targetGroup);
  const condition = rule?.conditions.find(({ field }) => field === 'host-header');
  return condition?.field === 'host-header' ? condition.values[0].replace(/[*?]/g, 'x') : '127.0.0.1';
}

/** Paths that the rules ask for, without their wildcards; and /, where they ask for none. */
function pathsTowards(listener: ListenerSpec, targetGroup: ResourceKey): string[] {
  const conditions = rulesTowards(listener, targetGroup).flatMap((rule) => rule.conditions);
  const patterns = conditions.flatMap((condition) => condition.field === 'path-pattern' ? condition.values : []);
  return [...patterns.map((pattern) => pattern.replace(/[*?]/g, '')), '/'];
}

function rulesTowards({ rules }: ListenerSpec, targetGroup: ResourceKey): ListenerRuleSpec[] {
  return rules.filter(({ action }) => forwardsTo(action, targetGroup));
}
