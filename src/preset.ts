import { Duration } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as logs from 'aws-cdk-lib/aws-logs';

/** Each default of the construct, said once. */
export const DEFAULTS = {
  /** How many zones the VPC has that is made here. */
  maxAzs: 2,
  architecture: ecs.CpuArchitecture.ARM64,
  containerPort: 8080,
  cpu: 256,
  /** Fargate's smallest memory for each CPU size, from 512 MiB with 256 CPU units upwards. */
  memoryMiBPerCpuUnit: 2,
  desiredCount: 2,
  logRetention: logs.RetentionDays.ONE_MONTH,
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
