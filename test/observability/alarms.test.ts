import { Duration, Lazy, Stack, TimeZone } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Alarms, Deployment, HelloFargateService, HelloFargateServiceProps, Ingress, Preset, RecommendedAlarmsOptions } from '../../src/index';
import { sharedListenerProps } from '../support/fixtures';
import { AT_REST, life, Minute, onCall, WELL } from '../support/on-call';
import { memoize, newStack, only, templateOf } from '../support/synth';

type Props = (stack: Stack) => HelloFargateServiceProps;

/** Each way in whose alarms differ. */
const KINDS: { [kind: string]: Props } = {
  'a load balancer': () => ({}),
  'two target groups': () => ({ deployment: Deployment.blueGreen() }),
  'a shared listener': (stack) => sharedListenerProps(stack),
  'an HTTP API': () => ({ ingress: Ingress.httpApi() }),
};

function serviceOf(props: HelloFargateServiceProps | Props = {}): HelloFargateService {
  const stack = newStack();
  return new HelloFargateService(stack, 'Hello', typeof props === 'function' ? props(stack) : props);
}

const stackOf = memoize((props: HelloFargateServiceProps | Props): Stack => Stack.of(serviceOf(props)));

function alarmsOf(template: Template): { [id: string]: any } {
  return Object.fromEntries(Object.entries(template.findResources('AWS::CloudWatch::Alarm')).filter(([id]) => /HelloAlarms/.test(id))
    .map(([id, { Properties }]) => [/HelloAlarms(\w+)[0-9A-F]{8}$/.exec(id)![1], Properties]));
}

/** Down at eight in the evening, up at six. */
const NIGHTS: HelloFargateServiceProps = {
  scaling: {
    minCapacity: 2,
    maxCapacity: 4,
    schedules: [
      { schedule: appscaling.Schedule.cron({ hour: '20', minute: '0' }), timeZone: TimeZone.EUROPE_BERLIN, minCapacity: 0, maxCapacity: 0 },
      { schedule: appscaling.Schedule.cron({ hour: '6', minute: '0' }), timeZone: TimeZone.EUROPE_BERLIN, minCapacity: 2, maxCapacity: 4 },
    ],
  },
};

/** Targets leave for a minute and a bit, and come back within half a minute of their start. */
const NIGHT = life(
  [60, WELL],
  [2, { ...AT_REST, running: 2, registered: 2 }],
  [300, (i) => ({ ...AT_REST, requests: i % 7 === 0 ? 30 : 1 })], // somebody always knocks
  [2, { ...AT_REST, running: 2, registered: 2 }],
  [60, WELL],
);

