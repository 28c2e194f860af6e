import { Assembly, AssemblyResource, Stack } from './assembly';
import { regionOf, Resolver, ResourceReference } from './intrinsics';
import { ONLY_SYNTHESIZED, ownTargetGroup, readCloudMapService, readTargetGroup } from './target-groups';
import { isTrue, list, number, Properties, record, records, text, texts } from './values';
import { CannotRun } from '../cannot-run';
import {
  ContainerDependencySpec, ContainerHealthCheckSpec, ContainerSpec, RegistrationSpec, ServiceSpec, SkippedService,
} from '../model';

/*
 * Reads ECS services and their tasks. The numbers here are the defaults that CloudFormation documents.
 */

export interface ReadServices {
  readonly services: readonly ServiceSpec[];
  readonly skippedServices: readonly SkippedService[];
}

/**
 * All services of the assembly, or the ones that match a name, path, logical ID or stack name.
 *
 * @throws CannotRun if none of them can be rehearsed
 */
export function readServices(assembly: Assembly, resolver: Resolver, wanted?: string): ReadServices {
  resolver.removeAbsent();
  const all = assembly.ofType('AWS::ECS::Service');
  const scheduled = scheduledTasks(assembly);
  if (all.length === 0) {
    const reason = scheduled.length > 0
      ? `${scheduled.map(({ name }) => name).join(', ')} are scheduled tasks, which run and end`
      : 'none of its templates has an AWS::ECS::Service';
    throw new CannotRun(`no service in ${assembly.directory}: ${reason}`);
  }
  const selected = all.filter((service) => wanted === undefined || isCalled(service, wanted));
  if (selected.length === 0) {
    const names = all.map(({ stack, logicalId }) => stack.displayName(logicalId));
    throw new CannotRun(`no service is called ${wanted}: set --service to one of ${names.join(', ')}`);
  }
  const services: ServiceSpec[] = [];
  const skippedServices: SkippedService[] = wanted === undefined ? scheduled : [];
  for (const service of selected) {
    try {
      services.push(readService(assembly, resolver, service));
    } catch (error) {
      if (!(error instanceof CannotRun)) { throw error; }
      skippedServices.push({ name: service.stack.displayName(service.logicalId), reason: error.message });
    }
  }
  return requireServices({ services, skippedServices });
}

/**
 * @param reasonFor why a service is skipped
 * @throws CannotRun if no service is left
 */
export function skipServices(
  { services, skippedServices }: ReadServices, reasonFor: (service: ServiceSpec) => string | undefined,
): ReadServices {
  const reasons = new Map(services.map((service) => [service, reasonFor(service)]));
  const skipped = [...reasons].flatMap(([{ name }, reason]) => reason === undefined ? [] : [{ name, reason }]);
  return requireServices({
    services: services.filter((service) => reasons.get(service) === undefined),
    skippedServices: [...skippedServices, ...skipped],
  });
}

function requireServices(read: ReadServices): ReadServices {
  if (read.services.length > 0) { return read; }
  throw new CannotRun(read.skippedServices
    .map(({ name, reason }) => `service ${name} cannot be rehearsed: ${reason}`)
    .join('\n'));
}

/** They run and end: there is no service whose tasks could be replaced. */
function scheduledTasks(assembly: Assembly): SkippedService[] {
  const schedules = [
    ...assembly.ofType('AWS::Events::Rule').filter(({ resource }) =>
      records(resource.Properties?.Targets).some(({ EcsParameters }) => EcsParameters !== undefined)),
    ...assembly.ofType('AWS::Scheduler::Schedule').filter(({ resource }) =>
      record(resource.Properties?.Target).EcsParameters !== undefined),
  ];
  return schedules.map(({ stack, logicalId }) => ({
    name: stack.displayName(logicalId),
    reason: 'it is a scheduled task, which runs and ends: only services are rehearsed',
  }));
}

function isCalled({ stack, logicalId, resource }: AssemblyResource, name: string): boolean {
  const part = name.replace(/^\/+|\/+$/g, '');
  return [logicalId, resource.Properties?.ServiceName, stack.name].includes(part)
    || `/${stack.displayName(logicalId)}/`.includes(`/${part}/`);
}

