import { readCapabilities, requestCapabilities } from './capabilities';
import { Container } from './container';
import { ContainerNetwork } from './container-network';
import { ContainerRuntime, PreparedContainer } from './container-runtime';
import { Engine } from './engine';
import { controlGroupMiB, readFileOrEmpty } from './proc';
import { keepLast } from '../../lines';
import { ContainerHealthCheckSpec, ContainerSpec, ServiceSpec } from '../../model';
import {
  DeclaredSetting, Endpoint, HealthCheckOutcome, ListenReport, Memory, SignalCallbacks, StopMode, Task, TaskExit,
  TaskStop,
} from '../task';

/*
 * Runs a task in a container engine, as its task definition declares it.
 */

/** Files and directories that engines themselves create in the root filesystem of a container. */
const ENGINE_FILES = new RegExp('^/(dev|proc|sys|run|var|var/run|etc|sbin)$'
  + '|^/(\\.dockerenv|etc/(hosts|hostname|resolv\\.conf|mtab)|(dev|proc|sys|run)/.*|sbin/docker-init)$');

/** Units in which engines print memory. */
const BYTES: Record<string, number> = { B: 1, kB: 1e3, KiB: 1024, MB: 1e6, MiB: 1024 ** 2, GB: 1e9, GiB: 1024 ** 3 };

const UNKNOWN = 'unknown: the engine is not on this machine';

interface ContainerTaskProps {
  readonly name: string;
  readonly service: ServiceSpec;
  readonly runtime: ContainerRuntime;
  readonly network: ContainerNetwork;
  /** The engine's names of volumes, by their names in the task definition. */
  readonly volumes: ReadonlyMap<string, string>;
  readonly log: (line: string) => void;
}

export class ContainerTask implements Task {
  public static async start(
    name: string, service: ServiceSpec, runtime: ContainerRuntime, log: (line: string) => void,
  ): Promise<ContainerTask> {
    const network = await ContainerNetwork.create(runtime.host, service);
    const volumes = await createVolumes(service, runtime);
    return new ContainerTask({ name, service, runtime, network, volumes, log });
  }

  public readonly name: string;
  public exit?: TaskExit;
  public readonly exited: Promise<TaskExit>;
  public readonly lastLines: string[] = [];
  private readonly service: ServiceSpec;
  private readonly runtime: ContainerRuntime;
  private readonly network: ContainerNetwork;
  private readonly volumes: ReadonlyMap<string, string>;
  private readonly lineListeners: Array<(line: string) => void>;
  private readonly engine: Engine;
  private readonly containers: readonly Container[];
  private readonly app: Container;

  private constructor(props: ContainerTaskProps) {
    this.name = props.name;
    this.service = props.service;
    this.runtime = props.runtime;
    this.network = props.network;
    this.volumes = props.volumes;
    this.engine = props.runtime.host.engine;
    this.lineListeners = [props.log];

    const keep = keepLast(this.lastLines, (line) => this.lineListeners.forEach((listener) => listener(line)));
    this.containers = this.createContainers((spec) =>
      spec === this.service.container ? keep : (line) => props.log(`[${spec.name}] ${line}`));
    this.app = this.containers.find(({ spec }) => spec === this.service.container)!;

    // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html (essential)
    const essential = this.containers.filter((container) => container.spec.essential || container === this.app);
    const firstExit = Promise.race(essential.map(async (container) => container.exited.then(() => container)));
    this.exited = firstExit.then(async ({ spec, exit }) => {
      if (spec !== this.app.spec) {
        keep(`container ${spec.name} ended with exit code ${exit!.code}: it is essential, so the task ends`);
      }
      this.exit = exit;
      await this.stopContainers();
      return exit!;
    });
  }

  public get secondsSinceStart(): number {
    return this.app.startedAt === undefined ? 0 : (Date.now() - this.app.startedAt) / 1000;
  }

  public get listening(): readonly ListenReport[] | undefined {
    return this.network.listening();
  }

  public endpoint(port: number): Endpoint {
    return this.network.endpoint(port);
  }

  public onLine(listener: (line: string) => void): void {
    this.lineListeners.push(listener);
  }

  public async checkContainerHealth(check: ContainerHealthCheckSpec): Promise<HealthCheckOutcome> {
    return this.app.checkHealth(check);
  }

