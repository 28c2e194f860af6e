import { Tags } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { HelloFargateService } from '../src';
import { newStack, only, templateOf } from './support/synth';

describe('service', () => {
  test('runs two tasks by default', () => {
    expect(only(templateOf(), 'AWS::ECS::Service').DesiredCount).toBe(2);
  });

  test.each([0, 1, 7])('runs %i tasks when told', (desiredCount) => {
    expect(only(templateOf({ desiredCount }), 'AWS::ECS::Service').DesiredCount).toBe(desiredCount);
  });

  test('keeps all tasks running through a deployment, which is rolled back when it fails', () => {
    expect(only(templateOf(), 'AWS::ECS::Service').DeploymentConfiguration).toMatchObject({
      MinimumHealthyPercent: 100,
      MaximumPercent: 200,
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
    });
  });

  test('uses a capacity-provider strategy, so that a later change of it replaces nothing', () => {
    const service = only(templateOf(), 'AWS::ECS::Service');

    expect(service.CapacityProviderStrategy).toEqual([{ CapacityProvider: 'FARGATE', Weight: 1 }]);
    expect(service).not.toHaveProperty('LaunchType');
    expect(service.ForceNewDeployment).toEqual({ EnableForceNewDeployment: true, ForceNewDeploymentNonce: expect.stringMatching(/^[0-9a-f]{16}$/) });
  });

  test('is spread evenly over the zones, on the latest platform', () => {
    expect(only(templateOf(), 'AWS::ECS::Service')).toMatchObject({ AvailabilityZoneRebalancing: 'ENABLED', PlatformVersion: 'LATEST' });
  });

  test('hands its tags to the tasks', () => {
    const stack = newStack();
    Tags.of(stack).add('team', 'shop');

    expect(only(templateOf({}, stack), 'AWS::ECS::Service')).toMatchObject({
      PropagateTags: 'SERVICE',
      EnableECSManagedTags: true,
      Tags: [{ Key: 'team', Value: 'shop' }],
    });
  });

  test('is made after, and deleted before, what it needs: the listener rule, the capacity providers, the roles', () => {
    const template = templateOf();
    const needed = ['AWS::ElasticLoadBalancingV2::ListenerRule', 'AWS::ECS::ClusterCapacityProviderAssociations', 'AWS::IAM::ManagedPolicy']
      .flatMap((type) => Object.keys(template.findResources(type)));

    expect(needed).toHaveLength(3);
    expect(Object.values(template.findResources('AWS::ECS::Service'))[0].DependsOn).toEqual(expect.arrayContaining(needed));
  });
});

describe('url', () => {
  test('is that of the load balancer, and an output', () => {
    const stack = newStack();
    const hello = new HelloFargateService(stack, 'Hello');
    const url = { 'Fn::Join': ['', ['http://', { 'Fn::GetAtt': [expect.stringContaining('LoadBalancer'), 'DNSName'] }]] };

    expect(stack.resolve(hello.url)).toEqual(url);
    expect(Object.values(Template.fromStack(stack).toJSON().Outputs)).toEqual([expect.objectContaining({ Value: url })]);
  });

  test('is no output when told', () => {
    expect(templateOf({ outputUrl: false }).toJSON().Outputs).toBeUndefined();
  });
});

test('gives the constructs that it is made of', () => {
  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello');

  expect(hello.service.taskDefinition).toBe(hello.taskDefinition);
  expect(hello.service.cluster).toBe(hello.cluster);
  expect(hello.taskDefinition.defaultContainer).toBe(hello.container);
  expect(hello.cluster.vpc).toBe(hello.vpc);
  expect(hello.loadBalancer!.listeners).toEqual([hello.listener]);
  expect(stack.resolve(hello.targetGroup!.targetGroupArn).Ref).toContain('TargetGroup');
  expect(stack.resolve(hello.logGroup.logGroupName).Ref).toContain('LogGroup');
});

test('can be granted to: the role of the tasks gets the permission', () => {
  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello');
  new s3.Bucket(stack, 'Bucket').grantRead(hello);

  Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: { Statement: [Match.objectLike({ Action: ['s3:GetObject*', 's3:GetBucket*', 's3:List*'] })] },
    Roles: [stack.resolve(hello.taskDefinition.taskRole.roleName)],
  });
});

test('can be connected to: the security group of the tasks is opened', () => {
  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello');
  const other = new ec2.SecurityGroup(stack, 'Other', { vpc: hello.vpc });
  other.connections.allowFrom(hello, ec2.Port.tcp(5432));

  Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
    GroupId: stack.resolve(other.securityGroupId),
    SourceSecurityGroupId: stack.resolve(hello.service.connections.securityGroups[0].securityGroupId),
    FromPort: 5432,
  });
});
