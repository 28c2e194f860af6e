/** Identifies a resource in the whole assembly. */
export type ResourceKey = string;

export interface ServiceSpec {
  /** As the user knows it: the path of its construct. */
  readonly name: string;
  readonly region: string;
  readonly desiredCount: number;
  /** Whether its tasks may run on spare capacity, which AWS takes back. */
  readonly usesSpot: boolean;
  /** Time after the start of a task in which ECS ignores failed health checks. */
  readonly gracePeriodSeconds: number;
  readonly cpu: string;
  readonly memoryMiB: string;
  readonly architecture: string;
  /** The one that serves: its ports are in the target groups. */
  readonly container: ContainerSpec;
  /** The other containers of the task. */
  readonly sidecars: readonly ContainerSpec[];
  readonly volumes: readonly VolumeSpec[];
  /** The target groups in which its tasks are registered, and under which port. */
  readonly registrations: ReadonlyArray<{ readonly targetGroup: TargetGroupSpec; readonly port: number }>;
}

export interface ContainerSpec {
  readonly name: string;
  /** The image's name, for messages. */
  readonly image: string;
  /** Where the image is built from, if the assembly holds it. */
  readonly asset?: DockerImageSource;
  readonly environment: { readonly [name: string]: string };
  readonly secrets: readonly string[];
  readonly environmentFiles: number;
  readonly entryPoint?: readonly string[];
  readonly command?: readonly string[];
  readonly workingDirectory?: string;
  readonly user?: string;
  readonly readonlyRootFilesystem: boolean;
  readonly stopTimeoutSeconds: number;
  /** Beyond it, the container is killed; without it, beyond the memory of the task. */
  readonly memoryLimitMiB?: number;
  readonly healthCheck?: ContainerHealthCheckSpec;
  /** When it ends, the task does. */
  readonly essential: boolean;
  /** What must have happened to other containers before it starts. */
  readonly dependsOn: ReadonlyArray<{ readonly container: string; readonly condition: 'START' | 'COMPLETE' | 'SUCCESS' | 'HEALTHY' }>;
  readonly mountPoints: ReadonlyArray<{ readonly volume: string; readonly path: string; readonly readOnly: boolean }>;
  /** Containers whose volumes it has too. */
  readonly volumesFrom: ReadonlyArray<{ readonly container: string; readonly readOnly: boolean }>;
  /** A process in front of the app that passes signals on and reaps its children. */
  readonly init: boolean;
  readonly addedCapabilities: readonly string[];
  readonly droppedCapabilities: readonly string[];
  readonly ulimits: ReadonlyArray<{ readonly name: string; readonly soft: number; readonly hard: number }>;
  /** Its share of the task's CPU when all containers want it. */
  readonly cpuShares?: number;
  /** Why it makes no sense here: a router of logs, an agent that only works in AWS. */
  readonly onlyInAws?: string;
}

export interface VolumeSpec {
  readonly name: string;
  /** Where its files are in AWS, if it does not start empty. */
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
  /** Not by requests, but by this check of the container; without one, a task counts as well as soon as it runs. */
  readonly inContainer?: ContainerHealthCheckSpec | 'none';
  readonly path: string;
  /** Where it is not the port of the traffic. */
  readonly port?: number;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  /** Status codes that pass: '200', '200,204', '200-299'. */
  readonly successCodes: string;
}

export interface LoadBalancerSpec {
  readonly key: ResourceKey;
  readonly name: string;
  /** What is assumed where the templates do not say, and what is left out: full sentences. */
  readonly notes: readonly string[];
  readonly idleTimeoutSeconds: number;
  readonly dropInvalidHeaderFields: boolean;
  readonly xForwardedFor: 'append' | 'preserve' | 'remove';
  readonly listeners: readonly ListenerSpec[];
}

export interface ListenerSpec {
  readonly name: string;
  readonly port: number;
  readonly protocol: 'HTTP' | 'HTTPS';
  /** In the order in which they are asked. */
  readonly rules: readonly ListenerRuleSpec[];
  readonly defaultAction: Action;
}

export interface ListenerRuleSpec {
  readonly priority: number;
  readonly conditions: readonly Condition[];
  readonly action: Action;
}
export type Action =
  | { readonly type: 'forward'; readonly targetGroups: ReadonlyArray<{ readonly key: string; readonly weight: number }> }
  | { readonly type: 'redirect'; readonly statusCode: number; readonly location: (request: RuleRequest) => string }
  | { readonly type: 'fixed-response'; readonly statusCode: number; readonly contentType: string; readonly body: string };

export type Condition =
  | { readonly field: 'path-pattern' | 'host-header' | 'http-request-method' | 'source-ip'; readonly values: readonly string[] }
  /** Of an HTTP API: the whole path. */
  | { readonly field: 'route'; readonly expression: RegExp }
  | { readonly field: 'http-header'; readonly name: string; readonly values: readonly string[] }
  | { readonly field: 'query-string'; readonly values: ReadonlyArray<{ readonly Key?: string; readonly Value: string }> };

/** What conditions and redirects look at. */
export interface RuleRequest {
  readonly method: string;
  readonly protocol: 'HTTP' | 'HTTPS';
  /** Without the port. */
  readonly host: string;
  /** The port of the listener. */
  readonly port: number;
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly sourceIp: string;
}
/** An image that CDK would build when it deploys. */
export interface DockerImageSource {
  readonly directory?: string;
  readonly dockerFile?: string;
  readonly dockerBuildArgs?: { readonly [name: string]: string };
  readonly dockerBuildTarget?: string;
  readonly platform?: string;
  readonly dockerBuildContexts?: { readonly [name: string]: string };
  readonly dockerBuildSecrets?: { readonly [name: string]: string };
  readonly dockerBuildSsh?: string;
  readonly networkMode?: string;
  readonly cacheFrom?: ReadonlyArray<{ readonly type: string; readonly params?: { readonly [name: string]: string } }>;
  readonly cacheDisabled?: boolean;
  /** Instead of a directory: a command that prints the name of the image that it has built or loaded. */
  readonly executable?: readonly string[];
  /** Where that command runs. */
  readonly workingDirectory: string;
}


