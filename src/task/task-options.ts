import { Duration, Lazy, Token, aws_ecs as ecs } from 'aws-cdk-lib';
import { validateHealthCheckCommand } from './container-health-check';
import { validateEnvironmentFiles } from './environment-files';
import { validateSecretCount } from './execution-role';
import { EXAMPLE_APP, validateArchitecture, validateImage } from './service-image';
import { shutdownTimes, TaskContext, validateShutdown } from './shutdown';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** The tasks of a service: size, container image and container settings. */
export interface TaskOptions {
  /**
   * The container image: a directory with a Dockerfile (`ServiceImage.fromDirectory`), or any `ecs.ContainerImage`.
   *
   * It must listen on `containerPort` and return 200 for `healthCheck.path`. An asset that is built for another
   * architecture than `architecture` is an error. Your own image keeps its user and a writable root filesystem unless
   * you set `user` and `readonlyRootFilesystem`.
   *
   * @default - the example app of this package, built during deployment
   */
  readonly image?: ecs.ContainerImage;

  /**
   * CPU architecture of the tasks, for which `ServiceImage.fromDirectory` builds the image.
   *
   * X86_64 is about 25 % more expensive: $0.04048 instead of $0.03238 per vCPU-hour
   * (https://aws.amazon.com/fargate/pricing/, 2026-09).
   *
   * @default ecs.CpuArchitecture.ARM64
   */
  readonly architecture?: ecs.CpuArchitecture;

  /**
   * Port that the container listens on, 1 to 65535. The container gets it as the environment variable PORT.
   *
   * @default 8080
   */
  readonly containerPort?: number;

  /**
   * CPU units of a task, 1024 of which are one vCPU: 256, 512, 1024, 2048, 4096, 8192 or 16384.
   *
   * On ARM64, a task with 256 CPU units and 512 MiB costs $7.21 a month (https://aws.amazon.com/fargate/pricing/,
   * 2026-09).
   *
   * @default 256
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
   */
  readonly cpu?: number;

  /**
   * Memory of a task in MiB. Each CPU size supports its own memory sizes; other combinations are an error.
   * It is also the limit of the app container, so a runtime that reads the container limit gets the right value.
   *
   * @default - the smallest size for `cpu`: 512 for 256, 1024 for 512, and so on, twice the CPU units
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
   */
  readonly memoryLimitMiB?: number;

  /**
   * Ephemeral storage of a task in GiB, 21 to 200, for images and files. It is deleted with the task.
   *
   * Storage above 20 GiB costs $0.000111 per GB-hour, $0.08 a month (https://aws.amazon.com/fargate/pricing/, 2026-09).
   *
   * @default - 20 GiB, which are free
   */
  readonly ephemeralStorageGiB?: number;

  /**
   * Environment variables of the container.
   *
   * The construct sets PORT, KEEP_ALIVE_TIMEOUT_MS, SHUTDOWN_DELAY_MS and SHUTDOWN_TIMEOUT_MS. Setting another value
   * for them is an error. The image of the example app has the default values itself.
   *
   * @default - only the variables that the construct sets
   */
  readonly environment?: { [name: string]: string };

  /**
   * Files in S3 with environment variables of the container: lines like NAME=value. At most 10, and their names end
   * with `.env`. ECS reads them when a task starts. A change to a file in your own bucket needs `forceNewDeployment`.
   *
   * `ecs.EnvironmentFile.fromAsset` uploads a local file, and `fromBucket` uses one in your bucket. The task execution
   * role gets read access to exactly these files. If a KMS key encrypts the bucket, grant it
   * `taskDefinition.obtainExecutionRole()`. A variable in `environment` takes precedence, and so does an earlier file.
   * Do not put secrets in files; use `secrets`.
   *
   * @default - no environment files
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/use-environment-file.html
   */
  readonly environmentFiles?: ecs.EnvironmentFile[];

  /**
   * Environment variables with values from Secrets Manager or SSM Parameter Store, which are read when a task starts.
   *
   * The task execution role gets read access to exactly these secrets. A name that is also in `environment` is an
   * error.
   *
   * @default - no secrets
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html
   */
  readonly secrets?: { [name: string]: ecs.Secret };

  /**
   * Command of the container, which overrides CMD of the image.
   *
   * @default - CMD of the image
   */
  readonly command?: string[];

  /**
   * Entry point of the container, which overrides ENTRYPOINT of the image.
   *
   * @default - ENTRYPOINT of the image
   */
  readonly entryPoint?: string[];

  /**
   * User that the container runs as: a name or, preferably, `uid:gid`. It cannot be changed for the example app.
   *
   * @default - 1000:1000 for the example app; USER of your own image
   */
  readonly user?: string;

