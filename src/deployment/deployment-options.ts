import { Duration, aws_cloudwatch as cloudwatch, aws_ecs as ecs } from 'aws-cdk-lib';

/** Options of every deployment strategy. */
export interface DeploymentOptions {
  /**
   * Whether a deployment is rolled back if more than 5 % of the requests, and at least two a minute, fail for three
   * minutes, or if tasks remain unhealthy that long.
   *
   * Counts 5xx responses of the tasks and, if the service has its own load balancer, 502 and 504 responses of the load
   * balancer. 4xx responses never trigger a rollback. With two target groups, the rate is that of the worse version: a
   * new version that always fails is rolled back if it gets two requests a minute. A canary of 5 % gets them from 40 in
   * total. The alarm takes up to five minutes, so with a shorter `canaryBakeTime` or `stepBakeTime` a bad version can
   * get more traffic before it is rolled back.
   *
   * Creates two alarms, which cost $0.50 a month, or $1.00 with two target groups; with a shared listener, $0.30 or
   * $0.60 (https://aws.amazon.com/cloudwatch/pricing/, 2026-09). There are none with `Ingress.httpApi`, which has no
   * load balancer metrics; `true` is an error there.
   *
   * @default true
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
   */
  readonly rollbackOnErrors?: boolean;

  /**
   * More alarms that roll a deployment back. The list must not be empty.
   *
   * They must be in the account and Region of the service. Do not use metrics of the service itself, which is a
   * circular dependency. If any alarm is in ALARM state when a deployment starts, ECS ignores all alarms during that
   * deployment.
   *
   * @default - only those of `rollbackOnErrors`
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
   */
  readonly rollbackAlarms?: cloudwatch.IAlarm[];
}

/** Options of `Deployment.rolling`. */
export interface RollingDeploymentOptions extends DeploymentOptions {
  /**
   * Minimum number of healthy tasks during a deployment, as a percentage of the desired count: 0 to 100. With less than
   * 100, capacity is reduced during the deployment.
   *
   * @default 100
   */
  readonly minHealthyPercent?: number;

  /**
   * Maximum number of tasks during a deployment, as a percentage of the desired count: 101 to 200.
   *
   * 100 is an error: Availability Zone rebalancing starts a task before it stops another one.
   *
   * @default 200
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html
   */
  readonly maxHealthyPercent?: number;

  /**
   * Number of tasks in a row that fail to start or to become healthy, at which the deployment circuit breaker rolls the
   * deployment back: 1 to 5000, the quota of tasks in a service. With a lower number, a broken version is rolled back
   * sooner, but so is a good one whose first tasks fail for another reason, like an unavailable dependency.
   *
   * @default - half of the desired count, but at least 3 and at most 200
   * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ThresholdConfiguration.html
   */
  readonly failureThreshold?: number;

  /**
   * Whether to create the second target group, the listener rule and the IAM role that traffic shifting needs, while
   * deployments are still rolling.
   *
   * An existing service needs one deployment with it before it can use `blueGreen`, `canary` or `linear`, and must keep
   * it when it returns to `rolling`. Needs an ingress with a load balancer.
   *
   * @default false
   * @experimental
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/update-rolling-to-bluegreen.html
   */
  readonly prepareTrafficShifting?: boolean;
}

/**
 * An HTTP header that routes a request to the new version.
 *
 * @experimental
 */
export interface TestTrafficHeader {
  /**
   * Name of the header, like `X-Version`: 1 to 40 letters, digits, hyphens and other token characters.
   *
   * @experimental
   */
  readonly name: string;

  /**
   * Value that the header must have: 1 to 128 visible ASCII characters or spaces. Anyone who knows it can reach the new
   * version.
   *
   * @experimental
   */
  readonly value: string;
}

/**
 * Options of the strategies that shift traffic: `blueGreen`, `canary` and `linear`.
 *
 * @experimental
 */
export interface TrafficShiftingOptions extends DeploymentOptions {
  /**
   * How long the old version keeps running after all traffic has shifted to the new one: a whole number of minutes from
   * 0 to 1440. A rollback during this time is immediate. Both versions are billed.
   *
   * @default Duration.minutes(5)
   * @experimental
   */
  readonly bakeTime?: Duration;

  /**
   * Header that routes requests to the new version as soon as it is healthy, for tests by a lifecycle hook or by hand.
   * Not supported with `Ingress.sharedListener`.
   *
   * @default - no request reaches the new version before traffic shifts
   * @experimental
   */
  readonly testTrafficHeader?: TestTrafficHeader;

  /**
   * Lambda functions that approve or reject a deployment at its lifecycle stages:
   * `new ecs.DeploymentLifecycleLambdaTarget(…)`.
   *
   * @default - no lifecycle hooks
   * @experimental
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html
   */
  readonly lifecycleHooks?: ecs.IDeploymentLifecycleHookTarget[];
}

/**
 * Options of `Deployment.blueGreen`.
 *
 * @experimental
 */
export interface BlueGreenDeploymentOptions extends TrafficShiftingOptions {}

/**
 * Options of `Deployment.canary`.
 *
 * @experimental
 */
export interface CanaryDeploymentOptions extends TrafficShiftingOptions {
  /**
   * Percentage of the traffic that the new version receives first: 0.1 to 100, in steps of 0.1.
   *
   * @default 10
   * @experimental
   */
  readonly percent?: number;

  /**
   * How long the new version receives only that percentage before it receives all traffic: a whole number of minutes
   * from 0 to 1440. Together with `bakeTime` at most 33 hours, the limit of CloudFormation.
   *
   * @default Duration.minutes(10)
   * @experimental
   * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CanaryConfiguration.html
   */
  readonly canaryBakeTime?: Duration;
}

/**
 * Options of `Deployment.linear`.
 *
 * @experimental
 */
export interface LinearDeploymentOptions extends TrafficShiftingOptions {
  /**
   * Percentage of the traffic that shifts to the new version in each step: 3 to 100, in steps of 0.1.
   *
   * @default 20
   * @experimental
   */
  readonly percent?: number;

  /**
   * Time between two steps: a whole number of minutes from 0 to 1440. All steps and `bakeTime` together take at most 33
   * hours, the limit of CloudFormation.
   *
   * @default Duration.minutes(3)
   * @experimental
   * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinearConfiguration.html
   */
  readonly stepBakeTime?: Duration;
}
