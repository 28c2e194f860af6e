import { ChildProcess, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { Image, readImage } from './dockerfile';
import { CannotRun, NeedsEngine } from '../../cannot-run';
import { removeOnExit } from '../../leftovers';
import { eachLine, keepLast } from '../../lines';
import { Declared, Endpoint, HealthCheckOutcome, ListenReport, Memory, RuntimeFacts, Task, TaskExit, TaskStop } from '../task';
import { taskNetworkScript } from './task-network';
import { ContainerHealthCheckSpec, ServiceSpec } from '../../model';

/*
 * Runs the tasks of a service as Node processes: the files, environment, command, user and stop time-out are those that the
 * task definition and the image say. CPU, memory and a read-only root take a container engine.
 */

/** Whose rights the processes get. */
interface Rights {
  readonly uid?: number;
  readonly gid?: number;
}

export interface NodeRuntime extends RuntimeFacts {
  readonly engine: 'node';
  readonly image: Image;
  readonly rights: Rights;
}

/** @throws CannotRun with a sentence where it takes more than Node */
export function prepareNode(service: ServiceSpec, environment: { readonly [name: string]: string }): NodeRuntime {
  const { container } = service;
  if (!container.asset) {
    throw new NeedsEngine(`the image of service ${service.name} takes a container engine, because ${container.image} is not built from a directory of this assembly`);
  }
  const image = readImage(service.name, container.asset);

  // An entry point in the task definition does away with the image's command too, as in Docker.
  const entryPoint = container.entryPoint ?? image.entryPoint ?? [];
  const command = container.command ?? (container.entryPoint ? [] : image.command ?? []);
  const argv = [...entryPoint, ...command];
  // The entry point of the official Node images, which only starts what follows.
  if (argv[0] === 'docker-entrypoint.sh') { argv.shift(); }
  if (path.posix.basename(argv[0] ?? '') !== 'node') {
    const shell = argv[0] === '/bin/sh' && /^(exec\s+)?node\s/.test(argv[2] ?? '');
    throw new NeedsEngine(`service ${service.name} takes a container engine, because it starts ${argv.length > 0 ? `\`${argv.join(' ')}\`` : 'what its base image says'}`
      + (shell ? ' (without a shell around it, which keeps SIGTERM from the app, it runs without: CMD ["node", …])' : ''));
  }

  const { rights, differences } = rightsOf(container.user ?? image.user);
  const left = [
    'CPU and memory limits',
    ...container.readonlyRootFilesystem ? ['the read-only root filesystem'] : [],
    `the ${service.architecture} architecture`,
  ];
  return {
    engine: 'node',
    image,
    command: ['node', ...argv.slice(1)],
    workingDirectory: container.workingDirectory ?? image.workingDirectory,
    user: container.user ?? image.user ?? 'root',
    stopSignal: image.stopSignal ?? 'SIGTERM',
    environment: { ...image.environment, ...environment },
    rights,
    emulated: false,
    differences: [
      `${left.join(', ')} are left out: the app runs as a process of this machine's Node ${process.version}, not in ${image.base}. With \`--engine docker\` or \`podman\` they are there`,
      ...differences,
      ...service.sidecars.length > 0 ? [`the containers ${service.sidecars.map((sidecar) => sidecar.name).join(', ')} of the task do not run`] : [],
    ],
    limit: hasManyAddresses() ? undefined : { tasks: 1, because: 'this system has one loopback address, and every task needs one of its own' },
  };
}

/** NaN for a name that only the image knows. */
function uidOf(user: string): number {
  // The names that official images define: https://github.com/nodejs/docker-node, https://github.com/GoogleContainerTools/distroless
  const known: { [name: string]: number } = { root: 0, node: 1000, nonroot: 65532, nobody: 65534 };
  const [name] = user.split(':');
  return known[name] ?? Number(name);
}

