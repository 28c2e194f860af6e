import { Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Deployment, HelloFargateService, HelloFargateServiceProps, Ingress } from '../../src/index';
import { dataPoints, Series } from '../support/cloudwatch';
import { newStack } from '../support/synth';

type Get = (hello: HelloFargateService, options?: cloudwatch.MetricOptions) => cloudwatch.IMetric;

const GETTERS: { [name: string]: Get } = {
  metricCpuUtilization: (hello, options) => hello.metricCpuUtilization(options),
  metricMemoryUtilization: (hello, options) => hello.metricMemoryUtilization(options),
  metricRequestCount: (hello, options) => hello.metricRequestCount(options),
  metricServerErrorCount: (hello, options) => hello.metricServerErrorCount(options),
  metricTargetResponseTime: (hello, options) => hello.metricTargetResponseTime(options),
  metricHealthyTaskCount: (hello, options) => hello.metricHealthyTaskCount(options),
  metricRunningTaskCount: (hello, options) => hello.metricRunningTaskCount(options),
};

/** An alarm on a metric, as CloudFormation gets it. */
function alarmOn(get: Get, props: HelloFargateServiceProps = {}, options?: cloudwatch.MetricOptions): { alarm: any; hello: HelloFargateService } {
  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello', props);
  new cloudwatch.Alarm(stack, 'Alarm', { metric: get(hello, options), threshold: 1, evaluationPeriods: 1 });
  const alarms = Object.entries(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm'));
  const [, { Properties: alarm }] = alarms.find(([id]) => /^Alarm/.test(id))!;
  return { alarm, hello };
}

/** The metrics that an alarm reads: namespace, name, statistic, period, and by what they are named. */
function readBy(alarm: any): [string, string, string, number, string][] {
  const queries = alarm.Metrics?.filter(({ MetricStat }: any) => MetricStat)
    .map(({ MetricStat: { Metric, Stat, Period } }: any) => ({ ...Metric, Statistic: Stat, Period }));
  return (queries ?? [alarm]).map(({ Namespace, MetricName, Statistic, ExtendedStatistic, Period, Dimensions }: any) =>
    [Namespace, MetricName, Statistic ?? ExtendedStatistic, Period, Dimensions.map(({ Name }: any) => Name).sort().join()]);
}

const ECS = 'ClusterName,ServiceName';
const TARGETS = 'LoadBalancer,TargetGroup';

test.each<[string, HelloFargateServiceProps, [string, string, string, number, string][]]>([
  ['metricCpuUtilization', {}, [['AWS/ECS', 'CPUUtilization', 'Average', 300, ECS]]],
  ['metricMemoryUtilization', {}, [['AWS/ECS', 'MemoryUtilization', 'Average', 300, ECS]]],
  ['metricRequestCount', {}, [['AWS/ApplicationELB', 'RequestCount', 'Sum', 300, TARGETS]]],
  ['metricServerErrorCount', {}, [['AWS/ApplicationELB', 'HTTPCode_Target_5XX_Count', 'Sum', 300, TARGETS]]],
  ['metricTargetResponseTime', {}, [['AWS/ApplicationELB', 'TargetResponseTime', 'Average', 300, TARGETS]]],
  ['metricHealthyTaskCount', {}, [['AWS/ApplicationELB', 'HealthyHostCount', 'Average', 300, TARGETS]]],
  ['metricRunningTaskCount', {}, [['AWS/ECS', 'CPUUtilization', 'SampleCount', 300, ECS]]],
  ['metricRequestCount', { ingress: Ingress.httpApi() }, [['AWS/ApiGateway', 'Count', 'Sum', 300, 'ApiId']]],
  ['metricServerErrorCount', { ingress: Ingress.httpApi() }, [['AWS/ApiGateway', '5xx', 'Sum', 300, 'ApiId']]],
  ['metricTargetResponseTime', { ingress: Ingress.httpApi() }, [['AWS/ApiGateway', 'IntegrationLatency', 'Average', 300, 'ApiId']]],
  ['metricRunningTaskCount', { ingress: Ingress.httpApi() }, [['AWS/ECS', 'CPUUtilization', 'SampleCount', 300, ECS]]],
])('%s (%j) reads what AWS reports', (name, props, metrics) => {
  expect(readBy(alarmOn(GETTERS[name], props).alarm)).toEqual(metrics);
});

test.each(Object.keys(GETTERS))('%s takes a period and a label', (name) => {
  const { alarm } = alarmOn(GETTERS[name], {}, { period: Duration.minutes(1), label: 'mine' });

  expect(readBy(alarm).map(([, , , period]) => period)).toEqual([60]);
  expect(JSON.stringify(alarm.Metrics)).toContain('"Label":"mine"');
});

test('percentiles and other statistics, where they mean something', () => {
  expect(readBy(alarmOn(GETTERS.metricTargetResponseTime, {}, { statistic: 'p99' }).alarm)[0][2]).toBe('p99');
  expect(readBy(alarmOn(GETTERS.metricCpuUtilization, {}, { statistic: 'Maximum' }).alarm)[0][2]).toBe('Maximum');
  expect(readBy(alarmOn(GETTERS.metricHealthyTaskCount, {}, { statistic: 'Minimum' }).alarm)[0][2]).toBe('Minimum');
});

describe('where traffic shifts between two target groups', () => {
  const none: number[] = [];

  /** What comes out where the first group reports the first samples of each pair, and the second one the second. */
  const points = (get: Get, pairs: [number[], number[]][], options?: cloudwatch.MetricOptions): Series =>
    dataPoints(alarmOn(get, { deployment: Deployment.blueGreen() }, { period: Duration.minutes(1), ...options }).alarm, ({ Dimensions }) => {
      const isAlternate = JSON.stringify(Dimensions).includes('AlternateTargetGroup');
      return pairs.map((pair) => pair[isAlternate ? 1 : 0]);
    }).points;

  test('requests, errors and healthy tasks of both add up', () => {
    expect(points(GETTERS.metricRequestCount, [[[5], none], [[3], [4]], [none, [6]], [none, none]])).toEqual([5, 7, 6, 0]);
    expect(points(GETTERS.metricServerErrorCount, [[none, [2]], [[1], [1]]])).toEqual([2, 2]);
    expect(points(GETTERS.metricHealthyTaskCount, [[[2], none], [[2], [2]], [none, [2]]], { statistic: 'Minimum' })).toEqual([2, 4, 2]);
  });

  test('there is no number of healthy tasks while neither has a task', () => {
    expect(points(GETTERS.metricHealthyTaskCount, [[none, none]])).toEqual([undefined]);
  });

  test('the slower one counts', () => {
    expect(points(GETTERS.metricTargetResponseTime, [[[1], none], [[1], [2]], [[3], [2]], [none, [4]], [none, none]]))
      .toEqual([1, 2, 3, 4, undefined]);
  });
});

test('running tasks are as many for every period, and response times of an API are in seconds', () => {
  const { alarm: running } = alarmOn(GETTERS.metricRunningTaskCount);
  const { alarm: time } = alarmOn(GETTERS.metricTargetResponseTime, { ingress: Ingress.httpApi() });

  expect(dataPoints(running, () => Array.from({ length: 5 }, () => [10, 20, 30])).points).toEqual([3]);
  expect(dataPoints(time, () => Array.from({ length: 5 }, () => [250, 750])).points).toEqual([0.5]);
});

test('those of several services, statistics and periods go on one graph', () => {
  const stack = newStack();
  const services = ['One', 'Two'].map((id) => new HelloFargateService(stack, id, { deployment: Deployment.blueGreen() }));
  const metrics = services.flatMap((hello) => Object.values(GETTERS).flatMap((get) =>
    [60, 300].flatMap((seconds) => ['p50', 'p95'].map((statistic) => get(hello, { period: Duration.seconds(seconds), statistic })))));
  new cloudwatch.Dashboard(stack, 'Dashboard', { widgets: [[new cloudwatch.GraphWidget({ left: metrics })]] });

  expect(() => Template.fromStack(stack)).not.toThrow();
});

test('healthy tasks fail with an API, which nothing checks', () => {
  const hello = new HelloFargateService(newStack(), 'Hello', { ingress: Ingress.httpApi() });

  expect(() => hello.metricHealthyTaskCount()).toThrow(/^Stack\/Hello: metricHealthyTaskCount is asked for, but Ingress\.httpApi has no load balancer that checks tasks; take metricRunningTaskCount$/);
});

test('the service and the cluster are those of the service', () => {
  const { alarm, hello } = alarmOn(GETTERS.metricCpuUtilization);
  const stack = Stack.of(hello);

  expect(alarm.Dimensions).toEqual([
    { Name: 'ClusterName', Value: stack.resolve(hello.cluster.clusterName) },
    { Name: 'ServiceName', Value: stack.resolve(hello.service.serviceName) },
  ]);
});
