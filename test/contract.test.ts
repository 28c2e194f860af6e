import * as path from 'node:path';
import { App, Stack, Stage } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { HelloFargateService } from '../src';
import { newStack, readJson, templateOf } from './support/synth';

// aws-cdk-lib 2.262 and later validates each template during synthesis. The other tests skip that, because it takes
// seconds.
delete process.env.CDK_VALIDATION;

/** The flags that `cdk init` writes to cdk.json. */
const RECOMMENDED_FLAGS: Record<string, unknown> =
  readJson(require.resolve('aws-cdk-lib/recommended-feature-flags.json'));

/**
 * The logical IDs of the default service. CloudFormation replaces a resource whose logical ID changes, so a change here
 * is a breaking change.
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
  HelloIngressInternetFacingSecurityGroupCA76738B: 'AWS::EC2::SecurityGroup',
  HelloSecurityGroup2CD05535: 'AWS::EC2::SecurityGroup',
  HelloServiceE83C21C5: 'AWS::ECS::Service',
  HelloTaskLogGroup618D0418: 'AWS::Logs::LogGroup',
  HelloTaskTaskDefinition91E3669F: 'AWS::ECS::TaskDefinition',
  HelloTaskTaskDefinitionTaskRoleAF1D7167: 'AWS::IAM::Role',
};

/**
 * Types of resources that must not be replaced: they receive traffic, store logs, or other resources depend on them.
 */
const PINNED_TYPES = new Set(Object.values(LOGICAL_IDS));

/** Collects everything that is printed until `restore` is called. */
function captureOutput() {
  const printed = new Array<unknown>();
  const capture = (...words: unknown[]) => { printed.push(words); };
  const spies = [
    ...[process.stderr, process.stdout].map((stream) =>
      jest.spyOn(stream, 'write').mockImplementation((text) => printed.push(text) > 0)),
    ...(['log', 'info', 'warn', 'error'] as const).map((level) =>
      jest.spyOn(console, level).mockImplementation(capture)),
  ];
  return { printed, restore: () => spies.forEach((spy) => spy.mockRestore()) };
}

describe.each([
  ['without feature flags', {}],
  ['with the recommended feature flags', RECOMMENDED_FLAGS],
])('%s', (_what, context) => {
  test('the logical IDs are those of the first release', () => {
    const { Resources } = templateOf({}, newStack({}, { context })).toJSON();
    const pinned = Object.entries<{ Type: string }>(Resources)
      .filter(([id, { Type }]) => PINNED_TYPES.has(Type) && !/ExecutionRole|^CustomVpcRestrict/.test(id))
      .map(([id, { Type }]) => [id, Type]);

    expect(Object.fromEntries(pinned)).toEqual(LOGICAL_IDS);
  });

  test.each([
    ['an environment-agnostic stack', {}],
    ['a stack with account and region', { env: { account: '123456789012', region: 'eu-central-1' } }],
  ])('%s synthesizes without warnings, and prints nothing', (_where, props) => {
    // GIVEN
    const output = captureOutput();
    const stack = newStack(props, { context });

    // WHEN
    new HelloFargateService(stack, 'Hello');
    const annotations = Annotations.fromStack(stack);
    const messages = annotations.findWarning('*', Match.anyValue())
      .concat(annotations.findError('*', Match.anyValue()), annotations.findInfo('*', Match.anyValue()));
    output.restore();

    // THEN
    expect(messages).toEqual([]);
    expect(output.printed).toEqual([]);
  });

  test('the default service has at most 32 resources, without its alarms', () => {
    const { Resources } = templateOf({}, newStack({}, { context })).toJSON();
    const counted = Object.values<{ Type: string }>(Resources)
      .filter(({ Type }) => !['AWS::CDK::Metadata', 'AWS::CloudWatch::Alarm'].includes(Type));

    expect(counted.length).toBeLessThanOrEqual(32);
  });
});

describe('several services', () => {
  test('in a stack share one VPC and one cluster', () => {
    const stack = newStack();
    new HelloFargateService(stack, 'Hello');
    new HelloFargateService(stack, 'World');
    const template = Template.fromStack(stack);

    template.resourceCountIs('AWS::EC2::VPC', 1);
    template.resourceCountIs('AWS::ECS::Cluster', 1);
    template.resourceCountIs('AWS::ECS::Service', 2);
    expect(Object.keys(template.toJSON().Outputs)).toHaveLength(2);
  });

  test('in a stack do not change each other', () => {
    const alone = templateOf().toJSON();
    const stack = newStack();
    new HelloFargateService(stack, 'Hello');
    new HelloFargateService(stack, 'World');

    expect(Template.fromStack(stack).toJSON().Resources).toMatchObject(alone.Resources);
  });

  test('in ten stacks share one image asset', () => {
    const app = new App();
    const stacks = Array.from({ length: 10 }, (_, i) => new Stack(app, `Stack${i}`));
    stacks.forEach((stack) => new HelloFargateService(stack, 'Hello'));
    const assembly = app.synth();

    expect(assembly.stacks).toHaveLength(10);
    const images = assembly.stacks.map((stack) => {
      const { dockerImages } = readJson(path.join(assembly.directory, `${stack.id}.assets.json`));
      return Object.keys(dockerImages);
    });
    expect(new Set(images.flat()).size).toBe(1);
  });

  test('in two stages have their own VPC each', () => {
    const app = new App();
    const stacks = ['Test', 'Live'].map((id) => new Stack(new Stage(app, id), 'Stack'));
    stacks.forEach((stack) => new HelloFargateService(stack, 'Hello'));

    stacks.forEach((stack) => {
      Template.fromStack(stack).resourceCountIs('AWS::EC2::VPC', 1);
      Template.fromStack(stack).resourceCountIs('AWS::ECS::Service', 1);
    });
  });
});
