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

/** An alarm on a metric, as in the template. */
function alarmOn(
  get: Get,
  props: HelloFargateServiceProps = {},
  options?: cloudwatch.MetricOptions,
): { alarm: any; hello: HelloFargateService } {
  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello', props);
  new cloudwatch.Alarm(stack, 'Alarm', { metric: get(hello, options), threshold: 1, evaluationPeriods: 1 });
  const alarms = Object.entries(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm'));
  const [, { Properties: alarm }] = alarms.find(([id]) => /^Alarm/.test(id))!;
  return { alarm, hello };
}

/** The metrics of an alarm: namespace, name, statistic, period and dimensions. */
function metricsOf(alarm: any): [string, string, string, number, string][] {
  const queries = alarm.Metrics?.filter(({ MetricStat }: any) => MetricStat).map(
    ({ MetricStat: { Metric, Stat, Period } }: any) => ({ ...Metric, Statistic: Stat, Period }),
  );
  return (queries ?? [alarm]).map(
    ({ Namespace, MetricName, Statistic, ExtendedStatistic, Period, Dimensions }: any) => [
      Namespace,
      MetricName,
      Statistic ?? ExtendedStatistic,
      Period,
      Dimensions.map(({ Name }: any) => Name)
        .sort()
        .join(),
    ],
  );
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
  [
    'metricTargetResponseTime',
    { ingress: Ingress.httpApi() },
    [['AWS/ApiGateway', 'IntegrationLatency', 'Average', 300, 'ApiId']],
  ],
  ['metricRunningTaskCount', { ingress: Ingress.httpApi() }, [['AWS/ECS', 'CPUUtilization', 'SampleCount', 300, ECS]]],
])('%s (%j) uses metrics that AWS reports', (name, props, metrics) => {
  expect(metricsOf(alarmOn(GETTERS[name], props).alarm)).toEqual(metrics);
});

test.each(Object.keys(GETTERS))('%s accepts a period and a label', (name) => {
  const { alarm } = alarmOn(GETTERS[name], {}, { period: Duration.minutes(1), label: 'mine' });

  expect(metricsOf(alarm).map(([, , , period]) => period)).toEqual([60]);
  expect(JSON.stringify(alarm.Metrics)).toContain('"Label":"mine"');
});

test('accepts percentiles and other statistics', () => {
  expect(metricsOf(alarmOn(GETTERS.metricTargetResponseTime, {}, { statistic: 'p99' }).alarm)[0][2]).toBe('p99');
  expect(metricsOf(alarmOn(GETTERS.metricCpuUtilization, {}, { statistic: 'Maximum' }).alarm)[0][2]).toBe('Maximum');
  expect(metricsOf(alarmOn(GETTERS.metricHealthyTaskCount, {}, { statistic: 'Minimum' }).alarm)[0][2]).toBe('Minimum');
});

describe('with traffic shifting between two target groups', () => {
  const none: number[] = [];

  /** The result if the target groups report the first and the second samples of each pair. */
  const points = (get: Get, pairs: [number[], number[]][], options?: cloudwatch.MetricOptions): Series =>
    dataPoints(
      alarmOn(get, { deployment: Deployment.blueGreen() }, { period: Duration.minutes(1), ...options }).alarm,
      ({ Dimensions }) => {
        const isAlternate = JSON.stringify(Dimensions).includes('AlternateTargetGroup');
        return pairs.map((pair) => pair[isAlternate ? 1 : 0]);
      },
    ).points;

  test('adds requests, errors and healthy tasks of both', () => {
    expect(
      points(GETTERS.metricRequestCount, [
        [[5], none],
        [[3], [4]],
        [none, [6]],
        [none, none],
      ]),
    ).toEqual([5, 7, 6, 0]);
    expect(
      points(GETTERS.metricServerErrorCount, [
        [none, [2]],
        [[1], [1]],
      ]),
    ).toEqual([2, 2]);
    expect(
      points(
        GETTERS.metricHealthyTaskCount,
        [
          [[2], none],
          [[2], [2]],
          [none, [2]],
        ],
        { statistic: 'Minimum' },
      ),
    ).toEqual([2, 4, 2]);
  });

  test('has no data for healthy tasks if neither has a task', () => {
    expect(points(GETTERS.metricHealthyTaskCount, [[none, none]])).toEqual([undefined]);
  });

  test('uses the response time of the slower one', () => {
    expect(
      points(GETTERS.metricTargetResponseTime, [
        [[1], none],
        [[1], [2]],
        [[3], [2]],
        [none, [4]],
        [none, none],
      ]),
    ).toEqual([1, 2, 3, 4, undefined]);
  });
});

test('counts running tasks for any period, and converts response times of an HTTP API to seconds', () => {
  const { alarm: running } = alarmOn(GETTERS.metricRunningTaskCount);
  const { alarm: time } = alarmOn(GETTERS.metricTargetResponseTime, { ingress: Ingress.httpApi() });

  expect(dataPoints(running, () => Array.from({ length: 5 }, () => [10, 20, 30])).points).toEqual([3]);
  expect(dataPoints(time, () => Array.from({ length: 5 }, () => [250, 750])).points).toEqual([0.5]);
});

test('metrics of several services, statistics and periods fit on one graph', () => {
  const stack = newStack();
  const services = ['One', 'Two'].map(
    (id) => new HelloFargateService(stack, id, { deployment: Deployment.blueGreen() }),
  );
  const metrics = services.flatMap((hello) =>
    Object.values(GETTERS).flatMap((get) =>
      [60, 300].flatMap((seconds) =>
        ['p50', 'p95'].map((statistic) => get(hello, { period: Duration.seconds(seconds), statistic })),
      ),
    ),
  );
  new cloudwatch.Dashboard(stack, 'Dashboard', { widgets: [[new cloudwatch.GraphWidget({ left: metrics })]] });

  expect(() => Template.fromStack(stack)).not.toThrow();
});

test('metricHealthyTaskCount fails with an HTTP API, which has no health check', () => {
  const hello = new HelloFargateService(newStack(), 'Hello', { ingress: Ingress.httpApi() });

  expect(() => hello.metricHealthyTaskCount()).toThrow(
    new Error('Stack/Hello: metricHealthyTaskCount is used, but Ingress.httpApi has no load balancer '
      + 'that checks tasks; use metricRunningTaskCount'),
  );
});

test('has the service and the cluster as dimensions', () => {
  const { alarm, hello } = alarmOn(GETTERS.metricCpuUtilization);
  const stack = Stack.of(hello);

  expect(alarm.Dimensions).toEqual([
    { Name: 'ClusterName', Value: stack.resolve(hello.cluster.clusterName) },
    { Name: 'ServiceName', Value: stack.resolve(hello.service.serviceName) },
  ]);
});
