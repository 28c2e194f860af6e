import { Duration, aws_ecs as ecs, aws_elasticloadbalancingv2 as elbv2, aws_logs as logs } from 'aws-cdk-lib';

/** The defaults that depend on the preset. */
export interface PresetDefaults {
  readonly desiredCount: number;
  /** All tasks may be interrupted at once. */
  readonly onSpotOnly: boolean;
  /** A public load balancer without TLS is an error. */
  readonly requireTls: boolean;
  /** Availability Zones of the VPC that the construct creates, if CDK knows that many. */
  readonly maxAzs: number;
  /** Tasks run in private subnets, with a NAT gateway in each Availability Zone. */
  readonly privateTasks: boolean;
  readonly readonlyRootFilesystem: boolean;
  readonly deletionProtection: boolean;
  readonly accessLogs: boolean;
  readonly flowLogs: boolean;
  /** Days. */
  readonly logRetention: logs.RetentionDays;
  readonly encryptLogs: boolean;
  readonly retainLogs: boolean;
  /** Alarms are on, and alarms without recipients are an error. */
  readonly requireAlarms: boolean;
  readonly dashboard: boolean;
  readonly containerInsights: boolean;
}

type Row<T> = readonly [label: string, development: T, standard: T, production: T];

const { ONE_WEEK, ONE_MONTH, ONE_YEAR } = logs.RetentionDays;

/** The defaults that depend on the preset, with the labels of the README table that is generated from them. */
export const PRESETS: { readonly [K in keyof PresetDefaults]: Row<PresetDefaults[K]> } = {
  desiredCount: ['tasks', 1, 2, 3],
  onSpotOnly: ['all tasks on Fargate Spot', true, false, false],
  requireTls: ['TLS required for public load balancers', false, false, true],
  maxAzs: ['Availability Zones (if CDK knows that many)', 2, 2, 3],
  privateTasks: ['tasks in private subnets, one NAT gateway per Availability Zone', false, false, true],
  readonlyRootFilesystem: ['read-only root filesystem for custom images', false, false, true],
  deletionProtection: ['deletion protection for the load balancer', false, false, true],
  accessLogs: ['load balancer access logs', false, false, true],
  flowLogs: ['VPC flow logs', false, false, true],
  logRetention: ['log retention in days', ONE_WEEK, ONE_MONTH, ONE_YEAR],
  encryptLogs: ['logs encrypted with a customer managed KMS key', false, false, true],
  retainLogs: ['logs kept when the stack is deleted', false, false, true],
  requireAlarms: ['recipients of alarms required', false, false, true],
  dashboard: ['dashboard', false, false, true],
  containerInsights: ['Container Insights', false, false, true],
};

/**
 * A named set of defaults. Explicit props override the preset.
 *
 * | | use it for |
 * |---|---|
 * | `DEVELOPMENT` | lowest cost: one Spot task; from $30 a month, from $7 with `Ingress.httpApi` |
 * | `STANDARD` | two tasks in two Availability Zones: about $46 a month |
 * | `PRODUCTION` | three tasks in three Availability Zones, private subnets, encrypted and retained logs |
 */
export class Preset {
  /** The lowest cost. Its only task runs on Spot, so AWS can interrupt it with two minutes' notice. */
  public static readonly DEVELOPMENT = new Preset(1);

  /** A highly available service at low cost. Used when no preset is set. */
  public static readonly STANDARD = new Preset(2);

  /**
   * Requires TLS and recipients of the alarms, and keeps encrypted logs and VPC flow logs for a year.
   *
   * Most of its cost is the NAT gateways, $36.50 a month each (https://aws.amazon.com/vpc/pricing/, 2026-09);
   * `Egress.vpcEndpoints()` or a single gateway, `Egress.natGateway()`, costs less.
   */
  public static readonly PRODUCTION = new Preset(3);

  private constructor(private readonly column: 1 | 2 | 3) {}

  /** @internal */
  public get _defaults(): PresetDefaults {
    const defaults = Object.entries(PRESETS).map(([name, row]) => [name, row[this.column]]);
    return Object.fromEntries(defaults) as PresetDefaults;
  }
}

/** The defaults that are the same in every preset. */
export const DEFAULTS = {
  architecture: ecs.CpuArchitecture.ARM64,
  containerPort: 8080,
  cpu: 256,
  /** Fargate's smallest memory size for each CPU size, from 512 MiB with 256 CPU units upwards. */
  memoryMiBPerCpuUnit: 2,
  sidecarMemoryMiB: 128,
  spotOnDemandBase: 1,
  natGateways: 1,
  scaling: {
    targetUtilizationPercent: 70,
    scaleOutAbovePercent: 70,
    scaleInBelowPercent: 30,
    scaleInCooldown: Duration.minutes(5),
    scaleOutCooldown: Duration.minutes(1),
  },
  /** Of ECS Exec sessions. */
  sessionLogRetention: ONE_MONTH,
  httpApiLogRetention: ONE_MONTH,
  /** Incidents are often investigated months later, and storing flow logs costs less than ingesting them. */
  flowLogRetention: ONE_YEAR,
  healthCheck: {
    path: '/health',
    interval: Duration.seconds(30),
    timeout: Duration.seconds(5),
    healthyThresholdCount: 2,
    unhealthyThresholdCount: 2,
    healthyHttpCodes: '200',
    gracePeriod: Duration.seconds(60),
  },
  /** An interrupted Spot task has two minutes, and only the health check takes it out of rotation. */
  healthCheckIntervalOnSpot: Duration.seconds(10),
  /** The AWS default of 300 s would only prolong each deployment. */
  deregistrationDelay: Duration.seconds(30),
  /** The AWS default for load balancers. */
  idleTimeout: Duration.seconds(60),
  stickinessCookieDuration: Duration.days(1),
  accessLogsExpiration: Duration.days(90),
  sslPolicy: elbv2.SslPolicy.TLS13_12_RES_PQ,
  minHealthyPercent: 100,
  maxHealthyPercent: 200,
  bakeTime: Duration.minutes(5),
  canary: { percent: 10, bakeTime: Duration.minutes(10) },
  linear: { percent: 20, bakeTime: Duration.minutes(3) },
  rollback: { errorRatePercent: 5, minFailedRequests: 2, minutes: 3 },
  alarms: {
    cpuUtilizationPercent: 80,
    memoryUtilizationPercent: 80,
    errorRatePercent: 5,
    minFailedRequests: 5,
    healthyTasksPercent: 50,
  },
} as const;
