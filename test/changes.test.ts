import { fullDiff, ResourceImpact } from '@aws-cdk/cloudformation-diff';
import { App, Duration, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Alarms, Capacity, Deployment, Egress, HelloFargateService, HelloFargateServiceProps, Ingress, Preset } from '../src';

/** What CloudFormation would do when the props of a service that runs are changed, by the rules of its resource types. */
function change(before: (stack: Stack) => HelloFargateServiceProps, after: (stack: Stack) => HelloFargateServiceProps) {
  const templateWith = (props: (stack: Stack) => HelloFargateServiceProps) => {
    const stack = new Stack(new App(), 'Stack', { env: { account: '123456789012', region: 'us-east-1' } });
    new HelloFargateService(stack, 'Hello', props(stack));
    return Template.fromStack(stack).toJSON();
  };
  const impacts = new Array<{ type: string; id: string; impact: ResourceImpact }>();
  fullDiff(templateWith(before), templateWith(after)).resources.forEachDifference((id, difference) => {
    impacts.push({ id, type: difference.newResourceType ?? difference.oldResourceType ?? '', impact: difference.changeImpact });
  });
  return {
    /** What happens to the resources of a type; those that stay as they are are left out. */
    of: (type: string) => impacts.filter((each) => each.type === `AWS::${type}`).map(({ impact }) => impact),
    replaced: impacts.filter(({ impact }) => impact === ResourceImpact.WILL_REPLACE || impact === ResourceImpact.MAY_REPLACE).map(({ type }) => type),
    gone: impacts.filter(({ impact }) => impact === ResourceImpact.WILL_DESTROY || impact === ResourceImpact.WILL_ORPHAN).map(({ type }) => type),
  };
}

const { WILL_CREATE, WILL_DESTROY, WILL_UPDATE } = ResourceImpact;
const SERVICE = 'ECS::Service';
const LOAD_BALANCER = 'ElasticLoadBalancingV2::LoadBalancer';
const LISTENER = 'ElasticLoadBalancingV2::Listener';
const LISTENER_RULE = 'ElasticLoadBalancingV2::ListenerRule';
const TARGET_GROUP = 'ElasticLoadBalancingV2::TargetGroup';
const SECURITY_GROUP_RULES = ['EC2::SecurityGroupEgress', 'EC2::SecurityGroupIngress'];

const nothing = () => ({});
const certificate = (stack: Stack, id: string) => acm.Certificate.fromCertificateArn(stack, id, `arn:aws:acm:us-east-1:123456789012:certificate/${id}`);
const https = (stack: Stack) => Ingress.https({
  domainName: 'hello.example.com',
  domainZone: route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z0123456789ABCDEFGHIJ', zoneName: 'example.com' }),
});

test('the same props change nothing', () => {
  const { replaced, gone, of } = change(nothing, nothing);

  expect([...replaced, ...gone, ...of(SERVICE)]).toEqual([]);
});

describe('ingress', () => {
  test.each([
    ['public to internal', nothing, () => ({ ingress: Ingress.http({ internetFacing: false }) })],
    ['internal to public', () => ({ ingress: Ingress.http({ internetFacing: false }) }), nothing],
    ['public to CloudFront', nothing, () => ({ ingress: Ingress.cloudFront() })],
  ])('%s: a new load balancer with a new target group, and the service is updated', (_what, before, after) => {
    const { replaced, of } = change(before, after);

    expect(replaced).toEqual([]);
    expect(of(SERVICE)).toEqual([WILL_UPDATE]);
    expect(of(LOAD_BALANCER).sort()).toEqual([WILL_CREATE, WILL_DESTROY].sort());
    expect(of(TARGET_GROUP).sort()).toEqual([WILL_CREATE, WILL_DESTROY].sort());
  });

  test('internal to CloudFront keeps the load balancer', () => {
    const { replaced, of } = change(() => ({ ingress: Ingress.http({ internetFacing: false }) }), () => ({ ingress: Ingress.cloudFront() }));

    expect(replaced).toEqual([]);
    expect(of(LOAD_BALANCER)).toEqual([]);
    expect(of('CloudFront::Distribution')).toEqual([WILL_CREATE]);
  });

  test('HTTP to HTTPS: a second listener, and load balancer, target group and service stay', () => {
    const { replaced, of } = change(nothing, (stack) => ({ ingress: https(stack) }));

    expect(replaced).toEqual([]);
    expect(of(LOAD_BALANCER)).toEqual([]);
    expect(of(TARGET_GROUP)).toEqual([]);
    expect(of(SERVICE)).toEqual([WILL_UPDATE]); // what it waits for, and no property
    expect(of(LISTENER).sort()).toEqual([WILL_CREATE, WILL_UPDATE].sort());
  });

  test('a second certificate is only added', () => {
    const { replaced, gone, of } = change(
      (stack) => ({ ingress: Ingress.httpsWithCertificates([certificate(stack, 'One')]) }),
      (stack) => ({ ingress: Ingress.httpsWithCertificates([certificate(stack, 'One'), certificate(stack, 'Two')]) }),
    );

    expect([...replaced, ...gone]).toEqual([]);
    expect(of(LISTENER)).toEqual([]);
    expect(of('ElasticLoadBalancingV2::ListenerCertificate')).toEqual([WILL_CREATE]);
  });

  test('options of the load balancer update it', () => {
    const { replaced, of } = change(nothing, () => ({
      ingress: Ingress.http({ deletionProtection: true, accessLogs: true, sessionStickiness: {}, allowFrom: [ec2.Peer.ipv4('192.0.2.0/24')] }),
    }));

    expect(replaced).toEqual([]);
    expect(of(LOAD_BALANCER)).toEqual([WILL_UPDATE]);
    expect(of(TARGET_GROUP)).toEqual([WILL_UPDATE]);
  });
});

