import * as fs from 'node:fs';
import * as os from 'node:os';
import { failureReason } from './command';
import { ContainerProps, createArguments } from './container-arguments';
import { Engine } from './engine';
import { readFileOrEmpty } from './proc';
import { eachLine } from '../../lines';
import { ContainerHealthCheckSpec, ContainerSpec } from '../../model';
import { sleep } from '../../sleep';
import { HealthCheckOutcome, SignalCallbacks, TaskExit } from '../task';

/** Time to wait for the last log lines of a container that has exited. */
const LAST_LINES_MS = 10_000;

/** One container of a task: creates it, starts it after its dependencies, and stops it. */
export class Container {
  public exit?: TaskExit;
  /** Resolves after the last log line. */
  public readonly exited: Promise<TaskExit>;
  public startedAt?: number;
  /** Resolves once it runs, or has failed to start. */
  public readonly started: Promise<void>;
  public readonly spec: ContainerSpec;
  public readonly name: string;
  private readonly engine: Engine;
  private stopping?: Promise<boolean>;
  private cancel?: () => void;

  /** @param dependencies the container starts when they resolve, and does not start if they reject */
  constructor(private readonly props: ContainerProps, dependencies: Promise<void>, onLine: (line: string) => void) {
    this.engine = props.engine;
    this.spec = props.spec;
    this.name = props.name;
    let markStarted = () => {};
    this.started = new Promise((resolve) => { markStarted = resolve; });
    this.exited = this.run(dependencies, onLine, markStarted)
      .catch(async (error: Error) => {
        onLine(`could not start: ${error.message}`);
        return this.startFailure();
      })
      .then((exit) => {
        this.exit = exit;
        markStarted();
        return exit;
      });
  }

  /** Sends a signal. A container that still waits for its dependencies is canceled instead. */
  public async signal(signal: string): Promise<void> {
    this.cancel?.();
    await this.started;
    if (!this.exit) { await this.engine.run(['kill', '--signal', signal, this.name]); }
  }

  /**
   * Sends the stop signal and, after the stop timeout, SIGKILL. Further calls wait for the first one.
   * @returns whether it got SIGKILL
   */
  public async stop(callbacks?: SignalCallbacks): Promise<boolean> {
    this.stopping ??= this.stopOnce(callbacks);
    return this.stopping;
  }

  /** @returns false when it exited before it was healthy */
  public async waitUntilHealthy(): Promise<boolean> {
    const check = this.spec.healthCheck;
    await this.started;
    while (check && !this.exit) {
      if (await this.checkHealth(check) === 'passed') { return true; }
      // More often than ECS, so that a task starts faster.
      await sleep(1000 * Math.min(1, check.intervalSeconds));
    }
    return false;
  }

  public async checkHealth({ command, timeoutSeconds }: ContainerHealthCheckSpec): Promise<HealthCheckOutcome> {
    const [form, ...words] = command;
    const argv = form === 'CMD-SHELL' ? ['/bin/sh', '-c', ...words] : words;
    const { code } = await this.engine.run(['exec', this.name, ...argv], { timeoutSeconds });
    if (code === 0) { return 'passed'; }
    // The engine's command has no exit code when the timeout has killed it.
    return code === null ? 'timed out' : 'failed';
  }

  private async run(
    dependencies: Promise<void>, onLine: (line: string) => void, markStarted: () => void,
  ): Promise<TaskExit> {
    const canceled = new Promise<'canceled'>((resolve) => { this.cancel = () => resolve('canceled'); });
    if (await Promise.race([dependencies, canceled]) === 'canceled') { return { code: null, signal: null }; }

    const { args, env } = createArguments(this.props);
    await this.engine.runOrThrow(['create', ...args], { env });
    const waitForLastLines = await this.start(onLine);
    this.startedAt = Date.now();
    markStarted();
    const code = Number.parseInt((await this.engine.run(['wait', this.name])).stdout, 10);
    await waitForLastLines();
    if (Number.isNaN(code)) { return { code: null, signal: null }; }
    const outOfMemory = code === 137 && await this.inspect('{{.State.OOMKilled}}') === 'true';
    return outOfMemory ? { code, signal: null, outOfMemory } : { code, signal: null };
  }

