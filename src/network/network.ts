import { RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct, IConstruct } from 'constructs';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** Where the service stands: taken from what the user gave, or from the stack's shared network. */
export interface Network {
  readonly vpc: ec2.IVpc;
  readonly cluster: ecs.ICluster;
  /** Whether the cluster is made here. */
  readonly madeCluster: boolean;
  /** Whether that cluster has Container Insights. */
  readonly hasContainerInsights: boolean;
  /** The subnets of the tasks. */
  readonly taskSubnets: ec2.SubnetSelection;
  /** In a public subnet without NAT, a task reaches ECR and CloudWatch by an address of its own. */
  readonly assignPublicIp: boolean;
  /** Whether the tasks reach nothing but what has an endpoint in the VPC that is made here. */
  readonly isIsolated: boolean;
  /** What a task needs to be there before it starts, in subnets without a way out; else nothing. */
  endpointsFor(task: TaskNeeds): IConstruct[];
}

/** What decides which endpoints a task needs. */
export interface TaskNeeds {
  /** What its roles may do, like `secretsmanager:GetSecretValue`. */
  readonly actions: string[];
  readonly enableExecuteCommand: boolean;
}

export interface NetworkProps {
  readonly vpc?: ec2.IVpc;
  readonly vpcSubnets?: ec2.SubnetSelection;
  readonly cluster?: ecs.ICluster;
  readonly egress?: Egress;
  readonly maxAzs?: number;
  readonly flowLogs?: boolean;
  readonly containerInsights?: ecs.ContainerInsights;
  readonly image?: ecs.ContainerImage;
}

/** `Egress.natGateway`. */
export interface NatGatewayEgressOptions {
  /**
   * How many NAT gateways, each in a zone of its own: 1 to the number of zones. Each is $32.85 a month and $0.045 a GB
   * (https://aws.amazon.com/vpc/pricing/, 2026-09), with a public IPv4 address of $3.65.
   *
   * With one, the tasks of all zones lose their way out when its zone fails: they go on serving, and cannot be replaced.
   *
   * @default 1
   */
  readonly count?: number;
}

/**
 * How tasks in a VPC that is made here reach what is outside: ECR for their image, CloudWatch for their logs, other services.
 *
 * | | tasks stand in | at rest, $ a month with two tasks in two zones (us-east-1, 2026-09) |
 * |---|---|---|
 * | `publicIp` | public subnets | 7.30: an IPv4 address for each task |
 * | `natGateway` | private subnets | 36.50: one gateway and its address |
 * | `vpcEndpoints` | isolated subnets | 43.80: three endpoints in two zones; 14.60 for each further one |
 *
 * A change moves the tasks by a deployment, and replaces neither the VPC nor the service.
 */
export class Egress {
  /** Each task has a public address. Their security group lets the load balancer in and nobody else. */
  public static publicIp(): Egress {
    return new Egress('Egress.publicIp()', { name: 'reserved', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, reserved: true }, 0);
  }

  /** The tasks have private addresses only, and go out by a NAT gateway: one address for all of them, for allow lists of others. */
  public static natGateway(options: NatGatewayEgressOptions = {}): Egress {
    const count = options.count ?? 1;
    return new Egress(`Egress.natGateway({ count: ${count} })`, { name: 'private', subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS }, count);
  }

