import * as path from 'node:path';
import { Duration, Environment, RemovalPolicy, Stack, TimeZone } from 'aws-cdk-lib';
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import {
  ENVIRONMENT_FILE, hostedZone, importedCertificate, importedVpc, regionOf, sharedListener,
} from './fixtures';
import {
  Alarms, Capacity, CpuScaling, Deployment, Egress, HelloFargateService, HelloFargateServiceProps, Ingress, Preset,
  ServiceImage,
} from '../../src/index';

/** The stack of one service, and the resources that its options refer to. Each is created when it is first used. */
export class Ground {
  private readonly resources = new Map<string, unknown>();

  constructor(public readonly stack: Stack) {}

  public once<T>(id: string, create: () => T): T {
    if (!this.resources.has(id)) { this.resources.set(id, create()); }
    return this.resources.get(id) as T;
  }

  public get vpc(): ec2.IVpc {
    const options = { maxAzs: 2, natGateways: 1, restrictDefaultSecurityGroup: false };
    return this.once('Vpc', () => new ec2.Vpc(this.stack, 'Vpc', options));
  }

  public repository(id: string): ecr.IRepository {
    return ecr.Repository.fromRepositoryName(this.stack, id, id.toLowerCase());
  }

  public secret(id: string): ecs.Secret {
    return ecs.Secret.fromSecretsManager(secretsmanager.Secret.fromSecretNameV2(this.stack, id, id.toLowerCase()));
  }
}

