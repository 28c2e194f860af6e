import { Duration, Lazy, Stack, TimeZone } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import {
  Alarms,
  Deployment,
  HelloFargateService,
  HelloFargateServiceProps,
  Ingress,
  Preset,
  RecommendedAlarmsOptions,
} from '../../src/index';
import { sharedListenerProps } from '../support/fixtures';
import { IDLE, timeline, Minute, evaluateAlarms, HEALTHY } from '../support/on-call';
import { memoize, newStack, only, templateOf } from '../support/synth';

type Props = (stack: Stack) => HelloFargateServiceProps;

/** The types of ingress whose alarms differ. */
const INGRESS_TYPES: { [kind: string]: Props } = {
  'a load balancer': () => ({}),
  'two target groups': () => ({ deployment: Deployment.blueGreen() }),
  'a shared listener': (stack) => sharedListenerProps(stack),
  'an HTTP API': () => ({ ingress: Ingress.httpApi() }),
};

const RECOMMENDED = { alarms: Alarms.recommended() };

function serviceOf(props: HelloFargateServiceProps | Props = {}): HelloFargateService {
  const stack = newStack();
  return new HelloFargateService(stack, 'Hello', {
    ...RECOMMENDED, ...typeof props === 'function' ? props(stack) : props,
  });
}

const withAlarms = (props: HelloFargateServiceProps = {}, stack?: Stack): Template =>
  templateOf({ ...RECOMMENDED, ...props }, stack);

const stackOf = memoize((props: HelloFargateServiceProps | Props): Stack => Stack.of(serviceOf(props)));

function alarmsOf(template: Template): { [id: string]: any } {
  return Object.fromEntries(
    Object.entries(template.findResources('AWS::CloudWatch::Alarm'))
      .filter(([id]) => /HelloAlarms/.test(id))
      .map(([id, { Properties }]) => [/HelloAlarms(\w+)[0-9A-F]{8}$/.exec(id)![1], Properties]),
  );
}

/** Scales to zero at 20:00 and back at 6:00. */
const NIGHTS: HelloFargateServiceProps = {
  scaling: {
    minCapacity: 2,
    maxCapacity: 4,
    schedules: [
      {
        schedule: appscaling.Schedule.cron({ hour: '20', minute: '0' }),
        timeZone: TimeZone.EUROPE_BERLIN,
        minCapacity: 0,
        maxCapacity: 0,
      },
      {
        schedule: appscaling.Schedule.cron({ hour: '6', minute: '0' }),
        timeZone: TimeZone.EUROPE_BERLIN,
        minCapacity: 2,
        maxCapacity: 4,
      },
    ],
  },
};

/** Somebody is told. */
const TOLD = Alarms.recommended({ emails: ['on-call@example.com'] });

/** Targets are deregistered within two minutes, and registered again within a minute after tasks start. */
const NIGHT = timeline(
  [60, HEALTHY],
  [2, { ...IDLE, running: 2, registered: 2 }],
  [300, (i) => ({ ...IDLE, requests: i % 7 === 0 ? 30 : 1 })], // some clients still send requests
  [2, { ...IDLE, running: 2, registered: 2 }],
  [60, HEALTHY],
);