describe('egress', () => {
  test.each([
    ['public addresses to NAT gateway', () => ({ egress: Egress.natGateway() })],
    ['public addresses to endpoints', () => ({ egress: Egress.vpcEndpoints() })],
    ['two zones to three', () => ({ maxAzs: 3 })],
  ])('%s: the service moves, and VPC, subnets and load balancer stay', (_what, after) => {
    const { replaced, gone, of } = change(nothing, after);

    expect([...replaced, ...gone]).toEqual([]);
    expect(of(SERVICE)).toEqual([WILL_UPDATE]);
    expect(of('EC2::VPC')).toEqual([]);
    expect(new Set(of('EC2::Subnet'))).toEqual(new Set([WILL_CREATE]));
  });
});

/** What a change comes to, beyond what it makes and updates. */
interface Change {
  /** Without it, the change starts from no props. */
  readonly from?: (stack: Stack) => HelloFargateServiceProps;
  readonly to: (stack: Stack) => HelloFargateServiceProps;
  /** Types that are replaced, besides a revision of the task definition, of which each deployment makes one. */
  readonly replaced?: string[];
  /** Types of which some go. */
  readonly gone?: string[];
  /** Whether tasks are replaced, or the service is told something else. */
  readonly deploys: boolean;
}

type Changes = { readonly [K in keyof Required<HelloFargateServiceProps>]: Change };

const IMAGE = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');
const vpcOf = (stack: Stack, id: string) => ec2.Vpc.fromVpcAttributes(stack, id, {
  vpcId: `vpc-${id}`,
  vpcCidrBlock: '10.9.0.0/16',
  availabilityZones: ['us-east-1a', 'us-east-1b'],
  ...Object.fromEntries(['public', 'private'].flatMap((kind) => [
    [`${kind}SubnetIds`, [`subnet-${id}${kind}1`, `subnet-${id}${kind}2`]],
    [`${kind}SubnetRouteTableIds`, [`rtb-${id}${kind}1`, `rtb-${id}${kind}2`]],
  ])),
});
const secret = (stack: Stack) => ecs.Secret.fromSecretsManager(secretsmanager.Secret.fromSecretNameV2(stack, 'Secret', 'theirs'));

