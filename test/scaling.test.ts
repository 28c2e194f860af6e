import { Duration, TimeZone } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import { Capacity, CpuScaling, Deployment, HelloFargateService, HelloFargateServiceProps, Ingress, ScalingOptions } from '../src';
import { sharedListenerProps } from './support/fixtures';
import { newStack, only, templateOf } from './support/synth';

const scaledBy = (scaling: Partial<ScalingOptions>, props: HelloFargateServiceProps = {}) =>
  templateOf({ scaling: { minCapacity: 2, maxCapacity: 10, ...scaling }, ...props });
const policiesOf = (template: Template) =>
  Object.values(template.findResources('AWS::ApplicationAutoScaling::ScalingPolicy')).map(({ Properties }) => Properties);
const trackingOf = (template: Template) => policiesOf(template).map((policy) => policy.TargetTrackingScalingPolicyConfiguration);

test('is off by default', () => {
  templateOf().resourceCountIs('AWS::ApplicationAutoScaling::ScalableTarget', 0);
});

test('keeps the CPU at 70 % unless told otherwise, and takes the number of tasks out of the template', () => {
  const template = scaledBy({});

  expect(only(template, 'AWS::ApplicationAutoScaling::ScalableTarget')).toMatchObject({ MinCapacity: 2, MaxCapacity: 10 });
  expect(trackingOf(template)).toEqual([{
    PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
    TargetValue: 70,
    ScaleInCooldown: 300,
    ScaleOutCooldown: 60,
  }]);
  expect(only(template, 'AWS::ECS::Service')).not.toHaveProperty('DesiredCount');
});

