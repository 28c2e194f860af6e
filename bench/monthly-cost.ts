import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { HelloFargateService } from '../src';

/**
 * What the default service costs a month at rest, counted in its template.
 *
 *     npx ts-node -T -P tsconfig.dev.json bench/monthly-cost.ts
 *
 * List prices of us-east-1 in dollars, checked 2026-09, for 730 hours, without the free tier.
 */
const HOURS = 730;
const PRICES = {
  fargateArmVcpuHour: 0.03238, // https://aws.amazon.com/fargate/pricing/
  fargateArmGigabyteHour: 0.00356,
  loadBalancerHour: 0.0225, // https://aws.amazon.com/elasticloadbalancing/pricing/, without capacity units, which traffic needs
  publicIpv4Hour: 0.005, // https://aws.amazon.com/vpc/pricing/
  natGatewayHour: 0.045, // the same page, without the traffic through it
};

interface Line {
  readonly what: string;
  readonly dollars: number;
}

export function monthlyCost(): Line[] {
  const stack = new Stack(new App(), 'Stack');
  new HelloFargateService(stack, 'Hello');
  const template = Template.fromStack(stack);
  const resources = (type: string) => Object.values(template.findResources(type)).map((resource) => resource.Properties);

  const [service] = resources('AWS::ECS::Service');
  const [task] = resources('AWS::ECS::TaskDefinition');
  const loadBalancers = resources('AWS::ElasticLoadBalancingV2::LoadBalancer');
  const taskHour = Number(task.Cpu) / 1024 * PRICES.fargateArmVcpuHour + Number(task.Memory) / 1024 * PRICES.fargateArmGigabyteHour;
  const taskAddresses = service.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp === 'ENABLED' ? service.DesiredCount : 0;
  const loadBalancerAddresses = loadBalancers.flatMap((loadBalancer) => loadBalancer.Subnets).length;
  const natGateways = resources('AWS::EC2::NatGateway').length;
  return [
    { what: `${service.DesiredCount} tasks of ${task.Cpu} CPU units and ${task.Memory} MiB, ARM64`, dollars: service.DesiredCount * taskHour * HOURS },
    { what: `${loadBalancers.length} load balancer`, dollars: loadBalancers.length * PRICES.loadBalancerHour * HOURS },
    {
      what: `${loadBalancerAddresses + taskAddresses} public IPv4 addresses: ${loadBalancerAddresses} of the load balancer, ${taskAddresses} of the tasks`,
      dollars: (loadBalancerAddresses + taskAddresses) * PRICES.publicIpv4Hour * HOURS,
    },
    { what: `${natGateways} NAT gateways`, dollars: natGateways * PRICES.natGatewayHour * HOURS },
  ];
}

export function asMarkdown(lines: Line[]): string {
  // The sum of what is printed, so that a reader who adds up finds it right.
  const total = lines.reduce((sum, line) => sum + Number(line.dollars.toFixed(2)), 0);
  return [
    '| at rest | $ a month |',
    '|---|---:|',
    ...lines.map(({ what, dollars }) => `| ${what} | ${dollars.toFixed(2)} |`),
    `| **total**, before traffic and logs | **${total.toFixed(2)}** |`,
  ].join('\n');
}

if (require.main === module) {
  process.stdout.write(asMarkdown(monthlyCost()) + '\n');
}
