import * as path from 'path';
import { Duration, Environment, RemovalPolicy, Stack, TimeZone } from 'aws-cdk-lib';
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Alarms, Capacity, CpuScaling, Deployment, Egress, HelloFargateService, HelloFargateServiceProps, Ingress, Preset, ServiceImage } from '../../src/index';

/** The stack of one service, and what stands there already. Each thing is made when it is first asked for. */
export class Ground {
  private readonly things = new Map<string, unknown>();

  constructor(public readonly stack: Stack) {}

  public once<T>(id: string, make: () => T): T {
    if (!this.things.has(id)) { this.things.set(id, make()); }
    return this.things.get(id) as T;
  }

  public get vpc(): ec2.IVpc {
    return this.once('Vpc', () => new ec2.Vpc(this.stack, 'Vpc', { maxAzs: 2, natGateways: 1, restrictDefaultSecurityGroup: false }));
  }

  public certificate(region: string): acm.ICertificate {
    return acm.Certificate.fromCertificateArn(this.stack, 'Certificate', `arn:aws:acm:${region}:123456789012:certificate/00000000-0000-0000-0000-000000000000`);
  }
}

/** The values that are drawn for an option, by name. The first of them is nothing: the option is left out. */
type Values<T> = { readonly [name: string]: (ground: Ground) => T };

type Options = { readonly [K in keyof Required<HelloFargateServiceProps>]: Values<HelloFargateServiceProps[K]> };

const left = (): undefined => undefined;

