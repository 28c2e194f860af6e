import { App, Duration, Lazy, Stack, Tags } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Deployment, HelloFargateService, HelloFargateServiceProps, Ingress } from '../../src/index';
import { importedVpc, sharedListener, sharedListenerProps } from '../support/fixtures';
import { newStack, only, templateOf } from '../support/synth';

const RULE = 'AWS::ElasticLoadBalancingV2::ListenerRule';
const TARGET_GROUP = 'AWS::ElasticLoadBalancingV2::TargetGroup';
const SERVICE = 'AWS::ECS::Service';

const HEADER = { name: 'X-Version', value: 'new' };
const shifting: Array<[string, Deployment]> = [
  ['blueGreen', Deployment.blueGreen()],
  ['canary', Deployment.canary()],
  ['linear', Deployment.linear()],
];

const configurationOf = (deployment?: Deployment) => only(templateOf({ deployment }), SERVICE).DeploymentConfiguration;

describe('rolling', () => {
  test('keeps all tasks running and rolls back failed deployments by default', () => {
    const { Alarms, ...configuration } = configurationOf();

    expect(configuration).toEqual({
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      MinimumHealthyPercent: 100,
      MaximumPercent: 200,
    });
    expect(Alarms).toMatchObject({ Enable: true, Rollback: true });
    templateOf().resourceCountIs(TARGET_GROUP, 1);
  });

  test('sets the percentages of tasks', () => {
    expect(configurationOf(Deployment.rolling({ minHealthyPercent: 50, maxHealthyPercent: 150 }))).toMatchObject({
      MinimumHealthyPercent: 50,
      MaximumPercent: 150,
    });
  });

  test('prepares for traffic shifting with a second target group and the configuration for ECS', () => {
    const template = templateOf({ deployment: Deployment.rolling({ prepareTrafficShifting: true }) });

    expect(only(template, SERVICE).DeploymentConfiguration).not.toHaveProperty('Strategy');
    expect(only(template, SERVICE).LoadBalancers[0].AdvancedConfiguration).toMatchObject({
      AlternateTargetGroupArn: {},
      ProductionListenerRule: {},
      RoleArn: {},
    });
    template.resourceCountIs(TARGET_GROUP, 2);
  });
});

test('the circuit breaker has the given threshold, and otherwise that of ECS', () => {
  const breakerOf = (deployment: Deployment) => configurationOf(deployment).DeploymentCircuitBreaker;

  expect(breakerOf(Deployment.rolling())).toEqual({ Enable: true, Rollback: true });
  expect(breakerOf(Deployment.rolling({ failureThreshold: 2 }))).toEqual({
    Enable: true, Rollback: true, ThresholdConfiguration: { Type: 'COUNT', Value: 2 },
  });
});

