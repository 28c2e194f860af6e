import { Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Construct, IConstruct, IDependable } from 'constructs';
import { Egress } from './egress';
import { associateAfterRoutes, NetworkSettings, newCluster, SharedNetwork, TaskNeeds } from './shared-network';
import { isDefined, show, Validation } from '../validation';

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
function settingsOf(options: NetworkOptions): NetworkSettings {
  const { egress = Egress.publicIp(), maxAzs, flowLogs = false } = options;
  return { egress, maxAzs: maxAzs!, flowLogs, containerInsights: containerInsightsOf(options) };
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

export function validateNetwork(
  validation: Validation, scope: Construct, options: NetworkOptions, image: ecs.ContainerImage | undefined,
): void {
  const { vpc, vpcSubnets, cluster, containerInsights } = options;
  if (cluster && !isDefined(() => cluster.vpc)) {
    validation.refuse('cluster', show(cluster.node.path), 'it was imported without its VPC',
      'import it with ecs.Cluster.fromClusterAttributes and pass its vpc there');
    return;
  }
  if (vpc && cluster && cluster.vpc !== vpc && cluster.vpc.vpcId !== vpc.vpcId) {
    validation.refuse('vpc', show(vpc.node.path), `the cluster ${cluster.node.path} is in another VPC`,
      'pass only the cluster; its VPC is used');
    return;
  }
  if (cluster && containerInsights !== undefined) {
    validation.refuse('containerInsights', show(containerInsights),
      `it would be ignored, because the cluster ${cluster.node.path} is given`,
      'set containerInsightsV2 on that cluster');
  }
  const givenVpc = vpc ?? cluster?.vpc;
  if (givenVpc) {
    validateGivenVpc(validation, givenVpc, options);
    return;
  }
  if (vpcSubnets) {
    validation.refuse('vpcSubnets', show(describe(vpcSubnets)),
      'it would be ignored, because the construct creates the VPC',
      'pass vpc as well, or leave vpcSubnets out');
  }
  validateNewVpc(validation, scope, options);
  validateImageRegistry(validation, settingsOf(options).egress, image);
  validateSharing(validation, scope, options);
}

function validateGivenVpc(validation: Validation, vpc: ec2.IVpc, options: NetworkOptions): void {
  const { vpcSubnets, egress, maxAzs, flowLogs } = options;
  for (const [prop, value] of Object.entries({ maxAzs, flowLogs })) {
    if (value !== undefined) {
      validation.refuse(prop, String(value), `it would be ignored, because the VPC ${vpc.node.path} is given`,
        'set it on that VPC');
    }
  }
  if (egress) {
    const fix = egress._isIsolated
      ? 'create endpoints in it for ecr.api, ecr.dkr, logs and S3, and for secretsmanager, ssm, kms and ssmmessages '
        + 'if the service uses them, and set vpcSubnets'
      : 'leave it out, and select subnets with vpcSubnets';
    validation.refuse('egress', egress._description, `the VPC ${vpc.node.path} has its own outbound access`, fix);
  }
  if (vpcSubnets) {
    validateSelection(validation, vpc, vpcSubnets);
  } else if (vpc.privateSubnets.length + vpc.publicSubnets.length === 0) {
    validation.refuse('vpc', show(vpc.node.path), `the tasks need outbound access, and it has ${subnetCounts(vpc)}`,
      'pass a VPC with private or public subnets, or, if it has the VPC endpoints, select its isolated ones: '
      + 'vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED }');
  }
}

function validateSelection(validation: Validation, vpc: ec2.IVpc, selection: ec2.SubnetSelection): void {
  const { subnetGroupName } = selection;
  const rule = 'subnets are selected at synthesis';
  if (validation.refuseToken('vpcSubnets.subnetGroupName', subnetGroupName, rule)) { return; }
  const fix = `select subnets of the VPC: it has ${subnetCounts(vpc)}`;
  try {
    const { subnets, isPendingLookup } = vpc.selectSubnets(selection);
    // Before `Vpc.fromLookup` has looked the VPC up, its subnets are placeholders.
    if (subnets.length === 0 && !isPendingLookup) {
      validation.refuse('vpcSubnets', show(describe(selection)), `it selects no subnet of ${vpc.node.path}`, fix);
    }
  } catch (error) {
    validation.refuse('vpcSubnets', show(describe(selection)),
      `the VPC ${vpc.node.path} cannot select them: ${(error as Error).message.replace(/\s+/g, ' ')}`, fix);
  }
}

function validateNewVpc(validation: Validation, scope: Construct, options: NetworkOptions): void {
  const { egress, maxAzs } = settingsOf(options);
  validatePublicIp(validation, egress, options.assignPublicIp);
  const knownAzs = Stack.of(scope).availabilityZones.length;
  if (maxAzs !== 2 && maxAzs !== 3) {
    validation.refuse('maxAzs', show(maxAzs),
      'the VPC that the construct creates has two or three Availability Zones',
      'set 2 or 3, or pass a vpc');
  } else if (knownAzs < maxAzs) {
    validation.refuse('maxAzs', String(maxAzs), `CDK knows ${knownAzs} Availability Zones of this stack's environment`,
      'set env of the stack to an account and a region that has as many, or leave maxAzs out');
  }
  if (egress._usesNatGateways) {
    validation.refuseToken('egress.count', egress._natGateways, 'it decides how many NAT gateways are created');
    validation.wholeNumber('egress.count', egress._natGateways, [1, maxAzs],
      'the number of NAT gateways, at most one for each Availability Zone,');
  }
}

function validatePublicIp(validation: Validation, egress: Egress, assignPublicIp: boolean | undefined): void {
  if (assignPublicIp === undefined || assignPublicIp === egress._usesPublicIps) { return; }
  if (assignPublicIp) {
    validation.refuse('assignPublicIp', 'true',
      `with ${egress._description} the tasks are in subnets where a public address has no effect`,
      'leave it out, or set egress: Egress.publicIp()');
  } else {
    validation.refuse('assignPublicIp', 'false',
      `with ${egress._description} the tasks have no other outbound access`, 'set another egress');
  }
}

function validateImageRegistry(validation: Validation, egress: Egress, image: ecs.ContainerImage | undefined): void {
  const name = egress._isIsolated && image && nameOutsideEcr(image);
  if (name) {
    validation.refuse('egress', egress._description, `isolated subnets cannot reach the registry of the image ${name}`,
      'push the image to ECR, or use another egress');
  }
}

function validateSharing(validation: Validation, scope: Construct, options: NetworkOptions): void {
  const shared = SharedNetwork.find(scope);
  if (!shared) { return; }
  const existing = describeSettings(shared.settings);
  for (const [prop, value] of Object.entries(describeSettings(settingsOf(options)))) {
    if (value !== existing[prop]) {
      validation.refuse(prop, value,
        `the services of a stack share one VPC, and ${shared.createdFor} has ${existing[prop]}`,
        'set the same value for both, or pass a vpc to one of them');
    }
  }
}

function describeSettings({ egress, maxAzs, flowLogs, containerInsights }: NetworkSettings): Record<string, string> {
  return { egress: egress._description, maxAzs: String(maxAzs), flowLogs: String(flowLogs), containerInsights };
}

/** A sidecar's image must come from a registry that the tasks can reach. */
export function validateSidecarImage(validation: Validation, network: Network, image: ecs.ContainerImage): void {
  const name = network.isIsolated && nameOutsideEcr(image);
  if (name) {
    validation.refuse('addSidecar.image', show(name),
      'with Egress.vpcEndpoints() isolated subnets cannot reach its registry',
      'push the image to ECR or use a pull-through cache of ECR, or use another egress');
  }
}

/** The name of an image, if it is known not to be in ECR. */
function nameOutsideEcr(image: ecs.ContainerImage): string | undefined {
  if (!(image instanceof ecs.RepositoryImage)) { return undefined; }
  // A private field. If a later CDK version renames it, the image is accepted.
  const { imageName } = image as unknown as { imageName?: string };
  const isUnknown = imageName === undefined || Token.isUnresolved(imageName);
  return isUnknown || /\.dkr[.-]ecr\./.test(imageName) ? undefined : imageName;
}

function describe({ subnetType, subnetGroupName, subnets }: ec2.SubnetSelection): string {
  return subnetType ?? subnetGroupName ?? subnets?.map((subnet) => subnet.node.path).join(', ') ?? 'a selection';
}
