import { Emulator } from './emulator';
import { decide } from './listener-rules';
import {
  CloudFrontSpec, EmulatorSpec, forwardsTo, leadsTo, ListenerRuleSpec, ListenerSpec,
  ResourceKey, RuleRequest, ServiceSpec,
} from '../model';

/*
 * Finds requests that the rules of a listener forward to a target group.
 */

/** A URL that reaches the tasks as a user's request would. */
export interface Front {
  readonly emulator: Emulator;
  readonly url: string;
  /** The Host header that the rules require. */
  readonly host: string;
}

/** Where requests reach the tasks of a service, if there is such a listener. */
export function findFrontOf({ registrations }: ServiceSpec, emulators: readonly Emulator[]): Front | undefined {
  return registrations.map(({ targetGroup }) => findFront(targetGroup.key, emulators)).find(Boolean);
}

/** Not the health path, which returns 503 while a task shuts down. */
function findFront(targetGroup: ResourceKey, emulators: readonly Emulator[]): Front | undefined {
  for (const emulator of emulators) {
    for (const listener of emulator.spec.listeners.filter((candidate) => leadsTo(candidate, targetGroup))) {
      const host = hostTowards(listener, targetGroup);
      const path = pathsTowards(listener, targetGroup).find((candidate) =>
        reaches(listener, targetGroup, { host, path: candidate }));
      if (path !== undefined) { return { emulator, url: `${emulator.url(listener)}${path}`, host }; }
    }
  }
  return undefined;
}

/** Whether a request reaches the target group: an earlier rule may match, and a weight may be 0. */
export function reaches(
  listener: ListenerSpec, targetGroup: ResourceKey, { host, path }: { readonly host: string; readonly path: string },
): boolean {
  const [pathname, query = ''] = path.split('?');
  const action = decide(listener, requestFor(listener, { host, pathname, query }));
  return action.type === 'forward' && action.targetGroups.some(({ key, weight }) => key === targetGroup && weight > 0);
}

function requestFor(
  { protocol, port }: ListenerSpec,
  { host, pathname, query }: { readonly host: string; readonly pathname: string; readonly query: string },
): RuleRequest {
  return {
    method: 'GET', protocol, host, port, path: pathname, query, headers: { host }, sourceIp: '127.0.0.1',
  };
}

/** The emulator behind CloudFront, and its listener, that a request over HTTPS to a distribution reaches. */
export function originOf(
  { spec }: Emulator, path: string, emulators: readonly Emulator[],
): { readonly emulator: Emulator; readonly listener: ListenerSpec } | undefined {
  const listener = spec.listeners.find(({ protocol }) => protocol === 'HTTPS');
  if (!isCloudFront(spec) || !listener) { return undefined; }
  const [pathname, query = ''] = path.split('?');
  const action = decide(listener, requestFor(listener, { host: '127.0.0.1', pathname, query }));
  const origin = action.type === 'forward' ? spec.behaviors.get(action.targetGroups[0].key)?.origin : undefined;
  const emulator = emulators.find((candidate) => candidate.spec.key === origin?.key);
  const originListener = emulator?.spec.listeners.find(({ port }) => port === origin?.port);
  return emulator && originListener ? { emulator, listener: originListener } : undefined;
}

function isCloudFront(spec: EmulatorSpec): spec is CloudFrontSpec {
  return 'behaviors' in spec;
}

/** A host that the first rule for the target group requires, or the loopback address. */
export function hostTowards(listener: ListenerSpec, targetGroup: ResourceKey): string {
  const [rule] = rulesTowards(listener, targetGroup);
  const condition = rule?.conditions.find(({ field }) => field === 'host-header');
  return condition?.field === 'host-header' ? condition.values[0].replace(/[*?]/g, 'x') : '127.0.0.1';
}

/** The paths that the rules require, without wildcards, and /. */
function pathsTowards(listener: ListenerSpec, targetGroup: ResourceKey): string[] {
  const conditions = rulesTowards(listener, targetGroup).flatMap((rule) => rule.conditions);
  const patterns = conditions.flatMap((condition) => condition.field === 'path-pattern' ? condition.values : []);
  return [...patterns.map((pattern) => pattern.replace(/[*?]/g, '')), '/'];
}

function rulesTowards({ rules }: ListenerSpec, targetGroup: ResourceKey): ListenerRuleSpec[] {
  return rules.filter(({ action }) => forwardsTo(action, targetGroup));
}
