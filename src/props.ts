import { RemovalPolicy, Stack, aws_ecs as ecs } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { Capacity, CapacityOptions, validateCapacity } from './capacity';
import { Deployment, ServiceDeploymentOptions } from './deployment/deployment';
import { validateDeployment } from './deployment/validate-deployment';
import { healthCheckOf, validateHealthCheck } from './ingress/health-check';
import { IngressOptions, ingressOf, validateIngress } from './ingress/ingress';
import { IngressType } from './ingress/ingress-type';
import { Egress } from './network/egress';
import { NetworkOptions } from './network/network';
import { validateNetwork } from './network/validate-network';
import { Alarms, MonitoringOptions, validateAlarms } from './observability/alarms';
import { LogOptions, validateLogs } from './observability/logs';
import { checkTypes } from './option-types';
import { Preset, PresetDefaults } from './preset';
import { validateTaskCount } from './scaling';
import { TaskCountOptions } from './scaling-options';
import { EXAMPLE_APP } from './task/service-image';
import { TaskContext } from './task/shutdown';
import { TaskOptions, validateTask } from './task/task-options';
import { Validation } from './validation';

/**
 * Properties of `HelloFargateService`. All of them are optional.
 *
 * Prices in these docs are list prices of us-east-1 for 730 hours a month, checked 2026-09.
 */
export interface HelloFargateServiceProps extends TaskOptions, TaskCountOptions, CapacityOptions,
  ServiceDeploymentOptions, IngressOptions, NetworkOptions, LogOptions, MonitoringOptions {
  /**
   * Set of defaults for the other props. Explicit props override the preset.
   *
   * @default Preset.STANDARD
   */
  readonly preset?: Preset;

  /**
   * Whether the stack has outputs with the URL of the service and of its dashboard.
   *
   * @default true
   */
  readonly outputUrl?: boolean;
}

/** The props with the defaults of the preset. */
export interface ResolvedProps extends HelloFargateServiceProps {
  readonly capacity: Capacity;
  readonly deployment: Deployment;
  readonly alarms: Alarms;
}

/** The props with their defaults, and the facts that several parts of the construct derive from them. */
export interface ServiceSettings extends TaskContext {
  readonly props: ResolvedProps;
  readonly preset: PresetDefaults;
  readonly ingress: IngressType;
}

export function resolveSettings(scope: Construct, props: HelloFargateServiceProps): ServiceSettings {
  checkTypes(scope, 'props', props);
  const preset = (props.preset ?? Preset.STANDARD)._defaults;
  const resolved = withPreset(scope, props, preset);
  return {
    props: resolved,
    preset,
    ingress: ingressOf(resolved),
    healthCheck: healthCheckOf(resolved),
    usesSpot: resolved.capacity._usesSpot,
  };
}

/** Adds the defaults of the preset. Those of the network apply only if the construct creates the VPC or the cluster. */
function withPreset(scope: Construct, props: HelloFargateServiceProps, preset: PresetDefaults): ResolvedProps {
  const makesVpc = !props.vpc && !props.cluster;
  const enhancedInsights = preset.containerInsights && !props.cluster;
  const readonlyRoot = preset.readonlyRootFilesystem && !props.enableExecuteCommand;
  const defaults = {
    ...makesVpc ? vpcDefaults(scope, props, preset) : {},
    desiredCount: props.scaling ? undefined : preset.desiredCount,
    capacity: preset.onSpotOnly ? Capacity.spot({ onDemandBase: 0 }) : Capacity.onDemand(),
    deployment: Deployment.rolling(),
    readonlyRootFilesystem: readonlyRoot || undefined,
    logRetention: preset.logRetention,
    logRemovalPolicy: preset.retainLogs ? RemovalPolicy.RETAIN : undefined,
    encryptLogs: preset.encryptLogs || undefined,
    alarms: preset.requireAlarms ? Alarms.recommended() : Alarms.none(),
    dashboard: preset.dashboard || undefined,
    containerInsights: enhancedInsights ? ecs.ContainerInsights.ENHANCED : undefined,
  };
  const explicit = Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined));
  return { ...defaults, ...explicit };
}

function vpcDefaults(scope: Construct, props: HelloFargateServiceProps, preset: PresetDefaults): NetworkOptions {
  // The VPC may have two Availability Zones in any environment. CDK knows of a third one only if account and region are
  // set.
  const maxAzs = props.maxAzs ?? props.availabilityZones?.length
    ?? Math.min(preset.maxAzs, Math.max(2, Stack.of(scope).availabilityZones.length));
  return {
    maxAzs,
    egress: preset.privateTasks ? Egress.natGateway({ count: maxAzs }) : Egress.publicIp(),
    flowLogs: preset.flowLogs,
  };
}

/** Validates all props before any resource is created. */
export function validateSettings(scope: Construct, settings: ServiceSettings): void {
  const { props, preset, ingress, healthCheck } = settings;
  const validation = new Validation(scope);
  validateNetwork(validation, scope, props, props.image);
  if (!validation.hasRefused) { ingress.validate(validation, scope, props.vpc ?? props.cluster?.vpc); }
  validateHealthCheck(validation, healthCheck, props.image ? undefined : EXAMPLE_APP.paths);
  validateIngress(validation, props, preset);
  validateCapacity(validation, props.capacity, props.scaling?.maxCapacity ?? props.desiredCount!);
  validateDeployment(validation, props, ingress);
  validateTask(validation, props, settings);
  validateTaskCount(validation, props, ingress);
  validateLogs(validation, scope, props);
  validateAlarms(validation, props, preset);
  validation.throwIfRefused();
}