/** What the process and those that it has started hold. */
function residentMiB(group: number): number | undefined {
  if (os.platform() === 'win32') { return undefined; }
  // Not every Linux has a `ps`.
  const rows = fs.existsSync('/proc/self/stat') ? readProcesses() : spawnSync('ps', ['-A', '-o', 'pgid=,rss='], { encoding: 'utf8' })
    .stdout.trim().split('\n').map((row) => row.trim().split(/\s+/).map(Number));
  return rows.filter(([pgid]) => pgid === group).reduce((sum, [, kibibytes]) => sum + kibibytes, 0) / 1024;
}

function readProcesses(): Array<[group: number, residentKibibytes: number]> {
  return fs.readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).map((pid) => {
    try {
      // After the name, which may have blanks in it, the fifth field of proc(5) is third.
      const [,, group] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ').map(Number);
      return [group, Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)];
    } catch {
      // It has ended meanwhile.
      return [0, 0];
    }
  });
}

function rightsOf(user: string | undefined): { rights: Rights; differences: string[] } {
  const ownUid = process.getuid?.();
  if (ownUid === undefined) { return { rights: {}, differences: user ? [`it runs as you, not as user ${user}`] : [] }; }
  const [uid, gid] = (user ?? '0').split(':').map(uidOf);
  if (Number.isNaN(uid)) { return { rights: {}, differences: [`it runs as you: which user ${user} is stands in the image`] }; }
  if (uid === ownUid) { return { rights: {}, differences: [] }; }
  if (ownUid !== 0) { return { rights: {}, differences: [`it runs as you, not as ${user ? `user ${user}` : 'root'}: only root may change that`] }; }
  const rights = { uid, gid: Number.isInteger(gid) ? gid : uid };
  const probe = spawnSync(process.execPath, ['-e', `fs.accessSync(${JSON.stringify(os.tmpdir())}, fs.constants.X_OK)`], { ...rights, cwd: '/' });
  if (probe.status !== 0) {
    return { rights: {}, differences: [`it runs as you, not as user ${user}, who may not run ${process.execPath} or may not enter ${os.tmpdir()}`] };
  }
  return { rights, differences: [] };
}

