import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Capacity, Egress, HelloFargateService, HelloFargateServiceProps, Ingress, Preset } from '../src';
import { importedVpc } from './support/fixtures';
import { containerOf, newStack, only, templateOf } from './support/synth';

const inRegion = () => newStack({ env: { account: '123456789012', region: 'eu-central-1' } });
const withPreset = (preset: Preset, props: HelloFargateServiceProps = {}, stack = inRegion()) => templateOf({ preset, ...props }, stack);
const production = (props: HelloFargateServiceProps = {}, stack = inRegion()) =>
  withPreset(Preset.PRODUCTION, { ingress: Ingress.cloudFront(), ...props }, stack);
const zonesOf = (template: Template) =>
  new Set(Object.values(template.findResources('AWS::EC2::Subnet')).map(({ Properties }) => JSON.stringify(Properties.AvailabilityZone))).size;
const attributesOf = (template: Template) => Object.fromEntries(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').LoadBalancerAttributes
  .map(({ Key, Value }: { Key: string; Value: unknown }) => [Key, Value]));
const groupOf = (template: Template) => Object.entries(template.findResources('AWS::Logs::LogGroup')).find(([id]) => /^HelloTaskLogGroup/.test(id))![1];

test('without a preset, it is STANDARD', () => {
  expect(templateOf({}).toJSON()).toEqual(templateOf({ preset: Preset.STANDARD }).toJSON());
});

test('DEVELOPMENT is the cheapest that works', () => {
  const template = withPreset(Preset.DEVELOPMENT);

  expect(only(template, 'AWS::ECS::Service')).toMatchObject({
    DesiredCount: 1,
    CapacityProviderStrategy: [{ CapacityProvider: 'FARGATE_SPOT', Weight: 1 }],
    NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'ENABLED' } },
  });
  expect(groupOf(template).Properties.RetentionInDays).toBe(7);
  template.resourceCountIs('AWS::EC2::NatGateway', 0);
  expect(zonesOf(template)).toBe(2);
});

test('PRODUCTION is private, over three zones, and logged', () => {
  const template = production();

  expect(only(template, 'AWS::ECS::Service')).toMatchObject({
    DesiredCount: 3,
    CapacityProviderStrategy: [{ CapacityProvider: 'FARGATE', Weight: 1 }],
    NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } },
  });
  expect(zonesOf(template)).toBe(3);
  template.resourceCountIs('AWS::EC2::NatGateway', 3);
  template.resourceCountIs('AWS::EC2::FlowLog', 1);
  expect(attributesOf(template)).toMatchObject({ 'access_logs.s3.enabled': 'true', 'deletion_protection.enabled': 'true' });
  expect(groupOf(template)).toMatchObject({ Properties: { RetentionInDays: 365 }, DeletionPolicy: 'Retain' });
  expect(groupOf(template).Properties).toHaveProperty('KmsKeyId');
});

test('PRODUCTION has two zones where CDK knows no more', () => {
  const template = production({}, newStack());

  expect(zonesOf(template)).toBe(2);
  template.resourceCountIs('AWS::EC2::NatGateway', 2);
});

test('PRODUCTION makes the root of your own image read-only', () => {
  const image = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');

  expect(containerOf(production({ image })).ReadonlyRootFilesystem).toBe(true);
  expect(containerOf(withPreset(Preset.STANDARD, { image })).ReadonlyRootFilesystem).toBe(false);
  expect(containerOf(production({ image, enableExecuteCommand: true })).ReadonlyRootFilesystem).toBe(false);
});

describe('what is said wins', () => {
  test('over DEVELOPMENT', () => {
    const template = withPreset(Preset.DEVELOPMENT, { desiredCount: 4, capacity: Capacity.onDemand(), logRetention: logs.RetentionDays.ONE_DAY });

    expect(only(template, 'AWS::ECS::Service')).toMatchObject({ DesiredCount: 4, CapacityProviderStrategy: [{ CapacityProvider: 'FARGATE', Weight: 1 }] });
    expect(groupOf(template).Properties.RetentionInDays).toBe(1);
  });

  test('over PRODUCTION', () => {
    const template = production({
      desiredCount: 2,
      maxAzs: 2,
      egress: Egress.publicIp(),
      flowLogs: false,
      ingress: Ingress.cloudFront({ accessLogs: false, deletionProtection: false }),
      readonlyRootFilesystem: false,
    });

    expect(only(template, 'AWS::ECS::Service').DesiredCount).toBe(2);
    expect(zonesOf(template)).toBe(2);
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.resourceCountIs('AWS::EC2::FlowLog', 0);
    expect(attributesOf(template)).not.toHaveProperty(['access_logs.s3.enabled']);
    expect(attributesOf(template)['deletion_protection.enabled']).not.toBe('true');
    expect(containerOf(template).ReadonlyRootFilesystem).toBe(false);
  });

  test('a gateway for each of the zones that are said', () => {
    production({ maxAzs: 2 }).resourceCountIs('AWS::EC2::NatGateway', 2);
  });

  test('scaling has no count', () => {
    expect(only(production({ scaling: { minCapacity: 3, maxCapacity: 9 } }), 'AWS::ECS::Service')).not.toHaveProperty('DesiredCount');
  });

  test('what is undefined is not said', () => {
    expect(production({ desiredCount: undefined, maxAzs: undefined }).toJSON()).toEqual(production().toJSON());
  });
});

test('a VPC that was given is as it is', () => {
  const stack = inRegion();
  const vpc = importedVpc(stack, { withPrivateSubnets: true });
  const template = production({ vpc, ingress: Ingress.http({ internetFacing: false }) }, stack);

  template.resourceCountIs('AWS::EC2::VPC', 0);
  expect(only(template, 'AWS::ECS::Service').NetworkConfiguration.AwsvpcConfiguration.Subnets)
    .toEqual(vpc.privateSubnets.map(({ subnetId }) => subnetId));
});

describe('PRODUCTION demands TLS', () => {
  test.each<[string, HelloFargateServiceProps, RegExp]>([
    ['no ingress', {}, /Stack\/Hello: ingress is not given, but Preset\.PRODUCTION demands TLS; give Ingress\.https, Ingress\.cloudFront/],
    ['a public load balancer without TLS', { ingress: Ingress.http() }, /ingress is Ingress\.http\(\), but Preset\.PRODUCTION demands TLS of a public load balancer; .* or set internetFacing: false$/],
  ])('fails with %s', (_what, props, message) => {
    const stack = inRegion();

    expect(() => new HelloFargateService(stack, 'Hello', { preset: Preset.PRODUCTION, ...props })).toThrow(message);
    expect(Stack.of(stack).node.findAll().filter((child) => 'cfnResourceType' in child)).toEqual([]);
  });

  test.each([
    ['an internal one', Ingress.http({ internetFacing: false })],
    ['CloudFront', Ingress.cloudFront()],
    ['an HTTP API', Ingress.httpApi()],
  ])('and takes %s', (_what, ingress) => {
    expect(() => production({ ingress })).not.toThrow();
  });
});
