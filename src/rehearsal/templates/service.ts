import { Assembly, Stack } from './assembly';
import { CannotRun } from '../cannot-run';
import { regionOf, Resolver, ResourceReference } from './intrinsics';
import { readAction, readConditions } from '../edge/listener-rules';
import { ResourceKey, ServiceSpec, ContainerSpec, TargetGroupSpec, LoadBalancerSpec, ListenerSpec, Action } from '../model';

/*
 * What the templates say about a service, its tasks and what stands in front of them, in the words of this program.
 * The only numbers here are those that CloudFormation documents for a property that is left out.
 */
export const keyOf = ({ stack, logicalId }: ResourceReference): ResourceKey => `${stack.key}:${logicalId}`;

/** Every service of the assembly, or the one that is asked for. */
export function readServices(assembly: Assembly, resolver: Resolver, wanted?: string): ServiceSpec[] {
  const all = assembly.ofType('AWS::ECS::Service');
  const names = all.map(({ stack, logicalId }) => stack.displayName(logicalId));
  if (all.length === 0) {
    throw new CannotRun(`no service in ${assembly.directory}: none of its templates has an AWS::ECS::Service`);
  }
  const chosen = all.filter(({ stack, logicalId, resource }, index) => wanted === undefined
    || [logicalId, resource.Properties?.ServiceName].includes(wanted)
    || `/${names[index]}/`.includes(`/${wanted}/`)
    || stack.name === wanted);
  if (chosen.length === 0) {
    throw new CannotRun(`no service is called ${wanted}: give --service one of ${names.join(', ')}`);
  }
  return chosen.map(({ stack, logicalId }) => readService(assembly, resolver, stack, logicalId));
}

function readService(assembly: Assembly, resolver: Resolver, stack: Stack, logicalId: string): ServiceSpec {
  const raw = stack.template.Resources![logicalId].Properties ?? {};
  const name = stack.displayName(logicalId);
  const properties = resolver.resolve(stack, raw);

  const taskReference = resolver.reference(stack, raw.TaskDefinition);
  if (!taskReference) {
    throw new CannotRun(`the task definition of service ${name} is not in this assembly: only what was synthesised can be rehearsed`);
  }
  const task = resolver.resolve(taskReference.stack, taskReference.stack.template.Resources![taskReference.logicalId].Properties ?? {});
  const containers: any[] = task.ContainerDefinitions ?? [];

  const loadBalancers: any[] = properties.LoadBalancers ?? [];
  const registries: any[] = properties.ServiceRegistries ?? [];
  if (loadBalancers.length === 0 && registries.length === 0) {
    throw new CannotRun(`service ${name} has no target group and is not in Cloud Map: only services behind an Application Load Balancer`
      + ' or an HTTP API can be rehearsed; name another one with --service');
  }
  const serving = (loadBalancers[0] ?? registries[0]).ContainerName ?? containers[0]?.Name;
  const definition = containers.find((container) => container.Name === serving);
  if (!definition) {
    throw new CannotRun(`the task definition of service ${name} has no container ${serving}, which is to be reached`);
  }
  const container = readContainer(taskReference.stack, definition);

  const desiredCount = Number(properties.DesiredCount ?? smallestScale(assembly, resolver, stack, logicalId) ?? 1);
  if (desiredCount < 1) {
    throw new CannotRun(`service ${name} wants ${desiredCount} tasks: there is nothing to run`);
  }
  return {
    name,
    region: regionOf(stack),
    desiredCount,
    usesSpot: ((raw.CapacityProviderStrategy ?? []) as any[]).some(({ CapacityProvider }) => CapacityProvider === 'FARGATE_SPOT'),
    gracePeriodSeconds: Number(properties.HealthCheckGracePeriodSeconds
      ?? (loadBalancers.length > 0 ? 0 : container.healthCheck?.startPeriodSeconds ?? 0)),
    cpu: String(task.Cpu ?? '256'),
    memoryMiB: String(task.Memory ?? '512'),
    architecture: task.RuntimePlatform?.CpuArchitecture ?? 'X86_64',
    container,
    sidecars: containers.filter((other) => other !== definition).map((other) => readContainer(taskReference.stack, other)),
    volumes: ((task.Volumes ?? []) as any[]).map((volume) => ({
      name: volume.Name,
      storedIn: volume.EFSVolumeConfiguration ? 'EFS' : volume.ConfiguredAtLaunch ? 'EBS' : undefined,
    })),
    registrations: loadBalancers.length > 0
      ? (raw.LoadBalancers as any[])
        .filter((registration) => registration.ContainerName === serving)
        .map((registration) => ({
          targetGroup: readTargetGroup(resolver, resolver.reference(stack, registration.TargetGroupArn), name),
          port: Number(registration.ContainerPort),
        }))
      : (raw.ServiceRegistries as any[]).map((registry) => ({
        targetGroup: readRegistry(resolver.reference(stack, registry.RegistryArn), container, name),
        port: Number(resolver.resolve(stack, registry.ContainerPort ?? registry.Port) ?? definition.PortMappings?.[0]?.ContainerPort),
      })),
  };
}