/** Every prop with its values. A prop without a line here does not compile. */
export const OPTIONS: Options = {
  preset: {
    left,
    development: () => Preset.DEVELOPMENT,
    standard: () => Preset.STANDARD,
    production: () => Preset.PRODUCTION,
  },
  image: {
    left,
    directory: () => ServiceImage.fromDirectory(path.join(__dirname, 'fixtures', 'image')),
    registry: () => ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29'),
    digest: ({ stack }) => ecs.ContainerImage.fromEcrRepository(ecr.Repository.fromRepositoryName(stack, 'Repository', 'shop'), `sha256:${'0'.repeat(64)}`),
  },
  architecture: { left, x86: () => ecs.CpuArchitecture.X86_64 },
  containerPort: { left, 3000: () => 3000, 80: () => 80 },
  cpu: { left, 512: () => 512, 16384: () => 16384 },
  memoryLimitMiB: { left, 1024: () => 1024, 32768: () => 32768 },
  ephemeralStorageGiB: { left, 200: () => 200 },
  desiredCount: { left, 0: () => 0, 1: () => 1, 5: () => 5 },
  scaling: {
    left,
    cpu: () => ({ minCapacity: 2, maxCapacity: 10 }),
    steps: () => ({ minCapacity: 1, maxCapacity: 4, cpu: CpuScaling.stepScaling({ scaleOutAbovePercent: 80, scaleInBelowPercent: 20 }), scaleOutCooldown: Duration.seconds(90) }),
    all: () => ({
      minCapacity: 2,
      maxCapacity: 20,
      cpu: CpuScaling.targetTracking({ targetUtilizationPercent: 60 }),
      memoryUtilizationPercent: 75,
      requestsPerTarget: 1000,
      scaleInCooldown: Duration.minutes(10),
      schedules: [{ schedule: appscaling.Schedule.cron({ hour: '20', minute: '0' }), timeZone: TimeZone.EUROPE_BERLIN, minCapacity: 0, maxCapacity: 0 }],
    }),
  },
  capacity: { left, onDemand: () => Capacity.onDemand(), spot: () => Capacity.spot(), spotOnly: () => Capacity.spot({ onDemandBase: 0 }) },
  deployment: {
    left,
    rolling: () => Deployment.rolling({ minHealthyPercent: 50, maxHealthyPercent: 150, rollbackOnErrors: true }),
    quiet: () => Deployment.rolling({ rollbackOnErrors: false }),
    prepared: () => Deployment.rolling({ prepareTrafficShifting: true }),
    blueGreen: () => Deployment.blueGreen({ bakeTime: Duration.minutes(30) }),
    canary: () => Deployment.canary({ percent: 5 }),
    linear: () => Deployment.linear({ percent: 25, stepBakeTime: Duration.minutes(5) }),
    tested: () => Deployment.blueGreen({ testTrafficHeader: { name: 'X-Version', value: 'new' } }),
  },
  forceNewDeployment: { left, said: () => 'secret rotated' },
  environment: { left, own: () => ({ COLOUR: 'blue' }), port: () => ({ PORT: '9' }) },
  secrets: {
    left,
    secretsManager: ({ stack }) => ({ PASSWORD: ecs.Secret.fromSecretsManager(new secretsmanager.Secret(stack, 'Password')) }),
    parameter: ({ stack }) => ({
      TOKEN: ecs.Secret.fromSsmParameter(ssm.StringParameter.fromSecureStringParameterAttributes(stack, 'Token', { parameterName: '/shop/token' })),
    }),
    colour: ({ stack }) => ({ COLOUR: ecs.Secret.fromSecretsManager(secretsmanager.Secret.fromSecretNameV2(stack, 'Colour', 'colour')) }),
  },
  command: { left, server: () => ['node', 'server.js'] },
  entryPoint: { left, init: () => ['/usr/bin/env'] },
  user: { left, 1000: () => '1000:1000', root: () => 'root' },
  readonlyRootFilesystem: { left, on: () => true, off: () => false },
  stopTimeout: { left, 30: () => Duration.seconds(30), 120: () => Duration.seconds(120) },
  healthCheck: {
    left,
    fast: () => ({ interval: Duration.seconds(5), timeout: Duration.seconds(2), gracePeriod: Duration.seconds(0) }),
    slow: () => ({ interval: Duration.seconds(60), timeout: Duration.seconds(10), unhealthyThresholdCount: 3 }),
    elsewhere: () => ({ path: '/ready', healthyHttpCodes: '200-299' }),
  },
  containerHealthCheck: { left, own: () => ({ command: ['CMD', '/healthy'], interval: Duration.seconds(15) }) },
  ingress: {
    left,
    http: () => Ingress.http(),
    narrow: () => Ingress.http({ allowFrom: [ec2.Peer.ipv4('192.0.2.0/24')], sessionStickiness: {}, idleTimeout: Duration.seconds(120), deletionProtection: false }),
    internal: () => Ingress.http({ internetFacing: false, accessLogs: true }),
    https: ({ stack }) => Ingress.https({
      domainName: 'hello.example.com',
      domainZone: route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z0123456789ABCDEFGHIJ', zoneName: 'example.com' }),
      accessLogs: true,
      deletionProtection: true,
    }),
    certificates: (ground) => Ingress.httpsWithCertificates([ground.certificate('eu-central-1')], { internetFacing: false, accessLogs: false }),
    cloudFront: () => Ingress.cloudFront({ staticPathPatterns: ['/assets/*'] }),
    cloudFrontDomain: (ground) => Ingress.cloudFront({
      domainName: 'hello.example.com',
      certificate: ground.certificate('us-east-1'),
      originFacingPrefixListId: 'pl-3b927c52',
    }),
    sharedListener: ({ stack }) => Ingress.sharedListener(elbv2.ApplicationListener.fromApplicationListenerAttributes(stack, 'Listener', {
      listenerArn: 'arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/theirs/0123456789abcdef/0123456789abcdef',
      securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'ListenerGroup', 'sg-12345678'),
    }), { hostHeaders: [`${stack.stackName.toLowerCase()}.example.com`], sessionStickiness: { cookieName: 'session' } }),
    httpApi: () => Ingress.httpApi(),
  },
  egress: {
    left,
    publicIp: () => Egress.publicIp(),
    natGateway: () => Egress.natGateway(),
    threeNatGateways: () => Egress.natGateway({ count: 3 }),
    vpcEndpoints: () => Egress.vpcEndpoints(),
  },
  maxAzs: { left, 2: () => 2, 3: () => 3 },
  flowLogs: { left, on: () => true, off: () => false },
  vpc: {
    left,
    own: ({ vpc }) => vpc,
    imported: (ground) => ground.once('Vpc', () => ec2.Vpc.fromVpcAttributes(ground.stack, 'Vpc', {
      vpcId: 'vpc-12345678',
      vpcCidrBlock: '10.9.0.0/16',
      availabilityZones: ['eu-central-1a', 'eu-central-1b'],
      publicSubnetIds: ['subnet-11111111', 'subnet-22222222'],
      publicSubnetRouteTableIds: ['rtb-11111111', 'rtb-22222222'],
      privateSubnetIds: ['subnet-33333333', 'subnet-44444444'],
      privateSubnetRouteTableIds: ['rtb-33333333', 'rtb-44444444'],
    })),
    isolated: (ground) => ground.once('Vpc', () => new ec2.Vpc(ground.stack, 'Vpc', {
      maxAzs: 2,
      natGateways: 0,
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [{ name: 'isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
    })),
  },
  vpcSubnets: {
    left,
    public: () => ({ subnetType: ec2.SubnetType.PUBLIC }),
    isolated: () => ({ subnetType: ec2.SubnetType.PRIVATE_ISOLATED }),
  },
  cluster: {
    left,
    own: (ground) => ground.once('Cluster', () => new ecs.Cluster(ground.stack, 'Cluster', { vpc: ground.vpc })),
    imported: (ground) => ecs.Cluster.fromClusterAttributes(ground.stack, 'Cluster', { clusterName: 'shared', vpc: ground.vpc }),
  },
  enableExecuteCommand: { left, on: () => true, off: () => false },
  logDriver: {
    left,
    firelens: () => ecs.LogDrivers.firelens({ options: { Name: 'http', Host: 'logs.example.com', Port: '443', tls: 'on' } }),
    splunk: ({ stack }) => ecs.LogDrivers.splunk({
      url: 'https://logs.example.com',
      secretToken: ecs.Secret.fromSecretsManager(secretsmanager.Secret.fromSecretNameV2(stack, 'Splunk', 'splunk')),
    }),
  },
  logRetention: { left, year: () => logs.RetentionDays.ONE_YEAR },
  logGroupClass: { left, infrequent: () => logs.LogGroupClass.INFREQUENT_ACCESS },
  logRemovalPolicy: { left, retain: () => RemovalPolicy.RETAIN, destroy: () => RemovalPolicy.DESTROY },
  encryptLogs: { left, on: () => true, off: () => false },
  logEncryptionKey: { left, own: ({ stack }) => new kms.Key(stack, 'LogKey') },
  logServiceEvents: { left, on: () => true },
  logInsightsQueries: { left, on: () => true, off: () => false },
  alarms: {
    left,
    none: () => Alarms.none(),
    email: () => Alarms.recommended({ emails: ['on-call@example.com'], cpuUtilizationPercent: 60 }),
    slow: ({ stack }) => Alarms.recommended({ topics: [new sns.Topic(stack, 'Topic', { enforceSSL: true })], p95ResponseTime: Duration.seconds(2) }),
    lines: () => Alarms.recommended({ errorLogLines: 10 }),
    two: () => Alarms.recommended({ minHealthyTasks: 2 }),
  },
  dashboard: { left, on: () => true, off: () => false },
  containerInsights: { left, enhanced: () => ecs.ContainerInsights.ENHANCED, off: () => ecs.ContainerInsights.DISABLED },
  outputUrl: { left, off: () => false },
};

/** Where the stack is deployed. */
export const ENVIRONMENTS: { readonly [name: string]: Environment | undefined } = {
  anywhere: undefined,
  eu: { account: '123456789012', region: 'eu-central-1' },
};

/** What is called after the service was made. */
export const CALLS: { readonly [name: string]: { readonly [value: string]: (hello: HelloFargateService, ground: Ground) => void } } = {
  addSidecar: {
    left,
    plain: (hello, { stack }) => { hello.addSidecar('agent', { image: ecs.ContainerImage.fromEcrRepository(ecr.Repository.fromRepositoryName(stack, 'Agent', 'agent')) }); },
    first: (hello, { stack }) => {
      hello.addSidecar('proxy', {
        image: ecs.ContainerImage.fromEcrRepository(ecr.Repository.fromRepositoryName(stack, 'Proxy', 'proxy')),
        essential: true,
        dependencyCondition: ecs.ContainerDependencyCondition.HEALTHY,
        healthCheck: { command: ['CMD', 'true'] },
        memoryLimitMiB: 64,
      });
    },
  },
  connectTo: {
    left,
    group: (hello, { stack }) => {
      hello.connectTo(new ec2.Connections({ securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(stack, 'Theirs', 'sg-87654321')], defaultPort: ec2.Port.tcp(5432) }), {
        environment: { DATABASE_HOST: 'db.example.com' },
        secrets: { DATABASE_PASSWORD: ecs.Secret.fromSecretsManager(secretsmanager.Secret.fromSecretNameV2(stack, 'DatabasePassword', 'db')) },
      });
    },
  },
  runTaskCommand: { left, migrate: (hello) => { hello.runTaskCommand(['node', 'migrate.js']); } },
};