function readService(assembly: Assembly, resolver: Resolver, service: ResourceReference): ServiceSpec {
  const { stack, logicalId } = service;
  const name = stack.displayName(logicalId);
  const raw = stack.properties(logicalId);
  const properties = resolver.properties(service);

  const controller = record(properties.DeploymentController).Type;
  if (controller === 'EXTERNAL') {
    throw new CannotRun(`the deployment controller of service ${name} is EXTERNAL: its tasks are not in the template`);
  }
  const taskReference = resolver.reference(stack, raw.TaskDefinition)
    ?? findByFamily(assembly, resolver, text(properties.TaskDefinition, ''));
  if (!taskReference) {
    throw new CannotRun(`the task definition of service ${name} is not in this assembly: ${ONLY_SYNTHESIZED}`);
  }
  const task = resolver.properties(taskReference);
  validatePlatform(name, properties, task);
  const containers = records(task.ContainerDefinitions);
  const definition = servingContainer(name, properties, containers);
  const container = readContainer(taskReference.stack, definition);

  const desiredCount = resolver.knownNumber(`the desired count of service ${name}`,
    properties.DesiredCount ?? readMinCapacity(assembly, resolver, service) ?? 1);
  if (desiredCount < 1) {
    throw new CannotRun(`the desired count of service ${name} is ${desiredCount}: there is nothing to run`);
  }
  const defaultGracePeriod = hasLoadBalancer(properties) ? 0 : container.healthCheck?.startPeriodSeconds ?? 0;
  const registrations = hasLoadBalancer(properties)
    ? readTargetGroupRegistrations(resolver, service)
    : readCloudMapRegistrations(resolver, service, { container, definition });
  if (registrations.length === 0) {
    registrations.push({ targetGroup: ownTargetGroup(service, container), containerName: container.name });
  }
  const { MinimumHealthyPercent, MaximumPercent } = record(properties.DeploymentConfiguration);
  return {
    name,
    region: regionOf(stack),
    family: text(task.Family, taskReference.logicalId),
    desiredCount,
    minHealthyPercent: number(MinimumHealthyPercent, 100),
    maxHealthyPercent: number(MaximumPercent, 200),
    usesSpot: records(properties.CapacityProviderStrategy).some(isSpot),
    gracePeriodSeconds: number(properties.HealthCheckGracePeriodSeconds, defaultGracePeriod),
    cpu: text(task.Cpu, '256'),
    memoryMiB: text(task.Memory, '512'),
    architecture: text(record(task.RuntimePlatform).CpuArchitecture, 'X86_64'),
    container,
    sidecars: containers
      .filter((other) => other !== definition)
      .map((other) => readContainer(taskReference.stack, other)),
    volumes: records(task.Volumes).map((volume) => ({ name: text(volume.Name, ''), storedIn: volumeStorage(volume) })),
    registrations,
    notes: properties.ServiceConnectConfiguration
      ? [`Service Connect of ${name} is not emulated: its names are not resolved, and its proxy does not run.`]
      : [],
  };
}

/** Named as `family`, `family:revision` or by an ARN that ends so. */
function findByFamily(assembly: Assembly, resolver: Resolver, name: string): ResourceReference | undefined {
  const family = name.split('/').at(-1)!.split(':')[0];
  return assembly.ofType('AWS::ECS::TaskDefinition')
    .find((task) => family !== '' && resolver.properties(task).Family === family);
}

function validatePlatform(service: string, { LaunchType }: Properties, task: Properties): void {
  const system = text(record(task.RuntimePlatform).OperatingSystemFamily, 'LINUX');
  if (system !== 'LINUX') {
    throw new CannotRun(`the operating system of service ${service} is ${system}: only Linux can be rehearsed`);
  }
  if (LaunchType !== undefined && LaunchType !== 'FARGATE') {
    throw new CannotRun(`the launch type is ${text(LaunchType)}: only tasks on Fargate can be rehearsed`);
  }
}

function isSpot({ CapacityProvider, Weight, Base }: Properties): boolean {
  return CapacityProvider === 'FARGATE_SPOT' && (number(Weight, 0) > 0 || number(Base, 0) > 0);
}

function hasLoadBalancer(service: Properties): boolean {
  return list(service.LoadBalancers).length > 0;
}

/** The container that receives the requests. */
function servingContainer(service: string, properties: Properties, containers: Properties[]): Properties {
  const [registration = {}] = [...records(properties.LoadBalancers), ...records(properties.ServiceRegistries)];
  const essential = containers.find(({ Essential = true }) => isTrue(Essential)) ?? containers[0];
  const name = registration.ContainerName ?? essential?.Name;
  const container = containers.find((candidate) => candidate.Name === name);
  if (!container) {
    throw new CannotRun(`the task definition of service ${service} has no container ${name},`
      + ' to which requests are sent');
  }
  return container;
}

