import { Token } from 'aws-cdk-lib';
import { BillableResources, BilledService, readBillableResources, Counts, Standing, STORAGE_INCLUDED } from './billable-resources';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** What a service has to do in a month, for `estimateMonthlyCost`. Without any of it, the estimate is that of a service at rest. */
export interface CostUsage {
  /**
   * Requests a second, on the average of the month. Each is taken for a connection of its own, which is the most that a load balancer charges.
   *
   * @default 0
   */
  readonly requestsPerSecond?: number;

  /**
   * GB a month that the service answers its clients.
   *
   * @default 0
   */
  readonly gigabytesOut?: number;

  /**
   * GB a month that the containers log.
   *
   * @default 0
   */
  readonly logGigabytes?: number;

  /**
   * How many tasks run, on the average of the month; fractions are fine.
   *
   * @default - `desiredCount`, or with `scaling` its `minCapacity`
   */
  readonly averageTasks?: number;
}

/** One line of a `CostEstimate`. */
export interface CostLineItem {
  /** What is paid for, and how much of it. */
  readonly item: string;

  /** The price of one, like `$0.045 an hour`. */
  readonly price: string;

  /** Where that price is published. */
  readonly source: string;

  /** Dollars a month, in whole cents: with Spot, the low end. */
  readonly dollars: number;

  /** Dollars a month, in whole cents: with Spot, the high end, else the same as `dollars`. */
  readonly dollarsHigh: number;

  /** Whether all services of the stack share it, so that it is paid once for all of them. */
  readonly isShared: boolean;
}

const FARGATE = 'https://aws.amazon.com/fargate/pricing/';
const LOAD_BALANCING = 'https://aws.amazon.com/elasticloadbalancing/pricing/';
const VPC = 'https://aws.amazon.com/vpc/pricing/';
const PRIVATE_LINK = 'https://aws.amazon.com/privatelink/pricing/';
const CLOUD_WATCH = 'https://aws.amazon.com/cloudwatch/pricing/';
const CLOUD_FRONT = 'https://aws.amazon.com/cloudfront/pricing/';

interface Price {
  readonly dollars: number;
  readonly per: string;
  /** How many the price is for. */
  readonly times?: number;
  readonly source: string;
}

/** List prices of us-east-1 in dollars. The first tier counts for all of it, and no free tier is taken off. */
const CHECKED = '2026-09';
const PRICES = {
  armCpu: { dollars: 0.03238, per: 'a vCPU and hour', source: FARGATE },
  armMemory: { dollars: 0.00356, per: 'a GB and hour', source: FARGATE },
  x86Cpu: { dollars: 0.04048, per: 'a vCPU and hour', source: FARGATE },
  x86Memory: { dollars: 0.004445, per: 'a GB and hour', source: FARGATE },
  taskStorage: { dollars: 0.000111, per: 'a GB and hour', source: FARGATE },
  loadBalancer: { dollars: 0.0225, per: 'an hour', source: LOAD_BALANCING },
  capacityUnit: { dollars: 0.008, per: 'an LCU and hour', source: LOAD_BALANCING },
  publicIpv4: { dollars: 0.005, per: 'an hour', source: VPC },
  natGateway: { dollars: 0.045, per: 'an hour', source: VPC },
  natGigabyte: { dollars: 0.045, per: 'a GB', source: VPC },
  endpoint: { dollars: 0.01, per: 'an hour', source: PRIVATE_LINK },
  endpointGigabyte: { dollars: 0.01, per: 'a GB', source: PRIVATE_LINK },
  alarmMetric: { dollars: 0.1, per: 'a month', source: CLOUD_WATCH },
  dashboard: { dollars: 3, per: 'a month', source: CLOUD_WATCH },
  logIngestion: { dollars: 0.5, per: 'a GB', source: CLOUD_WATCH },
  infrequentLogIngestion: { dollars: 0.25, per: 'a GB', source: CLOUD_WATCH },
  logStorage: { dollars: 0.03, per: 'a GB and month', source: CLOUD_WATCH },
  cloudFrontRequest: { dollars: 0.01, per: 'for 10,000', times: 10_000, source: CLOUD_FRONT },
  cloudFrontGigabyte: { dollars: 0.085, per: 'a GB', source: CLOUD_FRONT },
  httpApiRequest: { dollars: 1, per: 'a million', times: 1_000_000, source: 'https://aws.amazon.com/api-gateway/pricing/' },
  webAclRequest: { dollars: 0.6, per: 'a million', times: 1_000_000, source: 'https://aws.amazon.com/waf/pricing/' },
  dnsNamespace: { dollars: 0.5, per: 'a month', source: 'https://aws.amazon.com/route53/pricing/' },
  key: { dollars: 1, per: 'a month', source: 'https://aws.amazon.com/kms/pricing/' },
  secret: { dollars: 0.4, per: 'a month', source: 'https://aws.amazon.com/secrets-manager/pricing/' },
  // AWS draws its own table of these (https://aws.amazon.com/ec2/pricing/on-demand/) by a script; this page quotes it, as of 2026-06.
  gigabyteOut: { dollars: 0.09, per: 'a GB (2026-06)', source: 'https://www.usage.ai/blogs/aws/networking-cost/data-transfer-costs/' },
};
const HOURS = 730;
const DAYS = HOURS / 24;
/** "Up to" that much less, says AWS; the discount moves. */
const SPOT_DISCOUNT = 0.7;

