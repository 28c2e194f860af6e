import { fullDiff, ResourceImpact } from '@aws-cdk/cloudformation-diff';
import { Duration, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Alarms, Capacity, Deployment, Egress, HelloFargateServiceProps, Ingress, Preset } from '../src';
import { ENVIRONMENT_FILE, hostedZone, importedCertificate, importedVpc, NOTIFIED } from './support/fixtures';
import { memoize, newStack, templateOf } from './support/synth';

type Props = (stack: Stack) => HelloFargateServiceProps;

const US_EAST_1 = { env: { account: '123456789012', region: 'us-east-1' } };

const templateWith = memoize((props: Props): object => {
  const stack = newStack(US_EAST_1);
  return templateOf(props(stack), stack).toJSON();
});

/** What CloudFormation does when the props of a running service change, by the rules of its resource types. */
function change(before: Props, after: Props) {
  const impacts = new Array<{ type: string; impact: ResourceImpact }>();
  fullDiff(templateWith(before), templateWith(after)).resources.forEachDifference((_id, difference) => {
    const type = difference.newResourceType ?? difference.oldResourceType ?? '';
    impacts.push({ type, impact: difference.changeImpact });
  });
  const typesWith = (...wanted: ResourceImpact[]) =>
    impacts.filter(({ impact }) => wanted.includes(impact)).map(({ type }) => type);
  return {
    /** What happens to the resources of a type. Resources that do not change are left out. */
    impactsOn: (wanted: string) => impacts.filter(({ type }) => type === `AWS::${wanted}`).map(({ impact }) => impact),
    replaced: typesWith(ResourceImpact.WILL_REPLACE, ResourceImpact.MAY_REPLACE),
    removed: typesWith(ResourceImpact.WILL_DESTROY, ResourceImpact.WILL_ORPHAN),
  };
}

const { WILL_CREATE, WILL_DESTROY, WILL_UPDATE } = ResourceImpact;
const SERVICE = 'ECS::Service';
const LOAD_BALANCER = 'ElasticLoadBalancingV2::LoadBalancer';
const LISTENER = 'ElasticLoadBalancingV2::Listener';
const LISTENER_RULE = 'ElasticLoadBalancingV2::ListenerRule';
const TARGET_GROUP = 'ElasticLoadBalancingV2::TargetGroup';
const SECURITY_GROUP_RULES = ['EC2::SecurityGroupEgress', 'EC2::SecurityGroupIngress'];

const OF_LOAD_BALANCER = [
  LOAD_BALANCER, LISTENER, LISTENER_RULE, TARGET_GROUP, 'EC2::SecurityGroup', ...SECURITY_GROUP_RULES,
];

const noProps = () => ({});
const internal = () => ({ ingress: Ingress.http({ internetFacing: false }) });
const cloudFront = () => ({ ingress: Ingress.cloudFront() });

test('the same props change nothing', () => {
  const { replaced, removed, impactsOn } = change(noProps, () => ({}));

  expect([...replaced, ...removed, ...impactsOn(SERVICE)]).toEqual([]);
});

