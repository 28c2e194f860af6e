import {
  RemovalPolicy,
  Tokenization,
  aws_apigatewayv2 as apigatewayv2,
  aws_ec2 as ec2,
  aws_ecs as ecs,
  aws_elasticloadbalancingv2 as elbv2,
  aws_logs as logs,
} from 'aws-cdk-lib';
import { IConstruct } from 'constructs';
import { Capacity, CapacityOptions } from './capacity';
import { Deployment, ServiceDeploymentOptions } from './deployment/deployment';
import {
  CanaryDeploymentOptions, LinearDeploymentOptions, RollingDeploymentOptions,
} from './deployment/deployment-options';
import { CloudFrontIngressOptions } from './ingress/cloud-front';
import { HealthCheckOptions } from './ingress/health-check';
import { HttpApiIngressOptions } from './ingress/http-api';
import { Ingress, IngressOptions } from './ingress/ingress';
import { HttpsIngressOptions } from './ingress/load-balancer-ingress';
import { SharedListenerIngressOptions } from './ingress/shared-listener';
import { Egress } from './network/egress';
import { NetworkOptions } from './network/network';
import { Alarms, MonitoringOptions, RecommendedAlarmsOptions } from './observability/alarms';
import { LogOptions } from './observability/logs';
import { CpuScaling, ScalingOptions, ScalingSchedule, TaskCountOptions } from './scaling-options';
import { ConnectionOptions } from './task/connection';
import { SidecarOptions } from './task/sidecar';
import { TaskOptions } from './task/task-options';
import { show, Validation } from './validation';

/**
 * The types of all options, for users of plain JavaScript. Other languages are checked by their compiler or by jsii.
 *
 * A wrong type would otherwise fail somewhere in CDK, with an error that names no prop, after resources were created.
 */
interface Type {
  readonly what: string;
  readonly isRequired?: boolean;
  accepts(value: unknown): boolean;
  /** Checks the parts of an accepted value. */
  parts?(value: unknown, check: (part: string, value: unknown, type: Type) => void): void;
}

/** The type of each option. A new option without a line here does not compile. */
type Types<T> = { readonly [K in keyof Required<T>]: Type };

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const NUMBER: Type = { what: 'a number', accepts: (value) => typeof value === 'number' };
const TEXT: Type = { what: 'a string', accepts: (value) => typeof value === 'string' };
const BOOLEAN: Type = { what: 'true or false', accepts: (value) => typeof value === 'boolean' };

/** By a member, not by `instanceof`: two copies of a library may be installed. */
const instance = (what: string, member: string): Type => ({
  what, accepts: (value) => isObject(value) && member in value,
});

/** Any other string may be a token. */
const oneOf = (what: string, values: object): Type => ({
  what, accepts: (value) => Object.values(values).includes(value),
});

const listOf = (type: Type): Type => ({
  what: `a list of a known length, each item of which is ${type.what}`,
  accepts: (value) => Array.isArray(value) && Tokenization.reverseList(value) === undefined,
  parts: (list: unknown[], check) => { list.forEach((item, i) => check(`[${i}]`, item, type)); },
});

const mapOf = (type: Type): Type => ({
  what: `an object, each value of which is ${type.what}`,
  accepts: (value) => isObject(value) && !Array.isArray(value),
  parts: (map: Record<string, unknown>, check) => {
    for (const [key, value] of Object.entries(map)) { check(`.${key}`, value, type); }
  },
});

const required = (type: Type): Type => ({ ...type, isRequired: true });

const options = <T>(types: Types<T>): Type => ({
  what: `an object with options like ${Object.keys(types)[0]}`,
  // Something else, like a Duration, has none of the options and would be ignored.
  accepts: (value) => isObject(value) && !Array.isArray(value)
    && (Object.keys(value).length === 0 || Object.keys(types).some((name) => name in value)),
  parts: (value: Record<string, unknown>, check) => {
    for (const [name, type] of Object.entries<Type>(types)) {
      if (value[name] !== undefined || type.isRequired) { check(`.${name}`, value[name], type); }
    }
  },
});

const DURATION = instance('a Duration', 'toMilliseconds');
const TEXTS = listOf(TEXT);
/** Like a list parameter of the stack. */
const TEXTS_OR_TOKEN: Type = { ...TEXTS, accepts: Array.isArray };
const ENVIRONMENT = mapOf(TEXT);
const SECRETS = mapOf(instance('an ecs.Secret', 'grantRead'));
const IMAGE = instance('an ecs.ContainerImage', 'bind');

const CONTAINER_HEALTH_CHECK = options<ecs.HealthCheck>({
  command: required(TEXTS), interval: DURATION, retries: NUMBER, startPeriod: DURATION, timeout: DURATION,
});

