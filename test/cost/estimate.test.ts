import { CfnParameter, Duration, Lazy, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import {
  Alarms,
  Capacity,
  CostEstimate,
  CostUsage,
  Egress,
  HelloFargateService,
  HelloFargateServiceProps,
  Ingress,
  Preset,
} from '../../src/index';
import { importedListener, importedVpc, NOTIFIED } from '../support/fixtures';
import { newStack } from '../support/synth';

const US_EAST_1 = { env: { account: '123456789012', region: 'us-east-1' } };

const newService = (props: HelloFargateServiceProps = {}, stack = newStack(US_EAST_1)) =>
  new HelloFargateService(stack, 'Hello', props);
const estimateOf = (props?: HelloFargateServiceProps, usage?: CostUsage) =>
  newService(props).estimateMonthlyCost(usage);

/** The lines, without that of the alarms, whose number is that of the template: see below. */
const linesOf = (estimate: CostEstimate) =>
  estimate.lineItems
    .filter(({ item }) => !item.includes('by alarms'))
    .map(({ item, dollars, dollarsHigh, isShared }) => [
      isShared ? `${item}, shared` : item,
      dollars === dollarsHigh ? dollars : [dollars, dollarsHigh],
    ]);
const alarmsOf = (estimate: CostEstimate) =>
  estimate.lineItems.find(({ item }) => item.includes('by alarms'))?.dollars ?? 0;

type Line = [item: string, dollars: number | number[]];
type Configuration = [
  what: string,
  props: HelloFargateServiceProps,
  usage: CostUsage,
  lines: Line[],
  total: number,
  totalHigh?: number,
];

// Calculated manually, for 730 hours per month:
// - an ARM64 task with 0.25 vCPU and 0.5 GB: 0.25 × 0.03238 + 0.5 × 0.00356 = 0.009875 per hour, 7.20875 per month
// - a load balancer: 0.0225 × 730 = 16.425
// - a public IPv4 address: 0.005 × 730 = 3.65
// - a NAT gateway: 0.045 × 730 = 32.85
// - a VPC endpoint: 0.01 × 730 = 7.30 per Availability Zone
const BY_HAND: Configuration[] = [
  [
    'the default',
    {},
    {},
    [
      ['2 tasks with 0.25 vCPU and 0.5 GB, ARM64', 14.42], // 2 × 7.20875 = 14.4175
      ['1 load balancer', 16.43], // 16.425
      ['2 public IPv4 addresses of the load balancer', 7.3], // 2 × 3.65
      ['2 public IPv4 addresses of the tasks', 7.3],
    ],
    45.45,
  ],
  [
    'an internal load balancer',
    { ingress: Ingress.http({ internetFacing: false }) },
    {},
    [
      ['2 tasks with 0.25 vCPU and 0.5 GB, ARM64', 14.42],
      ['1 load balancer', 16.43],
      ['2 public IPv4 addresses of the tasks', 7.3],
    ],
    38.15,
  ],
  [
    'an HTTP API, 10 requests a second and 10 GB',
    { ingress: Ingress.httpApi() },
    { requestsPerSecond: 10, gigabytesOut: 10 },
    [
      ['2 tasks with 0.25 vCPU and 0.5 GB, ARM64', 14.42],
      ['2 public IPv4 addresses of the tasks', 7.3],
      ['1 DNS namespace', 0.5],
      ['26.28 million requests to API Gateway', 26.28], // 10 × 3600 × 730 = 26 280 000, a million at 1.00
      ['10 GB to the internet', 0.9], // 10 × 0.09
    ],
    49.4,
  ],
  [
    'two NAT gateways, 100 GB of logs',
    { egress: Egress.natGateway({ count: 2 }) },
    { logGigabytes: 100 },
    [
      ['2 tasks with 0.25 vCPU and 0.5 GB, ARM64', 14.42],
      ['1 load balancer', 16.43],
      ['2 public IPv4 addresses of the load balancer', 7.3],
      ['2 NAT gateways, shared', 65.7], // 2 × 32.85
      ['2 public IPv4 addresses of the NAT gateways, shared', 7.3],
      ['100 GB of logs ingested', 50], // 100 × 0.50
      ['logs stored for 30 days', 2.96], // 100 × 30 / (730 / 24) × 0.03 = 2.9589
      ['logs through NAT gateways', 4.5], // 100 × 0.045
    ],
    168.61,
  ],
  [
    'VPC endpoints and sessions, 10 GB of logs',
    { egress: Egress.vpcEndpoints(), enableExecuteCommand: true },
    { logGigabytes: 10 },
    [
      ['2 tasks with 0.25 vCPU and 0.5 GB, ARM64', 14.42],
      ['1 load balancer', 16.43],
      ['2 public IPv4 addresses of the load balancer', 7.3],
      // ecr.api, ecr.dkr, logs, ssmmessages and kms in two Availability Zones: 10 × 7.30
      ['10 VPC endpoints × Availability Zones, shared', 73],
      ['1 KMS key, shared', 1],
      ['10 GB of logs ingested', 5],
      ['logs stored for 30 days', 0.3], // 10 × 30 / (730 / 24) × 0.03 = 0.2959
      ['logs through VPC endpoints', 0.1], // 10 × 0.01
    ],
    117.55,
  ],
  [
    'four tasks, three of them on Spot',
    { capacity: Capacity.spot(), desiredCount: 4 },
    {},
    [
      ['1 task with 0.25 vCPU and 0.5 GB, ARM64', 7.21],
      // 3 × 7.20875 = 21.62625, and 30 % of that: 6.487875
      ['3 tasks on Spot with 0.25 vCPU and 0.5 GB, ARM64', [6.49, 21.63]],
      ['1 load balancer', 16.43],
      ['2 public IPv4 addresses of the load balancer', 7.3],
      ['4 public IPv4 addresses of the tasks', 14.6],
    ],
    52.03,
    67.17,
  ],
  [
    'larger tasks on X86_64 with storage',
    {
      architecture: ecs.CpuArchitecture.X86_64,
      cpu: 1024,
      memoryLimitMiB: 4096,
      desiredCount: 3,
      ephemeralStorageGiB: 50,
    },
    {},
    [
      ['3 tasks with 1 vCPU and 4 GB, X86_64', 127.59], // 3 × 730 × (0.04048 + 4 × 0.004445) = 127.5894
      ['90 GB of storage beyond 20 GB per task', 7.29], // 3 × 30 × 730 × 0.000111 = 7.2927
      ['1 load balancer', 16.43],
      ['2 public IPv4 addresses of the load balancer', 7.3],
      ['3 public IPv4 addresses of the tasks', 10.95],
    ],
    169.56,
  ],
  [
    '100 requests a second, 500 GB and 50 GB of logs',
    {},
    { requestsPerSecond: 100, gigabytesOut: 500, logGigabytes: 50 },
    [
      ['2 tasks with 0.25 vCPU and 0.5 GB, ARM64', 14.42],
      ['1 load balancer', 16.43],
      ['2 public IPv4 addresses of the load balancer', 7.3],
      ['2 public IPv4 addresses of the tasks', 7.3],
      ['4 LCUs of the load balancer', 23.36], // new connections count most: 100 / 25 = 4, × 730 × 0.008
      ['500 GB to the internet', 45], // 500 × 0.09
      ['50 GB of logs ingested', 25],
      ['logs stored for 30 days', 1.48], // 50 × 30 / (730 / 24) × 0.03 = 1.4795
    ],
    140.29,
  ],
  [
    'scaling, 4.5 tasks on average, 7300 GB',
    { scaling: { minCapacity: 3, maxCapacity: 10 } },
    { requestsPerSecond: 1, gigabytesOut: 7300, averageTasks: 4.5 },
    [
      ['4.5 tasks with 0.25 vCPU and 0.5 GB, ARM64', 32.44], // 4.5 × 7.20875 = 32.439375
      ['1 load balancer', 16.43],
      ['2 public IPv4 addresses of the load balancer', 7.3],
      ['4.5 public IPv4 addresses of the tasks', 16.43], // 4.5 × 3.65 = 16.425
      ['10 LCUs of the load balancer', 58.4], // bytes count most: 7300 / 730 = 10 GB an hour, × 730 × 0.008
      ['7300 GB to the internet', 657], // 7300 × 0.09
    ],
    788,
  ],
  [
    'CloudFront, 20 requests a second and 100 GB',
    { ingress: Ingress.cloudFront() },
    { requestsPerSecond: 20, gigabytesOut: 100 },
    [
      ['2 tasks with 0.25 vCPU and 0.5 GB, ARM64', 14.42],
      ['1 load balancer', 16.43],
      ['2 public IPv4 addresses of the tasks', 7.3],
      ['0.8 LCUs of the load balancer', 4.67], // 20 / 25 × 730 × 0.008 = 4.672
      ['52.56 million requests to CloudFront', 52.56], // 20 × 3600 × 730 = 52 560 000, ten thousand at 0.01
      ['100 GB to the internet', 8.5], // 100 × 0.085
    ],
    103.88,
  ],
];

test.each(BY_HAND)(
  '%s equals a manual calculation to the cent',
  (...[, props, usage, lines, total, totalHigh = total]) => {
    const estimate = estimateOf(props, usage);

    expect(linesOf(estimate)).toEqual(lines);
    expect(estimate.total).toBeCloseTo(total + alarmsOf(estimate), 9);
    expect(estimate.totalHigh).toBeCloseTo(totalHigh + alarmsOf(estimate), 9);
  },
);

test('at least ten configurations are calculated by hand', () => {
  expect(BY_HAND.length).toBeGreaterThanOrEqual(10);
});

// ---------------------------------------------------------------------------------------------------------------------
// Against the template
// ---------------------------------------------------------------------------------------------------------------------

/** Dollars per month for a template without traffic, calculated independently of the estimate. */
function countedIn(stack: Stack): { low: number; high: number } {
  const resources = Object.values<{ Type: string; Properties: any }>(Template.fromStack(stack).toJSON().Resources);
  const all = (type: string) => resources.filter(({ Type }) => Type === type).map(({ Properties }) => Properties ?? {});
  const [service] = all('AWS::ECS::Service');
  const [task] = all('AWS::ECS::TaskDefinition');
  const address = 0.005 * 730;
  const taskCost = ((task.Cpu / 1024) * 0.03238 + (task.Memory / 1024) * 0.00356) * 730;

  const spot = service.CapacityProviderStrategy.find((provider: any) => provider.CapacityProvider === 'FARGATE_SPOT');
  const onDemand = spot
    ? (service.CapacityProviderStrategy.find((provider: any) => provider.CapacityProvider === 'FARGATE')?.Base ?? 0)
    : service.DesiredCount;
  const onSpot = service.DesiredCount - onDemand;

  let fixed = 0;
  if (service.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp === 'ENABLED') {
    fixed += service.DesiredCount * address;
  }
  for (const { Scheme, Subnets } of all('AWS::ElasticLoadBalancingV2::LoadBalancer')) {
    fixed += 0.0225 * 730 + (Scheme === 'internet-facing' ? Subnets.length * address : 0);
  }
  fixed += all('AWS::EC2::NatGateway').length * 0.045 * 730 + all('AWS::EC2::EIP').length * address;
  for (const { VpcEndpointType, SubnetIds } of all('AWS::EC2::VPCEndpoint')) {
    if (VpcEndpointType === 'Interface') {
      fixed += SubnetIds.length * 0.01 * 730;
    }
  }
  for (const { MetricName, Metrics } of all('AWS::CloudWatch::Alarm')) {
    fixed += 0.1 * (MetricName ? 1 : Metrics.filter((metric: any) => metric.MetricStat).length);
  }
  fixed += 3 * all('AWS::CloudWatch::Dashboard').length;
  fixed += all('AWS::KMS::Key').length + 0.5 * all('AWS::ServiceDiscovery::PrivateDnsNamespace').length;
  return { low: fixed + onDemand * taskCost + onSpot * taskCost * 0.3, high: fixed + (onDemand + onSpot) * taskCost };
}

const INGRESSES: { [name: string]: () => Ingress } = {
  http: () => Ingress.http(),
  internal: () => Ingress.http({ internetFacing: false, accessLogs: true }),
  cloudFront: () => Ingress.cloudFront(),
  httpApi: () => Ingress.httpApi(),
};
const EGRESSES: { [name: string]: () => Egress } = {
  publicIp: () => Egress.publicIp(),
  natGateway: () => Egress.natGateway(),
  twoNatGateways: () => Egress.natGateway({ count: 2 }),
  vpcEndpoints: () => Egress.vpcEndpoints(),
};
const CAPACITIES: { [name: string]: () => Capacity } = {
  onDemand: () => Capacity.onDemand(),
  spot: () => Capacity.spot(),
  spotOnly: () => Capacity.spot({ onDemandBase: 0 }),
};
const COMBINATIONS = Object.entries(INGRESSES).flatMap(([ingress, newIngress]) =>
  Object.entries(EGRESSES).flatMap(([egress, newEgress]) =>
    Object.entries(CAPACITIES).map(([capacity, newCapacity]): [string, () => HelloFargateServiceProps] => [
      `${ingress}, ${egress}, ${capacity}`,
      () => ({ ingress: newIngress(), egress: newEgress(), capacity: newCapacity(), desiredCount: 3 }),
    ]),
  ),
);

const expectTheSame = (service: HelloFargateService) => {
  const { total, totalHigh } = service.estimateMonthlyCost();
  const { low, high } = countedIn(Stack.of(service));

  // Line items are rounded to cents. The price of a single alarm is more than this tolerance.
  expect(Math.abs(total - low)).toBeLessThan(0.05);
  expect(Math.abs(totalHigh - high)).toBeLessThan(0.05);
};

test.each(COMBINATIONS)('%s is within 5 cents of the price of the resources in its template', (_name, newProps) => {
  expectTheSame(newService(newProps()));
});

test.each([
  ['DEVELOPMENT', { preset: Preset.DEVELOPMENT }],
  ['STANDARD', { preset: Preset.STANDARD }],
  ['PRODUCTION', { preset: Preset.PRODUCTION, ingress: Ingress.cloudFront(), alarms: NOTIFIED }],
])('%s is within 5 cents of the price of the resources in its template', (_name, props: HelloFargateServiceProps) => {
  expectTheSame(newService(props));
});

test('a service with a shared listener is within 5 cents of the price of the resources in its template', () => {
  const stack = newStack(US_EAST_1);
  const service = newService(
    {
      vpc: importedVpc(stack),
      ingress: Ingress.sharedListener(importedListener(stack), {
        hostHeaders: ['hello.example.com'],
        pathPatterns: ['/*'],
      }),
    },
    stack,
  );

  expectTheSame(service);
  expect(service.estimateMonthlyCost().notPriced).toEqual(
    expect.arrayContaining([
      'the load balancer of the shared listener',
      expect.stringMatching(/^other resources in the VPC Stack\/Vpc: /),
    ]),
  );
  expect(linesOf(service.estimateMonthlyCost({ requestsPerSecond: 25 }))).toContainEqual([
    '1 LCUs of the load balancer',
    5.84,
  ]);
});

// ---------------------------------------------------------------------------------------------------------------------
// Prices of presets in the docs
// ---------------------------------------------------------------------------------------------------------------------

test('STANDARD costs at most $48 without traffic, including alarms', () => {
  const { total, totalHigh } = estimateOf();

  expect(totalHigh).toBe(total);
  expect(total).toBeLessThanOrEqual(48);
});

test('DEVELOPMENT costs at most $31, and at most $8 with an HTTP API', () => {
  expect(estimateOf({ preset: Preset.DEVELOPMENT }).total).toBeLessThanOrEqual(31);
  expect(estimateOf({ preset: Preset.DEVELOPMENT, ingress: Ingress.httpApi() }).total).toBeLessThanOrEqual(8);
});

// ---------------------------------------------------------------------------------------------------------------------
// Contents of the estimate
// ---------------------------------------------------------------------------------------------------------------------

test('includes resources that are added with L2 constructs', () => {
  const service = newService();
  const before = service.estimateMonthlyCost();
  new cloudwatch.Dashboard(service, 'Mine');
  new secretsmanager.Secret(service, 'Secret');
  service.service.metricCpuUtilization().createAlarm(service, 'Busy', { threshold: 90, evaluationPeriods: 1 });
  const requests = service.targetGroup!.metrics.requestCount();
  new cloudwatch.MathExpression({
    expression: 'a / b',
    usingMetrics: { a: requests, b: service.service.metricCpuUtilization() },
  }).createAlarm(service, 'Odd', { threshold: 90, evaluationPeriods: 1 });
  service.vpc.addInterfaceEndpoint('Sqs', {
    service: ec2.InterfaceVpcEndpointAwsService.SQS,
    subnets: { subnetType: ec2.SubnetType.PUBLIC },
  });
  const after = service.estimateMonthlyCost();

  expect(linesOf(after)).toEqual([
    ...linesOf(before),
    ['2 VPC endpoints × Availability Zones, shared', 14.6],
    ['1 dashboard', 3],
    ['1 secret', 0.4],
  ]);
  // One metric for the first alarm, two for the expression of the second.
  expect(alarmsOf(after)).toBeCloseTo(alarmsOf(before) + 0.3, 9);
});

test('lists resources without a price', () => {
  const webAclArn = 'arn:aws:wafv2:us-east-1:123456789012:regional/webacl/acl/1';
  const service = newService({ ingress: Ingress.http({ accessLogs: true, webAclArn }), flowLogs: true });
  new sqs.Queue(service, 'Queue');
  new cloudwatch.Metric({ namespace: 'Mine', metricName: 'Fast', period: Duration.seconds(10) }).createAlarm(
    service,
    'Fast',
    { threshold: 1, evaluationPeriods: 1 },
  );
  const estimate = service.estimateMonthlyCost({ requestsPerSecond: 1 });

  expect(estimate.notPriced).toEqual(
    expect.arrayContaining([
      'data transfer between Availability Zones',
      'image storage in ECR: $0.10 per GB-month',
      'S3 storage, such as access logs: $0.023 per GB-month',
      'VPC flow logs: $0.50 per GB ingested',
      'the web ACL: $5 per month, and $1 for each rule',
      'AWS::SQS::Queue',
      'high-resolution, anomaly detection and Metrics Insights alarms',
    ]),
  );
  // 3600 × 730 = 2,628,000 requests × 0.60 per million
  expect(linesOf(estimate)).toContainEqual(['2.63 million requests inspected by the web ACL', 1.58]);
});

test('lists access logs in an existing bucket', () => {
  const stack = newStack(US_EAST_1);
  const service = newService({ ingress: Ingress.http({ accessLogsBucket: new s3.Bucket(stack, 'Bucket') }) }, stack);

  expect(service.estimateMonthlyCost().notPriced).toContain(
    'S3 storage, such as access logs: $0.023 per GB-month',
  );
  expect(estimateOf().notPriced.join()).not.toMatch(/S3/);
});

test('does not price data transfer to clients in AWS', () => {
  const estimate = estimateOf({ ingress: Ingress.http({ internetFacing: false }) }, { gigabytesOut: 100 });

  expect(estimate.lineItems.filter(({ item }) => item.includes('internet'))).toEqual([]);
  expect(estimate.notPriced).toContain('data transfer to clients in AWS');
});

test('has a description for each resource type that the construct creates', () => {
  const production = { preset: Preset.PRODUCTION, ingress: Ingress.cloudFront(), alarms: NOTIFIED };
  const monitored = {
    alarms: Alarms.recommended({ emails: ['on-call@example.com'] }),
    dashboard: true,
    logServiceEvents: true,
  };
  for (const props of [{}, production, monitored, { ingress: Ingress.httpApi() }, { enableExecuteCommand: true }]) {
    expect(estimateOf(props).notPriced.filter((what) => /^(AWS|Custom)::/.test(what))).toEqual([]);
  }
});

test('lists Container Insights as not priced', () => {
  const stack = newStack(US_EAST_1);
  const service = newService({}, stack);
  expect(service.estimateMonthlyCost().notPriced).not.toContain('Container Insights');

  (service.cluster.node.defaultChild as ecs.CfnCluster).clusterSettings = [
    { name: 'containerInsights', value: 'enhanced' },
  ];
  expect(service.estimateMonthlyCost().notPriced).toContain('Container Insights');
});

test('uses the price of the infrequent access log class, and assumes one year for logs without expiration', () => {
  const service = newService();
  const logGroup = service.logGroup.node.defaultChild as logs.CfnLogGroup;
  logGroup.logGroupClass = 'INFREQUENT_ACCESS';
  logGroup.retentionInDays = undefined;
  const estimate = service.estimateMonthlyCost({ logGigabytes: 10 });

  expect(linesOf(estimate).slice(-2)).toEqual([
    ['10 GB of logs ingested', 2.5],
    ['logs stored for 365 days', 3.6],
  ]); // 10 × 365 / (730 / 24) × 0.03
  expect(estimate.assumptions).toContain('logs are kept for one year');
});

test('includes the shared network in the estimate of each service', () => {
  const stack = newStack(US_EAST_1);
  const props = { egress: Egress.natGateway() };
  const [first, second] = ['First', 'Second'].map((id) => new HelloFargateService(stack, id, props));

  for (const estimate of [first.estimateMonthlyCost(), second.estimateMonthlyCost()]) {
    expect(linesOf(estimate)).toContainEqual(['1 NAT gateway, shared', 32.85]);
    expect(linesOf(estimate)).toContainEqual(['1 load balancer', 16.43]);
    expect(estimate.assumptions.join()).toMatch(/shared items are billed once for all services of the stack/);
  }
  expect(estimateOf().assumptions.join()).not.toMatch(/shared/);
});

test.each([
  ['an unknown Region', {}, /the Region is not known yet: us-east-1 prices are used/],
  [
    'another Region',
    { env: { account: '123456789012', region: 'eu-central-1' } },
    /prices of eu-central-1 can differ: us-east-1 prices are used/,
  ],
])('uses us-east-1 prices for %s, and lists the assumption', (_what, stackProps, assumption) => {
  const estimate = newService({}, newStack(stackProps)).estimateMonthlyCost();

  expect(estimate.total).toBe(estimateOf().total);
  expect(estimate.assumptions.join('\n')).toMatch(assumption);
  expect(estimateOf().assumptions.join('\n')).not.toMatch(/us-east-1 prices/);
});

test('assumes two tasks if the number is only known during deployment', () => {
  const stack = newStack(US_EAST_1);
  const desiredCount = new CfnParameter(stack, 'Tasks', { type: 'Number' }).valueAsNumber;
  const service = newService({ desiredCount }, stack);

  expect(linesOf(service.estimateMonthlyCost())).toContainEqual(['2 tasks with 0.25 vCPU and 0.5 GB, ARM64', 14.42]);
  expect(service.estimateMonthlyCost().assumptions.join('\n')).toMatch(
    /2 tasks if averageTasks is not set, because the number is only known during deployment/,
  );
  expect(linesOf(service.estimateMonthlyCost({ averageTasks: 1 }))).toContainEqual([
    '1 task with 0.25 vCPU and 0.5 GB, ARM64',
    7.21,
  ]);
});

test('resolves lazy numbers of tasks', () => {
  expect(linesOf(estimateOf({ desiredCount: Lazy.number({ produce: () => 5 }) }))).toContainEqual([
    '5 tasks with 0.25 vCPU and 0.5 GB, ARM64',
    36.04,
  ]);
});

test('uses the minimum of scaling, and lists the assumption', () => {
  const estimate = estimateOf({ scaling: { minCapacity: 3, maxCapacity: 10 } });

  expect(linesOf(estimate)).toContainEqual(['3 tasks with 0.25 vCPU and 0.5 GB, ARM64', 21.63]);
  expect(estimate.assumptions.join('\n')).toMatch(
    /3 tasks if averageTasks is not set, the minimum of scaling, whose maximum is 10/,
  );
  expect(estimate.notPriced).toContain('the alarms that target tracking creates');

  const single = estimateOf({ scaling: { minCapacity: 1, maxCapacity: 4 } });
  expect(single.assumptions.join('\n')).toMatch(/\b1 task if averageTasks is not set/);
});

test('costs nothing for 0 tasks', () => {
  expect(linesOf(estimateOf({ desiredCount: 0 }))).toContainEqual(['0 tasks with 0.25 vCPU and 0.5 GB, ARM64', 0]);
});

test.each([
  [
    'requestsPerSecond',
    -1,
    /estimateMonthlyCost\.requestsPerSecond is -1, but an estimate needs a number of at least 0/,
  ],
  ['gigabytesOut', NaN, /estimateMonthlyCost\.gigabytesOut is NaN/],
  ['logGigabytes', Infinity, /estimateMonthlyCost\.logGigabytes is Infinity/],
  ['averageTasks', -0.1, /Stack\/Hello: estimateMonthlyCost\.averageTasks is -0\.1/],
  ['averageTasks', Lazy.number({ produce: () => 1 }), /estimateMonthlyCost\.averageTasks is a token/],
])('fails with %s of %p', (prop, value, message) => {
  const service = newService();

  expect(() => service.estimateMonthlyCost({ [prop]: value })).toThrow(message);
});

test('does not change the template', () => {
  const [without, with_] = [false, true].map((estimated) => {
    const service = newService({ ingress: Ingress.cloudFront(), egress: Egress.vpcEndpoints() });
    if (estimated) {
      service.estimateMonthlyCost({ requestsPerSecond: 1 });
    }
    return Template.fromStack(Stack.of(service)).toJSON();
  });

  expect(with_).toEqual(without);
});

test('formats the estimate as text and Markdown, with assumptions and sources', () => {
  const estimate = newService(
    { preset: Preset.DEVELOPMENT, ingress: Ingress.httpApi() },
    newStack(),
  ).estimateMonthlyCost();

  expect(estimate.toText()).toBe(
    [
      '$ per month',
      ' 2.16 to 7.21  1 task on Spot with 0.25 vCPU and 0.5 GB, ARM64, $0.03238 per vCPU-hour, $0.00356 per GB-hour',
      '         3.65  1 public IPv4 address of the tasks, $0.005 per hour',
      '         0.50  1 DNS namespace, $0.50 per month',
      '6.31 to 11.36  total',
      '',
      'assumption: list prices of us-east-1, checked 2026-09, 730 hours, without free tiers',
      'assumption: the Region is not known yet: us-east-1 prices are used',
      'assumption: the Spot discount varies from 0 to 70 %',
      ...estimate.notPriced.map((what) => `not included: ${what}`),
      'prices: https://aws.amazon.com/fargate/pricing/',
      'prices: https://aws.amazon.com/vpc/pricing/',
      'prices: https://aws.amazon.com/route53/pricing/',
    ].join('\n'),
  );
  expect(estimate.toMarkdown()).toMatch(
    [
      '| | price | $ per month |',
      '|---|---|---:|',
      '| 1 task on Spot with 0.25 vCPU and 0.5 GB, ARM64 | [$0.03238 per vCPU-hour, $0.00356 per GB-hour](https://aws.amazon.com/fargate/pricing/) | 2.16 to 7.21 |',
      '| 1 public IPv4 address of the tasks | [$0.005 per hour](https://aws.amazon.com/vpc/pricing/) | 3.65 |',
      '| 1 DNS namespace | [$0.50 per month](https://aws.amazon.com/route53/pricing/) | 0.50 |',
      '| **total** | | **6.31 to 11.36** |',
      '',
      'Assumptions: list prices of us-east-1, checked 2026-09, 730 hours, without free tiers; ',
    ].join('\n'),
  );
  expect(estimate.toMarkdown()).toContain('\n\nNot included: data transfer between Availability Zones; ');
});
