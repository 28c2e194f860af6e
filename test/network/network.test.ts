import { Aspects, NestedStack, SecretValue, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import {
  Alarms, Capacity, Egress, HelloFargateService, HelloFargateServiceProps, Ingress, Preset,
} from '../../src/index';
import { importedVpc } from '../support/fixtures';
import { containerOf, newStack, only, statementsOf, templateOf } from '../support/synth';

const US_EAST_1 = { env: { account: '123456789012', region: 'us-east-1' } };

const awsvpcOf = (template: Template) => only(template, 'AWS::ECS::Service').NetworkConfiguration.AwsvpcConfiguration;
const cidrsOf = (template: Template) =>
  Object.values(template.findResources('AWS::EC2::Subnet')).map((subnet) => subnet.Properties.CidrBlock);

describe('with a VPC of its own', () => {
  test('creates public subnets in two Availability Zones and no NAT gateway', () => {
    const template = templateOf();

    template.resourceCountIs('AWS::EC2::VPC', 1);
    template.resourceCountIs('AWS::EC2::Subnet', 2);
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: false });
    expect(awsvpcOf(template)).toMatchObject({ AssignPublicIp: 'ENABLED' });
    expect(awsvpcOf(template).Subnets).toHaveLength(2);
  });

  test('restricts the default security group', () => {
    templateOf().resourceCountIs('Custom::VpcRestrictDefaultSG', 1);
  });

  test('can add private subnets and a third Availability Zone without changing existing subnets', () => {
    const [publicOnly, withPrivate, threeZones] = [
      {},
      { egress: Egress.natGateway() },
      { egress: Egress.natGateway(), maxAzs: 3 },
    ].map((props) => cidrsOf(templateOf(props, newStack(US_EAST_1))));

    expect([publicOnly.length, withPrivate.length, threeZones.length]).toEqual([2, 4, 6]);
    expect(withPrivate).toEqual(expect.arrayContaining(publicOnly));
    expect(threeZones).toEqual(expect.arrayContaining(withPrivate));
  });

  test('has its own range for each kind of subnet, and leaves a quarter of the addresses free', () => {
    const used = [Egress.publicIp(), Egress.natGateway(), Egress.vpcEndpoints()].map((egress) =>
      cidrsOf(templateOf({ egress, maxAzs: 3 }, newStack(US_EAST_1))));
    const PUBLIC = ['10.0.0.0/20', '10.0.16.0/20', '10.0.32.0/20'];

    expect(used).toEqual([
      PUBLIC,
      [...PUBLIC, '10.0.64.0/19', '10.0.96.0/19', '10.0.128.0/19'],
      [...PUBLIC, '10.0.160.0/20', '10.0.176.0/20', '10.0.192.0/20'],
    ]);
  });

  test('shares it and the cluster with the other services of the stack, in any order', () => {
    // GIVEN
    const networkOf = (...ids: string[]) => {
      const stack = newStack();
      const services = ids.map((id) => new HelloFargateService(stack, id));
      const template = Template.fromStack(stack);
      template.resourceCountIs('AWS::ECS::Service', 2);
      template.resourceCountIs('AWS::ElasticLoadBalancingV2::LoadBalancer', 2);
      expect(services[0].vpc).toBe(services[1].vpc);
      expect(services[0].cluster).toBe(services[1].cluster);
      return ['AWS::EC2::VPC', 'AWS::EC2::Subnet', 'AWS::ECS::Cluster'].map((type) => template.findResources(type));
    };

    // THEN
    expect(networkOf('A', 'B')).toEqual(networkOf('B', 'A'));
  });

  test('creates another one in a nested stack', () => {
    const stack = newStack();
    new HelloFargateService(stack, 'Outer');
    const nested = new NestedStack(stack, 'Nested');
    new HelloFargateService(nested, 'Inner');

    Template.fromStack(stack).resourceCountIs('AWS::EC2::VPC', 1);
    Template.fromStack(nested).resourceCountIs('AWS::EC2::VPC', 1);
  });

  test('can have three Availability Zones in a stack with account and region', () => {
    const template = templateOf({ maxAzs: 3 }, newStack(US_EAST_1));

    expect(cidrsOf(template)).toHaveLength(3);
    expect(cidrsOf(template)).toEqual(expect.arrayContaining(cidrsOf(templateOf({}, newStack(US_EAST_1)))));
    expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').Subnets).toHaveLength(3);
  });

  test('can be in given Availability Zones, in any stack, with and without a third one', () => {
    const zonesOf = (availabilityZones: string[], stack = newStack(US_EAST_1)) =>
      Object.values(templateOf({ availabilityZones }, stack).findResources('AWS::EC2::Subnet'))
        .map(({ Properties }) => `${Properties.AvailabilityZone} ${Properties.CidrBlock}`);
    const two = ['us-east-1b 10.0.0.0/20', 'us-east-1c 10.0.16.0/20'];

    expect(zonesOf(['us-east-1b', 'us-east-1c'])).toEqual(two);
    for (const stack of [newStack(US_EAST_1), newStack()]) {
      expect(zonesOf(['us-east-1b', 'us-east-1c', 'us-east-1a'], stack)).toEqual([...two, 'us-east-1a 10.0.32.0/20']);
    }
  });

  test('has a NAT gateway in each of the given Availability Zones with PRODUCTION', () => {
    templateOf({
      preset: Preset.PRODUCTION,
      ingress: Ingress.cloudFront(),
      alarms: Alarms.recommended({ emails: ['on-call@example.com'] }),
      availabilityZones: ['us-east-1a', 'us-east-1b'],
    }, newStack(US_EAST_1)).resourceCountIs('AWS::EC2::NatGateway', 2);
  });

  test.each<[string[], RegExp]>([
    [['us-east-1a'], /availabilityZones is \["us-east-1a"\], but the VPC .* has two or three/],
    [['us-east-1a', 'us-east-1a'], /list 2 or 3 different ones/],
    [['us-east-1a', 'eu-west-1b'], /environment has no eu-west-1b; list some of us-east-1a, us-east-1b, us-east-1c/],
  ])('refuses the Availability Zones %j', (availabilityZones, error) => {
    const stack = newStack(US_EAST_1);
    stack.node.setContext('availability-zones:account=123456789012:region=us-east-1',
      ['us-east-1a', 'us-east-1b', 'us-east-1c']);

    expect(() => templateOf({ availabilityZones }, stack)).toThrow(error);
  });
});