/** Each prop, changed on a service that runs. A prop without a line does not compile. */
const CHANGES: Changes = {
  preset: {
    // Tasks move to private subnets, logs are encrypted and kept, and the load balancer becomes an internal one behind CloudFront.
    to: () => ({ preset: Preset.PRODUCTION, ingress: Ingress.cloudFront() }),
    gone: [LOAD_BALANCER, LISTENER, TARGET_GROUP, LISTENER_RULE],
    deploys: true,
  },
  image: { to: () => ({ image: IMAGE }), deploys: true },
  architecture: { to: () => ({ architecture: ecs.CpuArchitecture.X86_64 }), deploys: true },
  containerPort: { to: () => ({ containerPort: 3000 }), gone: SECURITY_GROUP_RULES, deploys: true },
  cpu: { to: () => ({ cpu: 1024 }), deploys: true },
  memoryLimitMiB: { to: () => ({ memoryLimitMiB: 1024 }), deploys: true },
  ephemeralStorageGiB: { to: () => ({ ephemeralStorageGiB: 50 }), deploys: true },
  desiredCount: { to: () => ({ desiredCount: 5 }), deploys: true },
  scaling: { to: () => ({ scaling: { minCapacity: 2, maxCapacity: 10, requestsPerTarget: 1000 } }), deploys: true },
  capacity: { to: () => ({ capacity: Capacity.spot() }), deploys: true },
  deployment: { to: () => ({ deployment: Deployment.rolling({ prepareTrafficShifting: true }) }), deploys: true },
  forceNewDeployment: { to: () => ({ forceNewDeployment: 'again' }), deploys: true },
  environment: { to: () => ({ environment: { A: '1' } }), deploys: true },
  secrets: { to: (stack) => ({ secrets: { A: secret(stack) } }), deploys: true },
  command: { to: () => ({ command: ['node', 'server.js'] }), deploys: true },
  entryPoint: { to: () => ({ entryPoint: ['node'] }), deploys: true },
  user: { from: () => ({ image: IMAGE }), to: () => ({ image: IMAGE, user: '1000:1000' }), deploys: true },
  readonlyRootFilesystem: { to: () => ({ readonlyRootFilesystem: false }), deploys: true },
  stopTimeout: { to: () => ({ stopTimeout: Duration.seconds(60) }), deploys: true },
  healthCheck: { to: () => ({ healthCheck: { path: '/info', gracePeriod: Duration.minutes(2) } }), deploys: true },
  containerHealthCheck: { to: () => ({ containerHealthCheck: { command: ['CMD', 'true'] } }), deploys: true },
  ingress: {
    to: () => ({ ingress: Ingress.http({ internetFacing: false }) }),
    gone: [LOAD_BALANCER, LISTENER, TARGET_GROUP, LISTENER_RULE],
    deploys: true,
  },
  egress: { to: () => ({ egress: Egress.vpcEndpoints() }), deploys: true },
  maxAzs: { to: () => ({ maxAzs: 3 }), deploys: true },
  flowLogs: { to: () => ({ flowLogs: true }), deploys: false },
  // Nothing moves from one VPC to another: it is another service, and the docstring says so.
  vpc: {
    from: (stack) => ({ vpc: vpcOf(stack, 'One') }),
    to: (stack) => ({ vpc: vpcOf(stack, 'Other') }),
    replaced: ['EC2::SecurityGroup', ...SECURITY_GROUP_RULES, TARGET_GROUP],
    deploys: true,
  },
  vpcSubnets: {
    from: (stack) => ({ vpc: vpcOf(stack, 'Vpc') }),
    to: (stack) => ({ vpc: vpcOf(stack, 'Vpc'), vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC } }),
    deploys: true,
  },
  // The new service takes its place at the same target group before the old one goes.
  cluster: {
    from: (stack) => ({ vpc: vpcOf(stack, 'Vpc') }),
    to: (stack) => ({ cluster: ecs.Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'shared', vpc: vpcOf(stack, 'Vpc') }) }),
    replaced: [SERVICE],
    gone: ['ECS::Cluster', 'ECS::ClusterCapacityProviderAssociations'],
    deploys: true,
  },
  enableExecuteCommand: { to: () => ({ enableExecuteCommand: true }), deploys: true },
  logDriver: { to: () => ({ logDriver: ecs.LogDrivers.firelens({}) }), deploys: true },
  logRetention: { to: () => ({ logRetention: 365 }), deploys: false },
  // The class of a log group cannot change: it is a new, empty one.
  logGroupClass: { to: () => ({ logGroupClass: logs.LogGroupClass.INFREQUENT_ACCESS }), gone: ['Logs::LogGroup'], deploys: true },
  logRemovalPolicy: { to: () => ({ logRemovalPolicy: RemovalPolicy.RETAIN }), deploys: false },
  encryptLogs: { to: () => ({ encryptLogs: true }), deploys: false },
  logEncryptionKey: { to: (stack) => ({ logEncryptionKey: new kms.Key(stack, 'Key') }), deploys: false },
  logServiceEvents: { to: () => ({ logServiceEvents: true }), deploys: false },
  logInsightsQueries: { to: () => ({ logInsightsQueries: true }), deploys: false },
  alarms: { to: () => ({ alarms: Alarms.recommended({ emails: ['on-call@example.com'], p95ResponseTime: Duration.seconds(1) }) }), deploys: false },
  dashboard: { to: () => ({ dashboard: true }), deploys: false },
  containerInsights: { to: () => ({ containerInsights: ecs.ContainerInsights.ENHANCED }), deploys: false },
  outputUrl: { to: () => ({ outputUrl: false }), deploys: false },
};

