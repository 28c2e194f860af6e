import { Duration, Stack, TimeZone } from 'aws-cdk-lib';
import * as apigatewayv2 from 'aws-cdk-lib/aws-apigatewayv2';
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { hostedZone, importedCertificate, sharedListenerProps } from './fixtures';
import { OPTIONS } from './options';
import {
  Alarms, BlueGreenDeploymentOptions, CanaryDeploymentOptions, Capacity, CloudFrontIngressOptions, ConnectionOptions,
  CostUsage, CpuScaling, Deployment, Egress, HealthCheckOptions, HelloFargateService, HelloFargateServiceProps,
  HttpApiIngressOptions, HttpIngressOptions, HttpsIngressOptions, HttpsWithCertificatesIngressOptions, Ingress,
  LinearDeploymentOptions, NatGatewayEgressOptions, RecommendedAlarmsOptions, RollingDeploymentOptions,
  ScalingOptions, ScalingSchedule, SessionStickinessOptions, SharedListenerIngressOptions, SidecarOptions,
  SpotCapacityOptions, StepScalingOptions, TargetTrackingScalingOptions, TestTrafficHeader,
} from '../../src/index';

const circular: Record<string, unknown> = {};
circular.self = circular;

/** Values that some option does not accept, and that some code does not expect. */
export const HOSTILE: Readonly<Record<string, unknown>> = {
  'null': null,
  'NaN': NaN,
  'Infinity': Infinity,
  '-1': -1,
  '0': 0,
  '0.5': 0.5,
  '1e308': 1e308,
  '5n': BigInt(5),
  'empty text': '',
  'space': ' ',
  'constructor': 'constructor',
  'long text': 'é'.repeat(300),
  'line break': 'a\nb',
  'true': true,
  '[]': [],
  '[""]': [''],
  '[null]': [null],
  'many': Array.from({ length: 6 }, (_, i) => `text${i}`),
  '{}': {},
  'circular': circular,
  'prototype': { constructor: 'x', ['__proto__']: 'y', toString: 'z' },
  'numbers': { A: 1, B: null },
  'function': () => 1,
  'millis(0.01)': Duration.millis(0.01),
  'days(Infinity)': Duration.days(Infinity),
  'zero': Duration.seconds(0),
  'millis(1500)': Duration.millis(1500),
};

/** Names of all options. One that is missing here does not compile. */
const names = <T>(all: { readonly [K in keyof Required<T>]: 1 }) => Object.keys(all);

/** An object of options, and the props in which it is used. */
interface Place {
  readonly names: string[];
  readonly props: (options: any, stack: Stack) => HelloFargateServiceProps;
}

const LOAD_BALANCER = {
  accessLogs: 1,
  accessLogsBucket: 1,
  deletionProtection: 1,
  idleTimeout: 1,
  loadBalancingAlgorithmType: 1,
  sessionStickiness: 1,
} as const;
const REACHABLE = {
  ...LOAD_BALANCER, internetFacing: 1, allowFrom: 1, ipAddressType: 1, listenerPort: 1, webAclArn: 1,
} as const;
const DEPLOYMENT = { rollbackOnErrors: 1, rollbackAlarms: 1 } as const;
const SHIFTING = { ...DEPLOYMENT, bakeTime: 1, testTrafficHeader: 1, lifecycleHooks: 1 } as const;

