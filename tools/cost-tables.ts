import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Capacity, CostEstimate, CostUsage, Egress, HelloFargateService, HelloFargateServiceProps, Ingress, Preset } from '../src/index';

/**
 * The tables of README's "What it costs", from the estimate of the construct.
 *
 *     npx projen cost
 */
const CONFIGURATIONS: [what: string, props: (stack: Stack) => HelloFargateServiceProps, usage?: CostUsage][] = [
  ['`Preset.DEVELOPMENT`', () => ({ preset: Preset.DEVELOPMENT })],
  ['`Preset.DEVELOPMENT` with `Ingress.httpApi()`', () => ({ preset: Preset.DEVELOPMENT, ingress: Ingress.httpApi() })],
  ['`Preset.STANDARD`, the default', () => ({ preset: Preset.STANDARD })],
  ['… with 20 requests a second, 100 GB out, 10 GB of logs', () => ({}), { requestsPerSecond: 20, gigabytesOut: 100, logGigabytes: 10 }],
  ['… on x86', () => ({ architecture: ecs.CpuArchitecture.X86_64 })],
  ['… with tasks of a whole vCPU', () => ({ cpu: 1024 })],
  ['… with four tasks, `Capacity.spot()`', () => ({ capacity: Capacity.spot(), desiredCount: 4 })],
  ['… with `Ingress.http({ internetFacing: false })`', () => ({ ingress: Ingress.http({ internetFacing: false }) })],
  ['… with `Ingress.cloudFront()`', () => ({ ingress: Ingress.cloudFront() })],
  ['… with `Ingress.sharedListener(…)`, and the other load balancer', (stack) => ({ vpc: vpcOf(stack), ingress: sharedListenerOf(stack) })],
  ['… with `Ingress.httpApi()`', () => ({ ingress: Ingress.httpApi() })],
  ['… with `Egress.natGateway()`', () => ({ egress: Egress.natGateway() })],
  ['… with `Egress.natGateway({ count: 2 })`', () => ({ egress: Egress.natGateway({ count: 2 }) })],
  ['… with `Egress.vpcEndpoints()`', () => ({ egress: Egress.vpcEndpoints() })],
  ['`Preset.PRODUCTION` with `Ingress.cloudFront()`', () => ({ preset: Preset.PRODUCTION, ingress: Ingress.cloudFront() })],
  ['… with `Egress.vpcEndpoints()`', () => ({ preset: Preset.PRODUCTION, ingress: Ingress.cloudFront(), egress: Egress.vpcEndpoints() })],
];

function vpcOf(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-12345678',
    availabilityZones: ['us-east-1a', 'us-east-1b'],
    publicSubnetIds: ['subnet-11111111', 'subnet-22222222'],
  });
}

function sharedListenerOf(stack: Stack): Ingress {
  return Ingress.sharedListener(elbv2.ApplicationListener.fromApplicationListenerAttributes(stack, 'Listener', {
    listenerArn: 'arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/theirs/0123456789abcdef/0123456789abcdef',
    securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'ListenerGroup', 'sg-12345678'),
  }), { hostHeaders: ['hello.example.com'] });
}

function estimateOf(props: (stack: Stack) => HelloFargateServiceProps, usage?: CostUsage): CostEstimate {
  // Three zones are there, as in a stack of us-east-1 whose zones CDK has looked up.
  const env = { account: '123456789012', region: 'us-east-1' };
  const app = new App({ context: { 'availability-zones:account=123456789012:region=us-east-1': ['us-east-1a', 'us-east-1b', 'us-east-1c'] } });
  const stack = new Stack(app, 'Stack', { env });
  return new HelloFargateService(stack, 'Hello', props(stack)).estimateMonthlyCost(usage);
}

/** The blocks of README, by the name that their markers have. */
export function tables(): { [marker: string]: string } {
  const dollars = ({ total, totalHigh }: CostEstimate) => total === totalHigh ? total.toFixed(2) : `${total.toFixed(2)} to ${totalHigh.toFixed(2)}`;
  return {
    'cost-of-the-default': estimateOf(() => ({})).toMarkdown(),
    'cost-of-configurations': [
      '| | $ per month |',
      '|---|---:|',
      ...CONFIGURATIONS.map(([what, props, usage]) => `| ${what} | ${dollars(estimateOf(props, usage))} |`),
    ].join('\n'),
  };
}

if (require.main === module) {
  for (const [marker, table] of Object.entries(tables())) {
    process.stdout.write(`<!-- ${marker} -->\n${table}\n<!-- /${marker} -->\n\n`);
  }
}
