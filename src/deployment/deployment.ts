import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { TrafficShifting } from '../ingress/ingress-type';
import { DEFAULTS } from '../preset';

/** How new versions are deployed. */
export interface ServiceDeploymentOptions {
  /**
   * How a new version replaces the old one, and what rolls a deployment back.
   *
   * @default Deployment.rolling()
   */
  readonly deployment?: Deployment;

  /**
   * Change this string to force a new deployment, which replaces all tasks even if nothing else has changed.
   *
   * Use it to load a new value of a secret, or an image that was pushed again with the same tag. It must not be empty.
   *
   * @default - tasks are replaced only if the task definition or the capacity changes
   * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-service-forcenewdeployment.html
   */
  readonly forceNewDeployment?: string;
}

/** Options of every deployment strategy. */
export interface DeploymentOptions {
  /**
   * Whether a deployment is rolled back if tasks respond with 5xx to more than 5 % of at least 20 requests a minute, or
   * remain unhealthy, for three minutes. 4xx responses never trigger a rollback.
   *
   * Creates two alarms, which cost $0.30 a month, or $0.60 with two target groups
   * (https://aws.amazon.com/cloudwatch/pricing/, 2026-09). There are none with `Ingress.httpApi`, which has no load
   * balancer metrics; `true` is an error there.
   *
   * @default true
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
   */
  readonly rollbackOnErrors?: boolean;

  /**
   * More alarms that roll a deployment back. The list must not be empty.
   *
   * They must be in the account and Region of the service. Do not use metrics of the service itself, which is a circular
   * dependency. If any alarm is in ALARM state when a deployment starts, ECS ignores all alarms during that deployment.
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
   * Whether to create the second target group, the listener rule and the IAM role that traffic shifting needs, while
   * deployments are still rolling.
   *
   * An existing service needs one deployment with it before it can use `blueGreen`, `canary` or `linear`, and must keep it
   * when it returns to `rolling`. Needs an ingress with a load balancer.
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
   * How long the old version keeps running after all traffic has shifted to the new one: a whole number of minutes from 0
   * to 1440. A rollback during this time is immediate. Both versions are billed.
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
   * How long the new version receives only that percentage before it receives all traffic: a whole number of minutes from
   * 0 to 1440. Together with `bakeTime` at most 33 hours, the limit of CloudFormation.
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

/** The steps before all traffic has shifted. */
export interface TrafficSteps {
  readonly percent: number;
  readonly minPercent: number;
  /** Number of steps, unless `percent` is a token. */
  readonly count: number;
  readonly bakeTime: Duration;
  /** The option that sets `bakeTime`. */
  readonly bakeTimeOption: 'canaryBakeTime' | 'stepBakeTime';
}

/** A deployment strategy with its defaults. */
export interface Strategy {
  /** The factory call that creates it, for error messages. */
  readonly name: string;
  readonly options: DeploymentOptions & RollingDeploymentOptions & TrafficShiftingOptions;
  /** Not set for rolling deployments. */
  readonly bakeTime?: Duration;
  readonly steps?: TrafficSteps;
  readonly serviceProps: Partial<ecs.FargateServiceProps>;
}

/**
 * How a new version replaces the old one. A deployment is rolled back automatically if its tasks do not become healthy,
 * or if they respond with errors (`rollbackOnErrors`).
 *
 * | | traffic | needs |
 * |---|---|---|
 * | `rolling` | both versions receive traffic while tasks are replaced in batches | |
 * | `blueGreen` | all traffic shifts at once, and back at once | a second target group, twice the tasks during a deployment |
 * | `canary` | a small percentage shifts first, then the rest | the same |
 * | `linear` | traffic shifts in equal steps | the same |
 *
 * `blueGreen`, `canary` and `linear` are built into Amazon ECS. They are experimental here: their templates are tested,
 * but they have not yet been deployed to AWS. They need an ingress with a load balancer. Migrate an existing service in
 * two deployments, of which the first one uses `rolling({ prepareTrafficShifting: true })`.
 */
export class Deployment {
  /**
   * Replaces tasks in batches: starts new tasks first, then stops as many old ones.
   *
   * @param options the size of the batches, and what rolls a deployment back
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
   */
  public static rolling(options: RollingDeploymentOptions = {}): Deployment {
    return new Deployment({ name: 'Deployment.rolling', options, serviceProps: {} });
  }

