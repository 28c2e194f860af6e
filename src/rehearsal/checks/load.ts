import * as http from 'node:http';
import { LoadBalancer } from '../edge/load-balancer';
import { Target } from '../edge/target-group';
import { sleep } from '../sleep';

/*
 * Requests at a steady rate through the stand-in for a load balancer, and what came of each, by the task that it went to.
 */

/** Where users come in. */
export interface Front {
  readonly loadBalancer: LoadBalancer;
  readonly url: string;
  readonly host: string;
}

/** What came of a request that was sent to a task. */
export interface RequestOutcome {
  readonly target: Target;
  /** Milliseconds, as `Date.now()` has them. */
  readonly sentAt: number;
  /** Absent where there was no whole answer. */
  readonly status?: number;
}

/** Without a status where there was no whole answer. */
export interface Answer {
  readonly status?: number;
  /** The Keep-Alive header. */
  readonly keepAlive?: string;
  readonly error?: string;
}

export const hasFailed = ({ status }: { readonly status?: number }): boolean => status === undefined || status >= 500;

export class Load {
  /** Of requests that reached a task. */
  public readonly outcomes: RequestOutcome[] = [];
  private readonly ended = new AbortController();
  private readonly under = new Set<Promise<unknown>>();

  constructor(private readonly front: Front, private readonly perSecond: number) {
    front.loadBalancer.observe = (outcome) => this.outcomes.push(outcome);
    void this.run();
  }

  /** Ends when all is answered that was sent. */
  public async end(): Promise<void> {
    this.ended.abort();
    await Promise.all(this.under);
    this.front.loadBalancer.observe = undefined;
  }

  private async run(): Promise<void> {
    const began = Date.now();
    let sent = 0;
    while (!this.ended.signal.aborted) {
      // After a pause of the machine, what is due is sent at once.
      while (sent < (Date.now() - began) / 1000 * this.perSecond) {
        sent++;
        const answer = get(this.front.url, this.front.host);
        this.under.add(answer);
        void answer.finally(() => this.under.delete(answer));
      }
      await sleep(1000 / this.perSecond, this.ended.signal);
    }
  }
}

/** How many requests the tasks answer in a second, all of them together, as far as some at once tell. */
export async function throughputOf({ url, host }: Front): Promise<number> {
  const began = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => get(url, host)));
  return 1000 * AT_ONCE / (performance.now() - began);
}

/** Enough that those that wait for others count less than those that compute. */
const AT_ONCE = 20;

interface GetOptions {
  readonly agent?: http.Agent | false;
  /** Milliseconds of silence. */
  readonly timeout?: number;
  /** Calls when the request has left this process. */
  readonly sent?: () => void;
}

/** One request, over a connection of its own unless an agent is given. */
export async function get(
  url: string, host: string,
  { agent = false, timeout = 30_000, sent }: GetOptions = {},
): Promise<Answer> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent, headers: { Host: host }, timeout }, (response) => {
      const keepAlive = response.headers['keep-alive']?.toString();
      response.resume()
        .on('end', () => resolve({ status: response.statusCode, keepAlive }))
        .on('error', (error) => resolve({ error: error.message }))
        .on('close', () => resolve({ error: 'the answer was cut off' }));
    });
    if (sent) { request.on('finish', sent); }
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeout / 1000} s`)));
    request.on('error', (error) => resolve({ error: error.message }));
  });
}
