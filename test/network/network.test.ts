import { NestedStack, SecretValue, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Capacity, Egress, HelloFargateService, HelloFargateServiceProps } from '../../src/index';
import { containerOf, newStack, only, statementsOf, templateOf } from '../support/synth';

const US_EAST_1 = { env: { account: '123456789012', region: 'us-east-1' } };

const awsvpcOf = (template: Template) => only(template, 'AWS::ECS::Service').NetworkConfiguration.AwsvpcConfiguration;

describe('with no VPC given', () => {
  test('one of two zones is made, with public subnets only and no NAT gateway', () => {
    const template = templateOf();

    template.resourceCountIs('AWS::EC2::VPC', 1);
    template.resourceCountIs('AWS::EC2::Subnet', 2);
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: false });
    expect(awsvpcOf(template)).toMatchObject({ AssignPublicIp: 'ENABLED' });
    expect(awsvpcOf(template).Subnets).toHaveLength(2);
  });

  test('its default security group is closed', () => {
    templateOf().resourceCountIs('Custom::VpcRestrictDefaultSG', 1);
  });

  test('a third zone and private subnets can come without renumbering', () => {
    const rangesOf = (props: HelloFargateServiceProps) =>
      Object.values(templateOf(props, newStack(US_EAST_1)).findResources('AWS::EC2::Subnet')).map((subnet) => subnet.Properties.CidrBlock);
    const [publicOnly, withPrivate, threeZones] = [{}, { egress: Egress.natGateway() }, { egress: Egress.natGateway(), maxAzs: 3 }].map(rangesOf);

    expect([publicOnly.length, withPrivate.length, threeZones.length]).toEqual([2, 4, 6]);
    expect(withPrivate).toEqual(expect.arrayContaining(publicOnly));
    expect(threeZones).toEqual(expect.arrayContaining(withPrivate));
  });

  test('the services of a stack share it, and the cluster, whichever comes first', () => {
    // GIVEN
    const shared = (...ids: string[]) => {
      const stack = newStack();
      const services = ids.map((id) => new HelloFargateService(stack, id));
      const template = Template.fromStack(stack);
      template.resourceCountIs('AWS::ECS::Service', 2);
      template.resourceCountIs('AWS::ElasticLoadBalancingV2::LoadBalancer', 2);
      expect(services[0].vpc).toBe(services[1].vpc);
      expect(services[0].cluster).toBe(services[1].cluster);
      return { vpc: template.findResources('AWS::EC2::VPC'), subnets: template.findResources('AWS::EC2::Subnet'), cluster: template.findResources('AWS::ECS::Cluster') };
    };

    // THEN
    expect(shared('A', 'B')).toEqual(shared('B', 'A'));
  });

  test('a nested stack has its own', () => {
    const stack = newStack();
    new HelloFargateService(stack, 'Outer');
    const nested = new NestedStack(stack, 'Nested');
    new HelloFargateService(nested, 'Inner');

    Template.fromStack(stack).resourceCountIs('AWS::EC2::VPC', 1);
    Template.fromStack(nested).resourceCountIs('AWS::EC2::VPC', 1);
  });
});

describe('with a VPC given', () => {
  test('the tasks stand in its private subnets if these have a way out', () => {
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

  test('the tasks stand in its public subnets if it has no private ones, also beside isolated ones', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 0 });
    const template = templateOf({ vpc }, stack);

    expect(vpc.isolatedSubnets).toHaveLength(2);
    expect(awsvpcOf(template)).toMatchObject({
      AssignPublicIp: 'ENABLED',
      Subnets: vpc.publicSubnets.map((subnet) => stack.resolve(subnet.subnetId)),
    });
  });

  test('the tasks stand in isolated subnets when asked for', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 0 });
    const template = templateOf({ vpc, vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED } }, stack);

    expect(awsvpcOf(template)).toMatchObject({
      AssignPublicIp: 'DISABLED',
      Subnets: vpc.isolatedSubnets.map((subnet) => stack.resolve(subnet.subnetId)),
    });
  });

  test('an imported one will do', () => {
    const stack = newStack();
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-1',
      availabilityZones: ['us-east-1a', 'us-east-1b'],
      publicSubnetIds: ['subnet-1', 'subnet-2'],
      privateSubnetIds: ['subnet-3', 'subnet-4'],
    });

    expect(awsvpcOf(templateOf({ vpc }, stack)).Subnets).toEqual(['subnet-3', 'subnet-4']);
  });

  test('the service has a cluster of its own in it', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 });
    const hello = new HelloFargateService(stack, 'Hello', { vpc });

    expect(hello.cluster.node.scope).toBe(hello);
    expect(hello.vpc).toBe(vpc);
  });
});