  /**
   * Whether the root filesystem of the container is read-only. If it is, an empty volume is mounted at /tmp.
   *
   * Only root can write to that volume unless the Dockerfile has `VOLUME ["/tmp"]` and /tmp belongs to the user or is
   * writable for all. It cannot be combined with `enableExecuteCommand`, whose agent writes to the root filesystem.
   *
   * @default - true for the example app, and for your own image with `Preset.PRODUCTION`, unless `enableExecuteCommand`
   * is true; otherwise false
   */
  readonly readonlyRootFilesystem?: boolean;

  /**
   * Time from SIGTERM to SIGKILL, at most 120 s.
   *
   * After SIGTERM the app keeps serving until the load balancer has taken it out of rotation: 10 s on On-Demand
   * capacity, and interval × unhealthyThresholdCount + timeout of `healthCheck` + 5 s on Spot. Then it completes
   * in-flight requests and exits, at least 5 s before SIGKILL. A time that is too short for that is an error.
   *
   * @default - the time until it is out of rotation, 30 s for in-flight requests, and 5 s: 45 seconds on On-Demand
   * capacity, 65 seconds on Spot
   */
  readonly stopTimeout?: Duration;

  /**
   * Health check command that ECS runs in the container. An exit code of 0 means healthy.
   *
   * The image must contain the command. It is required for your own image if no load balancer checks it
   * (`Ingress.httpApi`).
   *
   * @default - the example app requests its own `/health`, without a shell; your own image has no container health
   * check
   */
  readonly containerHealthCheck?: ecs.HealthCheck;

  /**
   * Whether ECS Exec is enabled: `aws ecs execute-command` opens a shell in a container. The root filesystem of the
   * example app becomes writable, and the app keeps Docker's default Linux capabilities.
   *
   * In a cluster that the construct creates, sessions are encrypted with a KMS key ($1.00 a month,
   * https://aws.amazon.com/kms/pricing/, 2026-09) and logged for a month. All services of the stack share both. Your
   * own cluster uses its `executeCommandConfiguration`. CDK does not know the configuration of an imported cluster:
   * grant its log destination to `grantPrincipal` yourself.
   *
   * @default false
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
   */
  readonly enableExecuteCommand?: boolean;

  /**
   * Log driver of the app container, to send its logs to another destination than `logGroup`:
   * `ecs.LogDrivers.firelens(…)`. Sidecars still log to `logGroup`.
   *
   * @default - the awslogs driver in non-blocking mode, which drops log lines rather than delay requests
   */
  readonly logDriver?: ecs.LogDriver;
}

/** The memory sizes in MiB that Fargate supports for each CPU size. */
const FARGATE_SIZES: Record<number, number[]> = {
  // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
  256: [512, 1024, 2048],
  512: steps(1024, 4096, 1024),
  1024: steps(2048, 8192, 1024),
  2048: steps(4096, 16384, 1024),
  4096: steps(8192, 30720, 1024),
  8192: steps(16384, 61440, 4096),
  16384: steps(32768, 122880, 8192),
};

function steps(from: number, to: number, step: number): number[] {
  return Array.from({ length: (to - from) / step + 1 }, (_, i) => from + i * step);
}

/** Milliseconds that the app keeps idle connections open after the load balancer would have closed them. */
const KEEP_ALIVE_MARGIN_MS = 5_000;

/** The environment variables that the construct sets. `example-app/README.md` describes what an app does with them. */
export function appEnvironment(options: TaskOptions, context: TaskContext): Record<string, string> {
  const { delay, timeout } = shutdownTimes(options.stopTimeout, context);
  const idleMs = context.ingress.idleTimeout.toMilliseconds({ integral: false });
  return {
    PORT: asText(options.containerPort ?? DEFAULTS.containerPort),
    // If the app closed an idle connection first, the load balancer could send a request into a closing connection.
    KEEP_ALIVE_TIMEOUT_MS: String(idleMs + KEEP_ALIVE_MARGIN_MS),
    SHUTDOWN_DELAY_MS: String(delay * 1000),
    SHUTDOWN_TIMEOUT_MS: String(timeout * 1000),
  };
}

/** A number as text, also if it is known only at the end of synthesis or during deployment. */
function asText(value: number): string {
  if (!Token.isUnresolved(value)) { return String(value); }
  return Token.asString(Lazy.uncachedAny({
    produce: (context) => {
      const resolved: unknown = context.resolve(value);
      return typeof resolved === 'number' ? String(resolved) : resolved;
    },
  }));
}