  public async memory(): Promise<Memory | undefined> {
    await this.app.started;
    if (this.exit) { return undefined; }
    const limitMiB = this.service.container.memoryLimitMiB ?? Number(this.service.memoryMiB);
    const usedMiB = controlGroupMiB(await this.pid()) ?? await this.engineMiB();
    return usedMiB === undefined ? undefined : { usedMiB, limitMiB };
  }

  public async declaredSettings(): Promise<readonly DeclaredSetting[]> {
    await this.app.started;
    const pid = await this.pid();
    const status = readFileOrEmpty(`/proc/${this.appPid(pid)}/status`);
    return [this.userSetting(status, pid), this.rootFilesystemSetting(pid), this.capabilitiesSetting(status)];
  }

  public async rootWrites(): Promise<readonly string[] | undefined> {
    await this.app.started;
    const { code, stdout } = await this.engine.run(['diff', this.app.name]);
    if (code !== 0) { return undefined; }
    // The engine creates the directories of mounts and the working directory.
    const mounts = this.service.container.mountPoints.map((mount) => mount.path);
    const created = [...mounts, ...this.runtime.image.volumes, this.runtime.workingDirectory];
    const changed = stdout.split('\n')
      .map((line) => line.slice(2))
      .filter((file) => file !== '' && !ENGINE_FILES.test(file));
    // A directory changes with its files: leave only the files.
    const isParent = (file: string) => [...changed, ...created].some((other) => other.startsWith(`${file}/`));
    return changed.filter((file) => !isParent(file) && !created.includes(file));
  }

  public async kill(): Promise<TaskExit> {
    await this.app.signal('KILL');
    return this.exited;
  }

  public async stop(mode: StopMode, callbacks?: SignalCallbacks): Promise<TaskStop> {
    const stoppedAt = Date.now();
    if (mode === 'immediately') {
      await Promise.all(this.containers.map(async (container) => container.signal('KILL')));
    }
    let milliseconds = 0;
    void this.app.exited.then(() => { milliseconds = Date.now() - stoppedAt; });
    const killed = await this.stopContainers(callbacks);
    const exit = await this.exited;
    await this.engine.removeContainers(this.containers.map((container) => container.name));
    await this.engine.removeContainers([this.network.container]);
    if (this.volumes.size > 0) { await this.engine.run(['volume', 'rm', ...this.volumes.values()]); }
    return { ...exit, killed, milliseconds };
  }

  private createContainers(logOf: (spec: ContainerSpec) => (line: string) => void): Container[] {
    const { containers, emulated, unsupportedFeatures } = this.runtime;
    const names = new Map(containers.map(({ spec }) => [spec.name, this.engine.name(spec.name)]));
    // Containers start once all are constructed, so that each finds its dependencies.
    let markConstructed = () => {};
    const constructed = new Promise<void>((resolve) => { markConstructed = resolve; });
    const create = ({ spec, image, environment }: PreparedContainer) => new Container({
      engine: this.engine,
      name: names.get(spec.name)!,
      service: this.service,
      spec,
      image,
      environment: spec === this.service.container ? this.runtime.environment : environment,
      emulated,
      unsupportedFeatures,
      network: this.network.container,
      volumes: this.volumes,
      containers: names,
    }, constructed.then(async () => this.dependencies(spec)), logOf(spec));
    const created = containers.map(create);
    markConstructed();
    return created;
  }

  /**
   * Stops all containers, in the reverse order of their dependencies:
   * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html
   * @returns whether the app container got SIGKILL
   */
  private async stopContainers(callbacks?: SignalCallbacks): Promise<boolean> {
    const stops = new Map<Container, Promise<boolean>>();
    const stop = async (container: Container): Promise<boolean> => {
      const { name } = container.spec;
      const dependents = this.containers.filter(({ spec }) => spec.dependsOn.some((other) => other.container === name));
      const stopped = stops.get(container) ?? Promise.all(dependents.map(stop))
        .then(async () => container.stop(container === this.app ? callbacks : undefined));
      stops.set(container, stopped);
      return stopped;
    };
    await Promise.all(this.containers.map(stop));
    return stop(this.app);
  }

