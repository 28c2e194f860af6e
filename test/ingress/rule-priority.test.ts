import { App, CfnParameter, Fn, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Deployment, HelloFargateService, Ingress, SharedListenerIngressOptions } from '../../src';
import { importedListener, importedVpc } from '../support/fixtures';
import { newStack } from '../support/synth';

type Rule = Omit<SharedListenerIngressOptions, 'url'>;
type Listener = elbv2.IApplicationListener;

const EU = { env: { account: '123456789012', region: 'eu-central-1' } };

/** Adds a service for the rule, and returns its priority. */
function share(listener: Listener, id: string, rule: Rule, stack = Stack.of(listener)): number {
  const vpc = (stack.node.tryFindChild('Vpc') ?? importedVpc(stack)) as ec2.IVpc;
  const ingress = Ingress.sharedListener(listener, { ...rule, url: 'https://example.com' });
  const rules = new HelloFargateService(stack, id, { vpc, ingress }).node.findAll()
    .filter((node): node is elbv2.CfnListenerRule => node instanceof elbv2.CfnListenerRule);
  expect(rules).toHaveLength(1);
  return rules[0].priority;
}

/** What each rule gets, by its name: a priority, or an error. */
function prioritiesOf(rules: Record<string, Rule>): Record<string, number | string> {
  const listener = importedListener(newStack());
  return Object.fromEntries(Object.entries(rules).map(([id, rule]) => {
    try {
      return [id, share(listener, id, rule)];
    } catch (error) {
      return [id, (error as Error).message];
    }
  }));
}

describe('the priority of a rule', () => {
  // Equally specific, and so many that some have the same number.
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`S${i}`, { pathPatterns: [`/s${i + 10}/*`] }]));
  const alone = (rule: Rule) => Object.values(prioritiesOf({ Alone: rule }))[0];
  const expected = Object.fromEntries(Object.entries(many).map(([id, rule]) => [id, alone(rule)]));

  test.each<[string, (ids: string[]) => string[]]>([
    ['in order', (ids) => ids],
    ['in the reverse order', (ids) => ids.reverse()],
    ['without every third one', (ids) => ids.filter((_, i) => i % 3 > 0)],
  ])('does not depend on its neighbors, and a clash is an error: %s', (_what, order) => {
    const ids = order(Object.keys(many));
    const actual = prioritiesOf(Object.fromEntries(ids.map((id) => [id, many[id]])));
    const seen = new Map<unknown, string>();
    let clashes = 0;

    for (const id of ids) {
      const other = seen.get(expected[id]);
      if (other) {
        clashes++;
        expect(actual[id]).toMatch(new RegExp(`^Stack/${id}: ingress.priority is ${expected[id]}, computed from .*`
          + `but Stack/${other} already uses it on this listener; set priority `));
      } else {
        seen.set(expected[id], id);
        expect(actual[id]).toBe(expected[id]);
      }
    }
    expect(clashes).toBeGreaterThan(0);
  });

  test('does not depend on the ID of the service, nor on the order and case of its values', () => {
    const hosts = ['A.example.com', 'b.example.com'];
    const same = [
      prioritiesOf({ One: { hostHeaders: hosts } }).One,
      prioritiesOf({ Two: { hostHeaders: ['b.example.com', 'a.example.com'] } }).Two,
    ];

    expect(new Set(same).size).toBe(1);
  });

  test.each<[string, unknown, string]>([
    ['a parameter', { Ref: 'Path' }, ''],
    ['a parameter in a text', { Ref: 'Path' }, '/shop/'],
    ['an import', { 'Fn::ImportValue': 'path' }, '/'],
  ])('does not depend on the text of a token: %s', (_what, value, prefix) => {
    const priorities = ['A', 'B', 'C'.repeat(30)].map((displayHint) =>
      alone({ pathPatterns: [`${prefix}${Token.asString(value, { displayHint })}`] }));

    expect(new Set(priorities).size).toBe(1);
  });

  test('a path that is a token comes before all paths', () => {
    const stack = newStack();
    const pathPatterns = [new CfnParameter(stack, 'Path').valueAsString];

    const ofToken = share(importedListener(stack), 'Hello', { pathPatterns });

    expect(ofToken).toBeLessThan(alone({ pathPatterns: ['/*'] }) as number);
  });

  test('exact hosts come before wildcards, wildcards before paths, and longer paths before shorter ones', () => {
    const host = ['shop.example.com'];
    const wildcard = ['*.example.com'];
    const priorities = ([
      { hostHeaders: host, pathPatterns: ['/cart/*'] },
      { hostHeaders: host },
      { hostHeaders: wildcard, pathPatterns: ['/cart/*'] },
      { hostHeaders: wildcard },
      { pathPatterns: [`/${'x'.repeat(100)}`] },
      { pathPatterns: ['/shop/cart/*'] },
      { pathPatterns: ['/shop/*'] },
      { pathPatterns: ['/*'] },
      { pathPatterns: ['*'] },
    ] as Rule[]).map(alone) as number[];

    expect(priorities).toEqual([...priorities].sort((a, b) => a - b));
    expect(new Set(priorities).size).toBe(priorities.length);
    priorities.forEach((priority) => {
      expect(priority).toBeGreaterThanOrEqual(1000);
      expect(priority).toBeLessThanOrEqual(48_999);
    });
  });
});

