import { Duration, Names, Stack, Token, aws_applicationautoscaling as appscaling, aws_ecs as ecs } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';
import { BoundIngress, IngressTraits } from './ingress/ingress-type';
import { sumExpression, TargetMetrics } from './ingress/target-metrics';
import { DEFAULTS } from './preset';
import { CpuScaling, ScalingOptions, ScalingSchedule, TaskCountOptions } from './scaling-options';
import { show, Validation } from './validation';

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

function hasTargets({ memoryUtilizationPercent, requestsPerTarget }: ScalingOptions): boolean {
  return memoryUtilizationPercent !== undefined || requestsPerTarget !== undefined;
}

function validateCpuScaling(validation: Validation, scaling: ScalingOptions): void {
  const policy = scaling.cpu?._policy;
  if (scaling.cpu && !policy && !hasTargets(scaling)) {
    for (const prop of ['scaleInCooldown', 'scaleOutCooldown'] as const) {
      if (scaling[prop]) {
        validation.refuse(`scaling.${prop}`, show(scaling[prop]),
          'nothing scales on CPU, memory or requests, so it would be ignored',
          'set the cooldown of the policy that you add to scalableTaskCount');
      }
    }
  }
  for (const [prop, value] of Object.entries(policy ?? {})) {
    validation.wholeNumber(`scaling.cpu.${prop}`, value, [1, 100], 'a percentage');
  }
  if (!policy || !('scaleOutAbovePercent' in policy)) { return; }

  const { scaleOutAbovePercent: above, scaleInBelowPercent: below } = policy;
  validation.refuseToken('scaling.cpu.scaleOutAbovePercent', above, 'the other steps are computed from it');
  if (below >= above && !Token.isUnresolved(below) && !Token.isUnresolved(above)) {
    validation.refuse('scaling.cpu.scaleInBelowPercent', String(below),
      `scaleOutAbovePercent is ${above}, so tasks would be added and removed at once`,
      'set it below scaleOutAbovePercent');
  }
  if (scaling.scaleInCooldown && !hasTargets(scaling)) {
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
  requirePolicy(service.node.scope!, tasks);
  if (memoryUtilizationPercent !== undefined) {
    tasks.scaleOnMemoryUtilization('Memory', { targetUtilizationPercent: memoryUtilizationPercent, ...cooldowns });
  }
  if (requestsPerTarget !== undefined) {
    scaleOnRequests(tasks, requestsPerTarget, ingress, cooldowns);
  }
  schedules.forEach((schedule, i) => tasks.scaleOnSchedule(`Schedule${i}`, schedule));
  return tasks;
}

/** Policies can be added until the end of synthesis. */
function requirePolicy(service: IConstruct, tasks: ecs.ScalableTaskCount): void {
  const target = tasks.node.findChild('Target').node.defaultChild as appscaling.CfnScalableTarget;
  const scales = () => tasks.node.findAll().some((child) => child instanceof appscaling.CfnScalingPolicy)
    || (Stack.of(service).resolve(target.scheduledActions) ?? []).length > 0;
  service.node.addValidation({
    validate: () => scales() ? [] : [`${service.node.path}: scaling is without a policy, but then nothing scales; `
      + 'add one to scalableTaskCount, or set cpu, memoryUtilizationPercent, requestsPerTarget or schedules'],
  });
}

function scaleOnCpu(
  tasks: ecs.ScalableTaskCount, service: ecs.FargateService, { _policy: policy }: CpuScaling, cooldowns: Cooldowns,
): void {
  if (!policy) { return; }
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
