import { Duration, Names, TimeZone, Token } from 'aws-cdk-lib';
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { BoundIngress, IngressType } from './ingress/ingress-type';
import { TargetMetrics } from './observability/service-metrics';
import { show, Validation } from './validation';

/** How the CPU of the tasks decides how many there are. */
export class CpuScaling {
  /**
   * As many tasks as keep the average at a target (target tracking).
   *
   * @param percent of the CPU that the tasks have, 1 to 100
   */
  public static targetTracking(percent: number): CpuScaling {
    return new CpuScaling({ target: percent });
  }

  /**
   * One task more above a threshold, two more at 15 points above it, and one less below another (step scaling).
   *
   * @param outAbovePercent above which tasks are added, at most 100
   * @param inBelowPercent below which tasks are taken away, at least 1
   */
  public static stepScaling(outAbovePercent: number = 70, inBelowPercent: number = 30): CpuScaling {
    return new CpuScaling({ outAbove: outAbovePercent, inBelow: inBelowPercent });
  }

  /** @internal */
  public readonly _policy: { readonly target: number } | { readonly outAbove: number; readonly inBelow: number };

  private constructor(said: CpuScaling['_policy']) {
    this._policy = said;
  }
}

/** How many tasks there may be from a moment on. */
export interface ScalingSchedule {
  /** When: `Schedule.cron({ hour: '20', minute: '0' })`. */
  readonly schedule: appscaling.Schedule;

  /**
   * The time zone of the schedule, which knows summer time.
   *
   * @default TimeZone.ETC_UTC
   */
  readonly timeZone?: TimeZone;

  /**
   * The smallest number of tasks from then on. With 0 as the largest too, none runs and none is paid.
   *
   * @default - as before
   */
  readonly minCapacity?: number;

  /**
   * The largest number of tasks from then on.
   *
   * @default - as before
   */
  readonly maxCapacity?: number;
}

/** How many tasks run, by what they have to do. Where several metrics are watched, the one that wants most tasks counts. */
export interface ScalingOptions {
  /** The smallest number of tasks, 1 to `maxCapacity`. A schedule may go down to 0, as it also brings them back. */
  readonly minCapacity: number;

  /** The largest number of tasks, up to 5000. It bounds the bill: $7.21 a month for each default task that always runs. */
  readonly maxCapacity: number;

  /**
   * By the CPU of the tasks.
   *
   * @default CpuScaling.targetTracking(70)
   */
  readonly cpu?: CpuScaling;

  /**
   * As many tasks as keep their memory at this percentage, 1 to 100. A runtime that never gives memory back never lets tasks go.
   *
   * @default - memory does not count
   */
  readonly memoryUtilizationPercent?: number;

  /**
   * As many tasks as keep the requests that each is sent at this number a minute. Not with `Ingress.httpApi`, which does not count them.
   *
   * @default - requests do not count
   */
  readonly requestsPerTarget?: number;

  /**
   * Time after tasks were taken away until the next are. Steps have one cooldown, `scaleOutCooldown`; with them alone this one is refused.
   *
   * @default Duration.minutes(5)
   */
  readonly scaleInCooldown?: Duration;

  /**
   * Time after tasks were added until the next are.
   *
   * @default Duration.minutes(1)
   */
  readonly scaleOutCooldown?: Duration;

  /**
   * Other bounds at set times.
   *
   * @default - the same bounds at all times
   */
  readonly schedules?: ScalingSchedule[];
}

/** Times in which scaling does not go on. */
interface Cooldowns {
  readonly scaleInCooldown: Duration;
  readonly scaleOutCooldown: Duration;
}

/** The most tasks that a service has. */
const MAX_TASKS = 5000;

export function validateScaling(
  validation: Validation, scaling: ScalingOptions | undefined, desiredCount: number | undefined, ingress: IngressType,
): void {
  if (!scaling) { return; }
  const { minCapacity, maxCapacity, cpu, memoryUtilizationPercent, requestsPerTarget, schedules = [] } = scaling;
  if (desiredCount !== undefined) {
    validation.refuse('desiredCount', String(desiredCount), 'with scaling it would be undone, or undo what scaling did', 'leave it out; minCapacity is what a new service starts with');
  }
  validation.wholeNumber('scaling.minCapacity', minCapacity, 1, MAX_TASKS, 'the smallest number of tasks, from which scaling can go up again,');
  validation.wholeNumber('scaling.maxCapacity', maxCapacity, 1, MAX_TASKS, 'the largest number of tasks');
  notAbove(validation, 'scaling.minCapacity', minCapacity, maxCapacity);
  if (minCapacity === maxCapacity && schedules.length === 0 && !Token.isUnresolved(minCapacity)) {
    validation.refuse('scaling.maxCapacity', String(maxCapacity), 'minCapacity is the same, so that nothing would scale', 'raise it, or set desiredCount in place of scaling');
  }

  const percent = (prop: string, value: number | undefined) => validation.wholeNumber(prop, value, 1, 100, 'a percentage');
  percent('scaling.memoryUtilizationPercent', memoryUtilizationPercent);
  if (cpu && 'target' in cpu._policy) { percent('scaling.cpu', cpu._policy.target); }
  if (cpu && 'outAbove' in cpu._policy) {
    const { outAbove, inBelow } = cpu._policy;
    percent('scaling.cpu', outAbove);
    percent('scaling.cpu', inBelow);
    if (inBelow >= outAbove && !Token.isUnresolved(inBelow) && !Token.isUnresolved(outAbove)) {
      validation.refuse('scaling.cpu', `CpuScaling.stepScaling(${outAbove}, ${inBelow})`, 'tasks would be added and taken away at once', 'set the second below the first');
    }
  }
  validation.wholeNumber('scaling.requestsPerTarget', requestsPerTarget, 1, 1_000_000_000, 'the number of requests a minute');
  if (requestsPerTarget !== undefined && !ingress.checksHealth) {
    validation.refuse('scaling.requestsPerTarget', String(requestsPerTarget), `${ingress.name} has no load balancer that counts requests`, 'leave it out; cpu counts');
  }
  const stepsAlone = cpu && 'outAbove' in cpu._policy && memoryUtilizationPercent === undefined && requestsPerTarget === undefined;
  if (stepsAlone && scaling.scaleInCooldown) {
    validation.refuse('scaling.scaleInCooldown', show(scaling.scaleInCooldown), 'steps have one cooldown, so that it would be ignored',
      'set scaleOutCooldown, which holds for both directions');
  }
  validation.wholeSeconds('scaling.scaleInCooldown', scaling.scaleInCooldown, 0, 86_400, 'a cooldown');
  validation.wholeSeconds('scaling.scaleOutCooldown', scaling.scaleOutCooldown, 0, 86_400, 'a cooldown');
  schedules.forEach((schedule, i) => validateSchedule(validation, `scaling.schedules[${i}]`, schedule));
}

