import { Duration, Names, TimeZone, Token } from 'aws-cdk-lib';
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { BoundIngress, IngressTraits } from './ingress/ingress-type';
import { sumExpression, TargetMetrics } from './ingress/target-metrics';
import { DEFAULTS } from './preset';
import { show, Validation } from './validation';

/** How many tasks a service runs. */
export interface TaskCountOptions {
  /**
   * Number of tasks, 0 to 5000, spread over the Availability Zones. It cannot be combined with `scaling`.
   *
   * @default - 2; 1 with `Preset.DEVELOPMENT`, 3 with `Preset.PRODUCTION`
   */
  readonly desiredCount?: number;

  /**
   * Scales the number of tasks with their load, or at scheduled times.
   *
   * @default - the number of tasks is fixed at `desiredCount`
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-auto-scaling.html
   */
  readonly scaling?: ScalingOptions;
}

/** Automatic scaling of the number of tasks. With several metrics, the one that needs the most tasks applies. */
export interface ScalingOptions {
  /**
   * Minimum number of tasks, 1 to `maxCapacity`. Only a schedule can go down to 0, because only a schedule can scale up
   * again.
   */
  readonly minCapacity: number;

  /** Maximum number of tasks, up to 5000. It limits the bill: a default task that runs all month costs $7.21. */
  readonly maxCapacity: number;

  /**
   * Scaling on the average CPU utilization of the tasks, by target tracking or by step scaling.
   *
   * Scaling on CPU is always enabled. Set a high target if memory or requests should determine the number of tasks.
   *
   * @default CpuScaling.targetTracking({ targetUtilizationPercent: 70 })
   */
  readonly cpu?: CpuScaling;

  /**
   * Target for the average memory utilization of the tasks in percent, 1 to 100.
   *
   * Do not use it with a runtime that never returns memory to the operating system: the service would never scale in.
   *
   * @default - no scaling on memory
   */
  readonly memoryUtilizationPercent?: number;

  /**
   * Target for the number of requests per minute and task. `Ingress.httpApi` does not support it.
   *
   * @default - no scaling on requests
   */
  readonly requestsPerTarget?: number;

  /**
   * Time between two scale-in activities, 0 to 86400 s. Step scaling has one cooldown for both directions,
   * `scaleOutCooldown`; with step scaling alone, setting this one is an error.
   *
   * @default Duration.minutes(5)
   */
  readonly scaleInCooldown?: Duration;

  /**
   * Time between two scale-out activities, 0 to 86400 s.
   *
   * @default Duration.minutes(1)
   */
  readonly scaleOutCooldown?: Duration;

  /**
   * Changes of the minimum and maximum number of tasks at scheduled times.
   *
   * @default - no schedules
   */
  readonly schedules?: ScalingSchedule[];
}

/** A minimum and maximum number of tasks that apply from a scheduled time on. */
export interface ScalingSchedule {
  /** When the change happens: `Schedule.cron({ hour: '20', minute: '0' })`. */
  readonly schedule: appscaling.Schedule;

  /**
   * The time zone of the schedule, including its daylight saving time.
   *
   * @default TimeZone.ETC_UTC
   */
  readonly timeZone?: TimeZone;

  /**
   * The new minimum number of tasks, 0 to 5000.
   *
   * @default - unchanged
   */
  readonly minCapacity?: number;

  /**
   * The new maximum number of tasks, 0 to 5000. With 0, no task runs and none is billed.
   *
   * @default - unchanged
   */
  readonly maxCapacity?: number;
}

/** Options for `CpuScaling.targetTracking`. */
export interface TargetTrackingScalingOptions {
  /**
   * Target for the average CPU utilization in percent of the CPU of the tasks, 1 to 100.
   *
   * @default 70
   */
  readonly targetUtilizationPercent?: number;
}

/** Options for `CpuScaling.stepScaling`. */
export interface StepScalingOptions {
  /**
   * CPU utilization in percent above which tasks are added, 1 to 100.
   *
   * @default 70
   */
  readonly scaleOutAbovePercent?: number;

  /**
   * CPU utilization in percent below which tasks are removed, 1 to 100 and lower than `scaleOutAbovePercent`.
   *
   * @default 30
   */
  readonly scaleInBelowPercent?: number;
}

/** How the number of tasks follows their CPU utilization. */
export class CpuScaling {
  /**
   * Adds and removes tasks to keep the average CPU utilization at a target.
   *
   * @param options the target
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-autoscaling-targettracking.html
   */
  public static targetTracking(options: TargetTrackingScalingOptions = {}): CpuScaling {
    const { targetUtilizationPercent = DEFAULTS.scaling.targetUtilizationPercent } = options;
    return new CpuScaling({ targetUtilizationPercent });
  }

