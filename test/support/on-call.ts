import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { dataPoints, isInAlarm, Metric, Series, Source } from './cloudwatch';
import { memoize } from './synth';

/** What happens in a service in one minute. */
export interface Minute {
  /** Running tasks. Each has this CPU and memory utilization in percent, and this number of error log lines. */
  readonly running?: number;
  readonly cpu?: number;
  readonly memory?: number;
  readonly errorLines?: number;
  /** Tasks that are registered with the load balancer, and how many of them are healthy. */
  readonly registered?: number;
  readonly healthy?: number;
  /** The target group that they are registered with, if there are two. */
  readonly group?: 'main' | 'alternate';
  /** Requests. A task returns 5xx for `errors`, closes `brokenOff` early (502) and times out for `tooSlow` (504). */
  readonly requests?: number;
  readonly errors?: number;
  readonly brokenOff?: number;
  readonly tooSlow?: number;
  /** Response times. */
  readonly seconds?: number[];
}

/** A healthy service. */
export const HEALTHY: Minute = { running: 2, registered: 2, healthy: 2, cpu: 20, memory: 40, requests: 60 };

/** A service without tasks. */
export const IDLE: Minute = { running: 0, registered: 0, healthy: 0, requests: 0 };

/** A sequence of minutes, from pairs of a number of minutes and what happens in each of them. */
export function timeline(...parts: [count: number, minute: Minute | ((i: number) => Minute)][]): Minute[] {
  return parts.flatMap(([count, minute]) =>
    Array.from({ length: count }, (_, i) => typeof minute === 'function' ? minute(i) : minute));
}

/** The samples of a count that is not reported when it is 0. */
const some = (count: number | undefined) => count ? [count] : [];
const repeat = (count: number, value: number) => new Array<number>(count).fill(value);

/** The samples that AWS reports for a minute, by the reporting criteria in its documentation. */
function reported({ Namespace, MetricName }: Metric, isAlternate: boolean, minute: Minute): number[] {
  const { running = 0, registered = 0, healthy = 0, requests = 0, errors = 0, brokenOff = 0, tooSlow = 0 } = minute;
  const isHere = (minute.group ?? 'main') === (isAlternate ? 'alternate' : 'main');
  const isReported = isHere && registered > 0;
  const times = () => minute.seconds ?? repeat(Math.min(requests, 50), 0.05);
  switch (`${Namespace} ${MetricName}`) {
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html: one sample for each running task
    case 'AWS/ECS CPUUtilization': return repeat(running, minute.cpu ?? 20);
    case 'AWS/ECS MemoryUtilization': return repeat(running, minute.memory ?? 40);
    // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html: counts only
    // if they are not 0, hosts from each of two nodes if targets are registered, requests only if a target was chosen
    case 'AWS/ApplicationELB HealthyHostCount': return isReported ? [healthy, healthy] : [];
    case 'AWS/ApplicationELB RequestCount': return isReported ? some(requests) : [];
    case 'AWS/ApplicationELB HTTPCode_Target_5XX_Count': return isReported ? some(errors) : [];
    case 'AWS/ApplicationELB HTTPCode_ELB_502_Count': return some(brokenOff);
    case 'AWS/ApplicationELB HTTPCode_ELB_504_Count': return some(tooSlow);
    case 'AWS/ApplicationELB TargetResponseTime': return isReported ? times() : [];
    // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html: without a task, each request is a 503
    case 'AWS/ApiGateway Count': return some(requests);
    case 'AWS/ApiGateway 5xx':
      if (requests === 0) { return []; }
      return [running === 0 ? requests : errors + brokenOff + tooSlow];
    case 'AWS/ApiGateway IntegrationLatency': return running > 0 ? times().map((time) => time * 1000) : [];
  }
  if (Namespace === 'HelloFargateService' && JSON.stringify(MetricName).includes('ErrorLines')) {
    return some(minute.errorLines);
  }
  throw new Error(`AWS has no metric ${Namespace} ${JSON.stringify(MetricName)}`);
}

