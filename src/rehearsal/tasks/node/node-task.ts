import { ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { findFreeAddresses } from './addresses';
import { leavesRoot } from './dockerfile';
import { idOf, NodeRuntime } from './node-runtime';
import { killProcessesOf, residentMiB, signalGroup } from './processes';
import { CannotRun } from '../../cannot-run';
import { removeOnExit, temporaryDirectory } from '../../leftovers';
import { eachLine, keepLast } from '../../lines';
import { ContainerHealthCheckSpec, ContainerSpec, ServiceSpec } from '../../model';
import type { EcsAgent } from '../ecs-agent';
import { Environment } from '../environment';
import {
  DeclaredSetting, Endpoint, HealthCheckOutcome, ListenReport, Memory, SignalCallbacks, StopMode, Task, TaskExit,
  TaskStop,
} from '../task';

/*
 * Runs a task as a Node.js process, with the files, environment, command, user and stop timeout of the task
 * definition and the image. CPU and memory limits and a read-only root filesystem require a container engine.
 */

const TASK_NETWORK = 'task-network.cjs';

/** The temporary directory of a task. */
interface TaskFiles {
  readonly directory: string;
  /** The image's root filesystem. */
  readonly root: string;
  /** The task's /tmp. */
  readonly temporary: string;
  /** The script that Node.js loads before the app. */
  readonly preload: string;
  /** Later changes of files are the app's. */
  readonly createdAtMs: number;
  remove(): void;
}

interface NodeTaskProps {
  readonly name: string;
  readonly service: ServiceSpec;
  readonly runtime: NodeRuntime;
  readonly files: TaskFiles;
  readonly agent?: ReturnType<EcsAgent['register']>;
  readonly host: string;
  readonly log: (line: string) => void;
}

export class NodeTask implements Task {
  public static async start(
    name: string, service: ServiceSpec, runtime: NodeRuntime, log: (line: string) => void,
  ): Promise<NodeTask> {
    const { address, loopback } = await findFreeAddresses(service);
    const isFirstProcess = !service.container.init;
    const agent = runtime.agent?.register(service);
    const hostPorts = hostPortsOf(service.container, runtime.environment, agent?.environment);
    const files = createFiles(runtime, { address, loopback, rehearsalPid: process.pid, isFirstProcess, hostPorts });
    return new NodeTask({ name, service, runtime, files, agent, host: address ?? '127.0.0.1', log });
  }

  public readonly name: string;
  public readonly exited: Promise<TaskExit>;
  public exit?: TaskExit;
  public readonly listening: ListenReport[] = [];
  public readonly lastLines: string[] = [];
  private readonly service: ServiceSpec;
  private readonly runtime: NodeRuntime;
  private readonly files: TaskFiles;
  private readonly host: string;
  private readonly agent?: ReturnType<EcsAgent['register']>;
  private readonly process: ChildProcess;
  private readonly startedAt = Date.now();
  private readonly lineListeners: Array<(line: string) => void>;

  private constructor(props: NodeTaskProps) {
    this.name = props.name;
    this.service = props.service;
    this.runtime = props.runtime;
    this.files = props.files;
    this.host = props.host;
    this.lineListeners = [props.log];
    this.agent = props.agent;
    this.process = this.spawn(this.runtime.command.slice(1), ['ignore', 'pipe', 'pipe', 'pipe']);
    const killGroup = removeOnExit(() => {
      signalGroup(this.process, 'SIGKILL');
      killProcessesOf(this.files.directory);
    });

    const keep = keepLast(this.lastLines, (line) => this.lineListeners.forEach((listener) => listener(line)));
    eachLine(this.process.stdout!, keep);
    eachLine(this.process.stderr!, keep);
    eachLine(this.process.stdio[3] as net.Socket, (line) => {
      const report = readListenReport(line);
      if (report) { this.listening.push(report); }
    });
    this.exited = new Promise((resolve) => {
      const finish = (code: number | null, signal: NodeJS.Signals | null) => {
        this.exit ??= { code, signal };
        resolve(this.exit);
      };
      this.process.on('error', (error) => {
        keep(`could not start: ${error.message}`);
        finish(null, null);
      });
      this.process.on('exit', (code, signal) => {
        this.exit = { code, signal };
        // Other processes that the app started end with its container.
        killGroup();
      });
      this.process.on('close', finish);
    });
  }

  public get secondsSinceStart(): number {
    return (Date.now() - this.startedAt) / 1000;
  }

  public endpoint(port: number): Endpoint {
    return { host: this.host, port };
  }

  public onLine(listener: (line: string) => void): void {
    this.lineListeners.push(listener);
  }

  public async checkContainerHealth(check: ContainerHealthCheckSpec): Promise<HealthCheckOutcome> {
    const child = this.spawnHealthCheck(check.command);
    if (!child) { return 'skipped'; }
    const kill = removeOnExit(() => signalGroup(child, 'SIGKILL'));
    return new Promise((resolve) => {
      let outcome: HealthCheckOutcome = 'failed';
      const timer = setTimeout(() => {
        outcome = 'timed out';
        kill();
      }, 1000 * check.timeoutSeconds);
      const finish = (code: number | null) => {
        clearTimeout(timer);
        kill();
        resolve(code === 0 && outcome !== 'timed out' ? 'passed' : outcome);
      };
      child.on('error', () => finish(null));
      child.on('exit', finish);
    });
  }

  public async memory(): Promise<Memory | undefined> {
    const usedMiB = this.exit ? undefined : residentMiB(this.process.pid!);
    if (usedMiB === undefined) { return undefined; }
    return { usedMiB, limitMiB: this.service.container.memoryLimitMiB ?? Number(this.service.memoryMiB) };
  }

  public async declaredSettings(): Promise<readonly DeclaredSetting[]> {
    const { user, processUser } = this.runtime;
    const uid = processUser.uid ?? process.getuid?.();
    return [
      {
        setting: 'user',
        declared: user,
        actual: uid === undefined ? 'this system has no numeric user IDs' : String(uid),
        // A different user is due to this machine, and not an error of the app.
        matches: idOf(user) === uid ? true : undefined,
      },
      this.service.container.readonlyRootFilesystem
        ? { setting: 'root filesystem', declared: 'read-only', actual: 'only a container engine can make it read-only' }
        : { setting: 'root filesystem', declared: 'writable', actual: 'writable', matches: true },
    ];
  }

  public async rootWrites(): Promise<readonly string[]> {
    const { root, createdAtMs } = this.files;
    const volumes = this.service.container.mountPoints.map((mount) => mount.path);
    return fs.readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
      .filter((file) => (fs.lstatSync(file, { throwIfNoEntry: false })?.ctimeMs ?? 0) > createdAtMs)
      .map((file) => `/${path.relative(root, file)}`)
      .filter((file) => !volumes.some((volume) => file.startsWith(`${volume}/`)));
  }

  public async kill(): Promise<TaskExit> {
    signalGroup(this.process, 'SIGKILL');
    return this.exited;
  }

  public async stop(mode: StopMode, callbacks?: SignalCallbacks): Promise<TaskStop> {
    const stoppedAt = Date.now();
    let killed = false;
    const timer = setTimeout(() => {
      killed = true;
      signalGroup(this.process, 'SIGKILL');
    }, 1000 * this.service.container.stopTimeoutSeconds);
    if (mode === 'immediately') {
      signalGroup(this.process, 'SIGKILL');
    } else if (!this.exit) {
      callbacks?.before();
      this.process.kill(this.runtime.image.stopSignal ?? 'SIGTERM');
      callbacks?.after();
    }
    const exit = await this.exited;
    clearTimeout(timer);
    this.agent?.remove();
    this.files.remove();
    return { ...exit, killed, milliseconds: Date.now() - stoppedAt };
  }

  /** @returns undefined where the check runs a program of the image, which may not exist here or be another one */
  private spawnHealthCheck([form, program = '', ...rest]: readonly string[]): ChildProcess | undefined {
    if (form !== 'CMD-SHELL') { return program === 'node' ? this.spawn(rest, 'ignore') : undefined; }
    if (!/^node\s/.test(program) || process.platform === 'win32') { return undefined; }
    const environment = this.environment();
    return spawn('/bin/sh', ['-c', program], {
      ...this.runtime.processUser,
      cwd: this.workingDirectory(),
      env: {
        ...environment,
        PATH: `${path.dirname(process.execPath)}:${environment.PATH}`,
        NODE_OPTIONS: [environment.NODE_OPTIONS, `--require "${this.files.preload}"`].filter(Boolean).join(' '),
      },
      stdio: 'ignore',
      detached: true,
    });
  }

  /** Starts Node.js in the task. */
  private spawn(nodeArguments: readonly string[], stdio: 'ignore' | Array<'ignore' | 'pipe'>): ChildProcess {
    return spawn(process.execPath, ['--require', this.files.preload, ...this.inRoot(nodeArguments)], {
      ...this.runtime.processUser,
      cwd: this.workingDirectory(),
      env: this.environment(),
      stdio,
      // In its own process group, Ctrl-C does not reach it, and it ends together with the processes that it starts.
      detached: process.platform !== 'win32',
    });
  }

  private environment(): NodeJS.ProcessEnv {
    const { root, temporary } = this.files;
    const environment: NodeJS.ProcessEnv = {
      PATH: process.env.PATH,
      // In a container these are / and /tmp.
      HOME: root,
      TMPDIR: temporary,
    };
    // Windows starts no process without it.
    if (process.env.SYSTEMROOT) { environment.SYSTEMROOT = process.env.SYSTEMROOT; }
    return { ...environment, ...this.agent?.environment, ...this.runtime.environment };
  }

  private workingDirectory(): string {
    return path.join(this.files.root, this.runtime.workingDirectory);
  }

  /** Replaces absolute paths of the image by those of this machine. */
  private inRoot(argv: readonly string[]): string[] {
    return argv.map((argument) => {
      const file = path.join(this.files.root, argument);
      return argument.startsWith('/') && fs.existsSync(file) ? file : argument;
    });
  }
}

/**
 * The ports of this machine's loopback interface that the app may reach: those of the rehearsal, in variables that it
 * adds or rewrites, and those in values of the user. All others belong to programs that are not there on Fargate.
 */
function hostPortsOf(
  { environment: declared, overridden }: ContainerSpec, environment: Environment, ofAgent: Environment = {},
): number[] {
  const valuesOfUser = overridden.map((name) => environment[name]);
  const rewritten = Object.keys(declared).filter((name) => environment[name] !== declared[name]);
  const values = [...valuesOfUser, ...rewritten.map((name) => environment[name]), ...Object.values(ofAgent)];
  const isHere = (value: string) => /(^|[/@])(localhost|127\.0\.0\.1)(:|$)/.test(value);
  const ports = values.filter(isHere).flatMap((value) => value.match(/(?<=:)\d+/g) ?? []);
  // A port may have a variable of its own.
  if (valuesOfUser.some(isHere)) { ports.push(...valuesOfUser.filter((value) => /^\d+$/.test(value))); }
  return ports.map(Number);
}

/** @param taskNetwork the `TaskNetwork` that the preloaded script reads */
function createFiles({ image, workingDirectory }: NodeRuntime, taskNetwork: object): TaskFiles {
  const { directory, remove } = temporaryDirectory();
  try {
    const root = path.join(directory, 'root');
    const temporary = path.join(directory, 'tmp');
    const preload = path.join(directory, TASK_NETWORK);
    image.layOut(root);
    const inRoot = path.join(root, workingDirectory);
    if (leavesRoot(root, inRoot)) {
      throw new CannotRun(`the working directory ${workingDirectory} is a symbolic link: set --engine docker or`
        + ' podman');
    }
    fs.mkdirSync(inRoot, { recursive: true });
    fs.mkdirSync(temporary);
    fs.copyFileSync(path.join(__dirname, TASK_NETWORK), preload);
    // As in a container, another user can read all files but change only those in /tmp.
    fs.chmodSync(directory, 0o755);
    fs.chmodSync(temporary, 0o1777);
    fs.chmodSync(preload, 0o644);
    // Written last: its time separates the files of the image from those of the app.
    const settings = path.join(directory, 'task-network.json');
    fs.writeFileSync(settings, JSON.stringify(taskNetwork));
    fs.chmodSync(settings, 0o644);
    return { directory, root, temporary, preload, createdAtMs: fs.statSync(settings).ctimeMs, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** The app may write to the file descriptor too. */
function readListenReport(line: string): ListenReport | undefined {
  try {
    const { port, host } = JSON.parse(line) as Record<string, unknown>;
    const isReport = typeof port === 'number' && (host === undefined || typeof host === 'string');
    return isReport ? { port, host } : undefined;
  } catch {
    return undefined;
  }
}
