import {
  Duration,
  Lazy,
  PhysicalName,
  Size,
  Token,
  aws_ecs as ecs,
  aws_iam as iam,
  aws_logs as logs,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { grantEnvironmentFiles, scopedFiles } from './environment-files';
import { ExecutionRole } from './execution-role';
import { EXAMPLE_APP, ServiceImage, validateBoundImage } from './service-image';
import { shutdownTimes, TaskContext } from './shutdown';
import { SidecarOptions, validateSidecar } from './sidecar';
import { appEnvironment, TaskOptions } from './task-options';
import { LogOptions, newLogGroup } from '../observability/logs';
import { DEFAULTS } from '../preset';
import { Validation } from '../validation';

/** The task definition with the app container, and its log group. */
export class Task extends Construct {
  public readonly taskDefinition: ecs.FargateTaskDefinition;
  public readonly container: ecs.ContainerDefinition;
  public readonly logGroup: logs.LogGroup;
  /** The CPU architecture of the tasks. */
  public readonly architecture: ecs.CpuArchitecture;
  private readonly executionRole: ExecutionRole;
  private readonly cpu: number;

  constructor(scope: Construct, id: string, options: TaskOptions & LogOptions, context: TaskContext) {
    super(scope, id);
    this.logGroup = newLogGroup(this, options);
    this.executionRole = new ExecutionRole(this, 'ExecutionRole', {
      assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com'),
      roleName: PhysicalName.GENERATE_IF_NEEDED,
    });
    const { architecture = DEFAULTS.architecture, cpu = DEFAULTS.cpu } = options;
    this.architecture = architecture;
    this.cpu = cpu;
    this.taskDefinition = new ecs.FargateTaskDefinition(this, 'TaskDefinition', {
      executionRole: this.executionRole,
      cpu,
      memoryLimitMiB: options.memoryLimitMiB ?? cpu * DEFAULTS.memoryMiBPerCpuUnit,
      ephemeralStorageGiB: options.ephemeralStorageGiB,
      runtimePlatform: { cpuArchitecture: architecture, operatingSystemFamily: ecs.OperatingSystemFamily.LINUX },
    });
    this.container = this.addAppContainer(options, context);

    if (options.image) {
      const validation = new Validation(scope);
      validateBoundImage(validation, options.image, this.container, { prop: 'image', architecture });
      validation.throwIfRefused();
    }
  }

  private addAppContainer(options: TaskOptions, context: TaskContext): ecs.ContainerDefinition {
    const image = options.image ? undefined : exampleAppDefaults(options);
    const linuxParameters = new ecs.LinuxParameters(this, 'LinuxParameters', { initProcessEnabled: true });
    if (image?.dropCapabilities) { linuxParameters.dropCapabilities(ecs.Capability.ALL); }
    const readonlyRootFilesystem = options.readonlyRootFilesystem ?? image?.readonlyRootFilesystem ?? false;

    const container = this.taskDefinition.addContainer('app', {
      image: options.image ?? ServiceImage.fromDirectory(EXAMPLE_APP.directory),
      command: options.command,
      entryPoint: options.entryPoint,
      environment: { ...environmentBeyond(image?.environment, options, context), ...options.environment },
      environmentFiles: scopedFiles(options.environmentFiles),
      secrets: options.secrets,
      user: options.user ?? image?.user,
      readonlyRootFilesystem,
      // Without its own limit, a process sees the memory of the host. The memory of the other containers is subtracted.
      memoryLimitMiB: Lazy.number({ produce: () => this.memoryLeftMiB }),
      stopTimeout: Duration.seconds(shutdownTimes(options.stopTimeout, context).stopTimeout),
      // Service Connect refers to the port by name.
      portMappings: [{ name: 'http', containerPort: options.containerPort ?? DEFAULTS.containerPort }],
      healthCheck: options.containerHealthCheck ?? image?.healthCheck,
      linuxParameters,
      logging: options.logDriver ?? this.newLogDriver('service'),
    });
    grantEnvironmentFiles(this.executionRole, container);
    if (readonlyRootFilesystem) {
      this.taskDefinition.addVolume({ name: 'tmp' });
      container.addMountPoints({ sourceVolume: 'tmp', containerPath: '/tmp', readOnly: false });
    }
    return container;
  }

  public addSidecar(validation: Validation, name: string, options: SidecarOptions): ecs.ContainerDefinition {
    validateSidecar(validation, name, options, this);
    validation.throwIfRefused();
    const { dependencyCondition, ...containerOptions } = options;
    const sidecar = this.taskDefinition.addContainer(name, {
      essential: false,
      memoryLimitMiB: DEFAULTS.sidecarMemoryMiB,
      ...containerOptions,
      logging: this.newLogDriver(name),
    });
    const context = { prop: 'addSidecar.image', architecture: this.architecture };
    validateBoundImage(validation, options.image, sidecar, context);
    validation.throwIfRefused();
    if (dependencyCondition !== undefined) {
      this.container.addContainerDependencies({ container: sidecar, condition: dependencyCondition });
    }
    return sidecar;
  }

  /**
   * The memory that the other containers of the task leave to the app, including those added with CDK directly. Unknown
   * if it would be computed from a token; then the app is limited by the memory of the task only.
   */
  public get memoryLeftMiB(): number | undefined {
    const { memoryMiB } = this.taskDefinition;
    const others = this.containers()
      .filter((container) => container !== this.container)
      .map((container) => container.renderContainerDefinition())
      .map(({ memory, memoryReservation }) => memory ?? memoryReservation ?? 0);
    if (others.length === 0) { return memoryMiB; }
    if ([memoryMiB, ...others].some((memory) => Token.isUnresolved(memory))) { return undefined; }
    return memoryMiB - others.reduce((sum, memory) => sum + memory, 0);
  }

  /** The CPU units that no container has reserved. */
  public get cpuLeft(): number {
    const reserved = this.containers().map(({ cpu = 0 }) => cpu).filter((cpu) => !Token.isUnresolved(cpu));
    return Token.isUnresolved(this.cpu) ? this.cpu : this.cpu - reserved.reduce((sum, cpu) => sum + cpu, 0);
  }

  private containers(): ecs.ContainerDefinition[] {
    return this.taskDefinition.node.children
      .filter((child): child is ecs.ContainerDefinition => child instanceof ecs.ContainerDefinition);
  }

  private newLogDriver(streamPrefix: string): ecs.LogDriver {
    return ecs.LogDrivers.awsLogs({
      logGroup: this.logGroup,
      streamPrefix,
      // If CloudWatch Logs is slow, log lines are dropped rather than requests delayed.
      mode: ecs.AwsLogDriverMode.NON_BLOCKING,
      maxBufferSize: Size.mebibytes(25),
    });
  }

  /** The IAM actions that the roles of the task allow so far. */
  public allowedActions(): string[] {
    const taskPolicy = this.taskDefinition.taskRole.node.tryFindChild('DefaultPolicy');
    const policies = [...this.executionRole.policies, ...taskPolicy instanceof iam.Policy ? [taskPolicy] : []];
    return policies
      .flatMap<{ Action?: string | string[] }>((policy) => policy.document.toJSON().Statement)
      .flatMap(({ Action = [] }) => Action);
  }
}

/** The variables that the construct sets, without those that have the same value in the image. */
function environmentBeyond(
  ofImage: Readonly<Record<string, string>> = {}, options: TaskOptions, context: TaskContext,
): Record<string, string> {
  return Object.fromEntries(Object.entries(appEnvironment(options, context))
    .filter(([name, value]) => ofImage[name] !== value));
}

/** Settings of the example app that your own image does not have. */
function exampleAppDefaults({ enableExecuteCommand = false }: TaskOptions) {
  return {
    environment: EXAMPLE_APP.environment,
    user: EXAMPLE_APP.user,
    // The agent of ECS Exec writes to the root filesystem. AWS does not document that it works without capabilities.
    readonlyRootFilesystem: !enableExecuteCommand,
    dropCapabilities: !enableExecuteCommand,
    healthCheck: {
      command: [...EXAMPLE_APP.healthCheckCommand],
      startPeriod: DEFAULTS.healthCheck.gracePeriod,
    },
  };
}
