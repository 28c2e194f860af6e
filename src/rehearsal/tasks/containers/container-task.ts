import { Container, capabilitiesOf } from './container';
import { ContainerNetwork } from './container-network';
import { ContainerRuntime } from './container-runtime';
import { Engine } from './engine';
import { memoryOf, readOrNothing } from './proc';
import { keepLast } from '../../lines';
import { ContainerHealthCheckSpec, ContainerSpec, ServiceSpec } from '../../model';
import { Declared, Endpoint, HealthCheckOutcome, ListenReport, Memory, Task, TaskExit, TaskStop } from '../task';

/*
 * Runs the tasks of a service in a container engine, as their task definition says.
 */

/** By their numbers: https://github.com/torvalds/linux/blob/master/include/uapi/linux/capability.h */
const CAPABILITIES = [
  'CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'LINUX_IMMUTABLE', 'NET_BIND_SERVICE',
  'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN',
  'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP',
];

/** What engines themselves write into the root of a container. */
const ENGINES_OWN = /^\/(dev|proc|sys|run|var|var\/run|etc|sbin)$|^\/(\.dockerenv|etc\/(hosts|hostname|resolv\.conf|mtab)|(dev|proc|sys|run)\/.*|sbin\/docker-init)$/;

function capabilitiesIn(mask: string): string[] {
  const bits = [...BigInt(`0x${mask}`).toString(2)].reverse();
  return CAPABILITIES.filter((_, number) => bits[number] === '1');
}

export class ContainerTask implements Task {
  public static async start(name: string, service: ServiceSpec, runtime: ContainerRuntime, log: (line: string) => void): Promise<ContainerTask> {
    const { with: engine } = runtime;
    const network = await ContainerNetwork.make(engine, service);
    const volumes = new Map<string, string>();
    for (const { name: volume } of service.volumes) {
      const declared = runtime.containers.some(({ spec, image }) => spec.mountPoints
        .some((mount) => mount.volume === volume && image.volumes.includes(mount.path)));
      const unique = engine.name(volume);
      // Podman would give it to the first user of it.
      const rootsOwn = engine.kind === 'podman' && !declared ? ['--opt', 'o=uid=0,gid=0'] : [];
      await engine.must(['volume', 'create', '--label', engine.label, ...rootsOwn, unique]);
      volumes.set(volume, unique);
    }
    return new ContainerTask(name, service, runtime, network, volumes, log);
  }

  public exit?: TaskExit;
  public readonly exited: Promise<TaskExit>;
  public readonly lastLines: string[] = [];
  private readonly handlers: Array<(line: string) => void>;
  private readonly engine: Engine;
  private readonly containers: readonly Container[];
  private readonly serving: Container;

  private constructor(
    public readonly name: string,
    private readonly service: ServiceSpec,
    private readonly runtime: ContainerRuntime,
    private readonly network: ContainerNetwork,
    private readonly volumes: ReadonlyMap<string, string>,
    log: (line: string) => void,
  ) {
    const { with: engine, containers, emulated, lacks } = runtime;
    this.engine = engine;
    this.handlers = [log];
    const keep = keepLast(this.lastLines, (line) => this.handlers.forEach((handle) => handle(line)));
    const names = new Map(containers.map(({ spec }) => [spec.name, engine.name(spec.name)]));
    // Its turn comes when all are made, so that a container finds those that it waits for.
    let allMade = () => {};
    const all = new Promise<void>((resolve) => { allMade = resolve; });
    this.containers = containers.map(({ spec, image, environment }) => {
      const serves = spec === service.container;
      return new Container({
        engine,
        name: names.get(spec.name)!,
        service,
        spec,
        image,
        environment: serves ? runtime.environment : environment,
        emulated,
        lacks,
        network: network.container,
        volumes,
        containers: names,
      }, all.then(async () => this.dependencies(spec)), serves ? keep : (line) => log(`[${spec.name}] ${line}`));
    });
    this.serving = this.containers.find(({ spec }) => spec === service.container)!;
    allMade();

    // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html (essential)
    const essential = this.containers.filter((container) => container.spec.essential || container === this.serving);
    this.exited = Promise.race(essential.map(async (container) => container.exited.then(() => container))).then(async (first) => {
      if (first !== this.serving) { keep(`container ${first.spec.name} ended with exit code ${first.exit!.code}: it is essential, so the task ends`); }
      this.exit = first.exit;
      await this.endAll();
      return first.exit!;
    });
  }

  public get secondsSinceStart(): number {
    return this.serving.startedAt === undefined ? 0 : (Date.now() - this.serving.startedAt) / 1000;
  }

  public get listening(): readonly ListenReport[] | undefined {
    return this.network.listening();
  }

  public endpoint(port: number): Endpoint {
    return this.network.endpoint(port);
  }

  public onLine(handle: (line: string) => void): void {
    this.handlers.push(handle);
  }

  public async checkContainerHealth(check: ContainerHealthCheckSpec): Promise<HealthCheckOutcome> {
    return this.serving.checkHealth(check);
  }

  public async memory(): Promise<Memory | undefined> {
    await this.serving.started;
    if (this.exit) { return undefined; }
    const limitMiB = this.service.container.memoryLimitMiB ?? Number(this.service.memoryMiB);
    const usedMiB = memoryOf(await this.pid()) ?? await this.memoryByStats();
    return usedMiB === undefined ? undefined : { usedMiB, limitMiB };
  }

