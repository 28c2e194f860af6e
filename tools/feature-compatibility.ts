import { App, Duration, Stack, TimeZone } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Alarms, Capacity, CpuScaling, Deployment, HelloFargateService, HelloFargateServiceProps, Ingress } from '../src/index';

/**
 * The table in README of what goes with which ingress. Each cell is synthesised, or seen to be refused.
 *
 *     npx tsx tools/feature-compatibility.ts
 */

const vpcOf = (stack: Stack) => ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
  vpcId: 'vpc-12345678',
  vpcCidrBlock: '10.9.0.0/16',
  availabilityZones: ['eu-central-1a', 'eu-central-1b'],
  publicSubnetIds: ['subnet-11111111', 'subnet-22222222'],
  publicSubnetRouteTableIds: ['rtb-11111111', 'rtb-22222222'],
});

const INGRESSES: { readonly [name: string]: (stack: Stack) => HelloFargateServiceProps } = {
  '`http`, `https`': () => ({ ingress: Ingress.http() }),
  '`cloudFront`': () => ({ ingress: Ingress.cloudFront() }),
  '`sharedListener`': (stack) => ({
    vpc: vpcOf(stack),
    ingress: Ingress.sharedListener(elbv2.ApplicationListener.fromApplicationListenerAttributes(stack, 'Listener', {
      listenerArn: 'arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/theirs/0123456789abcdef/0123456789abcdef',
      securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'ListenerGroup', 'sg-12345678'),
    }), { hostHeaders: ['hello.example.com'] }),
  }),
  '`httpApi`': () => ({ ingress: Ingress.httpApi() }),
};

const scaling = { minCapacity: 2, maxCapacity: 10 };
const countOf = (type: string) => (template: Template) => Object.keys(template.findResources(`AWS::${type}`)).length;
const policies = countOf('ApplicationAutoScaling::ScalingPolicy');

/** What an alarm reads, where there is one. */
const alarm = (id: RegExp) => (template: Template) => {
  const [found] = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).filter(([name]) => id.test(name)).map(([, { Properties }]) => JSON.stringify(Properties));
  const [, namespace] = /"Namespace":"AWS\/([^"]+)"/.exec(found ?? '') ?? [];
  return namespace && ({ ApplicationELB: 'of the load balancer', ApiGateway: 'of API Gateway', ECS: 'of ECS' }[namespace] ?? namespace);
};

/** For how many seconds the app serves on when it is to stop. */
const delay = (template: Template) => {
  const [{ Properties }] = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
  const { Value } = Properties.ContainerDefinitions[0].Environment.find(({ Name }: { Name: string }) => Name === 'SHUTDOWN_DELAY_MS');
  return `${Number(Value) / 1000} s`;
};

interface Row {
  readonly what: string;
  readonly props: HelloFargateServiceProps;
  /** What the template has of it: a number of resources, or words. */
  readonly seen: (template: Template) => number | string | undefined;
}

const ROWS: Row[] = [
  { what: '`Deployment.rolling()`', props: { deployment: Deployment.rolling() }, seen: countOf('ECS::Service') },
  { what: '`rolling({ prepareTrafficShifting })`', props: { deployment: Deployment.rolling({ prepareTrafficShifting: true }) }, seen: secondTargetGroup },
  { what: '`blueGreen()`', props: { deployment: Deployment.blueGreen() }, seen: secondTargetGroup },
  { what: '`canary()`', props: { deployment: Deployment.canary() }, seen: secondTargetGroup },
  { what: '`linear()`', props: { deployment: Deployment.linear() }, seen: secondTargetGroup },
  {
    what: '… with `testTrafficHeader`',
    props: { deployment: Deployment.blueGreen({ testTrafficHeader: { name: 'X-Version', value: 'new' } }) },
    seen: (template) => countOf('ElasticLoadBalancingV2::ListenerRule')(template) - 1,
  },
  { what: '`rollbackOnErrors`', props: { deployment: Deployment.rolling({ rollbackOnErrors: true }) }, seen: alarm(/RollbackOnErrors/) },
  { what: 'scaling by `cpu`', props: { scaling: { ...scaling, cpu: CpuScaling.targetTracking({ targetUtilizationPercent: 60 }) } }, seen: policies },
  { what: '… by steps', props: { scaling: { ...scaling, cpu: CpuScaling.stepScaling() } }, seen: policies },
  { what: '… by `memoryUtilizationPercent`', props: { scaling: { ...scaling, memoryUtilizationPercent: 70 } }, seen: (template) => policies(template) - 1 },
  { what: '… by `requestsPerTarget`', props: { scaling: { ...scaling, requestsPerTarget: 1000 } }, seen: (template) => policies(template) - 1 },
  {
    what: '… by `requestsPerTarget`, with `canary()`',
    props: { deployment: Deployment.canary(), scaling: { ...scaling, requestsPerTarget: 1000 } },
    seen: (template) => policies(template) - 1,
  },
  {
    what: '… by `schedules`',
    props: { scaling: { ...scaling, schedules: [{ schedule: appscaling.Schedule.cron({ hour: '20' }), timeZone: TimeZone.ETC_UTC, minCapacity: 1 }] } },
    seen: (template) => JSON.stringify(template.findResources('AWS::ApplicationAutoScaling::ScalableTarget')).match(/ScheduledActionName/g)?.length,
  },
  { what: 'alarm on CPU, on memory', props: {}, seen: alarm(/HighCpu|HighMemory/) },
  { what: '… on failed requests', props: {}, seen: alarm(/ErrorRate/) },
  { what: '… on healthy tasks', props: {}, seen: alarm(/NoHealthyTask/) },
  { what: '… on `p95ResponseTime`', props: { alarms: Alarms.recommended({ p95ResponseTime: Duration.seconds(1) }) }, seen: alarm(/SlowResponses/) },
  { what: 'health', props: {}, seen: (template) => (countOf('ElasticLoadBalancingV2::TargetGroup')(template) > 0 ? '`healthCheck`' : '`containerHealthCheck`') },
  { what: 'drain on demand: serves on for', props: { capacity: Capacity.onDemand() }, seen: delay },
  { what: '… on Spot', props: { capacity: Capacity.spot() }, seen: delay },
];

function secondTargetGroup(template: Template): number {
  return countOf('ElasticLoadBalancingV2::TargetGroup')(template) - 1;
}

function cell({ what, props, seen }: Row, ingress: (stack: Stack) => HelloFargateServiceProps): string {
  const stack = new Stack(new App(), 'Stack');
  const given = { ...ingress(stack), desiredCount: props.scaling ? undefined : 2, ...props };
  try {
    new HelloFargateService(stack, 'Hello', given);
  } catch (error) {
    if (/^Stack\/Hello: [a-zA-Z.]+ is .+, but .+; .+$/.test((error as Error).message.split('\n')[0])) { return 'refused'; }
    throw error;
  }
  const found = seen(Template.fromStack(stack));
  if (!found) { throw new Error(`${what} is taken, and comes to nothing`); }
  return typeof found === 'number' ? 'yes' : found;
}

export function goesWithAsMarkdown(): string {
  return [
    `| | ${Object.keys(INGRESSES).join(' | ')} |`,
    `|---|${'---|'.repeat(Object.keys(INGRESSES).length)}`,
    ...ROWS.map((row) => `| ${row.what} | ${Object.values(INGRESSES).map((ingress) => cell(row, ingress)).join(' | ')} |`.replace(/ {2,}\|/g, ' |')),
  ].join('\n');
}

if (require.main === module) {
  process.stdout.write(goesWithAsMarkdown() + '\n');
}
