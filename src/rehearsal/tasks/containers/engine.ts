import { ChildProcess, spawn } from 'node:child_process';
import type * as ChildProcesses from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { helperImage, MACHINES } from './helper-image';
import { CannotRun } from '../../cannot-run';
import { removeOnExit } from '../../leftovers';
import { DockerImageSource } from '../../model';

/*
 * A container engine, used through its command: finds one, builds and pulls images, and takes away what was made. All that it
 * makes has a label of this rehearsal. What runs in containers is the business of `container-task.ts`.
 */

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is in an image, as far as it matters to a task. */
export interface ImageFacts {
  readonly name: string;
  /** linux/arm64, … */
  readonly platform: string;
  readonly environment: { readonly [name: string]: string };
  readonly entryPoint: readonly string[];
  readonly command: readonly string[];
  readonly workingDirectory: string;
  readonly user: string;
  readonly stopSignal: string;
  readonly volumes: readonly string[];
}

/** What a machine may not be able to do, and the arguments that ask for it. */
const ABILITIES = {
  'CPU limits': ['--cpus', '0.25'],
  'memory limits': ['--memory', '64m', '--memory-swap', '64m'],
  'an init process': ['--init'],
  'the 65535 open files that Fargate allows': ['--ulimit', 'nofile=65535:65535'],
} as const;

export type Ability = keyof typeof ABILITIES;

const INSTALL = 'install Docker (https://docs.docker.com/get-started/get-docker) or Podman (https://podman.io/docs/installation)';

export class Engine {
  /**
   * The engine that was asked for; else that of CDK_DOCKER, as CDK itself has it, else Docker, else Podman.
   * @param because what takes an engine
   * @throws CannotRun when there is none
   */
  public static async find(wanted: 'docker' | 'podman' | undefined, because: string): Promise<Engine> {
    const own = process.env.CDK_DOCKER;
    const ownKind = own && /podman/.test(path.basename(own)) ? 'podman' : 'docker';
    const programs = own && (wanted === undefined || wanted === ownKind) ? [own] : wanted ? [wanted] : ['docker', 'podman'];
    let silent: string | undefined;
    for (const program of programs) {
      const version = await run(program, ['--version']);
      if (version.code !== 0) { continue; }
      // Podman may be installed under Docker's name.
      const kind = /podman/i.test(version.stdout) ? 'podman' : 'docker';
      const info = await run(program, ['info', '--format', kind === 'podman' ? 'json' : '{{json .}}']);
      const facts = info.code === 0 ? readInfo(kind, info.stdout) : undefined;
      if (facts) { return new Engine(program, kind, facts, await engineHost(program, kind, facts)); }
      silent ??= `${program} is installed, but its engine does not answer (${reasonIn(info.stderr)}): start it`;
    }
    const absent = programs.length > 1 ? `neither ${programs.join(' nor ')} is installed` : `${programs[0]} is not installed`;
    throw new CannotRun(`${because}, and ${silent ?? `${absent}: ${INSTALL}`}`);
  }

  public readonly id = randomBytes(5).toString('hex');
  /** Of all that is made here. */
  public readonly label = `hello-fargate-service.rehearsal=${this.id}`;
  private readonly images = new Map<string, Promise<ImageFacts>>();
  private readonly platforms = new Map<string, Promise<boolean>>();
  private readonly remove: () => void;
  private made = 0;
  private lacking?: Promise<ReadonlySet<Ability>>;

  private constructor(
    private readonly program: string,
    public readonly kind: 'docker' | 'podman',
    private readonly facts: EngineInfo,
    /** Where published ports are reached; undefined where containers are reached at their own addresses. */
    public readonly publishedAt: string | undefined,
  ) {
    // Whatever death the rehearsal dies, its containers end with it: this process sees that its standard input ends.
    const what = [program, kind, this.label, this.tag('')];
    const watcher = spawn(process.execPath, ['-e', `(${watch})(require, ${JSON.stringify(what)}, ${removeAll})`], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    watcher.on('error', () => {});
    watcher.unref();
    (watcher.stdin as unknown as { unref(): void }).unref();
    this.remove = removeOnExit(() => {
      removeAll(require, what);
      watcher.kill('SIGKILL');
    });
  }

  public get description(): string {
    return `${this.kind === 'docker' && path.basename(this.program) !== 'docker' ? path.basename(this.program) : this.kind} ${this.facts.version}`;
  }

  public get defaultCapabilities(): readonly string[] {
    return this.facts.capabilities;
  }

  public get nativePlatform(): string {
    return `linux/${this.facts.machine}`;
  }

  /** A name that nothing else has. */
  public name(what: string): string {
    return `hello-fargate-service-${this.id}-${++this.made}-${what.replace(/[^\w.-]/g, '-')}`;
  }

  public async run(args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    return run(this.program, args, options);
  }

  /** @throws when the engine says no */
  public async must(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code !== 0) { throw new Error(`${this.kind} ${args[0]}: ${reasonIn(stderr) || `exit code ${code}`}`); }
    return stdout.trim();
  }