/** What is paid for as long as it exists, by what it is called when there is one, and when there are more. */
const STANDING: { [kind in Standing]: { one: string; many: string; price: Price; hours: number } } = {
  loadBalancer: { one: 'load balancer', many: 'load balancers', price: PRICES.loadBalancer, hours: HOURS },
  loadBalancerIpv4: { one: 'public IPv4 address of the load balancer', many: 'public IPv4 addresses of the load balancer', price: PRICES.publicIpv4, hours: HOURS },
  taskIpv4: { one: 'public IPv4 address of the tasks', many: 'public IPv4 addresses of the tasks', price: PRICES.publicIpv4, hours: HOURS },
  natGateway: { one: 'NAT gateway', many: 'NAT gateways', price: PRICES.natGateway, hours: HOURS },
  elasticIpv4: { one: 'public IPv4 address to go out by', many: 'public IPv4 addresses to go out by', price: PRICES.publicIpv4, hours: HOURS },
  endpoint: { one: 'VPC endpoint in a zone', many: 'VPC endpoints × zones', price: PRICES.endpoint, hours: HOURS },
  dnsNamespace: { one: 'DNS namespace', many: 'DNS namespaces', price: PRICES.dnsNamespace, hours: 1 },
  alarmMetric: { one: 'metric that alarms read', many: 'metrics that alarms read', price: PRICES.alarmMetric, hours: 1 },
  dashboard: { one: 'dashboard', many: 'dashboards', price: PRICES.dashboard, hours: 1 },
  key: { one: 'KMS key', many: 'KMS keys', price: PRICES.key, hours: 1 },
  secret: { one: 'secret', many: 'secrets', price: PRICES.secret, hours: 1 },
};
/** What a service costs in a month: list prices of us-east-1, without free tiers, taxes and discounts. */
export class CostEstimate {
  /** @internal */
  public static _of(bill: BillableResources, lineItems: CostLineItem[], assumptions: string[], notPriced: string[]): CostEstimate {
    return new CostEstimate(lineItems, [
      `list prices of us-east-1, checked ${CHECKED}, ${HOURS} hours, no free tier`,
      ...bill.region === 'us-east-1' ? [] : [`${bill.region ? `${bill.region} has prices of its own` : 'the region is not known yet'}: priced as us-east-1`],
      ...bill.assumptions, ...assumptions,
      ...lineItems.some(({ isShared }) => isShared) ? ['what is shared is paid once for all services of the stack, and is in the estimate of each'] : [],
    ], [...bill.notPriced, ...notPriced]);
  }

  /** What is paid for, dearest kinds first as a rule: tasks, ways in and out, what watches, what flows. */
  public readonly lineItems: CostLineItem[];

  /** Dollars a month, the sum of `dollars` of all lines: with Spot, the low end. */
  public readonly total: number;

  /** Dollars a month, the sum of `dollarsHigh` of all lines: with Spot, the high end, else the same as `total`. */
  public readonly totalHigh: number;

  /** What the estimate takes for granted. */
  public readonly assumptions: string[];

  /** What may cost something too and is not in the total. */
  public readonly notPriced: string[];