  /**
   * Adds one task above a threshold and two at 15 percentage points above it, and removes one below another threshold.
   *
   * @param options the thresholds
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-autoscaling-stepscaling.html
   */
  public static stepScaling(options: StepScalingOptions = {}): CpuScaling {
    const {
      scaleOutAbovePercent = DEFAULTS.scaling.scaleOutAbovePercent,
      scaleInBelowPercent = DEFAULTS.scaling.scaleInBelowPercent,
    } = options;
    return new CpuScaling({ scaleOutAbovePercent, scaleInBelowPercent });
  }

  /** @internal */
  public readonly _policy: Required<TargetTrackingScalingOptions> | Required<StepScalingOptions>;

  private constructor(policy: CpuScaling['_policy']) {
    this._policy = policy;
  }
}

/** The limit of ECS for a service. */
const MAX_TASKS = 5000;

/** Between the two thresholds for adding tasks with step scaling. */
const STEP_PERCENT = 15;

export function validateTaskCount(validation: Validation, options: TaskCountOptions, ingress: IngressTraits): void {
  const { desiredCount, scaling } = options;
  validation.wholeNumber('desiredCount', desiredCount, [0, MAX_TASKS], 'the number of tasks in a service');
  if (!scaling) { return; }
  const { memoryUtilizationPercent, requestsPerTarget, schedules = [] } = scaling;
  if (desiredCount !== undefined) {
    validation.refuse('desiredCount', String(desiredCount),
      'with scaling each deployment would reset the number of tasks',
      'leave it out; a new service starts with minCapacity tasks');
  }
  validateBounds(validation, scaling);
  validateCpuScaling(validation, scaling);
  validation.wholeNumber('scaling.memoryUtilizationPercent', memoryUtilizationPercent, [1, 100], 'a percentage');
  validation.wholeNumber('scaling.requestsPerTarget', requestsPerTarget, [1, 1_000_000_000],
    'the number of requests a minute');
  if (requestsPerTarget !== undefined && !ingress.hasLoadBalancer) {
    validation.refuse('scaling.requestsPerTarget', String(requestsPerTarget),
      `${ingress.name} has no load balancer that counts requests`, 'leave it out and scale on CPU');
  }
  validation.wholeSeconds('scaling.scaleInCooldown', scaling.scaleInCooldown, [0, 86_400], 'a cooldown');
  validation.wholeSeconds('scaling.scaleOutCooldown', scaling.scaleOutCooldown, [0, 86_400], 'a cooldown');
  validation.notEmpty('scaling.schedules', scaling.schedules, 'leave it out');
  schedules.forEach((schedule, i) => validateSchedule(validation, `scaling.schedules[${i}]`, schedule));
}

function validateBounds(validation: Validation, { minCapacity, maxCapacity, schedules = [] }: ScalingOptions): void {
  validation.wholeNumber('scaling.minCapacity', minCapacity, [1, MAX_TASKS],
    'the minimum number of tasks, from which scaling can add tasks again,');
  validation.wholeNumber('scaling.maxCapacity', maxCapacity, [1, MAX_TASKS], 'the maximum number of tasks');
  validateOrder(validation, 'scaling.minCapacity', minCapacity, maxCapacity);
  if (minCapacity === maxCapacity && schedules.length === 0 && !Token.isUnresolved(minCapacity)) {
    validation.refuse('scaling.maxCapacity', String(maxCapacity), 'minCapacity is the same, so nothing would scale',
      'increase it, or set desiredCount instead of scaling');
  }
}

function validateCpuScaling(validation: Validation, scaling: ScalingOptions): void {
  const policy = scaling.cpu?._policy;
  for (const [prop, value] of Object.entries(policy ?? {})) {
    validation.wholeNumber(`scaling.cpu.${prop}`, value, [1, 100], 'a percentage');
  }
  if (!policy || !('scaleOutAbovePercent' in policy)) { return; }

  const { scaleOutAbovePercent: above, scaleInBelowPercent: below } = policy;
  validation.notToken('scaling.cpu.scaleOutAbovePercent', above, 'the other steps are computed from it');
  if (below >= above && !Token.isUnresolved(below) && !Token.isUnresolved(above)) {
    validation.refuse('scaling.cpu.scaleInBelowPercent', String(below),
      `scaleOutAbovePercent is ${above}, so tasks would be added and removed at once`,
      'set it below scaleOutAbovePercent');
  }
  const hasTargets = scaling.memoryUtilizationPercent !== undefined || scaling.requestsPerTarget !== undefined;
  if (scaling.scaleInCooldown && !hasTargets) {
    validation.refuse('scaling.scaleInCooldown', show(scaling.scaleInCooldown),
      'step scaling has one cooldown, so it would be ignored',
      'set scaleOutCooldown, which applies to both directions');
  }
}

function validateSchedule(validation: Validation, prop: string, { minCapacity, maxCapacity }: ScalingSchedule): void {
  if (minCapacity === undefined && maxCapacity === undefined) {
    validation.refuse(prop, 'without minCapacity and maxCapacity', 'it would change nothing', 'set one of them');
  }
  validation.wholeNumber(`${prop}.minCapacity`, minCapacity, [0, MAX_TASKS], 'the minimum number of tasks');
  validation.wholeNumber(`${prop}.maxCapacity`, maxCapacity, [0, MAX_TASKS], 'the maximum number of tasks');
  validateOrder(validation, `${prop}.minCapacity`, minCapacity, maxCapacity);
}

