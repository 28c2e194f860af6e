import { aws_ec2 as ec2, aws_ecs as ecs } from 'aws-cdk-lib';
import { Construct, IConstruct, IDependable } from 'constructs';
import { Egress } from './egress';
import { associateAfterRoutes, NetworkSettings, newCluster, SharedNetwork, TaskNeeds } from './shared-network';

/** Where a service runs: its VPC, subnets and ECS cluster. */
export interface NetworkOptions {
  /**
   * The VPC. A public load balancer needs public subnets in two of its Availability Zones.
   *
   * A load balancer cannot move to another VPC. To move a running service, create a new one with another ID.
   *
   * @default - the VPC of `cluster`; if there is none, all services of the stack share a new VPC with public subnets in
   * two Availability Zones and no NAT gateway
   */
  readonly vpc?: ec2.IVpc;

  /**
   * The subnets of the tasks, in the VPC that you pass.
   *
   * Tasks in isolated subnets need VPC endpoints for ecr.api, ecr.dkr, logs and S3 to pull their image and to log.
   * You create these endpoints.
   *
   * @default - private subnets with outbound access, if the VPC has them; otherwise public subnets, with a public IPv4
   * address for each task ($3.65 a month, https://aws.amazon.com/vpc/pricing/)
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Whether each task gets a public IPv4 address ($3.65 a month, https://aws.amazon.com/vpc/pricing/, 2026-09), in the
   * VPC that you pass. Set it if the construct cannot know whether the subnets are public: a subnet that is imported
   * by its ID may not be among the public subnets of its VPC.
   *
   * In the VPC that the construct creates, `egress` determines it. Another value is an error.
   *
   * @default - true if one of the subnets is a public subnet of the VPC, otherwise false
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html
   */
  readonly assignPublicIp?: boolean;

  /**
   * The ECS cluster. The service runs in its VPC.
   *
   * CDK adds the capacity providers FARGATE and FARGATE_SPOT to a cluster of this app. An imported cluster must have
   * them already (`aws ecs put-cluster-capacity-providers`), which CDK cannot check.
   *
   * @default - all services of the stack share a new cluster; with `vpc`, the service gets its own cluster
   */
  readonly cluster?: ecs.ICluster;

  /**
   * Outbound access of the tasks, in the VPC that the construct creates. Setting it together with `vpc` or `cluster` is
   * an error.
   *
   * @default Egress.publicIp(); with `Preset.PRODUCTION` Egress.natGateway with a gateway in each Availability Zone
   */
  readonly egress?: Egress;

  /**
   * Number of Availability Zones of the VPC that the construct creates: 2 or 3. CDK knows a third one only in a stack
   * with an account and a region.
   *
   * A third Availability Zone costs $3.65 a month for the IPv4 address of a public load balancer
   * (https://aws.amazon.com/vpc/pricing/, 2026-09), and $7.30 for each interface endpoint
   * (https://aws.amazon.com/privatelink/pricing/, 2026-09).
   *
   * @default - 2; 3 with `Preset.PRODUCTION` if CDK knows that many
   */
  readonly maxAzs?: number;

  /**
   * Names of the Availability Zones of the VPC that the construct creates, like `us-east-1a`: 2 or 3 of the stack's
   * Region. Use it if a service that you need is missing in one of the others, like VPC links of API Gateway or VPC
   * origins of CloudFront. Setting it together with `vpc`, `cluster` or another `maxAzs` is an error.
   *
   * Choose them before the first deployment: a subnet cannot move to another Availability Zone, so CloudFormation fails
   * to replace it and rolls back. A third one can be appended later.
   *
   * @default - the first `maxAzs` Availability Zones of the stack's environment
   * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-vpc-links.html
   * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html
   */
  readonly availabilityZones?: string[];

  /**
   * Whether the VPC that the construct creates has flow logs, which are kept for a year.
   *
   * They cost $0.50 per GB ingested and $0.03 per GB-month stored (https://aws.amazon.com/cloudwatch/pricing/,
   * 2026-09).
   *
   * @default - true with `Preset.PRODUCTION`, otherwise false
   * @see https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html
   */
  readonly flowLogs?: boolean;

  /**
   * CloudWatch Container Insights for the cluster that the construct creates, which all services of the stack share.
   *
   * It is billed for each metric, and their number grows with the number of tasks. `estimateMonthlyCost` does not
   * include it.
   *
   * @default - disabled; with `Preset.PRODUCTION` ecs.ContainerInsights.ENHANCED
   * @see https://aws.amazon.com/cloudwatch/pricing/
   */
  readonly containerInsights?: ecs.ContainerInsights;
}