describe('with a given VPC', () => {
  test('runs the tasks in private subnets with outbound access', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 });
    const template = templateOf({ vpc }, stack);

    template.resourceCountIs('AWS::EC2::VPC', 1);
    expect(awsvpcOf(template)).toMatchObject({
      AssignPublicIp: 'DISABLED',
      Subnets: vpc.privateSubnets.map((subnet) => stack.resolve(subnet.subnetId)),
    });
    expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').Subnets)
      .toEqual(vpc.publicSubnets.map((subnet) => stack.resolve(subnet.subnetId)));
  });

  test('runs the tasks in public subnets if there are only isolated ones besides', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 0 });
    const template = templateOf({ vpc }, stack);

    expect(vpc.isolatedSubnets).toHaveLength(2);
    expect(awsvpcOf(template)).toMatchObject({
      AssignPublicIp: 'ENABLED',
      Subnets: vpc.publicSubnets.map((subnet) => stack.resolve(subnet.subnetId)),
    });
  });

  test('runs the tasks in isolated subnets if they are selected', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 0 });
    const template = templateOf({ vpc, vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED } }, stack);

    expect(awsvpcOf(template)).toMatchObject({
      AssignPublicIp: 'DISABLED',
      Subnets: vpc.isolatedSubnets.map((subnet) => stack.resolve(subnet.subnetId)),
    });
  });

  const IMPORTS: Array<[string, (scope: Stack, id: string, subnetId: string) => ec2.ISubnet]> = [
    ['fromSubnetId', (scope, id, subnetId) => ec2.Subnet.fromSubnetId(scope, id, subnetId)],
    ['fromSubnetAttributes', (scope, id, subnetId) => ec2.Subnet.fromSubnetAttributes(scope, id, {
      subnetId,
      availabilityZone: 'us-east-1a',
    })],
  ];
  const VPCS: Array<[string, (stack: Stack) => ec2.IVpc]> = [
    ['of the stack', (stack) => new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 })],
    ['of another stack', (stack) => new ec2.Vpc(new Stack(stack.node.root, 'Network'), 'Vpc', { maxAzs: 2 })],
    ['that is imported', (stack) => importedVpc(stack, { withPrivateSubnets: true })],
  ];
  test.each(VPCS.flatMap(([vpc, newVpc]) => IMPORTS.map(([how, from]) => [vpc, how, newVpc, from] as const)))(
    'gives tasks in public subnets of a VPC %s a public IP address, and others none, if they are imported with %s',
    (_vpc, _how, newVpc, from) => {
      const publicIpIn = (kind: 'publicSubnets' | 'privateSubnets') => {
        const stack = newStack();
        const vpc = newVpc(stack);
        const subnets = vpc[kind].map(({ subnetId }, i) => from(stack, `Subnet${i}`, subnetId));
        return awsvpcOf(templateOf({ vpc, vpcSubnets: { subnets } }, stack)).AssignPublicIp;
      };

      expect(publicIpIn('publicSubnets')).toBe('ENABLED');
      expect(publicIpIn('privateSubnets')).toBe('DISABLED');
    },
  );

  test('assigns public IP addresses as configured', () => {
    const publicIpOf = (assignPublicIp: boolean, vpcSubnets: (stack: Stack) => ec2.SubnetSelection) => {
      const stack = newStack();
      const vpc = importedVpc(stack, { withPrivateSubnets: true });
      return awsvpcOf(templateOf({ vpc, vpcSubnets: vpcSubnets(stack), assignPublicIp }, stack)).AssignPublicIp;
    };

    // A public subnet that the VPC does not know.
    expect(publicIpOf(true, (stack) => ({ subnets: [ec2.Subnet.fromSubnetId(stack, 'New', 'subnet-9')] })))
      .toBe('ENABLED');
    // Public subnets, with VPC endpoints.
    expect(publicIpOf(false, () => ({ subnetType: ec2.SubnetType.PUBLIC }))).toBe('DISABLED');
  });

  test('allows outbound IPv6 on request', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { ipProtocol: ec2.IpProtocol.DUAL_STACK });
    const hello = new HelloFargateService(stack, 'Hello', { vpc });
    hello.connections.allowTo(ec2.Peer.anyIpv6(), ec2.Port.allTcp());

    const [tasks] = hello.connections.securityGroups;
    const id = stack.getLogicalId(tasks.node.defaultChild as ec2.CfnSecurityGroup);
    expect(Template.fromStack(stack).toJSON().Resources[id].Properties.SecurityGroupEgress).toMatchObject([
      { CidrIp: '0.0.0.0/0', IpProtocol: '-1' },
      { CidrIpv6: '::/0', IpProtocol: 'tcp', FromPort: 0, ToPort: 65535 },
    ]);
  });

  test('accepts an imported VPC', () => {
    const stack = newStack();
    const vpc = importedVpc(stack, { withPrivateSubnets: true });

    expect(awsvpcOf(templateOf({ vpc }, stack)).Subnets).toEqual(vpc.privateSubnets.map(({ subnetId }) => subnetId));
  });

  test('creates a cluster for the service', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 });
    const hello = new HelloFargateService(stack, 'Hello', { vpc });

    expect(hello.cluster.node.scope).toBe(hello);
    expect(hello.vpc).toBe(vpc);
  });
});

