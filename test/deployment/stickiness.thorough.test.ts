import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Deployment, HelloFargateService, HelloFargateServiceProps, Ingress } from '../../src/index';
import { conflictsOf } from '../support/conflicts';
import { sharedListenerProps } from '../support/fixtures';
import { Choice, DIMENSIONS, Ground, OPTIONS, propsOf } from '../support/options';
import { withoutGroupStickiness } from '../support/stickiness';
import { newStack, templateOf } from '../support/synth';

const UNSET = Object.fromEntries(Object.keys(DIMENSIONS).map((name) => [name, 'left'])) as unknown as Choice;

/** All ingresses with all deployments, in a VPC that suits each of them. */
const CHOICES = Object.keys(OPTIONS.ingress).flatMap((ingress) => Object.keys(OPTIONS.deployment).map((deployment) =>
  ({ ...UNSET, ingress, deployment, vpc: ingress === 'sharedListener' ? 'imported' : 'left' })));

/** The template of a choice, or undefined if it fails. */
function templateOfChoice(choice: Choice): Template | undefined {
  const stack = new Stack(new App({ treeMetadata: false }), 'Stack');
  const props = propsOf(choice, new Ground(stack));
  try {
    new HelloFargateService(stack, 'Hello', props);
  } catch {
    return undefined;
  }
  return Template.fromStack(stack);
}

test('no ingress with any deployment forwards to sticky target groups by a rule that is not sticky', () => {
  const results = CHOICES.map((choice) => ({
    name: `${choice.ingress} ${choice.deployment}`, template: templateOfChoice(choice), conflicts: conflictsOf(choice),
  }));
  const namesOf = (some: typeof results) => some.map(({ name }) => name);

  expect(namesOf(results.filter(({ template }) => template && withoutGroupStickiness(template.toJSON()).length > 0)))
    .toEqual([]);
  expect(namesOf(results.filter(({ template, conflicts }) => Boolean(template) === conflicts.length > 0))).toEqual([]);
});

test('the check finds a rule that Elastic Load Balancing refuses', () => {
  const sticky = { TargetGroupAttributes: [{ Key: 'stickiness.enabled', Value: 'true' }] };
  const forward = (config: object) => ({
    Type: 'AWS::ElasticLoadBalancingV2::ListenerRule',
    Properties: { Actions: [{ Type: 'forward', ForwardConfig: config }] },
  });
  const both = [{ TargetGroupArn: { Ref: 'One' } }, { TargetGroupArn: { Ref: 'Two' } }];
  const Resources = {
    One: { Type: 'AWS::ElasticLoadBalancingV2::TargetGroup', Properties: {} },
    Two: { Type: 'AWS::ElasticLoadBalancingV2::TargetGroup', Properties: sticky },
    Refused: forward({ TargetGroups: both }),
    Sticky: forward({ TargetGroups: both, TargetGroupStickinessConfig: { Enabled: true, DurationSeconds: 60 } }),
    Single: forward({ TargetGroups: both.slice(1) }),
  };

  expect(withoutGroupStickiness({ Resources })).toEqual(['Refused']);
});

describe('sticky sessions', () => {
  const sessionStickiness = {};
  const ingresses: Array<[string, (stack: Stack) => HelloFargateServiceProps]> = [
    ['http', () => ({ ingress: Ingress.http({ sessionStickiness }) })],
    ['cloudFront', () => ({ ingress: Ingress.cloudFront({ sessionStickiness }) })],
    ['sharedListener', (stack) => sharedListenerProps(stack, { hostHeaders: ['a.example.com'], sessionStickiness })],
  ];
  const deployments = [
    Deployment.rolling({ prepareTrafficShifting: true }), Deployment.blueGreen(), Deployment.canary(),
    Deployment.linear(),
  ];

  test.each(ingresses)('fail with two target groups of Ingress.%s', (_name, ingress) => {
    for (const deployment of deployments) {
      const stack = newStack();
      const props = { ...ingress(stack), deployment };
      const before = stack.node.findAll().length;

      expect(() => new HelloFargateService(stack, 'Hello', props)).toThrow(
        /Hello: ingress\.sessionStickiness is set, but Deployment\..*two target groups.*; leave it out, or use Depl/);
      expect(stack.node.findAll()).toHaveLength(before + 1);
    }
  });

  test.each(ingresses)('can be used with rolling deployments of Ingress.%s', (_name, ingress) => {
    const stack = newStack();

    expect(() => templateOf(ingress(stack), stack)).not.toThrow();
  });
});
