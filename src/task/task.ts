import { Duration, Lazy, PhysicalName, Size, Token } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { ShutdownProps, shutdownTimes, ingressOf, validateShutdown } from './shutdown';
import { LogsProps, newLogGroup } from '../observability/logs';
import { DEFAULTS } from '../preset';
import { EXAMPLE_APP, ServiceImage, validateBoundImage, validateImage } from './service-image';
import { SidecarOptions, SIDECAR_MEMORY_MIB, validateSidecar } from './sidecar';
import { show, Validation } from '../validation';

export interface TaskProps extends ShutdownProps, LogsProps {
  readonly image?: ecs.ContainerImage;
  readonly containerHealthCheck?: ecs.HealthCheck;
  readonly architecture?: ecs.CpuArchitecture;
  readonly containerPort?: number;
  readonly cpu?: number;
  readonly memoryLimitMiB?: number;
  readonly ephemeralStorageGiB?: number;
  readonly environment?: { [name: string]: string };
  readonly secrets?: { [name: string]: ecs.Secret };
  readonly command?: string[];
  readonly entryPoint?: string[];
  readonly user?: string;
  readonly readonlyRootFilesystem?: boolean;
  readonly enableExecuteCommand?: boolean;
  readonly logDriver?: ecs.LogDriver;
}

/** The memory sizes in MiB that Fargate has for each CPU size. */
const FARGATE_SIZES: { [cpu: number]: number[] } = {
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

/** What the construct tells every container; `example-app/README.md` says what an app does with it. */
function contractEnvironment(props: TaskProps): { [name: string]: string } {
  const drain = shutdownTimes(props);
  return {
    PORT: String(props.containerPort ?? DEFAULTS.containerPort),
    // Longer than the load balancer keeps an idle connection, or it sends a request into one that the app is closing.
    KEEP_ALIVE_TIMEOUT_MS: String(ingressOf(props).idleTimeout.toMilliseconds() + 5_000),
    SHUTDOWN_DELAY_MS: String(drain.delay * 1000),
    SHUTDOWN_TIMEOUT_MS: String(drain.timeout * 1000),
  };
}

export function validateTask(validation: Validation, props: TaskProps): void {
  validateSize(validation, props);
  const { idleTimeout } = ingressOf(props);
  if (idleTimeout.isUnresolved()) {
    validation.refuse('ingress.idleTimeout', 'a token', 'the time that the app keeps connections alive is worked out from it', 'set a number of seconds');
  } else {
    validateEnvironment(validation, props);
  }

  const architecture = props.architecture ?? DEFAULTS.architecture;
  const { ARM64, X86_64 } = ecs.CpuArchitecture;
  if (![ARM64, X86_64].some((known) => known._cpuArchitecture === architecture._cpuArchitecture)) {
    validation.refuse('architecture', show(architecture._cpuArchitecture), 'Fargate has ARM64 and X86_64', 'set ecs.CpuArchitecture.ARM64 or X86_64');
  }
  validateImage(validation, props.image, architecture);

  validation.wholeNumber('ephemeralStorageGiB', props.ephemeralStorageGiB, 21, 200, 'more storage than the 20 GiB that each task has');
  validation.wholeNumber('containerPort', props.containerPort, 1, 65535, 'a port');
  validateShutdown(validation, props);
  validation.notEmpty('command', props.command, 'leave it out for the command of the image');
  validation.notEmpty('entryPoint', props.entryPoint, 'leave it out for the entry point of the image');
  validation.notEmpty('user', props.user, 'leave it out for the user of the image');

  if (props.image && !props.containerHealthCheck && !ingressOf(props).checksHealth) {
    validation.refuse('containerHealthCheck', 'not given', `with ${ingressOf(props).name} nothing else checks the health of your image`,
      'give the command that does, like { command: [\'CMD\', \'/app/healthy\'] }');
  }
  if (!props.image) {
    if (props.user !== undefined && props.user !== EXAMPLE_APP.user) {
      validation.refuse('user', show(props.user), `the example app owns its /tmp as ${EXAMPLE_APP.user}`, 'leave user out, or give your own image');
    }
    if (props.containerPort !== undefined && Number.isInteger(props.containerPort) && props.containerPort > 0 && props.containerPort < 1024) {
      validation.refuse('containerPort', show(props.containerPort), 'the example app is not root and cannot listen below 1024',
        'set 1024 or more: the port that users see is the load balancer\'s');
    }
  }
  if (props.enableExecuteCommand && props.readonlyRootFilesystem) {
    validation.refuse('readonlyRootFilesystem', 'true', 'the agent of ECS Exec (enableExecuteCommand: true) writes to the root filesystem',
      'leave one of the two out');
  }
}

function validateSize(validation: Validation, props: TaskProps): void {
  const cpu = props.cpu ?? DEFAULTS.cpu;
  const { memoryLimitMiB } = props;
  if (Token.isUnresolved(cpu)) {
    if (memoryLimitMiB === undefined) {
      validation.refuse('cpu', 'a token', 'the memory that goes with it cannot be worked out', 'set memoryLimitMiB too');
    }
    return;
  }
  const sizes = FARGATE_SIZES[cpu];
  if (!sizes) {
    validation.refuse('cpu', show(cpu), `Fargate has ${Object.keys(FARGATE_SIZES).join(', ')} CPU units`, 'set one of them; 1024 are one vCPU');
    return;
  }
  if (memoryLimitMiB === undefined || Token.isUnresolved(memoryLimitMiB) || sizes.includes(memoryLimitMiB)) { return; }
  const fitting = Object.keys(FARGATE_SIZES).filter((size) => FARGATE_SIZES[Number(size)].includes(memoryLimitMiB));
  const offer = sizes.length <= 4 ? sizes.join(', ') : `${sizes[0]} to ${sizes[sizes.length - 1]} in steps of ${sizes[1] - sizes[0]}`;
  validation.refuse('memoryLimitMiB', show(memoryLimitMiB), `with cpu ${cpu} Fargate has ${offer} MiB`,
    fitting.length > 0 ? `set one of these, or cpu to ${fitting.join(' or ')}` : 'set one of these');
}

function validateEnvironment(validation: Validation, props: TaskProps): void {
  const contract: { [name: string]: string | undefined } = contractEnvironment(props);
  for (const [list, names] of Object.entries({ environment: props.environment ?? {}, secrets: props.secrets ?? {} })) {
    for (const name of Object.keys(names)) {
      const prop = `${list}.${name}`;
      if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name) && !Token.isUnresolved(name)) {
        validation.refuse(list, show(name), 'the name of an environment variable has letters, digits and _ and does not start with a digit', 'rename it');
      }
      const value = props.environment?.[name];
      if (contract[name] !== undefined && (list === 'secrets' || !Token.isUnresolved(value) && value !== contract[name])) {
        validation.refuse(prop, list === 'secrets' ? 'a secret' : show(value!), `the construct sets it to ${contract[name]}`,
          name === 'PORT' ? 'set containerPort instead' : 'leave it out; stopTimeout moves the times of the shutdown');
      }
      if (list === 'secrets' && props.environment && name in props.environment) {
        validation.refuse(prop, 'a secret', 'environment has that name too', 'keep one of the two');
      }
    }
  }
}

