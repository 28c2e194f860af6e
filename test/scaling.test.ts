import { Duration, TimeZone } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import {
  Capacity, CpuScaling, Deployment, HelloFargateService, HelloFargateServiceProps, Ingress, ScalingOptions,
} from '../src';
import { sharedListenerProps } from './support/fixtures';
import { newStack, only, templateOf } from './support/synth';

const scaledBy = (scaling: Partial<ScalingOptions>, props: HelloFargateServiceProps = {}) =>
  templateOf({ scaling: { minCapacity: 2, maxCapacity: 10, ...scaling }, ...props });
const policiesOf = (template: Template) => Object
  .values(template.findResources('AWS::ApplicationAutoScaling::ScalingPolicy'))
  .map(({ Properties }) => Properties);
const trackingOf = (template: Template) => policiesOf(template)
  .map((policy) => policy.TargetTrackingScalingPolicyConfiguration);

/** The step adjustments and the alarm thresholds of step scaling on CPU. */
function stepsOf(template: Template) {
  const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm'))
    .filter(([id]) => /CpuSteps/.test(id))
    .map(([, { Properties }]) => [Properties.ComparisonOperator, Properties.Threshold]);
  const adjustments = policiesOf(template).map((policy) => policy.StepScalingPolicyConfiguration.StepAdjustments);
  return { adjustments, alarms };
}

describe('without scaling on CPU', () => {
  const none = { minCapacity: 1, maxCapacity: 10, cpu: CpuScaling.none() };

  test('only a metric of the user counts', () => {
    const stack = newStack();
    const queue = new sqs.Queue(stack, 'Queue');
    const hello = new HelloFargateService(stack, 'Hello', { scaling: none });
    hello.scalableTaskCount!.scaleToTrackCustomMetric('Messages', {
      metric: queue.metricApproximateNumberOfMessagesVisible(), targetValue: 100,
    });

    expect(trackingOf(Template.fromStack(stack)).map((policy) => policy.CustomizedMetricSpecification.MetricName))
      .toEqual(['ApproximateNumberOfMessagesVisible']);
  });

  test.each<[string, Partial<ScalingOptions>, number]>([
    ['memory', { memoryUtilizationPercent: 70, scaleInCooldown: Duration.minutes(9) }, 1],
    ['requests', { requestsPerTarget: 1000 }, 1],
    ['schedules', { schedules: [{ schedule: appscaling.Schedule.cron({ hour: '8' }), minCapacity: 4 }] }, 0],
  ])('it can scale on %s', (_, scaling, policies) => {
    expect(policiesOf(templateOf({ scaling: { ...none, ...scaling } }))).toHaveLength(policies);
  });

  test('it fails if nothing else scales it', () => {
    expect(() => templateOf({ scaling: none })).toThrow(
      'Stack/Hello: scaling is without a policy, but then nothing scales; add one to scalableTaskCount, or set cpu, '
      + 'memoryUtilizationPercent, requestsPerTarget or schedules');
  });

  test.each(['scaleInCooldown', 'scaleOutCooldown'] as const)('it fails with %s, which nothing would use', (name) => {
    expect(() => templateOf({ scaling: { ...none, [name]: Duration.minutes(1) } })).toThrow(
      `Stack/Hello: scaling.${name} is 60 seconds, but nothing scales on CPU, memory or requests, so it would be `
      + 'ignored; set the cooldown of the policy that you add to scalableTaskCount');
  });
});

test('is off by default', () => {
  templateOf().resourceCountIs('AWS::ApplicationAutoScaling::ScalableTarget', 0);
});

test('keeps CPU utilization at 70 % by default, and removes the number of tasks from the template', () => {
  const template = scaledBy({});

  expect(only(template, 'AWS::ApplicationAutoScaling::ScalableTarget'))
    .toMatchObject({ MinCapacity: 2, MaxCapacity: 10 });
  expect(trackingOf(template)).toEqual([{
    PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
    TargetValue: 70,
    ScaleInCooldown: 300,
    ScaleOutCooldown: 60,
  }]);
  expect(only(template, 'AWS::ECS::Service')).not.toHaveProperty('DesiredCount');
});