describe('ingress', () => {
  test.each([
    ['public to internal', noProps, internal],
    ['internal to public', internal, noProps],
    ['public to CloudFront', noProps, cloudFront],
    ['internal to CloudFront', internal, cloudFront],
  ])('%s creates a load balancer with a target group, and updates the service', (_change, before, after) => {
    const { replaced, impactsOn } = change(before, after);

    expect(replaced).toEqual([]);
    expect(impactsOn(SERVICE)).toEqual([WILL_UPDATE]);
    expect(impactsOn(LOAD_BALANCER).sort()).toEqual([WILL_CREATE, WILL_DESTROY].sort());
    expect(impactsOn(TARGET_GROUP).sort()).toEqual([WILL_CREATE, WILL_DESTROY].sort());
  });

  test('HTTP to HTTPS adds a listener, and keeps the load balancer, the target group and the service', () => {
    const { replaced, impactsOn } = change(noProps, (stack) => ({
      ingress: Ingress.https({ domainName: 'hello.example.com', domainZone: hostedZone(stack) }),
    }));

    expect(replaced).toEqual([]);
    expect(impactsOn(LOAD_BALANCER)).toEqual([]);
    expect(impactsOn(TARGET_GROUP)).toEqual([]);
    expect(impactsOn(SERVICE)).toEqual([WILL_UPDATE]); // its DependsOn, and no property
    expect(impactsOn(LISTENER).sort()).toEqual([WILL_CREATE, WILL_UPDATE].sort());
  });

  test('a second certificate is added to the listener', () => {
    const { replaced, removed, impactsOn } = change(
      (stack) => ({ ingress: Ingress.httpsWithCertificates([importedCertificate(stack, 'One')]) }),
      (stack) => ({
        ingress: Ingress.httpsWithCertificates(['One', 'Two'].map((id) => importedCertificate(stack, id))),
      }),
    );

    expect([...replaced, ...removed]).toEqual([]);
    expect(impactsOn(LISTENER)).toEqual([]);
    expect(impactsOn('ElasticLoadBalancingV2::ListenerCertificate')).toEqual([WILL_CREATE]);
  });

  test('options of the load balancer update it', () => {
    const { replaced, impactsOn } = change(noProps, () => ({
      ingress: Ingress.http({
        deletionProtection: true,
        accessLogs: true,
        sessionStickiness: {},
        allowFrom: [ec2.Peer.ipv4('192.0.2.0/24')],
      }),
    }));

    expect(replaced).toEqual([]);
    expect(impactsOn(LOAD_BALANCER)).toEqual([WILL_UPDATE]);
    expect(impactsOn(TARGET_GROUP)).toEqual([WILL_UPDATE]);
  });
});

describe('egress', () => {
  test.each([
    ['public IP addresses to a NAT gateway', () => ({ egress: Egress.natGateway() })],
    ['public IP addresses to VPC endpoints', () => ({ egress: Egress.vpcEndpoints() })],
    ['two Availability Zones to three', () => ({ maxAzs: 3 })],
  ])('%s adds subnets and updates the service, and keeps the VPC and its subnets', (_change, after) => {
    const { replaced, removed, impactsOn } = change(noProps, after);

    expect([...replaced, ...removed]).toEqual([]);
    expect(impactsOn(SERVICE)).toEqual([WILL_UPDATE]);
    expect(impactsOn('EC2::VPC')).toEqual([]);
    expect(new Set(impactsOn('EC2::Subnet'))).toEqual(new Set([WILL_CREATE]));
  });
});

/**
 * CloudFormation creates new subnets before it deletes old ones, so a range that moves to another logical ID fails with
 * "The CIDR … conflicts with another subnet" (https://github.com/aws/aws-cdk/issues/28369).
 */
describe('from each network that the construct creates to each other one', () => {
  const egresses = [Egress.publicIp(), Egress.natGateway(), Egress.vpcEndpoints()];
  const networks = egresses.flatMap((egress) => [2, 3].map((maxAzs) => ({
    name: `${egress._description} in ${maxAzs} Availability Zones`,
    props: () => ({ egress, maxAzs }),
  })));
  const pairs = networks.flatMap((one) => networks.filter((other) => other !== one).map((other) => [one, other]));

  test('there are 30 changes, all six of the egress among them', () => {
    expect(pairs).toHaveLength(30);
  });

  test.each(pairs.map(([one, other]) => [`${one.name} to ${other.name}`, one.props, other.props] as const))(
    '%s, no address range moves to a subnet with another logical ID',
    (_change, before, after) => {
      const [old, subnets] = [subnetsOf(before), subnetsOf(after)];

      expect(old.length).toBeGreaterThan(0);
      expect(old.flatMap((subnet) => subnets.filter((other) => other.id !== subnet.id && overlap(subnet, other))
        .map((other) => `${subnet.id} and ${other.id}: ${other.cidr}`))).toEqual([]);
    },
  );

  test('an overlap is found', () => {
    const [wide, narrow, next] = ['10.0.64.0/19', '10.0.80.0/20', '10.0.96.0/20'].map((cidr) => ({ cidr }));

    expect([overlap(wide, narrow), overlap(narrow, wide), overlap(wide, next)]).toEqual([true, true, false]);
  });
});