  /**
   * The tasks reach nothing but the services of AWS that they need, by endpoints in the VPC: ECR, S3 and CloudWatch Logs, and Secrets Manager,
   * the Parameter Store, KMS and ECS Exec where the service uses them. Traffic through an endpoint is $0.01 a GB.
   *
   * What is granted to the tasks later, and secrets that are added to the container later, may need further endpoints: `vpc.addInterfaceEndpoint`.
   */
  public static vpcEndpoints(): Egress {
    return new Egress('Egress.vpcEndpoints()', { name: 'isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }, 0);
  }

  private constructor(
    /** @internal */
    public readonly _description: string,
    /** @internal */
    public readonly _subnets: ec2.SubnetConfiguration,
    /** @internal */
    public readonly _natGateways: number,
  ) {}

  /** @internal */
  public get _isIsolated(): boolean {
    return this._subnets.name === 'isolated';
  }
}

export function validateNetwork(validation: Validation, scope: Construct, props: NetworkProps): void {
  const { vpc, vpcSubnets, cluster } = props;
  if (cluster && !hasVpc(cluster)) {
    validation.refuse('cluster', show(cluster.node.path), 'it was imported without its VPC',
      'import it with ecs.Cluster.fromClusterAttributes and give its vpc there');
    return;
  }
  if (vpc && cluster && cluster.vpc !== vpc && cluster.vpc.vpcId !== vpc.vpcId) {
    validation.refuse('vpc', show(vpc.node.path), `the cluster ${cluster.node.path} stands in another VPC`, 'give the cluster alone: its VPC is used');
    return;
  }
  if (cluster && props.containerInsights !== undefined) {
    validation.refuse('containerInsights', show(props.containerInsights), `it would be ignored, as the cluster ${cluster.node.path} was given`,
      'set containerInsightsV2 where that cluster is made');
  }
  const given = vpc ?? cluster?.vpc;
  if (given) {
    validateGivenVpc(validation, given, props);
  } else {
    if (vpcSubnets) {
      validation.refuse('vpcSubnets', show(describe(vpcSubnets)), 'it would be ignored, as the VPC is made here', 'give vpc as well, or leave vpcSubnets out');
    }
    validateMadeVpc(validation, scope, props);
  }
}

function validateGivenVpc(validation: Validation, vpc: ec2.IVpc, props: NetworkProps): void {
  const { vpcSubnets, egress } = props;
  for (const [prop, value] of [['maxAzs', props.maxAzs], ['flowLogs', props.flowLogs]] as const) {
    if (value !== undefined) {
      validation.refuse(prop, String(value), `it would be ignored, as the VPC ${vpc.node.path} was given`, 'set it where that VPC is made');
    }
  }
  if (egress) {
    validation.refuse('egress', egress._description, `the way out of the VPC ${vpc.node.path} is its own`,
      egress._isIsolated ? 'make endpoints there for ecr.api, ecr.dkr, logs and S3, and secretsmanager, ssm, kms and ssmmessages as you use them, and set vpcSubnets'
        : 'leave it out, and choose subnets by vpcSubnets');
  }
  const has = `it has ${vpc.publicSubnets.length} public, ${vpc.privateSubnets.length} private and ${vpc.isolatedSubnets.length} isolated subnets`;
  if (!vpcSubnets) {
    if (vpc.privateSubnets.length + vpc.publicSubnets.length === 0) {
      validation.refuse('vpc', show(vpc.node.path), `the tasks need a way out, and ${has}`,
        'give a VPC with private or public subnets, or say that isolated ones have the endpoints: vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED }');
    }
    return;
  }
  let found = 0;
  try {
    found = vpc.selectSubnets(vpcSubnets).subnets.length;
  } catch (error) {
    validation.refuse('vpcSubnets', show(describe(vpcSubnets)), `the VPC ${vpc.node.path} cannot select them: ${(error as Error).message}`,
      `select subnets that the VPC has: ${has}`);
    return;
  }
  if (found === 0) {
    validation.refuse('vpcSubnets', show(describe(vpcSubnets)), `it selects no subnet of ${vpc.node.path}`, `select subnets that the VPC has: ${has}`);
  }
}

function validateMadeVpc(validation: Validation, scope: Construct, props: NetworkProps): void {
  const shape = shapeOf(props);
  const { egress, maxAzs } = shape;
  if (maxAzs !== 2 && maxAzs !== 3) {
    validation.refuse('maxAzs', String(maxAzs), 'the VPC that is made here has two zones or three', 'set 2 or 3, or give a vpc');
  } else if (Stack.of(scope).availabilityZones.length < maxAzs) {
    validation.refuse('maxAzs', String(maxAzs), `CDK knows ${Stack.of(scope).availabilityZones.length} zones of this stack's environment`,
      'set env of the stack to an account and a region that has as many, or leave maxAzs out');
  }
  if (!Token.isUnresolved(egress._natGateways) && egress._subnets.name === 'private') {
    validation.wholeNumber('egress.count', egress._natGateways, 1, maxAzs, 'the number of NAT gateways, at most one for each zone,');
  }
  const beyond = egress._isIsolated && props.image && imageBeyondEcr(props.image);
  if (beyond) {
    validation.refuse('egress', egress._description, `the registry of the image ${beyond} is not reached from isolated subnets`,
      'push the image to ECR, or take another egress');
  }
  const made = SharedNetwork.find(scope);
  if (!made) { return; }
  for (const [prop, mine, theirs] of [
    ['egress', egress._description, made.shape.egress._description],
    ['maxAzs', String(maxAzs), String(made.shape.maxAzs)],
    ['flowLogs', String(shape.flowLogs), String(made.shape.flowLogs)],
    ['containerInsights', shape.containerInsights, made.shape.containerInsights],
  ]) {
    if (mine !== theirs) {
      validation.refuse(prop, mine, `the services of a stack share one VPC, and ${made.madeFor} has it as ${theirs}`, 'say the same in both, or give one of them a vpc');
    }
  }
}

/** A sidecar's image is pulled from where the service's own is. */
export function validateSidecarImage(validation: Validation, network: Network, image: ecs.ContainerImage): void {
  const beyond = network.isIsolated && imageBeyondEcr(image);
  if (beyond) {
    validation.refuse('addSidecar.image', show(beyond), 'with Egress.vpcEndpoints() its registry is not reached from isolated subnets',
      'push the image to ECR, where a pull-through cache may do that, or take another egress');
  }
}

/** The name of an image that is known to be in no repository of ECR. */
function imageBeyondEcr(image: ecs.ContainerImage): string | undefined {
  const name = image instanceof ecs.RepositoryImage ? (image as unknown as { imageName?: string }).imageName : undefined;
  return name === undefined || Token.isUnresolved(name) || /\.dkr[.-]ecr\./.test(name) ? undefined : name;
}

/** What the services of a stack must agree on, as they share it. */
interface Shape {
  readonly egress: Egress;
  readonly maxAzs: number;
  readonly flowLogs: boolean;
  readonly containerInsights: ecs.ContainerInsights;
}

function shapeOf(props: NetworkProps): Shape {
  const { egress = Egress.publicIp(), maxAzs, flowLogs = false } = props;
  return { egress, maxAzs: maxAzs!, flowLogs, containerInsights: insightsOf(props) };
}

function insightsOf({ containerInsights }: NetworkProps): ecs.ContainerInsights {
  return containerInsights ?? ecs.ContainerInsights.DISABLED;
}

export function resolveNetwork(scope: Construct, props: NetworkProps): Network {
  const made = props.vpc || props.cluster ? undefined : SharedNetwork.find(scope) ?? new SharedNetwork(scope, shapeOf(props));
  const vpc = made?.vpc ?? props.vpc ?? props.cluster!.vpc;
  const cluster = made?.cluster ?? props.cluster ?? newCluster(scope, vpc, insightsOf(props));
  // Capacity providers must be associated with the cluster. On a cluster that CDK makes this changes nothing
  // but that; an imported one is the user's, and the docstring of `cluster` says what it needs.
  if (cluster instanceof ecs.Cluster) { cluster.enableFargateCapacityProviders(); }

  const withAWayOut = vpc.privateSubnets.length > 0 ? ec2.SubnetType.PRIVATE_WITH_EGRESS : ec2.SubnetType.PUBLIC;
  const isolated = made?.shape.egress._isIsolated ? made : undefined;
  const taskSubnets = props.vpcSubnets ?? { subnetType: made?.taskSubnetType ?? withAWayOut };
  return {
    vpc,
    cluster,
    madeCluster: cluster !== props.cluster,
    hasContainerInsights: !props.cluster && insightsOf(props) !== ecs.ContainerInsights.DISABLED,
    taskSubnets,
    assignPublicIp: vpc.selectSubnets(taskSubnets).hasPublic,
    isIsolated: isolated !== undefined,
    endpointsFor: (task) => isolated?.endpointsFor(task) ?? [],
  };
}

/** The VPC that the services of a stack share, once one of them has been made. */
export function sharedVpcOf(scope: Construct): ec2.IVpc | undefined {
  return SharedNetwork.find(scope)?.vpc;
}

/** Where what is not for the internet stands. */
export function internalSubnets(vpc: ec2.IVpc): ec2.SubnetSelection {
  if (vpc.privateSubnets.length > 0) { return { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS }; }
  return { subnetType: vpc.isolatedSubnets.length > 0 ? ec2.SubnetType.PRIVATE_ISOLATED : ec2.SubnetType.PUBLIC };
}

const SHARED_NETWORK = Symbol.for('hello-fargate-service.SharedNetwork');

/**
 * The VPC and the cluster that the services of a stack share when they are given none.
 *
 * It stands under the stack, and all of its services say the same shape, so that it does not matter which one comes
 * first. It is found again by a symbol: its id may be taken, and two copies of this library may be installed.
 */
class SharedNetwork extends Construct {
  public static find(scope: Construct): SharedNetwork | undefined {
    return Stack.of(scope).node.children.find((child): child is SharedNetwork => SHARED_NETWORK in child);
  }

  public readonly vpc: ec2.Vpc;
  public readonly cluster: ecs.Cluster;
  public readonly madeFor: string;
  public readonly taskSubnetType: ec2.SubnetType;

  constructor(service: Construct, public readonly shape: Shape) {
    super(Stack.of(service), 'HelloFargateNetwork');
    Object.defineProperty(this, SHARED_NETWORK, { value: true });
    this.madeFor = service.node.path;
    const { egress, maxAzs, flowLogs, containerInsights } = shape;
    this.taskSubnetType = egress._subnets.reserved ? ec2.SubnetType.PUBLIC : egress._subnets.subnetType;

    this.vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr('10.0.0.0/16'),
      maxAzs,
      natGateways: egress._natGateways,
      restrictDefaultSecurityGroup: true,
      // Ranges for a third zone and for private tasks are set aside, so that neither renumbers what runs.
      reservedAzs: 3 - maxAzs,
      subnetConfiguration: [
        { name: 'public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 20, mapPublicIpOnLaunch: false },
        { ...egress._subnets, cidrMask: 19 },
      ],
    });
    if (flowLogs) {
      this.vpc.addFlowLog('FlowLog', {
        destination: ec2.FlowLogDestination.toCloudWatchLogs(new logs.LogGroup(this, 'FlowLogGroup', {
          retention: DEFAULTS.flowLogRetention,
          removalPolicy: RemovalPolicy.DESTROY,
        })),
      });
    }
    this.cluster = newCluster(this, this.vpc, containerInsights);
  }

  /** The endpoints that a task needs to start, to log and to read its secrets. Those of all services of the stack add up. */
  public endpointsFor(task: TaskNeeds): IConstruct[] {
    const services = ec2.InterfaceVpcEndpointAwsService;
    const allowed = task.actions.join(' ');
    return [
      this.gateway(),
      this.endpoint('EcrApi', services.ECR),
      this.endpoint('EcrDocker', services.ECR_DOCKER),
      this.endpoint('Logs', services.CLOUDWATCH_LOGS),
      ...allowed.includes('secretsmanager:') ? [this.endpoint('SecretsManager', services.SECRETS_MANAGER)] : [],
      ...allowed.includes('ssm:') ? [this.endpoint('Ssm', services.SSM)] : [],
      ...allowed.includes('kms:') ? [this.endpoint('Kms', services.KMS)] : [],
      ...task.enableExecuteCommand ? [this.endpoint('SsmMessages', services.SSM_MESSAGES)] : [],
    ];
  }

  private endpoint(id: string, service: ec2.IInterfaceVpcEndpointService): IConstruct {
    return this.vpc.node.tryFindChild(id) ?? this.vpc.addInterfaceEndpoint(id, { service, subnets: { subnetType: this.taskSubnetType } });
  }

  /** The layers of images lie in S3. */
  private gateway(): IConstruct {
    return this.vpc.node.tryFindChild('S3')
      ?? this.vpc.addGatewayEndpoint('S3', { service: ec2.GatewayVpcEndpointAwsService.S3, subnets: [{ subnetType: this.taskSubnetType }] });
  }
}

/** What `Cluster.fromClusterArn` returns throws when it is asked for its VPC. */
function hasVpc(cluster: ecs.ICluster): boolean {
  try {
    return cluster.vpc !== undefined;
  } catch {
    return false;
  }
}

function newCluster(scope: Construct, vpc: ec2.IVpc, containerInsights: ecs.ContainerInsights): ecs.Cluster {
  const isOff = containerInsights === ecs.ContainerInsights.DISABLED;
  return new ecs.Cluster(scope, 'Cluster', { vpc, enableFargateCapacityProviders: true, containerInsightsV2: isOff ? undefined : containerInsights });
}

function describe(selection: ec2.SubnetSelection): string {
  return selection.subnetType ?? selection.subnetGroupName ?? selection.subnets?.map((subnet) => subnet.node.path).join(', ') ?? 'a selection';
}
