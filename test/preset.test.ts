import { CfnResource, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Alarms, Capacity, Egress, HelloFargateService, HelloFargateServiceProps, Ingress, Preset } from '../src';
import { importedVpc, NOTIFIED } from './support/fixtures';
import { containerOf, newStack, only, templateOf } from './support/synth';

const inRegion = () => newStack({ env: { account: '123456789012', region: 'eu-central-1' } });
const withPreset = (preset: Preset, props: HelloFargateServiceProps = {}, stack = inRegion()) =>
  templateOf({ preset, ...props }, stack);
const production = (props: HelloFargateServiceProps = {}, stack = inRegion()) =>
  withPreset(Preset.PRODUCTION, { ingress: Ingress.cloudFront(), alarms: NOTIFIED, ...props }, stack);

function zoneCountOf(template: Template): number {
  const subnets = Object.values(template.findResources('AWS::EC2::Subnet'));
  return new Set(subnets.map(({ Properties }) => JSON.stringify(Properties.AvailabilityZone))).size;
}

function loadBalancerAttributesOf(template: Template): Record<string, unknown> {
  const { LoadBalancerAttributes } = only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer');
  return Object.fromEntries(LoadBalancerAttributes
    .map(({ Key, Value }: { Key: string; Value: unknown }) => [Key, Value]));
}

function logGroupOf(template: Template) {
  const groups = Object.entries(template.findResources('AWS::Logs::LogGroup'));
  return groups.find(([id]) => /^HelloTaskLogGroup/.test(id))![1];
}

test('is STANDARD by default', () => {
  expect(templateOf({}).toJSON()).toEqual(templateOf({ preset: Preset.STANDARD }).toJSON());
});

test('DEVELOPMENT has the lowest cost', () => {
  const template = withPreset(Preset.DEVELOPMENT);

  expect(only(template, 'AWS::ECS::Service')).toMatchObject({
    DesiredCount: 1,
    CapacityProviderStrategy: [{ CapacityProvider: 'FARGATE_SPOT', Weight: 1 }],
    NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'ENABLED' } },
  });
  expect(logGroupOf(template).Properties.RetentionInDays).toBe(7);
  template.resourceCountIs('AWS::EC2::NatGateway', 0);
  expect(zoneCountOf(template)).toBe(2);
});

describe('PRODUCTION', () => {
  const image = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');

  test('runs in private subnets of three Availability Zones, and logs', () => {
    const template = production();

    expect(only(template, 'AWS::ECS::Service')).toMatchObject({
      DesiredCount: 3,
      CapacityProviderStrategy: [{ CapacityProvider: 'FARGATE', Weight: 1 }],
      NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } },
    });
    expect(zoneCountOf(template)).toBe(3);
    template.resourceCountIs('AWS::EC2::NatGateway', 3);
    template.resourceCountIs('AWS::EC2::FlowLog', 1);
    expect(loadBalancerAttributesOf(template))
      .toMatchObject({ 'access_logs.s3.enabled': 'true', 'deletion_protection.enabled': 'true' });
    expect(logGroupOf(template)).toMatchObject({ Properties: { RetentionInDays: 365 }, DeletionPolicy: 'Retain' });
    expect(logGroupOf(template).Properties).toHaveProperty('KmsKeyId');
  });

  test('uses two Availability Zones in an environment-agnostic stack', () => {
    const template = production({}, newStack());

    expect(zoneCountOf(template)).toBe(2);
    template.resourceCountIs('AWS::EC2::NatGateway', 2);
  });

  test('creates one NAT gateway for each configured Availability Zone', () => {
    production({ maxAzs: 2 }).resourceCountIs('AWS::EC2::NatGateway', 2);
  });

  test('makes the root filesystem of an own image read-only, unless ECS Exec is enabled', () => {
    expect(containerOf(production({ image })).ReadonlyRootFilesystem).toBe(true);
    expect(containerOf(withPreset(Preset.STANDARD, { image })).ReadonlyRootFilesystem).toBe(false);
    expect(containerOf(production({ image, enableExecuteCommand: true })).ReadonlyRootFilesystem).toBe(false);
  });

  test('does not change an existing VPC', () => {
    const stack = inRegion();
    const vpc = importedVpc(stack, { withPrivateSubnets: true });
    const template = production({ vpc, ingress: Ingress.http({ internetFacing: false }) }, stack);
    const { AwsvpcConfiguration } = only(template, 'AWS::ECS::Service').NetworkConfiguration;

    template.resourceCountIs('AWS::EC2::VPC', 0);
    expect(AwsvpcConfiguration.Subnets).toEqual(vpc.privateSubnets.map(({ subnetId }) => subnetId));
  });
});

