import { NestedStack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { HelloFargateService } from '../src';
import { newStack, only, templateOf } from './synth';

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
    // GIVEN the VPC as it is, and the same with everything that has been set aside in use
    const ranges = (reserved: boolean) => {
      const stack = newStack({ env: { account: '123456789012', region: 'us-east-1' } });
      new ec2.Vpc(stack, 'Vpc', {
        ipAddresses: ec2.IpAddresses.cidr('10.0.0.0/16'),
        availabilityZones: reserved ? ['dummy1a', 'dummy1b', 'dummy1c'] : ['dummy1a', 'dummy1b'],
        reservedAzs: reserved ? 0 : 1,
        natGateways: 0,
        subnetConfiguration: [
          { name: 'public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 20 },
          { name: 'reserved', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 19, reserved: !reserved },
        ],
      });
      return cidrsOf(Template.fromStack(stack));
    };
    const cidrsOf = (template: Template) =>
      Object.values(template.findResources('AWS::EC2::Subnet')).map((subnet) => subnet.Properties.CidrBlock);

    expect(ranges(false)).toEqual(cidrsOf(templateOf()));
    expect(ranges(true)).toEqual(expect.arrayContaining(cidrsOf(templateOf())));
    expect(ranges(true)).toHaveLength(6);
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