  /**
   * Starts the new version beside the old one, and shifts all traffic to it once it is healthy.
   *
   * @experimental
   * @param options how long the old version keeps running, and what rolls a deployment back
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-blue-green.html
   */
  public static blueGreen(options: BlueGreenDeploymentOptions = {}): Deployment {
    return Deployment.shifting('Deployment.blueGreen', options, {
      deploymentStrategy: ecs.DeploymentStrategy.BLUE_GREEN,
    });
  }

  /**
   * Shifts a small percentage of the traffic to the new version first, and the rest after a while.
   *
   * @experimental
   * @param options the percentage and the times, and what rolls a deployment back
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/canary-deployment.html
   */
  public static canary(options: CanaryDeploymentOptions = {}): Deployment {
    const stepPercent = options.percent ?? DEFAULTS.canary.percent;
    const stepBakeTime = options.canaryBakeTime ?? DEFAULTS.canary.bakeTime;
    return Deployment.shifting('Deployment.canary', options, {
      deploymentStrategy: ecs.DeploymentStrategy.CANARY,
      canaryConfiguration: { stepPercent, stepBakeTime },
    }, {
      percent: stepPercent,
      minPercent: 0.1,
      count: 1,
      bakeTime: stepBakeTime,
      bakeTimeOption: 'canaryBakeTime',
    });
  }

  /**
   * Shifts traffic to the new version in equal steps.
   *
   * @experimental
   * @param options the percentage and the time of each step, and what rolls a deployment back
   * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinearConfiguration.html
   */
  public static linear(options: LinearDeploymentOptions = {}): Deployment {
    const stepPercent = options.percent ?? DEFAULTS.linear.percent;
    const stepBakeTime = options.stepBakeTime ?? DEFAULTS.linear.bakeTime;
    return Deployment.shifting('Deployment.linear', options, {
      deploymentStrategy: ecs.DeploymentStrategy.LINEAR,
      linearConfiguration: { stepPercent, stepBakeTime },
    }, {
      percent: stepPercent,
      minPercent: 3,
      count: Math.ceil(100 / stepPercent) - 1,
      bakeTime: stepBakeTime,
      bakeTimeOption: 'stepBakeTime',
    });
  }

  private static shifting(
    name: string,
    options: TrafficShiftingOptions,
    serviceProps: Partial<ecs.FargateServiceProps>,
    steps?: TrafficSteps,
  ): Deployment {
    const bakeTime = options.bakeTime ?? DEFAULTS.bakeTime;
    return new Deployment({
      name,
      options,
      bakeTime,
      steps,
      serviceProps: { ...serviceProps, bakeTime, lifecycleHooks: options.lifecycleHooks },
    });
  }

  private constructor(
    /** @internal */
    public readonly _strategy: Strategy,
  ) {}

  /** @internal */
  public get _serviceProps(): Partial<ecs.FargateServiceProps> {
    const { minHealthyPercent, maxHealthyPercent } = this._strategy.options;
    return {
      minHealthyPercent: minHealthyPercent ?? DEFAULTS.minHealthyPercent,
      maxHealthyPercent: maxHealthyPercent ?? DEFAULTS.maxHealthyPercent,
      ...this._strategy.serviceProps,
    };
  }

  /**
   * What the ingress must support, if traffic shifts between two target groups, now or in a later deployment.
   *
   * @internal
   */
  public get _trafficShifting(): TrafficShifting | undefined {
    const { bakeTime, options } = this._strategy;
    const shiftsTraffic = bakeTime !== undefined;
    if (!shiftsTraffic && !options.prepareTrafficShifting) { return undefined; }
    return { testTrafficHeader: options.testTrafficHeader };
  }
}
