import { createHash } from 'crypto';
import { Token } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Validation } from './validation';

/** How many of the tasks stay off Spot. */
export interface SpotCapacityOptions {
  /**
   * How many tasks run on demand, whatever happens to Spot: 0 to 100000. All others run on Spot.
   *
   * With 0, all tasks may be taken away at once with two minutes' notice: for development.
   *
   * @default 1
   */
  readonly onDemandBase?: number;
}

/**
 * Which Fargate capacity runs the tasks.
 *
 * A later change of it moves the tasks by a deployment, and replaces nothing.
 */
export class Capacity {
  /** All tasks run on demand. On ARM64, 256 CPU units and 512 MiB are $7.21 a month for each task (us-east-1, 2026-09). */
  public static onDemand(): Capacity {
    return new Capacity([{ capacityProvider: 'FARGATE', weight: 1 }], 0);
  }

  /**
   * A base of tasks runs on demand, all others on spare capacity, for up to 70 % less (https://aws.amazon.com/fargate/pricing/;
   * the discount moves). AWS takes a Spot task back with two minutes' notice, and has none when there is none to spare.
   *
   * A task that is taken back may stay registered with the load balancer until it has stopped, so that only its failing health
   * check takes it out of rotation. The health check therefore runs every 10 s unless told otherwise, and the times of the
   * shutdown are worked out from it.
   *
   * @param options how many tasks stay off Spot
   */
  public static spot(options: SpotCapacityOptions = {}): Capacity {
    const base = options.onDemandBase ?? 1;
    const onDemand = base === 0 ? [] : [{ capacityProvider: 'FARGATE', base, weight: 0 }];
    return new Capacity([...onDemand, { capacityProvider: 'FARGATE_SPOT', weight: 1 }], base);
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
   * ECS moves running tasks to another strategy only by a forced deployment. The nonce changes exactly then.
   *
   * @internal
   */
  public get _nonce(): string {
    return createHash('sha256').update(JSON.stringify(this._strategy)).digest('hex').slice(0, 16);
  }
}

export function validateCapacity(validation: Validation, capacity: Capacity | undefined, mostTasks: number): void {
  if (!capacity?._usesSpot) { return; }
  validation.wholeNumber('capacity.onDemandBase', capacity._onDemandBase, 0, 100_000, 'the number of tasks on demand');
  if (capacity._onDemandBase > 0 && mostTasks > 0 && !Token.isUnresolved(mostTasks) && capacity._onDemandBase >= mostTasks) {
    validation.refuse('capacity.onDemandBase', String(capacity._onDemandBase), `there are at most ${mostTasks} tasks, so that none would run on Spot`,
      'lower onDemandBase, raise the number of tasks, or leave capacity out');
  }
}
