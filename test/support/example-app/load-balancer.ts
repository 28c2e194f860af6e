/*
 * A stand-in for an Application Load Balancer in front of two tasks while one of them is stopped: new connections, a pool of
 * keep-alive ones, health checks, and the three moments at which a target is taken out of rotation. Times are a tenth of the
 * real ones. Like the real one it sends a request once: what fails is a failure that a client would have seen.
 */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { AppProcess, sleep } from './app-process';

/** When the load balancer stops sending requests to the task that got SIGTERM. */
export type Deregistration = 'before SIGTERM' | 'after SIGTERM' | 'only by failing health checks';

export const DEREGISTRATIONS: Deregistration[] = ['before SIGTERM', 'after SIGTERM', 'only by failing health checks'];

export interface Outcome {
  requests: number;
  requestsPerSecond: number;
  /** What clients would have seen, each different failure with how often. */
  failures: Record<string, number>;
  failed: number;
  /** Answers whose line is missing in the log, or there more than once. */
  lostLines: number;
  /** The exit code of the stopped task, or SIGKILL when it had to be killed. */
  ended: number | string;
}

const INTERVAL_MS = 4;
const HEALTH_INTERVAL_MS = 200;
const UNHEALTHY_THRESHOLD = 2;
const STOP_TIMEOUT_MS = 4_500;
const ENV = { SHUTDOWN_DELAY_MS: '1000', SHUTDOWN_TIMEOUT_MS: '4000', KEEP_ALIVE_TIMEOUT_MS: '6500' };
const SLOW_MS = 400;

class Target {
  public inRotation = true;
  public readonly answered: string[] = [];
  private readonly agent = new Agent({ keepAlive: true, scheduling: 'fifo', timeout: 6_000 });

  public constructor(public readonly app: AppProcess) {}

  /** Rejects when a client would have seen a failure. */
  public ask(path: string, headers: Record<string, string> = {}, agent: Agent | undefined = this.agent): Promise<void> {
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: this.app.port, path, agent, headers }, (response) => {
        response.on('error', reject);
        response.resume().on('end', () => {
          this.answered.push(String(response.headers['x-request-id']));
          if (response.statusCode === 200) resolve();
          else reject(new Error(`status ${response.statusCode}`));
        });
      }).on('error', reject).end();
    });
  }

  /** A request whose head arrives in two parts. */
  public askSlowly(): Promise<void> {
    return new Promise((resolve, reject) => {
      let answer = '';
      const socket = connect(this.app.port, '127.0.0.1', () => {
        socket.write('GET /api/hello HTTP/1.1\r\nHost: slow\r\n');
        setTimeout(() => socket.write('Connection: close\r\n\r\n'), SLOW_MS);
      });
      socket.on('error', reject);
      socket.on('data', (part) => { answer += part; });
      socket.on('close', () => {
        this.answered.push(/^x-request-id: (\S+)/im.exec(answer)?.[1] ?? 'none');
        if (answer.startsWith('HTTP/1.1 200') && answer.endsWith('}')) resolve();
        else reject(new Error(`cut after ${answer.length} characters`));
      });
    });
  }

  /** By a connection of its own. */
  public askAnew(path: string): Promise<void> {
    return this.ask(path, {}, new Agent());
  }

  public async untilUnhealthy(): Promise<void> {
    for (let failed = 0; failed < UNHEALTHY_THRESHOLD;) {
      await sleep(HEALTH_INTERVAL_MS);
      await this.askAnew('/health').then(() => { failed = 0; }, () => { failed += 1; });
    }
  }

  public close() {
    this.agent.destroy();
  }
}

/** Sends 250 requests a second to two tasks, of which 5 % are slow, and stops one of them. */
export async function stopOneOfTwo(deregistration: Deregistration, options: { script?: string; node?: string } = {}): Promise<Outcome> {
  const start = async () => new Target(await AppProcess.start({ ...options, env: ENV, nodeArgs: ['--require', join(__dirname, 'slow-answers.js')] }));
  const [stopped, other] = await Promise.all([start(), start()]);
  const failures: Record<string, number> = {};
  const pending = new Set<Promise<void>>();
  let requests = 0;
  const send = () => {
    const n = requests++;
    const target = stopped.inRotation && n % 2 === 0 ? stopped : other;
    const ask = () => {
      if (n % 40 === 0) return target.askSlowly();
      // Half of those to the stopped task: a connection that is kept stays open in an app that has stopped listening.
      if (n % 4 === 2) return target.askAnew('/api/hello');
      return target.ask('/api/hello', n % 40 === 20 ? { 'x-answer-after': String(SLOW_MS) } : {});
    };
    const settled: Promise<void> = ask()
      .catch((error) => { failures[error.code ?? error.message] = (failures[error.code ?? error.message] ?? 0) + 1; })
      .finally(() => pending.delete(settled));
    pending.add(settled);
  };
  const started = performance.now();
  // As many as are due: timers are late on a busy machine, and then the rate would drop unnoticed.
  const clock = setInterval(() => { while (requests * INTERVAL_MS < performance.now() - started) send(); }, INTERVAL_MS);

  try {
    await sleep(600);
    if (deregistration === 'before SIGTERM') {
      stopped.inRotation = false;
      await sleep(200);
    }
    stopped.app.kill('SIGTERM');
    const killer = setTimeout(() => stopped.app.kill('SIGKILL'), STOP_TIMEOUT_MS);
    // A load balancer does not know that the task is gone: it sends until it is told, or sees it.
    if (deregistration === 'after SIGTERM') await sleep(500);
    if (deregistration === 'only by failing health checks') await stopped.untilUnhealthy();
    stopped.inRotation = false;
    const ended = await stopped.app.ended;
    clearTimeout(killer);
    await sleep(200);
    clearInterval(clock);
    const seconds = (performance.now() - started) / 1e3;
    await Promise.all(pending);

    other.app.kill('SIGINT');
    await other.app.ended;
    return {
      requests,
      requestsPerSecond: Math.round(requests / seconds),
      failures,
      failed: Object.values(failures).reduce((a, b) => a + b, 0),
      lostLines: lostLines(stopped) + lostLines(other),
      ended,
    };
  } finally {
    clearInterval(clock);
    for (const target of [stopped, other]) {
      target.close();
      target.app.kill();
    }
  }
}

/** Each answer names its line, and probes that were healthy have none. */
function lostLines({ app, answered }: Target): number {
  const times = new Map<unknown, number>();
  for (const { requestId } of app.log) times.set(requestId, (times.get(requestId) ?? 0) + 1);
  return answered.filter((id) => times.get(id) !== 1).length;
}
