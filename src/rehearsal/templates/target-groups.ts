import { keyOf, Resolver, ResourceReference } from './intrinsics';
import { number, record, text } from './values';
import { CannotRun } from '../cannot-run';
import { ContainerSpec, HealthCheckSpec, TargetGroupSpec } from '../model';

/*
 * Reads target groups, and what takes their place where there is no load balancer.
 */

/** Why a service with a resource that is looked up or imported is skipped. */
export const ONLY_SYNTHESIZED = 'only synthesized resources can be rehearsed';

/** Where nothing sends requests to a service. */
export function ownTargetGroup(service: ResourceReference, container: ContainerSpec): TargetGroupSpec {
  const name = service.stack.displayName(service.logicalId);
  return { key: keyOf(service), name, healthCheck: healthOfContainer(container) };
}

/** Container health decides where nothing sends HTTP health checks. */
function healthOfContainer({ healthCheck }: ContainerSpec): HealthCheckSpec {
  return {
    inContainer: healthCheck ?? 'none',
    // The rehearsal requests this path where there is an ingress, and accepts any response but a server error.
    path: '/',
    successCodes: '200-499',
    intervalSeconds: healthCheck?.intervalSeconds ?? 30,
    timeoutSeconds: healthCheck?.timeoutSeconds ?? 5,
    healthyThreshold: 1,
    unhealthyThreshold: healthCheck?.retries ?? 1,
  };
}

/**
 * A service of Cloud Map as a target group: ECS registers the tasks whose container health check passes.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-discovery.html
 */
export function readCloudMapService(
  reference: ResourceReference | undefined, container: ContainerSpec, service: string,
): TargetGroupSpec {
  if (!reference) {
    throw new CannotRun(`the Cloud Map service of service ${service} is not in this assembly: ${ONLY_SYNTHESIZED}`);
  }
  return {
    key: keyOf(reference),
    name: reference.stack.displayName(reference.logicalId),
    healthCheck: healthOfContainer(container),
  };
}

export function readTargetGroup(
  resolver: Resolver, reference: ResourceReference | undefined, service: string,
): TargetGroupSpec {
  if (!reference) {
    throw new CannotRun(`the target group of service ${service} is not in this assembly: ${ONLY_SYNTHESIZED}`);
  }
  const properties = resolver.properties(reference);
  const name = reference.stack.displayName(reference.logicalId);
  const { Protocol, ProtocolVersion, HealthCheckProtocol = Protocol } = properties;
  if (ProtocolVersion === 'GRPC') {
    throw new CannotRun(`the protocol version of target group ${name} is GRPC: only HTTP/1.1 can be rehearsed so far`);
  }
  const unsupported = [Protocol, HealthCheckProtocol]
    .map((protocol) => text(protocol, 'not set'))
    .find((protocol) => !['HTTP', 'TCP'].includes(protocol));
  if (unsupported !== undefined) {
    throw new CannotRun(`the protocol of target group ${name} is ${unsupported}: only HTTP and TCP can be rehearsed so`
      + ' far');
  }
  const port = Number(properties.HealthCheckPort);
  return {
    key: keyOf(reference),
    name,
    // Defaults: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
    healthCheck: {
      protocol: HealthCheckProtocol === 'TCP' ? 'TCP' : 'HTTP',
      path: text(properties.HealthCheckPath, '/'),
      port: Number.isNaN(port) ? undefined : port,
      intervalSeconds: number(properties.HealthCheckIntervalSeconds, 30),
      timeoutSeconds: number(properties.HealthCheckTimeoutSeconds, defaultTimeout(Protocol, HealthCheckProtocol)),
      healthyThreshold: number(properties.HealthyThresholdCount, 5),
      unhealthyThreshold: number(properties.UnhealthyThresholdCount, 2),
      successCodes: text(record(properties.Matcher).HttpCode, '200'),
    },
  };
}

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html */
function defaultTimeout(protocol: unknown, healthCheckProtocol: unknown): number {
  if (protocol === 'HTTP') { return 5; }
  return healthCheckProtocol === 'HTTP' ? 6 : 10;
}