describe('nobody is woken by', () => {
  const quiet: [string, Minute[], { from: number }?][] = [
    ['a service in which all is well', life([90, WELL])],
    ['no traffic', life([90, { ...WELL, requests: 0 }])],
    ['tasks with next to nothing to do', life([90, { ...WELL, cpu: 0.1, memory: 5, requests: 1 }])],
    ['one failed request of three in an hour', life([60, (i) => ({ ...WELL, requests: i % 20 === 0 ? 1 : 0, errors: i === 40 ? 1 : 0 })])],
    ['three requests an hour that all fail', life([120, (i) => ({ ...WELL, requests: i % 20 === 0 ? 1 : 0, errors: i % 20 === 0 ? 1 : 0 })])],
    ['4 % failures of 10,000 an hour', life([90, { ...WELL, requests: 167, errors: 6 }])],
    ['half a minute in which everything fails', life([40, { ...WELL, requests: 1000 }], [1, { ...WELL, requests: 1000, errors: 500 }], [40, { ...WELL, requests: 1000 }])],
    ['all clients doing wrong', life([60, { ...WELL, requests: 1000 }])],
    // ECS watches the alarms of the deployment for some minutes before it calls the service stable, and then these alarms are made:
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
    ['the first start', life([5, AT_REST], [2, { ...WELL, healthy: 0, requests: 0 }], [60, WELL]), { from: 10 }],
    ['a deployment: new tasks start beside the old ones, which then go', life(
      [40, WELL],
      [3, { ...WELL, running: 4, registered: 4, healthy: 2, cpu: 60 }],
      [1, { ...WELL, running: 4, registered: 4, healthy: 4, brokenOff: 2 }],
      [1, { ...WELL, running: 4, registered: 2, healthy: 2 }],
      [40, WELL],
    )],
    ['a deployment that leaves nothing running while the new task starts', life(
      [40, WELL], [1, { ...WELL, running: 0, registered: 0, healthy: 0, requests: 0 }], [2, { ...WELL, healthy: 0, requests: 0 }], [40, WELL],
    )],
    ['one of two tasks that is replaced', life([40, WELL], [5, { ...WELL, registered: 2, healthy: 1 }], [40, WELL])],
    ['ten minutes of busy tasks', life([40, WELL], [9, { ...WELL, cpu: 95, memory: 95 }], [40, WELL])],
  ];
  describe.each(Object.entries(KINDS))('with %s', (_kind, props) => {
    test.each(quiet)('%s', (...[, minutes, options]) => {
      expect(onCall(stackOf(props), minutes, options).ever).toEqual({});
    });

    test('nights without tasks, in which somebody knocks', () => {
      expect(onCall(stackOf((stack) => ({ ...props(stack), ...NIGHTS })), NIGHT).ever).toEqual({});
    });

    test('a service that is made without tasks', () => {
      expect(onCall(stackOf((stack) => ({ ...props(stack), desiredCount: 0 })), life([60, AT_REST]), { from: 1 }).ever).toEqual({});
    });
  });

  test('traffic that shifts from one target group to the other', () => {
    const there = { ...WELL, group: 'alternate' as const };
    expect(onCall(stackOf(KINDS['two target groups']), life([60, WELL], [60, there], [60, WELL])).ever).toEqual({});
  });

  test('a few slow requests, or many at once', () => {
    const slow = stackOf({ alarms: Alarms.recommended({ p95ResponseTime: Duration.seconds(1) }) });

    expect(onCall(slow, life([90, (i) => ({ ...WELL, requests: i % 20 === 0 ? 1 : 0, seconds: i % 20 === 0 ? [9] : [] })])).ever).toEqual({});
    expect(onCall(slow, life([90, { ...WELL, requests: 1, seconds: [9] }])).ever).toEqual({});
    expect(onCall(slow, life([30, WELL], [4, { ...WELL, seconds: [9, 9, 9] }], [30, WELL])).ever).toEqual({});
  });

  test('a few error lines', () => {
    const noisy = stackOf({ alarms: Alarms.recommended({ errorLogLines: 10 }) });

    expect(onCall(noisy, life([90, (i) => ({ ...WELL, errorLines: i % 5 === 0 ? 9 : 0 })])).ever).toEqual({});
  });
});