const SCALING = options<ScalingOptions>({
  minCapacity: required(NUMBER),
  maxCapacity: required(NUMBER),
  cpu: made<CpuScaling>('a CpuScaling', '_policy', ({ _policy }) => _policy, options({
    targetUtilizationPercent: NUMBER, scaleOutAbovePercent: NUMBER, scaleInBelowPercent: NUMBER,
  })),
  memoryUtilizationPercent: NUMBER,
  requestsPerTarget: NUMBER,
  scaleInCooldown: DURATION,
  scaleOutCooldown: DURATION,
  schedules: listOf(options<ScalingSchedule>({
    schedule: required(instance('an appscaling.Schedule', 'expressionString')),
    timeZone: instance('a TimeZone', 'timezoneName'),
    minCapacity: NUMBER,
    maxCapacity: NUMBER,
  })),
});

type AnyIngressOptions = CloudFrontIngressOptions & HttpsIngressOptions & SharedListenerIngressOptions
  & HttpApiIngressOptions;

/** All types of ingress have the same types for options of the same name. */
const INGRESS = options<AnyIngressOptions>({
  accessLogs: BOOLEAN,
  accessLogsBucket: instance('an s3.IBucket', 'bucketName'),
  additionalCertificates: listOf(instance('an acm.ICertificate', 'certificateArn')),
  allowFrom: listOf(instance('an ec2.IPeer', 'toIngressRuleConfig')),
  certificate: instance('an acm.ICertificate', 'certificateArn'),
  deletionProtection: BOOLEAN,
  domainName: TEXT,
  domainZone: instance('a route53.IHostedZone', 'hostedZoneId'),
  hostHeaders: TEXTS,
  idleTimeout: DURATION,
  internetFacing: BOOLEAN,
  ipAddressType: oneOf('an elbv2.IpAddressType', elbv2.IpAddressType),
  listenerPort: NUMBER,
  loadBalancingAlgorithmType: oneOf('an elbv2.TargetGroupLoadBalancingAlgorithmType',
    elbv2.TargetGroupLoadBalancingAlgorithmType),
  originFacingPrefixListId: TEXT,
  pathPatterns: TEXTS,
  priority: NUMBER,
  sessionStickiness: options({ cookieDuration: DURATION, cookieName: TEXT }),
  sslPolicy: oneOf('an elbv2.SslPolicy', elbv2.SslPolicy),
  staticPathPatterns: TEXTS,
  throttle: options<apigatewayv2.ThrottleSettings>({ burstLimit: NUMBER, rateLimit: NUMBER }),
  timeout: DURATION,
  url: TEXT,
  webAclArn: TEXT,
});

const DEPLOYMENT = options<CanaryDeploymentOptions & LinearDeploymentOptions & RollingDeploymentOptions>({
  bakeTime: DURATION,
  canaryBakeTime: DURATION,
  failureThreshold: NUMBER,
  lifecycleHooks: listOf(instance('an ecs.DeploymentLifecycleLambdaTarget', 'bind')),
  maxHealthyPercent: NUMBER,
  minHealthyPercent: NUMBER,
  percent: NUMBER,
  prepareTrafficShifting: BOOLEAN,
  rollbackAlarms: listOf(instance('a cloudwatch.IAlarm', 'alarmName')),
  rollbackOnErrors: BOOLEAN,
  stepBakeTime: DURATION,
  testTrafficHeader: options({ name: required(TEXT), value: required(TEXT) }),
});

const ALARMS = options<RecommendedAlarmsOptions>({
  topics: listOf(instance('an sns.ITopic', 'topicArn')),
  emails: TEXTS,
  cpuUtilizationPercent: NUMBER,
  memoryUtilizationPercent: NUMBER,
  errorRatePercent: NUMBER,
  minFailedRequests: NUMBER,
  minHealthyTasks: NUMBER,
  p95ResponseTime: DURATION,
  errorLogLines: NUMBER,
});

/** A value that a factory method has made, and the options that it was made from. */
function made<T>(what: string, member: string, optionsOf: (value: T) => unknown, type: Type): Type {
  return {
    ...instance(what, member),
    parts: (value: T, check) => {
      const given = optionsOf(value);
      if (given !== undefined) { check('', given, type); }
    },
  };
}

type AllProps = TaskOptions & TaskCountOptions & CapacityOptions & ServiceDeploymentOptions & IngressOptions
  & NetworkOptions & LogOptions & MonitoringOptions & { readonly preset: unknown; readonly outputUrl: boolean };