test('tracks the configured targets for CPU, memory and requests', () => {
  const template = scaledBy({
    cpu: CpuScaling.targetTracking({ targetUtilizationPercent: 50 }),
    memoryUtilizationPercent: 80,
    requestsPerTarget: 3000,
    scaleInCooldown: Duration.seconds(120),
    scaleOutCooldown: Duration.seconds(30),
  });

  const targets = trackingOf(template)
    .map(({ TargetValue, PredefinedMetricSpecification: metric }) => [metric.PredefinedMetricType, TargetValue]);
  expect(targets).toEqual([
    ['ECSServiceAverageCPUUtilization', 50],
    ['ECSServiceAverageMemoryUtilization', 80],
    ['ALBRequestCountPerTarget', 3000],
  ]);
  trackingOf(template).forEach((policy) => {
    expect(policy).toMatchObject({ ScaleInCooldown: 120, ScaleOutCooldown: 30 });
  });
});

test('counts the requests of both target groups if traffic shifts', () => {
  const template = scaledBy(
    { requestsPerTarget: 3000, scaleOutCooldown: Duration.seconds(30) },
    { deployment: Deployment.canary() },
  );
  const [policy] = trackingOf(template).filter(({ CustomizedMetricSpecification }) => CustomizedMetricSpecification);
  const { Metrics } = policy.CustomizedMetricSpecification;
  const groups = Object.keys(template.findResources('AWS::ElasticLoadBalancingV2::TargetGroup'));
  const counted = Metrics.filter(({ MetricStat }: any) => MetricStat).map(({ MetricStat: { Metric, Stat } }: any) => {
    const { Value } = Metric.Dimensions.find(({ Name }: any) => Name === 'TargetGroup');
    return [Metric.MetricName, Stat, Value['Fn::GetAtt'][0]];
  });

  expect(policy).toMatchObject({ TargetValue: 3000, ScaleInCooldown: 300, ScaleOutCooldown: 30 });
  expect(counted).toEqual(groups.map((group) => ['RequestCountPerTarget', 'Sum', group]));
  expect(Metrics.filter(({ ReturnData }: any) => ReturnData)).toEqual([
    expect.objectContaining({ Expression: '(FILL(requests, 0) + FILL(requestsAlternate, 0))' }),
  ]);
});

describe('step scaling', () => {
  test('adds tasks above 70 % and removes one below 30 % by default', () => {
    expect(stepsOf(scaledBy({ cpu: CpuScaling.stepScaling() }))).toEqual({
      adjustments: [
        [{ MetricIntervalUpperBound: 0, ScalingAdjustment: -1 }],
        [
          { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 15, ScalingAdjustment: 1 },
          { MetricIntervalLowerBound: 15, ScalingAdjustment: 2 },
        ],
      ],
      alarms: [['LessThanOrEqualToThreshold', 30], ['GreaterThanOrEqualToThreshold', 70]],
    });
  });

  test('uses the configured thresholds', () => {
    const cpu = CpuScaling.stepScaling({ scaleOutAbovePercent: 60, scaleInBelowPercent: 20 });

    expect(stepsOf(scaledBy({ cpu })).alarms)
      .toEqual([['LessThanOrEqualToThreshold', 20], ['GreaterThanOrEqualToThreshold', 60]]);
  });
});

test('scales to zero at night and back in the morning, in a time zone', () => {
  const timeZone = TimeZone.EUROPE_BERLIN;
  const template = scaledBy({
    schedules: [
      { schedule: appscaling.Schedule.cron({ hour: '20', minute: '0' }), timeZone, minCapacity: 0, maxCapacity: 0 },
      { schedule: appscaling.Schedule.cron({ hour: '6', minute: '0' }), timeZone, minCapacity: 2, maxCapacity: 10 },
    ],
  });

  expect(only(template, 'AWS::ApplicationAutoScaling::ScalableTarget').ScheduledActions).toEqual([
    expect.objectContaining({
      Schedule: 'cron(0 20 * * ? *)',
      Timezone: 'Europe/Berlin',
      ScalableTargetAction: { MinCapacity: 0, MaxCapacity: 0 },
    }),
    expect.objectContaining({
      Schedule: 'cron(0 6 * * ? *)',
      Timezone: 'Europe/Berlin',
      ScalableTargetAction: { MinCapacity: 2, MaxCapacity: 10 },
    }),
  ]);
});

test('counts the requests of an imported shared listener', () => {
  const stack = newStack();
  const template = templateOf({
    ...sharedListenerProps(stack),
    scaling: { minCapacity: 1, maxCapacity: 3, requestsPerTarget: 100 },
  }, stack);
  const { ResourceLabel } = trackingOf(template)[1].PredefinedMetricSpecification;

  expect(JSON.stringify(ResourceLabel)).toContain('app/shared/0123456789abcdef');
});