export function validateTask(validation: Validation, options: TaskOptions, context: TaskContext): void {
  validateSize(validation, options);
  validateEnvironment(validation, options, context);
  const { architecture = DEFAULTS.architecture } = options;
  validateArchitecture(validation, architecture);
  validateImage(validation, options.image, { prop: 'image', architecture });
  validation.wholeNumber('ephemeralStorageGiB', options.ephemeralStorageGiB, [21, 200],
    'storage above the 20 GiB that each task has');
  validation.wholeNumber('containerPort', options.containerPort, [1, 65535], 'a port');
  validateShutdown(validation, options.stopTimeout, context);
  validation.notEmpty('environmentFiles', options.environmentFiles, 'leave it out');
  validateEnvironmentFiles(validation, options.environmentFiles);
  validation.notEmpty('command', options.command, 'leave it out to use the command of the image');
  validation.notEmpty('entryPoint', options.entryPoint, 'leave it out to use the entry point of the image');
  validation.notEmpty('user', options.user, 'leave it out to use the user of the image');
  validateHealthCheckCommand(validation, 'containerHealthCheck', options.containerHealthCheck);
  if (options.image) {
    validateContainerHealthCheck(validation, options, context);
  } else {
    validateExampleApp(validation, options);
  }
  if (options.enableExecuteCommand && options.readonlyRootFilesystem) {
    validation.refuse('readonlyRootFilesystem', 'true',
      'the agent of ECS Exec (enableExecuteCommand) writes to the root filesystem', 'leave one of the two out');
  }
}

function validateSize(validation: Validation, { cpu = DEFAULTS.cpu, memoryLimitMiB }: TaskOptions): void {
  if (Token.isUnresolved(cpu)) {
    if (memoryLimitMiB === undefined) {
      validation.refuse('cpu', 'a token', 'the memory size cannot be derived from it', 'set memoryLimitMiB too');
    }
    return;
  }
  const sizes = FARGATE_SIZES[cpu];
  if (!sizes) {
    validation.refuse('cpu', show(cpu), `Fargate supports ${Object.keys(FARGATE_SIZES).join(', ')} CPU units`,
      'set one of them; 1024 CPU units are one vCPU');
    return;
  }
  if (memoryLimitMiB === undefined || Token.isUnresolved(memoryLimitMiB) || sizes.includes(memoryLimitMiB)) { return; }
  const range = `${sizes[0]} to ${sizes[sizes.length - 1]} in steps of ${sizes[1] - sizes[0]}`;
  const supported = sizes.length <= 4 ? sizes.join(', ') : range;
  const cpuSizes = Object.keys(FARGATE_SIZES).filter((size) => FARGATE_SIZES[Number(size)].includes(memoryLimitMiB));
  validation.refuse('memoryLimitMiB', show(memoryLimitMiB), `with cpu ${cpu} Fargate supports ${supported} MiB`,
    cpuSizes.length > 0 ? `set one of these, or cpu to ${cpuSizes.join(' or ')}` : 'set one of these');
}

function validateEnvironment(validation: Validation, options: TaskOptions, context: TaskContext): void {
  const rule = 'the keep-alive timeout of the app is computed from it';
  if (validation.refuseToken('ingress.idleTimeout', context.ingress.idleTimeout, rule)) { return; }
  const { environment = {}, secrets = {} } = options;
  validateSecretCount(validation, 'secrets', secrets);
  const reserved = appEnvironment(options, context);
  for (const [name, value] of Object.entries(environment)) {
    validation.variableName('environment', name);
    if (isSet(reserved, name) && value !== reserved[name] && !Token.isUnresolved(value)) {
      refuseReserved(validation, `environment.${name}`, show(value), reserved[name]);
    }
  }
  for (const name of Object.keys(secrets)) {
    validation.variableName('secrets', name);
    if (isSet(reserved, name)) {
      refuseReserved(validation, `secrets.${name}`, 'a secret', reserved[name]);
    }
    if (isSet(environment, name)) {
      validation.refuse(`secrets.${name}`, 'a secret', 'environment has that name too', 'keep one of the two');
    }
  }
}

/** A variable may be called `constructor`, which is in every object. */
function isSet(variables: Record<string, string>, name: string): boolean {
  return Object.keys(variables).includes(name);
}

function refuseReserved(validation: Validation, prop: string, is: string, value: string): void {
  validation.refuse(prop, is, `the construct sets it to ${value}`, prop.endsWith('.PORT')
    ? 'set containerPort instead'
    : 'leave it out; the times of the shutdown are derived from stopTimeout');
}

function validateContainerHealthCheck(validation: Validation, options: TaskOptions, { ingress }: TaskContext): void {
  if (!options.containerHealthCheck && !ingress.hasLoadBalancer) {
    validation.refuse('containerHealthCheck', 'not set',
      `with ${ingress.name} nothing else checks the health of your image`,
      'set its command, for example CMD and /app/healthy');
  }
}

function validateExampleApp(validation: Validation, { user, containerPort }: TaskOptions): void {
  if (user !== undefined && user !== EXAMPLE_APP.user) {
    validation.refuse('user', show(user), `/tmp of the example app belongs to ${EXAMPLE_APP.user}`,
      'leave user out, or use your own image');
  }
  if (containerPort !== undefined && Number.isInteger(containerPort) && containerPort > 0 && containerPort < 1024) {
    validation.refuse('containerPort', show(containerPort),
      'the example app does not run as root, so it cannot listen below 1024',
      'set 1024 or more; clients use the port of the load balancer');
  }
}