describe('with a cluster given', () => {
  test('the service stands in it and in its VPC, and it has the capacity provider', () => {
    const stack = newStack();
    const cluster = new ecs.Cluster(stack, 'Cluster', { vpc: new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 }) });
    const template = templateOf({ cluster }, stack);

    template.resourceCountIs('AWS::ECS::Cluster', 1);
    template.resourceCountIs('AWS::EC2::VPC', 1);
    expect(only(template, 'AWS::ECS::Service').Cluster).toEqual(stack.resolve(cluster.clusterName));
    expect(only(template, 'AWS::ECS::ClusterCapacityProviderAssociations').CapacityProviders).toEqual(['FARGATE', 'FARGATE_SPOT']);
  });

  test('its VPC may be given as well', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 });

    templateOf({ vpc, cluster: new ecs.Cluster(stack, 'Cluster', { vpc }) }, stack).resourceCountIs('AWS::ECS::Cluster', 1);
  });

  test('an imported one will do', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 });
    const cluster = ecs.Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'theirs', vpc });

    expect(only(templateOf({ cluster }, stack), 'AWS::ECS::Service').Cluster).toBe('theirs');
  });
});

describe('egress', () => {
  test('by NAT gateway: the tasks stand in private subnets, and the VPC keeps its public ones', () => {
    const template = templateOf({ egress: Egress.natGateway() });

    template.resourceCountIs('AWS::EC2::NatGateway', 1);
    template.resourceCountIs('AWS::EC2::Subnet', 4);
    expect(awsvpcOf(template)).toMatchObject({ AssignPublicIp: 'DISABLED' });
    expect(JSON.stringify(awsvpcOf(template).Subnets)).toMatch(/privateSubnet1.*privateSubnet2/);
    expect(template.findResources('AWS::EC2::Subnet')).toMatchObject(templateOf().findResources('AWS::EC2::Subnet'));
  });

  test('by as many NAT gateways as told', () => {
    templateOf({ egress: Egress.natGateway({ count: 2 }) }).resourceCountIs('AWS::EC2::NatGateway', 2);
  });

  describe('by VPC endpoints', () => {
    const endpointsOf = (template: Template) => Object.values(template.findResources('AWS::EC2::VPCEndpoint'))
      .map(({ Properties: { ServiceName } }) => (typeof ServiceName === 'string' ? ServiceName : ServiceName['Fn::Join'][1].slice(-1)[0]).replace(/^.*?amazonaws\.[^.]*\.|^\./, ''))
      .sort();
    const NEEDED = ['ecr.api', 'ecr.dkr', 'logs', 's3'];

    /** Which endpoints a template refers to, read off the template and not off the props. */
    function referredTo(template: Template): string[] {
      const container = containerOf(template);
      const allowed = JSON.stringify(statementsOf(template));
      return [
        ...JSON.stringify(container.Image).includes('.dkr.ecr.') ? ['ecr.api', 'ecr.dkr', 's3'] : [],
        ...container.LogConfiguration.LogDriver === 'awslogs' ? ['logs'] : [],
        ...(container.Secrets ?? []).some(({ ValueFrom }: { ValueFrom: unknown }) => /Secret/.test(JSON.stringify(ValueFrom))) ? ['secretsmanager'] : [],
        ...(container.Secrets ?? []).some(({ ValueFrom }: { ValueFrom: unknown }) => /:ssm:/.test(JSON.stringify(ValueFrom))) ? ['ssm'] : [],
        ...allowed.includes('"kms:') ? ['kms'] : [],
        ...only(template, 'AWS::ECS::Service').EnableExecuteCommand ? ['ssmmessages'] : [],
      ].sort();
    }

    const secret = (stack = newStack()) => ({ stack, value: ecs.Secret.fromSecretsManager(new secretsmanager.Secret(stack, 'Secret', { secretStringValue: SecretValue.unsafePlainText('x') })) });
    const encrypted = (stack = newStack()) => ({
      stack,
      value: ecs.Secret.fromSsmParameter(ssm.StringParameter.fromSecureStringParameterAttributes(stack, 'Parameter', {
        parameterName: '/key',
        encryptionKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000'),
      })),
    });
    const parameter = (stack = newStack()) => ({
      stack, value: ecs.Secret.fromSsmParameter(ssm.StringParameter.fromSecureStringParameterAttributes(stack, 'Parameter', { parameterName: '/key' })),
    });
    const withSecret = ({ stack, value }: { stack: Stack; value: ecs.Secret }) => ({ stack, props: { secrets: { KEY: value } } });

    test.each<[string, () => { stack?: Stack; props: HelloFargateServiceProps }, string[]]>([
      ['the default', () => ({ props: {} }), []],
      ['a secret', () => withSecret(secret()), ['secretsmanager']],
      ['a parameter with a key', () => withSecret(encrypted()), ['kms', 'ssm']],
      ['a parameter', () => withSecret(parameter()), ['ssm']],
      ['ECS Exec', () => ({ props: { enableExecuteCommand: true } }), ['kms', 'ssmmessages']],
    ])('there are those that %s needs, and no other', (_what, given, further) => {
      const { stack, props } = given();
      const template = templateOf({ egress: Egress.vpcEndpoints(), ...props }, stack);

      expect(endpointsOf(template)).toEqual([...NEEDED, ...further].sort());
      expect(endpointsOf(template)).toEqual(referredTo(template));
    });

    test('the tasks stand in subnets without a route out', () => {
      const template = templateOf({ egress: Egress.vpcEndpoints() });

      template.resourceCountIs('AWS::EC2::NatGateway', 0);
      expect(awsvpcOf(template).AssignPublicIp).toBe('DISABLED');
      expect(JSON.stringify(awsvpcOf(template).Subnets)).toMatch(/isolatedSubnet1.*isolatedSubnet2/);
      expect(Object.values(template.findResources('AWS::EC2::Route'))).toHaveLength(2); // of the public subnets
    });

    test('the service waits for them', () => {
      const template = templateOf({ egress: Egress.vpcEndpoints() });

      expect(Object.values(template.findResources('AWS::ECS::Service'))[0].DependsOn)
        .toEqual(expect.arrayContaining(Object.keys(template.findResources('AWS::EC2::VPCEndpoint'))));
    });

    test('those of two services add up', () => {
      const stack = newStack();
      new HelloFargateService(stack, 'Plain', { egress: Egress.vpcEndpoints() });
      new HelloFargateService(stack, 'Shell', { egress: Egress.vpcEndpoints(), enableExecuteCommand: true });

      expect(endpointsOf(Template.fromStack(stack))).toEqual([...NEEDED, 'kms', 'ssmmessages'].sort());
    });
  });
});