describe('no alarm is triggered by', () => {
  const quiet: [string, Minute[], { from: number }?][] = [
    ['a healthy service', timeline([90, HEALTHY])],
    ['no traffic', timeline([90, { ...HEALTHY, requests: 0 }])],
    ['nearly idle tasks', timeline([90, { ...HEALTHY, cpu: 0.1, memory: 5, requests: 1 }])],
    [
      'one failed request out of three in an hour',
      timeline([60, (i) => ({ ...HEALTHY, requests: i % 20 === 0 ? 1 : 0, errors: i === 40 ? 1 : 0 })]),
    ],
    [
      'three requests per hour that all fail',
      timeline([120, (i) => ({ ...HEALTHY, requests: i % 20 === 0 ? 1 : 0, errors: i % 20 === 0 ? 1 : 0 })]),
    ],
    ['4 % failed requests out of 10,000 per hour', timeline([90, { ...HEALTHY, requests: 167, errors: 6 }])],
    [
      'half a minute in which all requests fail',
      timeline(
        [40, { ...HEALTHY, requests: 1000 }],
        [1, { ...HEALTHY, requests: 1000, errors: 500 }],
        [40, { ...HEALTHY, requests: 1000 }],
      ),
    ],
    ['client errors', timeline([60, { ...HEALTHY, requests: 1000 }])],
    // The alarms are created once ECS considers the service stable, after it has monitored the rollback alarms:
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
    [
      'the first deployment',
      timeline([5, IDLE], [2, { ...HEALTHY, healthy: 0, requests: 0 }], [60, HEALTHY]),
      { from: 10 },
    ],
    [
      'a deployment that starts new tasks before it stops old ones',
      timeline(
        [40, HEALTHY],
        [3, { ...HEALTHY, running: 4, registered: 4, healthy: 2, cpu: 60 }],
        [1, { ...HEALTHY, running: 4, registered: 4, healthy: 4, brokenOff: 2 }],
        [1, { ...HEALTHY, running: 4, registered: 2, healthy: 2 }],
        [40, HEALTHY],
      ),
    ],
    [
      'a deployment that stops the only task before it starts a new one',
      timeline(
        [40, HEALTHY],
        [1, { ...HEALTHY, running: 0, registered: 0, healthy: 0, requests: 0 }],
        [2, { ...HEALTHY, healthy: 0, requests: 0 }],
        [40, HEALTHY],
      ),
    ],
    [
      'the replacement of one of two tasks',
      timeline([40, HEALTHY], [5, { ...HEALTHY, registered: 2, healthy: 1 }], [40, HEALTHY]),
    ],
    [
      'nine minutes of high utilization',
      timeline([40, HEALTHY], [9, { ...HEALTHY, cpu: 95, memory: 95 }], [40, HEALTHY]),
    ],
  ];
  describe.each(Object.entries(INGRESS_TYPES))('with %s', (_kind, props) => {
    test.each(quiet)('%s', (...[, minutes, options]) => {
      expect(evaluateAlarms(stackOf(props), minutes, options).ever).toEqual({});
    });

    test('requests while the service is scaled to zero at night', () => {
      expect(
        evaluateAlarms(
          stackOf((stack) => ({ ...props(stack), ...NIGHTS })),
          NIGHT,
        ).ever,
      ).toEqual({});
    });

    test('a service that is created without tasks', () => {
      expect(
        evaluateAlarms(
          stackOf((stack) => ({ ...props(stack), desiredCount: 0 })),
          timeline([60, IDLE]),
          { from: 1 },
        ).ever,
      ).toEqual({});
    });
  });

  test('traffic that shifts from one target group to the other', () => {
    const shifted = { ...HEALTHY, group: 'alternate' as const };
    const minutes = timeline([60, HEALTHY], [60, shifted], [60, HEALTHY]);
    expect(evaluateAlarms(stackOf(INGRESS_TYPES['two target groups']), minutes).ever).toEqual({});
  });

  test('a few slow requests, or a short burst of them', () => {
    const slow = stackOf({ alarms: Alarms.recommended({ p95ResponseTime: Duration.seconds(1) }) });

    const fewRequests = (i: number) => ({
      ...HEALTHY, requests: i % 20 === 0 ? 1 : 0, seconds: i % 20 === 0 ? [9] : [],
    });
    const burst = timeline([30, HEALTHY], [4, { ...HEALTHY, seconds: [9, 9, 9] }], [30, HEALTHY]);

    expect(evaluateAlarms(slow, timeline([90, fewRequests])).ever).toEqual({});
    expect(evaluateAlarms(slow, timeline([90, { ...HEALTHY, requests: 1, seconds: [9] }])).ever).toEqual({});
    expect(evaluateAlarms(slow, burst).ever).toEqual({});
  });

  test('a few error log lines', () => {
    const noisy = stackOf({ alarms: Alarms.recommended({ errorLogLines: 10 }) });

    const fewErrors = timeline([90, (i) => ({ ...HEALTHY, errorLines: i % 5 === 0 ? 9 : 0 })]);
    expect(evaluateAlarms(noisy, fewErrors).ever).toEqual({});
  });
});

