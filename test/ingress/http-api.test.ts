import { Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as apigatewayv2 from 'aws-cdk-lib/aws-apigatewayv2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { HelloFargateService, Ingress } from '../../src';
import { containerOf, environmentOf, newStack, only, templateOf } from '../support/synth';

const OWN_IMAGE = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');

test('creates an HTTP API that discovers the tasks through AWS Cloud Map, without a load balancer', () => {
  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello', { ingress: Ingress.httpApi() });
  const template = Template.fromStack(stack);
  const [discovery] = Object.keys(template.findResources('AWS::ServiceDiscovery::Service'));
  const [link] = Object.keys(template.findResources('AWS::ApiGatewayV2::VpcLink'));

  template.resourceCountIs('AWS::ElasticLoadBalancingV2::LoadBalancer', 0);
  expect(only(template, 'AWS::ApiGatewayV2::Integration')).toMatchObject({
    ConnectionId: { Ref: link },
    ConnectionType: 'VPC_LINK',
    IntegrationUri: { 'Fn::GetAtt': [discovery, 'Arn'] },
    IntegrationMethod: 'ANY',
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

test('limits requests and writes access logs only if that is set', () => {
  const stage = only(templateOf({ ingress: Ingress.httpApi() }), 'AWS::ApiGatewayV2::Stage');
  expect(stage).not.toHaveProperty('DefaultRouteSettings');
  expect(stage).not.toHaveProperty('AccessLogSettings');

  const template = templateOf({
    ingress: Ingress.httpApi({ throttle: { rateLimit: 100, burstLimit: 200 }, accessLogs: true }),
  });
  const { DefaultRouteSettings, AccessLogSettings } = only(template, 'AWS::ApiGatewayV2::Stage');
  expect(DefaultRouteSettings).toEqual({ ThrottlingRateLimit: 100, ThrottlingBurstLimit: 200 });
  const [logGroup] = Object.keys(template.findResources('AWS::Logs::LogGroup')).filter((id) => /AccessLogs/.test(id));
  expect(AccessLogSettings.DestinationArn).toEqual({ 'Fn::GetAtt': [logGroup, 'Arn'] });
  expect(Object.keys(JSON.parse(AccessLogSettings.Format))).toEqual(
    expect.arrayContaining(['timestamp', 'method', 'path', 'status', 'responseTime', 'requestId']));
  template.hasResource('AWS::Logs::LogGroup', { Properties: { RetentionInDays: 30 }, DeletionPolicy: 'Delete' });
});

test.each<[apigatewayv2.ThrottleSettings, RegExp]>([
  [{ rateLimit: 100 }, /ingress\.throttle\.burstLimit is not set, but API Gateway would keep .*; set both limits/],
  [{ rateLimit: 0, burstLimit: 1 }, /ingress\.throttle\.rateLimit is 0, but a limit is a whole number from 1/],
])('fails with a limit that would not hold: %j', (throttle, message) => {
  expect(() => templateOf({ ingress: Ingress.httpApi({ throttle }) })).toThrow(message);
});

test('allows inbound traffic to the tasks only from the VPC link', () => {
  const template = templateOf({ ingress: Ingress.httpApi() });
  const groups = template.findResources('AWS::EC2::SecurityGroup');
  const linkGroup = Object.keys(groups).find((id) => groups[id].Properties.GroupDescription.startsWith('VPC link'))!;
  const taskGroup = Object.keys(groups).find((id) => id !== linkGroup)!;

  expect(only(template, 'AWS::ApiGatewayV2::VpcLink').SecurityGroupIds).toEqual([
    { 'Fn::GetAtt': [linkGroup, 'GroupId'] },
  ]);
  expect(groups[linkGroup].Properties.SecurityGroupIngress).toBeUndefined();
  expect(groups[taskGroup].Properties.SecurityGroupIngress).toBeUndefined();
  expect(only(template, 'AWS::EC2::SecurityGroupIngress')).toMatchObject({
    GroupId: { 'Fn::GetAtt': [taskGroup, 'GroupId'] },
    SourceSecurityGroupId: { 'Fn::GetAtt': [linkGroup, 'GroupId'] },
    FromPort: 8080,
    ToPort: 8080,
  });
});

test('relies on the container health check, without a grace period, which needs a load balancer', () => {
  const template = templateOf({ ingress: Ingress.httpApi() });

  expect(containerOf(template).HealthCheck).toBeDefined();
  expect(only(template, 'AWS::ECS::Service')).not.toHaveProperty('HealthCheckGracePeriodSeconds');
  expect(environmentOf(template)).toMatchObject({ SHUTDOWN_DELAY_MS: '30000' });
});

test('accepts an image with its own container health check', () => {
  const template = templateOf({
    ingress: Ingress.httpApi(),
    image: OWN_IMAGE,
    containerHealthCheck: { command: ['CMD', '/healthy'] },
  });

  expect(containerOf(template).HealthCheck.Command).toEqual(['CMD', '/healthy']);
});

test('sets the timeout of the integration', () => {
  expect(
    only(templateOf({ ingress: Ingress.httpApi() }), 'AWS::ApiGatewayV2::Integration').TimeoutInMillis,
  ).toBeUndefined();
  expect(
    only(templateOf({ ingress: Ingress.httpApi({ timeout: Duration.seconds(5) }) }), 'AWS::ApiGatewayV2::Integration')
      .TimeoutInMillis,
  ).toBe(5000);
});

test('creates a namespace for each of two services in a stack', () => {
  const stack = newStack();
  new HelloFargateService(stack, 'Hello', { ingress: Ingress.httpApi() });
  new HelloFargateService(stack, 'World', { ingress: Ingress.httpApi() });
  const names = Object.values(
    Template.fromStack(stack).findResources('AWS::ServiceDiscovery::PrivateDnsNamespace'),
  ).map(({ Properties }) => Properties.Name);

  expect(new Set(names).size).toBe(2);
  expect(names[0]).toMatch(/^[a-z0-9-]+\.internal$/);
});

test.each([
  [
    'a timeout of 30 seconds',
    () => templateOf({ ingress: Ingress.httpApi({ timeout: Duration.seconds(30) }) }),
    /ingress\.timeout is 30000 ms, but the timeout of API Gateway is 50 to 29000 ms/,
  ],
  [
    'an image without a container health check',
    () => templateOf({ ingress: Ingress.httpApi(), image: OWN_IMAGE }),
    /containerHealthCheck is not set, but with Ingress\.httpApi nothing else/,
  ],
  [
    'a load balancer health check',
    () => templateOf({ ingress: Ingress.httpApi(), healthCheck: { path: '/' } }),
    /healthCheck is set, but Ingress\.httpApi has no load balancer/,
  ],
])('fails with %s', (_what, make, message) => {
  expect(make).toThrow(message);
});
