import { Stack, Token, aws_ec2 as ec2, aws_ecs as ecs } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { Egress } from './egress';
import { Network, NetworkOptions, settingsOf, subnetCounts } from './network';
import { NetworkSettings, SharedNetwork } from './shared-network';
import { isDefined, show, Validation } from '../validation';

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
  const { vpcSubnets, egress, maxAzs, availabilityZones, flowLogs } = options;
  for (const [prop, value] of Object.entries({ maxAzs, availabilityZones, flowLogs })) {
    if (value !== undefined) {
      validation.refuse(prop, show(value), `it would be ignored, because the VPC ${vpc.node.path} is given`,
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
      'pass a VPC with private or public subnets, or, if it has the VPC endpoints, '
      + 'set vpcSubnets to the subnet type PRIVATE_ISOLATED');
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
  const { egress, maxAzs, availabilityZones } = settingsOf(options);
  validatePublicIp(validation, egress, options.assignPublicIp);
  const knownAzs = Stack.of(scope).availabilityZones.length;
  if (availabilityZones) {
    validateZones(validation, scope, availabilityZones, maxAzs);
  } else if (maxAzs !== 2 && maxAzs !== 3) {
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

function validateZones(validation: Validation, scope: Construct, zones: string[], maxAzs: number): void {
  const refuse = (rule: string, fix: string) => validation.refuse('availabilityZones', show(zones), rule, fix);
  if (zones.length < 2 || zones.length > 3 || new Set(zones).size < zones.length) {
    refuse('the VPC that the construct creates has two or three Availability Zones', 'list 2 or 3 different ones');
    return;
  }
  if (maxAzs !== zones.length) {
    validation.refuse('maxAzs', show(maxAzs), `availabilityZones has ${zones.length}`, 'leave maxAzs out');
  }
  const known = Stack.of(scope).availabilityZones;
  // Before they have been looked up, the Availability Zones of an environment are placeholders.
  if (known.some((zone) => Token.isUnresolved(zone) || zone.startsWith('dummy'))) { return; }
  const unknown = zones.find((zone) => !Token.isUnresolved(zone) && !known.includes(zone));
  if (unknown !== undefined) {
    refuse(`the stack's environment has no ${unknown}`, `list some of ${known.join(', ')}`);
  }
}

function validatePublicIp(validation: Validation, egress: Egress, assignPublicIp: boolean | undefined): void {
  if (assignPublicIp === undefined || assignPublicIp === egress._usesPublicIps) { return; }
  if (assignPublicIp) {
    validation.refuse('assignPublicIp', 'true',
      `with ${egress._description} the tasks are in subnets where a public address has no effect`,
      'leave it out, or set egress to Egress.publicIp');
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

function describeSettings(settings: NetworkSettings): Record<string, string> {
  const { egress, maxAzs, availabilityZones, flowLogs, containerInsights } = settings;
  return {
    egress: egress._description,
    maxAzs: String(maxAzs),
    availabilityZones: show(availabilityZones),
    flowLogs: String(flowLogs),
    containerInsights,
  };
}

/** A sidecar's image must come from a registry that the tasks can reach. */
export function validateSidecarImage(validation: Validation, network: Network, image: ecs.ContainerImage): void {
  const name = network.isIsolated && nameOutsideEcr(image);
  if (name) {
    validation.refuse('addSidecar.image', show(name),
      'with Egress.vpcEndpoints isolated subnets cannot reach its registry',
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