describe('with a given cluster', () => {
  test('uses it and its VPC, and adds the capacity providers', () => {
    const stack = newStack();
    const cluster = new ecs.Cluster(stack, 'Cluster', { vpc: new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 }) });
    const template = templateOf({ cluster }, stack);

    template.resourceCountIs('AWS::ECS::Cluster', 1);
    template.resourceCountIs('AWS::EC2::VPC', 1);
    expect(only(template, 'AWS::ECS::Service').Cluster).toEqual(stack.resolve(cluster.clusterName));
    expect(only(template, 'AWS::ECS::ClusterCapacityProviderAssociations').CapacityProviders)
      .toEqual(['FARGATE', 'FARGATE_SPOT']);
  });

  test('accepts its VPC as well', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 });
    const template = templateOf({ vpc, cluster: new ecs.Cluster(stack, 'Cluster', { vpc }) }, stack);

    template.resourceCountIs('AWS::ECS::Cluster', 1);
  });

  test('accepts an imported cluster', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 });
    const cluster = ecs.Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'theirs', vpc });

    expect(only(templateOf({ cluster }, stack), 'AWS::ECS::Service').Cluster).toBe('theirs');
  });
});

describe('Egress.natGateway', () => {
  test('runs the tasks in private subnets, and keeps the public ones', () => {
    const template = templateOf({ egress: Egress.natGateway() });

    template.resourceCountIs('AWS::EC2::NatGateway', 1);
    template.resourceCountIs('AWS::EC2::Subnet', 4);
    expect(awsvpcOf(template)).toMatchObject({ AssignPublicIp: 'DISABLED' });
    expect(JSON.stringify(awsvpcOf(template).Subnets)).toMatch(/privateSubnet1.*privateSubnet2/);
    expect(template.findResources('AWS::EC2::Subnet')).toMatchObject(templateOf().findResources('AWS::EC2::Subnet'));
  });

  test('creates the configured number of NAT gateways', () => {
    templateOf({ egress: Egress.natGateway({ count: 2 }) }).resourceCountIs('AWS::EC2::NatGateway', 2);
  });
});

