import { CfnOutput, CfnParameter, Duration, Fn, Lazy, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as patterns from 'aws-cdk-lib/aws-ecs-patterns';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { sharedListenerProps } from './support/fixtures';
import { METHODS, PLACES } from './support/hostile';
import { newStack } from './support/synth';
import { Alarms, HelloFargateService, HelloFargateServiceProps, Ingress } from '../src/index';

/** A value that is known only during deployment or at the end of synthesis, and what it is in the template. */
interface TokenKind {
  readonly type: Type;
  readonly inTemplate: RegExp;
  create(stack: Stack): unknown;
}

type Type = 'text' | 'number' | 'list' | 'seconds' | 'minutes' | 'millis';

const REF = /"Ref":"Token"/;
const parameter = (stack: Stack, type = 'Number') => new CfnParameter(stack, 'Token', { type });
const lazyNumber = () => Lazy.number({ produce: () => 1777 });

const KINDS: Readonly<Record<string, TokenKind>> = {
  'text parameter': {
    type: 'text', inTemplate: REF, create: (stack) => parameter(stack, 'String').valueAsString,
  },
  'text in SSM': {
    type: 'text',
    inTemplate: /"Ref":"SsmParameterValuetoken/,
    create: (stack) => ssm.StringParameter.valueForStringParameter(stack, '/token'),
  },
  'lazy text': {
    type: 'text', inTemplate: /lazy\.example\.com/, create: () => Lazy.string({ produce: () => 'lazy.example.com' }),
  },
  'number parameter': { type: 'number', inTemplate: REF, create: (stack) => parameter(stack).valueAsNumber },
  'lazy number': { type: 'number', inTemplate: /1777/, create: lazyNumber },
  'list parameter': {
    type: 'list', inTemplate: REF, create: (stack) => parameter(stack, 'CommaDelimitedList').valueAsList,
  },
  'lazy list': {
    type: 'list', inTemplate: /lazy\.example\.com/, create: () => Lazy.list({ produce: () => ['lazy.example.com'] }),
  },
  'seconds parameter': {
    type: 'seconds', inTemplate: REF, create: (stack) => Duration.seconds(parameter(stack).valueAsNumber),
  },
  'lazy seconds': { type: 'seconds', inTemplate: /1777/, create: () => Duration.seconds(lazyNumber()) },
  'minutes parameter': {
    type: 'minutes', inTemplate: REF, create: (stack) => Duration.minutes(parameter(stack).valueAsNumber),
  },
  'milliseconds parameter': {
    type: 'millis', inTemplate: REF, create: (stack) => Duration.millis(parameter(stack).valueAsNumber),
  },
};

/** An estimate is made at synthesis. */
const ESTIMATE = METHODS.estimateMonthlyCost.names.map((name) => `estimateMonthlyCost.${name}`);

/** Whether a token of each type gets into the template, or is refused with a sentence. Others are of a wrong type. */
const OUTCOMES: Readonly<Record<Type, { honored: string[]; refused: string[] }>> = {
  text: {
    honored: [
      'props.forceNewDeployment', 'props.user', 'healthCheck.path', 'healthCheck.healthyHttpCodes',
      'testTrafficHeader.name', 'testTrafficHeader.value', 'Ingress.http.webAclArn', 'Ingress.https.webAclArn',
      'Ingress.https.domainName', 'Ingress.httpsWithCertificates.webAclArn',
      'Ingress.httpsWithCertificates.domainName', 'Ingress.cloudFront.webAclArn',
      'Ingress.cloudFront.originFacingPrefixListId', 'Ingress.sharedListener.url', 'sessionStickiness.cookieName',
      'addSidecar.user', 'addSidecar name.value',
    ],
    refused: [
      'vpcSubnets.subnetGroupName', 'Ingress.cloudFront.domainName',
      ...ESTIMATE,
    ],
  },
  number: {
    honored: [
      'props.containerPort', 'props.memoryLimitMiB', 'props.ephemeralStorageGiB', 'props.desiredCount',
      'healthCheck.healthyThresholdCount', 'healthCheck.unhealthyThresholdCount', 'containerHealthCheck.retries',
      'scaling.minCapacity', 'scaling.maxCapacity', 'scaling.memoryUtilizationPercent', 'scaling.requestsPerTarget',
      'scaling.cpu.targetTracking.targetUtilizationPercent', 'scaling.cpu.stepScaling.scaleInBelowPercent',
      'scaling.schedules.minCapacity', 'scaling.schedules.maxCapacity', 'Capacity.spot.onDemandBase',
      'Deployment.rolling.minHealthyPercent', 'Deployment.rolling.maxHealthyPercent',
      'Deployment.rolling.failureThreshold', 'Deployment.canary.percent', 'Deployment.linear.percent',
      'Alarms.recommended.cpuUtilizationPercent',
      'Alarms.recommended.memoryUtilizationPercent', 'Alarms.recommended.errorRatePercent',
      'Alarms.recommended.minFailedRequests', 'Alarms.recommended.minHealthyTasks',
      'Alarms.recommended.errorLogLines', 'Ingress.sharedListener.priority',
      'throttle.burstLimit', 'throttle.rateLimit',
      'addSidecar.memoryLimitMiB',
      'addSidecar.cpu', 'connectTo.port',
    ],
    refused: [
      'props.cpu', 'props.maxAzs', 'scaling.cpu.stepScaling.scaleOutAbovePercent', 'Egress.natGateway.count',
      'Ingress.http.listenerPort', 'Ingress.https.listenerPort', 'Ingress.httpsWithCertificates.listenerPort',
      ...ESTIMATE,
    ],
  },
  list: {
    honored: [
      'props.command', 'props.entryPoint', 'addSidecar.command',
    ],
    refused: ESTIMATE,
  },
  seconds: {
    honored: [
      'healthCheck.gracePeriod', 'containerHealthCheck.startPeriod', 'scaling.scaleInCooldown',
      'scaling.scaleOutCooldown',
    ],
    refused: [
      'props.stopTimeout', 'healthCheck.interval', 'healthCheck.timeout', 'containerHealthCheck.interval',
      'containerHealthCheck.timeout', 'Deployment.blueGreen.bakeTime', 'Deployment.canary.bakeTime',
      'Deployment.canary.canaryBakeTime', 'Deployment.linear.bakeTime', 'Deployment.linear.stepBakeTime',
      'Alarms.recommended.p95ResponseTime', 'Ingress.http.idleTimeout', 'Ingress.https.idleTimeout',
      'Ingress.httpsWithCertificates.idleTimeout', 'Ingress.cloudFront.idleTimeout',
      'Ingress.sharedListener.idleTimeout', 'Ingress.httpApi.timeout', 'sessionStickiness.cookieDuration',
      ...ESTIMATE,
    ],
  },
  minutes: {
    honored: [
      'Deployment.blueGreen.bakeTime', 'Deployment.canary.bakeTime', 'Deployment.canary.canaryBakeTime',
      'Deployment.linear.bakeTime', 'Deployment.linear.stepBakeTime',
    ],
    refused: [
      'props.stopTimeout', 'healthCheck.interval', 'healthCheck.timeout', 'healthCheck.gracePeriod',
      'containerHealthCheck.interval', 'containerHealthCheck.startPeriod', 'containerHealthCheck.timeout',
      'scaling.scaleInCooldown', 'scaling.scaleOutCooldown', 'Alarms.recommended.p95ResponseTime',
      'Ingress.http.idleTimeout', 'Ingress.https.idleTimeout', 'Ingress.httpsWithCertificates.idleTimeout',
      'Ingress.cloudFront.idleTimeout', 'Ingress.sharedListener.idleTimeout', 'Ingress.httpApi.timeout',
      'sessionStickiness.cookieDuration',
      ...ESTIMATE,
    ],
  },
  millis: {
    honored: [
      'Ingress.httpApi.timeout',
    ],
    refused: [
      'props.stopTimeout', 'healthCheck.interval', 'healthCheck.timeout', 'healthCheck.gracePeriod',
      'containerHealthCheck.interval', 'containerHealthCheck.startPeriod', 'containerHealthCheck.timeout',
      'scaling.scaleInCooldown', 'scaling.scaleOutCooldown', 'Deployment.blueGreen.bakeTime',
      'Deployment.canary.bakeTime', 'Deployment.canary.canaryBakeTime', 'Deployment.linear.bakeTime',
      'Deployment.linear.stepBakeTime', 'Alarms.recommended.p95ResponseTime', 'Ingress.http.idleTimeout',
      'Ingress.https.idleTimeout', 'Ingress.httpsWithCertificates.idleTimeout', 'Ingress.cloudFront.idleTimeout',
      'Ingress.sharedListener.idleTimeout', 'sessionStickiness.cookieDuration',
      ...ESTIMATE,
    ],
  },
};

const IMAGE = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');
const OURS = /^Stack\/Hello: \S.* is .+, but .+; .+[^.]$/;
const RAW = /\$\{Token\[|-1\.8\d+e\+289|#\{Token|\bTOKEN\b|\bundefined\b/;

/** @param fixtures number of constructs that the call itself creates before the error */
function outcomeOf(stack: Stack, { inTemplate }: TokenKind, fixtures: number, call: () => unknown): string {
  const before = stack.node.findAll().length;
  try {
    const result = call();
    if (typeof result === 'string') { new CfnOutput(stack, 'Result', { value: result }); }
  } catch (error) {
    const { message } = error as Error;
    const isOurs = message.split('\n').every((line) => OURS.test(line)) && !RAW.test(message);
    const added = stack.node.findAll().length - before - fixtures;
    if (!isOurs || added > 0) { return `threw ${message}${added > 0 ? ` after ${added} constructs` : ''}`; }
    return /, but it must be (an? |true or false;)/.test(message) ? 'of a wrong type' : 'refused';
  }
  try {
    const text = JSON.stringify(Template.fromStack(stack).toJSON());
    if (RAW.test(text)) { return `${RAW.exec(text)![0]} in the template`; }
    return inTemplate.test(text) ? 'honored' : 'ignored';
  } catch (error) {
    return `could not be synthesized: ${(error as Error).message}`;
  }
}

function outcomeOfProp(place: string, name: string, kind: TokenKind): string {
  const stack = newStack();
  const options = { [name]: kind.create(stack) };
  // What the options refer to is created first.
  const fixtures = newStack();
  try { PLACES[place].props({}, fixtures); } catch { /* a required option is missing */ }
  return outcomeOf(stack, kind, fixtures.node.findAll().length, () => {
    const props = { image: IMAGE, ...PLACES[place].props(options, stack) };
    return new HelloFargateService(stack, 'Hello', props);
  });
}

function outcomeOfMethod(method: string, name: string, kind: TokenKind): string {
  const stack = newStack();
  const options = { [name]: kind.create(stack) };
  const hello = new HelloFargateService(stack, 'Hello', { image: IMAGE, dashboard: true });
  return outcomeOf(stack, kind, method === 'connectTo' ? 1 : 0, () => METHODS[method].call(hello, options, stack));
}

test.each(Object.entries(KINDS))('%s: each prop and option is honored, or refused with a sentence', (_, kind) => {
  const outcomes: Record<string, string[]> = { honored: [], refused: [] };
  const add = (outcome: string, name: string) => (outcomes[outcome] ??= []).push(name);
  for (const [place, { names }] of Object.entries(PLACES)) {
    for (const name of names) { add(outcomeOfProp(place, name, kind), `${place}.${name}`); }
  }
  for (const [method, { names }] of Object.entries(METHODS)) {
    for (const name of names) { add(outcomeOfMethod(method, name, kind), `${method}.${name}`); }
  }
  const { 'of a wrong type': _other, ...found } = outcomes;
  const sorted = (lists: object) => Object.fromEntries(Object.entries(lists).map(([key, list]) => [key, list.sort()]));
  expect(sorted(found)).toEqual(sorted(OUTCOMES[kind.type]));
}, 300_000);

/** Tokens inside of a list, a map or another construct. */
const PARTS: Readonly<Record<string, (token: string, stack: Stack) => HelloFargateServiceProps>> = {
  'a variable': (token) => ({ environment: { NAME: token } }),
  'a part of a command': (token) => ({ command: ['serve', token] }),
  'a part of a container health check': (token) => ({ containerHealthCheck: { command: ['CMD', token] } }),
  'a host header': (token, stack) => sharedListenerProps(stack, { hostHeaders: [token] }),
  'a path pattern': (token, stack) => sharedListenerProps(stack, { pathPatterns: [token], url: 'http://example.com' }),
  'a static path': (token) => ({ ingress: Ingress.cloudFront({ staticPathPatterns: [token] }) }),
  'an email': (token) => ({ alarms: Alarms.recommended({ emails: [token] }) }),
  'a peer': (token) => ({ ingress: Ingress.http({ allowFrom: [ec2.Peer.ipv4(token)] }) }),
  'a prefix list': (token) => ({ ingress: Ingress.http({ allowFrom: [ec2.Peer.prefixList(token)] }) }),
  'a certificate': (token, stack) => ({
    ingress: Ingress.httpsWithCertificates([acm.Certificate.fromCertificateArn(stack, 'Certificate', token)]),
  }),
  'a secret': (token, stack) => ({
    secrets: { NAME: ecs.Secret.fromSecretsManager(secretsmanager.Secret.fromSecretCompleteArn(stack, 'S', token)) },
  }),
  'a topic': (token, stack) => ({
    alarms: Alarms.recommended({ topics: [sns.Topic.fromTopicArn(stack, 'Topic', token)] }),
  }),
  'a tag of an image': (token, stack) => ({
    image: ecs.ContainerImage.fromEcrRepository(ecr.Repository.fromRepositoryName(stack, 'Shop', 'shop'), token),
  }),
  'an image': (token) => ({ image: ecs.ContainerImage.fromRegistry(token) }),
};

const TEXT_KINDS = Object.entries(KINDS).filter(([, { type }]) => type === 'text');

test.each(TEXT_KINDS)('%s: each part of a prop is honored', (_, kind) => {
  const outcomes = Object.entries(PARTS).map(([part, props]) => {
    const stack = newStack();
    const token = kind.create(stack) as string;
    const outcome = outcomeOf(stack, kind, 0, () => {
      new HelloFargateService(stack, 'Hello', { image: IMAGE, ...props(token, stack) });
    });
    return [part, outcome];
  });
  expect(Object.fromEntries(outcomes)).toEqual(
    Object.fromEntries(Object.keys(PARTS).map((part) => [part, 'honored'])));
});

const EXAMPLE = 'hello.example.com';
const withDot = (name: unknown) => ({ 'Fn::Join': ['', [name, '.']] });
test.each([
  ['the domain name', (token: string) => [token, 'example.com'], withDot],
  ['the name of the zone', (token: string) => [EXAMPLE, token], () => `${EXAMPLE}.`],
  ['both', (token: string) => [token, token], withDot],
])('the alias record has the domain name and nothing else if %s is in SSM', (_, names, expected) => {
  const stack = newStack();
  const [domainName, zoneName] = names(ssm.StringParameter.valueForStringParameter(stack, '/name'));
  const domainZone = route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName });
  new HelloFargateService(stack, 'Hello', { image: IMAGE, ingress: Ingress.https({ domainName, domainZone }) });

  const template = Template.fromStack(stack);
  const [parameterId] = Object.keys(template.findParameters('*', { Type: 'AWS::SSM::Parameter::Value<String>' }));
  const [record] = Object.values(template.findResources('AWS::Route53::RecordSet'));
  expect(record.Properties.Name).toEqual(expected({ Ref: parameterId }));
});

test.each([
  ['the task', { cpu: 512, memoryLimitMiB: undefined }, { memoryLimitMiB: 256 }],
  ['the sidecar', { cpu: 512, memoryLimitMiB: 1024 }, { memoryLimitMiB: undefined }],
])('the containers have no more memory than the task if that of %s is a parameter', (_, props, sidecar) => {
  const stack = newStack();
  const memoryLimitMiB = parameter(stack).valueAsNumber;
  const hello = new HelloFargateService(stack, 'Hello', { image: IMAGE, memoryLimitMiB, ...defined(props) });
  hello.addSidecar('agent', { image: IMAGE, memoryLimitMiB, ...defined(sidecar) });

  const [task] = Object.values(Template.fromStack(stack).findResources('AWS::ECS::TaskDefinition'));
  const [app, agent] = task.Properties.ContainerDefinitions;
  expect(app.Memory).toBeUndefined();
  expect(agent.Memory).toEqual(sidecar.memoryLimitMiB ?? { Ref: 'Token' });
});

const defined = <T extends object>(options: T) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;

test.each([
  ['with private subnets', true, {}],
  ['without private subnets', false, {}],
  ['behind an internal load balancer', true, { ingress: Ingress.http({ internetFacing: false }) }],
  ['with public addresses', false, { assignPublicIp: true }],
  ['with CloudFront', true, { ingress: Ingress.cloudFront() }],
])('a VPC whose subnets are lists of an import is accepted, as by aws-ecs-patterns: %s', (_, hasPrivate, props) => {
  const listOf = (name: string) => Fn.split(',', Fn.importValue(name));
  const vpcOf = (stack: Stack) => ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-12345678',
    vpcCidrBlock: '10.0.0.0/16',
    availabilityZones: Fn.getAzs(),
    publicSubnetIds: listOf('Public'),
    ...hasPrivate ? { privateSubnetIds: listOf('Private') } : {},
  });
  const peer = newStack();
  new patterns.ApplicationLoadBalancedFargateService(peer, 'Hello', {
    vpc: vpcOf(peer), taskImageOptions: { image: IMAGE }, assignPublicIp: !hasPrivate,
  });
  const ours = newStack();
  new HelloFargateService(ours, 'Hello', { vpc: vpcOf(ours), image: IMAGE, ...props });

  for (const stack of [peer, ours]) {
    const [service] = Object.values(Template.fromStack(stack).findResources('AWS::ECS::Service'));
    expect(service.Properties.NetworkConfiguration.AwsvpcConfiguration.Subnets)
      .toEqual({ 'Fn::Split': [',', { 'Fn::ImportValue': hasPrivate ? 'Private' : 'Public' }] });
  }
});