/** The names of the dimensions by which AWS reports a metric. */
function dimensionsOf({ Namespace, MetricName }: Metric): string {
  switch (Namespace) {
    case 'AWS/ECS': return 'ClusterName,ServiceName';
    case 'AWS/ApiGateway': return 'ApiId';
    case 'HelloFargateService': return '';
    default: return /^HTTPCode_ELB/.test(MetricName) ? 'LoadBalancer' : 'LoadBalancer,TargetGroup';
  }
}

function sourceOf(minutes: Minute[]): Source {
  return (metric) => {
    const names = (metric.Dimensions ?? []).map(({ Name }) => Name).sort().join();
    if (names !== dimensionsOf(metric)) { throw new Error(`AWS does not report ${metric.MetricName} by ${names}`); }
    const isAlternate = JSON.stringify(metric.Dimensions ?? []).includes('AlternateTargetGroup');
    return minutes.map((minute) => reported(metric, isAlternate, minute));
  };
}

const alarmsOf = memoize((stack: Stack) =>
  Object.entries<any>(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm'))
    .filter(([id]) => /HelloAlarms/.test(id)));

/** The minutes, counted from the start, in which each alarm is in the ALARM state. */
export type AlarmMinutes = Record<string, number[]>;

/**
 * The alarms that a sequence of minutes triggers, for the alarms in the template of a service.
 *
 * AWS does not document how many data points CloudWatch evaluates beyond the evaluation periods, where periods begin,
 * and how late data arrives. All combinations are evaluated: `ever` is in alarm in any of them, `always` in all.
 */
export function evaluateAlarms(
  stack: Stack, minutes: Minute[], { from = 20 } = {},
): { ever: AlarmMinutes; always: AlarmMinutes } {
  const ever: AlarmMinutes = {};
  const always: AlarmMinutes = {};
  for (const [id, { Properties: alarm }] of alarmsOf(stack)) {
    const name = /HelloAlarms(\w+)[0-9A-F]{8}$/.exec(id)![1];
    const runs = [0, 1, 4].flatMap((offset) => {
      const { minutes: period, points } = dataPoints(alarm, sourceOf(minutes.slice(offset)));
      const run = { period, offset, from, minutes: minutes.length };
      return [0, 1, 2].flatMap((late) =>
        [2, 5].map((beyond) => minutesInAlarm(alarm, points, { ...run, late, beyond })));
    });
    const all = [...new Set(runs.flatMap((run) => [...run]))].sort((a, b) => a - b);
    const byAll = all.filter((minute) => runs.every((run) => run.has(minute)));
    if (all.length > 0) { ever[name] = all; }
    if (byAll.length > 0) { always[name] = byAll; }
  }
  return { ever, always };
}

interface Run {
  /** Minutes in a period, and in total. */
  readonly period: number;
  readonly minutes: number;
  /** Minutes before the first period. */
  readonly offset: number;
  /** Minutes by which data is late. */
  readonly late: number;
  /** The first minute that is evaluated. */
  readonly from: number;
  /** Data points that are evaluated beyond the evaluation periods. */
  readonly beyond: number;
}

/** The minutes in which an alarm with these data points is in alarm. */
function minutesInAlarm(alarm: any, points: Series, { period, minutes, offset, late, from, beyond }: Run): Set<number> {
  // The data point of a period without data: missing, unless the expression fills it.
  const [empty] = dataPoints(alarm, () => Array.from({ length: period }, () => [])).points;
  const inAlarm = new Set<number>();
  for (let now = Math.max(from, offset + period); now <= minutes; now += 1) {
    const ended = Math.floor((now - offset) / period);
    const arrived = Math.max(0, Math.floor((now - offset - late) / period));
    const first = Math.max(0, ended - alarm.EvaluationPeriods - beyond);
    const seen = [...points.slice(first, arrived), ...new Array(ended - Math.max(arrived, first)).fill(empty)];
    if (isInAlarm(alarm, seen)) { inAlarm.add(now); }
  }
  return inAlarm;
}