  private constructor(lineItems: CostLineItem[], assumptions: string[], notPriced: string[]) {
    this.lineItems = lineItems;
    // The sum of what is printed, so that a reader who adds up finds it right.
    this.total = cents(lineItems.reduce((sum, { dollars }) => sum + dollars, 0));
    this.totalHigh = cents(lineItems.reduce((sum, { dollarsHigh }) => sum + dollarsHigh, 0));
    this.assumptions = assumptions;
    this.notPriced = notPriced;
  }

  /** The estimate as lines of text, for a terminal. */
  public toText(): string {
    const rows = [...this.lineItems.map((line) => [range(line.dollars, line.dollarsHigh), `${itemOf(line)}, ${line.price}`]), [range(this.total, this.totalHigh), 'total']];
    const width = Math.max(...rows.map(([dollars]) => dollars.length));
    return [
      '$ a month',
      ...rows.map(([dollars, item]) => `${dollars.padStart(width)}  ${item}`),
      '',
      ...this.assumptions.map((assumption) => `assumed: ${assumption}`),
      ...this.notPriced.map((what) => `not priced: ${what}`),
      ...[...new Set(this.lineItems.map(({ source }) => source))].map((source) => `prices: ${source}`),
    ].join('\n');
  }

  /** The estimate as a table in Markdown, for a pull request or a page. */
  public toMarkdown(): string {
    return [
      '| | price | $ a month |',
      '|---|---|---:|',
      ...this.lineItems.map((line) => `| ${itemOf(line)} | [${line.price}](${line.source}) | ${range(line.dollars, line.dollarsHigh)} |`),
      `| **total** | | **${range(this.total, this.totalHigh)}** |`,
      '',
      `Assumed: ${this.assumptions.join('; ')}.`,
      '',
      `Not priced: ${this.notPriced.join('; ')}.`,
    ].join('\n');
  }
}

export function estimateMonthlyCost(validation: Validation, service: BilledService, usage: CostUsage): CostEstimate {
  for (const [prop, value] of Object.entries(usage)) {
    if (value !== undefined && (Token.isUnresolved(value) || !Number.isFinite(value) || value < 0)) {
      validation.refuse(`estimateMonthlyCost.${prop}`, Token.isUnresolved(value) ? 'a token' : show(value), 'an estimate needs a number from 0 upwards', 'give one, or leave it out');
    }
  }
  validation.throwIfRefused();
  return estimate(readBillableResources(service), usage);
}

