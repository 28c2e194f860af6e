import {
  Aspects,
  CfnResource,
  IAspect,
  RemovalPolicy,
  Stack,
  aws_ec2 as ec2,
  aws_ecs as ecs,
  aws_logs as logs,
} from 'aws-cdk-lib';
import { Construct, IConstruct } from 'constructs';
import { Egress } from './egress';
import { DEFAULTS } from '../preset';

/** Settings that must be identical for all services of a stack, because they share the network. */
export interface NetworkSettings {
  readonly egress: Egress;
  readonly maxAzs: number;
  /** Their names, as many as `maxAzs`. */
  readonly availabilityZones?: string[];
  readonly flowLogs: boolean;
  readonly containerInsights: ecs.ContainerInsights;
}

/** Facts about a task that determine which VPC endpoints it needs. */
export interface TaskNeeds {
  /** IAM actions that its roles allow, like `secretsmanager:GetSecretValue`. */
  readonly actions: string[];
  readonly enableExecuteCommand: boolean;
}

/** Address ranges are reserved for this many Availability Zones. */
const MAX_AZS = 3;

/**
 * All subnet groups of the VPC: 10.0.0.0 to 10.0.47.255, 10.0.64.0 to 10.0.159.255 and 10.0.160.0 to 10.0.207.255. Each
 * keeps its range, used or not, because two subnets with different logical IDs cannot have the same range during an
 * update (https://github.com/aws/aws-cdk/issues/28369). The rest of 10.0.0.0/16 is free for subnets of the user.
 */
