import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { HelloFargateService, Ingress } from '../../src';
import { hostedZone, importedCertificate, importedVpc } from '../support/fixtures';

const EU = { env: { account: '123456789012', region: 'eu-central-1' } };
const ELB = 'AWS::ElasticLoadBalancingV2';

type Resource = { readonly Type: string; readonly Properties: any; readonly DependsOn?: string[] };
type Resources = Readonly<Record<string, Resource>>;

const domain = (stack: Stack) => ({ domainName: 'hello.example.com', domainZone: hostedZone(stack) });
const shared = (name: string) => (stack: Stack) => Ingress.sharedListener(
  elbv2.ApplicationListener.fromApplicationListenerAttributes(stack, 'Listener', {
    listenerArn: `arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/${name}/0123456789abcdef/0`,
    securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'ListenerGroup', 'sg-12345678'),
  }),
  { hostHeaders: ['hello.example.com'] },
);

const INGRESSES: Record<string, (stack: Stack) => Ingress> = {
  http: () => Ingress.http(),
  httpInternal: () => Ingress.http({ internetFacing: false }),
  https: (stack) => Ingress.https(domain(stack)),
  httpsInternal: (stack) => Ingress.https({ ...domain(stack), internetFacing: false }),
  httpsWithCertificates: (stack) => Ingress.httpsWithCertificates([importedCertificate(stack)]),
  cloudFront: () => Ingress.cloudFront(),
  cloudFrontWithDomain: (stack) => Ingress.cloudFront({
    ...domain(stack), certificate: importedCertificate(stack, 'Certificate', 'us-east-1'),
  }),
  sharedListener: shared('one'),
  sharedListenerOfOther: shared('two'),
  httpApi: () => Ingress.httpApi(),
};

const resourcesOf = (stack: Stack): Resources => Template.fromStack(stack).toJSON().Resources;

function only(resources: Resources, type: string): [string, Resource][] {
  return Object.entries(resources).filter(([, { Type }]) => Type === type);
}

/** All IDs that a resource refers to, and those that they refer to. */
function closure(resources: Resources, id: string, found = new Set<string>()): Set<string> {
  const text = JSON.stringify(resources[id]);
  Object.keys(resources).filter((other) => !found.has(other) && text.includes(`"${other}"`)).forEach((other) => {
    found.add(other);
    closure(resources, other, found);
  });
  return found;
}

/** The load balancer of each target group: its logical ID, or its part of the ARN of an imported listener. */
function loadBalancers(resources: Resources): Map<string, string> {
  const result = new Map<string, string>();
  for (const [, { Properties }] of only(resources, `${ELB}::ListenerRule`)) {
    const listener = Properties.ListenerArn;
    const loadBalancer = typeof listener === 'string'
      ? listener.split('/').slice(1, 4).join('/')
      : resources[listener.Ref].Properties.LoadBalancerArn.Ref;
    for (const [id] of only(resources, `${ELB}::TargetGroup`)) {
      if (JSON.stringify(Properties.Actions).includes(`"${id}"`)) { result.set(id, loadBalancer); }
    }
  }
  return result;
}

/** https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/424 */
function movedTargetGroups(before: Resources, after: Resources): string[] {
  const old = loadBalancers(before);
  return [...loadBalancers(after)]
    .filter(([id, loadBalancer]) => old.has(id) && old.get(id) !== loadBalancer)
    .map(([id, loadBalancer]) => `${id} cannot be associated with ${old.get(id)} and ${loadBalancer}`);
}

/** Records that point clients to a load balancer or a distribution before the tasks are registered there. */
function earlyRecords(before: Resources, after: Resources): string[] {
  const [[service]] = only(after, 'AWS::ECS::Service');
  const distributions = only(after, 'AWS::CloudFront::Distribution').map(([id]) => id);
  return only(after, 'AWS::Route53::RecordSet').filter(([id]) => before[id]).flatMap(([id]) => [
    ...closure(after, id).has(service) ? [] : [`${id} does not wait for the service`],
    ...distributions.every((it) => closure(after, service).has(it)) ? [] : [`tasks move before ${id} can`],
  ]);
}