describe('somebody is woken by', () => {
  /** What goes wrong, by which alarm, and how long after its start at the latest. */
  const loud: [string, Minute, string, number][] = [
    ['6 % failures of 10,000 an hour', { ...WELL, requests: 167, errors: 10 }, 'ErrorRate', 17],
    ['an app that fails each of 20 requests in 5 minutes', { ...WELL, requests: 4, errors: 4 }, 'ErrorRate', 17],
    ['a dead service whose tasks fail their health check', { ...WELL, healthy: 0, requests: 0 }, 'NoHealthyTask', 6],
    ['a dead service of which no task is registered any more', AT_REST, 'NoHealthyTask', 11],
    ['tasks that come and go and never get healthy', { ...AT_REST, registered: 1 }, 'NoHealthyTask', 11],
    ['CPU above 80 %', { ...WELL, cpu: 85 }, 'HighCpu', 22],
    ['memory above 80 %', { ...WELL, memory: 85 }, 'HighMemory', 22],
  ];
  /** API Gateway knows of tasks only that they run. */
  const notOfAnApi = new Set(['a dead service whose tasks fail their health check']);

  describe.each(Object.entries(KINDS))('with %s', (kind, props) => {
    test.each(loud.filter(([what]) => kind !== 'an HTTP API' || !notOfAnApi.has(what)))('%s', (_what, bad, alarm, latest) => {
      const { always, ever } = onCall(stackOf(props), life([60, WELL], [60, bad]));

      expect(Object.keys(ever)).toEqual([alarm]);
      expect(ever[alarm][0]).toBeGreaterThan(62);
      expect(always[alarm][0]).toBeLessThanOrEqual(60 + latest);
    });

    test('its end: the alarm is over when all is well again', () => {
      const { ever } = onCall(stackOf(props), life([60, WELL], [30, AT_REST], [30, WELL]));

      expect(Math.max(...ever.NoHealthyTask)).toBeLessThanOrEqual(94);
    });
  });

  test.each(['a load balancer', 'two target groups', 'an HTTP API'])('tasks that hang or break off, though they are healthy, with %s', (kind) => {
    for (const bad of [{ ...WELL, tooSlow: 60 }, { ...WELL, brokenOff: 60 }]) {
      const { always, ever } = onCall(stackOf(KINDS[kind]), life([60, WELL], [60, bad]));

      expect(Object.keys(ever)).toEqual(['ErrorRate']);
      expect(always.ErrorRate[0]).toBeLessThanOrEqual(77);
    }
  });

  test('errors in the second target group, and no healthy task in either', () => {
    const there = { ...WELL, group: 'alternate' as const };
    const stack = stackOf(KINDS['two target groups']);

    expect(Object.keys(onCall(stack, life([60, there], [60, { ...there, errors: 10 }])).always)).toEqual(['ErrorRate']);
    expect(Object.keys(onCall(stack, life([60, there], [60, { ...there, healthy: 0, requests: 0 }])).always)).toEqual(['NoHealthyTask']);
  });

  test('tasks that are registered by day and not healthy, also where nights are without tasks', () => {
    const { always } = onCall(stackOf(NIGHTS), life([60, WELL], [60, { ...WELL, healthy: 0, requests: 0 }]));

    expect(always.NoHealthyTask[0]).toBeLessThanOrEqual(66);
  });

  test.each([['a load balancer', 'p95'], ['two target groups', 'p95'], ['an HTTP API', 'p95']])('slow responses, with %s', (kind) => {
    const slow = stackOf((stack) => ({ ...KINDS[kind](stack), alarms: Alarms.recommended({ p95ResponseTime: Duration.millis(500) }) }));
    const { always, ever } = onCall(slow, life([60, WELL], [60, { ...WELL, seconds: [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.6, 0.6] }]));

    expect(Object.keys(ever)).toEqual(['SlowResponses']);
    expect(always.SlowResponses[0]).toBeLessThanOrEqual(82);
  });

  test('slow responses of the second target group', () => {
    const there = { ...WELL, group: 'alternate' as const };
    const stack = stackOf({ deployment: Deployment.blueGreen(), alarms: Alarms.recommended({ p95ResponseTime: Duration.millis(500) }) });

    expect(Object.keys(onCall(stack, life([60, there], [60, { ...there, seconds: [0.6] }])).always)).toEqual(['SlowResponses']);
  });

  test('error lines', () => {
    const { always } = onCall(stackOf({ alarms: Alarms.recommended({ errorLogLines: 10 }) }), life([60, WELL], [60, { ...WELL, errorLines: 2 }]));

    expect(always.ErrorLines[0]).toBeLessThanOrEqual(72);
  });

  test('fewer healthy tasks than asked for', () => {
    const { always } = onCall(stackOf({ alarms: Alarms.recommended({ minHealthyTasks: 2 }) }), life([60, WELL], [60, { ...WELL, healthy: 1 }]));

    expect(always.NoHealthyTask[0]).toBeLessThanOrEqual(66);
  });
});