  /**
   * Attaches to the container before it starts: `podman logs --follow` loses lines on a busy machine.
   * @returns waits for its last lines, after its exit
   * @throws when it does not start, with the engine's reason
   */
  private async start(onLine: (line: string) => void): Promise<() => Promise<void>> {
    const attached = this.engine.spawn(['start', '--attach', this.name], { cwd: await this.monitorDirectory() });
    const closed = new AbortController();
    attached.on('close', () => closed.abort()).on('error', () => closed.abort());
    // Until the container runs, lines may be the engine's own.
    const earlyLines: string[] = [];
    let handleLine = (line: string): void => { earlyLines.push(line); };
    for (const stream of [attached.stdout!, attached.stderr!]) { eachLine(stream, (line) => handleLine(line)); }
    for (let isLast = false; ;) {
      // The start time of a container that has never started is in the year 1.
      if (/^(?!0001)\d{4}-/.test(await this.inspect('{{.State.StartedAt}}'))) { break; }
      if (isLast) { throw new Error(failureReason(earlyLines.join('\n'))); }
      await sleep(100, closed.signal);
      isLast = closed.signal.aborted;
    }
    earlyLines.forEach(onLine);
    handleLine = onLine;
    return async () => {
      await sleep(LAST_LINES_MS, closed.signal);
      attached.kill('SIGKILL');
    };
  }

  /** The exit of a container that did not start. */
  private async startFailure(): Promise<TaskExit> {
    const { code, stdout } = await this.engine.run(['inspect', '--format', '{{.State.ExitCode}}', this.name]);
    // If the engine has no exit code for a created container: 127, as a shell returns for a command that is not found.
    return { code: code === 0 ? Number(stdout) || 127 : 1, signal: null };
  }

  /**
   * Podman's monitor writes a file to its working directory when a container is out of memory, and Podman looks for
   * that file in the container's own directory.
   */
  private async monitorDirectory(): Promise<string | undefined> {
    if (this.engine.kind === 'docker') { return undefined; }
    const directory = await this.inspect('{{.StaticDir}}');
    try {
      fs.readdirSync(directory);
      return directory;
    } catch {
      // It belongs to another user or is on another machine. The file must not be written to the user's working
      // directory.
      return os.tmpdir();
    }
  }

  private async stopOnce(callbacks?: SignalCallbacks): Promise<boolean> {
    this.cancel?.();
    await this.started;
    let killed = false;
    const timer = setTimeout(() => {
      killed = !this.exit;
      void this.signal('KILL');
    }, 1000 * this.spec.stopTimeoutSeconds);
    const pid = await this.localPid();
    callbacks?.before();
    if (!sendSignal(pid, this.props.image.stopSignal)) { await this.signal(this.props.image.stopSignal); }
    callbacks?.after();
    await this.exited;
    clearTimeout(timer);
    return killed;
  }

  /** The process ID on this machine, where the engine runs on it: an engine takes longer to send a signal. */
  private async localPid(): Promise<number | undefined> {
    const [pid, id] = (await this.inspect('{{.State.Pid}} {{.Id}}')).split(' ');
    return id !== undefined && readFileOrEmpty(`/proc/${pid}/cgroup`).includes(id) ? Number(pid) : undefined;
  }

  private async inspect(format: string): Promise<string> {
    return (await this.engine.run(['inspect', '--format', format, this.name])).stdout.trim();
  }
}

/** @returns false if it cannot be sent from here */
function sendSignal(pid: number | undefined, signal: string): boolean {
  if (pid === undefined) { return false; }
  try {
    return process.kill(pid, /^\d+$/.test(signal) ? Number(signal) : signal);
  } catch {
    return false;
  }
}
