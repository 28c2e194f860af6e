import { createHash } from 'node:crypto';
import { Token, aws_ecs as ecs } from 'aws-cdk-lib';
import { DEFAULTS } from './preset';
import { Validation } from './validation';

/** Which Fargate capacity a service uses. */
export interface CapacityOptions {
  /**
   * The Fargate capacity that runs the tasks: On-Demand, or Spot above a base of On-Demand tasks.
   *
   * @default Capacity.onDemand(); with `Preset.DEVELOPMENT` Capacity.spot({ onDemandBase: 0 })
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html
   */
  readonly capacity?: Capacity;
}

/** Options for `Capacity.spot`. */
export interface SpotCapacityOptions {
  /**
   * Number of tasks that always use On-Demand capacity, 0 to 100000. All other tasks use Spot.
   *
   * With 0, AWS can interrupt all tasks at once with two minutes' notice: for development only.
   *
   * @default 1
   */
  readonly onDemandBase?: number;
}

/**
 * The Fargate capacity that runs the tasks.
 *
 * Changing it moves the tasks with a deployment. No resources are replaced.
 */
export class Capacity {
  /**
   * Runs all tasks on On-Demand capacity.
   *
   * On ARM64, a task with 256 CPU units and 512 MiB costs $7.21 a month (https://aws.amazon.com/fargate/pricing/,
   * 2026-09).
   */
  public static onDemand(): Capacity {
    return new Capacity([{ capacityProvider: 'FARGATE', weight: 1 }], 0);
  }

  /**
   * Runs a base of tasks on On-Demand capacity, and all others on Spot capacity at a discount of up to 70 %.
   *
   * AWS interrupts a Spot task with two minutes' notice, and starts none while there is no spare capacity. An
   * interrupted task may stay registered with the load balancer until it stops, so only failing health checks take it
   * out of rotation. The health check interval is therefore 10 s by default, and the shutdown times are derived from
   * it.
   *
   * @param options number of On-Demand tasks
   * @see https://aws.amazon.com/fargate/pricing/
   */
  public static spot(options: SpotCapacityOptions = {}): Capacity {
    const base = options.onDemandBase ?? DEFAULTS.spotOnDemandBase;
    const spot = { capacityProvider: 'FARGATE_SPOT', weight: 1 };
    return new Capacity(base === 0 ? [spot] : [{ capacityProvider: 'FARGATE', base, weight: 0 }, spot], base);
  }

  /** @internal */
  public readonly _strategy: ecs.CapacityProviderStrategy[];

  /** @internal */
  public readonly _onDemandBase: number;

  private constructor(strategy: ecs.CapacityProviderStrategy[], onDemandBase: number) {
    this._strategy = strategy;
    this._onDemandBase = onDemandBase;
  }

  /** @internal */
  public get _usesSpot(): boolean {
    return this._strategy.some(({ capacityProvider }) => capacityProvider === 'FARGATE_SPOT');
  }

  /**
   * ECS moves running tasks to another strategy only in a forced deployment. The nonce changes only with the strategy.
   *
   * @internal
   */
  public get _nonce(): string {
    return createHash('sha256').update(JSON.stringify(this._strategy)).digest('hex').slice(0, 16);
  }
}

/** @param maxTasks the largest number of tasks that the service can have */
export function validateCapacity(validation: Validation, capacity: Capacity, maxTasks: number): void {
  if (!capacity._usesSpot) { return; }
  const base = capacity._onDemandBase;
  validation.wholeNumber('capacity.onDemandBase', base, [0, 100_000], 'the number of On-Demand tasks');
  if (base > 0 && maxTasks > 0 && !Token.isUnresolved(maxTasks) && base >= maxTasks) {
    validation.refuse('capacity.onDemandBase', String(base),
      `the service has at most ${maxTasks} tasks, so none would use Spot`,
      'lower onDemandBase, increase the number of tasks, or leave capacity out');
  }
}
