import { Duration, Token } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import { HealthCheckOptions } from '../ingress/health-check';
import { IngressType } from '../ingress/ingress-type';
import { TargetMetrics } from '../observability/service-metrics';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** What every way of deploying can be told. */
export interface DeploymentOptions {
  /**
   * Whether a deployment is undone when the tasks answer 5xx to more than 5 % of at least 20 requests a minute, or stay unhealthy, each for
   * three minutes. Codes below 500 never undo one: clients cause them. Two alarms are made for it, of $0.10 a month for each metric that they
   * read: $0.30, or $0.60 where traffic shifts. With `Ingress.httpApi` there are none, as no load balancer counts.
   *
   * @default true
   */
  readonly rollbackOnErrors?: boolean;

  /**
   * Alarms of your own that undo a deployment. Not on metrics of the service itself, which would be a cycle, and not one that is
   * in alarm when the service is created.
   *
   * @default - only those of `rollbackOnErrors`
   */
  readonly rollbackAlarms?: cloudwatch.IAlarm[];
}

/** `Deployment.rolling`. */
export interface RollingDeploymentOptions extends DeploymentOptions {
  /**
   * How many tasks must stay healthy meanwhile, in percent of those wanted: 0 to 100. Below 100, capacity is missing while it lasts.
   *
   * @default 100
   */
  readonly minHealthyPercent?: number;

  /**
   * How many tasks there may be meanwhile, in percent of those wanted: 101 to 200. ECS also keeps the zones even by starting a task before it
   * stops another, for which 100 leaves no room.
   *
   * @default 200
   */
  readonly maxHealthyPercent?: number;

  /**
   * Makes the second target group, the rule and the role that shifting traffic needs, and goes on replacing tasks one by one.
   * A service that runs takes this step, deployed on its own, before `blueGreen`, `canary` or `linear`; and keeps it when it goes back
   * (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/update-rolling-to-bluegreen.html).
   *
   * @default false
   */
  readonly prepareTrafficShifting?: boolean;
}

/** Which requests reach the new version before the others do. */
export interface TestTrafficHeader {
  /** The name of an HTTP header, like `X-Version`. */
  readonly name: string;

  /** The value that it must have. Who knows it reaches the new version. */
  readonly value: string;
}

/** What `blueGreen`, `canary` and `linear` can be told. */
export interface TrafficShiftingOptions extends DeploymentOptions {
  /**
   * So long, the old version stays beside the new one after that has got all traffic: 0 to 1440 minutes. Going back is at once meanwhile.
   * Both run and are paid.
   *
   * @default Duration.minutes(5)
   */
  readonly bakeTime?: Duration;

  /**
   * Requests with this header are sent to the new version as soon as it is healthy, for tests by a lifecycle hook or by hand. Not with
   * `Ingress.sharedListener`.
   *
   * @default - nobody reaches the new version before traffic is shifted
   */
  readonly testTrafficHeader?: TestTrafficHeader;

  /**
   * Lambda functions that are asked at stages of a deployment whether it may go on: `new ecs.DeploymentLifecycleLambdaTarget(…)`.
   *
   * @default - nobody is asked
   */
  readonly lifecycleHooks?: ecs.IDeploymentLifecycleHookTarget[];
}

/** `Deployment.blueGreen`. */
export interface BlueGreenDeploymentOptions extends TrafficShiftingOptions {}

/** `Deployment.canary`. */
export interface CanaryDeploymentOptions extends TrafficShiftingOptions {
  /**
   * How much of the traffic the new version gets at first, in percent: 0.1 to 100, in steps of 0.1.
   *
   * @default 10
   */
  readonly percent?: number;

  /**
   * So long, it gets no more than that: 0 to 1440 minutes.
   *
   * @default Duration.minutes(10)
   */
  readonly canaryBakeTime?: Duration;
}

/** `Deployment.linear`. */
export interface LinearDeploymentOptions extends TrafficShiftingOptions {
  /**
   * How much more of the traffic the new version gets with each step, in percent: 3 to 100, in steps of 0.1.
   *
   * @default 20
   */
  readonly percent?: number;

  /**
   * Time from one step to the next: 0 to 1440 minutes.
   *
   * @default Duration.minutes(3)
   */
  readonly stepBakeTime?: Duration;
}

/** A time of a deployment, by the name of its option. */
type BakeTimes = { readonly [option: string]: Duration };

/** What a strategy comes to. */
interface Strategy {
  /** As the user writes it, for errors. */
  readonly name: string;
  readonly options: DeploymentOptions & RollingDeploymentOptions & TrafficShiftingOptions;
  readonly shiftsTraffic: boolean;
  readonly percent?: number;
  readonly times: BakeTimes;
  readonly serviceProps: Partial<ecs.FargateServiceProps>;
}