describe('the recommended alarms', () => {
  test('are these by default, under these logical IDs, and nothing else is made', () => {
    const withAlarms = templateOf().toJSON().Resources;
    const without = templateOf({ alarms: Alarms.none() }).toJSON().Resources;
    const added = Object.keys(withAlarms).filter((id) => !(id in without));

    expect(added).toEqual([
      'HelloAlarmsNoHealthyTaskBC855561',
      'HelloAlarmsErrorRate68BEC1C7',
      'HelloAlarmsHighCpu2B0DEC04',
      'HelloAlarmsHighMemory2AA06F1F',
    ]);
    expect(Object.keys(without).filter((id) => /Alarms/.test(id))).toEqual([]);
  });

  test('are left out by the preset for development, unless they are asked for', () => {
    expect(Object.keys(alarmsOf(templateOf({ preset: Preset.DEVELOPMENT })))).toEqual([]);
    expect(Object.keys(alarmsOf(templateOf({ preset: Preset.DEVELOPMENT, alarms: Alarms.recommended() })))).toHaveLength(4);
  });

  test('have thresholds, each twice: the default and another', () => {
    const alarms = (options: RecommendedAlarmsOptions) => alarmsOf(templateOf({ alarms: Alarms.recommended(options) }));
    const thresholds = (options: RecommendedAlarmsOptions) =>
      Object.fromEntries(Object.entries(alarms(options)).map(([id, { Threshold }]) => [id, Threshold]));

    expect(thresholds({})).toEqual({ NoHealthyTask: 1, ErrorRate: 5, HighCpu: 80, HighMemory: 80 });
    expect(thresholds({
      minHealthyTasks: 2,
      errorRatePercent: 0.5,
      cpuUtilizationPercent: 90,
      memoryUtilizationPercent: 70,
      p95ResponseTime: Duration.millis(250),
      errorLogLines: 3,
    })).toEqual({ NoHealthyTask: 2, ErrorRate: 0.5, HighCpu: 90, HighMemory: 70, SlowResponses: 0.25, ErrorLines: 3 });
    expect(alarmsOf(templateOf()).ErrorRate.Metrics[0].Expression).toContain('>= 5,');
    expect(alarmsOf(templateOf({ alarms: Alarms.recommended({ minFailedRequests: 50 }) })).ErrorRate.Metrics[0].Expression).toContain('>= 50,');
  });

  test.each([['a load balancer', 7], ['two target groups', 10], ['a shared listener', 5], ['an HTTP API', 5]])('read as many metrics as the docs price, with %s', (kind, metrics) => {
    const alarms = Object.values(alarmsOf(Template.fromStack(stackOf(KINDS[kind]))));
    const count = (alarm: any) => alarm.Metrics?.filter(({ MetricStat }: any) => MetricStat).length ?? 1;

    expect(alarms.reduce((sum, alarm) => sum + count(alarm), 0)).toBe(metrics);
  });

  test('wait for as long as tasks may take to start', () => {
    const periods = (gracePeriod?: Duration) => alarmsOf(templateOf({ healthCheck: { gracePeriod } })).NoHealthyTask.EvaluationPeriods;

    expect(periods()).toBe(4);
    expect(periods(Duration.minutes(10))).toBe(13);
  });

  test('are made after the service and deleted before it, so that neither is an alarm', () => {
    const template = templateOf();
    const [service] = Object.keys(template.findResources('AWS::ECS::Service'));
    const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).filter(([id]) => /HelloAlarms/.test(id));

    alarms.forEach(([, { DependsOn }]) => expect(DependsOn).toContain(service));
  });

  test('say of which service they are, and what to do first', () => {
    const alarms = Alarms.recommended({ p95ResponseTime: Duration.seconds(1), errorLogLines: 1 });
    for (const { AlarmDescription, AlarmName } of Object.values(alarmsOf(templateOf({ alarms })))) {
      expect(JSON.stringify(AlarmDescription)).toMatch(/Stack\/Hello: .*First /);
      expect(AlarmName).toBeUndefined();
    }
  });

  test('undo no deployment: those alarms are others', () => {
    const { Alarms: rollback } = only(templateOf(), 'AWS::ECS::Service').DeploymentConfiguration;

    expect(JSON.stringify(rollback.AlarmNames)).not.toMatch(/HelloAlarms/);
    expect(rollback.AlarmNames).toHaveLength(2);
  });
});

