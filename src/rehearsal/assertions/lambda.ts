import { ChildProcess, fork } from 'node:child_process';
import * as path from 'node:path';
import { removeOnExit, temporaryDirectory } from '../leftovers';

/*
 * Runs a Lambda function that handles custom resources in a child process with an environment of its own, so that its
 * output and side effects are kept apart from the rehearsal.
 */

/** The response of a handler to CloudFormation. */
export interface CloudFormationResponse {
  readonly Status: 'SUCCESS' | 'FAILED';
  readonly Reason?: string;
  readonly RequestId: string;
  readonly Data?: Readonly<Record<string, unknown>>;
}

/** The child process intercepts responses to this host, which cannot exist. */
const RESPONSE_HOST = 'cloudformation.invalid';
export const RESPONSE_URL = `https://${RESPONSE_HOST}/`;

interface Result {
  readonly result?: unknown;
  readonly error?: string;
}

type Message =
  | { readonly type: 'response'; readonly response: CloudFormationResponse }
  | { readonly type: 'returned'; readonly id: number } & Result;

export class LambdaFunction {
  /** What it has printed. */
  public output = '';
  private readonly process: ChildProcess;
  private readonly pending = new Map<number, (result: Result) => void>();
  private readonly remove: () => void;
  private calls = 0;

  /**
   * @param file the module with the handlers
   * @param environment environment variables of the process
   * @param onResponse called with each response to CloudFormation
   */
  constructor(
    file: string,
    environment: Record<string, string | undefined>,
    onResponse: (response: CloudFormationResponse) => void,
  ) {
    // With a home directory of its own, it does not read the user's AWS profiles.
    const { directory: home, remove } = temporaryDirectory();
    this.process = fork(path.join(__dirname, 'lambda-host.cjs'), [file, RESPONSE_HOST], {
      env: { ...environment, HOME: home, USERPROFILE: home },
      execArgv: [],
      silent: true,
      detached: process.platform !== 'win32',
    });
    this.remove = removeOnExit(() => {
      this.process.kill('SIGKILL');
      remove();
    });
    const append = (output: Buffer) => { this.output += output; };
    this.process.stdout!.on('data', append);
    this.process.stderr!.on('data', append);
    this.process.on('message', (message: Message) => {
      if (message.type === 'response') {
        onResponse(message.response);
      } else {
        this.settle(message.id, message);
      }
    });
    this.process.on('exit', () => [...this.pending.keys()].forEach((id) =>
      this.settle(id, { error: `the handler exited: ${this.output.trim()}` })));
  }

  /** @throws the error of the handler */
  public async invoke(handler: string, event: unknown, timeoutSeconds: number): Promise<unknown> {
    const id = this.calls++;
    const { result, error } = await new Promise<Result>((resolve) => {
      const timer = setTimeout(() => {
        this.settle(id, { error: `Task timed out after ${timeoutSeconds} seconds` });
      }, 1000 * timeoutSeconds);
      this.pending.set(id, (settled) => {
        clearTimeout(timer);
        resolve(settled);
      });
      this.process.send({ id, handler, event, timeoutSeconds }, (failure) => {
        if (failure) { this.settle(id, { error: failure.message }); }
      });
    });
    if (error !== undefined) { throw new Error(error); }
    return result;
  }

  public close(): void {
    this.remove();
  }

  private settle(id: number, result: Result): void {
    this.pending.get(id)?.(result);
    this.pending.delete(id);
  }
}
