import type { DockerImageSource as AssetSource } from 'aws-cdk-lib/cloud-assembly-schema';

/*
 * What the rehearsal knows about the services of an assembly and what is in front of them. `templates/` reads it, all
 * else uses it.
 */

/** Identifies a resource in the whole assembly. */
export type ResourceKey = string;

export interface ServiceSpec {
  /** The path of its construct. */
  readonly name: string;
  readonly region: string;
  /** Of its task definition. */
  readonly family: string;
  readonly desiredCount: number;
  /** How many tasks must be healthy, and how many may run, during a deployment, as percentages of the desired count. */
  readonly minHealthyPercent: number;
  readonly maxHealthyPercent: number;
  /** Whether its tasks may run on Fargate Spot. */
  readonly usesSpot: boolean;
  /** Time after the start of a task in which ECS ignores failed health checks. */
  readonly gracePeriodSeconds: number;
  readonly cpu: string;
  readonly memoryMiB: string;
  readonly architecture: string;
  /** The container that receives the requests; without ingress, the first essential one. */
  readonly container: ContainerSpec;
  /** The other containers of the task. */
  readonly sidecars: readonly ContainerSpec[];
  readonly volumes: readonly VolumeSpec[];
  /**
   * The target groups in which its tasks are registered, at least one: a service that is in none has one of its own, in
   * which the health of a task is that of its container.
   */
  readonly registrations: readonly RegistrationSpec[];
  /** What differs from AWS, as full sentences for the report. */
  readonly notes: readonly string[];
}

/** The ports of the task to which requests and probes are sent. */
export function portsOf({ registrations }: ServiceSpec): number[] {
  const ports = registrations.flatMap(({ port, targetGroup }) => [port, targetGroup.healthCheck.port]);
  return [...new Set(ports)].filter((port) => port !== undefined);
}

/** A service that cannot be rehearsed, and why. It does not stop the others. */
export interface SkippedService {
  readonly name: string;
  readonly reason: string;
}

export interface RegistrationSpec {
  readonly targetGroup: TargetGroupSpec;
  readonly containerName: string;
  /** The container port; undefined where the service is in no target group, and not in Cloud Map. */
  readonly port?: number;
}

export interface ContainerSpec {
  readonly name: string;
  /** The name of the image, for messages. */
  readonly image: string;
  /** How the image is built, if it is an asset of the assembly. */
  readonly asset?: DockerImageSource;
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  /** The variables whose values are of the user. */
  readonly overridden: readonly string[];
  readonly environmentFiles: number;
  readonly entryPoint?: readonly string[];
  readonly command?: readonly string[];
  readonly workingDirectory?: string;
  readonly user?: string;
  readonly readonlyRootFilesystem: boolean;
  readonly stopTimeoutSeconds: number;
  /** Hard memory limit; by default the memory of the task. */
  readonly memoryLimitMiB?: number;
  readonly healthCheck?: ContainerHealthCheckSpec;
  /** Whether the task stops when this container exits. */
  readonly essential: boolean;
  /** Conditions of other containers that must be met before this container starts. */
  readonly dependsOn: readonly ContainerDependencySpec[];
  readonly mountPoints: ReadonlyArray<{ readonly volume: string; readonly path: string; readonly readOnly: boolean }>;
  /** Containers whose volumes are mounted too. */
  readonly volumesFrom: ReadonlyArray<{ readonly container: string; readonly readOnly: boolean }>;
  /** Whether an init process forwards signals to the app and reaps its child processes. */
  readonly init: boolean;
  readonly addedCapabilities: readonly string[];
  readonly droppedCapabilities: readonly string[];
  readonly ulimits: ReadonlyArray<{ readonly name: string; readonly soft: number; readonly hard: number }>;
  /** Relative CPU weight when the containers compete for CPU. */
  readonly cpuShares?: number;
  /** Why this container is useful only in AWS, for example a log router. */
  readonly onlyInAws?: string;
}

export interface ContainerDependencySpec {
  readonly container: string;
  readonly condition: 'START' | 'COMPLETE' | 'SUCCESS' | 'HEALTHY';
}

export interface VolumeSpec {
  readonly name: string;
  /** The AWS service that stores its files, unless it starts empty. */
  readonly storedIn?: string;
}

export interface ContainerHealthCheckSpec {
  readonly command: readonly string[];
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly retries: number;
  /** Time after the start in which failures do not count. */
  readonly startPeriodSeconds: number;
}

export interface TargetGroupSpec {
  readonly key: ResourceKey;
  readonly name: string;
  readonly healthCheck: HealthCheckSpec;
}

export interface HealthCheckSpec {
  /**
   * For Cloud Map and services without ingress: the container health check that replaces requests. With `none`, a
   * running task is healthy.
   */
  readonly inContainer?: ContainerHealthCheckSpec | 'none';
  /** With TCP, a target that accepts connections is healthy. */
  readonly protocol?: 'HTTP' | 'TCP';
  readonly path: string;
  /** Only if it is not the port of the traffic. */
  readonly port?: number;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  /** Status codes that pass: '200', '200,204', '200-299'. */
  readonly successCodes: string;
}