  /** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html */
  private async dependencies(spec: ContainerSpec): Promise<void> {
    await Promise.all(spec.dependsOn.map(async ({ container: name, condition }) => {
      const other = this.containers.find((container) => container.spec.name === name);
      // It does not run here: one of the reported differences.
      if (!other) { return; }
      await other.started;
      if (condition === 'HEALTHY' && !await other.waitUntilHealthy()) {
        throw new Error(`container ${name} ended before it was healthy`);
      }
      if (condition === 'COMPLETE' || condition === 'SUCCESS') {
        const { code } = await other.exited;
        if (condition === 'SUCCESS' && code !== 0) {
          throw new Error(`container ${name} must succeed first, but it ended with exit code ${code}`);
        }
      }
    }));
  }

  /** The first process of the app container. */
  private async pid(): Promise<number> {
    return Number((await this.engine.run(['inspect', '--format', '{{.State.Pid}}', this.app.name])).stdout);
  }

  /** The app, which is the child of an init process if there is one. */
  private appPid(pid: number): number {
    const [child] = this.service.container.init ? readFileOrEmpty(`/proc/${pid}/task/${pid}/children`).split(' ') : [];
    return Number(child || pid);
  }

  private userSetting(status: string, pid: number): DeclaredSetting {
    const declared = this.runtime.user;
    const [, uid] = /^Uid:\s+\d+\s+(\d+)/m.exec(status) ?? [];
    if (uid === undefined) { return { setting: 'user', declared, actual: UNKNOWN }; }
    const [name] = declared.split(':');
    const declaredUid = /^\d+$/.test(name) ? name : uidInImage(name, pid);
    const matches = declaredUid === undefined ? undefined : declaredUid === uid;
    return { setting: 'user', declared, actual: uid, matches };
  }

  private rootFilesystemSetting(pid: number): DeclaredSetting {
    const describe = (readOnly: boolean) => readOnly ? 'read-only' : 'writable';
    const setting = 'root filesystem';
    const declared = describe(this.service.container.readonlyRootFilesystem);
    const [, options] = /^\S+ \S+ \S+ \S+ \/ (\S+)/m.exec(readFileOrEmpty(`/proc/${pid}/mountinfo`)) ?? [];
    if (options === undefined) { return { setting, declared, actual: UNKNOWN }; }
    const actual = describe(options.split(',').includes('ro'));
    return { setting, declared, actual, matches: actual === declared };
  }

  private capabilitiesSetting(status: string): DeclaredSetting {
    const describe = (names: readonly string[]) => names.join(', ') || 'none';
    const { capabilities: requested } = requestCapabilities(this.service.container, this.runtime.image, this.engine);
    const setting = 'capabilities';
    const declared = describe(requested);
    const [, mask] = /^CapBnd:\s+(\S+)/m.exec(status) ?? [];
    if (mask === undefined) { return { setting, declared, actual: UNKNOWN }; }
    const capabilities = readCapabilities(mask);
    const matches = capabilities.length === requested.length && capabilities.every((name) => requested.includes(name));
    return { setting, declared, actual: describe(capabilities), matches };
  }

  /** Memory as the engine reports it, in its own units. */
  private async engineMiB(): Promise<number | undefined> {
    const { stdout } = await this.engine.run(['stats', '--no-stream', '--format', '{{.MemUsage}}', this.app.name]);
    const [, amount, unit = ''] = /^([\d.]+)\s*(\w+)/.exec(stdout.trim()) ?? [];
    return unit in BYTES ? Number(amount) * BYTES[unit] / BYTES.MiB : undefined;
  }
}

/** The numeric ID of a user that is defined in the image of a running container. */
function uidInImage(name: string, pid: number): string | undefined {
  const users = readFileOrEmpty(`/proc/${pid}/root/etc/passwd`).split('\n').map((line) => line.split(':'));
  return users.find(([user]) => user === name)?.[2] ?? (name === 'root' ? '0' : undefined);
}

async function createVolumes(service: ServiceSpec, runtime: ContainerRuntime): Promise<Map<string, string>> {
  const { host: { engine }, containers } = runtime;
  const volumes = new Map<string, string>();
  for (const { name } of service.volumes) {
    const isDeclaredByImage = containers.some(({ spec, image }) => spec.mountPoints
      .some((mount) => mount.volume === name && image.volumes.includes(mount.path)));
    const volume = engine.name(name);
    // Podman would make its first user the owner.
    const options = engine.kind === 'podman' && !isDeclaredByImage ? ['--opt', 'o=uid=0,gid=0'] : [];
    await engine.runOrThrow(['volume', 'create', '--label', engine.label, ...options, volume]);
    volumes.set(name, volume);
  }
  return volumes;
}
