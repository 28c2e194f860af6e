import { Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import { show, Validation } from './validation';

/** Where the service stands: taken from what the user gave, or from the stack's shared network. */
export interface Network {
  readonly vpc: ec2.IVpc;
  readonly cluster: ecs.ICluster;
  /** The subnets of the tasks. */
  readonly taskSubnets: ec2.SubnetSelection;
  /** In a public subnet without NAT, a task reaches ECR and CloudWatch by an address of its own. */
  readonly assignPublicIp: boolean;
}

export interface NetworkProps {
  readonly vpc?: ec2.IVpc;
  readonly vpcSubnets?: ec2.SubnetSelection;
  readonly cluster?: ecs.ICluster;
}

export function validateNetwork(validation: Validation, props: NetworkProps): void {
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
  const given = vpc ?? cluster?.vpc;
  if (!given) {
    if (vpcSubnets) {
      validation.refuse('vpcSubnets', show(describe(vpcSubnets)), 'it would be ignored, as the VPC is made here', 'give vpc as well, or leave vpcSubnets out');
    }
    return;
  }
  const prop = vpc ? 'vpc' : 'cluster';
  const has = `it has ${given.publicSubnets.length} public, ${given.privateSubnets.length} private and ${given.isolatedSubnets.length} isolated subnets`;
  const zones = new Set(given.publicSubnets.map((subnet) => subnet.availabilityZone));
  if (zones.size < 2 && ![...zones].some(Token.isUnresolved)) {
    validation.refuse(prop, show(given.node.path), `an internet-facing load balancer needs public subnets in two zones, and ${has}`,
      'give a VPC with public subnets in two zones');
  }
  if (vpcSubnets) {
    let found = 0;
    try {
      found = given.selectSubnets(vpcSubnets).subnets.length;
    } catch (error) {
      validation.refuse('vpcSubnets', show(describe(vpcSubnets)), `the VPC ${given.node.path} cannot select them: ${(error as Error).message}`,
        `select subnets that the VPC has: ${has}`);
      return;
    }
    if (found === 0) {
      validation.refuse('vpcSubnets', show(describe(vpcSubnets)), `it selects no subnet of ${given.node.path}`, `select subnets that the VPC has: ${has}`);
    }
  }
}

export function resolveNetwork(scope: Construct, props: NetworkProps): Network {
  const { vpc, cluster } = props.vpc || props.cluster
    ? { vpc: props.vpc ?? props.cluster!.vpc, cluster: props.cluster ?? newCluster(scope, props.vpc!) }
    : SharedNetwork.of(scope);
  // Capacity providers must be associated with the cluster. On a cluster that CDK makes this changes nothing
  // but that; an imported one is the user's, and the docstring of `cluster` says what it needs.
  if (cluster instanceof ecs.Cluster) { cluster.enableFargateCapacityProviders(); }

  const taskSubnets = props.vpcSubnets
    ?? { subnetType: vpc.privateSubnets.length > 0 ? ec2.SubnetType.PRIVATE_WITH_EGRESS : ec2.SubnetType.PUBLIC };
  return { vpc, cluster, taskSubnets, assignPublicIp: vpc.selectSubnets(taskSubnets).hasPublic };
}

const SHARED_NETWORK = Symbol.for('hello-fargate-service.SharedNetwork');

/**
 * The VPC and the cluster that the services of a stack share when they are given none.
 *
 * It stands under the stack, and its shape depends on no service, so that it does not matter which one comes
 * first. It is found again by a symbol: its id may be taken, and two copies of this library may be installed.
 */
class SharedNetwork extends Construct {
  public static of(scope: Construct): SharedNetwork {
    const stack = Stack.of(scope);
    return stack.node.children.find((child): child is SharedNetwork => SHARED_NETWORK in child) ?? new SharedNetwork(stack);
  }

  public readonly vpc: ec2.Vpc;
  public readonly cluster: ecs.Cluster;

  private constructor(stack: Stack) {
    super(stack, 'HelloFargateNetwork');
    Object.defineProperty(this, SHARED_NETWORK, { value: true });

    this.vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr('10.0.0.0/16'),
      maxAzs: 2,
      natGateways: 0,
      restrictDefaultSecurityGroup: true,
      // Ranges for a third zone and for private tasks are set aside, so that neither renumbers what runs.
      reservedAzs: 1,
      subnetConfiguration: [
        { name: 'public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 20, mapPublicIpOnLaunch: false },
        { name: 'reserved', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 19, reserved: true },
      ],
    });
    this.cluster = newCluster(this, this.vpc);
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

function newCluster(scope: Construct, vpc: ec2.IVpc): ecs.Cluster {
  return new ecs.Cluster(scope, 'Cluster', { vpc, enableFargateCapacityProviders: true });
}

function describe(selection: ec2.SubnetSelection): string {
  return selection.subnetType ?? selection.subnetGroupName ?? selection.subnets?.map((subnet) => subnet.node.path).join(', ') ?? 'a selection';
}