describe('who is told', () => {
  const emails = ['on-call@example.com', 'second@example.com'];

  test('nobody, unless said', () => {
    const template = templateOf();

    Object.values(alarmsOf(template)).forEach((alarm) => expect(alarm).not.toHaveProperty('AlarmActions'));
    template.resourceCountIs('AWS::SNS::Topic', 0);
    template.resourceCountIs('AWS::Events::Rule', 0);
    expect(serviceOf().alarmTopic).toBeUndefined();
  });

  test('e-mail addresses, by a topic that takes nothing in the clear, of an alarm and of its end', () => {
    const hello = serviceOf({ alarms: Alarms.recommended({ emails }) });
    const template = Template.fromStack(Stack.of(hello));
    const topic = Stack.of(hello).resolve(hello.alarmTopic!.topicArn);

    expect(Object.values(template.findResources('AWS::SNS::Subscription')).map(({ Properties }) => [Properties.Protocol, Properties.Endpoint, Properties.TopicArn]))
      .toEqual(emails.map((email) => ['email', email, topic]));
    Object.values(alarmsOf(template)).forEach((alarm) => expect(alarm).toMatchObject({ AlarmActions: [topic], OKActions: [topic] }));
    expect(only(template, 'AWS::SNS::TopicPolicy').PolicyDocument.Statement).toContainEqual(expect.objectContaining({
      Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    }));
  });

  test('topics of the user, whose new policy lets in alarms as well as events', () => {
    const stack = newStack();
    const mine = new sns.Topic(stack, 'Mine');
    const other = sns.Topic.fromTopicArn(stack, 'Other', 'arn:aws:sns:us-east-1:123456789012:other');
    const template = templateOf({ alarms: Alarms.recommended({ topics: [mine, other], emails }) }, stack);
    const alarms = Object.values(alarmsOf(template));

    alarms.forEach((alarm) => expect(alarm.AlarmActions).toEqual([{ Ref: expect.stringContaining('Topic') }, stack.resolve(mine.topicArn), other.topicArn]));
    const policies = Object.values(template.findResources('AWS::SNS::TopicPolicy')).map(({ Properties }) => Properties.PolicyDocument.Statement);
    expect(policies).toHaveLength(2);
    for (const statements of policies) {
      const allowed = statements.filter(({ Effect }: any) => Effect === 'Allow').map(({ Principal }: any) => Principal.Service);
      expect(allowed.sort()).toEqual(['cloudwatch.amazonaws.com', 'events.amazonaws.com']);
    }
    expect(policies.flat()).toContainEqual(expect.objectContaining({
      Principal: { Service: 'cloudwatch.amazonaws.com' }, Action: 'sns:Publish', Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    }));
  });

  test('the same, of a deployment that failed and of tasks that cannot be started', () => {
    const hello = serviceOf({ alarms: Alarms.recommended({ emails }) });
    const rule = only(Template.fromStack(Stack.of(hello)), 'AWS::Events::Rule');

    // As https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html and ecs_service_events.html have them.
    expect(rule.EventPattern).toEqual({
      'source': ['aws.ecs'],
      'detail-type': ['ECS Service Action', 'ECS Deployment State Change'],
      'resources': [Stack.of(hello).resolve(hello.service.serviceArn)],
      'detail': { eventName: ['SERVICE_DEPLOYMENT_FAILED', 'SERVICE_TASK_START_IMPAIRED'] },
    });
    expect(rule.Targets).toEqual([expect.objectContaining({
      Arn: Stack.of(hello).resolve(hello.alarmTopic!.topicArn),
      InputTransformer: {
        InputPathsMap: { 'detail-eventName': '$.detail.eventName', 'time': '$.time', 'detail-reason': '$.detail.reason' },
        InputTemplate: '"Stack/Hello: <detail-eventName> at <time>. <detail-reason> First look at the events of the ECS service, which say why."',
      },
    })]);
  });

  test('the same, of an alarm of the user', () => {
    const hello = serviceOf({ alarms: Alarms.recommended({ emails }) });
    const alarm = new cloudwatch.Alarm(Stack.of(hello), 'Queue', { metric: new cloudwatch.Metric({ namespace: 'Mine', metricName: 'Age' }), threshold: 1, evaluationPeriods: 1 });
    hello.addAlarm(alarm);
    const topic = [Stack.of(hello).resolve(hello.alarmTopic!.topicArn)];

    Template.fromStack(Stack.of(hello)).hasResourceProperties('AWS::CloudWatch::Alarm', { Namespace: 'Mine', AlarmActions: topic, OKActions: topic });
  });

  test('fails with an alarm of the user that would change nothing', () => {
    const hello = serviceOf();
    const alarm = hello.metricCpuUtilization().createAlarm(hello, 'Mine', { threshold: 1, evaluationPeriods: 1 });

    expect(() => hello.addAlarm(alarm)).toThrow(/^Stack\/Hello: addAlarm is "Stack\/Hello\/Mine", but there is nobody to tell and no dashboard; set alarms: .*$/);
  });
});

