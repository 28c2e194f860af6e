import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { dataPoints, isInAlarm, Metric, Series, Source } from './cloudwatch';

/** A minute in the life of a service. */
export interface Minute {
  /** Tasks that run, each with this CPU, memory and log lines. */
  readonly running?: number;
  readonly cpu?: number;
  readonly memory?: number;
  readonly errorLines?: number;
  /** Tasks that are registered with the load balancer, and those of them that are healthy. */
  readonly registered?: number;
  readonly healthy?: number;
  /** With which of the two target groups, where there are two. */
  readonly group?: 'main' | 'alternate';
  /** Requests, those of them that a task answers with 5xx, and those that it breaks off or is too slow for. */
  readonly requests?: number;
  readonly errors?: number;
  readonly brokenOff?: number;
  readonly tooSlow?: number;
  /** How long answers take. */
  readonly seconds?: number[];
}

/** A service in which all is well. */
export const WELL: Minute = { running: 2, registered: 2, healthy: 2, cpu: 20, memory: 40, requests: 60 };

/** No task, and so nobody to answer. */
export const AT_REST: Minute = { running: 0, registered: 0, healthy: 0, requests: 0 };

/** Minutes one after another: `[how many, like this]`. */
export function life(...parts: [count: number, minute: Minute | ((i: number) => Minute)][]): Minute[] {
  return parts.flatMap(([count, minute]) => Array.from({ length: count }, (_, i) => typeof minute === 'function' ? minute(i) : minute));
}

/** A number of things that is not reported when it is 0. */
const some = (count: number | undefined) => count ? [count] : [];
const each = (count: number | undefined, value: number) => Array.from({ length: count ?? 0 }, () => value);

/** What AWS reports of a minute, by the criteria that its pages name. */
function reported({ Namespace, MetricName }: Metric, isAlternate: boolean, minute: Minute): number[] {
  const { running = 0, registered = 0, healthy = 0, requests = 0, errors, brokenOff = 0, tooSlow = 0, seconds } = minute;
  const isHere = (minute.group ?? 'main') === (isAlternate ? 'alternate' : 'main');
  const times = seconds ?? each(Math.min(requests, 50), 0.05);
  switch (`${Namespace} ${MetricName}`) {
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html: one sample for each task that runs
    case 'AWS/ECS CPUUtilization': return each(running, minute.cpu ?? 20);
    case 'AWS/ECS MemoryUtilization': return each(running, minute.memory ?? 40);
    // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html: counts only if there are any, hosts
    // from each of two nodes if targets are registered, requests only if a target could be chosen
    case 'AWS/ApplicationELB HealthyHostCount': return isHere && registered > 0 ? [healthy, healthy] : [];
    case 'AWS/ApplicationELB RequestCount': return isHere && registered > 0 ? some(requests) : [];
    case 'AWS/ApplicationELB HTTPCode_Target_5XX_Count': return isHere && registered > 0 ? some(errors) : [];
    case 'AWS/ApplicationELB HTTPCode_ELB_502_Count': return some(brokenOff);
    case 'AWS/ApplicationELB HTTPCode_ELB_504_Count': return some(tooSlow);
    case 'AWS/ApplicationELB TargetResponseTime': return isHere && registered > 0 ? times : [];
    // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html: without a task, each request is a 503
    case 'AWS/ApiGateway Count': return some(requests);
    case 'AWS/ApiGateway 5xx': return requests > 0 ? [running === 0 ? requests : (errors ?? 0) + brokenOff + tooSlow] : [];
    case 'AWS/ApiGateway IntegrationLatency': return running > 0 ? times.map((time) => time * 1000) : [];
  }
  if (Namespace === 'HelloFargateService' && JSON.stringify(MetricName).includes('ErrorLines')) { return some(minute.errorLines); }
  throw new Error(`AWS has no metric ${Namespace} ${JSON.stringify(MetricName)}`);
}

function sourceOf(minutes: Minute[]): Source {
  return (metric) => {
    const names = (metric.Dimensions ?? []).map(({ Name }) => Name).sort().join();
    const wanted = ({ 'AWS/ECS': ['ClusterName,ServiceName'], 'AWS/ApiGateway': ['ApiId'], 'HelloFargateService': [''] } as { [namespace: string]: string[] })[metric.Namespace]
      ?? [/^HTTPCode_ELB/.test(metric.MetricName) ? 'LoadBalancer' : 'LoadBalancer,TargetGroup'];
    if (!wanted.includes(names)) { throw new Error(`AWS has ${metric.MetricName} not by ${names}`); }
    const isAlternate = JSON.stringify(metric.Dimensions ?? []).includes('AlternateTargetGroup');
    return minutes.map((minute) => reported(metric, isAlternate, minute));
  };
}

/** When an alarm was in alarm, in minutes from the start. */
export type Woken = { [alarm: string]: number[] };

/**
 * Who was woken when, by the alarms of a service as they are in the template.
 *
 * Of CloudWatch it is not known exactly how many data points it sees beyond the evaluation periods, where its periods begin, and how late a data
 * point comes. All of these are tried, and only what holds for all of them is said: `ever` in alarm by any of them, `always` by all.
 */
export function onCall(stack: Stack, minutes: Minute[], { from = 20 } = {}): { ever: Woken; always: Woken } {
  const alarms = Object.entries<any>(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm')).filter(([id]) => /HelloAlarms/.test(id));
  const ever: Woken = {};
  const always: Woken = {};
  for (const [id, { Properties: alarm }] of alarms) {
    const name = /HelloAlarms(\w+)[0-9A-F]{8}$/.exec(id)![1];
    const runs = [0, 1, 4].flatMap((offset) => {
      const { minutes: period, points } = dataPoints(alarm, sourceOf(minutes.slice(offset)));
      const run = { period, offset, from, minutes: minutes.length };
      return [0, 1, 2].flatMap((late) => [2, 5].map((beyond) => alarmed(alarm, points, { ...run, late, beyond })));
    });
    const all = new Set(runs.flatMap((run) => [...run]));
    const byAll = [...all].filter((minute) => runs.every((run) => run.has(minute)));
    if (all.size > 0) { ever[name] = [...all].sort((a, b) => a - b); }
    if (byAll.length > 0) { always[name] = byAll.sort((a, b) => a - b); }
  }
  return { ever, always };
}

interface Run {
  /** Minutes of a period, of the whole, before the first period, by which data is late, and before which nobody looks. */
  readonly period: number;
  readonly minutes: number;
  readonly offset: number;
  readonly late: number;
  readonly from: number;
  /** Data points that are seen beyond the evaluation periods. */
  readonly beyond: number;
}

/** The minutes in which an alarm with these data points is in alarm. */
function alarmed(alarm: any, points: Series, { period, minutes, offset, late, from, beyond }: Run): Set<number> {
  // What is not there yet is missing, and an expression that fills makes something of that.
  const [notYet] = dataPoints(alarm, () => Array.from({ length: period }, () => [])).points;
  const inAlarm = new Set<number>();
  for (let now = Math.max(from, offset + period); now <= minutes; now += 1) {
    const ended = Math.floor((now - offset) / period);
    const there = Math.floor((now - offset - late) / period);
    const seen = [...points.slice(0, there), ...Array.from({ length: ended - there }, () => notYet)];
    if (isInAlarm(alarm, seen.slice(-(alarm.EvaluationPeriods + beyond)))) { inAlarm.add(now); }
  }
  return inAlarm;
}