/** The names of the values of everything that can be decided. */
export const DIMENSIONS: { readonly [dimension: string]: string[] } = {
  stack: Object.keys(ENVIRONMENTS),
  ...Object.fromEntries(Object.entries({ ...OPTIONS, ...CALLS }).map(([name, values]) => [name, valuesOf(values)])),
};

/** Keys that look like numbers come first in JavaScript; what is left out comes first here. */
function valuesOf(values: object): string[] {
  return ['left', ...Object.keys(values).filter((name) => name !== 'left')];
}

/** One value for each dimension, by name. */
export type Choice = { readonly [dimension in keyof Options | 'stack' | 'addSidecar' | 'connectTo' | 'runTaskCommand']: string };

/** What must be refused, said without a look at the code that refuses it. */
export interface Rule {
  /** The prop that the error names. */
  readonly prop: string;
  /** Of a message that says why. */
  readonly because: RegExp;
  /** Of the network, on which others depend. */
  readonly isOfNetwork?: boolean;
  /** Not looked at before the network is known to be right. */
  readonly afterNetwork?: boolean;
  when(choice: Choice): boolean;
}

const MADE = 'made';
/** Which VPC it is. */
const vpcOf = ({ vpc, cluster }: Choice) => {
  if (vpc !== 'left') { return vpc; }
  return cluster === 'left' ? MADE : 'own';
};
const isProduction = ({ preset }: Choice) => preset === 'production';
const zonesOf = ({ maxAzs, stack, preset }: Choice) => {
  if (maxAzs !== 'left') { return Number(maxAzs); }
  return preset === 'production' && stack === 'eu' ? 3 : 2;
};
const usesSpot = ({ capacity, preset }: Choice) => ['spot', 'spotOnly'].includes(capacity) || capacity === 'left' && preset === 'development';
const hasLoadBalancer = ({ ingress }: Choice) => ingress !== 'httpApi';
const isPublic = ({ ingress }: Choice) => ['left', 'http', 'narrow', 'https'].includes(ingress);
const hasExampleApp = ({ image }: Choice) => image === 'left';