/** The arithmetic, without any construct. */
export function estimate(bill: BillableResources, usage: CostUsage): CostEstimate {
  const { requestsPerSecond = 0, gigabytesOut = 0, logGigabytes = 0 } = usage;
  const lineItems = new Array<CostLineItem>();
  const assumptions = new Array<string>();
  const notPriced = new Array<string>();
  const add = (item: string, price: Price, quantity: number, isShared = false) => {
    const dollars = cents(quantity * price.dollars / (price.times ?? 1));
    lineItems.push({ item, price: said(price), source: price.source, dollars, dollarsHigh: dollars, isShared });
  };
  const addStanding = (kind: Standing, count: number | undefined, isShared = false) => {
    if (!count) { return; }
    const { one, many, price, hours } = STANDING[kind];
    add(`${rounded(count)} ${count === 1 ? one : many}`, price, count * hours, isShared);
  };

  const tasks = bill.tasks;
  const count = usage.averageTasks ?? tasks?.count ?? 0;
  if (tasks) {
    const [cpu, memory] = tasks.isArm ? [PRICES.armCpu, PRICES.armMemory] : [PRICES.x86Cpu, PRICES.x86Memory];
    const hourly = tasks.vcpu * cpu.dollars + tasks.memoryGb * memory.dollars;
    const onDemand = Math.min(count, tasks.onDemand);
    const each = `${tasks.vcpu} vCPU and ${tasks.memoryGb} GB, ${tasks.isArm ? 'ARM64' : 'X86_64'}`;
    const price = `${said(cpu)}, ${said(memory)}`;
    for (const [number, where, low] of [[onDemand, '', 1], [count - onDemand, ' on Spot', 1 - SPOT_DISCOUNT]] as const) {
      if (number === 0 && (count > 0 || where)) { continue; }
      const high = number * hourly * HOURS;
      lineItems.push({
        item: `${rounded(number)} ${number === 1 ? 'task' : 'tasks'}${where} of ${each}`,
        price,
        source: FARGATE,
        dollars: cents(high * low),
        dollarsHigh: cents(high),
        isShared: false,
      });
      if (where) { assumptions.push('Spot from 70 % off to the price on demand, as the discount moves'); }
    }
    const storage = (tasks.storageGb - STORAGE_INCLUDED) * count;
    if (storage > 0) { add(`${rounded(storage)} GB of storage above ${STORAGE_INCLUDED} GB a task`, PRICES.taskStorage, storage * HOURS); }
  }

  const own: Counts = { ...bill.own, taskIpv4: tasks?.haveIpv4 ? count : 0 };
  for (const kind of Object.keys(STANDING) as Standing[]) {
    addStanding(kind, own[kind]);
    addStanding(kind, bill.shared[kind], true);
  }

  const requests = requestsPerSecond * 3600 * HOURS;
  const millions = `${rounded(requests / 1_000_000)} million requests`;
  if (requests > 0 || gigabytesOut > 0) {
    if (bill.isLoadBalanced) {
      const units = capacityUnits(requestsPerSecond, gigabytesOut);
      add(`${rounded(units)} LCU of the load balancer`, PRICES.capacityUnit, units * HOURS);
      assumptions.push('each request opens a connection of its own');
    }
    if (requests > 0 && bill.ingress === 'cloudFront') { add(`${millions} by CloudFront`, PRICES.cloudFrontRequest, requests); }
    if (requests > 0 && bill.ingress === 'httpApi') { add(`${millions} by API Gateway`, PRICES.httpApiRequest, requests); }
    if (requests > 0 && bill.hasWebAcl) { add(`${millions} that the web ACL sees`, PRICES.webAclRequest, requests); }
  }
  if (gigabytesOut > 0 && bill.ingress === 'internal') {
    notPriced.push('traffic to clients inside AWS');
  } else if (gigabytesOut > 0) {
    add(`${rounded(gigabytesOut)} GB to the internet`, bill.ingress === 'cloudFront' ? PRICES.cloudFrontGigabyte : PRICES.gigabyteOut, gigabytesOut);
  }

  if (logGigabytes > 0) {
    add(`${rounded(logGigabytes)} GB of logs taken in`, bill.logsAreInfrequent ? PRICES.infrequentLogIngestion : PRICES.logIngestion, logGigabytes);
    add(`logs kept for ${bill.logRetentionDays} days`, PRICES.logStorage, logGigabytes * bill.logRetentionDays / DAYS);
    if (!tasks?.haveIpv4 && bill.shared.natGateway) {
      add('logs that go through the NAT gateways', PRICES.natGigabyte, logGigabytes);
    } else if (!tasks?.haveIpv4 && bill.shared.endpoint) {
      add('logs that go through the VPC endpoints', PRICES.endpointGigabyte, logGigabytes);
    }
  }
  return CostEstimate._of(bill, lineItems, assumptions, notPriced);
}

/**
 * Load balancer capacity units: that of four dimensions which is used most counts (https://aws.amazon.com/elasticloadbalancing/pricing/).
 * A connection is held for the default idle time-out; no more than the ten rules are evaluated which cost nothing.
 */
function capacityUnits(requestsPerSecond: number, gigabytesOut: number): number {
  const newConnections = requestsPerSecond / 25;
  const activeConnections = requestsPerSecond * DEFAULTS.idleTimeout.toSeconds() / 3000;
  const processedGigabytes = gigabytesOut / HOURS;
  return Math.max(newConnections, activeConnections, processedGigabytes);
}

function cents(dollars: number): number {
  // What is half a cent on paper may be a little less in binary.
  return Math.round(dollars * 100 + 1e-7) / 100;
}

function said({ dollars, per }: Price): string {
  return `$${dollars.toFixed(Math.max(2, String(dollars).split('.')[1]?.length ?? 0))} ${per}`;
}

function rounded(quantity: number): string {
  return String(Math.round(quantity * 100) / 100);
}

function range(low: number, high: number): string {
  return low === high ? low.toFixed(2) : `${low.toFixed(2)} to ${high.toFixed(2)}`;
}

function itemOf({ item, isShared }: CostLineItem): string {
  return isShared ? `${item} (shared)` : item;
}