  /** Starts a command of the engine that goes on for long. */
  public spawn(args: readonly string[], options: RunOptions = {}): ChildProcess {
    return spawnOwn(this.program, args, options);
  }

  /** Removes containers at once, with SIGKILL where they run, and the volumes that have no name. */
  public async removeContainers(names: readonly string[]): Promise<void> {
    await this.run(['rm', '--force', '--volumes', ...this.kind === 'podman' ? ['--time', '0'] : [], ...names]);
  }

  /** The image with the two helpers of this rehearsal, for the engine's own machine or another one. */
  public async helpers(platform = this.nativePlatform): Promise<string> {
    return (await this.once(`helpers ${platform}`, async () => {
      const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hello-fargate-service-'));
      const removeDirectory = removeOnExit(() => fs.rmSync(directory, { recursive: true, force: true }));
      try {
        helperImage(directory, platform.split('/')[1]);
        return await this.buildImage({ directory, workingDirectory: directory }, platform, undefined);
      } finally {
        removeDirectory();
      }
    })).name;
  }

  /** Whether programs of a platform run here, by themselves or emulated. */
  public async canRun(platform: string): Promise<boolean> {
    const found = this.platforms.get(platform) ?? this.probe(platform, []);
    this.platforms.set(platform, found);
    return found;
  }

  /** What this machine cannot do for a container. */
  public async lacks(): Promise<ReadonlySet<Ability>> {
    this.lacking ??= (async () => {
      const native = this.nativePlatform;
      // All at once is quicker, and nearly always enough.
      if (await this.probe(native, Object.values(ABILITIES).flat())) { return new Set<Ability>(); }
      const tried = await Promise.all(Object.entries(ABILITIES).map(async ([ability, args]) => [ability, await this.probe(native, args)] as const));
      return new Set(tried.filter(([, can]) => !can).map(([ability]) => ability as Ability));
    })();
    return this.lacking;
  }

  /**
   * Builds an image as `cdk deploy` would: https://github.com/aws/aws-cdk-cli/tree/main/packages/@aws-cdk/cdk-assets-lib
   * @param platform another one than the asset says
   * @throws CannotRun with what the build said last
   */
  public async build(source: DockerImageSource, platform: string | undefined, signal?: AbortSignal): Promise<ImageFacts> {
    return this.once(JSON.stringify([source, platform]), async () => this.buildImage(source, platform, signal));
  }

  /** An image of a registry; the engine's credentials are the user's business. */
  public async pull(name: string, platform: string, signal?: AbortSignal): Promise<ImageFacts> {
    return this.once(JSON.stringify([name, platform]), async () => {
      const there = await this.inspectImage(name).catch(() => undefined);
      if (there?.platform === platform) { return there; }
      const { code, stderr } = await this.run(['pull', '--quiet', '--platform', platform, name], { signal });
      // What is here for another machine was perhaps built by the user, and is nowhere else.
      if (code !== 0 && !there) { throw new CannotRun(`image ${name} cannot be pulled with ${this.description}: ${reasonIn(stderr)}`); }
      return this.inspectImage(name);
    });
  }

  /** Ends and removes all that was made here. */
  public close(): void {
    this.remove();
  }

  private async once(key: string, make: () => Promise<ImageFacts>): Promise<ImageFacts> {
    const image = this.images.get(key) ?? make();
    this.images.set(key, image);
    return image;
  }