/** Clients that a load balancer no longer accepts at once, although it serves them until the end of the update. */
function refusedClients(before: Resources, after: Resources): string[] {
  const listens = (resources: Resources, port: number) =>
    only(resources, `${ELB}::Listener`).some(([id, { Properties }]) => id in before && Properties.Port === port);
  return only(before, `${ELB}::LoadBalancer`).flatMap(([loadBalancer, { Properties }]) => {
    const id = Properties.SecurityGroups[0]['Fn::GetAtt'][0];
    const rules = (resources: Resources): any[] => resources[id]?.Properties.SecurityGroupIngress ?? [];
    const kept = rules(after).map((rule) => JSON.stringify(rule));
    return id in after
      ? rules(before)
        .filter((rule) => !kept.includes(JSON.stringify(rule)))
        .filter((rule) => !(loadBalancer in after) || listens(after, rule.FromPort))
        .map((rule) => `${id} loses "${rule.Description}" at once`)
      : [];
  });
}

const faultsOf = (before: Resources, after: Resources) =>
  [movedTargetGroups, earlyRecords, refusedClients].flatMap((check) => check(before, after));

/** The faults of each ordered pair of templates, by their names. */
function faultsOfPairs(templates: Record<string, Resources>): Record<string, string[]> {
  const names = Object.keys(templates);
  const pairs = names.flatMap((from) => names.map((to) =>
    [`${from} to ${to}`, faultsOf(templates[from], templates[to])] as const));
  return Object.fromEntries(pairs.filter(([, faults]) => faults.length > 0));
}

const fromEntries = <V>(names: string[], value: (name: string) => V) =>
  Object.fromEntries(names.map((name) => [name, value(name)]));

test('no change of the ingress moves a target group, or clients before the tasks', () => {
  const templates = fromEntries(Object.keys(INGRESSES), (name) => {
    const stack = new Stack(new App({ treeMetadata: false }), 'Stack', EU);
    const vpc = importedVpc(stack, { withPrivateSubnets: true });
    new HelloFargateService(stack, 'Hello', { vpc, ingress: INGRESSES[name](stack) });
    return resourcesOf(stack);
  });

  expect(faultsOfPairs(templates)).toEqual({});
});

const OWNERS = ['http', 'httpInternal', 'https', 'httpsInternal', 'cloudFront', 'cloudFrontWithDomain'];

function ownerAndShop(owner: string, inOneStack: boolean): { readonly hello: Stack; readonly shop: Stack } {
  const app = new App({ treeMetadata: false });
  const hello = new Stack(app, 'Stack', EU);
  const shop = inOneStack ? hello : new Stack(app, 'Shop', EU);
  const { listener, vpc } = new HelloFargateService(hello, 'Hello', { ingress: INGRESSES[owner](hello) });
  const ingress = Ingress.sharedListener(listener!, { pathPatterns: ['/shop/*'], url: 'https://example.com' });
  new HelloFargateService(shop, 'Shop', { ingress, vpc: inOneStack ? undefined : vpc });
  return { hello, shop };
}

test('a service that shares the listener moves with it to another load balancer of the owner', () => {
  const templates = fromEntries(OWNERS, (name) => {
    const all = resourcesOf(ownerAndShop(name, true).hello);
    const isOfShop = (id: string) => all[id].Type === 'AWS::ECS::Service' && id.startsWith('Shop');
    return Object.fromEntries(Object.entries(all).filter(([id]) => !isOfShop(id)));
  });

  expect(faultsOfPairs(templates)).toEqual({});
});

test('from HTTP to HTTPS, the owner keeps the exports that a service in another stack imports', () => {
  const imports = (stack: Stack) => [...JSON.stringify(Template.fromStack(stack).toJSON())
    .matchAll(/"Fn::ImportValue":"([^"]+)"/g)].map(([, name]) => name);
  const exportsOf = (stack: Stack) => Object.values<any>(Template.fromStack(stack).toJSON().Outputs)
    .map(({ Export }) => Export?.Name);
  const before = imports(ownerAndShop('http', false).shop);
  const { hello, shop } = ownerAndShop('https', false);

  expect(before.length).toBeGreaterThan(0);
  expect(exportsOf(hello)).toEqual(expect.arrayContaining([...before, ...imports(shop)]));
});