describe('shifting traffic', () => {
  test.each([
    [
      'blueGreen',
      Deployment.blueGreen({ bakeTime: Duration.minutes(30) }),
      { Strategy: 'BLUE_GREEN', BakeTimeInMinutes: 30 },
    ],
    [
      'canary',
      Deployment.canary({ percent: 2.5, canaryBakeTime: Duration.minutes(1), bakeTime: Duration.minutes(2) }),
      {
        Strategy: 'CANARY',
        BakeTimeInMinutes: 2,
        CanaryConfiguration: { CanaryPercent: 2.5, CanaryBakeTimeInMinutes: 1 },
      },
    ],
    [
      'linear',
      Deployment.linear({ percent: 25, stepBakeTime: Duration.minutes(4) }),
      { Strategy: 'LINEAR', BakeTimeInMinutes: 5, LinearConfiguration: { StepPercent: 25, StepBakeTimeInMinutes: 4 } },
    ],
    ['blueGreen with defaults', Deployment.blueGreen(), { Strategy: 'BLUE_GREEN', BakeTimeInMinutes: 5 }],
    [
      'canary with defaults',
      Deployment.canary(),
      { BakeTimeInMinutes: 5, CanaryConfiguration: { CanaryPercent: 10, CanaryBakeTimeInMinutes: 10 } },
    ],
    [
      'linear with defaults',
      Deployment.linear(),
      { BakeTimeInMinutes: 5, LinearConfiguration: { StepPercent: 20, StepBakeTimeInMinutes: 3 } },
    ],
  ])('%s', (_name, deployment, expected) => {
    expect(configurationOf(deployment)).toMatchObject({
      ...expected,
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
    });
  });

  test.each(shifting)(
    '%s forwards to both target groups for every ingress with a load balancer',
    (_name, deployment) => {
      const ingresses: Array<(stack: Stack) => HelloFargateServiceProps> = [
        () => ({}),
        () => ({ ingress: Ingress.http({ internetFacing: false }) }),
        () => ({ ingress: Ingress.cloudFront() }),
        (stack) => sharedListenerProps(stack),
      ];
      for (const props of ingresses) {
        const stack = newStack();
        const template = templateOf({ ...props(stack), deployment }, stack);
        const ids = Object.keys(template.findResources(TARGET_GROUP));
        const [{ TargetGroupArn, AdvancedConfiguration }] = only(template, SERVICE).LoadBalancers;
        const other = AdvancedConfiguration.AlternateTargetGroupArn;

        expect(ids).toHaveLength(2);
        expect(only(template, RULE).Actions).toEqual([
          {
            Type: 'forward',
            ForwardConfig: {
              TargetGroups: [
                { TargetGroupArn, Weight: 1 },
                { TargetGroupArn: other, Weight: 0 },
              ],
            },
          },
        ]);
        expect(AdvancedConfiguration.ProductionListenerRule).toEqual({
          Ref: Object.keys(template.findResources(RULE))[0],
        });
      }
    },
  );

  test('routes requests with the test header to the new version by an earlier rule', () => {
    const template = templateOf({ deployment: Deployment.blueGreen({ testTrafficHeader: HEADER }) });
    const rules = Object.entries(template.findResources(RULE)).sort(
      ([, a], [, b]) => a.Properties.Priority - b.Properties.Priority,
    );

    expect(rules.map(([, { Properties }]) => Properties.Priority)).toEqual([49_999, 50_000]);
    expect(rules[0][1].Properties.Conditions).toContainEqual({
      Field: 'http-header',
      HttpHeaderConfig: { HttpHeaderName: 'X-Version', Values: ['new'] },
    });
    expect(only(template, SERVICE).LoadBalancers[0].AdvancedConfiguration).toMatchObject({
      TestListenerRule: { Ref: rules[0][0] },
      ProductionListenerRule: { Ref: rules[1][0] },
    });
  });

  test('adds lifecycle hooks', () => {
    const stack = newStack();
    const handler = lambda.Function.fromFunctionAttributes(stack, 'Check', {
      functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:check',
      skipPermissions: true,
    });
    const hook = new ecs.DeploymentLifecycleLambdaTarget(handler, 'Hook', {
      lifecycleStages: [ecs.DeploymentLifecycleStage.POST_TEST_TRAFFIC_SHIFT],
    });
    const template = templateOf({ deployment: Deployment.canary({ lifecycleHooks: [hook] }) }, stack);

    expect(only(template, SERVICE).DeploymentConfiguration.LifecycleHooks).toEqual([
      expect.objectContaining({
        HookTargetArn: 'arn:aws:lambda:us-east-1:123456789012:function:check',
        LifecycleStages: ['POST_TEST_TRAFFIC_SHIFT'],
      }),
    ]);
  });

  // ECS writes the current weights into the rule, and a change in the template would reset them.
  test('renders an identical rule for each strategy, regardless of other changes', () => {
    const ruleOf = (props: HelloFargateServiceProps) => {
      const app = new App();
      const stack = new Stack(app, 'Stack');
      new HelloFargateService(stack, 'Hello', props);
      Tags.of(app).add('team', 'shop');
      return JSON.stringify(Template.fromStack(stack).findResources(RULE));
    };
    const prepared = ruleOf({ deployment: Deployment.rolling({ prepareTrafficShifting: true }) });

    expect(prepared).not.toContain('Tags');
    for (const props of [
      { deployment: Deployment.blueGreen() },
      { deployment: Deployment.canary() },
      { deployment: Deployment.linear({ rollbackOnErrors: false }) },
      { deployment: Deployment.canary(), containerPort: 3000, cpu: 1024, desiredCount: 7 },
      { deployment: Deployment.canary(), healthCheck: { interval: Duration.seconds(7) } },
      {
        deployment: Deployment.canary(),
        ingress: Ingress.http({ idleTimeout: Duration.minutes(2) }),
      },
    ]) {
      expect(ruleOf(props)).toBe(prepared);
    }
  });

  test('keeps the logical ID of the rule when an existing service starts to shift traffic', () => {
    const ids = (props: HelloFargateServiceProps) => Object.keys(templateOf(props).findResources(RULE));

    expect(ids({ deployment: Deployment.canary() })).toEqual(ids({}));
  });
});