export const PLACES: Readonly<Record<string, Place>> = {
  'props': { names: Object.keys(OPTIONS), props: (options) => options },
  'healthCheck': {
    names: names<HelloFargateServiceProps['healthCheck'] & HealthCheckOptions>({
      path: 1,
      interval: 1,
      timeout: 1,
      healthyThresholdCount: 1,
      unhealthyThresholdCount: 1,
      healthyHttpCodes: 1,
      gracePeriod: 1,
    }),
    props: (healthCheck) => ({ healthCheck }),
  },
  'containerHealthCheck': {
    names: names<ecs.HealthCheck>({ command: 1, interval: 1, retries: 1, startPeriod: 1, timeout: 1 }),
    props: (options) => ({ containerHealthCheck: { command: ['CMD', 'true'], ...options } }),
  },
  'vpcSubnets': {
    names: names<ec2.SubnetSelection>({
      subnetType: 1, availabilityZones: 1, subnetGroupName: 1, onePerAz: 1, subnetFilters: 1, subnets: 1,
    } as any),
    props: (vpcSubnets, stack) => ({
      vpc: new ec2.Vpc(stack, 'Vpc', { restrictDefaultSecurityGroup: false }), vpcSubnets,
    }),
  },
  'scaling': {
    names: names<ScalingOptions>({
      minCapacity: 1,
      maxCapacity: 1,
      cpu: 1,
      memoryUtilizationPercent: 1,
      requestsPerTarget: 1,
      scaleInCooldown: 1,
      scaleOutCooldown: 1,
      schedules: 1,
    }),
    props: (options) => ({ scaling: { minCapacity: 2, maxCapacity: 4, ...options } }),
  },
  'scaling.cpu.targetTracking': {
    names: names<TargetTrackingScalingOptions>({ targetUtilizationPercent: 1 }),
    props: (options) => ({ scaling: { minCapacity: 2, maxCapacity: 4, cpu: CpuScaling.targetTracking(options) } }),
  },
  'scaling.cpu.stepScaling': {
    names: names<StepScalingOptions>({ scaleOutAbovePercent: 1, scaleInBelowPercent: 1 }),
    props: (options) => ({ scaling: { minCapacity: 2, maxCapacity: 4, cpu: CpuScaling.stepScaling(options) } }),
  },
  'scaling.schedules': {
    names: names<ScalingSchedule>({ schedule: 1, timeZone: 1, minCapacity: 1, maxCapacity: 1 }),
    props: (options) => ({
      scaling: {
        minCapacity: 2,
        maxCapacity: 4,
        schedules: [{
          schedule: appscaling.Schedule.cron({ hour: '1', minute: '0' }),
          timeZone: TimeZone.ETC_UTC,
          minCapacity: 1,
          ...options,
        }],
      },
    }),
  },
  'Capacity.spot': {
    names: names<SpotCapacityOptions>({ onDemandBase: 1 }),
    props: (options) => ({ capacity: Capacity.spot(options) }),
  },
  'Egress.natGateway': {
    names: names<NatGatewayEgressOptions>({ count: 1 }),
    props: (options) => ({ egress: Egress.natGateway(options) }),
  },
  'Deployment.rolling': {
    names: names<RollingDeploymentOptions>({
      ...DEPLOYMENT, minHealthyPercent: 1, maxHealthyPercent: 1, failureThreshold: 1, prepareTrafficShifting: 1,
    }),
    props: (options) => ({ deployment: Deployment.rolling(options) }),
  },
  'Deployment.blueGreen': {
    names: names<BlueGreenDeploymentOptions>(SHIFTING),
    props: (options) => ({ deployment: Deployment.blueGreen(options) }),
  },
  'Deployment.canary': {
    names: names<CanaryDeploymentOptions>({ ...SHIFTING, percent: 1, canaryBakeTime: 1 }),
    props: (options) => ({ deployment: Deployment.canary(options) }),
  },
  'Deployment.linear': {
    names: names<LinearDeploymentOptions>({ ...SHIFTING, percent: 1, stepBakeTime: 1 }),
    props: (options) => ({ deployment: Deployment.linear(options) }),
  },
  'testTrafficHeader': {
    names: names<TestTrafficHeader>({ name: 1, value: 1 }),
    props: (options) => ({
      deployment: Deployment.blueGreen({ testTrafficHeader: { name: 'X-Version', value: 'new', ...options } }),
    }),
  },
  'Alarms.recommended': {
    names: names<RecommendedAlarmsOptions>({
      topics: 1,
      emails: 1,
      cpuUtilizationPercent: 1,
      memoryUtilizationPercent: 1,
      errorRatePercent: 1,
      minFailedRequests: 1,
      minHealthyTasks: 1,
      p95ResponseTime: 1,
      errorLogLines: 1,
    }),
    props: (options) => ({ alarms: Alarms.recommended(options) }),
  },
  'Ingress.http': {
    names: names<HttpIngressOptions>(REACHABLE),
    props: (options) => ({ ingress: Ingress.http(options) }),
  },
  'Ingress.https': {
    names: names<HttpsIngressOptions>({
      ...REACHABLE, domainName: 1, domainZone: 1, additionalCertificates: 1, sslPolicy: 1,
    }),
    props: (options, stack) => ({
      ingress: Ingress.https({ domainName: 'hello.example.com', domainZone: hostedZone(stack), ...options }),
    }),
  },
  'Ingress.httpsWithCertificates': {
    names: names<HttpsWithCertificatesIngressOptions>({ ...REACHABLE, domainName: 1, sslPolicy: 1 }),
    props: (options, stack) => ({ ingress: Ingress.httpsWithCertificates([importedCertificate(stack)], options) }),
  },
  'Ingress.cloudFront': {
    names: names<CloudFrontIngressOptions>({
      ...LOAD_BALANCER,
      domainName: 1,
      domainZone: 1,
      certificate: 1,
      staticPathPatterns: 1,
      webAclArn: 1,
      originFacingPrefixListId: 1,
    }),
    props: (options) => ({ ingress: Ingress.cloudFront(options) }),
  },
  'Ingress.sharedListener': {
    names: names<SharedListenerIngressOptions>({
      loadBalancingAlgorithmType: 1,
      sessionStickiness: 1,
      pathPatterns: 1,
      hostHeaders: 1,
      priority: 1,
      idleTimeout: 1,
      url: 1,
    }),
    props: (options, stack) => sharedListenerProps(stack, { hostHeaders: ['hello.example.com'], ...options }),
  },
  'Ingress.httpApi': {
    names: names<HttpApiIngressOptions>({ timeout: 1, throttle: 1, accessLogs: 1 }),
    props: (options) => ({
      ingress: Ingress.httpApi(options), containerHealthCheck: { command: ['CMD', 'true'] },
    }),
  },
  'throttle': {
    names: names<apigatewayv2.ThrottleSettings>({ burstLimit: 1, rateLimit: 1 }),
    props: (options) => ({
      ingress: Ingress.httpApi({ throttle: { burstLimit: 10, rateLimit: 5, ...options } }),
      containerHealthCheck: { command: ['CMD', 'true'] },
    }),
  },
  'sessionStickiness': {
    names: names<SessionStickinessOptions>({ cookieDuration: 1, cookieName: 1 }),
    props: (sessionStickiness) => ({ ingress: Ingress.http({ sessionStickiness }) }),
  },
};