function readTargetGroupRegistrations(
  resolver: Resolver, { stack, logicalId }: ResourceReference,
): RegistrationSpec[] {
  const service = stack.displayName(logicalId);
  return records(stack.properties(logicalId).LoadBalancers).map((registration) => ({
    targetGroup: readTargetGroup(resolver, resolver.reference(stack, registration.TargetGroupArn), service),
    containerName: text(resolver.resolve(stack, registration.ContainerName), ''),
    port: resolver.knownNumber(`a container port of service ${service}`,
      resolver.resolve(stack, registration.ContainerPort)),
  }));
}

function readCloudMapRegistrations(
  resolver: Resolver,
  { stack, logicalId }: ResourceReference,
  { container, definition }: { readonly container: ContainerSpec; readonly definition: Properties },
): RegistrationSpec[] {
  const service = stack.displayName(logicalId);
  return records(stack.properties(logicalId).ServiceRegistries).map((registry) => ({
    targetGroup: readCloudMapService(resolver.reference(stack, registry.RegistryArn), container, service),
    containerName: container.name,
    port: resolver.knownNumber(`a container port of service ${service}`,
      resolver.resolve(stack, registry.ContainerPort ?? registry.Port)
        ?? records(definition.PortMappings)[0]?.ContainerPort),
  }));
}

/** With auto scaling the template has no desired count: a new service is scaled to the minimum at once. */
function readMinCapacity(assembly: Assembly, resolver: Resolver, { stack, logicalId }: ResourceReference): unknown {
  const placeholder = `{{aws:${stack.key}:${logicalId}:Name}}`;
  return assembly.ofType('AWS::ApplicationAutoScaling::ScalableTarget')
    .map((scalableTarget) => resolver.properties(scalableTarget))
    .find(({ ResourceId }) => String(ResourceId).includes(placeholder))?.MinCapacity;
}

function volumeStorage(volume: Properties): string | undefined {
  if (volume.EFSVolumeConfiguration) { return 'EFS'; }
  return volume.ConfiguredAtLaunch ? 'EBS' : undefined;
}

/** Defaults: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html */
function readContainer(stack: Stack, definition: Properties): ContainerSpec {
  const linux = record(definition.LinuxParameters);
  const capabilities = record(linux.Capabilities);
  const image = text(definition.Image, '');
  return {
    name: text(definition.Name, ''),
    image,
    // Nested stacks share the assets of their parent stack.
    asset: stack.dockerImage(image),
    environment: Object.fromEntries(records(definition.Environment)
      .map((variable) => [text(variable.Name, ''), text(variable.Value, '')])),
    secrets: records(definition.Secrets).map((secret) => text(secret.Name, '')),
    overridden: [],
    environmentFiles: list(definition.EnvironmentFiles).length,
    entryPoint: texts(definition.EntryPoint),
    command: texts(definition.Command),
    workingDirectory: text(definition.WorkingDirectory),
    user: text(definition.User),
    readonlyRootFilesystem: isTrue(definition.ReadonlyRootFilesystem),
    stopTimeoutSeconds: number(definition.StopTimeout, 30),
    memoryLimitMiB: number(definition.Memory),
    healthCheck: definition.HealthCheck ? readContainerHealthCheck(record(definition.HealthCheck)) : undefined,
    essential: isTrue(definition.Essential ?? true),
    dependsOn: records(definition.DependsOn).map((dependency) => ({
      container: text(dependency.ContainerName, ''),
      condition: dependency.Condition as ContainerDependencySpec['condition'],
    })),
    mountPoints: records(definition.MountPoints).map((mountPoint) => ({
      volume: text(mountPoint.SourceVolume, ''),
      path: text(mountPoint.ContainerPath, ''),
      readOnly: isTrue(mountPoint.ReadOnly),
    })),
    volumesFrom: records(definition.VolumesFrom).map((volume) => ({
      container: text(volume.SourceContainer, ''),
      readOnly: isTrue(volume.ReadOnly),
    })),
    init: isTrue(linux.InitProcessEnabled),
    addedCapabilities: texts(capabilities.Add) ?? [],
    droppedCapabilities: texts(capabilities.Drop) ?? [],
    ulimits: records(definition.Ulimits).map((ulimit) => ({
      name: text(ulimit.Name, ''),
      soft: Number(ulimit.SoftLimit),
      hard: Number(ulimit.HardLimit),
    })),
    cpuShares: number(definition.Cpu, 0) || undefined,
    onlyInAws: definition.FirelensConfiguration ? 'it routes logs to AWS' : undefined,
  };
}

function readContainerHealthCheck(check: Properties): ContainerHealthCheckSpec {
  return {
    command: texts(check.Command) ?? [],
    intervalSeconds: number(check.Interval, 30),
    timeoutSeconds: number(check.Timeout, 5),
    retries: number(check.Retries, 3),
    startPeriodSeconds: number(check.StartPeriod, 0),
  };
}
