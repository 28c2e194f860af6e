import { App, Duration, Stack, TimeZone } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import {
  Alarms, Capacity, CpuScaling, Deployment, HelloFargateService, HelloFargateServiceProps, Ingress,
} from '../src/index';
import { EXAMPLE_APP } from '../src/task/service-image';
import { sharedListenerProps } from '../test/support/fixtures';

/**
 * Prints the table "feature compatibility" of docs/ingress.md: which options can be combined with which ingress. Each
 * cell is synthesized.
 *
 *     npx tsx tools/feature-compatibility.ts
 */

type Props = (stack: Stack) => HelloFargateServiceProps;

const INGRESSES: Record<string, Props> = {
  '`http`, `https`': () => ({ ingress: Ingress.http() }),
  '`cloudFront`': () => ({ ingress: Ingress.cloudFront() }),
  '`sharedListener`': sharedListenerProps,
  '`httpApi`': () => ({ ingress: Ingress.httpApi() }),
};

const scaling = { minCapacity: 2, maxCapacity: 10 };

/** Counts the resources of a type. */
const count = (type: string) => (template: Template) => Object.keys(template.findResources(`AWS::${type}`)).length;
const countMore = (type: string) => (template: Template) => count(type)(template) - 1;

const SCALING_POLICY = 'ApplicationAutoScaling::ScalingPolicy';
const LISTENER_RULE = 'ElasticLoadBalancingV2::ListenerRule';
const TARGET_GROUP = 'ElasticLoadBalancingV2::TargetGroup';

const METRIC_SOURCES: Record<string, string> = {
  'AWS/ApplicationELB': 'load balancer metric',
  'AWS/ApiGateway': 'API Gateway metric',
  'AWS/ECS': 'ECS metric',
};

/** Where the metrics of an alarm come from, if there is one. */
const alarm = (id: RegExp) => (template: Template) => {
  const [found] = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).filter(([name]) => id.test(name));
  const [, namespace] = /"Namespace":"(AWS\/[^"]+)"/.exec(JSON.stringify(found) ?? '') ?? [];
  return namespace && METRIC_SOURCES[namespace];
};

function scheduledActions(template: Template): number {
  const targets = Object.values(template.findResources('AWS::ApplicationAutoScaling::ScalableTarget'));
  return targets.flatMap(({ Properties }) => Properties.ScheduledActions ?? []).length;
}

function healthCheck(template: Template): string {
  return count(TARGET_GROUP)(template) > 0 ? '`healthCheck`' : '`containerHealthCheck`';
}

/** How long the app keeps serving after SIGTERM. */
function shutdownDelay(template: Template): string {
  const [{ Properties }] = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
  const variables: Array<{ Name: string; Value: string }> = Properties.ContainerDefinitions[0].Environment ?? [];
  const delay = variables.find(({ Name }) => Name === 'SHUTDOWN_DELAY_MS')?.Value
    ?? EXAMPLE_APP.environment.SHUTDOWN_DELAY_MS;
  return `${Number(delay) / 1000} s`;
}

interface Row {
  readonly title: string;
  readonly props: HelloFargateServiceProps;
  /** What the template has of it: a number of resources, or a text. */
  readonly inspect: (template: Template) => number | string | undefined;
}

const DEPLOYMENTS: Row[] = [
  { title: '`Deployment.rolling()`', props: { deployment: Deployment.rolling() }, inspect: count('ECS::Service') },
  {
    title: '`rolling({ prepareTrafficShifting })`',
    props: { deployment: Deployment.rolling({ prepareTrafficShifting: true }) },
    inspect: countMore(TARGET_GROUP),
  },
  { title: '`blueGreen()`', props: { deployment: Deployment.blueGreen() }, inspect: countMore(TARGET_GROUP) },
  { title: '`canary()`', props: { deployment: Deployment.canary() }, inspect: countMore(TARGET_GROUP) },
  { title: '`linear()`', props: { deployment: Deployment.linear() }, inspect: countMore(TARGET_GROUP) },
  {
    title: '… with `testTrafficHeader`',
    props: { deployment: Deployment.blueGreen({ testTrafficHeader: { name: 'X-Version', value: 'new' } }) },
    inspect: countMore(LISTENER_RULE),
  },
  {
    title: '`rollbackOnErrors`',
    props: { deployment: Deployment.rolling({ rollbackOnErrors: true }) },
    inspect: alarm(/RollbackOnErrors/),
  },
];