  private async probe(platform: string, args: readonly string[]): Promise<boolean> {
    if (!(platform.split('/')[1] in MACHINES)) { return false; }
    const image = await this.helpers(platform);
    const { code } = await this.run(['run', '--rm', '--name', this.name('probe'), '--label', this.label, '--network', 'none', '--platform', platform,
      ...args, image, '/true']);
    return code === 0;
  }

  private tag(suffix: string): string {
    return `hello-fargate-service-${this.id}:${suffix}`;
  }

  private async buildImage(source: DockerImageSource, platform: string | undefined, signal: AbortSignal | undefined): Promise<ImageFacts> {
    const { executable, workingDirectory } = source;
    if (executable) {
      const { code, stdout, stderr } = await run(executable[0], executable.slice(1), { cwd: workingDirectory, signal });
      if (code !== 0) { throw new CannotRun(`its image is made by \`${executable.join(' ')}\`, which failed: ${reasonIn(stderr || stdout)}`); }
      return this.inspectImage(stdout.trim());
    }
    const pairs = (option: string, values: { readonly [name: string]: string } | undefined, write: (name: string, value: string) => string) =>
      Object.entries(values ?? {}).flatMap(([name, value]) => [option, write(name, value)]);
    const option = (name: string, value: string | undefined) => value === undefined ? [] : [name, value];
    const tag = this.tag(String(++this.made));
    const { code, stdout, stderr } = await this.run([
      'build',
      ...pairs('--build-arg', source.dockerBuildArgs, (name, value) => `${name}=${value}`),
      ...pairs('--build-context', source.dockerBuildContexts, (name, value) => `${name}=${value}`),
      ...pairs('--secret', source.dockerBuildSecrets, (name, value) => `id=${name},${value}`),
      ...option('--ssh', source.dockerBuildSsh),
      '--tag', tag,
      ...option('--target', source.dockerBuildTarget),
      ...option('--file', source.dockerFile),
      ...option('--network', source.networkMode),
      ...option('--platform', platform ?? source.platform),
      ...(source.cacheFrom ?? []).flatMap(({ type, params }) =>
        ['--cache-from', [`type=${type}`, ...Object.entries(params ?? {}).map(([name, value]) => `${name}=${value}`)].join(',')]),
      ...source.cacheDisabled ? ['--no-cache'] : [],
      '.',
    ], { cwd: workingDirectory, signal, env: { BUILDX_NO_DEFAULT_ATTESTATIONS: '1' } });
    if (signal?.aborted) { throw new CannotRun('interrupted before the verdict'); }
    if (code !== 0) {
      const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-12).map((line) => `    ${line}`);
      throw new CannotRun(`${path.join(workingDirectory, source.dockerFile ?? 'Dockerfile')} cannot be built with ${this.description}:\n${said.join('\n')}`);
    }
    return this.inspectImage(tag);
  }

  private async inspectImage(name: string): Promise<ImageFacts> {
    const [{ Os: system, Architecture: machine, Config: config }] = JSON.parse(await this.must(['image', 'inspect', name]));
    return {
      name,
      platform: `${system}/${machine}`,
      environment: Object.fromEntries((config.Env ?? []).map((variable: string) => /^([^=]*)=?([^]*)$/.exec(variable)!.slice(1))),
      entryPoint: config.Entrypoint ?? [],
      command: config.Cmd ?? [],
      workingDirectory: config.WorkingDir || '/',
      user: config.User || 'root',
      stopSignal: config.StopSignal || 'SIGTERM',
      volumes: Object.keys(config.Volumes ?? {}),
    };
  }
}

interface EngineInfo {
  readonly version: string;
  /** Of Podman, whose configuration may change them. */
  readonly capabilities: readonly string[];
  /** amd64, arm64 */
  readonly machine: string;
  /** Its containers run on this machine, and in the network of this machine. */
  readonly here: boolean;
}

function readInfo(kind: 'docker' | 'podman', text: string): EngineInfo | undefined {
  const info = JSON.parse(text);
  const goName = (machine: string) => ({ x86_64: 'amd64', aarch64: 'arm64' })[machine] ?? machine;
  if (kind === 'podman') {
    const { host, version } = info;
    const capabilities = String(host.security.capabilities ?? '').split(',').map((name) => name.replace(/^CAP_/, ''));
    return { version: version.Version, capabilities, machine: goName(host.arch), here: !host.security.rootless && !host.serviceIsRemote };
  }
  if (!info.ServerVersion) { return undefined; }
  const rootless = (info.SecurityOptions ?? []).some((option: string) => option.includes('rootless'));
  // Docker Desktop has a virtual machine of its own, on Linux too.
  return { version: info.ServerVersion, capabilities: [], machine: goName(info.Architecture), here: !rootless && !/desktop/i.test(info.OperatingSystem ?? '') };
}