describe('an alarm is triggered by', () => {
  /** The failure, the alarm, and its maximum delay in minutes. */
  const loud: [string, Minute, string, number][] = [
    ['6 % failed requests out of 10,000 per hour', { ...HEALTHY, requests: 167, errors: 10 }, 'ErrorRate', 17],
    ['20 requests in 5 minutes that all fail', { ...HEALTHY, requests: 4, errors: 4 }, 'ErrorRate', 17],
    ['tasks that all fail their health check', { ...HEALTHY, healthy: 0, requests: 0 }, 'NoHealthyTask', 6],
    ['a service without any registered task', IDLE, 'NoHealthyTask', 11],
    ['tasks that are replaced and never become healthy', { ...IDLE, registered: 1 }, 'NoHealthyTask', 11],
    ['CPU above 80 %', { ...HEALTHY, cpu: 85 }, 'HighCpu', 22],
    ['memory above 80 %', { ...HEALTHY, memory: 85 }, 'HighMemory', 22],
  ];
  /** API Gateway does not check the health of tasks. */
  const notWithHttpApi = new Set(['tasks that all fail their health check']);

  describe.each(Object.entries(INGRESS_TYPES))('with %s', (kind, props) => {
    test.each(loud.filter(([what]) => kind !== 'an HTTP API' || !notWithHttpApi.has(what)))(
      '%s',
      (_what, bad, alarm, latest) => {
        const { always, ever } = evaluateAlarms(stackOf(props), timeline([60, HEALTHY], [60, bad]));

        expect(Object.keys(ever)).toEqual([alarm]);
        expect(ever[alarm][0]).toBeGreaterThan(62);
        expect(always[alarm][0]).toBeLessThanOrEqual(60 + latest);
      },
    );

    test('returns to OK when the service recovers', () => {
      const { ever } = evaluateAlarms(stackOf(props), timeline([60, HEALTHY], [30, IDLE], [30, HEALTHY]));

      expect(Math.max(...ever.NoHealthyTask)).toBeLessThanOrEqual(94);
    });
  });

  test.each(['a load balancer', 'two target groups', 'an HTTP API'])(
    'healthy tasks that time out or close connections, with %s',
    (kind) => {
      for (const bad of [
        { ...HEALTHY, tooSlow: 60 },
        { ...HEALTHY, brokenOff: 60 },
      ]) {
        const { always, ever } = evaluateAlarms(stackOf(INGRESS_TYPES[kind]), timeline([60, HEALTHY], [60, bad]));

        expect(Object.keys(ever)).toEqual(['ErrorRate']);
        expect(always.ErrorRate[0]).toBeLessThanOrEqual(77);
      }
    },
  );

  test('errors in the second target group, and no healthy task in both', () => {
    const there = { ...HEALTHY, group: 'alternate' as const };
    const stack = stackOf(INGRESS_TYPES['two target groups']);
    const alarmsWith = (failure: Partial<Minute>) =>
      Object.keys(evaluateAlarms(stack, timeline([60, there], [60, { ...there, ...failure }])).always);

    expect(alarmsWith({ errors: 10 })).toEqual(['ErrorRate']);
    expect(alarmsWith({ healthy: 0, requests: 0 })).toEqual(['NoHealthyTask']);
  });

  test('unhealthy tasks during the day, even if the service scales to zero at night', () => {
    const unhealthy = { ...HEALTHY, healthy: 0, requests: 0 };
    const { always } = evaluateAlarms(stackOf(NIGHTS), timeline([60, HEALTHY], [60, unhealthy]));

    expect(always.NoHealthyTask[0]).toBeLessThanOrEqual(66);
  });

  test.each([
    ['a load balancer', 'p95'],
    ['two target groups', 'p95'],
    ['an HTTP API', 'p95'],
  ])('slow responses, with %s', (kind) => {
    const slow = stackOf((stack) => ({
      ...INGRESS_TYPES[kind](stack),
      alarms: Alarms.recommended({ p95ResponseTime: Duration.millis(500) }),
    }));
    const { always, ever } = evaluateAlarms(
      slow,
      timeline([60, HEALTHY], [60, { ...HEALTHY, seconds: [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.6, 0.6] }]),
    );

    expect(Object.keys(ever)).toEqual(['SlowResponses']);
    expect(always.SlowResponses[0]).toBeLessThanOrEqual(82);
  });

  test('slow responses in the second target group', () => {
    const there = { ...HEALTHY, group: 'alternate' as const };
    const stack = stackOf({
      deployment: Deployment.blueGreen(),
      alarms: Alarms.recommended({ p95ResponseTime: Duration.millis(500) }),
    });

    const { always } = evaluateAlarms(stack, timeline([60, there], [60, { ...there, seconds: [0.6] }]));

    expect(Object.keys(always)).toEqual(['SlowResponses']);
  });

  test('error log lines', () => {
    const { always } = evaluateAlarms(
      stackOf({ alarms: Alarms.recommended({ errorLogLines: 10 }) }),
      timeline([60, HEALTHY], [60, { ...HEALTHY, errorLines: 2 }]),
    );

    expect(always.ErrorLines[0]).toBeLessThanOrEqual(72);
  });

  test.each<[string, number, HelloFargateServiceProps]>([
    ['one task', 1, { desiredCount: 1 }],
    ['two tasks', 1, {}],
    ['three tasks', 2, { desiredCount: 3 }],
    ['three tasks of Preset.PRODUCTION', 2, {
      preset: Preset.PRODUCTION, ingress: Ingress.http({ internetFacing: false }), alarms: TOLD,
    }],
    ['seven tasks', 4, { desiredCount: 7 }],
    ['seven tasks, 30% of which stay healthy in a deployment', 3, {
      desiredCount: 7, deployment: Deployment.rolling({ minHealthyPercent: 30 }),
    }],
    ['seven tasks, all of which are stopped in a deployment', 1, {
      desiredCount: 7, deployment: Deployment.rolling({ minHealthyPercent: 0 }),
    }],
    ['at least five tasks', 3, { scaling: { minCapacity: 5, maxCapacity: 9 } }],
    ['at least two tasks at times', 1, {
      scaling: {
        minCapacity: 5,
        maxCapacity: 9,
        schedules: [{ schedule: appscaling.Schedule.cron({ hour: '20' }), minCapacity: 2 }],
      },
    }],
    ['no task at night', 1, NIGHTS],
    ['a number of tasks that is a parameter', 1, { desiredCount: Lazy.number({ produce: () => 9 }) }],
  ])('fewer healthy tasks than half: %s', (_, threshold, props) => {
    const alarms = alarmsOf(withAlarms(props));

    expect(alarms.NoHealthyTask.Threshold).toBe(threshold);
    expect(JSON.stringify(alarms.NoHealthyTask.AlarmDescription)).toContain(`fewer than ${threshold} healthy`);
  });

  test('one healthy task of three', () => {
    const stack = stackOf({ desiredCount: 3 });
    const three = { ...HEALTHY, healthy: 3 };
    const alarmAfter = (healthy: number) =>
      evaluateAlarms(stack, timeline([60, three], [60, { ...three, healthy }])).always.NoHealthyTask?.[0];

    expect(alarmAfter(1)).toBeLessThanOrEqual(66);
    expect(alarmAfter(2)).toBeUndefined();
  });

  test('fewer healthy tasks than minHealthyTasks', () => {
    const { always } = evaluateAlarms(
      stackOf({ alarms: Alarms.recommended({ minHealthyTasks: 2 }) }),
      timeline([60, HEALTHY], [60, { ...HEALTHY, healthy: 1 }]),
    );

    expect(always.NoHealthyTask[0]).toBeLessThanOrEqual(66);
  });
});

