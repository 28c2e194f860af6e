import { Duration, aws_ecs as ecs } from 'aws-cdk-lib';
import {
  BlueGreenDeploymentOptions, CanaryDeploymentOptions, DeploymentOptions, LinearDeploymentOptions,
  RollingDeploymentOptions, TrafficShiftingOptions,
} from './deployment-options';
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
   * Use it to load a new value of a secret, or an image that was pushed again with the same tag. 1 to 238 characters.
   *
   * @default - tasks are replaced only if the task definition or the capacity changes
   * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-service-forcenewdeployment.html
   */
  readonly forceNewDeployment?: string;
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
 * How a new version replaces the old one. A deployment is rolled back automatically if requests fail or tasks remain
 * unhealthy (`rollbackOnErrors`). A rolling deployment is also rolled back if its tasks do not start or do not become
 * healthy, by the deployment circuit breaker of Amazon ECS.
 *
 * | | traffic | needs |
 * |---|---|---|
 * | `rolling` | both versions receive traffic while tasks are replaced in batches | |
 * | `blueGreen` | all traffic shifts at once, and back at once | a second target group; twice the tasks meanwhile |
 * | `canary` | a small percentage shifts first, then the rest | the same |
 * | `linear` | traffic shifts in equal steps | the same |
 *
 * `blueGreen`, `canary` and `linear` are built into Amazon ECS. They are experimental here: their templates are tested,
 * but they have not yet been deployed to AWS. They need an ingress with a load balancer. Migrate an existing service in
 * two deployments, of which the first one uses `rolling({ prepareTrafficShifting: true })`.
 *
 * While traffic shifts, do not rely on the circuit breaker: it is on, as in the templates of the ECS developer guide,
 * but the ECS API reference restricts it to rolling deployments. A new version whose tasks never become healthy
 * receives no traffic, but its deployment can last until CloudFormation gives up after 36 hours. End it earlier with
 * `aws ecs stop-service-deployment --stop-type ROLLBACK`.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentCircuitBreaker.html
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/migrate-codedeploy-to-ecs-bluegreen.html
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
      count: typeof stepPercent === 'number' ? Math.ceil(100 / stepPercent) - 1 : NaN,
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
