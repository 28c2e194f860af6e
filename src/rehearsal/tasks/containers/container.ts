import * as fs from 'node:fs';
import * as os from 'node:os';
import { Ability, Engine, ImageFacts, reasonIn } from './engine';
import { eachLine } from '../../lines';
import { ContainerHealthCheckSpec, ContainerSpec, ServiceSpec } from '../../model';
import { sleep } from '../../sleep';
import { HealthCheckOutcome, TaskExit } from '../task';

/*
 * One container of a task: what the engine is asked for, and its life from start to end.
 */

/** What every container has unless its task definition drops it: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html */
const DEFAULT_CAPABILITIES = [
  'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'NET_BIND_SERVICE', 'NET_RAW', 'SYS_CHROOT', 'MKNOD',
  'AUDIT_WRITE', 'SETFCAP',
];

/** What a container is to have, and how the engine is asked for it. */
export function capabilitiesOf(spec: ContainerSpec, image: ImageFacts, engine: Engine): { capabilities: string[]; args: string[] } {
  const dropped = new Set(spec.droppedCapabilities);
  const kept = dropped.has('ALL') ? [] : DEFAULT_CAPABILITIES.filter((name) => !dropped.has(name));
  const wanted = [...new Set([...kept, ...spec.addedCapabilities])];
  const add = (names: readonly string[]) => names.flatMap((name) => ['--cap-add', name]);
  if (engine.kind === 'docker') { return { capabilities: wanted, args: ['--cap-drop', 'ALL', ...add(wanted)] }; }

  // What is added by name, Podman makes effective for users other than root too, which ECS does not.
  const given = engine.defaultCapabilities;
  const isRoot = /^(root|0)(:|$)/.test(spec.user ?? image.user);
  const capabilities = wanted.filter((name) => isRoot || given.includes(name));
  return {
    capabilities,
    args: [
      ...given.filter((name) => !wanted.includes(name)).flatMap((name) => ['--cap-drop', name]),
      ...add(capabilities.filter((name) => !given.includes(name))),
    ],
  };
}

export interface ContainerProps {
  readonly engine: Engine;
  /** The engine's name for it. */
  readonly name: string;
  readonly service: ServiceSpec;
  readonly spec: ContainerSpec;
  readonly image: ImageFacts;
  readonly environment: { readonly [name: string]: string };
  readonly emulated: boolean;
  /** What this machine cannot do. */
  readonly lacks: ReadonlySet<Ability>;
  /** The container that holds the network of the task. */
  readonly network: string;
  /** The engine's names of the volumes and containers of the task, by theirs. */
  readonly volumes: ReadonlyMap<string, string>;
  readonly containers: ReadonlyMap<string, string>;
}

export class Container {
  public exit?: TaskExit;
  /** After the last line of its log. */
  public readonly exited: Promise<TaskExit>;
  public startedAt?: number;
  /** Once it runs, or has ended without. */
  public readonly started: Promise<void>;
  public readonly spec: ContainerSpec;
  public readonly name: string;
  private readonly engine: Engine;
  private ending?: Promise<boolean>;
  private cancel?: () => void;

  /** @param dependencies it starts when they are fulfilled, and not at all when they are not */
  constructor(private readonly props: ContainerProps, dependencies: Promise<void>, onLine: (line: string) => void) {
    this.engine = props.engine;
    this.spec = props.spec;
    this.name = props.name;
    let markStarted = () => {};
    this.started = new Promise((resolve) => { markStarted = resolve; });
    this.exited = this.live(dependencies, onLine, markStarted).catch(async (error: Error) => {
      onLine(`could not start: ${error.message}`);
      // Where the container was made but could not start, as a shell would put it; Docker may know better.
      const made = await this.engine.run(['inspect', '--format', '{{.State.ExitCode}}', this.name]);
      return { code: made.code === 0 ? Number(made.stdout) || 127 : 1, signal: null };
    }).then((exit) => {
      this.exit = exit;
      markStarted();
      return exit;
    });
  }

