/*
 * An emulator of an Application Load Balancer in front of two tasks while one of them stops: new connections, a pool of
 * keep-alive connections, health checks, and three moments at which a target is deregistered. All times are a tenth of
 * the real ones. Like a real load balancer it does not retry, so each failure is one that a client would see.
 */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { AppProcess, sleep } from './app-process';

/** When the load balancer stops sending requests to the task that receives SIGTERM. */
export type Deregistration = 'before SIGTERM' | 'after SIGTERM' | 'only by failing health checks';

export const DEREGISTRATIONS: Deregistration[] = ['before SIGTERM', 'after SIGTERM', 'only by failing health checks'];

export interface StopResult {
  requests: number;
  requestsPerSecond: number;
  /** The failures that clients would have seen, and how often. */
  failures: Record<string, number>;
  failed: number;
  /** Responses with no log line or more than one. */
  lostLines: number;
  /** The exit code of the stopped task, or SIGKILL when it exceeded the stop timeout. */
  exitCode: number | string;
}

const INTERVAL_MS = 4;
const HEALTH_INTERVAL_MS = 200;
const UNHEALTHY_THRESHOLD = 2;
const STOP_TIMEOUT_MS = 4_500;
const ENV = { SHUTDOWN_DELAY_MS: '1000', SHUTDOWN_TIMEOUT_MS: '4000', KEEP_ALIVE_TIMEOUT_MS: '6500' };
const SLOW_MS = 400;
const SLOW_RESPONSES = join(__dirname, 'slow-responses.js');

class Target {
  public inRotation = true;
  public readonly requestIds: string[] = [];
  private readonly agent = new Agent({ keepAlive: true, scheduling: 'fifo', timeout: 6_000 });

  public constructor(public readonly app: AppProcess) {}

  /** Rejects on a failure that a client would see. */
  public request(path: string, headers: Record<string, string> = {}, agent = this.agent): Promise<void> {
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: this.app.port, path, agent, headers }, (response) => {
        response.on('error', reject);
        response.resume().on('end', () => {
          this.requestIds.push(String(response.headers['x-request-id']));
          if (response.statusCode === 200) {
            resolve();
          } else {
            reject(new Error(`status ${response.statusCode}`));
          }
        });
      }).on('error', reject).end();
    });
  }

  /** Sends the head of the request in two parts. */
  public requestSlowly(): Promise<void> {
    return new Promise((resolve, reject) => {
      let response = '';
      const socket = connect(this.app.port, '127.0.0.1', () => {
        socket.write('GET /api/hello HTTP/1.1\r\nHost: slow\r\n');
        setTimeout(() => socket.write('Connection: close\r\n\r\n'), SLOW_MS);
      });
      socket.on('error', reject);
      socket.on('data', (chunk) => { response += chunk; });
      socket.on('close', () => {
        this.requestIds.push(/^x-request-id: (\S+)/im.exec(response)?.[1] ?? 'none');
        if (response.startsWith('HTTP/1.1 200') && response.endsWith('}')) {
          resolve();
        } else {
          reject(new Error(`cut after ${response.length} characters`));
        }
      });
    });
  }

  public requestOnNewConnection(path: string): Promise<void> {
    return this.request(path, {}, new Agent());
  }

  public async untilUnhealthy(): Promise<void> {
    for (let failed = 0; failed < UNHEALTHY_THRESHOLD;) {
      await sleep(HEALTH_INTERVAL_MS);
      await this.requestOnNewConnection('/health').then(() => { failed = 0; }, () => { failed += 1; });
    }
  }

  public close() {
    this.agent.destroy();
  }
}

/** Sends 250 requests per second to two targets, 5 % of them slow. */
class LoadGenerator {
  public requests = 0;
  public readonly failures: Record<string, number> = {};
  private readonly pending = new Set<Promise<void>>();
  private readonly started = performance.now();
  private seconds = 0;
  private readonly timer = setInterval(() => this.sendDue(), INTERVAL_MS);

  public constructor(private readonly stopping: Target, private readonly other: Target) {}

  public get requestsPerSecond(): number {
    return Math.round(this.requests / this.seconds);
  }

  public cancel() {
    clearInterval(this.timer);
  }

  public async complete(): Promise<void> {
    this.cancel();
    this.seconds = (performance.now() - this.started) / 1e3;
    await Promise.all(this.pending);
  }

  /** Catches up when timers are late on a busy machine, so that the rate does not drop. */
  private sendDue() {
    while (this.requests * INTERVAL_MS < performance.now() - this.started) {
      this.track(this.send(this.requests++));
    }
  }

  private send(n: number): Promise<void> {
    const target = this.stopping.inRotation && n % 2 === 0 ? this.stopping : this.other;
    if (n % 40 === 0) { return target.requestSlowly(); }
    // Half of the requests to the stopping task: only new connections fail when it has closed its server.
    if (n % 4 === 2) { return target.requestOnNewConnection('/api/hello'); }
    return target.request('/api/hello', n % 40 === 20 ? { 'x-response-delay': String(SLOW_MS) } : {});
  }

  private track(sent: Promise<void>) {
    const settled: Promise<void> = sent
      .catch((error) => {
        const reason: string = error.code ?? error.message;
        this.failures[reason] = (this.failures[reason] ?? 0) + 1;
      })
      .finally(() => this.pending.delete(settled));
    this.pending.add(settled);
  }
}

/** Sends requests to two tasks and stops one of them. */
export async function stopOneOfTwo(
  deregistration: Deregistration, options: { script?: string; node?: string } = {},
): Promise<StopResult> {
  const start = async () => new Target(await AppProcess.start({
    ...options, env: ENV, nodeArgs: ['--require', SLOW_RESPONSES],
  }));
  const [stopping, other] = await Promise.all([start(), start()]);
  const load = new LoadGenerator(stopping, other);
  try {
    await sleep(600);
    const exitCode = await stop(stopping, deregistration);
    await sleep(200);
    await load.complete();

    other.app.kill('SIGINT');
    await other.app.ended;
    return {
      requests: load.requests,
      requestsPerSecond: load.requestsPerSecond,
      failures: load.failures,
      failed: Object.values(load.failures).reduce((a, b) => a + b, 0),
      lostLines: countLostLines(stopping) + countLostLines(other),
      exitCode,
    };
  } finally {
    load.cancel();
    for (const target of [stopping, other]) {
      target.close();
      target.app.kill();
    }
  }
}

/** Stops the task as ECS does: SIGTERM, then SIGKILL after the stop timeout. */
async function stop(target: Target, deregistration: Deregistration): Promise<number | string> {
  if (deregistration === 'before SIGTERM') {
    target.inRotation = false;
    await sleep(200);
  }
  target.app.kill('SIGTERM');
  const killer = setTimeout(() => target.app.kill('SIGKILL'), STOP_TIMEOUT_MS);
  // The load balancer keeps sending requests until the target is deregistered or fails its health checks.
  if (deregistration === 'after SIGTERM') { await sleep(500); }
  if (deregistration === 'only by failing health checks') { await target.untilUnhealthy(); }
  target.inRotation = false;
  const exitCode = await target.app.ended;
  clearTimeout(killer);
  return exitCode;
}

/** Each response has the ID of its log line. Successful health checks are not logged. */
function countLostLines({ app, requestIds }: Target): number {
  const lineCounts = new Map<unknown, number>();
  for (const { requestId } of app.log) {
    lineCounts.set(requestId, (lineCounts.get(requestId) ?? 0) + 1);
  }
  return requestIds.filter((id) => lineCounts.get(id) !== 1).length;
}