test('the metric of error lines is that of one service in one stack', () => {
  const stack = newStack();
  for (const id of ['One', 'Two']) { new HelloFargateService(stack, id, { alarms: Alarms.recommended({ errorLogLines: 5 }) }); }
  const filters = Object.values(Template.fromStack(stack).findResources('AWS::Logs::MetricFilter')).map(({ Properties }) => Properties);

  expect(filters.map(({ MetricTransformations: [{ MetricName, MetricNamespace }] }) => [MetricNamespace, MetricName]))
    .toEqual([['HelloFargateService', 'Stack/One/ErrorLines'], ['HelloFargateService', 'Stack/Two/ErrorLines']]);
  expect(filters[0].FilterPattern).toBe('{ ($.level = "ERROR") || ($.level = "error") || ($.level = "FATAL") || ($.level = "fatal") || ($.level = "CRITICAL") || ($.level = "critical") }');
});

test('all of it synthesises without a warning', () => {
  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello', {
    alarms: Alarms.recommended({ emails: ['a@example.com'], p95ResponseTime: Duration.seconds(1), errorLogLines: 5 }), deployment: Deployment.canary(), dashboard: true,
  });
  hello.addAlarm(hello.metricCpuUtilization().createAlarm(hello, 'Mine', { threshold: 1, evaluationPeriods: 1 }));
  Template.fromStack(stack);

  expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
});

