import { ContainerHost } from './container-host';
import { Feature } from './features';
import { ImageFacts } from './images';
import { CannotRun, Interrupted } from '../../cannot-run';
import { ContainerSpec, ServiceSpec } from '../../model';
import { knownOnlyInAws } from '../../templates/intrinsics';
import { containerEnvironment, Environment } from '../environment';
import { RuntimeFacts } from '../task';

/*
 * Prepares the containers of a service for an engine: gets their images and determines what differs from AWS.
 */

/** A container with its image and its environment. */
export interface PreparedContainer {
  readonly spec: ContainerSpec;
  readonly image: ImageFacts;
  readonly environment: Environment;
}

export interface ContainerRuntime extends RuntimeFacts {
  readonly engine: 'docker' | 'podman';
  readonly host: ContainerHost;
  readonly image: ImageFacts;
  /** The containers of a task that run: the app container first. */
  readonly containers: readonly PreparedContainer[];
  readonly unsupportedFeatures: ReadonlySet<Feature>;
}

export interface ContainerOptions {
  readonly progress: (line: string) => void;
  readonly interrupted: AbortSignal;
}

/**
 * Builds or pulls the images of a service.
 * @throws CannotRun when the app container cannot run
 */
export async function prepareContainers(
  host: ContainerHost, service: ServiceSpec, options: ContainerOptions,
): Promise<ContainerRuntime> {
  const { engine } = host;
  const { container } = service;
  const declared = `linux/${service.architecture === 'ARM64' ? 'arm64' : 'amd64'}`;
  const platform = { declared, supported: await host.features.supportsPlatform(declared) };
  const unsupportedFeatures = await host.features.unsupported();

  const image = await prepareImage(host, container, platform, options).catch((error) => {
    throw new CannotRun(`service ${service.name} cannot run: ${reasonUnlessInterrupted(error, options)}`);
  });
  const environment = { ...image.environment, ...containerEnvironment(service.region, container) };
  const { sidecars, differences } = await prepareSidecars(host, service, platform, options);
  const containers = [{ spec: container, image, environment }, ...sidecars];

  // An entry point in the task definition also replaces the image's command.
  const defaultCommand = container.entryPoint ? [] : image.command;
  return {
    engine: engine.kind,
    host,
    image,
    containers,
    emulated: image.platform !== engine.nativePlatform,
    unsupportedFeatures,
    command: [...container.entryPoint ?? image.entryPoint, ...container.command ?? defaultCommand],
    workingDirectory: container.workingDirectory ?? image.workingDirectory,
    user: container.user ?? image.user,
    stopSignal: image.stopSignal,
    environment,
    differences: [
      ...platformDifferences(image.platform, engine.nativePlatform, platform),
      ...featureDifferences(unsupportedFeatures, containers),
      ...volumeDifferences(service),
      ...differences,
    ],
  };
}

/** The platform of the task definition, and whether this machine supports it. */
interface Platform {
  readonly declared: string;
  readonly supported: boolean;
}

async function prepareImage(
  { engine, images }: ContainerHost, { asset, image, name }: ContainerSpec, { declared, supported }: Platform,
  { progress, interrupted }: ContainerOptions,
): Promise<ImageFacts> {
  if (interrupted.aborted) { throw new Interrupted(); }
  if (knownOnlyInAws(image).length > 0) {
    throw new CannotRun(`the name of its image, ${image}, is known only in AWS`);
  }
  const platform = supported ? declared : engine.nativePlatform;
  if (!asset) {
    progress(`pulling ${image} for container ${name} with ${engine.description}`);
    return images.pull(image, platform, interrupted);
  }
  progress(`building the image of container ${name} with ${engine.description}`);
  // CDK too builds an asset without a platform for the machine that builds it.
  const keepsPlatform = asset.platform === undefined || supported;
  return images.build(asset, keepsPlatform ? undefined : platform, interrupted);
}

/** Prepares the sidecars; one that cannot run is a difference, and not an error. */
async function prepareSidecars(
  host: ContainerHost, service: ServiceSpec, platform: Platform, options: ContainerOptions,
): Promise<{ sidecars: PreparedContainer[]; differences: string[] }> {
  const sidecars: PreparedContainer[] = [];
  const differences: string[] = [];
  for (const sidecar of service.sidecars) {
    try {
      if (sidecar.onlyInAws) { throw new CannotRun(sidecar.onlyInAws); }
      if (sidecar.secrets.length > 0) {
        throw new CannotRun(`it gets ${sidecar.secrets.join(', ')} from AWS; set a value with --env`);
      }
      const image = await prepareImage(host, sidecar, platform, options);
      const environment = containerEnvironment(service.region, sidecar);
      sidecars.push({ spec: sidecar, image, environment });
    } catch (error) {
      differences.push(`sidecar ${sidecar.name} does not run: ${reasonUnlessInterrupted(error, options)}`);
    }
  }
  return { sidecars, differences };
}

/** @throws every error but a `CannotRun` of a rehearsal that goes on */
function reasonUnlessInterrupted(error: unknown, { interrupted }: ContainerOptions): string {
  if (!(error instanceof CannotRun) || interrupted.aborted) { throw error; }
  return error.message;
}

function platformDifferences(actual: string, native: string, { declared, supported }: Platform): string[] {
  const differences: string[] = [];
  if (!supported) {
    differences.push(`the containers run on ${actual} instead of ${declared}:`
      + ' this machine has no QEMU emulation for it (binfmt_misc)');
  }
  if (actual !== native) {
    differences.push(`${actual} is emulated here, about 10 times slower than on AWS:`
      + ' the CPU limit is not applied, and times and memory are not representative');
  }
  if (supported && actual !== declared) {
    differences.push(`the image is for ${actual}; on AWS, on ${declared}, the container would exit with`
      + ' "exec format error": set the platform of the asset');
  }
  return differences;
}

function featureDifferences(unsupported: ReadonlySet<Feature>, containers: readonly PreparedContainer[]): string[] {
  const differences = [...unsupported]
    .filter((feature) => feature !== 'an init process' || containers.some(({ spec }) => spec.init))
    .map((feature) => `not applied, because this machine does not support it: ${feature}`);
  if (containers.length > 1) { differences.push('each container of the task can use all of its CPU and memory'); }
  return differences;
}

function volumeDifferences({ volumes }: ServiceSpec): string[] {
  return volumes
    .filter(({ storedIn }) => storedIn !== undefined)
    .map(({ name, storedIn }) => `volume ${name} is stored in ${storedIn}; here it is empty at the start`);
}