describe('Egress.vpcEndpoints', () => {
  const REQUIRED = ['ecr.api', 'ecr.dkr', 'logs', 's3'];

  function endpointsOf(template: Template): string[] {
    return Object.values(template.findResources('AWS::EC2::VPCEndpoint'))
      .map(({ Properties: { ServiceName } }) => ServiceName)
      .map((name) => typeof name === 'string' ? name : name['Fn::Join'][1].slice(-1)[0])
      .map((name: string) => name.replace(/^.*?amazonaws\.[^.]*\.|^\./, ''))
      .sort();
  }

  /** The endpoints that the tasks of a template need, derived from the template rather than from the props. */
  function neededBy(template: Template): string[] {
    const { Image, LogConfiguration, Secrets = [] } = containerOf(template);
    const sources = JSON.stringify(Secrets.map(({ ValueFrom }: { ValueFrom: unknown }) => ValueFrom));
    const needed: Record<string, boolean> = {
      'ecr.api': JSON.stringify(Image).includes('.dkr.ecr.'),
      'ecr.dkr': JSON.stringify(Image).includes('.dkr.ecr.'),
      's3': JSON.stringify(Image).includes('.dkr.ecr.'),
      'logs': LogConfiguration.LogDriver === 'awslogs',
      'secretsmanager': sources.includes('Secret'),
      'ssm': sources.includes(':ssm:'),
      'kms': JSON.stringify(statementsOf(template)).includes('"kms:'),
      'ssmmessages': only(template, 'AWS::ECS::Service').EnableExecuteCommand === true,
    };
    return Object.keys(needed).filter((service) => needed[service]).sort();
  }

  const newSecret = (stack: Stack) => ecs.Secret.fromSecretsManager(
    new secretsmanager.Secret(stack, 'Secret', { secretStringValue: SecretValue.unsafePlainText('x') }));
  const parameterOf = (stack: Stack, encryptionKey?: kms.IKey) => ecs.Secret.fromSsmParameter(
    ssm.StringParameter.fromSecureStringParameterAttributes(stack, 'Parameter', {
      parameterName: '/key',
      encryptionKey,
    }));
  const KEY_ARN = 'arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000';

  test.each<[string, (stack: Stack) => HelloFargateServiceProps, string[]]>([
    ['the default service', () => ({}), []],
    ['a secret', (stack) => ({ secrets: { KEY: newSecret(stack) } }), ['secretsmanager']],
    ['a parameter that is encrypted with a key',
      (stack) => ({ secrets: { KEY: parameterOf(stack, kms.Key.fromKeyArn(stack, 'Key', KEY_ARN)) } }), ['kms', 'ssm']],
    ['a parameter', (stack) => ({ secrets: { KEY: parameterOf(stack) } }), ['ssm']],
    ['ECS Exec', () => ({ enableExecuteCommand: true }), ['kms', 'ssmmessages']],
  ])('creates exactly the endpoints that %s needs', (_what, props, further) => {
    const stack = newStack();
    const template = templateOf({ egress: Egress.vpcEndpoints(), ...props(stack) }, stack);

    expect(endpointsOf(template)).toEqual([...REQUIRED, ...further].sort());
    expect(endpointsOf(template)).toEqual(neededBy(template));
  });

  test('runs the tasks in subnets without a route to the internet', () => {
    const template = templateOf({ egress: Egress.vpcEndpoints() });

    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    expect(awsvpcOf(template).AssignPublicIp).toBe('DISABLED');
    expect(JSON.stringify(awsvpcOf(template).Subnets)).toMatch(/isolatedSubnet1.*isolatedSubnet2/);
    template.resourceCountIs('AWS::EC2::Route', 2); // those of the public subnets
  });

  test('creates the endpoints before the service', () => {
    const template = templateOf({ egress: Egress.vpcEndpoints() });
    const [service] = Object.values(template.findResources('AWS::ECS::Service'));
    const endpoints = Object.keys(template.findResources('AWS::EC2::VPCEndpoint'));

    expect(service.DependsOn).toEqual(expect.arrayContaining(endpoints));
  });

  test('shares the endpoints of two services', () => {
    const stack = newStack();
    new HelloFargateService(stack, 'Plain', { egress: Egress.vpcEndpoints() });
    new HelloFargateService(stack, 'Shell', { egress: Egress.vpcEndpoints(), enableExecuteCommand: true });

    expect(endpointsOf(Template.fromStack(stack))).toEqual([...REQUIRED, 'kms', 'ssmmessages'].sort());
  });
});

