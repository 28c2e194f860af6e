import * as http from 'node:http';
import { ForwardResult } from '../edge/emulator';
import { Front } from '../edge/routes';
import { RunningTask } from '../running-service';
import { sleep } from '../sleep';

/*
 * Sends requests at a steady rate through an emulator, and records the results by the task that received them.
 */

export interface Answer {
  /** Undefined if there was no complete response. */
  readonly status?: number;
  /** The Keep-Alive header. */
  readonly keepAlive?: string;
  /** The Location header, of a redirect. */
  readonly location?: string;
  readonly error?: string;
}

export const hasFailed = ({ status }: { readonly status?: number }): boolean => status === undefined || status >= 500;

export class Load {
  /** Of all requests. */
  public readonly answers: Answer[] = [];
  /** Of requests that reached a task. */
  public readonly results: ForwardResult[] = [];
  private readonly ended = new AbortController();
  private readonly inFlight = new Set<Promise<unknown>>();
  private readonly stopObserving: () => void;

  constructor(private readonly front: Front, private readonly perSecond: number) {
    this.stopObserving = front.emulator.observe((result) => this.results.push(result));
    void this.run();
  }

  public resultsOf({ targets }: RunningTask): ForwardResult[] {
    return this.results.filter((result) => targets.some(({ target }) => target === result.target));
  }

  /** Stops sending, and waits for the answers to all requests. */
  public async end(): Promise<void> {
    this.ended.abort();
    await Promise.all(this.inFlight);
    this.stopObserving();
  }

  private async run(): Promise<void> {
    const start = Date.now();
    let sent = 0;
    while (!this.ended.signal.aborted) {
      // After a pause of this process, all due requests are sent at once.
      while (sent < (Date.now() - start) / 1000 * this.perSecond) {
        sent++;
        const answer = get(this.front.url, this.front.host);
        this.inFlight.add(answer);
        void answer.then((complete) => {
          this.answers.push(complete);
          this.inFlight.delete(answer);
        });
      }
      await sleep(1000 / this.perSecond, this.ended.signal);
    }
  }
}

/** Enough that a task that waits for one response computes another. */
const CONCURRENT_REQUESTS = 20;

/** @returns requests per second that all tasks together answer, estimated from a few concurrent requests */
export async function measureThroughput({ url, host }: Front): Promise<number> {
  const start = performance.now();
  await Promise.all(Array.from({ length: CONCURRENT_REQUESTS }, async () => get(url, host)));
  return 1000 * CONCURRENT_REQUESTS / (performance.now() - start);
}

interface GetOptions {
  readonly agent?: http.Agent | false;
  /** Maximum time without data, in milliseconds. */
  readonly timeout?: number;
  /** Called when the request has been handed to the operating system. */
  readonly onSent?: () => void;
}

/** Sends one request, over its own connection unless there is an agent. Never rejects. */
export async function get(
  url: string, host: string, { agent = false, timeout = 30_000, onSent }: GetOptions = {},
): Promise<Answer> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent, headers: { Host: host }, timeout }, (response) => {
      const keepAlive = response.headers['keep-alive']?.toString();
      response.resume()
        .on('end', () => resolve({ status: response.statusCode, keepAlive, location: response.headers.location }))
        .on('error', (error) => resolve({ error: error.message }))
        .on('close', () => resolve({ error: 'the response was cut off' }));
    });
    if (onSent) { request.on('finish', onSent); }
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeout / 1000} s`)));
    request.on('error', (error) => resolve({ error: error.message }));
  });
}

/** Whether an app behind a TCP listener understands HTTP. */
export async function answersHttp({ url, host }: Front): Promise<boolean> {
  return (await get(url, host, { timeout: 2000 })).status !== undefined;
}