describe('fails with', () => {
  const email = 'on-call@example.com';

  test.each<[string, RecommendedAlarmsOptions, RegExp]>([
    ['no topics', { topics: [] }, /alarms\.topics is \[\], but an empty value would be ignored/],
    ['no addresses', { emails: [] }, /alarms\.emails is \[\], but an empty value would be ignored/],
    ['what is no address', { emails: ['on-call'] }, /alarms\.emails is "on-call", but it is no e-mail address; write it like/],
    ['an address twice', { emails: [email, email] }, /alarms\.emails is "on-call@example\.com", but it is in the list twice/],
    ['no CPU', { cpuUtilizationPercent: 0 }, /alarms\.cpuUtilizationPercent is 0, but a percentage that can be exceeded is a whole number from 1 to 99/],
    ['all of the CPU, which is never exceeded', { cpuUtilizationPercent: 100 }, /alarms\.cpuUtilizationPercent is 100/],
    ['memory as a fraction', { memoryUtilizationPercent: 0.8 }, /alarms\.memoryUtilizationPercent is 0\.8/],
    ['a rate that cannot be exceeded', { errorRatePercent: 100 }, /alarms\.errorRatePercent is 100, but a rate that can be exceeded is from 0 to below 100 percent/],
    ['a negative rate', { errorRatePercent: -1 }, /alarms\.errorRatePercent is -1/],
    ['a rate that is no number', { errorRatePercent: NaN }, /alarms\.errorRatePercent is NaN/],
    ['no failed request', { minFailedRequests: 0 }, /alarms\.minFailedRequests is 0, but the number of failed requests that count is a whole number from 1/],
    ['no healthy task', { minHealthyTasks: 0 }, /alarms\.minHealthyTasks is 0, but the number of healthy tasks is a whole number from 1/],
    ['more healthy tasks than there are', { minHealthyTasks: 3 }, /alarms\.minHealthyTasks is 3, but there are times with 2 tasks, so that it would be in alarm then; set it to 2 or below/],
    ['no time', { p95ResponseTime: Duration.millis(0) }, /alarms\.p95ResponseTime is 0 seconds, but it is a time from 1 ms to an hour/],
    ['a day', { p95ResponseTime: Duration.days(1) }, /alarms\.p95ResponseTime is 86400 seconds/],
    ['a time that only the deployment knows', { p95ResponseTime: Duration.seconds(Lazy.number({ produce: () => 1 })) }, /alarms\.p95ResponseTime is a token/],
    ['no lines', { errorLogLines: 0 }, /alarms\.errorLogLines is 0, but the number of lines is a whole number from 1/],
  ])('%s', (_what, options, message) => {
    expect(() => templateOf({ alarms: Alarms.recommended(options) })).toThrow(message);
  });

  test('more healthy tasks than scaling leaves, at its least or at a time', () => {
    const alarms = Alarms.recommended({ minHealthyTasks: 2 });
    const schedules = [{ schedule: appscaling.Schedule.cron({ hour: '20' }), minCapacity: 1 }];

    expect(() => templateOf({ alarms, scaling: { minCapacity: 1, maxCapacity: 4 } })).toThrow(/there are times with 1 tasks/);
    expect(() => templateOf({ alarms, scaling: { minCapacity: 2, maxCapacity: 4, schedules } })).toThrow(/there are times with 1 tasks/);
    expect(() => templateOf({ alarms, ...NIGHTS })).not.toThrow();
    expect(() => templateOf({ alarms, desiredCount: 0 })).toThrow(/there are times with 0 tasks, .*; leave it out/);
  });

  test('lines of a class or of a driver that gives no metrics', () => {
    const alarms = Alarms.recommended({ errorLogLines: 1 });

    expect(() => templateOf({ alarms, logGroupClass: logs.LogGroupClass.INFREQUENT_ACCESS })).toThrow(/alarms\.errorLogLines is 1, but no metric is made of log lines of the class INFREQUENT_ACCESS/);
    expect(() => templateOf({ alarms, logDriver: ecs.LogDrivers.firelens({}) }))
      .toThrow(/alarms\.errorLogLines is 1, but with a logDriver the lines go elsewhere/);
  });

  test('nothing that only the deployment knows', () => {
    const number = Lazy.number({ produce: () => 5 });
    const alarms = alarmsOf(templateOf({
      alarms: Alarms.recommended({
        cpuUtilizationPercent: number,
        memoryUtilizationPercent: number,
        errorRatePercent: number,
        minFailedRequests: number,
        minHealthyTasks: number,
        errorLogLines: number,
        emails: [Lazy.string({ produce: () => email })],
      }),
    }));

    expect(Object.values(alarms).map(({ Threshold }) => Threshold)).toEqual([5, 5, 5, 5, 5]);
    // A token that was made text the wrong way is a number of this size.
    expect(JSON.stringify(alarms)).not.toMatch(/e\+\d{3}/);
  });
});