describe('the recommended alarms', () => {
  test('have stable logical IDs, and need no other resources', () => {
    const resources = withAlarms().toJSON().Resources;
    const without = withAlarms({ alarms: Alarms.none() }).toJSON().Resources;
    const added = Object.keys(resources).filter((id) => !(id in without));

    expect(added).toEqual([
      'HelloAlarmsNoHealthyTaskBC855561',
      'HelloAlarmsErrorRate68BEC1C7',
      'HelloAlarmsHighCpu2B0DEC04',
      'HelloAlarmsHighMemory2AA06F1F',
    ]);
    expect(Object.keys(without).filter((id) => /Alarms/.test(id))).toEqual([]);
  });

  test.each([[Preset.DEVELOPMENT], [Preset.STANDARD]])('are not created by default: they notify nobody', (preset) => {
    expect(Object.keys(alarmsOf(templateOf({ preset })))).toEqual([]);
    expect(Object.keys(alarmsOf(withAlarms({ preset })))).toHaveLength(4);
  });

  test('have default and custom thresholds', () => {
    const alarms = (options: RecommendedAlarmsOptions) => alarmsOf(withAlarms({ alarms: Alarms.recommended(options) }));
    const thresholds = (options: RecommendedAlarmsOptions) =>
      Object.fromEntries(Object.entries(alarms(options)).map(([id, { Threshold }]) => [id, Threshold]));

    expect(thresholds({})).toEqual({ NoHealthyTask: 1, ErrorRate: 5, HighCpu: 80, HighMemory: 80 });
    expect(
      thresholds({
        minHealthyTasks: 2,
        errorRatePercent: 0.5,
        cpuUtilizationPercent: 90,
        memoryUtilizationPercent: 70,
        p95ResponseTime: Duration.millis(250),
        errorLogLines: 3,
      }),
    ).toEqual({ NoHealthyTask: 2, ErrorRate: 0.5, HighCpu: 90, HighMemory: 70, SlowResponses: 0.25, ErrorLines: 3 });
    expect(alarmsOf(withAlarms()).ErrorRate.Metrics[0].Expression).toContain('>= 5,');
    expect(
      alarmsOf(withAlarms({ alarms: Alarms.recommended({ minFailedRequests: 50 }) })).ErrorRate.Metrics[0].Expression,
    ).toContain('>= 50,');
  });

  test.each([
    ['a load balancer', 7],
    ['two target groups', 10],
    ['a shared listener', 5],
    ['an HTTP API', 5],
  ])('use as many metrics as documented, with %s', (kind, metrics) => {
    const alarms = Object.values(alarmsOf(Template.fromStack(stackOf(INGRESS_TYPES[kind]))));
    const count = (alarm: any) => alarm.Metrics?.filter(({ MetricStat }: any) => MetricStat).length ?? 1;

    expect(alarms.reduce((sum, alarm) => sum + count(alarm), 0)).toBe(metrics);
  });

  test('wait for the grace period of the health check', () => {
    const periods = (gracePeriod?: Duration) =>
      alarmsOf(withAlarms({ healthCheck: { gracePeriod } })).NoHealthyTask.EvaluationPeriods;

    expect(periods()).toBe(4);
    expect(periods(Duration.minutes(10))).toBe(13);
  });

  test('are created after the service and deleted before it', () => {
    const template = withAlarms();
    const [service] = Object.keys(template.findResources('AWS::ECS::Service'));
    const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).filter(([id]) =>
      /HelloAlarms/.test(id),
    );

    alarms.forEach(([, { DependsOn }]) => expect(DependsOn).toContain(service));
  });

  test('describe the service and the first thing to check', () => {
    const alarms = Alarms.recommended({ p95ResponseTime: Duration.seconds(1), errorLogLines: 1 });
    for (const { AlarmDescription, AlarmName } of Object.values(alarmsOf(withAlarms({ alarms })))) {
      expect(JSON.stringify(AlarmDescription)).toMatch(/Stack\/Hello: .*First /);
      expect(AlarmName).toBeUndefined();
    }
  });

  test('do not roll back deployments', () => {
    const { Alarms: rollback } = only(withAlarms(), 'AWS::ECS::Service').DeploymentConfiguration;

    expect(JSON.stringify(rollback.AlarmNames)).not.toMatch(/HelloAlarms/);
    expect(rollback.AlarmNames).toHaveLength(2);
  });
});