describe('rollback', () => {
  const alarmsOf = (template: Template) =>
    Object.entries(template.findResources('AWS::CloudWatch::Alarm'))
      .filter(([id]) => /Rollback/.test(id))
      .map(([id, { Properties }]) => ({ id, ...Properties }));

  test('rolls back on two alarms on target group metrics', () => {
    const template = templateOf();
    const [errors, unhealthy] = alarmsOf(template);

    expect(only(template, SERVICE).DeploymentConfiguration.Alarms).toEqual({
      AlarmNames: [{ Ref: errors.id }, { Ref: unhealthy.id }],
      Enable: true,
      Rollback: true,
    });
    expect(errors).toMatchObject({
      Threshold: 5,
      ComparisonOperator: 'GreaterThanThreshold',
      EvaluationPeriods: 3,
      TreatMissingData: 'notBreaching',
    });
    expect(unhealthy).toMatchObject({
      MetricName: 'UnHealthyHostCount',
      Statistic: 'Maximum',
      Threshold: 1,
      Period: 60,
      EvaluationPeriods: 4,
      TreatMissingData: 'notBreaching',
    });
    expect(JSON.stringify([errors, unhealthy])).not.toMatch(/4XX|AWS\/ECS|HealthyHostCount":0/);
  });

  test('counts both target groups if traffic shifts', () => {
    const [errors, unhealthy] = alarmsOf(templateOf({ deployment: Deployment.canary() }));
    const groups = (alarm: { Metrics: any[] }) =>
      new Set(
        alarm.Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.Dimensions ?? [])
          .filter(({ Name }) => Name === 'TargetGroup')
          .map(({ Value }) => JSON.stringify(Value)),
      );

    expect(groups(errors as any).size).toBe(2);
    expect(groups(unhealthy as any).size).toBe(2);
  });

  test('ignores failed health checks during the grace period', () => {
    const [, unhealthy] = alarmsOf(templateOf({ healthCheck: { gracePeriod: Duration.minutes(10) } }));

    expect(unhealthy).toMatchObject({ EvaluationPeriods: 13 });
  });

  test('does not reference the service in its alarms, which would be a circular dependency', () => {
    const alarms = Object.values(templateOf().findResources('AWS::CloudWatch::Alarm')).filter(({ Properties }) =>
      /^Rolls back/.test(Properties.AlarmDescription),
    );

    expect(alarms).toHaveLength(2);
    expect(JSON.stringify(alarms)).not.toContain('HelloService');
  });

  test('uses additional alarms, with or without its own', () => {
    const stack = newStack();
    const alarm = cloudwatch.Alarm.fromAlarmArn(
      stack,
      'Imported',
      'arn:aws:cloudwatch:us-east-1:123456789012:alarm:imported',
    );
    const both = templateOf({ deployment: Deployment.rolling({ rollbackAlarms: [alarm] }) }, stack);
    const stack2 = newStack();
    const alone = templateOf(
      {
        deployment: Deployment.rolling({
          rollbackOnErrors: false,
          rollbackAlarms: [cloudwatch.Alarm.fromAlarmArn(stack2, 'Imported', alarm.alarmArn)],
        }),
      },
      stack2,
    );

    expect(only(both, SERVICE).DeploymentConfiguration.Alarms.AlarmNames).toEqual([
      expect.anything(),
      expect.anything(),
      'imported',
    ]);
    expect(only(alone, SERVICE).DeploymentConfiguration.Alarms.AlarmNames).toEqual(['imported']);
    expect(alarmsOf(alone)).toEqual([]);
  });

  test('can rely on the circuit breaker alone', () => {
    const template = templateOf({ deployment: Deployment.rolling({ rollbackOnErrors: false }) });

    expect(only(template, SERVICE).DeploymentConfiguration.Alarms ?? { Enable: false }).toMatchObject({
      Enable: false,
    });
    expect(alarmsOf(template)).toEqual([]);
  });

  test('creates no alarms without a load balancer', () => {
    expect(alarmsOf(templateOf({ ingress: Ingress.httpApi() }))).toEqual([]);
  });
});

describe('forceNewDeployment', () => {
  const nonceOf = (props: HelloFargateServiceProps) =>
    only(templateOf(props), SERVICE).ForceNewDeployment.ForceNewDeploymentNonce;

  test('forces a deployment only if the string changes', () => {
    expect(nonceOf({ forceNewDeployment: '2026-11-23' })).toBe(nonceOf({ forceNewDeployment: '2026-11-23' }));
    expect(nonceOf({ forceNewDeployment: '2026-11-23' })).not.toBe(nonceOf({}));
    expect(nonceOf({ cpu: 1024 })).toBe(nonceOf({}));
  });
});