function subnetsOf(props: Props): Array<{ id: string; cidr: string }> {
  const { Resources } = templateWith(props) as { Resources: Record<string, { Type: string; Properties: any }> };
  return Object.entries(Resources).filter(([, { Type }]) => Type === 'AWS::EC2::Subnet')
    .map(([id, { Properties }]) => ({ id, cidr: Properties.CidrBlock }));
}

function overlap(one: { cidr: string }, other: { cidr: string }): boolean {
  const [[start, end], [otherStart, otherEnd]] = [one, other].map(({ cidr }) => {
    const [address, mask] = cidr.split('/');
    const first = address.split('.').reduce((number, byte) => number * 256 + Number(byte), 0);
    return [first, first + 2 ** (32 - Number(mask))];
  });
  return start < otherEnd && otherStart < end;
}

/** A change of props, and what it does besides creating and updating resources. */
interface Change {
  /** @default - no props */
  readonly from?: Props;
  readonly to: Props;
  /** Types that are replaced, besides the task definition: each deployment registers a revision. */
  readonly replaced?: string[];
  /** Types of which resources are removed. */
  readonly removed?: string[];
  /** Whether the change deploys: updates the service or registers a task definition. */
  readonly deploys: boolean;
}

type Changes = { readonly [K in keyof Required<HelloFargateServiceProps>]: Change };

const IMAGE = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');
const vpc = (stack: Stack, id?: string) => importedVpc(stack, { id, withPrivateSubnets: true });
const secret = (stack: Stack) =>
  ecs.Secret.fromSecretsManager(secretsmanager.Secret.fromSecretNameV2(stack, 'Secret', 'existing'));