const PROPS = options<AllProps>({
  alarms: made<Alarms>('an Alarms', '_options', ({ _options }) => _options, ALARMS),
  architecture: instance('an ecs.CpuArchitecture', '_cpuArchitecture'),
  assignPublicIp: BOOLEAN,
  availabilityZones: TEXTS,
  capacity: made<Capacity>('a Capacity', '_strategy', ({ _onDemandBase: onDemandBase }) => ({ onDemandBase }), options({
    onDemandBase: NUMBER,
  })),
  cluster: instance('an ecs.ICluster', 'clusterName'),
  command: TEXTS_OR_TOKEN,
  containerHealthCheck: CONTAINER_HEALTH_CHECK,
  containerInsights: oneOf('an ecs.ContainerInsights', ecs.ContainerInsights),
  containerPort: NUMBER,
  cpu: NUMBER,
  dashboard: BOOLEAN,
  deployment: made<Deployment>('a Deployment', '_strategy', ({ _strategy }) => _strategy.options, DEPLOYMENT),
  desiredCount: NUMBER,
  egress: made<Egress>('an Egress', '_natGateways', ({ _natGateways }) => ({ count: _natGateways }), options({
    count: NUMBER,
  })),
  enableExecuteCommand: BOOLEAN,
  encryptLogs: BOOLEAN,
  entryPoint: TEXTS_OR_TOKEN,
  environment: ENVIRONMENT,
  environmentFiles: listOf(instance('an ecs.EnvironmentFile', 'bind')),
  ephemeralStorageGiB: NUMBER,
  flowLogs: BOOLEAN,
  forceNewDeployment: TEXT,
  healthCheck: options<HealthCheckOptions>({
    path: TEXT,
    interval: DURATION,
    timeout: DURATION,
    healthyThresholdCount: NUMBER,
    unhealthyThresholdCount: NUMBER,
    healthyHttpCodes: TEXT,
    gracePeriod: DURATION,
  }),
  image: IMAGE,
  ingress: made<Ingress>('an Ingress', '_type', ({ _type }) => _type.options, INGRESS),
  logDriver: instance('an ecs.LogDriver', 'bind'),
  logEncryptionKey: instance('a kms.IKey', 'keyArn'),
  logGroupClass: oneOf('a logs.LogGroupClass', logs.LogGroupClass),
  logInsightsQueries: BOOLEAN,
  logRemovalPolicy: oneOf('a RemovalPolicy', RemovalPolicy),
  logRetention: oneOf('a logs.RetentionDays', logs.RetentionDays),
  logServiceEvents: BOOLEAN,
  maxAzs: NUMBER,
  memoryLimitMiB: NUMBER,
  outputUrl: BOOLEAN,
  preset: instance('a Preset', '_defaults'),
  readonlyRootFilesystem: BOOLEAN,
  scaling: SCALING,
  secrets: SECRETS,
  stopTimeout: DURATION,
  user: TEXT,
  vpc: instance('an ec2.IVpc', 'vpcId'),
  vpcSubnets: options<ec2.SubnetSelection>({
    availabilityZones: TEXTS,
    onePerAz: BOOLEAN,
    subnetFilters: listOf(instance('an ec2.SubnetFilter', 'selectSubnets')),
    subnetGroupName: TEXT,
    subnetType: oneOf('an ec2.SubnetType', ec2.SubnetType),
    subnets: listOf(instance('an ec2.ISubnet', 'subnetId')),
    subnetName: TEXT,
  } as Types<ec2.SubnetSelection>),
});

/** The types of the props and of the arguments of the methods. */
export const OPTION_TYPES = {
  props: PROPS,
  addAlarm: instance('a cloudwatch.AlarmBase', 'addAlarmAction'),
  addSidecar: options<SidecarOptions & { readonly name: string }>({
    name: required(TEXT),
    image: required(IMAGE),
    memoryLimitMiB: NUMBER,
    cpu: NUMBER,
    essential: BOOLEAN,
    dependencyCondition: oneOf('an ecs.ContainerDependencyCondition', ecs.ContainerDependencyCondition),
    command: TEXTS_OR_TOKEN,
    environment: ENVIRONMENT,
    secrets: SECRETS,
    healthCheck: CONTAINER_HEALTH_CHECK,
    user: TEXT,
    readonlyRootFilesystem: BOOLEAN,
  }),
  connectTo: options<ConnectionOptions & { readonly other: unknown }>({
    other: required(instance('an ec2.IConnectable', 'connections')),
    port: NUMBER,
    environment: ENVIRONMENT,
    secrets: SECRETS,
  }),
  runTaskCommand: options({ command: required(TEXTS) }),
} satisfies Record<string, Type>;

/**
 * Checks the types of the props, or of the arguments of a method.
 *
 * @throws an Error that lists all values of a wrong type
 * @returns a validation for what else must hold
 */
export function checkTypes(scope: IConstruct, of: keyof typeof OPTION_TYPES, value: unknown): Validation {
  const validation = new Validation(scope);
  const check = (path: string, part: unknown, type: Type) => {
    if (!type.accepts(part)) {
      const prop = path.replace(/^props\./, '');
      validation.refuse(prop, show(part), `it must be ${type.what}`, `set ${prop} to that, or leave it out`);
    } else {
      type.parts?.(part, (suffix, inner, innerType) => check(path + suffix, inner, innerType));
    }
  };
  check(of, value, OPTION_TYPES[of]);
  validation.throwIfRefused();
  return validation;
}