test('follows CPU, memory and requests as told', () => {
  const template = scaledBy({
    cpu: CpuScaling.targetTracking(50),
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
  trackingOf(template).forEach((policy) => expect(policy).toMatchObject({ ScaleInCooldown: 120, ScaleOutCooldown: 30 }));
});

test('counts the requests of both target groups where traffic shifts', () => {
  const template = scaledBy({ requestsPerTarget: 3000, scaleOutCooldown: Duration.seconds(30) }, { deployment: Deployment.canary() });
  const [policy] = trackingOf(template).filter(({ CustomizedMetricSpecification }) => CustomizedMetricSpecification);
  const { Metrics } = policy.CustomizedMetricSpecification;
  const groups = Object.keys(template.findResources('AWS::ElasticLoadBalancingV2::TargetGroup'));
  const counted = Metrics.filter(({ MetricStat }: any) => MetricStat).map(({ MetricStat: { Metric, Stat } }: any) =>
    [Metric.MetricName, Stat, Metric.Dimensions.find(({ Name }: any) => Name === 'TargetGroup').Value['Fn::GetAtt'][0]]);

  expect(policy).toMatchObject({ TargetValue: 3000, ScaleInCooldown: 300, ScaleOutCooldown: 30 });
  expect(counted).toEqual(groups.map((group) => ['RequestCountPerTarget', 'Sum', group]));
  expect(Metrics.filter(({ ReturnData }: any) => ReturnData)).toEqual([expect.objectContaining({ Expression: '(FILL(requests, 0) + FILL(requestsAlternate, 0))' })]);
});

test('in steps adds a task above 70 % and takes one away below 30 %', () => {
  const policies = policiesOf(scaledBy({ cpu: CpuScaling.stepScaling() })).map((policy) => policy.StepScalingPolicyConfiguration);
  const alarms = Object.entries(scaledBy({ cpu: CpuScaling.stepScaling() }).findResources('AWS::CloudWatch::Alarm'))
    .filter(([id]) => /CpuSteps/.test(id)).map(([, { Properties }]) => Properties);

  expect(policies.map(({ StepAdjustments }) => StepAdjustments)).toEqual([
    [{ MetricIntervalUpperBound: 0, ScalingAdjustment: -1 }],
    [{ MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 15, ScalingAdjustment: 1 }, { MetricIntervalLowerBound: 15, ScalingAdjustment: 2 }],
  ]);
  expect(alarms.map(({ ComparisonOperator, Threshold }) => [ComparisonOperator, Threshold])).toEqual([
    ['LessThanOrEqualToThreshold', 30],
    ['GreaterThanOrEqualToThreshold', 70],
  ]);
});

test('goes to nothing at night and comes back, in a time zone', () => {
  const template = scaledBy({
    schedules: [
      { schedule: appscaling.Schedule.cron({ hour: '20', minute: '0' }), timeZone: TimeZone.EUROPE_BERLIN, minCapacity: 0, maxCapacity: 0 },
      { schedule: appscaling.Schedule.cron({ hour: '6', minute: '0' }), timeZone: TimeZone.EUROPE_BERLIN, minCapacity: 2, maxCapacity: 10 },
    ],
  });

  expect(only(template, 'AWS::ApplicationAutoScaling::ScalableTarget').ScheduledActions).toEqual([
    expect.objectContaining({ Schedule: 'cron(0 20 * * ? *)', Timezone: 'Europe/Berlin', ScalableTargetAction: { MinCapacity: 0, MaxCapacity: 0 } }),
    expect.objectContaining({ Schedule: 'cron(0 6 * * ? *)', Timezone: 'Europe/Berlin', ScalableTargetAction: { MinCapacity: 2, MaxCapacity: 10 } }),
  ]);
});

test('counts the requests of a shared listener too, also of an imported one', () => {
  const stack = newStack();
  const template = templateOf({
    ...sharedListenerProps(stack),
    scaling: { minCapacity: 1, maxCapacity: 3, requestsPerTarget: 100 },
  }, stack);
  const { ResourceLabel } = trackingOf(template)[1].PredefinedMetricSpecification;

  expect(JSON.stringify(ResourceLabel)).toContain('app/shared/0123456789abcdef');
});

test('gives what scales, for further policies', () => {
  expect(new HelloFargateService(newStack(), 'Hello', { scaling: { minCapacity: 1, maxCapacity: 2 } }).scalableTaskCount).toBeDefined();
  expect(new HelloFargateService(newStack(), 'Hello').scalableTaskCount).toBeUndefined();
});

test('leaves room for Spot above the base on demand', () => {
  expect(() => scaledBy({}, { capacity: Capacity.spot({ onDemandBase: 2 }) })).not.toThrow();
  expect(() => scaledBy({}, { capacity: Capacity.spot({ onDemandBase: 10 }) })).toThrow(/there are at most 10 tasks/);
});

describe('fails with', () => {
  const schedule = appscaling.Schedule.rate(Duration.hours(1));
  const expression = appscaling.Schedule.cron({ hour: '1' });

  test.each<[string, Partial<ScalingOptions>, RegExp]>([
    ['a smallest number above the largest', { minCapacity: 11 }, /scaling\.minCapacity is 11, but maxCapacity is 10/],
    ['nothing to scale', { minCapacity: 10 }, /scaling\.maxCapacity is 10, but minCapacity is the same/],
    ['no task, which nothing would bring back', { minCapacity: 0 }, /scaling\.minCapacity is 0, but the smallest number of tasks, from which scaling can go up again/],
    ['more tasks than ECS has', { maxCapacity: 5001 }, /scaling\.maxCapacity is 5001/],
    ['half a task', { minCapacity: 1.5 }, /scaling\.minCapacity is 1\.5/],
    ['more CPU than there is', { cpu: CpuScaling.targetTracking(101) }, /scaling\.cpu is 101, but a percentage/],
    ['steps that cross', { cpu: CpuScaling.stepScaling(30, 70) }, /scaling\.cpu is CpuScaling\.stepScaling\(30, 70\), but tasks would be added and taken away at once/],
    ['a cooldown that steps do not have', { cpu: CpuScaling.stepScaling(), scaleInCooldown: Duration.minutes(1) },
      /scaling\.scaleInCooldown is 60 seconds, but steps have one cooldown/],
    ['no memory', { memoryUtilizationPercent: 0 }, /scaling\.memoryUtilizationPercent is 0/],
    ['no requests', { requestsPerTarget: 0 }, /scaling\.requestsPerTarget is 0/],
    ['a cooldown of more than a day', { scaleInCooldown: Duration.days(2) }, /scaling\.scaleInCooldown is 172800 seconds/],
    ['a schedule that changes nothing', { schedules: [{ schedule: expression }] }, /scaling\.schedules\[0\] is without minCapacity and maxCapacity/],
    ['a schedule whose bounds cross', { schedules: [{ schedule, minCapacity: 3, maxCapacity: 2 }] }, /scaling\.schedules\[0\]\.minCapacity is 3, but maxCapacity is 2/],
  ])('%s', (_what, scaling, message) => {
    expect(() => scaledBy(scaling)).toThrow(message);
  });

  test('nothing where another metric has that cooldown', () => {
    expect(() => scaledBy({ cpu: CpuScaling.stepScaling(), requestsPerTarget: 100, scaleInCooldown: Duration.minutes(1) })).not.toThrow();
  });

  test('a number of tasks beside it', () => {
    expect(() => scaledBy({}, { desiredCount: 2 })).toThrow(/desiredCount is 2, but with scaling it would be undone/);
  });

  test('requests that API Gateway does not count', () => {
    expect(() => scaledBy({ requestsPerTarget: 1 }, { ingress: Ingress.httpApi() })).toThrow(/scaling\.requestsPerTarget is 1, but Ingress\.httpApi has no load balancer/);
  });
});