/**
 * How a new version replaces the old one. Each is undone when its tasks do not become healthy, or do harm (`rollbackOnErrors`).
 *
 * | | new and old | needs |
 * |---|---|---|
 * | `rolling` | replaced a few at a time, both answer meanwhile | |
 * | `blueGreen` | all traffic goes over at once, and back at once | a second target group; twice the tasks while it lasts |
 * | `canary` | some percent first, then the rest | the same |
 * | `linear` | percent by percent | the same |
 *
 * The last three are ECS's own, and experimental here: synthesised and linted, not yet seen in an account. They need an ingress with a load
 * balancer. A service that runs goes to them in two deployments: `rolling({ prepareTrafficShifting: true })` first.
 */
export class Deployment {
  /**
   * Tasks are replaced a few at a time: new ones first, then as many old ones leave.
   *
   * @param options how many at a time
   */
  public static rolling(options: RollingDeploymentOptions = {}): Deployment {
    return new Deployment({
      name: 'Deployment.rolling',
      options,
      shiftsTraffic: false,
      times: {},
      serviceProps: {},
    });
  }

  /**
   * The new version starts beside the old one, and gets all traffic at once when it is healthy.
   *
   * @param options how long the old one stays
   */
  public static blueGreen(options: BlueGreenDeploymentOptions = {}): Deployment {
    return Deployment.shifting('Deployment.blueGreen', options, undefined, {}, { deploymentStrategy: ecs.DeploymentStrategy.BLUE_GREEN });
  }

  /**
   * The new version gets a few percent of the traffic, and after a while the rest.
   *
   * @param options how much at first, and how long
   */
  public static canary(options: CanaryDeploymentOptions = {}): Deployment {
    const stepPercent = options.percent ?? 10;
    const stepBakeTime = options.canaryBakeTime ?? Duration.minutes(10);
    return Deployment.shifting('Deployment.canary', options, stepPercent, { canaryBakeTime: stepBakeTime }, {
      deploymentStrategy: ecs.DeploymentStrategy.CANARY,
      canaryConfiguration: { stepPercent, stepBakeTime },
    });
  }

  /**
   * The new version gets the same part of the traffic more with each step.
   *
   * @param options how much at a time, and how often
   */
  public static linear(options: LinearDeploymentOptions = {}): Deployment {
    const stepPercent = options.percent ?? 20;
    const stepBakeTime = options.stepBakeTime ?? Duration.minutes(3);
    return Deployment.shifting('Deployment.linear', options, stepPercent, { stepBakeTime }, {
      deploymentStrategy: ecs.DeploymentStrategy.LINEAR,
      linearConfiguration: { stepPercent, stepBakeTime },
    });
  }