/** The task definition with its one container, and where that logs. */
export class Task extends Construct {
  public readonly taskDefinition: ecs.FargateTaskDefinition;
  public readonly container: ecs.ContainerDefinition;
  public readonly logGroup: logs.LogGroup;
  private readonly executionRole: ExecutionRole;

  constructor(scope: Construct, id: string, props: TaskProps) {
    super(scope, id);
    const architecture = props.architecture ?? DEFAULTS.architecture;
    const cpu = props.cpu ?? DEFAULTS.cpu;
    const memoryLimitMiB = props.memoryLimitMiB ?? cpu * DEFAULTS.memoryMiBPerCpuUnit;
    const isExampleApp = !props.image;
    const readonlyRootFilesystem = props.readonlyRootFilesystem ?? (isExampleApp && !props.enableExecuteCommand);

    this.logGroup = newLogGroup(this, props);
    this.executionRole = new ExecutionRole(this, 'ExecutionRole', {
      assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com'),
      roleName: PhysicalName.GENERATE_IF_NEEDED,
    });

    this.taskDefinition = new ecs.FargateTaskDefinition(this, 'TaskDefinition', {
      executionRole: this.executionRole,
      cpu,
      memoryLimitMiB,
      ephemeralStorageGiB: props.ephemeralStorageGiB,
      runtimePlatform: { cpuArchitecture: architecture, operatingSystemFamily: ecs.OperatingSystemFamily.LINUX },
    });

    const linuxParameters = new ecs.LinuxParameters(this, 'LinuxParameters', { initProcessEnabled: true });
    if (isExampleApp) { linuxParameters.dropCapabilities(ecs.Capability.ALL); }

    this.container = this.taskDefinition.addContainer('app', {
      image: props.image ?? ServiceImage.fromDirectory(EXAMPLE_APP.directory),
      command: props.command,
      entryPoint: props.entryPoint,
      environment: { ...contractEnvironment(props), ...props.environment },
      secrets: props.secrets,
      user: props.user ?? (isExampleApp ? EXAMPLE_APP.user : undefined),
      readonlyRootFilesystem,
      // Without a limit of its own, a process sees the memory of the whole machine under the task. Other containers take theirs from it.
      memoryLimitMiB: Token.isUnresolved(memoryLimitMiB) ? memoryLimitMiB : Lazy.number({ produce: () => this.memoryLeftMiB }),
      stopTimeout: Duration.seconds(shutdownTimes(props).stopTimeout),
      // Service Connect calls the port by its name.
      portMappings: [{ name: 'http', containerPort: props.containerPort ?? DEFAULTS.containerPort }],
      healthCheck: props.containerHealthCheck ?? (isExampleApp
        ? { command: [...EXAMPLE_APP.healthCheckCommand], startPeriod: DEFAULTS.healthCheck.gracePeriod }
        : undefined),
      linuxParameters,
      logging: props.logDriver ?? this.logDriver('service'),
    });
    if (readonlyRootFilesystem) {
      this.taskDefinition.addVolume({ name: 'tmp' });
      this.container.addMountPoints({ sourceVolume: 'tmp', containerPath: '/tmp', readOnly: false });
    }

    const validation = new Validation(scope);
    validateBoundImage(validation, this.container, architecture);
    validation.throwIfRefused();
  }

