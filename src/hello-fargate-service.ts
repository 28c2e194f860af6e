import { CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as apigatewayv2 from 'aws-cdk-lib/aws-apigatewayv2';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { Capacity, validateCapacity } from './capacity';
import { CostEstimate, CostUsage, estimateMonthlyCost } from './cost/estimate';
import { Deployment, rollbackAlarms, validateDeployment } from './deployment/deployment';
import { HealthCheckOptions, healthCheckOf, validateHealthCheck } from './ingress/health-check';
import { Ingress } from './ingress/ingress';
import { Egress, Network, resolveNetwork, validateNetwork, validateSidecarImage } from './network/network';
import { Alarms, ServiceAlarms, validateAlarms } from './observability/alarms';
import { dashboardUrl, newDashboard } from './observability/dashboard';
import { logServiceEvents, saveQueries, validateLogs } from './observability/logs';
import { ServiceMetrics } from './observability/service-metrics';
import { Preset, PresetDefaults } from './preset';
import { scale, ScalingOptions, validateScaling } from './scaling';
import { ConnectionOptions, connect } from './task/connection';
import { allowSessions } from './task/execute-command';
import { runTaskCommand } from './task/run-task';
import { EXAMPLE_APP } from './task/service-image';
import { ingressOf } from './task/shutdown';
import { SidecarOptions } from './task/sidecar';
import { Task, validateTask } from './task/task';
import { Validation } from './validation';

/**
 * What can be decided about a `HelloFargateService`. With none of it, the service works.
 *
 * Prices in these pages are list prices of us-east-1 for 730 hours, checked 2026-09.
 */
export interface HelloFargateServiceProps {
  /**
   * The set of defaults that the other props start from. Each prop that is given wins over it.
   *
   * @default Preset.STANDARD
   */
  readonly preset?: Preset;

  /**
   * The container image: your own from a directory (`ServiceImage.fromDirectory`) or any `ecs.ContainerImage`.
   *
   * It must listen on `containerPort` and answer `healthCheck.path`. An asset that is built for another
   * architecture than `architecture` is refused. With your own image, the container keeps the image's user
   * and a writable root filesystem unless `user` and `readonlyRootFilesystem` say otherwise.
   *
   * @default - the example app that comes with this package, built when the app is deployed
   */
  readonly image?: ecs.ContainerImage;

  /**
   * The CPU architecture that the tasks run on and that a directory is built for.
   *
   * X86_64 costs a quarter more: $0.04048 instead of $0.03238 a vCPU and hour
   * (https://aws.amazon.com/fargate/pricing/).
   *
   * @default ecs.CpuArchitecture.ARM64
   */
  readonly architecture?: ecs.CpuArchitecture;

  /**
   * The port that the container listens on, 1 to 65535; also handed to it as the environment variable PORT.
   *
   * @default 8080
   */
  readonly containerPort?: number;

  /**
   * CPU of a task in CPU units, 1024 of which are one vCPU: 256, 512, 1024, 2048, 4096, 8192 or 16384.
   *
   * On ARM64, 256 units and 512 MiB are $7.21 a month for each task that always runs. The $0.04 an hour that many posts give for
   * 0.25 vCPU is the price of a whole x86 vCPU.
   *
   * @default 256
   */
  readonly cpu?: number;

  /**
   * Memory of a task in MiB. Each CPU size has its own memory sizes; other pairs are refused.
   * It is the container's limit too, so that a runtime that asks for its limit is told the truth.
   *
   * @default - the smallest that goes with `cpu`: 512 for 256, 1024 for 512, and so on, twice the CPU units
   */
  readonly memoryLimitMiB?: number;

  /**
   * Storage of a task in GiB, 21 to 200, for images and what the containers write; it goes with the task. Beyond 20 GiB, a GiB
   * is $0.000111 an hour, $0.08 a month (https://aws.amazon.com/fargate/pricing/).
   *
   * @default - the 20 GiB that each task has
   */
  readonly ephemeralStorageGiB?: number;

  /**
   * How many tasks run, 0 to 5000, spread over the zones. Not together with `scaling`.
   *
   * @default - 2; 1 with `Preset.DEVELOPMENT`, 3 with `Preset.PRODUCTION`
   */
  readonly desiredCount?: number;

  /**
   * Lets the number of tasks follow what they have to do, and the time of day.
   *
   * @default - as many tasks as `desiredCount` says, at all times
   */
  readonly scaling?: ScalingOptions;

  /**
   * Which Fargate capacity runs the tasks: on demand, or Spot above a base on demand.
   *
   * @default Capacity.onDemand(); with `Preset.DEVELOPMENT` Capacity.spot({ onDemandBase: 0 })
   */
  readonly capacity?: Capacity;

  /**
   * How a new version replaces the old one.
   *
   * @default Deployment.rolling()
   */
  readonly deployment?: Deployment;

  /**
   * Any text. Another one than before has ECS replace the tasks though nothing else has changed: for a new value of a secret, or
   * an image that was pushed again under the same tag.
   *
   * @default - tasks are replaced when something of them changes
   */
  readonly forceNewDeployment?: string;

  /**
   * Environment variables of the container.
   *
   * PORT, KEEP_ALIVE_TIMEOUT_MS, SHUTDOWN_DELAY_MS and SHUTDOWN_TIMEOUT_MS are set by the construct
   * and refused here with another value.
   *
   * @default - only those that the construct sets
   */
  readonly environment?: { [name: string]: string };

  /**
   * Environment variables whose values come from Secrets Manager or the SSM Parameter Store when a task starts.
   * The task's execution role may read exactly these. A name that is in `environment` too is refused.
   *
   * @default - no secrets
   */
  readonly secrets?: { [name: string]: ecs.Secret };

  /**
   * The command of the container, in place of the image's CMD.
   *
   * @default - the image's
   */
  readonly command?: string[];

  /**
   * The entry point of the container, in place of the image's ENTRYPOINT.
   *
   * @default - the image's
   */
  readonly entryPoint?: string[];

  /**
   * The user that the container runs as: a name, or better `uid:gid`.
   *
   * @default - 1000:1000 for the example app, else the image's USER
   */
  readonly user?: string;

  /**
   * Whether the root filesystem of the container is read-only. If so, an empty volume is mounted at /tmp: it is root's
   * and not writable by others unless the Dockerfile says `VOLUME ["/tmp"]` (and /tmp belongs to the user, or is open to all).
   *
   * Not together with `enableExecuteCommand`, whose agent writes to the root filesystem.
   *
   * @default - true for the example app, and for your own with `Preset.PRODUCTION`, unless `enableExecuteCommand` is on; else false
   */
  readonly readonlyRootFilesystem?: boolean;

  /**
   * Time from SIGTERM to SIGKILL, at most 120 s. The app keeps serving while the load balancer takes it out of rotation,
   * which is 10 s on demand, and on Spot interval × unhealthyThresholdCount + timeout of `healthCheck` + 5 s;
   * it finishes what is under way, and exits 5 s before the end. Too short a time for that is refused.
   *
   * @default - that time, 30 s for what is under way, and 5 s: 45 seconds on demand, 65 seconds on Spot
   */
  readonly stopTimeout?: Duration;

  /**
   * How the load balancer checks the tasks.
   *
   * @default - GET /health every 30 s (10 s where tasks may run on Spot), which must answer 200 within 5 s
   */
  readonly healthCheck?: HealthCheckOptions;

  /**
   * The container's own health check, which ECS runs in it: a command that exits with 0 if it is well.
   *
   * The image needs what the command calls. It is demanded of your own image where no load balancer checks it (`Ingress.httpApi`).
   *
   * @default - the example app asks its own `/health`, without a shell; your own image has none
   */
  readonly containerHealthCheck?: ecs.HealthCheck;

  /**
   * How requests reach the tasks.
   *
   * @default Ingress.http(); to be given with `Preset.PRODUCTION`, which demands TLS
   */
  readonly ingress?: Ingress;

  /**
   * How the tasks reach what is outside, in a VPC that is made here. One that you give has its own way.
   *
   * @default Egress.publicIp(); with `Preset.PRODUCTION` Egress.natGateway with a gateway in each zone
   */
  readonly egress?: Egress;

  /**
   * How many zones the VPC that is made here has: 2 or 3. Three need a stack with account and region, as CDK knows two zones otherwise.
   * A third zone is $3.65 a month for the address of a public load balancer there, and $7.30 for each VPC endpoint.
   *
   * @default - 2; 3 with `Preset.PRODUCTION` where CDK knows as many
   */
  readonly maxAzs?: number;

  /**
   * Whether the connections in the VPC that is made here are logged, and kept for a year: $0.50 a GB taken in, $0.03 a GB and month kept.
   *
   * @default - true with `Preset.PRODUCTION`, else false
   */
  readonly flowLogs?: boolean;

  /**
   * The VPC. A public load balancer needs public subnets in two zones of it. The tasks stand in its private subnets
   * if it has such with a way out, else in the public ones with an IP address each ($3.65 a month).
   *
   * A load balancer stays in its VPC: a service that runs gets into another one only as another service, with another id.
   *
   * @default - that of `cluster`; without that, one VPC is made for all services of the stack:
   * two zones, public subnets only, no NAT gateway
   */
  readonly vpc?: ec2.IVpc;

  /**
   * The subnets of the tasks, in the VPC that you gave.
   *
   * Tasks in isolated subnets can only pull their image and log if the VPC has endpoints for ecr.api, ecr.dkr, logs and S3;
   * those are yours to make.
   *
   * @default - private subnets with a way out if the VPC has such, else public ones
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * The ECS cluster; its VPC is used. One that was imported must have the capacity providers FARGATE and, for Spot, FARGATE_SPOT
   * already (`aws ecs put-cluster-capacity-providers`): CDK cannot see whether it has. One made in CDK is given both.
   *
   * @default - one cluster is made for all services of the stack, or one for this service if `vpc` is given
   */
  readonly cluster?: ecs.ICluster;

  /**
   * Whether `aws ecs execute-command` may open a shell in the containers. It costs the example app its read-only root.
   *
   * In a cluster that is made here, sessions are encrypted with a key ($1.00 a month, https://aws.amazon.com/kms/pricing/, 2026-09) and logged
   * for a month, both shared by the services of the stack. A cluster that you give decides that by its own `executeCommandConfiguration`; of an
   * imported one CDK does not know it, and what it logs to is yours to allow to `grantPrincipal`.
   *
   * @default false
   */
  readonly enableExecuteCommand?: boolean;

  /**
   * Where the container's log lines go: `ecs.LogDrivers.firelens(…)` for a service of somebody else. `logGroup` then has what sidecars say.
   *
   * @default - to `logGroup`, by the awslogs driver, which drops lines rather than hold requests up when nobody takes them
   */
  readonly logDriver?: ecs.LogDriver;

  /**
   * How long log lines are kept. Logs cost $0.50 a GB taken in and $0.03 a GB and month kept.
   *
   * @default - a month; a week with `Preset.DEVELOPMENT`, a year with `Preset.PRODUCTION`
   */
  readonly logRetention?: logs.RetentionDays;

  /**
   * The class of the log group. INFREQUENT_ACCESS costs half as much to take in, $0.25 a GB (https://aws.amazon.com/cloudwatch/pricing/, 2026-09), and
   * has queries, but no live tail, no subscriptions, no metrics and so no `errorLogLines` alarm. Another class is another, empty log group.
   *
   * @default logs.LogGroupClass.STANDARD
   */
  readonly logGroupClass?: logs.LogGroupClass;

  /**
   * Whether the log group is deleted with the stack, or kept: RemovalPolicy.RETAIN.
   *
   * @default RemovalPolicy.DESTROY; with `Preset.PRODUCTION` RemovalPolicy.RETAIN
   */
  readonly logRemovalPolicy?: RemovalPolicy;

  /**
   * Whether the logs are encrypted with a key that is theirs alone, $1.00 a month (https://aws.amazon.com/kms/pricing/, 2026-09). CloudWatch encrypts
   * them in any case.
   *
   * @default - true with `Preset.PRODUCTION` or with `logEncryptionKey`, else false
   */
  readonly encryptLogs?: boolean;

  /**
   * The key for that. CloudWatch Logs is allowed to use a key of this app; the policy of an imported one must allow it already.
   *
   * @default - one is made if `encryptLogs` is true
   */
  readonly logEncryptionKey?: kms.IKey;

  /**
   * Whether events of the service go to its log too: deployments and their end, and tasks that stopped, with the reason. Logs cost as they do. It
   * needs one of the 10 resource policies that CloudWatch Logs has in an account and region.
   *
   * @default false
   */
  readonly logServiceEvents?: boolean;

  /**
   * Whether CloudWatch Logs Insights has queries ready in the console: errors, slowest paths, one trace. They read lines as the example app writes
   * them. Each run costs $0.005 for a GB that it searches.
   *
   * @default - true with `dashboard`, else false
   */
  readonly logInsightsQueries?: boolean;

  /**
   * What a person is woken for, and who: `Alarms.recommended({ emails: ['on-call@example.com'] })`.
   *
   * @default Alarms.recommended(), which tells nobody, at $0.70 a month; with `Preset.DEVELOPMENT` Alarms.none()
   */
  readonly alarms?: Alarms;

  /**
   * Whether there is a page that shows requests, errors, response times, tasks, CPU, memory, errors in the log, and the state of the alarms: `dashboardUrl`.
   * $3.00 a month (https://aws.amazon.com/cloudwatch/pricing/, 2026-09).
   *
   * @default - true with `Preset.PRODUCTION`, else false
   */
  readonly dashboard?: boolean;

  /**
   * What CloudWatch Container Insights collects in the cluster that is made here, which all services of the stack share. It is billed for each metric, of
   * which there are more with each task (https://aws.amazon.com/cloudwatch/pricing/): not priced here.
   *
   * @default - nothing; with `Preset.PRODUCTION` ecs.ContainerInsights.ENHANCED
   */
  readonly containerInsights?: ecs.ContainerInsights;

  /**
   * Whether the URL, and that of the dashboard, are outputs of the stack.
   *
   * @default true
   */
  readonly outputUrl?: boolean;
}

/**
 * An HTTP service on AWS Fargate: two ARM64 tasks over two zones behind an internet-facing load balancer, with logs,
 * health checks, and a deployment that undoes itself when the new version does not become healthy.
 *
 * With no props it runs the example app of this package. At rest it is about $46 a month at list prices (us-east-1,
 * 2026-09): two tasks $14.42, the load balancer $16.43, four public IPv4 addresses $14.60, and alarms $1.00, before
 * traffic and logs; `estimateMonthlyCost` says it of yours.
 *
 * @example
 * const hello = new HelloFargateService(this, 'Hello');
 */
export class HelloFargateService extends Construct implements ec2.IConnectable, iam.IGrantable {
  /** The address at which the service answers. */
  public readonly url: string;

  /** The VPC that the service stands in. */
  public readonly vpc: ec2.IVpc;

  /** The ECS cluster that the service stands in. */
  public readonly cluster: ecs.ICluster;

  /** The ECS service. */
  public readonly service: ecs.FargateService;

  /** The task definition, for volumes, more containers and permissions. */
  public readonly taskDefinition: ecs.FargateTaskDefinition;

  /** The container that serves the requests. */
  public readonly container: ecs.ContainerDefinition;

  /** Where the container logs. */
  public readonly logGroup: logs.ILogGroup;

  /** The load balancer, if the service has one of its own. */
  public readonly loadBalancer?: elbv2.ApplicationLoadBalancer;

  /** The listener of that load balancer, for further rules: those of priority 1 to 49999 come before the service's own. */
  public readonly listener?: elbv2.ApplicationListener;

  /** The target group that the tasks are registered with, if there is a load balancer. */
  public readonly targetGroup?: elbv2.ApplicationTargetGroup;

  /** The target group that traffic shifts to and back from, where `deployment` shifts traffic or prepares for it. */
  public readonly alternateTargetGroup?: elbv2.ApplicationTargetGroup;

  /** The CloudFront distribution, with `Ingress.cloudFront`. */
  public readonly distribution?: cloudfront.Distribution;

  /** The API Gateway HTTP API, with `Ingress.httpApi`. */
  public readonly httpApi?: apigatewayv2.HttpApi;

  /** What scales the tasks, with `scaling`: for further policies. */
  public readonly scalableTaskCount?: ecs.ScalableTaskCount;

  /** Where `emails` of `alarms` are told: for further subscriptions. */
  public readonly alarmTopic?: sns.ITopic;

  /** Where the dashboard is shown, with `dashboard`. */
  public readonly dashboardUrl?: string;

  /** The network connections of the tasks: `database.connections.allowDefaultPortFrom(hello)`. */
  public readonly connections: ec2.Connections;

  /** The role of the tasks: `bucket.grantRead(hello)`. */
  public readonly grantPrincipal: iam.IPrincipal;

  private readonly alarms: ServiceAlarms;
  private readonly hasDashboard: boolean;
  private readonly metrics: ServiceMetrics;
  private readonly ingressName: string;
  private readonly task: Task;
  private readonly network: Network;
  private readonly needEndpoints: () => void;

  /**
   * @param scope the stack, or a construct in it
   * @param id the name of the service within its scope; another id makes another service
   * @param given what is decided differently from the defaults
   * @throws an Error that lists each prop that cannot be, before any resource is made
   */
  constructor(scope: Construct, id: string, given: HelloFargateServiceProps = {}) {
    super(scope, id);
    const preset = (given.preset ?? Preset.STANDARD)._defaults;
    const props = withPreset(this, given, preset);

    const ingressKind = ingressOf(props);
    const healthCheck = healthCheckOf(props);
    const { capacity } = props;
    const deployment = props.deployment ?? Deployment.rolling();

    const validation = new Validation(this);
    validateNetwork(validation, this, props);
    if (!validation.hasRefused) { ingressKind.validate(validation, this, props.vpc ?? props.cluster?.vpc); }
    validateHealthCheck(validation, healthCheck, props.image ? undefined : EXAMPLE_APP.paths);
    if (props.healthCheck && !ingressKind.checksHealth) {
      validation.refuse('healthCheck', 'given', `${ingressKind.name} has no load balancer that would use it`, 'leave it out; containerHealthCheck is what counts');
    }
    if (!given.ingress && preset.requireTls) {
      validation.refuse('ingress', 'not given', 'Preset.PRODUCTION demands TLS', 'give Ingress.https, Ingress.cloudFront or another one');
    } else if (ingressKind.isPublicWithoutTls && preset.requireTls) {
      validation.refuse('ingress', `${ingressKind.name}()`, 'Preset.PRODUCTION demands TLS of a public load balancer',
        'give Ingress.https or Ingress.cloudFront, or set internetFacing: false');
    }
    validateCapacity(validation, capacity, props.scaling?.maxCapacity ?? props.desiredCount!);
    validateDeployment(validation, deployment, ingressKind);
    validation.notEmpty('forceNewDeployment', props.forceNewDeployment, 'leave it out, or give a text');
    validateTask(validation, props);
    validateScaling(validation, props.scaling, props.desiredCount, ingressKind);
    validateLogs(validation, props);
    const alarms = props.alarms ?? (preset.alarms ? Alarms.recommended() : Alarms.none());
    validateAlarms(validation, alarms, { ...props, ingress: ingressKind });
    validation.wholeNumber('desiredCount', props.desiredCount, 0, 5000, 'the number of tasks in a service');
    validation.throwIfRefused();

    const network = resolveNetwork(this, props);
    const task = new Task(this, 'Task', props);
    const ingress = ingressKind.bind(new Construct(this, 'Ingress'), { network, healthCheck, deployment, preset });
    const alarmNames = rollbackAlarms(this, deployment, ingress.metrics, healthCheck);

    this.service = new ecs.FargateService(this, 'Service', {
      cluster: network.cluster,
      taskDefinition: task.taskDefinition,
      // With scaling the number is not in the template, or every deployment would set it back.
      desiredCount: props.desiredCount,
      capacityProviderStrategies: capacity._strategy,
      vpcSubnets: network.taskSubnets,
      assignPublicIp: network.assignPublicIp,
      securityGroups: [new ec2.SecurityGroup(this, 'SecurityGroup', { vpc: network.vpc, description: 'Tasks: the load balancer in, everything out' })],
      healthCheckGracePeriod: ingressKind.checksHealth ? healthCheck.gracePeriod : undefined,
      circuitBreaker: { enable: true, rollback: true },
      deploymentAlarms: alarmNames.length > 0 ? { alarmNames, behavior: ecs.AlarmBehavior.ROLLBACK_ON_ALARM } : undefined,
      ...deployment._serviceProps,
      availabilityZoneRebalancing: ecs.AvailabilityZoneRebalancing.ENABLED,
      platformVersion: ecs.FargatePlatformVersion.LATEST,
      // Of a cluster with a configuration of its own, CDK knows what sessions need.
      enableExecuteCommand: props.enableExecuteCommand && Boolean(network.cluster.executeCommandConfiguration) || undefined,
      propagateTags: ecs.PropagatedTagSource.SERVICE,
      enableECSManagedTags: true,
    });
    this.service.forceNewDeployment([capacity._nonce, props.forceNewDeployment].filter(Boolean).join('-'));
    if (props.enableExecuteCommand && !network.cluster.executeCommandConfiguration) {
      allowSessions(this.service, network.cluster, network.madeCluster);
    }
    // The service uses the capacity providers until it is deleted, so it must be deleted before the association is.
    this.service.node.addDependency(network.cluster);
    // A first task that may not pull its image yet would count as a failed deployment.
    this.service.node.addDependency(task.taskDefinition.obtainExecutionRole());
    this.needEndpoints = () => network.endpointsFor({ actions: task.actions(), enableExecuteCommand: props.enableExecuteCommand ?? false })
      .forEach((endpoint) => this.service.node.addDependency(endpoint));
    this.needEndpoints();
    ingress.attach(this.service, task.container);
    this.scalableTaskCount = props.scaling && scale(this.service, props.scaling, ingress);

    this.task = task;
    this.network = network;
    this.url = ingress.url;
    this.vpc = network.vpc;
    this.cluster = network.cluster;
    this.taskDefinition = task.taskDefinition;
    this.container = task.container;
    this.logGroup = task.logGroup;
    this.loadBalancer = ingress.loadBalancer;
    this.listener = ingress.listener;
    this.targetGroup = ingress.targetGroup;
    this.alternateTargetGroup = ingress.alternateTargetGroup;
    this.distribution = ingress.distribution;
    this.httpApi = ingress.httpApi;

    this.ingressName = ingressKind.name;
    this.metrics = new ServiceMetrics(this.service, ingress);
    this.alarms = new ServiceAlarms(this, alarms, this.metrics, { ...props, ingress: ingressKind, healthCheck });
    this.alarmTopic = this.alarms.topic;
    if (props.logServiceEvents) { logServiceEvents(this, task.logGroup, this.service); }
    if (props.logInsightsQueries ?? props.dashboard) { saveQueries(this, task.logGroup); }
    this.hasDashboard = props.dashboard ?? false;
    if (this.hasDashboard) {
      this.dashboardUrl = dashboardUrl(newDashboard(this, {
        metrics: this.metrics,
        alarms: this.alarms.all,
        logGroup: task.logGroup,
        hasContainerInsights: network.hasContainerInsights,
        url: this.url,
      }));
    }
    this.connections = this.service.connections;
    this.grantPrincipal = this.taskDefinition.taskRole;

    if (props.outputUrl ?? true) {
      new CfnOutput(this, 'Url', { value: this.url, description: `Where ${this.node.path} answers` });
      if (this.dashboardUrl) { new CfnOutput(this, 'DashboardUrl', { value: this.dashboardUrl, description: `How ${this.node.path} does` }); }
    }
  }

  /**
   * Lets the tasks reach a database, a cache or anything else with security groups, and tells the container how.
   *
   * @param other what they connect to: `rds.DatabaseCluster`, `elasticache`'s by a `ec2.Connections`, another `HelloFargateService`
   * @param options at which port, and what the container is told
   * @throws an Error if a name is in use, or if `other` has no default port and none is given
   */
  public connectTo(other: ec2.IConnectable, options: ConnectionOptions = {}): void {
    connect(new Validation(this), this, other, options);
    this.needEndpoints();
  }

  /**
   * Adds a container to each task: a collector, a proxy, an agent. It logs to the same log group.
   *
   * @param name of the container
   * @param options what it is
   * @returns the container, for ports, mount points and more
   * @throws an Error that lists each option that cannot be
   */
  public addSidecar(name: string, options: SidecarOptions): ecs.ContainerDefinition {
    const validation = new Validation(this);
    validateSidecarImage(validation, this.network, options.image);
    const sidecar = this.task.addSidecar(validation, name, options);
    this.needEndpoints();
    return sidecar;
  }

  /**
   * The `aws ecs run-task` command that runs something once in a task of its own, in the same place and with the same image, environment,
   * secrets and permissions: a migration, a repair. Put it in a `CfnOutput`. It runs the task definition that is deployed.
   *
   * @param command what the container runs in place of its command
   * @throws an Error if the command is empty
   */
  public runTaskCommand(command: string[]): string {
    return runTaskCommand(new Validation(this), this, this.network, command);
  }

  /**
   * Tells whom `alarms` names of an alarm of yours too, also of its end, and shows its state on the dashboard.
   *
   * @param alarm on whatever the service needs: the age of a queue, the disk of a database
   * @throws an Error if there is nobody to tell and no dashboard
   */
  public addAlarm(alarm: cloudwatch.AlarmBase): void {
    if (!this.alarms.hasSubscribers && !this.hasDashboard) {
      const validation = new Validation(this);
      validation.refuse('addAlarm', JSON.stringify(alarm.node.path), 'there is nobody to tell and no dashboard', 'set alarms: Alarms.recommended({ emails: […] }) or dashboard: true');
      validation.throwIfRefused();
    }
    this.alarms.add(alarm);
  }

  /**
   * CPU that the tasks use, in percent of what they have. Average, each five minutes, unless told otherwise; so are all of these metrics.
   *
   * @param options statistic, period, label and so on
   */
  public metricCpuUtilization(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metrics.cpuUtilization(options);
  }

  /**
   * Memory that the tasks use, in percent of what they have.
   *
   * @param options statistic, period, label and so on
   */
  public metricMemoryUtilization(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metrics.memoryUtilization(options);
  }

  /**
   * Requests that reached a task, with `Ingress.httpApi` all that reached the API; their sum.
   *
   * @param options period, label and so on
   */
  public metricRequestCount(options?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    return this.metrics.requests(options);
  }

  /**
   * Answers with 5xx that the tasks gave, with `Ingress.httpApi` all that the API gave; their sum.
   *
   * @param options period, label and so on
   */
  public metricServerErrorCount(options?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    return this.metrics.serverErrors(options);
  }

  /**
   * Seconds that the tasks take to answer. Where traffic shifts between two target groups, the value of the slower one.
   *
   * @param options statistic (`p95`), period, label and so on
   */
  public metricTargetResponseTime(options?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    return this.metrics.responseTime(options);
  }

  /**
   * Tasks that pass the health check of the load balancer, in one target group or two. There is no data while no task is registered.
   *
   * @param options statistic (`Minimum`), period, label and so on
   * @throws an Error with `Ingress.httpApi`, which has no load balancer
   */
  public metricHealthyTaskCount(options?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    const metric = this.metrics.healthyTasks(options);
    if (!metric) { throw new Error(`${this.node.path}: metricHealthyTaskCount is asked for, but ${this.ingressName} has no load balancer that checks tasks; take metricRunningTaskCount`); }
    return metric;
  }

  /**
   * Tasks that run, on average. There is no data while none does.
   *
   * @param options period, label and so on
   */
  public metricRunningTaskCount(options?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    return this.metrics.runningTaskCount(options);
  }

  /**
   * What the service costs in a month at list prices of us-east-1, with what was added to it so far. The network that the services of a
   * stack share is in the estimate of each of them.
   *
   * @param usage what it has to do; at rest, unless said
   * @returns line items with their price and its source, the total, and what has no price
   * @throws an Error if a number is negative or none
   *
   * @example
   * const hello = new HelloFargateService(this, 'Hello');
   * Annotations.of(hello).addInfo(hello.estimateMonthlyCost({ requestsPerSecond: 20, gigabytesOut: 100, logGigabytes: 10 }).toText());
   */
  public estimateMonthlyCost(usage: CostUsage = {}): CostEstimate {
    return estimateMonthlyCost(new Validation(this), this, usage);
  }
}

/** The props with what the preset says of those that are not given, as far as it can be said: a VPC that was given is as it is. */
function withPreset(scope: Construct, given: HelloFargateServiceProps, preset: PresetDefaults): HelloFargateServiceProps & { capacity: Capacity } {
  const maxAzs = given.maxAzs ?? (preset.maxAzs === 2 ? 2 : Math.min(preset.maxAzs, Stack.of(scope).availabilityZones.length));
  const made = given.vpc || given.cluster ? {} : {
    maxAzs,
    egress: preset.privateTasks ? Egress.natGateway({ count: maxAzs }) : Egress.publicIp(),
    flowLogs: preset.flowLogs,
  };
  const defaults = {
    ...made,
    desiredCount: given.scaling ? undefined : preset.desiredCount,
    capacity: preset.onSpotOnly ? Capacity.spot({ onDemandBase: 0 }) : Capacity.onDemand(),
    readonlyRootFilesystem: preset.readonlyRootFilesystem && !given.enableExecuteCommand ? true : undefined,
    logRetention: preset.logRetention,
    logRemovalPolicy: preset.retainLogs ? RemovalPolicy.RETAIN : undefined,
    encryptLogs: preset.encryptLogs || undefined,
    dashboard: preset.dashboard || undefined,
    containerInsights: preset.containerInsights && !given.cluster ? ecs.ContainerInsights.ENHANCED : undefined,
  };
  return { ...defaults, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}