describe('notifications', () => {
  const emails = ['on-call@example.com', 'second@example.com'];

  test('are not sent without recipients', () => {
    const template = withAlarms();

    Object.values(alarmsOf(template)).forEach((alarm) => expect(alarm).not.toHaveProperty('AlarmActions'));
    template.resourceCountIs('AWS::SNS::Topic', 0);
    template.resourceCountIs('AWS::Events::Rule', 0);
    expect(serviceOf().alarmTopic).toBeUndefined();
  });

  test('are sent to email addresses for ALARM and OK, by a topic that requires TLS', () => {
    const hello = serviceOf({ alarms: Alarms.recommended({ emails }) });
    const template = Template.fromStack(Stack.of(hello));
    const topic = Stack.of(hello).resolve(hello.alarmTopic!.topicArn);

    expect(
      Object.values(template.findResources('AWS::SNS::Subscription')).map(({ Properties }) => [
        Properties.Protocol,
        Properties.Endpoint,
        Properties.TopicArn,
      ]),
    ).toEqual(emails.map((email) => ['email', email, topic]));
    Object.values(alarmsOf(template)).forEach((alarm) =>
      expect(alarm).toMatchObject({ AlarmActions: [topic], OKActions: [topic] }),
    );
    expect(only(template, 'AWS::SNS::TopicPolicy').PolicyDocument.Statement).toContainEqual(
      expect.objectContaining({
        Effect: 'Deny',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    );
  });

  test('are sent to existing topics, whose policies allow alarms and events', () => {
    const stack = newStack();
    const mine = new sns.Topic(stack, 'Mine');
    const other = sns.Topic.fromTopicArn(stack, 'Other', 'arn:aws:sns:us-east-1:123456789012:other');
    const template = withAlarms({ alarms: Alarms.recommended({ topics: [mine, other], emails }) }, stack);
    const alarms = Object.values(alarmsOf(template));

    alarms.forEach((alarm) =>
      expect(alarm.AlarmActions).toEqual([
        { Ref: expect.stringContaining('Topic') },
        stack.resolve(mine.topicArn),
        other.topicArn,
      ]),
    );
    const policies = Object.values(template.findResources('AWS::SNS::TopicPolicy')).map(
      ({ Properties }) => Properties.PolicyDocument.Statement,
    );
    expect(policies).toHaveLength(2);
    for (const statements of policies) {
      const allowed = statements
        .filter(({ Effect }: any) => Effect === 'Allow')
        .map(({ Principal }: any) => Principal.Service);
      expect(allowed.sort()).toEqual(['cloudwatch.amazonaws.com', 'events.amazonaws.com']);
    }
    expect(policies.flat()).toContainEqual(
      expect.objectContaining({
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Action: 'sns:Publish',
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      }),
    );
  });

  test('are sent for failed deployments and for tasks that cannot start', () => {
    const hello = serviceOf({ alarms: Alarms.recommended({ emails }) });
    const rule = only(Template.fromStack(Stack.of(hello)), 'AWS::Events::Rule');

    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
    expect(rule.EventPattern).toEqual({
      'source': ['aws.ecs'],
      'detail-type': ['ECS Service Action', 'ECS Deployment State Change'],
      'resources': [Stack.of(hello).resolve(hello.service.serviceArn)],
      'detail': { eventName: ['SERVICE_DEPLOYMENT_FAILED', 'SERVICE_TASK_START_IMPAIRED'] },
    });
    expect(rule.Targets).toEqual([
      expect.objectContaining({
        Arn: Stack.of(hello).resolve(hello.alarmTopic!.topicArn),
        InputTransformer: {
          InputPathsMap: {
            'detail-eventName': '$.detail.eventName',
            'time': '$.time',
            'detail-reason': '$.detail.reason',
          },
          InputTemplate:
            '"Stack/Hello: <detail-eventName> at <time>. <detail-reason> '
            + 'First check the events of the ECS service for the cause."',
        },
      }),
    ]);
  });

  test('are sent for additional alarms', () => {
    const hello = serviceOf({ alarms: Alarms.recommended({ emails }) });
    const alarm = new cloudwatch.Alarm(Stack.of(hello), 'Queue', {
      metric: new cloudwatch.Metric({ namespace: 'Mine', metricName: 'Age' }),
      threshold: 1,
      evaluationPeriods: 1,
    });
    hello.addAlarm(alarm);
    const topic = [Stack.of(hello).resolve(hello.alarmTopic!.topicArn)];

    Template.fromStack(Stack.of(hello)).hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'Mine',
      AlarmActions: topic,
      OKActions: topic,
    });
  });

  test('fails to add an alarm without recipients and dashboard', () => {
    const hello = serviceOf();
    const alarm = hello.metricCpuUtilization().createAlarm(hello, 'Mine', { threshold: 1, evaluationPeriods: 1 });

    expect(() => hello.addAlarm(alarm)).toThrow(
      /^Stack\/Hello: addAlarm is "Stack\/Hello\/Mine", but alarms has no topics .* no dashboard; set alarms .*$/,
    );
  });
});