/** The values of an option by name. `left` leaves the option out. */
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
    digest: (ground) => ecs.ContainerImage.fromEcrRepository(ground.repository('Shop'), `sha256:${'0'.repeat(64)}`),
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
    steps: () => ({
      minCapacity: 1,
      maxCapacity: 4,
      cpu: CpuScaling.stepScaling({ scaleOutAbovePercent: 80, scaleInBelowPercent: 20 }),
      scaleOutCooldown: Duration.seconds(90),
    }),
    memory: () => ({ minCapacity: 1, maxCapacity: 4, cpu: CpuScaling.none(), memoryUtilizationPercent: 70 }),
    all: () => ({
      minCapacity: 2,
      maxCapacity: 20,
      cpu: CpuScaling.targetTracking({ targetUtilizationPercent: 60 }),
      memoryUtilizationPercent: 75,
      requestsPerTarget: 1000,
      scaleInCooldown: Duration.minutes(10),
      schedules: [{
        schedule: appscaling.Schedule.cron({ hour: '20', minute: '0' }),
        timeZone: TimeZone.EUROPE_BERLIN,
        minCapacity: 0,
        maxCapacity: 0,
      }],
    }),
  },
  capacity: {
    left,
    onDemand: () => Capacity.onDemand(),
    spot: () => Capacity.spot(),
    spotOnly: () => Capacity.spot({ onDemandBase: 0 }),
  },
  deployment: {
    left,
    rolling: () => Deployment.rolling({ minHealthyPercent: 50, maxHealthyPercent: 150, rollbackOnErrors: true }),
    quiet: () => Deployment.rolling({ rollbackOnErrors: false, failureThreshold: 2 }),
    prepared: () => Deployment.rolling({ prepareTrafficShifting: true }),
    blueGreen: () => Deployment.blueGreen({ bakeTime: Duration.minutes(30) }),
    canary: () => Deployment.canary({ percent: 5 }),
    linear: () => Deployment.linear({ percent: 25, stepBakeTime: Duration.minutes(5) }),
    tested: () => Deployment.blueGreen({ testTrafficHeader: { name: 'X-Version', value: 'new' } }),
  },
  forceNewDeployment: { left, text: () => 'secret rotated' },
  environment: { left, own: () => ({ COLOR: 'blue' }), port: () => ({ PORT: '9' }) },
  environmentFiles: { left, asset: () => [ENVIRONMENT_FILE] },
  secrets: {
    left,
    secretsManager: ({ stack }) => ({
      PASSWORD: ecs.Secret.fromSecretsManager(new secretsmanager.Secret(stack, 'Password')),
    }),
    parameter: ({ stack }) => ({
      TOKEN: ecs.Secret.fromSsmParameter(ssm.StringParameter.fromSecureStringParameterAttributes(stack, 'Token', {
        parameterName: '/shop/token',
      })),
    }),
    color: (ground) => ({ COLOR: ground.secret('Color') }),
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
    narrow: () => Ingress.http({
      allowFrom: [ec2.Peer.ipv4('192.0.2.0/24')],
      sessionStickiness: {},
      loadBalancingAlgorithmType: elbv2.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
      idleTimeout: Duration.seconds(120),
      deletionProtection: false,
    }),
    internal: () => Ingress.http({
      internetFacing: false,
      accessLogs: true,
      sessionStickiness: { cookieName: 'session' },
      listenerPort: 8443,
    }),
    https: ({ stack }) => Ingress.https({
      domainName: 'hello.example.com',
      domainZone: hostedZone(stack),
      accessLogs: true,
      deletionProtection: true,
    }),
    certificates: ({ stack }) => Ingress.httpsWithCertificates([importedCertificate(stack)], {
      internetFacing: false,
      accessLogs: false,
    }),
    cloudFront: () => Ingress.cloudFront({ staticPathPatterns: ['/assets/*'] }),
    cloudFrontDomain: ({ stack }) => Ingress.cloudFront({
      domainName: 'hello.example.com',
      certificate: importedCertificate(stack, 'Certificate', 'us-east-1'),
      originFacingPrefixListId: 'pl-3b927c52',
    }),
    sharedListener: ({ stack }) => sharedListener(stack, {
      hostHeaders: [`${stack.stackName.toLowerCase()}.example.com`],
    }),
    httpApi: () => Ingress.httpApi({ throttle: { rateLimit: 100, burstLimit: 200 }, accessLogs: true }),
  },
  egress: {
    left,
    publicIp: () => Egress.publicIp(),
    natGateway: () => Egress.natGateway(),
    threeNatGateways: () => Egress.natGateway({ count: 3 }),
    vpcEndpoints: () => Egress.vpcEndpoints(),
  },
  maxAzs: { left, 2: () => 2, 3: () => 3 },
  availabilityZones: {
    left,
    two: ({ stack }) => ['b', 'c'].map((zone) => regionOf(stack) + zone),
    three: ({ stack }) => ['a', 'b', 'c'].map((zone) => regionOf(stack) + zone),
  },
  flowLogs: { left, on: () => true, off: () => false },
  vpc: {
    left,
    own: ({ vpc }) => vpc,
    imported: (ground) => ground.once('Vpc', () => importedVpc(ground.stack, { withPrivateSubnets: true })),
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
  assignPublicIp: { left, on: () => true, off: () => false },
  cluster: {
    left,
    own: (ground) => ground.once('Cluster', () => new ecs.Cluster(ground.stack, 'Cluster', { vpc: ground.vpc })),
    imported: ({ stack, vpc }) => ecs.Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'shared', vpc }),
  },
  enableExecuteCommand: { left, on: () => true, off: () => false },
  logDriver: {
    left,
    firelens: () => ecs.LogDrivers.firelens({
      options: { Name: 'http', Host: 'logs.example.com', Port: '443', tls: 'on' },
    }),
    splunk: (ground) => ecs.LogDrivers.splunk({
      url: 'https://logs.example.com',
      secretToken: ground.secret('Splunk'),
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
    slow: ({ stack }) => Alarms.recommended({
      topics: [new sns.Topic(stack, 'Topic', { enforceSSL: true })],
      p95ResponseTime: Duration.seconds(2),
    }),
    lines: () => Alarms.recommended({ errorLogLines: 10 }),
    two: () => Alarms.recommended({ minHealthyTasks: 2 }),
  },
  dashboard: { left, on: () => true, off: () => false },
  containerInsights: {
    left,
    enhanced: () => ecs.ContainerInsights.ENHANCED,
    off: () => ecs.ContainerInsights.DISABLED,
  },
  outputUrl: { left, off: () => false },
};

/** The environment of the stack. */
export const ENVIRONMENTS: { readonly [name: string]: Environment | undefined } = {
  anywhere: undefined,
  eu: { account: '123456789012', region: 'eu-central-1' },
};

type Call = (hello: HelloFargateService, ground: Ground) => void;

/** Methods that are called on the service. */
export const CALLS: Readonly<Record<string, Readonly<Record<string, Call>>>> = {
  addSidecar: {
    left,
    plain: (hello, ground) => {
      hello.addSidecar('agent', { image: ecs.ContainerImage.fromEcrRepository(ground.repository('Agent')) });
    },
    first: (hello, ground) => {
      hello.addSidecar('proxy', {
        image: ecs.ContainerImage.fromEcrRepository(ground.repository('Proxy')),
        essential: true,
        dependencyCondition: ecs.ContainerDependencyCondition.HEALTHY,
        healthCheck: { command: ['CMD', 'true'] },
        memoryLimitMiB: 64,
      });
    },
  },
  connectTo: {
    left,
    group: (hello, ground) => {
      const securityGroups = [ec2.SecurityGroup.fromSecurityGroupId(ground.stack, 'DatabaseGroup', 'sg-87654321')];
      hello.connectTo(new ec2.Connections({ securityGroups, defaultPort: ec2.Port.tcp(5432) }), {
        environment: { DATABASE_HOST: 'db.example.com' },
        secrets: { DATABASE_PASSWORD: ground.secret('Database') },
      });
    },
  },
  runTaskCommand: { left, migrate: (hello) => { hello.runTaskCommand(['node', 'migrate.js']); } },
};

/** The names of the values of each option. */
export const DIMENSIONS: Readonly<Record<string, string[]>> = {
  stack: Object.keys(ENVIRONMENTS),
  ...Object.fromEntries(Object.entries({ ...OPTIONS, ...CALLS }).map(([name, values]) => [name, Object.keys(values)])),
};

/** The name of one value of each option. */
export type Choice = Readonly<Record<keyof Options | 'stack' | 'addSidecar' | 'connectTo' | 'runTaskCommand', string>>;

/** The props of a choice. Resources that they refer to are created in the stack. */
export function propsOf(choice: Choice, ground: Ground): HelloFargateServiceProps {
  // The VPC comes first: other options use it.
  const names = ['vpc', ...Object.keys(OPTIONS).filter((name) => name !== 'vpc')] as Array<keyof Options>;
  const props = names.map((name) => [name, (OPTIONS[name] as Values<unknown>)[choice[name]](ground)] as const);
  return Object.fromEntries(props.filter(([, value]) => value !== undefined));
}
