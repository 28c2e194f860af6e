/** A list price of us-east-1. The first pricing tier, without the free tier. */
export interface Price {
  readonly dollars: number;
  readonly unit: string;
  /** Number of units that the price is for, 1 by default. */
  readonly quantity?: number;
  readonly source: string;
}

/** When the prices were checked. */
export const PRICES_CHECKED = '2026-09';

export const HOURS_PER_MONTH = 730;
export const DAYS_PER_MONTH = HOURS_PER_MONTH / 24;

/** The maximum discount that AWS publishes ("up to 70 %"). The actual discount varies. */
export const MAX_SPOT_DISCOUNT = 0.7;

/** Storage of a task in GB that is free. */
export const FREE_TASK_STORAGE = 20;

const FARGATE = 'https://aws.amazon.com/fargate/pricing/';
const LOAD_BALANCING = 'https://aws.amazon.com/elasticloadbalancing/pricing/';
const VPC = 'https://aws.amazon.com/vpc/pricing/';
const PRIVATE_LINK = 'https://aws.amazon.com/privatelink/pricing/';
const CLOUD_WATCH = 'https://aws.amazon.com/cloudwatch/pricing/';
const CLOUD_FRONT = 'https://aws.amazon.com/cloudfront/pricing/';
const DATA_TRANSFER = 'https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer';
const API_GATEWAY = 'https://aws.amazon.com/api-gateway/pricing/';
const WAF = 'https://aws.amazon.com/waf/pricing/';
const ROUTE_53 = 'https://aws.amazon.com/route53/pricing/';
const KMS = 'https://aws.amazon.com/kms/pricing/';
const SECRETS_MANAGER = 'https://aws.amazon.com/secrets-manager/pricing/';

export const PRICES = {
  armCpu: { dollars: 0.03238, unit: 'per vCPU-hour', source: FARGATE },
  armMemory: { dollars: 0.00356, unit: 'per GB-hour', source: FARGATE },
  x86Cpu: { dollars: 0.04048, unit: 'per vCPU-hour', source: FARGATE },
  x86Memory: { dollars: 0.004445, unit: 'per GB-hour', source: FARGATE },
  taskStorage: { dollars: 0.000111, unit: 'per GB-hour', source: FARGATE },
  loadBalancer: { dollars: 0.0225, unit: 'per hour', source: LOAD_BALANCING },
  capacityUnit: { dollars: 0.008, unit: 'per LCU-hour', source: LOAD_BALANCING },
  publicIpv4: { dollars: 0.005, unit: 'per hour', source: VPC },
  natGateway: { dollars: 0.045, unit: 'per hour', source: VPC },
  natGigabyte: { dollars: 0.045, unit: 'per GB', source: VPC },
  endpoint: { dollars: 0.01, unit: 'per hour', source: PRIVATE_LINK },
  endpointGigabyte: { dollars: 0.01, unit: 'per GB', source: PRIVATE_LINK },
  alarmMetric: { dollars: 0.1, unit: 'per month', source: CLOUD_WATCH },
  dashboard: { dollars: 3, unit: 'per month', source: CLOUD_WATCH },
  logIngestion: { dollars: 0.5, unit: 'per GB', source: CLOUD_WATCH },
  infrequentLogIngestion: { dollars: 0.25, unit: 'per GB', source: CLOUD_WATCH },
  logStorage: { dollars: 0.03, unit: 'per GB-month', source: CLOUD_WATCH },
  cloudFrontRequest: { dollars: 0.01, unit: 'per 10,000', quantity: 10_000, source: CLOUD_FRONT },
  cloudFrontGigabyte: { dollars: 0.085, unit: 'per GB', source: CLOUD_FRONT },
  httpApiRequest: { dollars: 1, unit: 'per million', quantity: 1_000_000, source: API_GATEWAY },
  webAclRequest: { dollars: 0.6, unit: 'per million', quantity: 1_000_000, source: WAF },
  dnsNamespace: { dollars: 0.5, unit: 'per month', source: ROUTE_53 },
  key: { dollars: 1, unit: 'per month', source: KMS },
  secret: { dollars: 0.4, unit: 'per month', source: SECRETS_MANAGER },
  gigabyteOut: { dollars: 0.09, unit: 'per GB', source: DATA_TRANSFER },
} satisfies Record<string, Price>;

/** A resource that is billed for as long as it exists. */
export type FixedCost = 'loadBalancer' | 'loadBalancerIpv4' | 'taskIpv4' | 'natGateway' | 'elasticIpv4' | 'endpoint'
  | 'dnsNamespace' | 'alarmMetric' | 'dashboard' | 'key' | 'secret';

interface FixedPrice {
  readonly singular: string;
  readonly plural: string;
  readonly price: Price;
  /** Units of the price in a month: hours or months. */
  readonly unitsPerMonth: number;
}

/** In the order of the estimate. */
export const FIXED_PRICES: Record<FixedCost, FixedPrice> = {
  loadBalancer: {
    singular: 'load balancer',
    plural: 'load balancers',
    price: PRICES.loadBalancer,
    unitsPerMonth: HOURS_PER_MONTH,
  },
  loadBalancerIpv4: {
    singular: 'public IPv4 address of the load balancer',
    plural: 'public IPv4 addresses of the load balancer',
    price: PRICES.publicIpv4,
    unitsPerMonth: HOURS_PER_MONTH,
  },
  taskIpv4: {
    singular: 'public IPv4 address of the tasks',
    plural: 'public IPv4 addresses of the tasks',
    price: PRICES.publicIpv4,
    unitsPerMonth: HOURS_PER_MONTH,
  },
  natGateway: {
    singular: 'NAT gateway',
    plural: 'NAT gateways',
    price: PRICES.natGateway,
    unitsPerMonth: HOURS_PER_MONTH,
  },
  elasticIpv4: {
    singular: 'public IPv4 address of the NAT gateways',
    plural: 'public IPv4 addresses of the NAT gateways',
    price: PRICES.publicIpv4,
    unitsPerMonth: HOURS_PER_MONTH,
  },
  endpoint: {
    singular: 'VPC endpoint in an Availability Zone',
    plural: 'VPC endpoints × Availability Zones',
    price: PRICES.endpoint,
    unitsPerMonth: HOURS_PER_MONTH,
  },
  dnsNamespace: {
    singular: 'DNS namespace',
    plural: 'DNS namespaces',
    price: PRICES.dnsNamespace,
    unitsPerMonth: 1,
  },
  alarmMetric: {
    singular: 'metric used by alarms',
    plural: 'metrics used by alarms',
    price: PRICES.alarmMetric,
    unitsPerMonth: 1,
  },
  dashboard: {
    singular: 'dashboard',
    plural: 'dashboards',
    price: PRICES.dashboard,
    unitsPerMonth: 1,
  },
  key: {
    singular: 'KMS key',
    plural: 'KMS keys',
    price: PRICES.key,
    unitsPerMonth: 1,
  },
  secret: {
    singular: 'secret',
    plural: 'secrets',
    price: PRICES.secret,
    unitsPerMonth: 1,
  },
};

/** A price like `$0.045 per hour`. */
export function formatPrice({ dollars, unit }: Price): string {
  const decimals = String(dollars).split('.')[1]?.length ?? 0;
  return `$${dollars.toFixed(Math.max(2, decimals))} ${unit}`;
}