/**
 * A service of Cloud Map, as a target group: ECS keeps the tasks in it whose container health check passes.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-discovery.html
 */
function readRegistry(reference: ResourceReference | undefined, { healthCheck }: ContainerSpec, service: string): TargetGroupSpec {
  if (!reference) { throw new CannotRun(`the Cloud Map service of service ${service} is not in this assembly: only what was synthesised can be rehearsed`); }
  return {
    key: keyOf(reference),
    name: reference.stack.displayName(reference.logicalId),
    healthCheck: {
      inContainer: healthCheck ?? 'none',
      // Nobody asks for a path in AWS. Here users do: any answer that is not the fault of a server will do.
      path: '/',
      successCodes: '200-499',
      intervalSeconds: healthCheck?.intervalSeconds ?? 30,
      timeoutSeconds: healthCheck?.timeoutSeconds ?? 5,
      healthyThreshold: 1,
      unhealthyThreshold: healthCheck?.retries ?? 1,
    },
  };
}

/** With scaling, the template has no desired count. A new service then starts with one task, and is scaled to the minimum at once. */
function smallestScale(assembly: Assembly, resolver: Resolver, stack: Stack, logicalId: string): number | undefined {
  const placeholder = `{{aws:${stack.key}:${logicalId}:Name}}`;
  return assembly.ofType('AWS::ApplicationAutoScaling::ScalableTarget')
    .map((scalable) => resolver.resolve(scalable.stack, scalable.resource.Properties ?? {}))
    .find(({ ResourceId }) => String(ResourceId).includes(placeholder))?.MinCapacity;
}

/** A template may have strings for booleans. */
function isTrue(value: unknown): boolean {
  return String(value) === 'true';
}

function list(value: any): any[] {
  return value ?? [];
}