function validateOrder(validation: Validation, prop: string, min: number | undefined, max: number | undefined): void {
  if (min === undefined || max === undefined || Token.isUnresolved(min) || Token.isUnresolved(max)) { return; }
  if (min > max) {
    validation.refuse(prop, show(min), `maxCapacity is ${max}`, 'set it to that or below');
  }
}

/** The cooldowns of target tracking, with their defaults. */
type Cooldowns = Required<Pick<ScalingOptions, 'scaleInCooldown' | 'scaleOutCooldown'>>;

export function scaleTaskCount(
  service: ecs.FargateService, scaling: ScalingOptions, ingress: BoundIngress,
): ecs.ScalableTaskCount {
  const { minCapacity, maxCapacity, memoryUtilizationPercent, requestsPerTarget, schedules = [] } = scaling;
  const tasks = service.autoScaleTaskCount({ minCapacity, maxCapacity });
  const cooldowns: Cooldowns = {
    scaleInCooldown: scaling.scaleInCooldown ?? DEFAULTS.scaling.scaleInCooldown,
    scaleOutCooldown: scaling.scaleOutCooldown ?? DEFAULTS.scaling.scaleOutCooldown,
  };
  scaleOnCpu(tasks, service, scaling.cpu ?? CpuScaling.targetTracking(), cooldowns);
  if (memoryUtilizationPercent !== undefined) {
    tasks.scaleOnMemoryUtilization('Memory', { targetUtilizationPercent: memoryUtilizationPercent, ...cooldowns });
  }
  if (requestsPerTarget !== undefined) {
    scaleOnRequests(tasks, requestsPerTarget, ingress, cooldowns);
  }
  schedules.forEach((schedule, i) => tasks.scaleOnSchedule(`Schedule${i}`, schedule));
  return tasks;
}

function scaleOnCpu(
  tasks: ecs.ScalableTaskCount, service: ecs.FargateService, { _policy: policy }: CpuScaling, cooldowns: Cooldowns,
): void {
  if ('targetUtilizationPercent' in policy) {
    tasks.scaleOnCpuUtilization('Cpu', { ...policy, ...cooldowns });
    return;
  }
  tasks.scaleOnMetric('CpuSteps', {
    metric: service.metricCpuUtilization({ period: Duration.minutes(1) }),
    adjustmentType: appscaling.AdjustmentType.CHANGE_IN_CAPACITY,
    scalingSteps: [
      { upper: policy.scaleInBelowPercent, change: -1 },
      { lower: policy.scaleOutAbovePercent, change: +1 },
      { lower: policy.scaleOutAbovePercent + STEP_PERCENT, change: +2 },
    ],
    cooldown: cooldowns.scaleOutCooldown,
    evaluationPeriods: 3,
  });
}

function scaleOnRequests(
  tasks: ecs.ScalableTaskCount, requestsPerTarget: number, ingress: BoundIngress, cooldowns: Cooldowns,
): void {
  const { targetGroup, alternateTargetGroup, metrics } = ingress;
  if (alternateTargetGroup) {
    scaleOnTwoTargetGroups(tasks, requestsPerTarget, metrics!, cooldowns);
  } else {
    tasks.scaleOnRequestCount('Requests', { requestsPerTarget, targetGroup: targetGroup!, ...cooldowns });
  }
}

/**
 * `scaleOnRequestCount` counts one target group, which receives no requests while all traffic goes to the other one.
 */
function scaleOnTwoTargetGroups(
  tasks: ecs.ScalableTaskCount, targetValue: number, targetMetrics: TargetMetrics, cooldowns: Cooldowns,
): void {
  const requests = targetMetrics.perTargetGroup('RequestCountPerTarget', 'requests',
    { statistic: 'Sum', period: Duration.minutes(1) });
  const queries = Object.entries(requests).map(([id, { namespace, metricName, dimensions = {} }]) => ({
    id,
    returnData: false,
    metricStat: {
      stat: 'Sum',
      metric: {
        namespace,
        metricName,
        dimensions: Object.entries(dimensions).map(([name, value]) => ({ name, value: String(value) })),
      },
    },
  }));
  const total = { id: 'total', expression: sumExpression(requests), label: 'Requests for each task', returnData: true };
  const target = tasks.node.findChild('Target') as appscaling.ScalableTarget;
  new appscaling.CfnScalingPolicy(target, 'Requests', {
    policyName: Names.uniqueId(target),
    policyType: 'TargetTrackingScaling',
    scalingTargetId: target.scalableTargetId,
    targetTrackingScalingPolicyConfiguration: {
      targetValue,
      scaleInCooldown: cooldowns.scaleInCooldown.toSeconds(),
      scaleOutCooldown: cooldowns.scaleOutCooldown.toSeconds(),
      customizedMetricSpecification: { metrics: [...queries, total] },
    },
  });
}