test('exposes the scalable task count', () => {
  const scaling = { minCapacity: 1, maxCapacity: 2 };

  expect(new HelloFargateService(newStack(), 'Hello', { scaling }).scalableTaskCount).toBeDefined();
  expect(new HelloFargateService(newStack(), 'Hello').scalableTaskCount).toBeUndefined();
});

test('must be able to exceed the On-Demand base of Spot capacity', () => {
  expect(() => scaledBy({}, { capacity: Capacity.spot({ onDemandBase: 2 }) })).not.toThrow();
  expect(() => scaledBy({}, { capacity: Capacity.spot({ onDemandBase: 10 }) }))
    .toThrow(/the service has at most 10 tasks/);
});

describe('fails with', () => {
  const schedule = appscaling.Schedule.rate(Duration.hours(1));
  const crossed = CpuScaling.stepScaling({ scaleOutAbovePercent: 30, scaleInBelowPercent: 70 });

  test.each<[string, Partial<ScalingOptions>, RegExp]>([
    ['a minimum above the maximum', { minCapacity: 11 }, /scaling\.minCapacity is 11, but maxCapacity is 10/],
    ['a minimum equal to the maximum', { minCapacity: 10 }, /scaling\.maxCapacity is 10, but minCapacity is the same/],
    ['a minimum of 0', { minCapacity: 0 },
      /scaling\.minCapacity is 0, but the minimum number of tasks, from which scaling can add tasks again/],
    ['more than 5000 tasks', { maxCapacity: 5001 }, /scaling\.maxCapacity is 5001/],
    ['a fractional number of tasks', { minCapacity: 1.5 }, /scaling\.minCapacity is 1\.5/],
    ['a CPU target above 100 %', { cpu: CpuScaling.targetTracking({ targetUtilizationPercent: 101 }) },
      /scaling\.cpu\.targetUtilizationPercent is 101, but a percentage/],
    ['a step threshold above 100 %', { cpu: CpuScaling.stepScaling({ scaleOutAbovePercent: 101 }) },
      /scaling\.cpu\.scaleOutAbovePercent is 101, but a percentage/],
    ['step thresholds that cross', { cpu: crossed },
      /scaling\.cpu\.scaleInBelowPercent is 70, but scaleOutAbovePercent is 30, so tasks would be added and removed/],
    ['a scale-in cooldown for step scaling', { cpu: CpuScaling.stepScaling(), scaleInCooldown: Duration.minutes(1) },
      /scaling\.scaleInCooldown is 60 seconds, but step scaling has one cooldown/],
    ['a memory target of 0 %', { memoryUtilizationPercent: 0 }, /scaling\.memoryUtilizationPercent is 0/],
    ['a target of 0 requests', { requestsPerTarget: 0 }, /scaling\.requestsPerTarget is 0/],
    ['a cooldown of more than a day', { scaleInCooldown: Duration.days(2) },
      /scaling\.scaleInCooldown is 172800 seconds/],
    ['a schedule that changes nothing', { schedules: [{ schedule }] },
      /scaling\.schedules\[0\] is without minCapacity and maxCapacity/],
    ['a schedule with a minimum above the maximum', { schedules: [{ schedule, minCapacity: 3, maxCapacity: 2 }] },
      /scaling\.schedules\[0\]\.minCapacity is 3, but maxCapacity is 2/],
  ])('%s', (_what, scaling, message) => {
    expect(() => scaledBy(scaling)).toThrow(message);
  });

  test('a desired count', () => {
    expect(() => scaledBy({}, { desiredCount: 2 }))
      .toThrow(/desiredCount is 2, but with scaling each deployment would reset the number of tasks/);
  });

  test('a target for requests with Ingress.httpApi', () => {
    expect(() => scaledBy({ requestsPerTarget: 1 }, { ingress: Ingress.httpApi() }))
      .toThrow(/scaling\.requestsPerTarget is 1, but Ingress\.httpApi has no load balancer/);
  });
});

test('accepts a scale-in cooldown with step scaling if another metric uses it', () => {
  const scaling = { cpu: CpuScaling.stepScaling(), requestsPerTarget: 100, scaleInCooldown: Duration.minutes(1) };

  expect(() => scaledBy(scaling)).not.toThrow();
});
