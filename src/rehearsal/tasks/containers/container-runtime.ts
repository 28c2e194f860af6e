import { Ability, Engine, ImageFacts } from './engine';
import { CannotRun } from '../../cannot-run';
import { ContainerSpec, ServiceSpec } from '../../model';
import { knownOnlyInAws } from '../../templates/intrinsics';
import { RuntimeFacts } from '../task';

/*
 * What it takes before an engine can run the tasks of a service: images, and what is known of the machine.
 */

export interface ContainerRuntime extends RuntimeFacts {
  readonly engine: 'docker' | 'podman';
  readonly with: Engine;
  readonly image: ImageFacts;
  /** The containers of a task, with that which serves; not those that are left out. */
  readonly containers: ReadonlyArray<{ readonly spec: ContainerSpec; readonly image: ImageFacts; readonly environment: Environment }>;
  /** What this machine cannot do. */
  readonly lacks: ReadonlySet<Ability>;
}

export type Environment = { readonly [name: string]: string };

export interface ContainerOptions {
  readonly environmentOf: (container: ContainerSpec) => Environment;
  /** Names of secrets without a value. */
  readonly missingSecrets: (container: ContainerSpec) => readonly string[];
  readonly progress: (line: string) => void;
  readonly interrupted: AbortSignal;
}

/**
 * Builds or pulls the images of a service.
 * @throws CannotRun with a sentence where the container that serves cannot run
 */
export async function prepareContainers(engine: Engine, service: ServiceSpec, options: ContainerOptions): Promise<ContainerRuntime> {
  const { container } = service;
  const { environmentOf, missingSecrets, progress, interrupted } = options;
  const declared = `linux/${service.architecture === 'ARM64' ? 'arm64' : 'amd64'}`;
  const runs = await engine.canRun(declared);
  const lacks = await engine.lacks();

  const imageOf = async ({ asset, image, name }: ContainerSpec): Promise<ImageFacts> => {
    if (interrupted.aborted) { throw new CannotRun('interrupted before the verdict'); }
    if (knownOnlyInAws(image).length > 0) { throw new CannotRun(`the name of its image, ${image}, is known only in AWS`); }
    const platform = runs ? declared : engine.nativePlatform;
    progress(`${asset ? 'building the image of' : `getting ${image} for`} container ${name} with ${engine.description}`);
    if (!asset) { return engine.pull(image, platform, interrupted); }
    // An asset without a platform is built for the machine that builds it, by CDK too.
    return engine.build(asset, asset.platform === undefined || runs ? undefined : platform, interrupted);
  };
  const unlessInterrupted = (error: unknown): CannotRun => {
    if (!(error instanceof CannotRun) || interrupted.aborted) { throw error; }
    return error;
  };

  const image = await imageOf(container).catch((error) => {
    throw new CannotRun(`service ${service.name} cannot run: ${unlessInterrupted(error).message}`);
  });
  const containers = [{ spec: container, image, environment: { ...image.environment, ...environmentOf(container) } }];
  const leftOut: string[] = [];
  for (const sidecar of service.sidecars) {
    const missing = missingSecrets(sidecar);
    try {
      if (sidecar.onlyInAws) { throw new CannotRun(sidecar.onlyInAws); }
      if (missing.length > 0) { throw new CannotRun(`it gets ${missing.join(', ')} from AWS: give a value with --env-file`); }
      containers.push({ spec: sidecar, image: await imageOf(sidecar), environment: environmentOf(sidecar) });
    } catch (error) {
      leftOut.push(`container ${sidecar.name} is left out: ${unlessInterrupted(error).message}`);
    }
  }

  const emulated = image.platform !== engine.nativePlatform;
  return {
    engine: engine.kind,
    with: engine,
    image,
    containers,
    emulated,
    lacks,
    // An entry point in the task definition does away with the image's command too.
    command: [...container.entryPoint ?? image.entryPoint, ...container.command ?? (container.entryPoint ? [] : image.command)],
    workingDirectory: container.workingDirectory ?? image.workingDirectory,
    user: container.user ?? image.user,
    stopSignal: image.stopSignal,
    environment: containers[0].environment,
    differences: [
      ...runs ? [] : [`it runs on ${image.platform} instead of ${declared}: for that, this machine needs the emulation of QEMU (binfmt_misc)`],
      ...emulated ? [`${image.platform} is emulated here, about ten times slower than in AWS: the CPU limit is left out, and times and memory say little`] : [],
      ...runs && image.platform !== declared
        ? [`its image is for ${image.platform}, and in AWS, on ${declared}, it would stop with "exec format error": set the platform of the asset`] : [],
      ...[...lacks].filter((ability) => ability !== 'an init process' || containers.some(({ spec }) => spec.init))
        .map((ability) => `this machine cannot do ${ability}`),
      ...containers.length > 1 ? ['each container of the task may use all of its CPU and memory'] : [],
      ...service.volumes.filter(({ storedIn }) => storedIn).map(({ name, storedIn }) => `volume ${name} is in ${storedIn}: here it starts empty`),
      ...leftOut,
    ],
  };
}
