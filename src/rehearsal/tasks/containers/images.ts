import * as path from 'node:path';
import { failureReason, option, runCommand } from './command';
import { Engine } from './engine';
import { helperImage } from './helper-image';
import { CannotRun, Interrupted } from '../../cannot-run';
import { temporaryDirectory } from '../../leftovers';
import { DockerImageSource } from '../../model';

/** The settings of an image that a task uses. */
export interface ImageFacts {
  readonly name: string;
  /** linux/arm64, … */
  readonly platform: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly entryPoint: readonly string[];
  readonly command: readonly string[];
  readonly workingDirectory: string;
  readonly user: string;
  readonly stopSignal: string;
  readonly volumes: readonly string[];
}

/** Builds and pulls images; each image once for all services of a rehearsal. */
export class Images {
  private readonly images = new Map<string, Promise<ImageFacts>>();

  constructor(public readonly engine: Engine) {}

  /**
   * Builds an image as `cdk deploy` does: https://github.com/aws/aws-cdk-cli/tree/main/packages/@aws-cdk/cdk-assets-lib
   * @param platform overrides the platform of the asset
   * @throws CannotRun with the last lines of a failed build
   */
  public async build(
    source: DockerImageSource, platform: string | undefined, signal?: AbortSignal,
  ): Promise<ImageFacts> {
    return this.once([source, platform], async () => (source.executable
      ? this.buildWithCommand(source.executable, source.workingDirectory, signal)
      : this.buildFromDirectory(source, platform, signal)));
  }

  /** Pulls an image, with the engine's own credentials. */
  public async pull(name: string, platform: string, signal?: AbortSignal): Promise<ImageFacts> {
    return this.once([name, platform], async () => {
      const local = await this.inspect(name).catch(() => undefined);
      if (local?.platform === platform) { return local; }
      const { code, stderr } = await this.engine.run(['pull', '--quiet', '--platform', platform, name], { signal });
      // The user may have built the local image, for another platform, and pushed it nowhere.
      if (code !== 0 && !local) {
        throw new CannotRun(`image ${name} cannot be pulled with ${this.engine.description}: ${failureReason(stderr)}`);
      }
      return this.inspect(name);
    });
  }

  /** The name of the image with the helper programs of this rehearsal. */
  public async helpers(platform = this.engine.nativePlatform): Promise<string> {
    const { name } = await this.once(['helpers', platform], async () => {
      const { directory, remove } = temporaryDirectory();
      try {
        helperImage(directory, platform.split('/')[1]);
        return await this.buildFromDirectory({ directory, workingDirectory: directory }, platform);
      } finally {
        remove();
      }
    });
    return name;
  }

  private async once(key: unknown, create: () => Promise<ImageFacts>): Promise<ImageFacts> {
    const text = JSON.stringify(key);
    const image = this.images.get(text) ?? create();
    this.images.set(text, image);
    return image;
  }

  private async buildWithCommand(command: readonly string[], cwd: string, signal?: AbortSignal): Promise<ImageFacts> {
    const { code, stdout, stderr } = await runCommand(command[0], command.slice(1), { cwd, signal });
    if (code !== 0) {
      const reason = failureReason(stderr || stdout);
      throw new CannotRun(`its image is built by \`${command.join(' ')}\`, which failed: ${reason}`);
    }
    return this.inspect(stdout.trim());
  }

  private async buildFromDirectory(
    source: DockerImageSource, platform: string | undefined, signal?: AbortSignal,
  ): Promise<ImageFacts> {
    const { workingDirectory, dockerFile = 'Dockerfile' } = source;
    const tag = this.engine.tag();
    const { code, stdout, stderr } = await this.engine.run(
      buildArguments({ ...source, platform: platform ?? source.platform }, tag),
      { cwd: workingDirectory, signal, env: { BUILDX_NO_DEFAULT_ATTESTATIONS: '1' } },
    );
    if (signal?.aborted) { throw new Interrupted(); }
    if (code !== 0) {
      const output = `${stdout}\n${stderr}`.trim().split('\n').slice(-12).map((line) => `    ${line}`).join('\n');
      const file = path.join(workingDirectory, dockerFile);
      throw new CannotRun(`${file} cannot be built with ${this.engine.description}:\n${output}`);
    }
    return this.inspect(tag);
  }

  private async inspect(name: string): Promise<ImageFacts> {
    const [image] = JSON.parse(await this.engine.runOrThrow(['image', 'inspect', name])) as ImageInspection[];
    const { Os: system, Architecture: architecture, Config: config } = image;
    return {
      name,
      platform: `${system}/${architecture}`,
      environment: readVariables(config.Env ?? []),
      entryPoint: config.Entrypoint ?? [],
      command: config.Cmd ?? [],
      workingDirectory: config.WorkingDir || '/',
      user: config.User || 'root',
      stopSignal: config.StopSignal || 'SIGTERM',
      volumes: Object.keys(config.Volumes ?? {}),
    };
  }
}

/** What `docker image inspect` prints. */
interface ImageInspection {
  readonly Os: string;
  readonly Architecture: string;
  readonly Config: {
    readonly Env?: readonly string[] | null;
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly WorkingDir?: string;
    readonly User?: string;
    readonly StopSignal?: string;
    readonly Volumes?: object | null;
  };
}

/** @param variables NAME=value */
function readVariables(variables: readonly string[]): Record<string, string> {
  return Object.fromEntries(variables.map((variable) => {
    const [name, ...value] = variable.split('=');
    return [name, value.join('=')];
  }));
}

function buildArguments(source: DockerImageSource, tag: string): string[] {
  const assign = (key: string, value: string) => `${key}=${value}`;
  const repeat = (name: string, values: Readonly<Record<string, string>> = {}, format = assign) =>
    Object.entries(values).flatMap(([key, value]) => [name, format(key, value)]);
  const caches = (source.cacheFrom ?? []).flatMap(({ type, params = {} }) =>
    ['--cache-from', [`type=${type}`, ...Object.entries(params).map(([key, value]) => assign(key, value))].join(',')]);
  return [
    'build',
    ...repeat('--build-arg', source.dockerBuildArgs),
    ...repeat('--build-context', source.dockerBuildContexts),
    ...repeat('--secret', source.dockerBuildSecrets, (key, value) => `id=${key},${value}`),
    ...option('--ssh', source.dockerBuildSsh),
    '--tag', tag,
    ...option('--target', source.dockerBuildTarget),
    ...option('--file', source.dockerFile),
    ...option('--network', source.networkMode),
    ...option('--platform', source.platform),
    ...caches,
    ...source.cacheDisabled ? ['--no-cache'] : [],
    '.',
  ];
}