/** A method, and its options if it has any. */
interface Method {
  readonly names: string[];
  readonly call: (hello: HelloFargateService, options: any, stack: Stack) => unknown;
}

const IMAGE = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');

/** The option `value` stands for an argument. */
export const METHODS: Readonly<Record<string, Method>> = {
  'addSidecar': {
    names: names<SidecarOptions>({
      image: 1,
      memoryLimitMiB: 1,
      cpu: 1,
      essential: 1,
      dependencyCondition: 1,
      command: 1,
      environment: 1,
      secrets: 1,
      healthCheck: 1,
      user: 1,
      readonlyRootFilesystem: 1,
    }),
    call: (hello, options) => hello.addSidecar('agent', { image: IMAGE, ...options }),
  },
  'addSidecar name': { names: ['value'], call: (hello, { value }) => hello.addSidecar(value, { image: IMAGE }) },
  'connectTo': {
    names: names<ConnectionOptions>({ port: 1, environment: 1, secrets: 1 }),
    call: (hello, options, stack) => {
      const securityGroups = [ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-87654321')];
      hello.connectTo(new ec2.Connections({ securityGroups, defaultPort: ec2.Port.tcp(5432) }), options);
    },
  },
  'connectTo other': { names: ['value'], call: (hello, { value }) => hello.connectTo(value) },
  'runTaskCommand': { names: ['value'], call: (hello, { value }) => hello.runTaskCommand(value) },
  'addAlarm': { names: ['value'], call: (hello, { value }) => hello.addAlarm(value) },
  'estimateMonthlyCost': {
    names: names<CostUsage>({ requestsPerSecond: 1, gigabytesOut: 1, logGigabytes: 1, averageTasks: 1 }),
    call: (hello, options) => hello.estimateMonthlyCost(options),
  },
};