const SCALING: Row[] = [
  {
    title: 'scaling by `cpu`, target tracking',
    props: { scaling: { ...scaling, cpu: CpuScaling.targetTracking({ targetUtilizationPercent: 60 }) } },
    inspect: count(SCALING_POLICY),
  },
  {
    title: '… by `cpu`, step scaling',
    props: { scaling: { ...scaling, cpu: CpuScaling.stepScaling() } },
    inspect: count(SCALING_POLICY),
  },
  {
    title: '… by `memoryUtilizationPercent`',
    props: { scaling: { ...scaling, memoryUtilizationPercent: 70 } },
    inspect: countMore(SCALING_POLICY),
  },
  {
    title: '… by `requestsPerTarget`',
    props: { scaling: { ...scaling, requestsPerTarget: 1000 } },
    inspect: countMore(SCALING_POLICY),
  },
  {
    title: '… by `requestsPerTarget`, with `canary()`',
    props: { deployment: Deployment.canary(), scaling: { ...scaling, requestsPerTarget: 1000 } },
    inspect: countMore(SCALING_POLICY),
  },
  {
    title: '… by `schedules`',
    props: {
      scaling: {
        ...scaling,
        schedules: [{ schedule: appscaling.Schedule.cron({ hour: '20' }), timeZone: TimeZone.ETC_UTC, minCapacity: 1 }],
      },
    },
    inspect: scheduledActions,
  },
];

const RECOMMENDED = { alarms: Alarms.recommended() };
const ALARMS: Row[] = [
  { title: 'alarms for CPU and memory', props: RECOMMENDED, inspect: alarm(/HighCpu|HighMemory/) },
  { title: '… for failed requests', props: RECOMMENDED, inspect: alarm(/ErrorRate/) },
  { title: '… for healthy tasks', props: RECOMMENDED, inspect: alarm(/NoHealthyTask/) },
  {
    title: '… for `p95ResponseTime`',
    props: { alarms: Alarms.recommended({ p95ResponseTime: Duration.seconds(1) }) },
    inspect: alarm(/SlowResponses/),
  },
];

const ROWS: Row[] = [
  ...DEPLOYMENTS,
  ...SCALING,
  ...ALARMS,
  { title: 'health check', props: {}, inspect: healthCheck },
  { title: 'shutdown delay, On-Demand', props: { capacity: Capacity.onDemand() }, inspect: shutdownDelay },
  { title: '… Spot', props: { capacity: Capacity.spot() }, inspect: shutdownDelay },
];

/** Synthesizes a row with an ingress. */
function cell({ title, props, inspect }: Row, ingress: Props): string {
  const stack = new Stack(new App(), 'Stack');
  const desiredCount = props.scaling ? undefined : 2;
  try {
    new HelloFargateService(stack, 'Hello', { ...ingress(stack), desiredCount, ...props });
  } catch (error) {
    const [line] = (error as Error).message.split('\n');
    if (/^Stack\/Hello: [a-zA-Z.]+ is .+, but .+; .+$/.test(line)) { return 'not supported'; }
    throw error;
  }
  const found = inspect(Template.fromStack(stack));
  if (!found) { throw new Error(`${title} synthesizes, but has no effect`); }
  return typeof found === 'number' ? 'yes' : found;
}

export function compatibilityTable(): string {
  const ingresses = Object.values(INGRESSES);
  return [
    `| | ${Object.keys(INGRESSES).join(' | ')} |`,
    `|---|${'---|'.repeat(ingresses.length)}`,
    ...ROWS.map((row) => `| ${row.title} | ${ingresses.map((ingress) => cell(row, ingress)).join(' | ')} |`),
  ].join('\n');
}

if (require.main === module) {
  process.stdout.write(`${compatibilityTable()}\n`);
}