function readContainer(stack: Stack, definition: any): ContainerSpec {
  const check = definition.HealthCheck;
  const linux = definition.LinuxParameters ?? {};
  return {
    name: definition.Name,
    image: String(definition.Image),
    // An image of a nested stack is an asset of the stack around it, which nested stacks share.
    asset: stack.dockerImage(String(definition.Image)),
    environment: Object.fromEntries((definition.Environment ?? []).map((variable: any) => [variable.Name, String(variable.Value ?? '')])),
    secrets: (definition.Secrets ?? []).map((secret: any) => secret.Name),
    environmentFiles: (definition.EnvironmentFiles ?? []).length,
    entryPoint: definition.EntryPoint,
    command: definition.Command,
    workingDirectory: definition.WorkingDirectory,
    user: definition.User,
    readonlyRootFilesystem: isTrue(definition.ReadonlyRootFilesystem),
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
    stopTimeoutSeconds: Number(definition.StopTimeout ?? 30),
    memoryLimitMiB: definition.Memory === undefined ? undefined : Number(definition.Memory),
    healthCheck: check && {
      command: check.Command,
      intervalSeconds: Number(check.Interval ?? 30),
      timeoutSeconds: Number(check.Timeout ?? 5),
      retries: Number(check.Retries ?? 3),
      startPeriodSeconds: Number(check.StartPeriod ?? 0),
    },
    essential: isTrue(definition.Essential ?? true),
    dependsOn: list(definition.DependsOn)
      .map((dependency) => ({ container: dependency.ContainerName, condition: dependency.Condition })),
    mountPoints: list(definition.MountPoints)
      .map(({ SourceVolume, ContainerPath, ReadOnly }) => ({ volume: SourceVolume, path: ContainerPath, readOnly: isTrue(ReadOnly) })),
    volumesFrom: list(definition.VolumesFrom).map(({ SourceContainer, ReadOnly }) => ({ container: SourceContainer, readOnly: isTrue(ReadOnly) })),
    init: isTrue(linux.InitProcessEnabled),
    addedCapabilities: linux.Capabilities?.Add ?? [],
    droppedCapabilities: linux.Capabilities?.Drop ?? [],
    ulimits: list(definition.Ulimits).map(({ Name, SoftLimit, HardLimit }) => ({ name: Name, soft: Number(SoftLimit), hard: Number(HardLimit) })),
    cpuShares: Number(definition.Cpu ?? 0) || undefined,
    onlyInAws: definition.FirelensConfiguration ? 'it routes logs to AWS' : undefined,
  };
}

function readTargetGroup(resolver: Resolver, reference: ResourceReference | undefined, service: string): TargetGroupSpec {
  const resource = reference?.stack.template.Resources![reference.logicalId];
  if (!reference || !resource) {
    throw new CannotRun(`the target group of service ${service} is not in this assembly: only what was synthesised can be rehearsed`);
  }
  const properties = resolver.resolve(reference.stack, resource.Properties ?? {});
  const name = reference.stack.displayName(reference.logicalId);
  const protocols = [properties.Protocol, properties.HealthCheckProtocol ?? properties.Protocol];
  if (protocols.some((protocol) => protocol !== 'HTTP')) {
    throw new CannotRun(`target group ${name} speaks ${protocols.find((protocol) => protocol !== 'HTTP')} with its targets:`
      + ' only HTTP can be rehearsed so far');
  }
  const port = Number(properties.HealthCheckPort);
  return {
    key: keyOf(reference),
    name,
    // Defaults: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
    healthCheck: {
      path: properties.HealthCheckPath ?? '/',
      port: Number.isNaN(port) ? undefined : port,
      intervalSeconds: Number(properties.HealthCheckIntervalSeconds ?? 30),
      timeoutSeconds: Number(properties.HealthCheckTimeoutSeconds ?? 5),
      healthyThreshold: Number(properties.HealthyThresholdCount ?? 5),
      unhealthyThreshold: Number(properties.UnhealthyThresholdCount ?? 2),
      successCodes: String(properties.Matcher?.HttpCode ?? '200'),
    },
  };
}

