import { Duration, TimeZone, aws_applicationautoscaling as appscaling } from 'aws-cdk-lib';
import { DEFAULTS } from './preset';


/** How many tasks a service runs. */
export interface TaskCountOptions {
  /**
   * Number of tasks, 0 to 5000, spread over the Availability Zones. It cannot be combined with `scaling`.
   *
   * @default - 2; 1 with `Preset.DEVELOPMENT`, 3 with `Preset.PRODUCTION`
   */
  readonly desiredCount?: number;

  /**
   * Scales the number of tasks with their load, or at scheduled times.
   *
   * @default - the number of tasks is fixed at `desiredCount`
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-auto-scaling.html
   */
  readonly scaling?: ScalingOptions;
}

/** Automatic scaling of the number of tasks. With several metrics, the one that needs the most tasks applies. */
export interface ScalingOptions {
  /**
   * Minimum number of tasks, 1 to `maxCapacity`. Only a schedule can go down to 0, because only a schedule can scale up
   * again.
   */
  readonly minCapacity: number;

  /** Maximum number of tasks, up to 5000. It limits the bill: a default task that runs all month costs $7.21. */
  readonly maxCapacity: number;

  /**
   * Scaling on the average CPU utilization of the tasks, by target tracking or by step scaling.
   *
   * `CpuScaling.none()` leaves it out, for a service that scales only on memory, requests, schedules, or a metric of
   * your own, like the length of a queue.
   *
   * @default CpuScaling.targetTracking({ targetUtilizationPercent: 70 })
   */
  readonly cpu?: CpuScaling;

  /**
   * Target for the average memory utilization of the tasks in percent, 1 to 100.
   *
   * Do not use it with a runtime that never returns memory to the operating system: the service would never scale in.
   *
   * @default - no scaling on memory
   */
  readonly memoryUtilizationPercent?: number;

  /**
   * Target for the number of requests per minute and task. `Ingress.httpApi` does not support it.
   *
   * @default - no scaling on requests
   */
  readonly requestsPerTarget?: number;

  /**
   * Time between two scale-in activities, 0 to 86400 s. Step scaling has one cooldown for both directions,
   * `scaleOutCooldown`; with step scaling alone, setting this one is an error.
   *
   * @default Duration.minutes(5)
   */
  readonly scaleInCooldown?: Duration;

  /**
   * Time between two scale-out activities, 0 to 86400 s.
   *
   * @default Duration.minutes(1)
   */
  readonly scaleOutCooldown?: Duration;

  /**
   * Changes of the minimum and maximum number of tasks at scheduled times.
   *
   * @default - no schedules
   */
  readonly schedules?: ScalingSchedule[];
}

/** A minimum and maximum number of tasks that apply from a scheduled time on. */
export interface ScalingSchedule {
  /** When the change happens: `Schedule.cron({ hour: '20', minute: '0' })`. */
  readonly schedule: appscaling.Schedule;

  /**
   * The time zone of the schedule, including its daylight saving time.
   *
   * @default TimeZone.ETC_UTC
   */
  readonly timeZone?: TimeZone;

  /**
   * The new minimum number of tasks, 0 to 5000.
   *
   * @default - unchanged
   */
  readonly minCapacity?: number;

  /**
   * The new maximum number of tasks, 0 to 5000. With 0, no task runs and none is billed.
   *
   * @default - unchanged
   */
  readonly maxCapacity?: number;
}

/** Options for `CpuScaling.targetTracking`. */
export interface TargetTrackingScalingOptions {
  /**
   * Target for the average CPU utilization in percent of the CPU of the tasks, 1 to 100.
   *
   * @default 70
   */
  readonly targetUtilizationPercent?: number;
}

/** Options for `CpuScaling.stepScaling`. */
export interface StepScalingOptions {
  /**
   * CPU utilization in percent above which tasks are added, 1 to 100.
   *
   * @default 70
   */
  readonly scaleOutAbovePercent?: number;

  /**
   * CPU utilization in percent below which tasks are removed, 1 to 100 and lower than `scaleOutAbovePercent`.
   *
   * @default 30
   */
  readonly scaleInBelowPercent?: number;
}

/** How the number of tasks follows their CPU utilization. */
export class CpuScaling {
  /**
   * Adds and removes tasks to keep the average CPU utilization at a target.
   *
   * @param options the target
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-autoscaling-targettracking.html
   */
  public static targetTracking(options: TargetTrackingScalingOptions = {}): CpuScaling {
    const { targetUtilizationPercent = DEFAULTS.scaling.targetUtilizationPercent } = options;
    return new CpuScaling({ targetUtilizationPercent });
  }

  /**
   * Adds one task above a threshold and two at 15 percentage points above it, and removes one below another threshold.
   *
   * @param options the thresholds
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-autoscaling-stepscaling.html
   */
  public static stepScaling(options: StepScalingOptions = {}): CpuScaling {
    const {
      scaleOutAbovePercent = DEFAULTS.scaling.scaleOutAbovePercent,
      scaleInBelowPercent = DEFAULTS.scaling.scaleInBelowPercent,
    } = options;
    return new CpuScaling({ scaleOutAbovePercent, scaleInBelowPercent });
  }

  /**
   * Does not scale on CPU. Use another option of `scaling`, or add a policy to `scalableTaskCount`. Without any policy
   * or schedule, synthesis fails.
   */
  public static none(): CpuScaling {
    return new CpuScaling(undefined);
  }

  /** @internal */
  public readonly _policy: undefined | Required<TargetTrackingScalingOptions> | Required<StepScalingOptions>;

  private constructor(policy: CpuScaling['_policy']) {
    this._policy = policy;
  }
}