/** What a target group sends to a target. @param trafficPort where the health check has no port of its own */
export function describeProbe({ protocol, path, port }: HealthCheckSpec, trafficPort?: number): string {
  return `${protocol === 'TCP' ? 'a connection' : `GET ${path}`} ${protocol === 'TCP' ? 'to' : 'on'} port`
    + ` ${port ?? trafficPort}`;
}

/** Everything in front of the target groups that leads to one of them. */
export interface EdgeSpec {
  readonly cloudFronts: readonly CloudFrontSpec[];
  readonly httpApis: readonly HttpApiSpec[];
  readonly loadBalancers: readonly LoadBalancerSpec[];
}

/** What load balancers, HTTP APIs and CloudFront distributions have in common. */
export interface EmulatorSpec {
  readonly key: ResourceKey;
  readonly name: string;
  /** Assumptions and omissions, as full sentences for the report. */
  readonly notes: readonly string[];
  readonly idleTimeoutSeconds: number;
  readonly listeners: readonly ListenerSpec[];
}

export interface LoadBalancerSpec extends EmulatorSpec {
  readonly type: 'application' | 'network';
  readonly dropInvalidHeaderFields: boolean;
  readonly xForwardedFor: 'append' | 'preserve' | 'remove';
}

/** The rules of its listener are the routes. */
export interface HttpApiSpec extends EmulatorSpec {}

export interface CloudFrontSpec extends EmulatorSpec {
  /** By the key that a forward action has in place of the key of a target group. */
  readonly behaviors: ReadonlyMap<string, CloudFrontBehavior>;
}

export interface CloudFrontBehavior {
  /** None if the origin is neither a load balancer nor an HTTP API of the assembly. */
  readonly origin?: CloudFrontOrigin;
  readonly methods: readonly string[];
  /** Which headers, cookies and query strings are forwarded to the origin. */
  readonly forwards: 'nothing' | 'all' | 'all but Host';
  /** Whether the origin request policy adds headers like CloudFront-Forwarded-Proto. */
  readonly addsCloudFrontHeaders: boolean;
}

export interface CloudFrontOrigin {
  /** The key of the load balancer or HTTP API. */
  readonly key: ResourceKey;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ListenerSpec {
  readonly name: string;
  readonly port: number;
  /** TCP and TLS for a Network Load Balancer. */
  readonly protocol: 'HTTP' | 'HTTPS' | 'TCP' | 'TLS';
  /** In the order in which they are evaluated. */
  readonly rules: readonly ListenerRuleSpec[];
  readonly defaultAction: Action;
}

export interface ListenerRuleSpec {
  readonly conditions: readonly Condition[];
  readonly action: Action;
}

export type Action = ForwardAction | RedirectAction | FixedResponseAction;

export interface ForwardAction {
  readonly type: 'forward';
  readonly targetGroups: ReadonlyArray<{ readonly key: ResourceKey; readonly weight: number }>;
}

/** Location and query may have the placeholders of Elastic Load Balancing, such as `#{host}`. */
export interface RedirectAction {
  readonly type: 'redirect';
  readonly statusCode: number;
  /** Without the query. */
  readonly location: string;
  readonly query: string;
}

export interface FixedResponseAction {
  readonly type: 'fixed-response';
  readonly statusCode: number;
  readonly contentType: string;
  readonly body: string;
}

export type Condition =
  | {
    readonly field: 'path-pattern' | 'host-header' | 'http-request-method' | 'source-ip';
    readonly values: readonly string[];
  }
  /** A route of an HTTP API, which matches the whole path. */
  | { readonly field: 'route'; readonly expression: RegExp }
  | { readonly field: 'http-header'; readonly name: string; readonly values: readonly string[] }
  | {
    readonly field: 'query-string';
    readonly values: ReadonlyArray<{ readonly Key?: string; readonly Value: string }>;
  };

/** The parts of a request that conditions and redirects use. */
export interface RuleRequest {
  readonly method: string;
  readonly protocol: ListenerSpec['protocol'];
  /** Without the port. */
  readonly host: string;
  /** The port of the listener. */
  readonly port: number;
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly sourceIp: string;
}

/** A Docker image asset, which CDK would build during deployment. */
export interface DockerImageSource extends AssetSource {
  /** Where the command of `executable` runs. */
  readonly workingDirectory: string;
}

export function leadsTo(listener: ListenerSpec, targetGroup: ResourceKey): boolean {
  const actions = [listener.defaultAction, ...listener.rules.map((rule) => rule.action)];
  return actions.some((action) => forwardsTo(action, targetGroup));
}

export function forwardsTo(action: Action, targetGroup: ResourceKey): boolean {
  return action.type === 'forward' && action.targetGroups.some(({ key }) => key === targetGroup);
}