test.each(Object.entries(CHANGES))('a change of %s replaces and removes no more than is said', (_prop, { from = nothing, to, replaced = [], gone = [], deploys }) => {
  for (const [there, back] of [[from, to], [to, from]]) {
    const impacts = change(there, back);

    expect([...new Set(impacts.replaced)].filter((type) => type !== 'AWS::ECS::TaskDefinition').sort()).toEqual(replaced.map((type) => `AWS::${type}`).sort());
    if (there !== to) { expect([...new Set(impacts.gone)].sort()).toEqual(gone.map((type) => `AWS::${type}`).sort()); }
    expect(impacts.of(SERVICE).length > 0 || impacts.replaced.includes('AWS::ECS::TaskDefinition')).toBe(deploys);
  }
});

describe('from rolling to shifting traffic, and back', () => {
  const rolling = () => ({ deployment: Deployment.rolling() });
  const prepared = () => ({ deployment: Deployment.rolling({ prepareTrafficShifting: true }) });
  const canary = () => ({ deployment: Deployment.canary() });
  const linear = () => ({ deployment: Deployment.linear({ percent: 50 }) });
  const blueGreen = () => ({ deployment: Deployment.blueGreen({ bakeTime: Duration.minutes(30) }) });

  test('the first step makes the second target group and its role, and changes the rule', () => {
    const { replaced, gone, of } = change(rolling, prepared);

    expect([...replaced, ...gone]).toEqual([]);
    expect(of(TARGET_GROUP)).toEqual([WILL_CREATE]);
    expect(of(LISTENER_RULE)).toEqual([WILL_UPDATE]);
    expect(of(SERVICE)).toEqual([WILL_UPDATE]);
  });

  test.each([
    ['prepared to canary', prepared, canary],
    ['canary to linear', canary, linear],
    ['linear to blue/green', linear, blueGreen],
    ['blue/green to prepared', blueGreen, prepared],
  ])('%s: only the service is told', (_what, before, after) => {
    const { replaced, gone, of } = change(before, after);

    expect([...replaced, ...gone]).toEqual([]);
    expect(of(SERVICE)).toEqual([WILL_UPDATE]);
    expect([...of(TARGET_GROUP), ...of(LISTENER_RULE), ...of(LISTENER), ...of(LOAD_BALANCER)]).toEqual([]);
  });

  test.each<[string, HelloFargateServiceProps]>([
    ['health check', { healthCheck: { path: '/info', interval: Duration.seconds(10) } }],
    ['sticky sessions', { ingress: Ingress.http({ sessionStickiness: {} }) }],
    ['port', { containerPort: 3000 }],
    ['size', { cpu: 1024, desiredCount: 5 }],
    ['Spot', { capacity: Capacity.spot() }],
    ['scaling', { scaling: { minCapacity: 1, maxCapacity: 5, requestsPerTarget: 100 } }],
    ['idle time-out, access logs, allowed clients', { ingress: Ingress.http({ idleTimeout: Duration.seconds(90), accessLogs: true, allowFrom: [ec2.Peer.ipv4('192.0.2.0/24')] }) }],
    ['environment', { environment: { A: '1' }, enableExecuteCommand: true }],
    ['alarms and dashboard', { alarms: Alarms.none(), dashboard: true }],
    ['linear', { deployment: Deployment.linear() }],
    ['blue/green with a header for tests', { deployment: Deployment.blueGreen({ testTrafficHeader: { name: 'X-Version', value: 'new' } }) }],
    ['egress', { egress: Egress.natGateway(), maxAzs: 3 }],
  ])('once traffic shifts, the rule is the same to the byte whatever else changes: %s', (_what, props) => {
    const ruleWith = (given: HelloFargateServiceProps, tags: { [name: string]: string } = {}) => {
      const app = new App();
      Object.entries(tags).forEach(([name, value]) => Tags.of(app).add(name, value));
      const stack = new Stack(app, 'Stack', { env: { account: '123456789012', region: 'us-east-1' } });
      new HelloFargateService(stack, 'Hello', given);
      const rules = Template.fromStack(stack).findResources(`AWS::${LISTENER_RULE}`);
      return JSON.stringify(Object.entries(rules).find(([id]) => !/TestListenerRule/.test(id)));
    };

    const rule = ruleWith({ deployment: Deployment.canary() });
    expect(rule).toContain('"Weight":0');
    expect(ruleWith({ deployment: Deployment.canary(), ...props }, { team: 'shop' })).toBe(rule);
  });
});