  /** One that still waits for others never starts. */
  public async signal(signal: string): Promise<void> {
    this.cancel?.();
    await this.started;
    if (!this.exit) { await this.engine.run(['kill', '--signal', signal, this.name]); }
  }

  /** The stop signal, and SIGKILL after the stop time-out; once, however often it is asked for. @returns whether it was killed */
  public async end(): Promise<boolean> {
    this.ending ??= this.endGently();
    return this.ending;
  }

  /** @returns false when it ended before */
  public async waitUntilHealthy(): Promise<boolean> {
    const check = this.spec.healthCheck;
    await this.started;
    while (check && !this.exit) {
      if (await this.checkHealth(check) === 'passed') { return true; }
      // More often than ECS checks: that it becomes healthy is what matters here.
      await sleep(1000 * Math.min(1, check.intervalSeconds));
    }
    return false;
  }

  public async checkHealth({ command: [form, ...words], timeoutSeconds }: ContainerHealthCheckSpec): Promise<HealthCheckOutcome> {
    const argv = form === 'CMD-SHELL' ? ['/bin/sh', '-c', ...words] : words;
    const { code } = await this.engine.run(['exec', this.name, ...argv], { timeoutSeconds });
    // The engine's command has no exit code when the time-out has killed it.
    return code === 0 ? 'passed' : code === null ? 'timed out' : 'failed';
  }

  private async live(dependencies: Promise<void>, onLine: (line: string) => void, markStarted: () => void): Promise<TaskExit> {
    const cancelled = new Promise<'cancelled'>((resolve) => { this.cancel = () => resolve('cancelled'); });
    if (await Promise.race([dependencies, cancelled]) === 'cancelled') { return { code: null, signal: null }; }
    const { args, env } = this.creation();
    await this.engine.must(['create', ...args], { env });
    const drain = await this.start(onLine);
    this.startedAt = Date.now();
    markStarted();
    const code = Number.parseInt((await this.engine.run(['wait', this.name])).stdout, 10);
    await drain();
    if (Number.isNaN(code)) { return { code: null, signal: null }; }
    const outOfMemory = code === 137 && (await this.engine.run(['inspect', '--format', '{{.State.OOMKilled}}', this.name])).stdout.trim() === 'true';
    return { code, signal: null, ...outOfMemory ? { outOfMemory } : {} };
  }

  /**
   * Attaches to it before it starts, as `run` does: `podman logs --follow` cuts and loses lines when the machine is busy.
   * @returns what waits for its last lines, once it has ended
   * @throws when it does not start, with what the engine says
   */
  private async start(onLine: (line: string) => void): Promise<() => Promise<void>> {
    const attached = this.engine.spawn(['start', '--attach', this.name], { cwd: await this.monitorsDirectory() });
    const closed = new AbortController();
    attached.on('close', () => closed.abort()).on('error', () => closed.abort());
    // Until it runs, they may be the engine's.
    const early: string[] = [];
    let hear = (line: string): void => { early.push(line); };
    for (const stream of [attached.stdout!, attached.stderr!]) { eachLine(stream, (line) => hear(line)); }
    for (let isLast = false; ;) {
      const { stdout } = await this.engine.run(['inspect', '--format', '{{.State.StartedAt}}', this.name]);
      // One that has never started did so in the year 1.
      if (/^(?!0001)\d{4}-/.test(stdout)) { break; }
      if (isLast) { throw new Error(reasonIn(early.join('\n'))); }
      await sleep(100, closed.signal);
      isLast = closed.signal.aborted;
    }
    early.forEach(onLine);
    hear = onLine;
    return async () => {
      await sleep(10000, closed.signal);
      attached.kill('SIGKILL');
    };
  }

  /**
   * Podman's monitor of a container notes in its working directory that memory ran out, whatever that is, and Podman looks for that note in
   * the container's own.
   */
  private async monitorsDirectory(): Promise<string | undefined> {
    if (this.engine.kind === 'docker') { return undefined; }
    const directory = (await this.engine.run(['inspect', '--format', '{{.StaticDir}}', this.name])).stdout.trim();
    try {
      fs.readdirSync(directory);
      return directory;
    } catch {
      // It is another user's or another machine's. An empty file is better there than among those of the user.
      return os.tmpdir();
    }
  }