test('names the error lines metric after the stack and the service', () => {
  const stack = newStack();
  for (const id of ['One', 'Two']) {
    new HelloFargateService(stack, id, { alarms: Alarms.recommended({ errorLogLines: 5 }) });
  }
  const filters = Object.values(Template.fromStack(stack).findResources('AWS::Logs::MetricFilter')).map(
    ({ Properties }) => Properties,
  );

  expect(
    filters.map(({ MetricTransformations: [{ MetricName, MetricNamespace }] }) => [MetricNamespace, MetricName]),
  ).toEqual([
    ['HelloFargateService', 'Stack/One/ErrorLines'],
    ['HelloFargateService', 'Stack/Two/ErrorLines'],
  ]);
  expect(filters[0].FilterPattern).toBe(
    '{ ($.level = "ERROR") || ($.level = "error") || ($.level = "FATAL") || ($.level = "fatal") || '
    + '($.level = "CRITICAL") || ($.level = "critical") }',
  );
});

test('synthesizes without warnings', () => {
  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello', {
    alarms: Alarms.recommended({ emails: ['a@example.com'], p95ResponseTime: Duration.seconds(1), errorLogLines: 5 }),
    deployment: Deployment.canary(),
    dashboard: true,
  });
  hello.addAlarm(hello.metricCpuUtilization().createAlarm(hello, 'Mine', { threshold: 1, evaluationPeriods: 1 }));
  Template.fromStack(stack);

  expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
});