  public addSidecar(validation: Validation, name: string, options: SidecarOptions): ecs.ContainerDefinition {
    validateSidecar(validation, this.taskDefinition, name, options, this.memoryLeftMiB);
    validation.throwIfRefused();
    const { startFirst, ...container } = options;
    const sidecar = this.taskDefinition.addContainer(name, {
      essential: false,
      memoryLimitMiB: SIDECAR_MEMORY_MIB,
      ...container,
      logging: this.logDriver(name),
    });
    if (startFirst) {
      const { HEALTHY, START } = ecs.ContainerDependencyCondition;
      this.container.addContainerDependencies({ container: sidecar, condition: options.healthCheck ? HEALTHY : START });
    }
    return sidecar;
  }

  /** What the other containers of the task leave to the service's own, however they were added: ECS adds up what all of them ask for. */
  private get memoryLeftMiB(): number {
    const others = this.taskDefinition.node.children
      .filter((child): child is ecs.ContainerDefinition => child instanceof ecs.ContainerDefinition && child !== this.container)
      .map((container) => container.renderContainerDefinition())
      .map(({ memory, memoryReservation }) => memory ?? memoryReservation ?? 0)
      .filter((memory) => !Token.isUnresolved(memory));
    return this.taskDefinition.memoryMiB - others.reduce((sum, memory) => sum + memory, 0);
  }

  private logDriver(streamPrefix: string): ecs.LogDriver {
    return ecs.LogDrivers.awsLogs({
      logGroup: this.logGroup,
      streamPrefix,
      // A slow log reader costs log lines, never requests.
      mode: ecs.AwsLogDriverMode.NON_BLOCKING,
      maxBufferSize: Size.mebibytes(25),
    });
  }

  /** What the roles of the task may do, as far as it is known by now. */
  public actions(): string[] {
    const own = this.taskDefinition.taskRole.node.tryFindChild('DefaultPolicy');
    const policies = own instanceof iam.Policy ? [...this.executionRole.policies, own] : this.executionRole.policies;
    return policies.flatMap((policy) => policy.document.toJSON().Statement).flatMap((statement: { Action: string | string[] }) => statement.Action);
  }
}

/** What ECS needs to start a task. What it is granted stands in policies of its own, as NIST, HIPAA and PCI ask for, not in the role. */
class ExecutionRole extends iam.Role {
  public readonly policies: iam.ManagedPolicy[] = [];
  private readonly granted = new Set<string>();

  public addToPrincipalPolicy(statement: iam.PolicyStatement): iam.AddToPrincipalPolicyResult {
    // Each field of a secret that is read grants the whole secret.
    const text = JSON.stringify(statement);
    if (!this.granted.has(text)) {
      if (this.granted.size % STATEMENTS_PER_POLICY === 0) { this.policies.push(this.newPolicy()); }
      this.granted.add(text);
      this.policies[this.policies.length - 1].addStatements(statement);
    }
    return { statementAdded: true, policyDependable: this.policies[this.policies.length - 1] };
  }

  private newPolicy(): iam.ManagedPolicy {
    const { length } = this.policies;
    if (length === POLICIES_PER_ROLE) {
      const validation = new Validation(this.node.scope!.node.scope!);
      validation.refuse('secrets', `more than ${POLICIES_PER_ROLE * STATEMENTS_PER_POLICY} statements of IAM, one for each secret and each key`,
        `the execution role takes ${POLICIES_PER_ROLE} policies`, 'keep several values in one secret, as fields: ecs.Secret.fromSecretsManager(secret, field)');
      validation.throwIfRefused();
    }
    return new iam.ManagedPolicy(this, length === 0 ? 'Policy' : `Policy${length + 1}`, { roles: [this] });
  }
}

/** IAM takes 6,144 characters; statements have about 300 at most, those on secrets and their keys. */
const STATEMENTS_PER_POLICY = 15;
/** Unless the account has asked for more: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const POLICIES_PER_ROLE = 10;