  private async endGently(): Promise<boolean> {
    this.cancel?.();
    await this.started;
    let killed = false;
    const timer = setTimeout(() => {
      killed = !this.exit;
      void this.signal('KILL');
    }, 1000 * this.spec.stopTimeoutSeconds);
    await this.signal(this.props.image.stopSignal);
    await this.exited;
    clearTimeout(timer);
    return killed;
  }

  /** What `create` is asked for, and the environment that its command needs for it. */
  private creation(): { args: string[]; env: { [name: string]: string } } {
    const { engine, service, spec, image, environment, emulated, lacks, network, volumes, containers } = this.props;
    const can = (ability: Ability, ...args: string[]) => lacks.has(ability) ? [] : args;
    // The values of secrets are not for the list of processes, unless the engine's command would take them for its own.
    const secrets = spec.secrets.filter((name) => name in environment && !/^(PATH|HOME|(LD|DOCKER|CONTAINERS?|XDG)_.*)$/.test(name));
    const memory = `${spec.memoryLimitMiB ?? service.memoryMiB}m`;
    // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Ulimit.html
    const ulimits = spec.ulimits.some(({ name }) => name === 'nofile') ? spec.ulimits : [{ name: 'nofile', soft: 65535, hard: 65535 }, ...spec.ulimits];
    return {
      env: Object.fromEntries(secrets.map((name) => [name, environment[name]])),
      args: [
        '--name', this.name, '--label', engine.label, '--network', `container:${network}`, '--platform', image.platform,
        // Its lines are read as they come.
        '--log-driver', 'none',
        // Docker's command sets none of these.
        ...engine.kind === 'podman' ? ['--http-proxy=false', '--unsetenv', 'container', '--unsetenv', 'TERM'] : [],
        ...Object.entries(environment).flatMap(([name, value]) => ['--env', secrets.includes(name) ? name : `${name}=${value}`]),
        ...spec.entryPoint ? ['--entrypoint', spec.entryPoint[0]] : [],
        ...spec.user ? ['--user', spec.user] : [],
        ...spec.workingDirectory ? ['--workdir', spec.workingDirectory] : [],
        // Podman would make /tmp and others writable all the same.
        ...spec.readonlyRootFilesystem ? ['--read-only', ...engine.kind === 'podman' ? ['--read-only-tmpfs=false'] : []] : [],
        ...spec.mountPoints.flatMap((mount) => ['--volume', this.mountOf(mount, volumes)]),
        ...spec.volumesFrom.filter(({ container }) => containers.has(container))
          .flatMap(({ container, readOnly }) => ['--volumes-from', `${containers.get(container)}${readOnly ? ':ro' : ''}`]),
        ...capabilitiesOf(spec, image, engine).args,
        ...spec.init ? can('an init process', '--init') : [],
        ...ulimits.flatMap(({ name, soft, hard }) => {
          const limit = ['--ulimit', `${name}=${soft}:${hard}`];
          return name === 'nofile' && hard >= 65535 ? can('the 65535 open files that Fargate allows', ...limit) : limit;
        }),
        // Fargate has no swap.
        ...can('memory limits', '--memory', memory, '--memory-swap', memory),
        ...emulated ? [] : can('CPU limits', '--cpus', String(Number(service.cpu) / 1024)),
        ...spec.cpuShares ? ['--cpu-shares', String(spec.cpuShares)] : [],
        image.name,
        ...spec.entryPoint?.slice(1) ?? [], ...spec.command ?? [],
      ],
    };
  }

  /**
   * On Fargate an empty volume is root's, mode 755, unless the image declares a VOLUME at that very path, from which owner, mode
   * and files are copied: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html
   */
  private mountOf({ volume, path, readOnly }: ContainerSpec['mountPoints'][number], volumes: ReadonlyMap<string, string>): string {
    const options = [...readOnly ? ['ro'] : [], ...this.props.image.volumes.includes(path) ? [] : ['nocopy']];
    return [volumes.get(volume), path, ...options.length > 0 ? [options.join(',')] : []].join(':');
  }
}
