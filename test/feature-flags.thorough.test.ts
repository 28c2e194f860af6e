import { fullDiff, ResourceImpact } from '@aws-cdk/cloudformation-diff';
import { App } from 'aws-cdk-lib';
import { Node } from 'constructs';
import { combinations } from './support/combinations';
import { newStack, readJson, templateOf } from './support/synth';
import { Alarms, Deployment, Egress, HelloFargateServiceProps, Ingress, Preset } from '../src/index';

const FLAGS: Record<string, unknown> = readJson(require.resolve('aws-cdk-lib/recommended-feature-flags.json'));

const { WILL_REPLACE, MAY_REPLACE, WILL_DESTROY, WILL_ORPHAN } = ResourceImpact;

/** The resources that CloudFormation replaces or removes between two templates, with the reason. */
function lostBetween(before: object, after: object): string[] {
  const lost = new Array<string>();
  fullDiff(before, after).resources.forEachDifference((id, difference) => {
    if ([WILL_REPLACE, MAY_REPLACE, WILL_DESTROY, WILL_ORPHAN].includes(difference.changeImpact)) {
      lost.push(`${difference.changeImpact}: ${id} (${Object.keys(difference.propertyUpdates).join(', ')})`);
    }
  });
  return lost;
}

/** Services that together use all types of resources that the construct creates. */
const SERVICES: Record<string, HelloFargateServiceProps> = {
  'default': {},
  'production': {
    preset: Preset.PRODUCTION,
    ingress: Ingress.cloudFront(),
    alarms: Alarms.recommended({ emails: ['on-call@example.com'], errorLogLines: 1 }),
  },
  'HTTP API': { ingress: Ingress.httpApi(), enableExecuteCommand: true, logServiceEvents: true },
  'canary': {
    ingress: Ingress.http({ accessLogs: true }),
    deployment: Deployment.canary(),
    egress: Egress.vpcEndpoints(),
    scaling: { minCapacity: 2, maxCapacity: 10, requestsPerTarget: 1000 },
  },
};

const templateWith = (props: HelloFargateServiceProps, context: Record<string, unknown>) =>
  templateOf({ ...props }, newStack({}, { context })).toJSON();

/** The recommended feature flags that CDK reads while it synthesizes a service. */
function flagsOf(props: HelloFargateServiceProps): string[] {
  const spy = jest.spyOn(Node.prototype, 'tryGetContext');
  templateWith(props, {});
  const read = new Set(spy.mock.calls.map(([key]) => key));
  spy.mockRestore();
  return Object.keys(FLAGS).filter((flag) => read.has(flag));
}

/** The templates of all combinations that synthesize, in one app. */
function templatesWith(context: Record<string, unknown>): Record<string, object> {
  const app = new App({ treeMetadata: false, context });
  combinations().filter(({ error, name }) => !error && /anywhere/.test(name)).forEach((each) => each.addStack(app));
  return Object.fromEntries(app.synth().stacks.map(({ stackName, template }) => [stackName, template]));
}

describe('a running service keeps all of its resources when its app adopts', () => {
  test('one of the recommended feature flags', () => {
    const props = SERVICES.production;
    const flags = flagsOf(props);
    const before = templateWith(props, {});
    const lost = flags.flatMap((flag) =>
      lostBetween(before, templateWith(props, { [flag]: FLAGS[flag] })).map((resource) => `${flag}: ${resource}`));

    expect(flags).toContain('@aws-cdk/aws-ecs:disableExplicitDeploymentControllerForCircuitBreaker');
    expect(lost).toEqual([]);
  }, 120_000);

  test.each(Object.entries(SERVICES))('all recommended feature flags: %s', (_name, props) => {
    expect(lostBetween(templateWith(props, {}), templateWith(props, FLAGS))).toEqual([]);
  });

  test('all recommended feature flags, in each combination of ingress, egress and VPC', () => {
    const [before, after] = [templatesWith({}), templatesWith(FLAGS)];
    const lost = Object.keys(before).flatMap((name) =>
      lostBetween(before[name], after[name]).map((resource) => `${name}: ${resource}`));

    expect(Object.keys(before)).toHaveLength(44);
    expect(lost).toEqual([]);
  }, 300_000);
});
