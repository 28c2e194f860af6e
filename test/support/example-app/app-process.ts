import { ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const BUNDLE = join(__dirname, '../../../example-app/dist/server.js');

export type LogLine = Record<string, unknown>;

export interface AppOptions {
  /** @default - the bundle of the image */
  readonly script?: string;
  /** @default - the Node.js binary of this process */
  readonly node?: string;
  readonly nodeArgs?: string[];
  readonly env?: Record<string, string>;
  /** Stops reading stdout after the first line, like a stalled log driver. */
  readonly stallLog?: boolean;
}

/** The app as a separate process on a free port of the loopback address, with all its output. */
export class AppProcess {
  /** Resolves when the app is listening. */
  public static async start(options: AppOptions = {}): Promise<AppProcess> {
    const app = new AppProcess(options);
    while (!app.log.some(({ message }) => message === 'listening')) {
      if (app.child.exitCode !== null || app.child.signalCode !== null) {
        throw new Error(`exited before it was listening: ${app.output}`);
      }
      await sleep(10);
    }
    app.port = Number(app.log[0].port);
    if (options.stallLog) { app.child.stdout!.pause(); }
    return app;
  }

  public port = 0;
  /** The lines that are JSON. */
  public readonly log: LogLine[] = [];
  /** All lines of stdout and stderr. */
  public readonly output: string[] = [];
  /** Resolves to the exit code or the signal when all output has been read. */
  public readonly ended: Promise<number | string>;
  private readonly child: ChildProcess;

  /** Does not wait until the app is listening: for processes that are expected to exit at once. */
  public constructor({ script = BUNDLE, node = process.execPath, nodeArgs = [], env = {} }: AppOptions = {}) {
    this.child = spawn(node, [...nodeArgs, script], {
      env: { PATH: process.env.PATH, PORT: '0', HOST: '127.0.0.1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // No process outlives a test that fails.
      timeout: 120_000,
      killSignal: 'SIGKILL',
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      createInterface(stream).on('line', (line) => {
        this.output.push(line);
        try {
          this.log.push(JSON.parse(line));
        } catch {
          // Tests of plain-text lines read `output`.
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