function validateSchedule(validation: Validation, prop: string, schedule: ScalingSchedule): void {
  const { minCapacity, maxCapacity } = schedule;
  if (minCapacity === undefined && maxCapacity === undefined) {
    validation.refuse(prop, 'without minCapacity and maxCapacity', 'it would change nothing', 'set one of them');
  }
  validation.wholeNumber(`${prop}.minCapacity`, minCapacity, 0, MAX_TASKS, 'the smallest number of tasks');
  validation.wholeNumber(`${prop}.maxCapacity`, maxCapacity, 0, MAX_TASKS, 'the largest number of tasks');
  notAbove(validation, `${prop}.minCapacity`, minCapacity, maxCapacity);
}

function notAbove(validation: Validation, prop: string, min: number | undefined, max: number | undefined): void {
  if (min !== undefined && max !== undefined && !Token.isUnresolved(min) && !Token.isUnresolved(max) && min > max) {
    validation.refuse(prop, show(min), `maxCapacity is ${max}`, 'set it to that or below');
  }
}

export function scale(
  service: ecs.FargateService, scaling: ScalingOptions, { targetGroup, alternateTargetGroup, metrics }: BoundIngress,
): ecs.ScalableTaskCount {
  const tasks = service.autoScaleTaskCount({ minCapacity: scaling.minCapacity, maxCapacity: scaling.maxCapacity });
  const cooldowns: Cooldowns = {
    scaleInCooldown: scaling.scaleInCooldown ?? Duration.minutes(5),
    scaleOutCooldown: scaling.scaleOutCooldown ?? Duration.minutes(1),
  };

  const cpu = (scaling.cpu ?? CpuScaling.targetTracking(70))._policy;
  if ('target' in cpu) {
    tasks.scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: cpu.target, ...cooldowns });
  } else {
    tasks.scaleOnMetric('CpuSteps', {
      metric: service.metricCpuUtilization({ period: Duration.minutes(1) }),
      adjustmentType: appscaling.AdjustmentType.CHANGE_IN_CAPACITY,
      scalingSteps: [
        { upper: cpu.inBelow, change: -1 },
        { lower: cpu.outAbove, change: +1 },
        { lower: cpu.outAbove + 15, change: +2 },
      ],
      cooldown: cooldowns.scaleOutCooldown,
      evaluationPeriods: 3,
    });
  }
  if (scaling.memoryUtilizationPercent !== undefined) {
    tasks.scaleOnMemoryUtilization('Memory', { targetUtilizationPercent: scaling.memoryUtilizationPercent, ...cooldowns });
  }
  if (scaling.requestsPerTarget !== undefined && alternateTargetGroup) {
    scaleOnTwoTargetGroups(tasks, scaling.requestsPerTarget, metrics!, cooldowns);
  } else if (scaling.requestsPerTarget !== undefined) {
    tasks.scaleOnRequestCount('Requests', { requestsPerTarget: scaling.requestsPerTarget, targetGroup: targetGroup!, ...cooldowns });
  }
  scaling.schedules?.forEach((schedule, i) => tasks.scaleOnSchedule(`Schedule${i}`, schedule));
  return tasks;
}

/** CDK's own `scaleOnRequestCount` counts one target group, which has no requests while the other has all. */
function scaleOnTwoTargetGroups(tasks: ecs.ScalableTaskCount, targetValue: number, metrics: TargetMetrics, cooldowns: Cooldowns): void {
  const each = metrics.each('RequestCountPerTarget', 'requests', { statistic: 'Sum', period: Duration.minutes(1) });
  const target = tasks.node.findChild('Target') as appscaling.ScalableTarget;
  new appscaling.CfnScalingPolicy(target, 'Requests', {
    policyName: Names.uniqueId(target),
    policyType: 'TargetTrackingScaling',
    scalingTargetId: target.scalableTargetId,
    targetTrackingScalingPolicyConfiguration: {
      targetValue,
      scaleInCooldown: cooldowns.scaleInCooldown.toSeconds(),
      scaleOutCooldown: cooldowns.scaleOutCooldown.toSeconds(),
      customizedMetricSpecification: {
        metrics: [
          ...Object.entries(each).map(([id, { namespace, metricName, dimensions }]) => ({
            id,
            returnData: false,
            metricStat: {
              stat: 'Sum',
              metric: { namespace, metricName, dimensions: Object.entries(dimensions!).map(([name, value]) => ({ name, value: String(value) })) },
            },
          })),
          { id: 'total', expression: TargetMetrics.sum(each), label: 'Requests for each task', returnData: true },
        ],
      },
    },
  });
}