describe('flow logs', () => {
  test('are disabled by default', () => {
    templateOf().resourceCountIs('AWS::EC2::FlowLog', 0);
  });

  test('are kept in their own log group for a year', () => {
    const template = templateOf({ flowLogs: true });

    expect(only(template, 'AWS::EC2::FlowLog'))
      .toMatchObject({ ResourceType: 'VPC', TrafficType: 'ALL', LogDestinationType: 'cloud-watch-logs' });
    template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 365 });
  });
});

describe('fails with', () => {
  test.each<[string, HelloFargateServiceProps, HelloFargateServiceProps, RegExp]>([
    ['egress', {}, { egress: Egress.natGateway() },
      /^Stack\/Second: egress is Egress\.natGateway with count 1, .* Stack\/First has Egress\.publicIp; /],
    ['default egress', { egress: Egress.natGateway() }, {},
      /^Stack\/Second: egress is Egress\.publicIp, .*Stack\/First has Egress\.natGateway/],
    ['maxAzs', { maxAzs: 3 }, {},
      /^Stack\/Second: maxAzs is 2, but the services of a stack share one VPC, .* 3; .* pass a vpc to one of them$/],
    ['flowLogs', {}, { flowLogs: true }, /^Stack\/Second: flowLogs is true, .*Stack\/First has false/],
  ])('another %s than the first service of the stack', (_prop, first, second, message) => {
    const stack = newStack(US_EAST_1);
    new HelloFargateService(stack, 'First', first);

    expect(() => new HelloFargateService(stack, 'Second', second)).toThrow(message);
  });

  test.each<[string, HelloFargateServiceProps, RegExp]>([
    ['a NAT gateway', { egress: Egress.natGateway() },
      /egress is Egress\.natGateway.*, but the VPC Stack\/Vpc has its own outbound access/],
    ['VPC endpoints', { egress: Egress.vpcEndpoints() },
      /egress is Egress\.vpcEndpoints.*; create endpoints in it for ecr\.api, ecr\.dkr, logs and S3/],
    ['flow logs', { flowLogs: true }, /flowLogs is true, but it would be ignored, because the VPC Stack\/Vpc is given/],
    ['a number of Availability Zones', { maxAzs: 2 }, /maxAzs is 2, but it would be ignored/],
  ])('%s for a given VPC', (_what, props, message) => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 });

    expect(() => templateOf({ vpc, ...props }, stack)).toThrow(message);
  });

  test.each<[string, HelloFargateServiceProps, RegExp]>([
    ['three Availability Zones in an environment-agnostic stack', { maxAzs: 3 },
      /maxAzs is 3, but CDK knows 2 Availability Zones of this stack's environment; set env/],
    ['four Availability Zones', { maxAzs: 4 },
      /maxAzs is 4, but the VPC that the construct creates has two or three Availability Zones/],
    ['more NAT gateways than Availability Zones', { egress: Egress.natGateway({ count: 3 }) },
      /egress\.count is 3, but the number of NAT gateways, .* from 1 to 2/],
    ['zero NAT gateways', { egress: Egress.natGateway({ count: 0 }) }, /egress\.count is 0/],
    ['no public IP addresses and no other egress', { assignPublicIp: false },
      /assignPublicIp is false, but with Egress\.publicIp the tasks have no other outbound access; set another/],
    ['public IP addresses in private subnets', { assignPublicIp: true, egress: Egress.natGateway() },
      /assignPublicIp is true, but with Egress\.natGateway.* a public address has no effect; leave it out/],
    ['an image in a registry that isolated tasks cannot reach',
      { egress: Egress.vpcEndpoints(), image: ecs.ContainerImage.fromRegistry('nginx') },
      /egress is Egress\.vpcEndpoints, but isolated subnets cannot reach the registry of the image nginx/],
  ])('%s', (_what, props, message) => {
    expect(() => templateOf(props)).toThrow(message);
  });

  test('a VPC of isolated subnets that are not selected', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', {
      subnetConfiguration: [{ name: 'isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
    });

    expect(() => templateOf({ vpc, capacity: Capacity.onDemand() }, stack))
      .toThrow(/vpc is "Stack\/Vpc", but the tasks need outbound access, .* 0 public, 0 private and 2 isolated/);
  });
});

test('orders the capacity providers of a shared cluster once, regardless of the number of services', () => {
  const stack = newStack();
  const { cluster } = new HelloFargateService(stack, 'One');
  const count = Aspects.of(cluster).all.length;
  new HelloFargateService(stack, 'Two');

  expect(Aspects.of(cluster).all).toHaveLength(count);
});
