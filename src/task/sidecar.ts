import { Token, aws_ecs as ecs } from 'aws-cdk-lib';
import { validateHealthCheckCommand } from './container-health-check';
import { validateImage } from './service-image';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** Options for `addSidecar`. */
export interface SidecarOptions {
  /**
   * The container image. An asset that is built for another architecture than the tasks is an error. With
   * `Egress.vpcEndpoints()` it must be in ECR, because the tasks reach no other registry.
   */
  readonly image: ecs.ContainerImage;

  /**
   * Memory limit of the sidecar in MiB, at least 6. It reduces the memory of the app container. ECS stops the sidecar
   * if it exceeds the limit.
   *
   * @default 128
   */
  readonly memoryLimitMiB?: number;

  /**
   * CPU units of the task that are reserved for the sidecar, at most those of the task that no other container has
   * reserved. CPU that it does not use is available to the app container.
   *
   * @default - no CPU is reserved
   */
  readonly cpu?: number;

  /**
   * Whether the task stops, and is replaced, when the sidecar exits.
   *
   * @default false
   */
  readonly essential?: boolean;

  /**
   * What the app container waits for before it starts. At shutdown, the app container stops before the sidecar.
   *
   * START waits until the sidecar has started, HEALTHY until its `healthCheck` passes, COMPLETE until it has exited,
   * SUCCESS until it has exited with code 0. HEALTHY without a `healthCheck` is an error, and so are COMPLETE and
   * SUCCESS with `essential: true`.
   *
   * @default - the containers start independently
   * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html
   */
  readonly dependencyCondition?: ecs.ContainerDependencyCondition;

  /**
   * Command of the container, which overrides CMD of the image.
   *
   * @default - CMD of the image
   */
  readonly command?: string[];

  /**
   * Environment variables of the container.
   *
   * @default - no environment variables
   */
  readonly environment?: { [name: string]: string };

  /**
   * Environment variables with values from Secrets Manager or SSM Parameter Store.
   *
   * @default - no secrets
   */
  readonly secrets?: { [name: string]: ecs.Secret };

  /**
   * Health check command that ECS runs in the container.
   *
   * @default - no health check
   */
  readonly healthCheck?: ecs.HealthCheck;

  /**
   * User that the container runs as: a name or, preferably, `uid:gid`.
   *
   * @default - USER of the image
   */
  readonly user?: string;

  /**
   * Whether the root filesystem of the container is read-only.
   *
   * @default false
   */
  readonly readonlyRootFilesystem?: boolean;
}

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html */
const MIN_MEMORY_MIB = 6;

/** A task definition, and what its other containers leave: the memory to the app container, and CPU units. */
export interface SidecarContext {
  readonly taskDefinition: ecs.TaskDefinition;
  readonly architecture: ecs.CpuArchitecture;
  readonly cpuLeft: number;
  readonly memoryLeftMiB: number | undefined;
}

export function validateSidecar(
  validation: Validation, name: string, options: SidecarOptions, context: SidecarContext,
): void {
  if (!Token.isUnresolved(name) && !/^[A-Za-z0-9_-]{1,255}$/.test(name)) {
    validation.refuse('addSidecar.name', show(name), 'the name of a container has 1 to 255 letters, digits, - and _',
      'rename it');
  }
  // The ID of a construct cannot be the name of a property of every object, like constructor.
  if (context.taskDefinition.findContainer(name) || context.taskDefinition.node.tryFindChild(name)) {
    validation.refuse('addSidecar.name', show(name), 'the task already has a container with that name',
      'choose another name');
  }
  validateMemory(validation, options.memoryLimitMiB ?? DEFAULTS.sidecarMemoryMiB, context.memoryLeftMiB);
  validateDependency(validation, options);
  validateImage(validation, options.image, { prop: 'addSidecar.image', architecture: context.architecture });
  validateEnvironment(validation, options);
  validation.notEmpty('addSidecar.command', options.command, 'leave it out to use the command of the image');
  validation.notEmpty('addSidecar.user', options.user, 'leave it out to use the user of the image');
  validateCpu(validation, options.cpu, context.cpuLeft);
  validateHealthCheckCommand(validation, 'addSidecar.healthCheck', options.healthCheck);
}

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html */
function validateCpu(validation: Validation, cpu: number | undefined, left: number): void {
  const max = Token.isUnresolved(left) ? Infinity : left;
  validation.wholeNumber('addSidecar.cpu', cpu, [0, max], 'the CPU units that the other containers do not reserve');
}

function validateEnvironment(validation: Validation, { environment = {}, secrets = {} }: SidecarOptions): void {
  const names = Object.keys(environment);
  for (const name of names) { validation.variableName('addSidecar.environment', name); }
  for (const name of Object.keys(secrets)) {
    validation.variableName('addSidecar.secrets', name);
    if (names.includes(name)) {
      validation.refuse(`addSidecar.secrets.${name}`, 'a secret', 'environment has that name too',
        'keep one of the two');
    }
  }
}

function validateMemory(validation: Validation, memoryMiB: number, leftMiB: number | undefined): void {
  if (Token.isUnresolved(memoryMiB)) { return; }
  if (!Number.isInteger(memoryMiB) || memoryMiB < MIN_MEMORY_MIB) {
    validation.refuse('addSidecar.memoryLimitMiB', show(memoryMiB), `it is a whole number from ${MIN_MEMORY_MIB}`,
      'set it in MiB');
  } else if (leftMiB !== undefined && !Token.isUnresolved(leftMiB) && leftMiB - memoryMiB < MIN_MEMORY_MIB) {
    validation.refuse('addSidecar.memoryLimitMiB', show(memoryMiB),
      `the task has ${leftMiB} MiB left, and the app container needs some of it`,
      'lower it, or increase memoryLimitMiB of the service');
  }
}

function validateDependency(validation: Validation, options: SidecarOptions): void {
  const { dependencyCondition, healthCheck, essential } = options;
  const { HEALTHY, COMPLETE, SUCCESS } = ecs.ContainerDependencyCondition;
  if (dependencyCondition === HEALTHY && !healthCheck) {
    validation.refuse('addSidecar.dependencyCondition', show(dependencyCondition), 'the sidecar has no healthCheck',
      'set healthCheck, or use ecs.ContainerDependencyCondition.START');
  }
  if (essential && (dependencyCondition === COMPLETE || dependencyCondition === SUCCESS)) {
    validation.refuse('addSidecar.dependencyCondition', show(dependencyCondition),
      'the task stops when an essential container exits', 'leave essential out, or use START or HEALTHY');
  }
}