/** The load balancers whose listeners lead to one of the target groups. */
export function readLoadBalancers(assembly: Assembly, resolver: Resolver, targetGroups: readonly TargetGroupSpec[]): LoadBalancerSpec[] {
  const targetGroupKey = (stack: Stack) => (arn: unknown) => {
    const reference = resolver.reference(stack, arn);
    return reference ? keyOf(reference) : String(arn);
  };
  const rules = assembly.ofType('AWS::ElasticLoadBalancingV2::ListenerRule').map(({ stack, resource }) => {
    const properties = resource.Properties ?? {};
    const listener = resolver.reference(stack, properties.ListenerArn);
    return {
      listener: listener ? keyOf(listener) : String(resolver.resolve(stack, properties.ListenerArn)),
      outside: !listener,
      priority: Number(resolver.resolve(stack, properties.Priority)),
      conditions: readConditions(resolver.resolve(stack, properties.Conditions ?? [])),
      action: readAction(properties.Actions ?? [], (value) => resolver.resolve(stack, value), targetGroupKey(stack)),
    };
  });
  const listeners = assembly.ofType('AWS::ElasticLoadBalancingV2::Listener').map(({ stack, logicalId, resource }) => {
    const properties = resource.Properties ?? {};
    const loadBalancer = resolver.reference(stack, properties.LoadBalancerArn);
    return {
      loadBalancer: loadBalancer && keyOf(loadBalancer),
      name: stack.displayName(logicalId),
      port: Number(resolver.resolve(stack, properties.Port) ?? 80),
      protocol: resolver.resolve(stack, properties.Protocol) === 'HTTPS' ? 'HTTPS' as const : 'HTTP' as const,
      rules: rules
        .filter((rule) => rule.listener === keyOf({ stack, logicalId }))
        .sort((one, other) => one.priority - other.priority),
      defaultAction: readAction(properties.DefaultActions ?? [], (value) => resolver.resolve(stack, value), targetGroupKey(stack)),
    };
  });
  const loadBalancers = assembly.ofType('AWS::ElasticLoadBalancingV2::LoadBalancer')
    .map(({ stack, logicalId, resource }): LoadBalancerSpec => {
      const key = keyOf({ stack, logicalId });
      const attributes = Object.fromEntries((resolver.resolve(stack, resource.Properties?.LoadBalancerAttributes ?? []) as any[])
        .map((attribute) => [attribute.Key, attribute.Value]));
      return {
        key,
        name: stack.displayName(logicalId),
        notes: [],
        // Defaults: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
        idleTimeoutSeconds: Number(attributes['idle_timeout.timeout_seconds'] ?? 60),
        dropInvalidHeaderFields: attributes['routing.http.drop_invalid_header_fields.enabled'] === 'true',
        xForwardedFor: attributes['routing.http.xff_header_processing.mode'] ?? 'append',
        listeners: listeners.filter((listener) => listener.loadBalancer === key),
      };
    })
    .filter(({ listeners: own }) => own.some((listener) => targetGroups.some((group) => leadsTo(listener, group.key))));

  // A listener of which the assembly knows the ARN only: the rules are here, what is around them is not.
  const outside = [...new Set(rules.filter((rule) => rule.outside).map(({ listener }) => listener))]
    .map((arn): LoadBalancerSpec => ({
      key: arn,
      name: `a load balancer from outside, listener ${arn}`,
      notes: [`Listener ${arn} is not in this assembly. Its stand-in has the rules that are, and answers 404 to all else; that it speaks HTTP on port 80, `
        + 'with an idle time-out of 60 s, is assumed.'],
      idleTimeoutSeconds: 60,
      dropInvalidHeaderFields: false,
      xForwardedFor: 'append',
      listeners: [{
        name: `listener ${arn}`,
        port: 80,
        protocol: 'HTTP',
        rules: rules.filter(({ listener }) => listener === arn).sort((one, other) => one.priority - other.priority),
        defaultAction: { type: 'fixed-response', statusCode: 404, contentType: 'text/plain', body: 'no rule of this assembly holds for that request\n' },
      }],
    }))
    .filter(({ listeners: [listener] }) => targetGroups.some((group) => leadsTo(listener, group.key)));
  return [...loadBalancers, ...outside];
}

export function leadsTo(listener: ListenerSpec, targetGroup: ResourceKey): boolean {
  return [listener.defaultAction, ...listener.rules.map((rule) => rule.action)].some((action) => forwardsTo(action, targetGroup));
}

export function forwardsTo(action: Action, targetGroup: ResourceKey): boolean {
  return action.type === 'forward' && action.targetGroups.some(({ key }) => key === targetGroup);
}