  public async declared(): Promise<readonly Declared[]> {
    await this.serving.started;
    const { container } = this.service;
    const pid = await this.pid();
    const status = readOrNothing(`/proc/${await this.appPid(pid)}/status`);
    const unseen = 'not to be seen: the engine is not on this machine';
    const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1];
    const readOnly = /^\S+ \S+ \S+ \S+ \/ (\S+)/m.exec(readOrNothing(`/proc/${pid}/mountinfo`))?.[1].split(',').includes('ro');
    const bounds = /^CapBnd:\s+(\S+)/m.exec(status)?.[1];
    const given = bounds && capabilitiesIn(bounds);
    const { capabilities: wanted } = capabilitiesOf(container, this.runtime.image, this.engine);
    return [
      { what: 'user', declared: this.runtime.user, running: uid ?? unseen, same: uid === undefined ? undefined : this.isUser(uid, pid) },
      {
        what: 'root filesystem',
        declared: container.readonlyRootFilesystem ? 'read-only' : 'writable',
        running: readOnly === undefined ? unseen : readOnly ? 'read-only' : 'writable',
        same: readOnly === undefined ? undefined : readOnly === container.readonlyRootFilesystem,
      },
      {
        what: 'capabilities',
        declared: wanted.join(', ') || 'none',
        running: given ? given.join(', ') || 'none' : unseen,
        same: given ? given.length === wanted.length && given.every((name) => wanted.includes(name)) : undefined,
      },
    ];
  }

  public async rootWrites(): Promise<readonly string[] | undefined> {
    await this.serving.started;
    const { code, stdout } = await this.engine.run(['diff', this.serving.name]);
    if (code !== 0) { return undefined; }
    // A mount needs a directory to stand on, which the engine makes, as it makes the working directory.
    const made = [...this.service.container.mountPoints.map((mount) => mount.path), ...this.runtime.image.volumes, this.runtime.workingDirectory];
    const changed = stdout.split('\n').map((line) => line.slice(2)).filter((file) => file !== '' && !ENGINES_OWN.test(file));
    // A directory is changed by what is made in it.
    return changed.filter((file) => ![...changed, ...made].some((other) => other.startsWith(`${file}/`)) && !made.includes(file));
  }

  public async kill(): Promise<TaskExit> {
    await this.serving.signal('KILL');
    return this.exited;
  }

  public async stop(how: 'gently' | 'at once'): Promise<TaskStop> {
    const asked = Date.now();
    if (how === 'at once') { await Promise.all(this.containers.map(async (container) => container.signal('KILL'))); }
    let milliseconds = 0;
    void this.serving.exited.then(() => { milliseconds = Date.now() - asked; });
    const killed = await this.endAll();
    const exit = await this.exited;
    await this.engine.removeContainers(this.containers.map((container) => container.name));
    await this.engine.removeContainers([this.network.container]);
    if (this.volumes.size > 0) { await this.engine.run(['volume', 'rm', ...this.volumes.values()]); }
    return { ...exit, killed, milliseconds };
  }

  /**
   * For the shutdown, dependencies are reversed: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html
   * @returns whether the container that serves had to be killed
   */
  private async endAll(): Promise<boolean> {
    const ends = new Map<Container, Promise<boolean>>();
    const end = async (container: Container): Promise<boolean> => {
      const dependents = this.containers.filter(({ spec }) => spec.dependsOn.some((dependency) => dependency.container === container.spec.name));
      const ending = ends.get(container) ?? Promise.all(dependents.map(end)).then(async () => container.end());
      ends.set(container, ending);
      return ending;
    };
    await Promise.all(this.containers.map(end));
    return end(this.serving);
  }

  /** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html */
  private async dependencies(spec: ContainerSpec): Promise<void> {
    await Promise.all(spec.dependsOn.map(async ({ container: name, condition }) => {
      const other = this.containers.find((container) => container.spec.name === name);
      // It is left out, as the user knows.
      if (!other) { return; }
      await other.started;
      if (condition === 'HEALTHY' && !await other.waitUntilHealthy()) { throw new Error(`container ${name} ended before it was healthy`); }
      if (condition === 'COMPLETE' || condition === 'SUCCESS') {
        const { code } = await other.exited;
        if (condition === 'SUCCESS' && code !== 0) { throw new Error(`container ${name} must succeed before, and ended with exit code ${code}`); }
      }
    }));
  }

  private async pid(): Promise<number> {
    return Number((await this.engine.run(['inspect', '--format', '{{.State.Pid}}', this.serving.name])).stdout);
  }

  /** The app, which may have an init process in front. */
  private async appPid(pid: number): Promise<number> {
    const [child] = this.service.container.init ? readOrNothing(`/proc/${pid}/task/${pid}/children`).split(' ') : [];
    return Number(child || pid);
  }

  /** Whether a user by number is the declared one, whose name the image may know. */
  private isUser(uid: string, pid: number): boolean | undefined {
    const [name] = this.runtime.user.split(':');
    const users = readOrNothing(`/proc/${pid}/root/etc/passwd`).split('\n').map((line) => line.split(':'));
    const declared = /^\d+$/.test(name) ? name : users.find(([user]) => user === name)?.[2] ?? (name === 'root' ? '0' : undefined);
    return declared === undefined ? undefined : declared === uid;
  }

  private async memoryByStats(): Promise<number | undefined> {
    const { stdout } = await this.engine.run(['stats', '--no-stream', '--format', '{{.MemUsage}}', this.serving.name]);
    const [, amount, unit = ''] = /^([\d.]+)\s*(\w+)/.exec(stdout.trim()) ?? [];
    const bytes: { [unit: string]: number } = { B: 1, kB: 1e3, KiB: 1024, MB: 1e6, MiB: 1024 ** 2, GB: 1e9, GiB: 1024 ** 3 };
    return unit in bytes ? Number(amount) * bytes[unit] / 1024 ** 2 : undefined;
  }
}
