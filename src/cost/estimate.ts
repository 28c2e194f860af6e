import { Token } from 'aws-cdk-lib';
import {
  BillableResources, BillableTasks, BilledService, Counts, readBillableResources, taskText,
} from './billable-resources';
import {
  DAYS_PER_MONTH, FIXED_PRICES, FixedCost, formatPrice, FREE_TASK_STORAGE, HOURS_PER_MONTH,
  MAX_SPOT_DISCOUNT, Price, PRICES, PRICES_CHECKED,
} from './prices';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** Monthly usage of a service for `estimateMonthlyCost`. Without it, the estimate is for a service without traffic. */
export interface CostUsage {
  /**
   * Average number of requests per second. The estimate assumes that each request opens a new connection, which is the
   * upper bound of what a load balancer charges.
   *
   * @default 0
   */
  readonly requestsPerSecond?: number;

  /**
   * GB per month that the service sends to its clients.
   *
   * @default 0
   */
  readonly gigabytesOut?: number;

  /**
   * GB per month that the containers log.
   *
   * @default 0
   */
  readonly logGigabytes?: number;

  /**
   * Average number of running tasks. It can be a fraction.
   *
   * @default - `desiredCount`, or `minCapacity` of `scaling`
   */
  readonly averageTasks?: number;
}

/** A line item of a `CostEstimate`. */
export interface CostLineItem {
  /** The resource and its quantity. */
  readonly item: string;

  /** The unit price, like `$0.045 per hour`. */
  readonly price: string;

  /** URL of the page that publishes the price. */
  readonly source: string;

  /** Dollars per month, rounded to cents. With Spot, the lowest cost. */
  readonly dollars: number;

  /** Dollars per month, rounded to cents. With Spot, the highest cost, otherwise the same as `dollars`. */
  readonly dollarsHigh: number;

  /** Whether all services of the stack share the resource, so it is billed only once for all of them. */
  readonly isShared: boolean;
}

/** The estimated monthly cost of a service at list prices of us-east-1, without free tiers, taxes and discounts. */
export class CostEstimate {
  /** @internal */
  public static _of(lineItems: CostLineItem[], assumptions: string[], notPriced: string[]): CostEstimate {
    return new CostEstimate(lineItems, assumptions, notPriced);
  }

  /** Tasks, resources that are billed by time, requests, data transfer and logs, in this order. */
  public readonly lineItems: CostLineItem[];

  /** Dollars per month, the sum of `dollars` of all line items. With Spot, the lowest cost. */
  public readonly total: number;

  /** Dollars per month, the sum of `dollarsHigh` of all line items. With Spot, the highest cost, otherwise `total`. */
  public readonly totalHigh: number;

  /** Assumptions of the estimate. */
  public readonly assumptions: string[];

  /** Possible further charges that are not part of the total. */
  public readonly notPriced: string[];

  private constructor(lineItems: CostLineItem[], assumptions: string[], notPriced: string[]) {
    this.lineItems = lineItems;
    // Sums of the rounded values, so that the total equals the sum of the lines that are printed.
    this.total = cents(lineItems.reduce((sum, { dollars }) => sum + dollars, 0));
    this.totalHigh = cents(lineItems.reduce((sum, { dollarsHigh }) => sum + dollarsHigh, 0));
    this.assumptions = assumptions;
    this.notPriced = notPriced;
  }

  /** Formats the estimate as lines of text, for a terminal. */
  public toText(): string {
    const rows = this.lineItems.map((line) => [
      range(line.dollars, line.dollarsHigh),
      `${itemText(line)}, ${line.price}`,
    ]);
    rows.push([range(this.total, this.totalHigh), 'total']);
    const width = Math.max(...rows.map(([dollars]) => dollars.length));
    const sources = new Set(this.lineItems.map(({ source }) => source));
    return [
      '$ per month',
      ...rows.map(([dollars, item]) => `${dollars.padStart(width)}  ${item}`),
      '',
      ...this.assumptions.map((assumption) => `assumption: ${assumption}`),
      ...this.notPriced.map((charge) => `not included: ${charge}`),
      ...[...sources].map((source) => `prices: ${source}`),
    ].join('\n');
  }

  /** Formats the estimate as a Markdown table, for a pull request or a web page. */
  public toMarkdown(): string {
    const rows = this.lineItems.map((line) =>
      `| ${itemText(line)} | [${line.price}](${line.source}) | ${range(line.dollars, line.dollarsHigh)} |`);
    return [
      '| | price | $ per month |',
      '|---|---|---:|',
      ...rows,
      `| **total** | | **${range(this.total, this.totalHigh)}** |`,
      '',
      `Assumptions: ${this.assumptions.join('; ')}.`,
      '',
      `Not included: ${this.notPriced.join('; ')}.`,
    ].join('\n');
  }
}

