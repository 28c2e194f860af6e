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

  test.each([0, 1, 7])('runs %i tasks if configured', (desiredCount) => {
    expect(only(templateOf({ desiredCount }), 'AWS::ECS::Service').DesiredCount).toBe(desiredCount);
  });

  test('keeps all tasks running during a deployment, and rolls back a failed one', () => {
    expect(only(templateOf(), 'AWS::ECS::Service').DeploymentConfiguration).toMatchObject({
      MinimumHealthyPercent: 100,
      MaximumPercent: 200,
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
    });
  });

  test('uses a capacity provider strategy, which can be changed without replacing the service', () => {
    const service = only(templateOf(), 'AWS::ECS::Service');

    expect(service.CapacityProviderStrategy).toEqual([{ CapacityProvider: 'FARGATE', Weight: 1 }]);
    expect(service).not.toHaveProperty('LaunchType');
    expect(service.ForceNewDeployment).toEqual({
      EnableForceNewDeployment: true,
      ForceNewDeploymentNonce: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
  });

  test('rebalances tasks across Availability Zones, on the latest platform version', () => {
    expect(only(templateOf(), 'AWS::ECS::Service'))
      .toMatchObject({ AvailabilityZoneRebalancing: 'ENABLED', PlatformVersion: 'LATEST' });
  });

  test('propagates its tags to the tasks', () => {
    const stack = newStack();
    Tags.of(stack).add('team', 'shop');

    expect(only(templateOf({}, stack), 'AWS::ECS::Service')).toMatchObject({
      PropagateTags: 'SERVICE',
      EnableECSManagedTags: true,
      Tags: [{ Key: 'team', Value: 'shop' }],
    });
  });

  test('depends on the listener rule, the capacity providers and the policies of the execution role', () => {
    const template = templateOf();
    const needed = [
      'AWS::ElasticLoadBalancingV2::ListenerRule',
      'AWS::ECS::ClusterCapacityProviderAssociations',
      'AWS::IAM::ManagedPolicy',
    ].flatMap((type) => Object.keys(template.findResources(type)));

    expect(needed).toHaveLength(3);
    const [service] = Object.values(template.findResources('AWS::ECS::Service'));
    expect(service.DependsOn).toEqual(expect.arrayContaining(needed));
  });
});

describe('url', () => {
  test('is the URL of the load balancer, and an output of the stack', () => {
    const stack = newStack();
    const hello = new HelloFargateService(stack, 'Hello');
    const dnsName = { 'Fn::GetAtt': [expect.stringContaining('LoadBalancer'), 'DNSName'] };
    const url = { 'Fn::Join': ['', ['http://', dnsName]] };

    expect(stack.resolve(hello.url)).toEqual(url);
    const { Outputs } = Template.fromStack(stack).toJSON();
    expect(Object.values(Outputs)).toEqual([expect.objectContaining({ Value: url })]);
  });

  test('is not an output if outputUrl is false', () => {
    expect(templateOf({ outputUrl: false }).toJSON().Outputs).toBeUndefined();
  });
});

test('exposes the constructs that it consists of', () => {
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

test('implements IGrantable: grants go to the task role', () => {
  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello');
  new s3.Bucket(stack, 'Bucket').grantRead(hello);

  Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: { Statement: [Match.objectLike({ Action: ['s3:GetObject*', 's3:GetBucket*', 's3:List*'] })] },
    Roles: [stack.resolve(hello.taskDefinition.taskRole.roleName)],
  });
});

test('implements IConnectable: connections use the security group of the tasks', () => {
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