  private static shifting(
    name: string, options: TrafficShiftingOptions, percent: number | undefined, times: BakeTimes, serviceProps: Partial<ecs.FargateServiceProps>,
  ): Deployment {
    const bakeTime = options.bakeTime ?? Duration.minutes(5);
    return new Deployment({
      name,
      options,
      shiftsTraffic: true,
      percent,
      times: { ...times, bakeTime },
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
   * Whether there are two target groups, and the rule that ECS shifts traffic with.
   *
   * @internal
   */
  public get _hasAlternateTargetGroup(): boolean {
    return this._strategy.shiftsTraffic || this._strategy.options.prepareTrafficShifting === true;
  }
}

/** CloudFormation refuses a deployment whose times add up to more, as it would give up before the end. */
const MAX_DEPLOYMENT_TIME = Duration.hours(33);

export function validateDeployment(validation: Validation, deployment: Deployment, ingress: IngressType): void {
  const { name, options, percent, times, shiftsTraffic } = deployment._strategy;
  if (deployment._hasAlternateTargetGroup && !ingress.checksHealth) {
    validation.refuse('deployment', shiftsTraffic ? `${name}()` : `${name}({ prepareTrafficShifting: true })`, `${ingress.name} has no load balancer that shifts traffic`,
      'leave it out, or take an ingress with a load balancer');
  }
  if (!ingress.checksHealth && options.rollbackOnErrors) {
    validation.refuse('deployment.rollbackOnErrors', 'true', `${ingress.name} has no load balancer that counts errors`, 'leave it out; rollbackAlarms takes alarms of yours');
  }
  if (options.rollbackAlarms?.length === 0) {
    validation.refuse('deployment.rollbackAlarms', '[]', 'an empty value would be ignored', 'leave it out');
  }
  validateRolling(validation, options);

  if (percent !== undefined && !Token.isUnresolved(percent)) {
    const least = name === 'Deployment.linear' ? 3 : 0.1;
    // Ten times the number is compared, as 0.1 is no whole number of anything in binary.
    if (!(percent >= least && percent <= 100) || Math.abs(percent * 10 - Math.round(percent * 10)) > 1e-9) {
      validation.refuse('deployment.percent', show(percent), `${name} takes ${least} to 100 percent, in steps of 0.1`, 'set it within that range');
    }
  }
  for (const [option, time] of Object.entries(times)) {
    const minutes = time.isUnresolved() ? 0 : time.toMilliseconds() / 60_000;
    if (!Number.isInteger(minutes) || minutes < 0 || minutes > 1440) {
      validation.refuse(`deployment.${option}`, show(time), 'it is a whole number of minutes from 0 to 1440', `set ${option} within that range`);
    }
  }
  const known = Object.values(times).every((time) => !time.isUnresolved()) && !Token.isUnresolved(percent ?? 0);
  const steps = name === 'Deployment.linear' ? Math.ceil(100 / percent!) - 1 : 1;
  const { bakeTime, ...perStep } = times;
  if (known && bakeTime) {
    const total = bakeTime.toMilliseconds() + steps * Object.values(perStep).reduce((sum, time) => sum + time.toMilliseconds(), 0);
    if (total > MAX_DEPLOYMENT_TIME.toMilliseconds()) {
      validation.refuse('deployment', `${Math.round(total / 360_000) / 10} hours long`, `CloudFormation gives a deployment ${MAX_DEPLOYMENT_TIME.toHours()} hours`,
        `shorten ${Object.keys(times).join(' or ')}`);
    }
  }
  validateTestTraffic(validation, options.testTrafficHeader, ingress);
}

function validateRolling(validation: Validation, { minHealthyPercent, maxHealthyPercent }: RollingDeploymentOptions): void {
  validation.wholeNumber('deployment.minHealthyPercent', minHealthyPercent, 0, 100, 'a percentage of healthy tasks');
  validation.wholeNumber('deployment.maxHealthyPercent', maxHealthyPercent, 101, 200, 'a percentage of tasks');
}

function validateTestTraffic(validation: Validation, header: TestTrafficHeader | undefined, ingress: IngressType): void {
  if (!header) { return; }
  if (!ingress.hasOwnListener) {
    validation.refuse('deployment.testTrafficHeader', show(header.name), `${ingress.name} has no listener of its own for a second rule`, 'leave it out');
  }
  if (!Token.isUnresolved(header.name) && !/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}$/.test(header.name)) {
    validation.refuse('deployment.testTrafficHeader.name', show(header.name), 'the name of a header has at most 40 letters, digits and hyphens', 'write it like X-Version');
  }
  if (!Token.isUnresolved(header.value) && !/^[\x20-\x7e]{1,128}$/.test(header.value)) {
    validation.refuse('deployment.testTrafficHeader.value', show(header.value), 'the value of a header has 1 to 128 visible ASCII characters', 'write it like new');
  }
}

/** What undoes a deployment besides tasks that do not become healthy. */
export function rollbackAlarms(
  scope: Construct, deployment: Deployment, metrics: TargetMetrics | undefined, healthCheck: Required<HealthCheckOptions>,
): string[] {
  const { rollbackOnErrors = true, rollbackAlarms: given = [] } = deployment._strategy.options;
  const theirs = given.map(({ alarmName }) => alarmName);
  if (!rollbackOnErrors || !metrics) { return theirs; }

  // Only what the load balancer says: an alarm on the service's own metrics would be a cycle, and one on "no healthy task" would undo
  // the first deployment. Without traffic there is nothing to say, and that is not an error.
  const minutes = 3;
  const errors = new cloudwatch.Alarm(scope, 'RollbackOnErrors', {
    alarmDescription: `Undoes a deployment of ${scope.node.path}: its tasks answer 5xx to more than 5 % of at least 20 requests a minute`,
    metric: metrics.errorRate({ period: Duration.minutes(1) }, 20),
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    threshold: 5,
    evaluationPeriods: minutes,
    treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
  });
  const { gracePeriod } = healthCheck;
  const unhealthy = new cloudwatch.Alarm(scope, 'RollbackOnUnhealthyTasks', {
    alarmDescription: `Undoes a deployment of ${scope.node.path}: tasks stay unhealthy`,
    metric: metrics.unhealthyTasks({ period: Duration.minutes(1) }),
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    threshold: 1,
    // A task that is slow to start may fail probes as long as its grace period.
    evaluationPeriods: minutes + (gracePeriod.isUnresolved() ? 0 : Math.ceil(gracePeriod.toMilliseconds() / 60_000)),
    treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
  });
  return [errors.alarmName, unhealthy.alarmName, ...theirs];
}