describe('explicit props', () => {
  test('override DEVELOPMENT', () => {
    const template = withPreset(Preset.DEVELOPMENT, {
      desiredCount: 4,
      capacity: Capacity.onDemand(),
      logRetention: logs.RetentionDays.ONE_DAY,
    });

    expect(only(template, 'AWS::ECS::Service')).toMatchObject({
      DesiredCount: 4,
      CapacityProviderStrategy: [{ CapacityProvider: 'FARGATE', Weight: 1 }],
    });
    expect(logGroupOf(template).Properties.RetentionInDays).toBe(1);
  });

  test('override PRODUCTION', () => {
    const template = production({
      desiredCount: 2,
      maxAzs: 2,
      egress: Egress.publicIp(),
      flowLogs: false,
      ingress: Ingress.cloudFront({ accessLogs: false, deletionProtection: false }),
      readonlyRootFilesystem: false,
    });

    expect(only(template, 'AWS::ECS::Service').DesiredCount).toBe(2);
    expect(zoneCountOf(template)).toBe(2);
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.resourceCountIs('AWS::EC2::FlowLog', 0);
    expect(loadBalancerAttributesOf(template)).not.toHaveProperty(['access_logs.s3.enabled']);
    expect(loadBalancerAttributesOf(template)['deletion_protection.enabled']).not.toBe('true');
    expect(containerOf(template).ReadonlyRootFilesystem).toBe(false);
  });

  test('with scaling leave out the desired count', () => {
    const template = production({ scaling: { minCapacity: 3, maxCapacity: 9 } });

    expect(only(template, 'AWS::ECS::Service')).not.toHaveProperty('DesiredCount');
  });

  test('that are undefined do not override the preset', () => {
    expect(production({ desiredCount: undefined, maxAzs: undefined }).toJSON()).toEqual(production().toJSON());
  });
});

test.each([
  ['by default', undefined],
  ['with thresholds only', Alarms.recommended({ errorRatePercent: 1 })],
])('PRODUCTION fails with alarms that notify nobody, %s', (_, alarms) => {
  expect(() => production({ alarms })).toThrow(
    'Stack/Hello: alarms is without recipients, but Preset.PRODUCTION requires that its alarms notify someone; '
    + 'set emails or topics with Alarms.recommended, or use Alarms.none');
  expect(() => production({ alarms: Alarms.none() })).not.toThrow();
});

describe('PRODUCTION requires TLS', () => {
  test.each<[string, HelloFargateServiceProps, RegExp]>([
    ['no ingress', {},
      /Stack\/Hello: ingress is not set, but Preset\.PRODUCTION requires TLS; .*Ingress\.https, Ingress\.cloudFront/],
    ['a public load balancer without TLS', { ingress: Ingress.http() },
      /ingress is Ingress\.http, but Preset\.PRODUCTION requires TLS for a public .*internetFacing to false$/],
  ])('and fails with %s', (_what, props, message) => {
    const stack = inRegion();

    expect(() => new HelloFargateService(stack, 'Hello', {
      preset: Preset.PRODUCTION, alarms: NOTIFIED, ...props,
    })).toThrow(message);
    expect(Stack.of(stack).node.findAll().filter(CfnResource.isCfnResource)).toEqual([]);
  });

  test.each([
    ['an internal load balancer', Ingress.http({ internetFacing: false })],
    ['CloudFront', Ingress.cloudFront()],
    ['an HTTP API', Ingress.httpApi()],
  ])('and accepts %s', (_what, ingress) => {
    expect(() => production({ ingress })).not.toThrow();
  });
});
