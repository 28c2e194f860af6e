import * as path from 'path';
import { App, Stack, Stage } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { HelloFargateService } from '../src';
import { newStack, readJson, templateOf } from './support/synth';

// aws-cdk-lib from 2.262 on validates each template when it is synthesised. The other tests leave that out, as it takes seconds.
delete process.env.CDK_VALIDATION;

/** What `cdk init` writes into cdk.json. */
const RECOMMENDED_FLAGS: { [flag: string]: unknown } = readJson(require.resolve('aws-cdk-lib/recommended-feature-flags.json'));

/**
 * The logical IDs of the default service. Another ID is another resource: CloudFormation makes the new one and
 * deletes the old one, with all that goes through it or lies in it. A change here is a breaking change.
 */
const LOGICAL_IDS = {
  HelloFargateNetworkVpc00E9890F: 'AWS::EC2::VPC',
  HelloFargateNetworkVpcpublicSubnet1Subnet1FB81AB9: 'AWS::EC2::Subnet',
  HelloFargateNetworkVpcpublicSubnet2Subnet782B6895: 'AWS::EC2::Subnet',
  HelloFargateNetworkClusterB8CFED4E: 'AWS::ECS::Cluster',
  HelloIngressInternetFacingLoadBalancer80CB56D5: 'AWS::ElasticLoadBalancingV2::LoadBalancer',
  HelloIngressInternetFacingLoadBalancerListener144D502D: 'AWS::ElasticLoadBalancingV2::Listener',
  HelloIngressInternetFacingTargetGroup8C339AAD: 'AWS::ElasticLoadBalancingV2::TargetGroup',
  HelloIngressInternetFacingListenerRule6D916B6E: 'AWS::ElasticLoadBalancingV2::ListenerRule',
  HelloIngressSecurityGroupD30DA7AE: 'AWS::EC2::SecurityGroup',
  HelloSecurityGroup2CD05535: 'AWS::EC2::SecurityGroup',
  HelloServiceE83C21C5: 'AWS::ECS::Service',
  HelloTaskLogGroup618D0418: 'AWS::Logs::LogGroup',
  HelloTaskTaskDefinition91E3669F: 'AWS::ECS::TaskDefinition',
  HelloTaskTaskDefinitionTaskRoleAF1D7167: 'AWS::IAM::Role',
};

/** Types whose resources cannot be replaced unnoticed: they carry traffic, hold logs, or have others made again. */
const KEPT = new Set(Object.values(LOGICAL_IDS));

describe.each([
  ['without feature flags', {}],
  ['with the recommended feature flags', RECOMMENDED_FLAGS],
])('%s', (_what, context) => {
  test('the logical IDs are those of the first release', () => {
    const { Resources } = templateOf({}, newStack({}, { context })).toJSON();
    const kept = Object.entries<{ Type: string }>(Resources)
      .filter(([id, { Type }]) => KEPT.has(Type) && !/ExecutionRole|^CustomVpcRestrict/.test(id))
      .map(([id, { Type }]) => [id, Type]);

    expect(Object.fromEntries(kept)).toEqual(LOGICAL_IDS);
  });

  test.each([
    ['an environment-agnostic stack', {}],
    ['a stack with account and region', { env: { account: '123456789012', region: 'eu-central-1' } }],
  ])('%s synthesises without a warning, and prints nothing', (_where, props) => {
    // GIVEN
    const printed = new Array<unknown>();
    const spies = [
      jest.spyOn(process.stderr, 'write').mockImplementation((text) => printed.push(text) > 0),
      jest.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(text) > 0),
      ...(['log', 'info', 'warn', 'error'] as const).map((level) => jest.spyOn(console, level).mockImplementation((...words: unknown[]) => { printed.push(words); })),
    ];
    const stack = newStack(props, { context });

    // WHEN
    new HelloFargateService(stack, 'Hello');
    const messages = Annotations.fromStack(stack).findWarning('*', Match.anyValue())
      .concat(Annotations.fromStack(stack).findError('*', Match.anyValue()), Annotations.fromStack(stack).findInfo('*', Match.anyValue()));
    spies.forEach((spy) => spy.mockRestore());

    // THEN
    expect(messages).toEqual([]);
    expect(printed).toEqual([]);
  });

  test('the default has at most 32 resources, besides alarms', () => {
    const { Resources } = templateOf({}, newStack({}, { context })).toJSON();

    expect(Object.values<{ Type: string }>(Resources).filter(({ Type }) => !['AWS::CDK::Metadata', 'AWS::CloudWatch::Alarm'].includes(Type)).length).toBeLessThanOrEqual(32);
  });
});

describe('many at once', () => {
  test('two services in a stack share one VPC and one cluster', () => {
    const stack = newStack();
    new HelloFargateService(stack, 'Hello');
    new HelloFargateService(stack, 'World');
    const template = Template.fromStack(stack);

    template.resourceCountIs('AWS::EC2::VPC', 1);
    template.resourceCountIs('AWS::ECS::Cluster', 1);
    template.resourceCountIs('AWS::ECS::Service', 2);
    expect(Object.keys(template.toJSON().Outputs)).toHaveLength(2);
  });

  test('a second service changes nothing of the first', () => {
    const alone = templateOf().toJSON();
    const stack = newStack();
    new HelloFargateService(stack, 'Hello');
    new HelloFargateService(stack, 'World');

    expect(Template.fromStack(stack).toJSON().Resources).toMatchObject(alone.Resources);
  });

  test('one service in each of ten stacks, the image being copied once', () => {
    const app = new App();
    const stacks = Array.from({ length: 10 }, (_, i) => new Stack(app, `Stack${i}`));
    stacks.forEach((stack) => new HelloFargateService(stack, 'Hello'));
    const assembly = app.synth();

    expect(assembly.stacks).toHaveLength(10);
    const images = assembly.stacks.map((stack) => Object.keys(readJson(path.join(assembly.directory, `${stack.id}.assets.json`)).dockerImages));
    expect(new Set(images.flat()).size).toBe(1);
  });

  test('a service in each of two stages', () => {
    const app = new App();
    const stacks = ['Test', 'Live'].map((id) => new Stack(new Stage(app, id), 'Stack'));
    stacks.forEach((stack) => new HelloFargateService(stack, 'Hello'));

    stacks.forEach((stack) => {
      Template.fromStack(stack).resourceCountIs('AWS::EC2::VPC', 1);
      Template.fromStack(stack).resourceCountIs('AWS::ECS::Service', 1);
    });
  });
});