/** Each prop, changed on a running service. A prop without a line does not compile. */
const CHANGES: Changes = {
  preset: {
    // Tasks move to private subnets, logs are encrypted, and the load balancer becomes internal, behind CloudFront.
    to: () => ({ preset: Preset.PRODUCTION, ...cloudFront(), alarms: NOTIFIED }),
    removed: OF_LOAD_BALANCER,
    deploys: true,
  },
  image: { to: () => ({ image: IMAGE }), deploys: true },
  architecture: { to: () => ({ architecture: ecs.CpuArchitecture.X86_64 }), deploys: true },
  containerPort: { to: () => ({ containerPort: 3000 }), removed: SECURITY_GROUP_RULES, deploys: true },
  cpu: { to: () => ({ cpu: 1024 }), deploys: true },
  memoryLimitMiB: { to: () => ({ memoryLimitMiB: 1024 }), deploys: true },
  ephemeralStorageGiB: { to: () => ({ ephemeralStorageGiB: 50 }), deploys: true },
  desiredCount: { to: () => ({ desiredCount: 5 }), deploys: true },
  scaling: { to: () => ({ scaling: { minCapacity: 2, maxCapacity: 10, requestsPerTarget: 1000 } }), deploys: true },
  capacity: { to: () => ({ capacity: Capacity.spot() }), deploys: true },
  deployment: { to: () => ({ deployment: Deployment.rolling({ prepareTrafficShifting: true }) }), deploys: true },
  forceNewDeployment: { to: () => ({ forceNewDeployment: 'again' }), deploys: true },
  environment: { to: () => ({ environment: { A: '1' } }), deploys: true },
  environmentFiles: { to: () => ({ environmentFiles: [ENVIRONMENT_FILE] }), deploys: true },
  secrets: { to: (stack) => ({ secrets: { A: secret(stack) } }), deploys: true },
  command: { to: () => ({ command: ['node', 'server.js'] }), deploys: true },
  entryPoint: { to: () => ({ entryPoint: ['node'] }), deploys: true },
  user: { from: () => ({ image: IMAGE }), to: () => ({ image: IMAGE, user: '1000:1000' }), deploys: true },
  readonlyRootFilesystem: { to: () => ({ readonlyRootFilesystem: false }), deploys: true },
  stopTimeout: { to: () => ({ stopTimeout: Duration.seconds(60) }), deploys: true },
  healthCheck: { to: () => ({ healthCheck: { path: '/info', gracePeriod: Duration.minutes(2) } }), deploys: true },
  containerHealthCheck: { to: () => ({ containerHealthCheck: { command: ['CMD', 'true'] } }), deploys: true },
  ingress: {
    to: internal,
    removed: OF_LOAD_BALANCER,
    deploys: true,
  },
  egress: { to: () => ({ egress: Egress.vpcEndpoints() }), deploys: true },
  maxAzs: { to: () => ({ maxAzs: 3 }), deploys: true },
  // The subnet keeps its range, so CloudFormation cannot create the new one: the docstring says that it rolls back.
  availabilityZones: {
    to: () => ({ availabilityZones: ['eu-central-1a', 'eu-central-1c'] }),
    replaced: ['EC2::Subnet', 'EC2::SubnetRouteTableAssociation'],
    deploys: false,
  },
  flowLogs: { to: () => ({ flowLogs: true }), deploys: false },
  // Security groups and target groups cannot move to another VPC, as the docstring says.
  vpc: {
    from: (stack) => ({ vpc: vpc(stack, 'One') }),
    to: (stack) => ({ vpc: vpc(stack, 'Other') }),
    replaced: ['EC2::SecurityGroup', ...SECURITY_GROUP_RULES, TARGET_GROUP],
    deploys: true,
  },
  vpcSubnets: {
    from: (stack) => ({ vpc: vpc(stack) }),
    to: (stack) => ({ vpc: vpc(stack), vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC } }),
    deploys: true,
  },
  assignPublicIp: {
    from: (stack) => ({ vpc: vpc(stack) }),
    to: (stack) => ({ vpc: vpc(stack), assignPublicIp: true }),
    deploys: true,
  },
  // The new service is registered with the same target group before the old one is deleted.
  cluster: {
    from: (stack) => ({ vpc: vpc(stack) }),
    to: (stack) => ({
      cluster: ecs.Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'shared', vpc: vpc(stack) }),
    }),
    replaced: [SERVICE],
    removed: ['ECS::Cluster', 'ECS::ClusterCapacityProviderAssociations'],
    deploys: true,
  },
  enableExecuteCommand: { to: () => ({ enableExecuteCommand: true }), deploys: true },
  logDriver: { to: () => ({ logDriver: ecs.LogDrivers.firelens({}) }), deploys: true },
  logRetention: { to: () => ({ logRetention: 365 }), deploys: false },
  // The class of a log group cannot change: a new, empty log group replaces it.
  logGroupClass: {
    to: () => ({ logGroupClass: logs.LogGroupClass.INFREQUENT_ACCESS }),
    removed: ['Logs::LogGroup'],
    deploys: true,
  },
  logRemovalPolicy: { to: () => ({ logRemovalPolicy: RemovalPolicy.RETAIN }), deploys: false },
  encryptLogs: { to: () => ({ encryptLogs: true }), deploys: false },
  logEncryptionKey: { to: (stack) => ({ logEncryptionKey: new kms.Key(stack, 'Key') }), deploys: false },
  logServiceEvents: { to: () => ({ logServiceEvents: true }), deploys: false },
  logInsightsQueries: { to: () => ({ logInsightsQueries: true }), deploys: false },
  alarms: {
    to: () => ({
      alarms: Alarms.recommended({ emails: ['on-call@example.com'], p95ResponseTime: Duration.seconds(1) }),
    }),
    deploys: false,
  },
  dashboard: { to: () => ({ dashboard: true }), deploys: false },
  containerInsights: { to: () => ({ containerInsights: ecs.ContainerInsights.ENHANCED }), deploys: false },
  outputUrl: { to: () => ({ outputUrl: false }), deploys: false },
};

const typesOf = (types: string[]) => [...new Set(types)].sort();
const cfnTypes = (types: string[]) => typesOf(types.map((type) => `AWS::${type}`));
const TASK_DEFINITION = 'AWS::ECS::TaskDefinition';

