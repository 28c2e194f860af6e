import { Duration } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as logs from 'aws-cdk-lib/aws-logs';

/** What a preset decides. */
export interface PresetDefaults {
  readonly desiredCount: number;
  /** All tasks may be taken away at once. */
  readonly onSpotOnly: boolean;
  /** A public load balancer without TLS is refused. */
  readonly requireTls: boolean;
  /** How many zones the VPC has that is made here, where CDK knows as many. */
  readonly maxAzs: number;
  /** Tasks stand in private subnets, with a NAT gateway in each zone. */
  readonly privateTasks: boolean;
  readonly readonlyRootFilesystem: boolean;
  readonly deletionProtection: boolean;
  readonly accessLogs: boolean;
  readonly flowLogs: boolean;
  /** Days. */
  readonly logRetention: logs.RetentionDays;
  readonly encryptLogs: boolean;
  readonly retainLogs: boolean;
  readonly alarms: boolean;
  readonly dashboard: boolean;
  readonly containerInsights: boolean;
}

type Row<T> = readonly [what: string, development: T, standard: T, production: T];

/** Each default that is not the same in every preset, said once. README has this table too. */
export const PRESETS: { readonly [K in keyof PresetDefaults]: Row<PresetDefaults[K]> } = {
  desiredCount: ['tasks', 1, 2, 3],
  onSpotOnly: ['all of them on Spot', true, false, false],
  requireTls: ['a public load balancer without TLS is refused', false, false, true],
  maxAzs: ['zones (where CDK knows them)', 2, 2, 3],
  privateTasks: ['tasks in private subnets, a NAT gateway in each zone', false, false, true],
  readonlyRootFilesystem: ['read-only root, of your own images too', false, false, true],
  deletionProtection: ['the load balancer refuses to be deleted', false, false, true],
  accessLogs: ['access logs of the load balancer', false, false, true],
  flowLogs: ['flow logs of the VPC', false, false, true],
  logRetention: ['days that logs are kept', logs.RetentionDays.ONE_WEEK, logs.RetentionDays.ONE_MONTH, logs.RetentionDays.ONE_YEAR],
  encryptLogs: ['logs encrypted with a key of their own', false, false, true],
  retainLogs: ['logs outlive the stack', false, false, true],
  alarms: ['alarms', false, true, true],
  dashboard: ['dashboard', false, false, true],
  containerInsights: ['Container Insights', false, false, true],
};

/**
 * A set of defaults. What you say yourself always wins.
 *
 * | | for |
 * |---|---|
 * | `DEVELOPMENT` | the cheapest that works: one task, on Spot, no alarms; from $30 a month, from $7 with `Ingress.httpApi` |
 * | `STANDARD` | two tasks over two zones, with alarms: about $46 a month |
 * | `PRODUCTION` | three tasks over three zones, private, encrypted, logged and kept |
 */
export class Preset {
  /** The cheapest that works. AWS may take its one task away with two minutes' notice. */
  public static readonly DEVELOPMENT = new Preset(1);

  /** Safe and cheap: what you get without a preset. */
  public static readonly STANDARD = new Preset(2);

  /**
   * Demands TLS, and keeps what one is asked for later: logs for a year, encrypted, and flow logs for as long. The
   * NAT gateways cost most of it, $36.50 a month each: `Egress.vpcEndpoints()` or `Egress.natGateway()` cost less.
   */
  public static readonly PRODUCTION = new Preset(3);

  private constructor(private readonly column: 1 | 2 | 3) {}

  /** @internal */
  public get _defaults(): PresetDefaults {
    return Object.fromEntries(Object.entries(PRESETS).map(([name, row]) => [name, row[this.column]])) as unknown as PresetDefaults;
  }
}

/** Each default that is the same in every preset, said once. */
export const DEFAULTS = {
  architecture: ecs.CpuArchitecture.ARM64,
  containerPort: 8080,
  cpu: 256,
  /** Fargate's smallest memory for each CPU size, from 512 MiB with 256 CPU units upwards. */
  memoryMiBPerCpuUnit: 2,
  /** Of the sessions of ECS Exec. */
  sessionLogRetention: logs.RetentionDays.ONE_MONTH,
  /** Asked for when something has gone on for long. Storing a year of them costs less than taking them in. */
  flowLogRetention: logs.RetentionDays.ONE_YEAR,
  healthCheck: {
    path: '/health',
    interval: Duration.seconds(30),
    timeout: Duration.seconds(5),
    healthyThresholdCount: 2,
    unhealthyThresholdCount: 2,
    healthyHttpCodes: '200',
    gracePeriod: Duration.seconds(60),
  },
  /** Only the health check takes a Spot task out of rotation, within the two minutes that it has. */
  healthCheckIntervalOnSpot: Duration.seconds(10),
  /** AWS waits 300 s; a task that has been deregistered has nothing to do for that long. */
  deregistrationDelay: Duration.seconds(30),
  /** The load balancer's idle time-out, AWS's own default. */
  idleTimeout: Duration.seconds(60),
  minHealthyPercent: 100,
  maxHealthyPercent: 200,
} as const;
