import { ChildProcess, fork } from 'node:child_process';
import * as fs from 'node:fs';
import type * as Https from 'node:https';
import * as os from 'node:os';
import * as path from 'node:path';
import { removeOnExit } from '../leftovers';

/*
 * Runs the code of a Lambda function that handles custom resources, in a process of its own: with an environment
 * of its own, and nothing of what it prints or changes reaches the rehearsal.
 */

/** What a handler of custom resources answers to CloudFormation. */
export interface CloudFormationResponse {
  readonly Status: 'SUCCESS' | 'FAILED';
  readonly Reason?: string;
  readonly RequestId: string;
  readonly Data?: { readonly [name: string]: any };
}

/** Answers to this host are taken by the process that runs the handler; the name cannot exist. */
const RESPONSE_HOST = 'cloudformation.invalid';
export const RESPONSE_URL = `https://${RESPONSE_HOST}/`;

type Message =
  | { readonly type: 'response'; readonly response: CloudFormationResponse }
  | { readonly type: 'returned'; readonly id: number; readonly result?: unknown; readonly error?: string };

export class LambdaCode {
  /** What it printed. */
  public output = '';
  private readonly process: ChildProcess;
  private readonly pending = new Map<number, (message: Message & { type: 'returned' }) => void>();
  private readonly remove: () => void;
  private calls = 0;

  /**
   * @param file the module with the handlers
   * @param environment of the process
   * @param responded is called with each answer to CloudFormation
   */
  constructor(file: string, environment: { [name: string]: string | undefined }, responded: (response: CloudFormationResponse) => void) {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hello-fargate-service-'));
    const script = path.join(directory, 'lambda.cjs');
    fs.writeFileSync(script, `(${hostLambda})(require, ${JSON.stringify(file)}, ${JSON.stringify(RESPONSE_HOST)});\n`);
    // A home of its own: no profile of the user's is read there.
    const env = { ...environment, HOME: directory, USERPROFILE: directory };
    this.process = fork(script, [], { env, execArgv: [], silent: true, detached: process.platform !== 'win32' });
    this.remove = removeOnExit(() => {
      this.process.kill('SIGKILL');
      fs.rmSync(directory, { recursive: true, force: true });
    });
    const keep = (text: Buffer) => { this.output += text; };
    this.process.stdout!.on('data', keep);
    this.process.stderr!.on('data', keep);
    this.process.on('message', (message: Message) => {
      if (message.type === 'response') { responded(message.response); } else { this.pending.get(message.id)?.(message); }
    });
    this.process.on('exit', () => this.pending.forEach((settle, id) => settle({ type: 'returned', id, error: `the handler died: ${this.output.trim()}` })));
  }

  /** @throws what the handler throws */
  public async invoke(handler: string, event: unknown, timeoutSeconds: number): Promise<unknown> {
    const id = this.calls++;
    const { result, error } = await new Promise<Message & { type: 'returned' }>((resolve) => {
      const timer = setTimeout(() => resolve({ type: 'returned', id, error: `Task timed out after ${timeoutSeconds} seconds` }), 1000 * timeoutSeconds);
      this.pending.set(id, (message) => {
        clearTimeout(timer);
        this.pending.delete(id);
        resolve(message);
      });
      this.process.send({ id, handler, event, timeoutSeconds }, (failed) => {
        if (failed) { this.pending.get(id)?.({ type: 'returned', id, error: failed.message }); }
      });
    });
    if (error !== undefined) { throw new Error(error); }
    return result;
  }

  public close(): void {
    this.remove();
  }
}

/** Written out as text and run alone: it may use its arguments and nothing else of this file. */
function hostLambda(load: NodeJS.Require, file: string, responseHost: string): void {
  const https = load('node:https') as typeof Https;
  const request = https.request as (...args: any[]) => unknown;
  (https as any).request = (...args: any[]) => {
    const [options, answered] = args;
    if (options?.hostname !== responseHost) { return request(...args); }
    let body = '';
    return {
      on: () => {},
      write: (text: string) => { body += text; },
      end: () => process.send!({ type: 'response', response: JSON.parse(body) }, () => answered({ statusCode: 200 })),
    };
  };

  const handlers = load(file);
  process.on('disconnect', () => process.exit());
  process.on('message', async ({ id, handler, event, timeoutSeconds }: any) => {
    const deadline = Date.now() + 1000 * timeoutSeconds;
    const context = { functionName: handler, logStreamName: 'rehearsal', awsRequestId: String(id), getRemainingTimeInMillis: () => deadline - Date.now() };
    try {
      process.send!({ type: 'returned', id, result: await handlers[handler](event, context) });
    } catch (error) {
      process.send!({ type: 'returned', id, error: error instanceof Error ? error.message : String(error) });
    }
  });
}
