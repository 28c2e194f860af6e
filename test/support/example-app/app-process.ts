import { ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const BUNDLE = join(__dirname, '../../../example-app/dist/server.js');

export type LogLine = Record<string, unknown>;

export interface AppOptions {
  /** @default - the bundle that the image holds */
  readonly script?: string;
  /** @default - the Node that runs this */
  readonly node?: string;
  readonly nodeArgs?: string[];
  readonly env?: Record<string, string>;
  /** Leave stdout unread after the first line, as a stalled log driver does. */
  readonly stallLog?: boolean;
}

/** The app as a process of its own on a free port of the loopback address, and every line that it wrote. */
export class AppProcess {
  /** Resolves when the app listens. */
  public static async start(options: AppOptions = {}): Promise<AppProcess> {
    const app = new AppProcess(options);
    while (!app.log.some(({ message }) => message === 'listening')) {
      if (app.child.exitCode !== null || app.child.signalCode !== null) throw new Error(`exited before it listened: ${app.output}`);
      await sleep(10);
    }
    app.port = Number(app.log[0].port);
    if (options.stallLog) app.child.stdout!.pause();
    return app;
  }

  public port = 0;
  /** The lines that are JSON. */
  public readonly log: LogLine[] = [];
  /** All that was written to stdout and stderr, line by line. */
  public readonly output: string[] = [];
  /** The exit code, or the signal that ended it, once all output has been read. */
  public readonly ended: Promise<number | string>;
  private readonly child: ChildProcess;

  /** Does not wait for anything: for processes that are expected to end at once. */
  public constructor({ script = BUNDLE, node = process.execPath, nodeArgs = [], env = {} }: AppOptions = {}) {
    this.child = spawn(node, [...nodeArgs, script], {
      env: { PATH: process.env.PATH, PORT: '0', HOST: '127.0.0.1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Whatever becomes of the test, nothing is left behind.
      timeout: 120_000,
      killSignal: 'SIGKILL',
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      createInterface(stream).on('line', (line) => {
        this.output.push(line);
        try {
          this.log.push(JSON.parse(line));
        } catch {
          // The tests that care look at `output`.
        }
      });
    }
    this.ended = new Promise((resolve) => this.child.once('close', (code, signal) => resolve(code ?? signal!)));
  }

  public kill(signal: NodeJS.Signals = 'SIGKILL') {
    this.child.kill(signal);
  }

  public resumeLog() {
    this.child.stdout!.resume();
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