export class NodeTask implements Task {
  /** Returns once its process is there; whether the app comes up is another matter. */
  public static async start(name: string, service: ServiceSpec, runtime: NodeRuntime, log: (line: string) => void): Promise<NodeTask> {
    const directory = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'hello-fargate-service-'));
    const removeDirectory = removeOnExit(() => fs.rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
    try {
      const root = path.join(directory, 'root');
      const temporary = path.join(directory, 'tmp');
      runtime.image.layOut(root);
      fs.mkdirSync(temporary);
      // The processes may be somebody else's, who must get in but not change what is root's, as in a container.
      fs.chmodSync(directory, 0o755);
      fs.chmodSync(temporary, 0o1777);

      const addresses = await freeAddresses(service);
      const preload = path.join(directory, 'task-network.cjs');
      fs.mkdirSync(path.join(root, runtime.workingDirectory), { recursive: true });
      fs.writeFileSync(preload, taskNetworkScript({ ...addresses, startedBy: process.pid, isFirstProcess: !service.container.init }));
      return new NodeTask(name, service, runtime, { root, temporary, preload, removeDirectory }, addresses.address ?? '127.0.0.1', log);
    } catch (error) {
      removeDirectory();
      throw error;
    }
  }

  /** After the last line of its log. */
  public readonly exited: Promise<TaskExit>;
  public exit?: TaskExit;
  /** Where the app said that it listens. */
  public readonly listening: ListenReport[] = [];
  /** The last lines of its log. */
  public readonly lastLines: string[] = [];
  private readonly process: ChildProcess;
  private readonly startedAt = Date.now();
  private readonly handlers: Array<(line: string) => void>;

  private constructor(
    public readonly name: string,
    private readonly service: ServiceSpec,
    private readonly runtime: NodeRuntime,
    private readonly files: { root: string; temporary: string; preload: string; removeDirectory: () => void },
    private readonly host: string,
    log: (line: string) => void,
  ) {
    this.handlers = [log];
    const { command, rights } = runtime;
    this.process = spawn(process.execPath, ['--require', files.preload, ...this.inRoot(command.slice(1))], {
      cwd: this.workingDirectory(),
      env: this.environment(),
      ...rights,
      // A process group of its own: Ctrl-C reaches the rehearsal alone, and what the app starts can be ended with it.
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const removeProcess = removeOnExit(() => signalGroup(this.process, 'SIGKILL'));

    const keep = keepLast(this.lastLines, (line) => this.handlers.forEach((handle) => handle(line)));
    eachLine(this.process.stdout!, keep);
    eachLine(this.process.stderr!, keep);
    eachLine(this.process.stdio[3] as net.Socket, (line) => this.listening.push(JSON.parse(line)));
    this.exited = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null) => {
        this.exit ??= { code, signal };
        resolve(this.exit);
      };
      this.process.on('error', (error) => {
        keep(`could not start: ${error.message}`);
        end(null, null);
      });
      this.process.on('exit', (code, signal) => {
        this.exit = { code, signal };
        // What the app has started and left behind ends with its container.
        removeProcess();
      });
      this.process.on('close', end);
    });
  }

  public get secondsSinceStart(): number {
    return (Date.now() - this.startedAt) / 1000;
  }

  public endpoint(port: number): Endpoint {
    return { host: this.host, port };
  }

  public onLine(handle: (line: string) => void): void {
    this.handlers.push(handle);
  }

  public async checkContainerHealth(check: ContainerHealthCheckSpec): Promise<HealthCheckOutcome> {
    const [form, ...words] = check.command;
    const [program, ...rest] = words;
    // Other programs are the image's: whether they are there, and which, this machine cannot say.
    if (form === 'CMD-SHELL' ? !/^node\s/.test(program ?? '') || process.platform === 'win32' : program !== 'node') { return 'not rehearsed'; }
    const environment = this.environment();
    const child = form === 'CMD-SHELL'
      ? spawn('/bin/sh', ['-c', program], {
        ...this.runtime.rights,
        cwd: this.workingDirectory(),
        env: {
          ...environment,
          PATH: `${path.dirname(process.execPath)}:${environment.PATH}`,
          NODE_OPTIONS: [environment.NODE_OPTIONS, `--require "${this.files.preload}"`].filter(Boolean).join(' '),
        },
        stdio: 'ignore',
        detached: true,
      })
      : spawn(process.execPath, ['--require', this.files.preload, ...this.inRoot(rest)], {
        ...this.runtime.rights,
        cwd: this.workingDirectory(),
        env: environment,
        stdio: 'ignore',
        detached: process.platform !== 'win32',
      });
    const remove = removeOnExit(() => signalGroup(child, 'SIGKILL'));
    return new Promise((resolve) => {
      let timedOut = false;
      const timer = setTimeout(() => {
        timedOut = true;
        remove();
      }, 1000 * check.timeoutSeconds);
      const end = (code: number | null) => {
        clearTimeout(timer);
        remove();
        resolve(timedOut ? 'timed out' : code === 0 ? 'passed' : 'failed');
      };
      child.on('error', () => end(null));
      child.on('exit', end);
    });
  }

  public async memory(): Promise<Memory | undefined> {
    const usedMiB = this.exit ? undefined : residentMiB(this.process.pid!);
    return usedMiB === undefined ? undefined : { usedMiB, limitMiB: this.service.container.memoryLimitMiB ?? Number(this.service.memoryMiB) };
  }

  public async declared(): Promise<readonly Declared[]> {
    const { user, rights } = this.runtime;
    const { container } = this.service;
    const declared = uidOf(user);
    const uid = rights.uid ?? process.getuid?.();
    return [
      {
        what: 'user',
        declared: user,
        running: uid === undefined ? 'this system has no numbers for users' : String(uid),
        // Where it is another one, this machine could not do it, which is no fault of the app.
        same: declared === uid ? true : undefined,
      },
      container.readonlyRootFilesystem
        ? { what: 'root filesystem', declared: 'read-only', running: 'only a container engine can make it read-only' }
        : { what: 'root filesystem', declared: 'writable', running: 'writable', same: true },
    ];
  }

  /** By the times of change: nothing is older than the script that was written last, but what was laid out. */
  public async rootWrites(): Promise<readonly string[]> {
    const { root, preload } = this.files;
    const laidOut = fs.statSync(preload).ctimeMs;
    const volumes = this.service.container.mountPoints.map((mount) => mount.path);
    return fs.readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
      .filter((file) => (fs.lstatSync(file, { throwIfNoEntry: false })?.ctimeMs ?? 0) > laidOut)
      .map((file) => `/${path.relative(root, file)}`)
      .filter((file) => !volumes.some((volume) => file.startsWith(`${volume}/`)));
  }

  public async kill(): Promise<TaskExit> {
    signalGroup(this.process, 'SIGKILL');
    return this.exited;
  }

  public async stop(how: 'gently' | 'at once'): Promise<TaskStop> {
    const asked = Date.now();
    let killed = false;
    const timer = setTimeout(() => {
      killed = true;
      signalGroup(this.process, 'SIGKILL');
    }, 1000 * this.service.container.stopTimeoutSeconds);
    if (how === 'at once') {
      signalGroup(this.process, 'SIGKILL');
    } else if (!this.exit) {
      this.process.kill(this.runtime.image.stopSignal ?? 'SIGTERM');
    }
    const exit = await this.exited;
    clearTimeout(timer);
    this.files.removeDirectory();
    return { ...exit, killed, milliseconds: Date.now() - asked };
  }

  private environment(): NodeJS.ProcessEnv {
    const { root, temporary } = this.files;
    return {
      PATH: process.env.PATH,
      // Windows starts nothing without it.
      ...process.env.SYSTEMROOT ? { SYSTEMROOT: process.env.SYSTEMROOT } : {},
      // In a container these are / and /tmp.
      HOME: root,
      TMPDIR: temporary,
      ...this.runtime.environment,
    };
  }

  private workingDirectory(): string {
    return path.join(this.files.root, this.runtime.workingDirectory);
  }

  /** Absolute paths of the image, among the arguments, as they are here. */
  private inRoot(argv: readonly string[]): string[] {
    return argv.map((argument) => argument.startsWith('/') && fs.existsSync(path.join(this.files.root, argument))
      ? path.join(this.files.root, argument) : argument);
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) { return; }
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, signal);
  } catch {
    // It is gone already.
  }
}