export function estimateMonthlyCost(validation: Validation, service: BilledService, usage: CostUsage): CostEstimate {
  for (const [prop, value] of Object.entries(usage)) {
    if (value !== undefined && (Token.isUnresolved(value) || !Number.isFinite(value) || value < 0)) {
      validation.refuse(`estimateMonthlyCost.${prop}`, Token.isUnresolved(value) ? 'a token' : show(value),
        'an estimate needs a number of at least 0', 'set one, or leave it out');
    }
  }
  validation.throwIfRefused();
  return new Estimator(readBillableResources(service), usage).estimate();
}

/** Calculates an estimate from billable resources and their usage. */
class Estimator {
  private readonly lineItems = new Array<CostLineItem>();
  private readonly assumptions = new Array<string>();
  private readonly notPriced = new Array<string>();
  private readonly usage: Omit<Required<CostUsage>, 'averageTasks'>;
  private readonly taskCount: number;

  constructor(private readonly resources: BillableResources, usage: CostUsage) {
    const { requestsPerSecond = 0, gigabytesOut = 0, logGigabytes = 0 } = usage;
    this.usage = { requestsPerSecond, gigabytesOut, logGigabytes };
    this.taskCount = usage.averageTasks ?? resources.tasks?.count ?? 0;
  }

  public estimate(): CostEstimate {
    const { tasks, own, shared } = this.resources;
    if (tasks) { this.addTasks(tasks); }
    const taskIpv4 = tasks?.haveIpv4 ? this.taskCount : 0;
    this.addFixedCosts({ ...own, taskIpv4 }, shared);
    this.addTraffic();
    this.addDataTransfer();
    this.addLogs();
    return CostEstimate._of(this.lineItems, this.allAssumptions(), [...this.resources.notPriced, ...this.notPriced]);
  }

  private allAssumptions(): string[] {
    const { region } = this.resources;
    const assumptions = [
      `list prices of us-east-1, checked ${PRICES_CHECKED}, ${HOURS_PER_MONTH} hours, without free tiers`,
    ];
    if (region !== 'us-east-1') {
      const reason = region ? `prices of ${region} can differ` : 'the Region is not known yet';
      assumptions.push(`${reason}: us-east-1 prices are used`);
    }
    assumptions.push(...this.resources.assumptions, ...this.assumptions);
    if (this.lineItems.some(({ isShared }) => isShared)) {
      assumptions.push('shared items are billed once for all services of the stack, '
        + 'and are included in the estimate of each service');
    }
    return assumptions;
  }

  private add(item: string, price: Price, quantity: number, isShared = false): void {
    const dollars = cents(quantity * price.dollars / (price.quantity ?? 1));
    const { source } = price;
    this.lineItems.push({ item, price: formatPrice(price), source, dollars, dollarsHigh: dollars, isShared });
  }

  private addTasks(tasks: BillableTasks): void {
    const onDemand = Math.min(this.taskCount, tasks.onDemand);
    const spot = this.taskCount - onDemand;
    if (onDemand > 0 || this.taskCount === 0) { this.addTaskLine(tasks, onDemand, '', 0); }
    if (spot > 0) {
      this.addTaskLine(tasks, spot, ' on Spot', MAX_SPOT_DISCOUNT);
      this.assumptions.push('the Spot discount varies from 0 to 70 %');
    }
    const storage = (tasks.storageGb - FREE_TASK_STORAGE) * this.taskCount;
    if (storage > 0) {
      this.add(`${rounded(storage)} GB of storage beyond ${FREE_TASK_STORAGE} GB per task`, PRICES.taskStorage,
        storage * HOURS_PER_MONTH);
    }
  }

  private addTaskLine(tasks: BillableTasks, count: number, capacity: string, maxDiscount: number): void {
    const { isArm, vcpu, memoryGb } = tasks;
    const [cpu, memory] = isArm ? [PRICES.armCpu, PRICES.armMemory] : [PRICES.x86Cpu, PRICES.x86Memory];
    const hourly = vcpu * cpu.dollars + memoryGb * memory.dollars;
    const dollars = count * hourly * HOURS_PER_MONTH;
    this.lineItems.push({
      item: `${taskText(count, capacity)} with ${vcpu} vCPU and ${memoryGb} GB, ${isArm ? 'ARM64' : 'X86_64'}`,
      price: `${formatPrice(cpu)}, ${formatPrice(memory)}`,
      source: cpu.source,
      dollars: cents(dollars * (1 - maxDiscount)),
      dollarsHigh: cents(dollars),
      isShared: false,
    });
  }

