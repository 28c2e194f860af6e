import { App, Stack } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import {
  Capacity, CostEstimate, CostUsage, Egress, HelloFargateService, HelloFargateServiceProps, Ingress, Preset,
} from '../src/index';
import { NOTIFIED, sharedListenerProps } from '../test/support/fixtures';

/**
 * Prints the cost tables of README and docs/cost.md, from the estimates of the construct.
 *
 *     npx projen cost
 */

type Configuration = [title: string, props: (stack: Stack) => HelloFargateServiceProps, usage?: CostUsage];

const production = { preset: Preset.PRODUCTION, ingress: Ingress.cloudFront(), alarms: NOTIFIED };

const CONFIGURATIONS: Configuration[] = [
  ['`Preset.DEVELOPMENT`', () => ({ preset: Preset.DEVELOPMENT })],
  ['`Preset.DEVELOPMENT` with `Ingress.httpApi()`', () => ({ preset: Preset.DEVELOPMENT, ingress: Ingress.httpApi() })],
  ['`Preset.STANDARD`, the default', () => ({ preset: Preset.STANDARD })],
  [
    '… with 20 requests a second, 100 GB out, 10 GB of logs',
    () => ({}),
    { requestsPerSecond: 20, gigabytesOut: 100, logGigabytes: 10 },
  ],
  ['… on x86', () => ({ architecture: ecs.CpuArchitecture.X86_64 })],
  ['… with 1 vCPU per task', () => ({ cpu: 1024 })],
  ['… with four tasks, `Capacity.spot()`', () => ({ capacity: Capacity.spot(), desiredCount: 4 })],
  ['… with `Ingress.http({ internetFacing: false })`', () => ({ ingress: Ingress.http({ internetFacing: false }) })],
  ['… with `Ingress.cloudFront()`', () => ({ ingress: Ingress.cloudFront() })],
  ['… with `Ingress.sharedListener(…)` (the shared load balancer is not included)', sharedListenerProps],
  ['… with `Ingress.httpApi()`', () => ({ ingress: Ingress.httpApi() })],
  ['… with `Egress.natGateway()`', () => ({ egress: Egress.natGateway() })],
  ['… with `Egress.natGateway({ count: 2 })`', () => ({ egress: Egress.natGateway({ count: 2 }) })],
  ['… with `Egress.vpcEndpoints()`', () => ({ egress: Egress.vpcEndpoints() })],
  ['`Preset.PRODUCTION` with `Ingress.cloudFront()`', () => production],
  ['… with `Egress.vpcEndpoints()`', () => ({ ...production, egress: Egress.vpcEndpoints() })],
];

/** An environment whose three Availability Zones CDK has looked up. */
const env = { account: '123456789012', region: 'us-east-1' };
const context = {
  [`availability-zones:account=${env.account}:region=${env.region}`]: ['us-east-1a', 'us-east-1b', 'us-east-1c'],
};

function estimateOf(props: (stack: Stack) => HelloFargateServiceProps, usage?: CostUsage): CostEstimate {
  const stack = new Stack(new App({ context }), 'Stack', { env });
  return new HelloFargateService(stack, 'Hello', props(stack)).estimateMonthlyCost(usage);
}

function show({ total, totalHigh }: CostEstimate): string {
  return total === totalHigh ? total.toFixed(2) : `${total.toFixed(2)} to ${totalHigh.toFixed(2)}`;
}

/** The table of README, by the name of its marker. */
export const costOfTheDefault = () => ({ 'cost-of-the-default': estimateOf(() => ({})).toMarkdown() });

/** The table of docs/cost.md, by the name of its marker. */
export const costOfConfigurations = () => ({
  'cost-of-configurations': [
    '| | $ per month |',
    '|---|---:|',
    ...CONFIGURATIONS.map(([title, props, usage]) => `| ${title} | ${show(estimateOf(props, usage))} |`),
  ].join('\n'),
});

if (require.main === module) {
  for (const [marker, table] of Object.entries({ ...costOfTheDefault(), ...costOfConfigurations() })) {
    process.stdout.write(`<!-- ${marker} -->\n${table}\n<!-- /${marker} -->\n\n`);
  }
}