/** Seconds for which the app must serve after SIGTERM, as README's and the docstrings' rules have it. */
const delayOf = (choice: Choice) => {
  if (!hasLoadBalancer(choice)) { return 30; }
  if (!usesSpot(choice)) { return 10; }
  return { left: 10 * 2 + 5, elsewhere: 10 * 2 + 5, fast: 5 * 2 + 2, slow: 60 * 3 + 10 }[choice.healthCheck]! + 5;
};

/** The smallest number of tasks that there is at any time but those at which none is wanted. */
const fewestTasks = ({ scaling, desiredCount, preset }: Choice) => {
  const scaled = { cpu: 2, steps: 1, all: 2 }[scaling] ?? Infinity;
  const unscaled = scaling === 'left' ? { development: 1, production: 3 }[preset] ?? 2 : Infinity;
  return Math.min(scaled, desiredCount === 'left' ? unscaled : Number(desiredCount));
};

const CPU_OF_MEMORY: { [memory: string]: string[] } = { 1024: ['left', '512'], 32768: ['16384'] };

export const RULES: Rule[] = [
  // network
  { prop: 'maxAzs', because: /would be ignored/, isOfNetwork: true, when: (c) => c.maxAzs !== 'left' && vpcOf(c) !== MADE },
  { prop: 'flowLogs', because: /would be ignored/, isOfNetwork: true, when: (c) => c.flowLogs !== 'left' && vpcOf(c) !== MADE },
  { prop: 'egress', because: /has its own outbound access/, isOfNetwork: true, when: (c) => c.egress !== 'left' && vpcOf(c) !== MADE },
  { prop: 'vpcSubnets', because: /would be ignored/, isOfNetwork: true, when: (c) => c.vpcSubnets !== 'left' && vpcOf(c) === MADE },
  { prop: 'vpcSubnets', because: /cannot select/, isOfNetwork: true, when: (c) => c.vpcSubnets === 'public' && vpcOf(c) === 'isolated' },
  { prop: 'vpcSubnets', because: /cannot select/, isOfNetwork: true, when: (c) => c.vpcSubnets === 'isolated' && ['own', 'imported'].includes(vpcOf(c)) },
  { prop: 'vpc', because: /the tasks need outbound access/, isOfNetwork: true, when: (c) => c.vpcSubnets === 'left' && vpcOf(c) === 'isolated' },
  { prop: 'maxAzs', because: /CDK knows 2 Availability Zones/, isOfNetwork: true, when: (c) => c.maxAzs === '3' && c.stack === 'anywhere' && vpcOf(c) === MADE },
  { prop: 'egress.count', because: /at most one for each Availability Zone/, isOfNetwork: true, when: (c) => c.egress === 'threeNatGateways' && vpcOf(c) === MADE && zonesOf(c) < 3 },
  { prop: 'egress', because: /isolated subnets cannot reach the registry/, isOfNetwork: true, when: (c) => c.egress === 'vpcEndpoints' && vpcOf(c) === MADE && c.image === 'registry' },
  // ingress
  { prop: 'vpc', because: /the listener's load balancer/, afterNetwork: true, when: (c) => c.ingress === 'sharedListener' && vpcOf(c) === MADE },
  { prop: 'vpc', because: /needs public subnets in two Availability Zones/, afterNetwork: true, when: (c) => isPublic(c) && vpcOf(c) === 'isolated' && c.vpcSubnets === 'isolated' },
  { prop: 'vpc', because: /no internet gateway/, afterNetwork: true, when: (c) => ['cloudFront', 'cloudFrontDomain'].includes(c.ingress) && vpcOf(c) === 'isolated' },
  { prop: 'ingress', because: /requires TLS/, when: (c) => isProduction(c) && ['left', 'http', 'narrow'].includes(c.ingress) },
  { prop: 'healthCheck', because: /no load balancer that would use it/, when: (c) => !hasLoadBalancer(c) && c.healthCheck !== 'left' },
  { prop: 'healthCheck.path', because: /the example app responds only to/, when: (c) => hasExampleApp(c) && c.healthCheck === 'elsewhere' },
  { prop: 'containerHealthCheck', because: /nothing else checks/, when: (c) => !hasLoadBalancer(c) && !hasExampleApp(c) && c.containerHealthCheck === 'left' },
  // deployment
  { prop: 'deployment', because: /no load balancer to shift traffic/, when: (c) => !hasLoadBalancer(c) && ['prepared', 'blueGreen', 'canary', 'linear', 'tested'].includes(c.deployment) },
  { prop: 'deployment.rollbackOnErrors', because: /no load balancer that counts errors/, when: (c) => !hasLoadBalancer(c) && c.deployment === 'rolling' },
  { prop: 'deployment.testTrafficHeader', because: /no listener of its own/, when: (c) => c.deployment === 'tested' && ['sharedListener', 'httpApi'].includes(c.ingress) },
  // how many, and on what
  { prop: 'desiredCount', because: /with scaling/, when: (c) => c.desiredCount !== 'left' && c.scaling !== 'left' },
  { prop: 'scaling.requestsPerTarget', because: /counts requests/, when: (c) => c.scaling === 'all' && !hasLoadBalancer(c) },
  {
    prop: 'capacity.onDemandBase',
    because: /none would use Spot/,
    when: (c) => c.capacity === 'spot' && c.scaling === 'left' && (c.desiredCount === '1' || c.desiredCount === 'left' && c.preset === 'development'),
  },
  // the task
  { prop: 'memoryLimitMiB', because: /Fargate supports/, when: (c) => c.memoryLimitMiB !== 'left' && !CPU_OF_MEMORY[c.memoryLimitMiB].includes(c.cpu) },
  { prop: 'containerPort', because: /cannot listen below 1024/, when: (c) => c.containerPort === '80' && hasExampleApp(c) },
  { prop: 'user', because: /\/tmp of the example app belongs to/, when: (c) => c.user === 'root' && hasExampleApp(c) },
  { prop: 'environment.PORT', because: /the construct sets it/, when: (c) => c.environment === 'port' },
  { prop: 'secrets.COLOUR', because: /environment has that name too/, when: (c) => c.environment === 'own' && c.secrets === 'colour' },
  { prop: 'readonlyRootFilesystem', because: /writes to the root filesystem/, when: (c) => c.readonlyRootFilesystem === 'on' && c.enableExecuteCommand === 'on' },
  { prop: 'stopTimeout', because: /the app must serve for \d+ s after SIGTERM/, when: (c) => c.stopTimeout !== 'left' && Number(c.stopTimeout) - 5 < delayOf(c) + 5 },
  // what is seen of it
  { prop: 'containerInsights', because: /would be ignored/, isOfNetwork: true, when: (c) => c.containerInsights !== 'left' && c.cluster !== 'left' },
  { prop: 'logEncryptionKey', because: /encryptLogs is false/, when: (c) => c.logEncryptionKey !== 'left' && c.encryptLogs === 'off' },
  { prop: 'alarms.errorLogLines', because: /INFREQUENT_ACCESS/, when: (c) => c.alarms === 'lines' && c.logGroupClass === 'infrequent' },
  { prop: 'alarms.errorLogLines', because: /log lines are sent elsewhere/, when: (c) => c.alarms === 'lines' && c.logDriver !== 'left' },
  { prop: 'alarms.minHealthyTasks', because: /would trigger the alarm/, when: (c) => c.alarms === 'two' && fewestTasks(c) < 2 },
  { prop: 'healthCheck', because: /Fargate gives a task 120 s/, when: (c) => c.stopTimeout === 'left' && delayOf(c) + 35 > 120 },
];

/** The props of a choice, and what they need of the stack. */
export function propsOf(choice: Choice, ground: Ground): HelloFargateServiceProps {
  // The VPC comes first, as the others find it there.
  const names = ['vpc', ...Object.keys(OPTIONS).filter((name) => name !== 'vpc')] as Array<keyof Options>;
  const given = names.map((name) => [name, (OPTIONS[name] as Values<unknown>)[choice[name]](ground)] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}