  private addFixedCosts(own: Counts, shared: Counts): void {
    for (const kind of Object.keys(FIXED_PRICES) as FixedCost[]) {
      this.addFixedCost(kind, own[kind], false);
      this.addFixedCost(kind, shared[kind], true);
    }
  }

  private addFixedCost(kind: FixedCost, count: number | undefined, isShared: boolean): void {
    if (!count) { return; }
    const { singular, plural, price, unitsPerMonth } = FIXED_PRICES[kind];
    this.add(`${rounded(count)} ${count === 1 ? singular : plural}`, price, count * unitsPerMonth, isShared);
  }

  private addTraffic(): void {
    const { isLoadBalanced, ingress, hasWebAcl } = this.resources;
    const { requestsPerSecond, gigabytesOut } = this.usage;
    if (isLoadBalanced && (requestsPerSecond > 0 || gigabytesOut > 0)) {
      const units = capacityUnits(requestsPerSecond, gigabytesOut);
      this.add(`${rounded(units)} LCUs of the load balancer`, PRICES.capacityUnit, units * HOURS_PER_MONTH);
      this.assumptions.push('each request opens a new connection');
    }
    if (requestsPerSecond === 0) { return; }
    const requests = requestsPerSecond * 3600 * HOURS_PER_MONTH;
    const millions = `${rounded(requests / 1_000_000)} million requests`;
    if (ingress === 'cloudFront') { this.add(`${millions} to CloudFront`, PRICES.cloudFrontRequest, requests); }
    if (ingress === 'httpApi') { this.add(`${millions} to API Gateway`, PRICES.httpApiRequest, requests); }
    if (hasWebAcl) { this.add(`${millions} inspected by the web ACL`, PRICES.webAclRequest, requests); }
  }

  private addDataTransfer(): void {
    const { gigabytesOut } = this.usage;
    if (gigabytesOut === 0) { return; }
    const { ingress } = this.resources;
    if (ingress === 'internal') {
      this.notPriced.push('data transfer to clients in AWS');
      return;
    }
    const price = ingress === 'cloudFront' ? PRICES.cloudFrontGigabyte : PRICES.gigabyteOut;
    this.add(`${rounded(gigabytesOut)} GB to the internet`, price, gigabytesOut);
  }

  private addLogs(): void {
    const { logGigabytes } = this.usage;
    if (logGigabytes === 0) { return; }
    const { logsAreInfrequent, logRetentionDays, tasks, shared } = this.resources;
    const ingestion = logsAreInfrequent ? PRICES.infrequentLogIngestion : PRICES.logIngestion;
    this.add(`${rounded(logGigabytes)} GB of logs ingested`, ingestion, logGigabytes);
    this.add(`logs stored for ${logRetentionDays} days`, PRICES.logStorage,
      logGigabytes * logRetentionDays / DAYS_PER_MONTH);
    if (tasks?.haveIpv4) { return; }
    if (shared.natGateway) {
      this.add('logs through NAT gateways', PRICES.natGigabyte, logGigabytes);
    } else if (shared.endpoint) {
      this.add('logs through VPC endpoints', PRICES.endpointGigabyte, logGigabytes);
    }
  }
}

/**
 * Load balancer capacity units: only the dimension with the highest usage is billed
 * (https://aws.amazon.com/elasticloadbalancing/pricing/). Connections are assumed to stay open for the default idle
 * timeout, and the number of evaluated rules to stay within the 10 free ones.
 */
function capacityUnits(requestsPerSecond: number, gigabytesOut: number): number {
  const newConnections = requestsPerSecond / 25;
  const activeConnections = requestsPerSecond * DEFAULTS.idleTimeout.toSeconds() / 3000;
  const processedGigabytes = gigabytesOut / HOURS_PER_MONTH;
  return Math.max(newConnections, activeConnections, processedGigabytes);
}

function cents(dollars: number): number {
  // Half a cent can be slightly less in binary floating point.
  return Math.round(dollars * 100 + 1e-7) / 100;
}

function rounded(quantity: number): string {
  return String(Math.round(quantity * 100) / 100);
}

function range(low: number, high: number): string {
  return low === high ? low.toFixed(2) : `${low.toFixed(2)} to ${high.toFixed(2)}`;
}

function itemText({ item, isShared }: CostLineItem): string {
  return isShared ? `${item} (shared)` : item;
}