describe('fails with', () => {
  const stack = newStack();
  const vpc = importedVpc(stack);

  test.each<[string, HelloFargateServiceProps, RegExp]>([
    [
      'traffic shifting without a load balancer',
      { ingress: Ingress.httpApi(), deployment: Deployment.canary() },
      /deployment is Deployment\.canary, but Ingress\.httpApi has no load balancer .*; leave it out/,
    ],
    [
      'preparing traffic shifting without a load balancer',
      { ingress: Ingress.httpApi(), deployment: Deployment.rolling({ prepareTrafficShifting: true }) },
      /deployment is Deployment\.rolling with prepareTrafficShifting/,
    ],
    [
      'rollback on errors without a load balancer',
      { ingress: Ingress.httpApi(), deployment: Deployment.rolling({ rollbackOnErrors: true }) },
      /deployment\.rollbackOnErrors is true, but Ingress\.httpApi has no load balancer/,
    ],
    [
      'an empty list of alarms',
      { deployment: Deployment.rolling({ rollbackAlarms: [] }) },
      /deployment\.rollbackAlarms is \[\]/,
    ],
    [
      'a negative minimum of healthy tasks',
      { deployment: Deployment.rolling({ minHealthyPercent: -1 }) },
      /deployment\.minHealthyPercent is -1, but .* from 0 to 100/,
    ],
    [
      'a maximum of tasks above 200 %',
      { deployment: Deployment.rolling({ maxHealthyPercent: 201 }) },
      /deployment\.maxHealthyPercent is 201, but .* from 101 to 200/,
    ],
    [
      'a threshold that no failure reaches',
      { deployment: Deployment.rolling({ failureThreshold: 0 }) },
      /deployment\.failureThreshold is 0, but .* from 1 to 5000/,
    ],
    [
      'a maximum of tasks that prevents replacement',
      { deployment: Deployment.rolling({ maxHealthyPercent: 100 }) },
      /deployment\.maxHealthyPercent is 100, but/,
    ],
    [
      'a canary of 0 %',
      { deployment: Deployment.canary({ percent: 0 }) },
      /deployment\.percent is 0, but Deployment\.canary accepts 0\.1 to 100/,
    ],
    ['a canary of more than 100 %', { deployment: Deployment.canary({ percent: 101 }) }, /deployment\.percent is 101/],
    [
      'a canary that is not a multiple of 0.1 %',
      { deployment: Deployment.canary({ percent: 0.15 }) },
      /deployment\.percent is 0\.15/,
    ],
    ['a canary of NaN', { deployment: Deployment.canary({ percent: NaN }) }, /deployment\.percent is NaN/],
    [
      'linear steps of less than 3 %',
      { deployment: Deployment.linear({ percent: 2 }) },
      /deployment\.percent is 2, but Deployment\.linear accepts 3 to 100/,
    ],
    [
      'a bake time that is not a whole number of minutes',
      { deployment: Deployment.blueGreen({ bakeTime: Duration.seconds(90) }) },
      /deployment\.bakeTime is 90 seconds, but it must be a whole number of minutes/,
    ],
    [
      'a bake time of more than a day',
      { deployment: Deployment.canary({ canaryBakeTime: Duration.minutes(1441) }) },
      /deployment\.canaryBakeTime is 86460 seconds, but .* 0 to 1440/,
    ],
    [
      'a deployment that takes longer than CloudFormation allows',
      { deployment: Deployment.linear({ percent: 5, stepBakeTime: Duration.hours(2) }) },
      /deployment is 38\.1 hours long, but CloudFormation allows at most 33 hours .*; shorten stepBakeTime or bakeTime/,
    ],
    [
      'test traffic with a shared listener',
      { vpc, ingress: sharedListener(stack), deployment: Deployment.canary({ testTrafficHeader: HEADER }) },
      /deployment\.testTrafficHeader is "X-Version", but Ingress\.sharedListener has no listener of its own/,
    ],
    [
      'a header name with a space',
      { deployment: Deployment.canary({ testTrafficHeader: { name: 'X Version', value: 'new' } }) },
      /deployment\.testTrafficHeader\.name is "X Version"/,
    ],
    [
      'a header without a value',
      { deployment: Deployment.canary({ testTrafficHeader: { name: 'X-Version', value: '' } }) },
      /deployment\.testTrafficHeader\.value is ""/,
    ],
    [
      'an empty string for forceNewDeployment',
      { forceNewDeployment: '' },
      /forceNewDeployment is "", but an empty value would be ignored/,
    ],
  ])('%s', (_what, props, message) => {
    const before = stack.node.findAll().length;

    expect(() => new HelloFargateService(stack, 'Hello', props)).toThrow(message);
    stack.node.tryRemoveChild('Hello');
    expect(stack.node.findAll()).toHaveLength(before);
  });

  test('does not validate tokens', () => {
    const number = Lazy.number({ produce: () => 10 });

    expect(() => templateOf({ deployment: Deployment.canary({ percent: number }) })).not.toThrow();
    expect(() => templateOf({ deployment: Deployment.rolling({ minHealthyPercent: number }) })).not.toThrow();
  });
});