async function engineHost(program: string, kind: 'docker' | 'podman', { here }: EngineInfo): Promise<string | undefined> {
  if (kind === 'docker') {
    const endpoint = (await run(program, ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'])).stdout.trim();
    if (endpoint.startsWith('tcp:')) { return new URL(endpoint).hostname; }
    if (endpoint.startsWith('ssh:')) { throw new CannotRun(`${program} uses an engine on another machine, ${endpoint}, whose ports cannot be reached from here`); }
  }
  return here && os.platform() === 'linux' ? undefined : '127.0.0.1';
}

interface RunOptions {
  readonly cwd?: string;
  /** Beside the environment of the rehearsal, which the engine's command needs: where its engine is, credentials of registries. */
  readonly env?: { readonly [name: string]: string };
  readonly signal?: AbortSignal;
  readonly timeoutSeconds?: number;
}

function spawnOwn(program: string, args: readonly string[], { cwd, env }: RunOptions): ChildProcess {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Out of reach of Ctrl-C, which is the rehearsal's to handle.
    detached: process.platform !== 'win32',
  });
  const remove = removeOnExit(() => child.kill('SIGKILL'));
  child.on('close', remove);
  return child;
}

/** Runs a command to its end; a program that is not there has no exit code. */
async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawnOwn(program, args, options);
    const timer = options.timeoutSeconds === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), 1000 * options.timeoutSeconds);
    const interrupt = () => child.kill('SIGTERM');
    options.signal?.addEventListener('abort', interrupt);
    if (options.signal?.aborted) { interrupt(); }
    let stdout = '';
    let stderr = '';
    const end = (code: number | null) => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', interrupt);
      resolve({ code, stdout, stderr });
    };
    child.stdout!.setEncoding('utf8').on('data', (text) => { stdout += text; });
    child.stderr!.setEncoding('utf8').on('data', (text) => { stderr += text; });
    child.on('error', (error) => {
      stderr += error.message;
      end(null);
    });
    child.on('close', end);
  });
}

/** Why a command of the engine failed, in the engine's own words. */
export function reasonIn(stderr: string): string {
  const lines = stderr.trim().split('\n');
  // Docker's command may add a line of its own.
  const line = lines.find((candidate) => candidate.includes('Error response from daemon')) ?? lines.at(-1)!;
  return line.replace(/^((docker|Error|Error response from daemon): )+/, '');
}

/** Removes all that has a label, and the tags of images with a name. Written out as text too: it may use its arguments and nothing else. */
function removeAll(load: NodeJS.Require, [program, kind, label, tag]: readonly string[]): void {
  const { spawnSync } = load('node:child_process') as typeof ChildProcesses;
  const lines = (...args: string[]) => (spawnSync(program, args, { encoding: 'utf8' }).stdout ?? '').split('\n').filter((line) => line !== '');
  const containers = lines('ps', '--all', '--quiet', '--filter', `label=${label}`);
  if (containers.length > 0) { spawnSync(program, ['rm', '--force', '--volumes', ...kind === 'podman' ? ['--time', '0', '--depend'] : [], ...containers]); }
  const volumes = lines('volume', 'ls', '--quiet', '--filter', `label=${label}`);
  if (volumes.length > 0) { spawnSync(program, ['volume', 'rm', '--force', ...volumes]); }
  const images = lines('images', '--format', '{{.Repository}}:{{.Tag}}').filter((name) => name.includes(tag));
  // The layers stay: they make the next build quick.
  if (images.length > 0) { spawnSync(program, ['rmi', '--force', '--no-prune', ...images]); }
}

/** Removes when its standard input ends. Written out as text. */
function watch(load: NodeJS.Require, what: readonly string[], remove: typeof removeAll): void {
  process.stdin.resume().on('close', () => remove(load, what));
}