describe('fails with', () => {
  const email = 'on-call@example.com';

  test.each<[string, RecommendedAlarmsOptions, RegExp]>([
    ['an empty list of topics', { topics: [] }, /alarms\.topics is \[\], but an empty value would be ignored/],
    ['an empty list of email addresses', { emails: [] }, /alarms\.emails is \[\], but an empty value would be ignored/],
    [
      'an invalid email address',
      { emails: ['on-call'] },
      /alarms\.emails is "on-call", but it is not an email address; set one like/,
    ],
    [
      'a duplicate email address',
      { emails: [email, email] },
      /alarms\.emails is "on-call@example\.com", but it is in the list twice/,
    ],
    [
      'a CPU threshold of 0',
      { cpuUtilizationPercent: 0 },
      /alarms\.cpuUtilizationPercent is 0, but a percentage that can be exceeded is a whole number from 1 to 99/,
    ],
    ['a CPU threshold that cannot be exceeded', { cpuUtilizationPercent: 100 }, /alarms\.cpuUtilizationPercent is 100/],
    ['a memory threshold as a fraction', { memoryUtilizationPercent: 0.8 }, /alarms\.memoryUtilizationPercent is 0\.8/],
    [
      'an error rate that cannot be exceeded',
      { errorRatePercent: 100 },
      /alarms\.errorRatePercent is 100, but a rate that can be exceeded is at least 0 and less than 100 percent/,
    ],
    ['a negative error rate', { errorRatePercent: -1 }, /alarms\.errorRatePercent is -1/],
    ['an error rate of NaN', { errorRatePercent: NaN }, /alarms\.errorRatePercent is NaN/],
    [
      'a minimum of 0 failed requests',
      { minFailedRequests: 0 },
      /alarms\.minFailedRequests is 0, but the number of failed requests is a whole number from 1/,
    ],
    [
      'a minimum of 0 healthy tasks',
      { minHealthyTasks: 0 },
      /alarms\.minHealthyTasks is 0, but the number of healthy tasks is a whole number from 1/,
    ],
    [
      'more healthy tasks than the service runs',
      { minHealthyTasks: 3 },
      /alarms\.minHealthyTasks is 3, but the service can run only 2 tasks, which .*; set it to 2 or less/,
    ],
    [
      'a response time of 0',
      { p95ResponseTime: Duration.millis(0) },
      /alarms\.p95ResponseTime is 0 seconds, but it must be from 1 ms to 1 hour/,
    ],
    ['a response time of a day', { p95ResponseTime: Duration.days(1) }, /alarms\.p95ResponseTime is 86400 seconds/],
    [
      'a response time that is a token',
      { p95ResponseTime: Duration.seconds(Lazy.number({ produce: () => 1 })) },
      /alarms\.p95ResponseTime is a token/,
    ],
    [
      'a minimum of 0 error log lines',
      { errorLogLines: 0 },
      /alarms\.errorLogLines is 0, but the number of lines is a whole number from 1/,
    ],
  ])('%s', (_what, options, message) => {
    expect(() => withAlarms({ alarms: Alarms.recommended(options) })).toThrow(message);
  });

  test('more healthy tasks than the minimum of scaling or of a schedule', () => {
    const alarms = Alarms.recommended({ minHealthyTasks: 2 });
    const schedules = [{ schedule: appscaling.Schedule.cron({ hour: '20' }), minCapacity: 1 }];

    expect(() => withAlarms({ alarms, scaling: { minCapacity: 1, maxCapacity: 4 } })).toThrow(
      /the service can run only 1 task,/,
    );
    expect(() => withAlarms({ alarms, scaling: { minCapacity: 2, maxCapacity: 4, schedules } })).toThrow(
      /the service can run only 1 task,/,
    );
    expect(() => withAlarms({ alarms, ...NIGHTS })).not.toThrow();
    expect(() => withAlarms({ alarms, desiredCount: 0 })).toThrow(/the service can run only 0 tasks, .*; leave it out/);
  });

  test('error log lines with a log class or a log driver that does not support metric filters', () => {
    const alarms = Alarms.recommended({ errorLogLines: 1 });

    expect(() => withAlarms({ alarms, logGroupClass: logs.LogGroupClass.INFREQUENT_ACCESS })).toThrow(
      /alarms\.errorLogLines is 1, but the log class INFREQUENT_ACCESS does not support metric filters/,
    );
    expect(() => withAlarms({ alarms, logDriver: ecs.LogDrivers.firelens({}) })).toThrow(
      /alarms\.errorLogLines is 1, but with logDriver, log lines are sent elsewhere/,
    );
  });

  test('nothing if values are tokens', () => {
    const number = Lazy.number({ produce: () => 5 });
    const alarms = alarmsOf(
      withAlarms({
        alarms: Alarms.recommended({
          cpuUtilizationPercent: number,
          memoryUtilizationPercent: number,
          errorRatePercent: number,
          minFailedRequests: number,
          minHealthyTasks: number,
          errorLogLines: number,
          emails: [Lazy.string({ produce: () => email })],
        }),
      }),
    );

    expect(Object.values(alarms).map(({ Threshold }) => Threshold)).toEqual([5, 5, 5, 5, 5]);
    // An unresolved numeric token is a number of this magnitude.
    expect(JSON.stringify(alarms)).not.toMatch(/e\+\d{3}/);
  });
});