const SUBNET_GROUPS: ec2.SubnetConfiguration[] = [
  { name: 'public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 20, mapPublicIpOnLaunch: false },
  { name: 'private', subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 19 },
  { name: 'isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 20 },
];

const SHARED_NETWORK = Symbol.for('hello-fargate-service.SharedNetwork');

/**
 * The VPC and the ECS cluster that all services of a stack share if none are given.
 *
 * It is created in the stack, and its settings are identical for all services, so it does not matter which one is
 * created first. It is found by a symbol, because its ID may be taken and two copies of this library may be installed.
 */
export class SharedNetwork extends Construct {
  public static find(scope: Construct): SharedNetwork | undefined {
    return Stack.of(scope).node.children.find((child): child is SharedNetwork => SHARED_NETWORK in child);
  }

  public readonly vpc: ec2.Vpc;
  public readonly cluster: ecs.Cluster;
  /** Path of the service that created it. */
  public readonly createdFor: string;
  public readonly taskSubnetType: ec2.SubnetType;

  constructor(service: Construct, public readonly settings: NetworkSettings) {
    super(Stack.of(service), 'HelloFargateNetwork');
    Object.defineProperty(this, SHARED_NETWORK, { value: true });
    this.createdFor = service.node.path;
    const { egress, maxAzs, availabilityZones, flowLogs, containerInsights } = settings;
    this.taskSubnetType = egress._subnetType;
    const used = [ec2.SubnetType.PUBLIC, egress._subnetType];

    this.vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr('10.0.0.0/16'),
      // CDK accepts only one of the two, and appends to the list.
      ...availabilityZones ? { availabilityZones: [...availabilityZones] } : { maxAzs },
      natGateways: egress._natGateways,
      restrictDefaultSecurityGroup: true,
      // Reserves address ranges for a third Availability Zone and for the other subnets, so you can add both later
      // without changing existing subnets.
      reservedAzs: MAX_AZS - maxAzs,
      subnetConfiguration: SUBNET_GROUPS.map((group) => ({ ...group, reserved: !used.includes(group.subnetType) })),
    });
    this.keepFunctionFromLogging();
    if (flowLogs) { this.addFlowLog(); }
    this.cluster = newCluster(this, this.vpc, containerInsights);
  }

  /**
   * The function of CDK that removes the rules of the default security group would create a log group that stays when
   * the stack is deleted. The stack's events have its errors.
   */
  private keepFunctionFromLogging(): void {
    const provider = Stack.of(this).node.findChild('Custom::VpcRestrictDefaultSGCustomResourceProvider');
    (provider.node.findChild('Role') as CfnResource).addPropertyDeletionOverride('ManagedPolicyArns');
  }

  private addFlowLog(): void {
    const logGroup = new logs.LogGroup(this, 'FlowLogGroup', {
      retention: DEFAULTS.flowLogRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.vpc.addFlowLog('FlowLog', { destination: ec2.FlowLogDestination.toCloudWatchLogs(logGroup) });
  }

  /**
   * The endpoints that a task needs to start, to log and to read its secrets. They are shared by all services of the
   * stack.
   */
  public endpointsFor({ actions, enableExecuteCommand }: TaskNeeds): IConstruct[] {
    const services = ec2.InterfaceVpcEndpointAwsService;
    const uses = (service: string) => actions.some((action) => action.startsWith(`${service}:`));
    const endpoints = [
      this.s3Endpoint(),
      this.endpoint('EcrApi', services.ECR),
      this.endpoint('EcrDocker', services.ECR_DOCKER),
      this.endpoint('Logs', services.CLOUDWATCH_LOGS),
    ];
    if (uses('secretsmanager')) { endpoints.push(this.endpoint('SecretsManager', services.SECRETS_MANAGER)); }
    if (uses('ssm')) { endpoints.push(this.endpoint('Ssm', services.SSM)); }
    if (uses('kms')) { endpoints.push(this.endpoint('Kms', services.KMS)); }
    if (enableExecuteCommand) { endpoints.push(this.endpoint('SsmMessages', services.SSM_MESSAGES)); }
    return endpoints;
  }

  private endpoint(id: string, service: ec2.IInterfaceVpcEndpointService): IConstruct {
    return this.vpc.node.tryFindChild(id)
      ?? this.vpc.addInterfaceEndpoint(id, { service, subnets: { subnetType: this.taskSubnetType } });
  }

  /** ECR stores image layers in S3. */
  private s3Endpoint(): IConstruct {
    return this.vpc.node.tryFindChild('S3') ?? this.vpc.addGatewayEndpoint('S3', {
      service: ec2.GatewayVpcEndpointAwsService.S3,
      subnets: [{ subnetType: this.taskSubnetType }],
    });
  }
}

export function newCluster(scope: Construct, vpc: ec2.IVpc, containerInsights: ecs.ContainerInsights): ecs.Cluster {
  const isDisabled = containerInsights === ecs.ContainerInsights.DISABLED;
  return new ecs.Cluster(scope, 'Cluster', {
    vpc,
    enableFargateCapacityProviders: true,
    containerInsightsV2: isDisabled ? undefined : containerInsights,
  });
}

/**
 * Creates the association with the capacity providers only after the routes of the VPC.
 *
 * The first cluster of an account makes ECS create its service-linked role, which takes some seconds. Until then, the
 * association fails with "Unable to assume the service linked role". The routes take longer, because they wait for the
 * internet gateway, and the service needs them as well.
 *
 * @see https://github.com/aws/containers-roadmap/issues/2614
 */
export function associateAfterRoutes(cluster: ecs.Cluster): void {
  // A VPC in another stack exists before the cluster. Several services may share the cluster.
  const isDone = Aspects.of(cluster).all.some((aspect) => aspect instanceof AssociationAfterRoutes);
  if (isDone || Stack.of(cluster.vpc) !== Stack.of(cluster)) { return; }
  Aspects.of(cluster).add(new AssociationAfterRoutes(cluster.vpc));
}

/** CDK creates the association in an aspect. */
class AssociationAfterRoutes implements IAspect {
  constructor(private readonly vpc: ec2.IVpc) {}

  public visit(node: IConstruct): void {
    if (!(node instanceof ecs.CfnClusterCapacityProviderAssociations)) { return; }
    const { publicSubnets, privateSubnets, isolatedSubnets } = this.vpc;
    const subnets = [...publicSubnets, ...privateSubnets, ...isolatedSubnets];
    node.node.addDependency(...subnets.map((subnet) => subnet.internetConnectivityEstablished));
  }
}
