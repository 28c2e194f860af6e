import { Token } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { show, Validation } from '../validation';

/** Another container in each task: `addSidecar`. */
export interface SidecarOptions {
  /** The image of the container: with `Egress.vpcEndpoints()` one in ECR, as no other registry is reached. */
  readonly image: ecs.ContainerImage;

  /**
   * The memory of the container in MiB, at least 6. It is taken from the service's own container, and exceeding it ends the sidecar.
   *
   * @default 128
   */
  readonly memoryLimitMiB?: number;

  /**
   * How much of the CPU of the task is set aside for the container, in CPU units. What is not used is there for both.
   *
   * @default - nothing is set aside
   */
  readonly cpu?: number;

  /**
   * Whether the task ends, and is replaced, when this container exits.
   *
   * @default false
   */
  readonly essential?: boolean;

  /**
   * Whether the service's own container starts only when this one has started, or is healthy if it has a `healthCheck`. It then stops first too.
   *
   * @default false
   */
  readonly startFirst?: boolean;

  /**
   * The command of the container, in place of the image's CMD.
   *
   * @default - the image's
   */
  readonly command?: string[];

  /**
   * Environment variables of the container.
   *
   * @default - none
   */
  readonly environment?: { [name: string]: string };

  /**
   * Environment variables whose values come from Secrets Manager or the SSM Parameter Store.
   *
   * @default - none
   */
  readonly secrets?: { [name: string]: ecs.Secret };

  /**
   * The health check of the container, which ECS runs in it.
   *
   * @default - none
   */
  readonly healthCheck?: ecs.HealthCheck;

  /**
   * The user that the container runs as: a name, or better `uid:gid`.
   *
   * @default - the image's USER
   */
  readonly user?: string;

  /**
   * Whether the root filesystem of the container is read-only.
   *
   * @default false
   */
  readonly readonlyRootFilesystem?: boolean;
}

export const SIDECAR_MEMORY_MIB = 128;

/** What Docker needs at least: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html */
const MIN_MEMORY_MIB = 6;

/** @param leftMiB of the service's own container, if it is known */
export function validateSidecar(
  validation: Validation, taskDefinition: ecs.TaskDefinition, name: string, options: SidecarOptions, leftMiB: number,
): void {
  const { memoryLimitMiB = SIDECAR_MEMORY_MIB } = options;
  if (!Token.isUnresolved(name) && !/^[A-Za-z0-9_-]{1,255}$/.test(name)) {
    validation.refuse('addSidecar.name', show(name), 'the name of a container has 1 to 255 letters, digits, - and _', 'rename it');
  }
  if (taskDefinition.findContainer(name)) {
    validation.refuse('addSidecar.name', show(name), 'the task has a container of that name', 'choose another');
  }
  if (!Token.isUnresolved(memoryLimitMiB) && (!Number.isInteger(memoryLimitMiB) || memoryLimitMiB < MIN_MEMORY_MIB)) {
    validation.refuse('addSidecar.memoryLimitMiB', show(memoryLimitMiB), `it is a whole number from ${MIN_MEMORY_MIB}`, 'set it in MiB');
  } else if (!Token.isUnresolved(memoryLimitMiB) && !Token.isUnresolved(leftMiB) && leftMiB - memoryLimitMiB < MIN_MEMORY_MIB) {
    validation.refuse('addSidecar.memoryLimitMiB', show(memoryLimitMiB), `the task has ${leftMiB} MiB left, which the service's own container needs too`,
      'lower it, or raise memoryLimitMiB of the service');
  }
}
