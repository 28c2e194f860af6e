import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { HelloFargateService, Ingress, SharedListenerIngressOptions } from '../../src';
import { importedListener, importedVpc } from '../support/fixtures';
import { environmentOf, newStack, only } from '../support/synth';

const rulesOf = (stack: Stack) =>
  Object.values(Template.fromStack(stack).findResources('AWS::ElasticLoadBalancingV2::ListenerRule')).map(
    ({ Properties }) => Properties,
  );

/** A stack with a load balancer that several teams share. */
function sharing(app = new App()) {
  const stack = new Stack(app, 'Sharing');
  const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 });
  const listener = new elbv2.ApplicationLoadBalancer(stack, 'LoadBalancer', { vpc, internetFacing: true }).addListener(
    'Listener',
    { port: 80, defaultAction: elbv2.ListenerAction.fixedResponse(404) },
  );
  return { app, stack, vpc, listener };
}

function imported(stack: Stack, id = 'Listener'): { vpc: ec2.IVpc; listener: elbv2.IApplicationListener } {
  return {
    vpc: importedVpc(stack, { id: `${id}Vpc`, withPublicSubnets: false, withPrivateSubnets: true }),
    listener: importedListener(stack, id),
  };
}

test('two services share the listener of a third service in the same stack', () => {
  const stack = newStack();
  const { listener } = new HelloFargateService(stack, 'Hello');
  const shop = new HelloFargateService(stack, 'Shop', {
    ingress: Ingress.sharedListener(listener!, { pathPatterns: ['/shop', '/shop/*'] }),
  });
  new HelloFargateService(stack, 'Admin', {
    ingress: Ingress.sharedListener(listener!, { hostHeaders: ['admin.example.com'] }),
  });
  const template = Template.fromStack(stack);

  template.resourceCountIs('AWS::ElasticLoadBalancingV2::LoadBalancer', 1);
  template.resourceCountIs('AWS::ElasticLoadBalancingV2::TargetGroup', 3);
  expect(rulesOf(stack).map(({ Conditions }) => Conditions)).toEqual([
    [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/*'] } }],
    [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/shop', '/shop/*'] } }],
    [{ Field: 'host-header', HostHeaderConfig: { Values: ['admin.example.com'] } }],
  ]);
  expect(shop.loadBalancer).toBeUndefined();
  expect(shop.targetGroup).toBeDefined();
  expect(stack.resolve(shop.url)).toEqual({
    'Fn::Join': ['', ['http://', { 'Fn::GetAtt': [expect.stringContaining('LoadBalancer'), 'DNSName'] }]],
  });
});

test('a service in another stack creates its listener rule and security group rules there, without a cycle', () => {
  const { app, stack, vpc, listener } = sharing();
  const service = new Stack(app, 'Service');
  const alone = Object.keys(Template.fromStack(sharing().stack).toJSON().Resources);
  const hello = new HelloFargateService(service, 'Hello', {
    vpc,
    ingress: Ingress.sharedListener(listener, { pathPatterns: ['/*'] }),
  });
  const template = Template.fromStack(service);

  expect(Object.keys(Template.fromStack(stack).toJSON().Resources)).toEqual(alone);
  expect(rulesOf(service)).toHaveLength(1);
  expect(only(template, 'AWS::EC2::SecurityGroupIngress')).toMatchObject({ FromPort: 8080, ToPort: 8080 });
  expect(only(template, 'AWS::EC2::SecurityGroupEgress')).toMatchObject({ FromPort: 8080, ToPort: 8080 });
  expect(hello.vpc).toBe(vpc);
});

test('adds a rule to an imported listener, and allows its load balancer to connect to the tasks', () => {
  const stack = newStack();
  const { vpc, listener } = imported(stack);
  const hello = new HelloFargateService(stack, 'Hello', {
    vpc,
    ingress: Ingress.sharedListener(listener, {
      pathPatterns: ['/hello'],
      hostHeaders: ['*.example.com', 'hello.example.com'],
    }),
  });

  expect(rulesOf(stack)[0].ListenerArn).toBe(listener.listenerArn);
  expect(only(Template.fromStack(stack), 'AWS::EC2::SecurityGroupIngress').SourceSecurityGroupId).toBe('sg-12345678');
  expect(hello.url).toBe('https://hello.example.com');
});

test('passes the idle timeout of the load balancer on to the app', () => {
  const stack = newStack();
  const { vpc, listener } = imported(stack);
  new HelloFargateService(stack, 'Hello', {
    vpc,
    ingress: Ingress.sharedListener(listener, {
      pathPatterns: ['/*'],
      idleTimeout: Duration.minutes(5),
      url: 'https://example.com',
    }),
  });

  expect(environmentOf(Template.fromStack(stack)).KEEP_ALIVE_TIMEOUT_MS).toBe('305000');
});

describe('priority', () => {
  const priorities = (ingresses: { [id: string]: Omit<SharedListenerIngressOptions, 'url'> }) => {
    const stack = newStack();
    const { vpc, listener } = imported(stack);
    for (const [id, options] of Object.entries(ingresses)) {
      new HelloFargateService(stack, id, {
        vpc,
        ingress: Ingress.sharedListener(listener, { ...options, url: 'https://example.com' }),
      });
    }
    return rulesOf(stack).map(({ Priority }) => Priority);
  };

  test('can be set', () => {
    expect(priorities({ Hello: { pathPatterns: ['/*'], priority: 7 } })).toEqual([7]);
  });
});

describe('fails with', () => {
  const sharedWith =
    (options: SharedListenerIngressOptions, withVpc = true) =>
      () => {
        const stack = newStack();
        const { vpc, listener } = imported(stack);
        return new HelloFargateService(stack, 'Hello', {
          vpc: withVpc ? vpc : undefined,
          ingress: Ingress.sharedListener(listener, { url: 'https://example.com', ...options }),
        });
      };

  test.each<[string, () => unknown, RegExp]>([
    ['neither path nor host', sharedWith({}), /ingress\.pathPatterns is \[\], but a rule needs a path or a host/],
    [
      'six condition values',
      sharedWith({ pathPatterns: ['/a', '/b', '/c'], hostHeaders: ['a.b', 'b.b', 'c.b'] }),
      /ingress\.pathPatterns is 3 paths and 3 hosts, but a listener rule has at most 5/,
    ],
    [
      'a path without a slash',
      sharedWith({ pathPatterns: ['shop'] }),
      /ingress\.pathPatterns is "shop", but a path starts with \//,
    ],
    [
      'a URL instead of a host',
      sharedWith({ hostHeaders: ['https://example.com'] }),
      /ingress\.hostHeaders is "https:\/\/example\.com", but a host has/,
    ],
    [
      'priority 0',
      sharedWith({ pathPatterns: ['/*'], priority: 0 }),
      /ingress\.priority is 0, but a priority is a whole number from 1 to 50000/,
    ],
    [
      'an imported listener without a VPC',
      sharedWith({ pathPatterns: ['/*'] }, false),
      /vpc is not set, but the tasks must be in the VPC of the listener's load balancer/,
    ],
    [
      'an imported listener without a URL',
      sharedWith({ pathPatterns: ['/*'], url: undefined }),
      /ingress\.url is not set, but the DNS name of an imported listener's load balancer is unknown/,
    ],
    [
      'a VPC other than that of the load balancer',
      () => {
        const { stack, listener } = sharing();
        return new HelloFargateService(stack, 'Hello', {
          vpc: new ec2.Vpc(stack, 'Other', { maxAzs: 2 }),
          ingress: Ingress.sharedListener(listener, { pathPatterns: ['/*'] }),
        });
      },
      /vpc is "Sharing\/Other", but the listener's load balancer is in Sharing\/Vpc/,
    ],
    [
      'a priority that another service uses',
      () => {
        const { stack, vpc, listener } = sharing();
        new HelloFargateService(stack, 'Hello', {
          vpc,
          ingress: Ingress.sharedListener(listener, { pathPatterns: ['/a'], priority: 7 }),
        });
        return new HelloFargateService(stack, 'World', {
          vpc,
          ingress: Ingress.sharedListener(listener, { pathPatterns: ['/b'], priority: 7 }),
        });
      },
      /^Sharing\/World: ingress\.priority is 7, but Sharing\/Hello already uses it on this listener/,
    ],
  ])('%s', (_what, make, message) => {
    expect(make).toThrow(message);
  });
});