describe('zones', () => {
  test('can be three where the region is known, without renumbering', () => {
    const cidrsOf = (template: Template) => Object.values(template.findResources('AWS::EC2::Subnet')).map((subnet) => subnet.Properties.CidrBlock);
    const three = templateOf({ maxAzs: 3 }, newStack(US_EAST_1));

    expect(cidrsOf(three)).toHaveLength(3);
    expect(cidrsOf(three)).toEqual(expect.arrayContaining(cidrsOf(templateOf({}, newStack(US_EAST_1)))));
    expect(only(three, 'AWS::ElasticLoadBalancingV2::LoadBalancer').Subnets).toHaveLength(3);
  });
});

describe('flow logs', () => {
  test('are off by default', () => {
    templateOf().resourceCountIs('AWS::EC2::FlowLog', 0);
  });

  test('go to a log group of their own for a year when on', () => {
    const template = templateOf({ flowLogs: true });

    expect(only(template, 'AWS::EC2::FlowLog')).toMatchObject({ ResourceType: 'VPC', TrafficType: 'ALL', LogDestinationType: 'cloud-watch-logs' });
    template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 365 });
  });
});

describe('fails with', () => {
  const twice = (first: HelloFargateServiceProps, second: HelloFargateServiceProps) => () => {
    const stack = newStack(US_EAST_1);
    new HelloFargateService(stack, 'First', first);
    new HelloFargateService(stack, 'Second', second);
  };
  const inVpc = (props: HelloFargateServiceProps) => () => {
    const stack = newStack();
    return templateOf({ vpc: new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 }), ...props }, stack);
  };

  test.each<[string, () => unknown, RegExp]>([
    ['another egress than the service before it', twice({}, { egress: Egress.natGateway() }),
      /^Stack\/Second: egress is Egress\.natGateway\(\{ count: 1 \}\), but the services of a stack share one VPC, and Stack\/First has it as Egress\.publicIp\(\); .*give one of them a vpc$/],
    ['the same the other way round', twice({ egress: Egress.natGateway() }, {}), /^Stack\/Second: egress is Egress\.publicIp\(\), .*Stack\/First has it as Egress\.natGateway/],
    ['another number of zones', twice({ maxAzs: 3 }, {}), /^Stack\/Second: maxAzs is 2, .*Stack\/First has it as 3/],
    ['flow logs that the service before it does not have', twice({}, { flowLogs: true }), /^Stack\/Second: flowLogs is true, .*Stack\/First has it as false/],
    ['three zones where the region is not known', () => templateOf({ maxAzs: 3 }), /maxAzs is 3, but CDK knows 2 zones of this stack's environment; set env/],
    ['four zones', () => templateOf({ maxAzs: 4 }), /maxAzs is 4, but the VPC that is made here has two zones or three/],
    ['more NAT gateways than zones', () => templateOf({ egress: Egress.natGateway({ count: 3 }) }), /egress\.count is 3, but the number of NAT gateways, .* from 1 to 2/],
    ['no NAT gateway', () => templateOf({ egress: Egress.natGateway({ count: 0 }) }), /egress\.count is 0/],
    ['a NAT gateway for a given VPC', inVpc({ egress: Egress.natGateway() }), /egress is Egress\.natGateway.*, but the way out of the VPC Stack\/Vpc is its own/],
    ['endpoints for a given VPC', inVpc({ egress: Egress.vpcEndpoints() }), /egress is Egress\.vpcEndpoints.*; make endpoints there for ecr\.api, ecr\.dkr, logs and S3/],
    ['flow logs for a given VPC', inVpc({ flowLogs: true }), /flowLogs is true, but it would be ignored, as the VPC Stack\/Vpc was given/],
    ['zones for a given VPC', inVpc({ maxAzs: 2 }), /maxAzs is 2, but it would be ignored/],
    ['an image of a registry that isolated tasks cannot reach', () => templateOf({ egress: Egress.vpcEndpoints(), image: ecs.ContainerImage.fromRegistry('nginx') }),
      /egress is Egress\.vpcEndpoints\(\), but the registry of the image nginx is not reached from isolated subnets/],
    ['a VPC of isolated subnets, unless they are chosen', () => {
      const stack = newStack();
      const vpc = new ec2.Vpc(stack, 'Vpc', { subnetConfiguration: [{ name: 'isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }] });
      return templateOf({ vpc, capacity: Capacity.onDemand() }, stack);
    }, /vpc is "Stack\/Vpc", but the tasks need a way out, and it has 0 public, 0 private and 2 isolated subnets/],
  ])('%s', (_what, make, message) => {
    expect(make).toThrow(message);
  });
});