/** The network that a service runs in: the given one, or the one that the services of the stack share. */
export interface Network {
  readonly vpc: ec2.IVpc;
  readonly cluster: ecs.ICluster;
  /** Whether this library created the cluster. */
  readonly ownsCluster: boolean;
  readonly hasContainerInsights: boolean;
  readonly taskSubnets: ec2.SubnetSelection;
  /** In a public subnet, a task needs a public address to reach ECR and CloudWatch. */
  readonly assignPublicIp: boolean;
  /** The routes of these subnets to the internet, with their gateways, as far as they are created in this app. */
  readonly routes: IDependable[];
  /** Whether the tasks reach only AWS services with an endpoint in the VPC. */
  readonly isIsolated: boolean;
  /** The VPC endpoints that must exist before a task can start. Empty unless the network is isolated. */
  endpointsFor(task: TaskNeeds): IConstruct[];
}

export function resolveNetwork(scope: Construct, options: NetworkOptions): Network {
  const shared = findOrCreateSharedNetwork(scope, options);
  const vpc = shared?.vpc ?? options.vpc ?? options.cluster!.vpc;
  const cluster = shared?.cluster ?? options.cluster ?? newCluster(scope, vpc, containerInsightsOf(options));
  // An imported cluster must have the capacity providers already: see the docs of `cluster`.
  if (cluster instanceof ecs.Cluster) {
    cluster.enableFargateCapacityProviders();
    associateAfterRoutes(cluster);
  }

  const taskSubnets = options.vpcSubnets ?? { subnetType: shared?.taskSubnetType ?? egressSubnetType(vpc) };
  const subnets = subnetsOf(vpc, taskSubnets);
  const isIsolated = shared?.settings.egress._isIsolated ?? false;
  return {
    vpc,
    cluster,
    ownsCluster: cluster !== options.cluster,
    hasContainerInsights: !options.cluster && containerInsightsOf(options) !== ecs.ContainerInsights.DISABLED,
    taskSubnets,
    assignPublicIp: options.assignPublicIp ?? subnets.some((subnet) => vpc.publicSubnets.includes(subnet)),
    routes: subnets.map((subnet) => subnet.internetConnectivityEstablished),
    isIsolated,
    endpointsFor: (task) => shared && isIsolated ? shared.endpointsFor(task) : [],
  };
}

function findOrCreateSharedNetwork(scope: Construct, options: NetworkOptions): SharedNetwork | undefined {
  if (options.vpc || options.cluster) { return undefined; }
  return SharedNetwork.find(scope) ?? new SharedNetwork(scope, settingsOf(options));
}

/** The selected subnets as the VPC knows them: a subnet that was imported by its ID is another object. */
function subnetsOf(vpc: ec2.IVpc, selection: ec2.SubnetSelection): ec2.ISubnet[] {
  const known = [...vpc.publicSubnets, ...vpc.privateSubnets, ...vpc.isolatedSubnets];
  return vpc.selectSubnets(selection).subnets
    .map((subnet) => known.find(({ subnetId }) => subnetId === subnet.subnetId) ?? subnet);
}

function egressSubnetType(vpc: ec2.IVpc): ec2.SubnetType {
  return vpc.privateSubnets.length > 0 ? ec2.SubnetType.PRIVATE_WITH_EGRESS : ec2.SubnetType.PUBLIC;
}

/** `maxAzs` has a default from the preset here. */
export function settingsOf(options: NetworkOptions): NetworkSettings {
  const { egress = Egress.publicIp(), maxAzs, availabilityZones, flowLogs = false } = options;
  return { egress, maxAzs: maxAzs!, availabilityZones, flowLogs, containerInsights: containerInsightsOf(options) };
}

function containerInsightsOf({ containerInsights }: NetworkOptions): ecs.ContainerInsights {
  return containerInsights ?? ecs.ContainerInsights.DISABLED;
}

/** The VPC that the services of a stack share, if one of them has created it. */
export function sharedVpcOf(scope: Construct): ec2.IVpc | undefined {
  return SharedNetwork.find(scope)?.vpc;
}

/** The subnets for resources that the internet must not reach. */
export function internalSubnets(vpc: ec2.IVpc): ec2.SubnetSelection {
  if (vpc.privateSubnets.length > 0) { return { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS }; }
  return { subnetType: vpc.isolatedSubnets.length > 0 ? ec2.SubnetType.PRIVATE_ISOLATED : ec2.SubnetType.PUBLIC };
}

/** The subnets of a VPC, for error messages. */
export function subnetCounts({ publicSubnets, privateSubnets, isolatedSubnets }: ec2.IVpc): string {
  return `${publicSubnets.length} public, ${privateSubnets.length} private `
    + `and ${isolatedSubnets.length} isolated subnets`;
}
