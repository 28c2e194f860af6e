import { Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { HelloFargateService, Ingress } from '../../src';
import { containerOf, environmentOf, newStack, only, templateOf } from '../support/synth';

const OWN_IMAGE = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');

test('is an HTTP API that finds the tasks by Cloud Map, without a load balancer', () => {
  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello', { ingress: Ingress.httpApi() });
  const template = Template.fromStack(stack);
  const [discovery] = Object.keys(template.findResources('AWS::ServiceDiscovery::Service'));
  const [link] = Object.keys(template.findResources('AWS::ApiGatewayV2::VpcLink'));

  template.resourceCountIs('AWS::ElasticLoadBalancingV2::LoadBalancer', 0);
  expect(only(template, 'AWS::ApiGatewayV2::Integration')).toMatchObject({
    ConnectionId: { Ref: link }, ConnectionType: 'VPC_LINK', IntegrationUri: { 'Fn::GetAtt': [discovery, 'Arn'] }, IntegrationMethod: 'ANY',
  });
  expect(only(template, 'AWS::ApiGatewayV2::Route').RouteKey).toBe('$default');
  expect(only(template, 'AWS::ServiceDiscovery::Service').DnsConfig.DnsRecords).toEqual([{ TTL: 10, Type: 'SRV' }]);
  expect(only(template, 'AWS::ECS::Service').ServiceRegistries).toEqual([
    { ContainerName: 'app', ContainerPort: 8080, RegistryArn: { 'Fn::GetAtt': [discovery, 'Arn'] } },
  ]);
  expect(hello.loadBalancer).toBeUndefined();
  expect(hello.targetGroup).toBeUndefined();
  expect(stack.resolve(hello.url)).toEqual(stack.resolve(hello.httpApi!.apiEndpoint));
});

test('lets the link reach the tasks, and nobody else', () => {
  const template = templateOf({ ingress: Ingress.httpApi() });
  const groups = template.findResources('AWS::EC2::SecurityGroup');
  const linkGroup = Object.keys(groups).find((id) => groups[id].Properties.GroupDescription.startsWith('VPC link'))!;
  const taskGroup = Object.keys(groups).find((id) => id !== linkGroup)!;

  expect(only(template, 'AWS::ApiGatewayV2::VpcLink').SecurityGroupIds).toEqual([{ 'Fn::GetAtt': [linkGroup, 'GroupId'] }]);
  expect(groups[linkGroup].Properties.SecurityGroupIngress).toBeUndefined();
  expect(groups[taskGroup].Properties.SecurityGroupIngress).toBeUndefined();
  expect(only(template, 'AWS::EC2::SecurityGroupIngress')).toMatchObject({
    GroupId: { 'Fn::GetAtt': [taskGroup, 'GroupId'] }, SourceSecurityGroupId: { 'Fn::GetAtt': [linkGroup, 'GroupId'] }, FromPort: 8080, ToPort: 8080,
  });
});

test('leaves health to the container, and has no grace period, which ECS takes with a load balancer only', () => {
  const template = templateOf({ ingress: Ingress.httpApi() });

  expect(containerOf(template).HealthCheck).toBeDefined();
  expect(only(template, 'AWS::ECS::Service')).not.toHaveProperty('HealthCheckGracePeriodSeconds');
  expect(environmentOf(template)).toMatchObject({ SHUTDOWN_DELAY_MS: '30000' });
});

test('takes an own image with a health check of its own', () => {
  const template = templateOf({ ingress: Ingress.httpApi(), image: OWN_IMAGE, containerHealthCheck: { command: ['CMD', '/healthy'] } });

  expect(containerOf(template).HealthCheck.Command).toEqual(['CMD', '/healthy']);
});

test('waits as long as told', () => {
  expect(only(templateOf({ ingress: Ingress.httpApi() }), 'AWS::ApiGatewayV2::Integration').TimeoutInMillis).toBeUndefined();
  expect(only(templateOf({ ingress: Ingress.httpApi({ timeout: Duration.seconds(5) }) }), 'AWS::ApiGatewayV2::Integration').TimeoutInMillis).toBe(5000);
});

test('two of them in a stack have namespaces of their own', () => {
  const stack = newStack();
  new HelloFargateService(stack, 'Hello', { ingress: Ingress.httpApi() });
  new HelloFargateService(stack, 'World', { ingress: Ingress.httpApi() });
  const names = Object.values(Template.fromStack(stack).findResources('AWS::ServiceDiscovery::PrivateDnsNamespace')).map(({ Properties }) => Properties.Name);

  expect(new Set(names).size).toBe(2);
  expect(names[0]).toMatch(/^[a-z0-9-]+\.internal$/);
});

test.each([
  ['an answer after 30 s', () => templateOf({ ingress: Ingress.httpApi({ timeout: Duration.seconds(30) }) }), /ingress\.timeout is 30000 ms, but API Gateway waits 50 to 29000 ms/],
  ['an own image without a health check', () => templateOf({ ingress: Ingress.httpApi(), image: OWN_IMAGE }), /containerHealthCheck is not given, but with Ingress\.httpApi nothing else/],
  ['a health check of a load balancer', () => templateOf({ ingress: Ingress.httpApi(), healthCheck: { path: '/' } }), /healthCheck is given, but Ingress\.httpApi has no load balancer/],
])('fails with %s', (_what, make, message) => {
  expect(make).toThrow(message);
});