test.each(Object.entries(CHANGES))(
  'a change of %s replaces and removes only the declared types',
  (_prop, { from = noProps, to, replaced = [], removed = [], deploys }) => {
    const forward = change(from, to);
    const back = change(to, from);

    expect(typesOf(forward.removed)).toEqual(cfnTypes(removed));
    for (const impacts of [forward, back]) {
      expect(typesOf(impacts.replaced).filter((type) => type !== TASK_DEFINITION)).toEqual(cfnTypes(replaced));
      expect(impacts.impactsOn(SERVICE).length > 0 || impacts.replaced.includes(TASK_DEFINITION)).toBe(deploys);
    }
  },
);

describe('from rolling deployments to traffic shifting, and back', () => {
  const rolling = () => ({ deployment: Deployment.rolling() });
  const prepared = () => ({ deployment: Deployment.rolling({ prepareTrafficShifting: true }) });
  const canary = () => ({ deployment: Deployment.canary() });
  const linear = () => ({ deployment: Deployment.linear({ percent: 50 }) });
  const blueGreen = () => ({ deployment: Deployment.blueGreen({ bakeTime: Duration.minutes(30) }) });

  test('prepareTrafficShifting creates the second target group and updates the listener rule', () => {
    const { replaced, removed, impactsOn } = change(rolling, prepared);

    expect([...replaced, ...removed]).toEqual([]);
    expect(impactsOn(TARGET_GROUP)).toEqual([WILL_CREATE]);
    expect(impactsOn(LISTENER_RULE)).toEqual([WILL_UPDATE]);
    expect(impactsOn(SERVICE)).toEqual([WILL_UPDATE]);
  });

  test.each([
    ['prepared to canary', prepared, canary],
    ['canary to linear', canary, linear],
    ['linear to blue/green', linear, blueGreen],
    ['blue/green to prepared', blueGreen, prepared],
  ])('%s updates only the service', (_change, before, after) => {
    const { replaced, removed, impactsOn } = change(before, after);

    expect([...replaced, ...removed]).toEqual([]);
    expect(impactsOn(SERVICE)).toEqual([WILL_UPDATE]);
    expect([TARGET_GROUP, LISTENER_RULE, LISTENER, LOAD_BALANCER].flatMap(impactsOn)).toEqual([]);
  });

  let rule: string;
  beforeAll(() => { rule = ruleWith({ deployment: Deployment.canary() }); });

  test.each<[string, HelloFargateServiceProps]>([
    ['health check', { healthCheck: { path: '/info', interval: Duration.seconds(10) } }],
    ['port', { containerPort: 3000 }],
    ['size', { cpu: 1024, desiredCount: 5 }],
    ['Spot', { capacity: Capacity.spot() }],
    ['scaling', { scaling: { minCapacity: 1, maxCapacity: 5, requestsPerTarget: 100 } }],
    ['idle time-out, access logs, allowed clients', {
      ingress: Ingress.http({
        idleTimeout: Duration.seconds(90),
        accessLogs: true,
        allowFrom: [ec2.Peer.ipv4('192.0.2.0/24')],
      }),
    }],
    ['environment', { environment: { A: '1' }, enableExecuteCommand: true }],
    ['alarms and dashboard', { alarms: Alarms.none(), dashboard: true }],
    ['linear', { deployment: Deployment.linear() }],
    ['blue/green with a test header', {
      deployment: Deployment.blueGreen({ testTrafficHeader: { name: 'X-Version', value: 'new' } }),
    }],
    ['egress', { egress: Egress.natGateway(), maxAzs: 3 }],
  ])('once traffic shifts, a change of %s keeps the listener rule identical to the byte', (_what, props) => {
    expect(rule).toContain('"Weight":0');
    expect(ruleWith({ deployment: Deployment.canary(), ...props }, { team: 'shop' })).toBe(rule);
  });
});

/** The listener rule of a service in an app with these tags, as JSON. */
function ruleWith(props: HelloFargateServiceProps, tags: Record<string, string> = {}): string {
  const stack = newStack(US_EAST_1);
  Object.entries(tags).forEach(([name, value]) => Tags.of(stack).add(name, value));
  const rules = templateOf(props, stack).findResources(`AWS::${LISTENER_RULE}`);
  return JSON.stringify(Object.entries(rules).find(([id]) => !/TestListenerRule/.test(id)));
}
