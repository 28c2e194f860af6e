import { requestCapabilities } from './capabilities';
import { option } from './command';
import { Engine } from './engine';
import { Feature } from './features';
import { ImageFacts } from './images';
import { ContainerSpec, ServiceSpec } from '../../model';
import { Environment } from '../environment';

export interface ContainerProps {
  readonly engine: Engine;
  /** The engine's name for the container. */
  readonly name: string;
  readonly service: ServiceSpec;
  readonly spec: ContainerSpec;
  readonly image: ImageFacts;
  readonly environment: Environment;
  readonly emulated: boolean;
  readonly unsupportedFeatures: ReadonlySet<Feature>;
  /** The container that holds the network of the task. */
  readonly network: string;
  /** The engine's names of the task's volumes, by their names in the task definition. */
  readonly volumes: ReadonlyMap<string, string>;
  /** The engine's names of the task's containers, by their names in the task definition. */
  readonly containers: ReadonlyMap<string, string>;
}

/** Secrets with these names would change the engine's command itself. */
const COMMAND_VARIABLES = /^(PATH|HOME|(LD|DOCKER|CONTAINERS?|XDG)_.*)$/;

/** The arguments of the engine's `create` command, and the environment that it needs. */
export function createArguments(props: ContainerProps): { args: string[]; env: Record<string, string> } {
  const { engine, name, spec, image, environment, network } = props;
  // The list of processes shows arguments, which therefore must not contain the values of secrets.
  const secrets = spec.secrets.filter((secret) => secret in environment && !COMMAND_VARIABLES.test(secret));
  const [entryPoint, ...entryPointArguments] = spec.entryPoint ?? [];
  const args = [
    '--name', name, '--label', engine.label, '--network', `container:${network}`, '--platform', image.platform,
    // The log is read from the attached streams.
    '--log-driver', 'none',
    ...environmentArguments(environment, secrets),
    ...option('--entrypoint', entryPoint),
    ...option('--user', spec.user),
    ...option('--workdir', spec.workingDirectory),
    ...filesystemArguments(props),
    ...requestCapabilities(spec, image, engine).args,
    ...limitArguments(props),
  ];
  // Docker sets none of these variables.
  if (engine.kind === 'podman') { args.push('--http-proxy=false', '--unsetenv', 'container', '--unsetenv', 'TERM'); }
  args.push(image.name, ...entryPointArguments, ...spec.command ?? []);
  return { args, env: Object.fromEntries(secrets.map((secret) => [secret, environment[secret]])) };
}

function environmentArguments(environment: Environment, secrets: readonly string[]): string[] {
  return Object.entries(environment)
    .flatMap(([name, value]) => ['--env', secrets.includes(name) ? name : `${name}=${value}`]);
}

function filesystemArguments({ engine, spec, image, volumes, containers }: ContainerProps): string[] {
  const args: string[] = [];
  if (spec.readonlyRootFilesystem) { args.push('--read-only'); }
  // By default, Podman keeps /tmp and other directories writable.
  if (spec.readonlyRootFilesystem && engine.kind === 'podman') { args.push('--read-only-tmpfs=false'); }
  for (const mount of spec.mountPoints) {
    args.push('--volume', `${volumes.get(mount.volume)}:${mount.path}${mountOptions(mount, image)}`);
  }
  for (const { container, readOnly } of spec.volumesFrom) {
    const source = containers.get(container);
    if (source !== undefined) { args.push('--volumes-from', `${source}${readOnly ? ':ro' : ''}`); }
  }
  return args;
}

/**
 * On Fargate an empty volume belongs to root and has mode 755, unless the image declares a VOLUME at the same path,
 * from which owner, mode and files are copied:
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html
 */
function mountOptions({ path, readOnly }: ContainerSpec['mountPoints'][number], image: ImageFacts): string {
  const options: string[] = [];
  if (readOnly) { options.push('ro'); }
  if (!image.volumes.includes(path)) { options.push('nocopy'); }
  return options.length > 0 ? `:${options.join(',')}` : '';
}

function limitArguments({ service, spec, emulated, unsupportedFeatures }: ContainerProps): string[] {
  const ifSupported = (feature: Feature, ...args: string[]) => unsupportedFeatures.has(feature) ? [] : args;
  const memory = `${spec.memoryLimitMiB ?? service.memoryMiB}m`;
  // Fargate has no swap.
  const args = ifSupported('memory limits', '--memory', memory, '--memory-swap', memory);
  if (!emulated) { args.push(...ifSupported('CPU limits', '--cpus', String(Number(service.cpu) / 1024))); }
  if (spec.cpuShares) { args.push('--cpu-shares', String(spec.cpuShares)); }
  if (spec.init) { args.push(...ifSupported('an init process', '--init')); }

  // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Ulimit.html
  const hasOpenFilesLimit = spec.ulimits.some(({ name }) => name === 'nofile');
  const ulimits = hasOpenFilesLimit ? spec.ulimits : [{ name: 'nofile', soft: 65535, hard: 65535 }, ...spec.ulimits];
  for (const { name, soft, hard } of ulimits) {
    const ulimit = ['--ulimit', `${name}=${soft}:${hard}`];
    const isFargateDefault = name === 'nofile' && hard >= 65535;
    args.push(...isFargateDefault ? ifSupported('the limit of 65,535 open files on Fargate', ...ulimit) : ulimit);
  }
  return args;
}