/** On Linux all of 127.0.0.0/8 is this machine; elsewhere 127.0.0.1 alone, unless somebody has set up more. */
export function hasManyAddresses(): boolean {
  return os.platform() === 'linux';
}

/** Addresses that no other task uses, not even one of another rehearsal: 127.0.x.y to be reached at, 127.1.x.y for itself. */
async function freeAddresses(service: ServiceSpec): Promise<{ address?: string; loopback?: string }> {
  const ports = [...new Set(service.registrations.map(({ port }) => port))];
  if (!hasManyAddresses()) {
    for (const port of ports) { await tryToListen(port, '127.0.0.1', service.name); }
    return {};
  }
  // The random start keeps two rehearsals that begin at the same time apart.
  const start = Math.floor(Math.random() * 65_000);
  for (let attempt = 0; attempt < 100; attempt++) {
    const number = (start + attempt) % 65_000;
    const suffix = `${1 + Math.floor(number / 254) % 254}.${1 + number % 254}`;
    const free = await Promise.all(ports.map(async (port) => tryToListen(port, `127.0.${suffix}`, service.name, 'or say no')));
    if (free.every(Boolean)) { return { address: `127.0.${suffix}`, loopback: `127.1.${suffix}` }; }
  }
  throw new CannotRun(`port ${ports.join(' and ')} is in use on all addresses of this machine: end what uses it`);
}

async function tryToListen(port: number, host: string, service: string, inUse: 'fail' | 'or say no' = 'fail'): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES') {
        reject(new CannotRun(`service ${service} listens on port ${port}, for which you have not the rights here:`
          + ' rehearse it as root, or choose a container port of 1024 or more'));
      } else if (error.code === 'EADDRINUSE' && inUse === 'fail') {
        reject(new CannotRun(`port ${port}, on which service ${service} listens, is in use on ${host}: end what uses it`));
      } else if (error.code === 'EADDRINUSE') {
        resolve(false);
      } else {
        reject(error);
      }
    });
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