describe('two services with the same priority', () => {
  const lookedUp = (stack: Stack) => elbv2.ApplicationListener.fromLookup(stack, 'Listener', {
    loadBalancerTags: { stage: stack.stackName },
  });
  const importedBy = (arn: (stack: Stack) => string) => (stack: Stack) =>
    elbv2.ApplicationListener.fromApplicationListenerAttributes(stack, 'Listener', {
      listenerArn: arn(stack),
      securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'ListenerGroup', 'sg-12345678'),
    });
  const otherRegion = { env: { ...EU.env, region: 'us-east-1' } };

  /** Two services, each in a stack of its own, with its own construct for the listener. */
  const inTwoStacks = (listenerIn: (stack: Stack) => Listener, first = EU, second = first) => () => {
    const app = new App();
    Object.entries({ One: first, Two: second }).forEach(([id, env]) => {
      share(listenerIn(new Stack(app, id, env)), 'Hello', { pathPatterns: [`/${id}`], priority: 7 });
    });
  };

  test.each<[string, () => void]>([
    ['a listener that is looked up in two stacks, before it is known', inTwoStacks(lookedUp)],
    ['in two Regions', inTwoStacks(lookedUp, EU, otherRegion)],
    ['a parameter of each stack', inTwoStacks(importedBy((stack) => new CfnParameter(stack, 'Arn').valueAsString))],
    ['an import in two Regions', inTwoStacks(importedBy(() => Fn.importValue('arn')), EU, otherRegion)],
    ['an SSM parameter in two Regions',
      inTwoStacks(importedBy((s) => ssm.StringParameter.valueForStringParameter(s, '/arn')), EU, otherRegion)],
    ['an SSM look-up, before it is known',
      inTwoStacks(importedBy((s) => ssm.StringParameter.valueFromLookup(s, '/arn')), EU, otherRegion)],
  ])('is no error if the listeners can differ: %s', (_what, make) => {
    expect(make).not.toThrow();
  });

  test.each<[string, () => void]>([
    ['an ARN in two stacks', inTwoStacks((stack) => importedListener(stack))],
    ['an export in two stacks', inTwoStacks(importedBy(() => Fn.importValue('arn')))],
    ['an SSM parameter in two stacks',
      inTwoStacks(importedBy((stack) => ssm.StringParameter.valueForStringParameter(stack, '/arn')))],
    ['one look-up', () => {
      const listener = lookedUp(newStack(EU));
      share(listener, 'A', { pathPatterns: ['/a'], priority: 7 });
      share(listener, 'B', { pathPatterns: ['/b'], priority: 7 });
    }],
  ])('is an error that names both on one listener: %s', (_what, make) => {
    expect(make)
      .toThrow(/: ingress\.priority is 7, but .+\/(Hello|A) already uses it on this listener; set another one/);
  });

  test('is an error for a listener of this app, and for the import of it', () => {
    const owner = newStack(EU);
    const { listener, vpc } = new HelloFargateService(owner, 'Owner');
    const other = new Stack(owner.node.root as App, 'Other', EU);
    const imported = importedBy(() => listener!.listenerArn)(other);
    const shared = (arn: Listener) => Ingress.sharedListener(arn, {
      pathPatterns: ['/a'], priority: 7, url: 'https://example.com',
    });
    new HelloFargateService(owner, 'A', { ingress: shared(listener!) });

    expect(() => new HelloFargateService(other, 'B', { vpc, ingress: shared(imported) }))
      .toThrow(/^Other\/B: ingress\.priority is 7, but Stack\/A already uses it on this listener/);
  });

  test.each<[string, number, Deployment | undefined]>([
    ['the rule of the owner', 50_000, undefined],
    ['the test rule of the owner', 49_999, Deployment.blueGreen({ testTrafficHeader: { name: 'X-V', value: 'new' } })],
  ])('is an error for %s', (_what, priority, deployment) => {
    const stack = newStack(EU);
    const { listener } = new HelloFargateService(stack, 'Owner', { deployment });

    expect(() => new HelloFargateService(stack, 'A', {
      ingress: Ingress.sharedListener(listener!, { pathPatterns: ['/a'], priority }),
    })).toThrow(`Stack/A: ingress.priority is ${priority}, but Stack/Owner already uses it on this listener`);
  });
});
