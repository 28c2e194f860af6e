import * as http from 'node:http';
import * as net from 'node:net';
import { Answer, get, hasFailed, Front, Load, RequestOutcome, throughputOf } from './load';
import { isOutOfMemory, MemoryWatch } from './memory-watch';
import { Check } from '../report';
import { RunningTask, RunningService, deregister } from '../running-service';
import { sleep } from '../sleep';
import { TaskStop } from '../tasks/task';

/*
 * What becomes of a service when tasks come and go under load. Three tasks are replaced at the same time, each in its own way, one is
 * killed, and a connection is left idle all the while: so the longest of these takes as long as all of them.
 */

export interface ReplacementOptions {
  readonly front: Front;
  readonly idleTimeoutSeconds: number;
  readonly interrupted: AbortSignal;
  readonly note: (line: string) => void;
  /** Starts one more task, registers it, and waits until it is healthy. @throws an Error that says why it is not */
  readonly startAnother: () => Promise<RunningTask>;
}

/**
 * Requests in a second, and how many are under way when a task is told to leave. Fewer where the tasks are slow, or requests would fail that
 * no app could answer: in a second a quarter of what they can do, and at once what one of them does in half a second.
 */
const RATE = 60;
const BURST = 60;
/** Tasks, each in its own way: deregistered before SIGTERM, after it, and not at all. */
const REPLACED = 3;
/** How long the load balancer takes to notice, where it is told of a leaving task after the task itself. */
const NOTICED_AFTER_MS = 2000;
/** Load for at least so long, or nothing can be said of memory and idle connections. */
const MIN_LOAD_MS = 6000;

/** Node's 5 s and gunicorn's 2 s are too short for a load balancer that keeps connections for 60 s. */
interface IdleConnection {
  /** What the app said in its Keep-Alive header. */
  readonly announcedSeconds?: number;
  readonly openedAt: number;
  closedAt?: number;
  end(): void;
}

/** @param check is told each result */
export async function rehearseReplacement(cast: RunningService, options: ReplacementOptions, check: (result: Check) => void): Promise<void> {
  const { front, interrupted } = options;
  const all = [...cast.tasks];
  await checkDeclared(cast, check);

  const baseline = await get(front.url, front.host);
  if (baseline.status === undefined || baseline.status === 502) {
    const reason = `${baseline.error ?? 502}: the task cut the answer off, or died of the request`;
    check({ id: 'http', outcome: 'failed', name: `GET ${front.url} is answered`, reason });
    return;
  }
  if (hasFailed(baseline)) {
    check({ id: 'load', outcome: 'not rehearsed', name: 'tasks are replaced under load', reason: `GET ${front.url} gave ${baseline.status ?? baseline.error} to begin with` });
    return;
  }
  if (cast.runtime.taskLimit) {
    check({ id: 'load', outcome: 'not rehearsed', name: 'tasks are replaced under load', reason: cast.runtime.taskLimit.reason });
    return;
  }

  const throughput = await throughputOf(front);
  const rate = Math.min(RATE, throughput / 4);
  const burst = Math.ceil(Math.min(BURST, throughput / cast.tasks.length / 2));
  if (rate < RATE) { options.note(`${Math.round(throughput)} requests a second are answered here, so the load is ${rate.toFixed(1)} a second instead of ${RATE}`); }
  const load = new Load(front, rate);
  const memory = new MemoryWatch();
  try {
    const starts = await Promise.allSettled(Array.from({ length: REPLACED }, async () => options.startAnother()));
    const started = starts.flatMap((start) => start.status === 'fulfilled' ? [start.value] : []);
    all.push(...started);
    const refused = starts.find((start) => start.status === 'rejected');
    if (refused) {
      cast.tasks.push(...started);
      check({ id: 'healthy', outcome: 'failed', name: 'more tasks come up while others serve', reason: (refused.reason as Error).message });
      if (all.some(isOutOfMemory)) { check(memory.judge(all)); }
      return;
    }
    const actors = [...cast.tasks, ...started];
    const [before, after, unnoticed] = actors;
    const staying = actors.slice(REPLACED);
    cast.tasks.splice(0, cast.tasks.length, ...staying);
    memory.watch(staying);
    const idle = await holdIdle(staying[0], front);

    const [first, second, third] = await Promise.all([
      leaveDeregistered(before, front, load, burst),
      leave(after, load, async () => sleep(Math.min(NOTICED_AFTER_MS, 500 * cast.service.container.stopTimeoutSeconds))),
      leave(unnoticed, load, async ({ task }) => { await task.exited; }),
      sleep(MIN_LOAD_MS, interrupted),
    ]);
    const killed = staying[staying.length - 1];
    const restart = interrupted.aborted || killed.task.exit ? undefined : await killOne(killed, staying.length, load, options);
    if (restart) {
      const replacement = restart.actor ? [restart.actor] : [];
      all.push(...replacement);
      cast.tasks.splice(cast.tasks.indexOf(killed), 1, ...replacement);
    }
    await load.end();
    await memory.end();
    if (interrupted.aborted) { return; }

    check(inFlight(first));
    check(lossless('deregistered-before', 'a task that is deregistered before SIGTERM loses no request', first.failed,
      'the app drops connections that the load balancer still uses: finish what is open before you exit'));
    check(lossless('deregistered-after', 'a task that gets SIGTERM before the load balancer has noticed loses no request', second.failed,
      'the app stops serving at once: keep serving for SHUTDOWN_DELAY_MS after SIGTERM, and only then close'));
    check(onSpot(cast.service.usesSpot, third));
    check(inTime([first, second], cast.service.container.stopTimeoutSeconds));
    if (restart) { check(restart.judge()); }
    check(memory.judge(all));
    check(keptAlive(idle, options.idleTimeoutSeconds));
    idle.end();
  } finally {
    await load.end();
    await memory.end();
  }
  check(await rootWrites(cast, all));
  check(jsonLines(all));
}

/** Whether user, root filesystem and capabilities are as they are declared, and the user is not root. */
export async function checkDeclared({ runtime, tasks: [{ task }] }: RunningService, check: (result: Check) => void): Promise<void> {
  const different = (await task.declaredSettings()).filter(({ matches }) => matches === false);
  check({
    id: 'as-declared',
    outcome: different.length > 0 ? 'failed' : 'passed',
    name: 'user, root filesystem and capabilities are as declared',
    reason: different.map(({ setting, declared, actual }) => `${setting}: ${declared} is declared, and ${actual} runs`).join('; ') || undefined,
  });
  const isRoot = /^(root|0)(:|$)/.test(runtime.user);
  check({
    id: 'not-root',
    outcome: isRoot ? 'failed' : 'passed',
    name: 'the app does not run as root',
    reason: isRoot ? 'neither the task definition nor the image names another user: say USER in the Dockerfile, or set user' : `as ${runtime.user}`,
  });
}

interface Departure {
  readonly stop: TaskStop;
  /** Requests of users that this task has lost since it was told to leave. */
  readonly failed: RequestOutcome[];
  /** It was sent requests to the end. */
  readonly inRotation?: boolean;
  readonly underWay?: number;
  readonly cutOff?: readonly Answer[];
}

/** As ECS does it on demand: first the load balancer is told, then the task. */
async function leaveDeregistered(actor: RunningTask, front: Front, load: Load, burst: number): Promise<Departure> {
  const { host, port } = actor.targets[0].target;
  const url = `http://${host}:${port}${new URL(front.url).pathname}`;
  const underWay = new Set<Promise<Answer>>();
  const allSent = new Promise<void>((resolve) => {
    let sent = 0;
    for (let number = 1; number <= burst; number++) {
      const answer: Promise<Answer> = get(url, front.host, {
        sent: () => {
          underWay.add(answer);
          if (++sent === burst) { resolve(); }
        },
      });
      void answer.then(() => underWay.delete(answer));
    }
  });
  await Promise.race([allSent, sleep(1000)]);
  // Some have been answered meanwhile.
  const answers = [...underWay];
  deregister(actor);
  const { stop, failed } = await leave(actor, load);
  const cutOff = (await Promise.all(answers)).filter(hasFailed);
  return { stop, failed, underWay: answers.length, cutOff };
}

/** @param noticed after it, the load balancer sends no more requests to the task */
async function leave(actor: RunningTask, load: Load, noticed?: (actor: RunningTask) => Promise<unknown>): Promise<Departure> {
  const told = Date.now();
  const stopped = actor.task.stop('gracefully');
  let inRotation = false;
  if (noticed) {
    await noticed(actor);
    inRotation = actor.targets.some(({ target }) => target.state === 'healthy');
    deregister(actor);
  }
  const stop = await stopped;
  const targets = actor.targets.map(({ target }) => target);
  const failed = load.outcomes.filter((outcome) => targets.includes(outcome.target) && outcome.sentAt >= told - 1000 && hasFailed(outcome));
  return { stop, failed, inRotation };
}

export function inFlight({ underWay = 0, cutOff = [] }: Departure): Check {
  const id = 'in-flight';
  const name = 'requests that are under way at SIGTERM are answered';
  if (underWay === 0) { return { id, outcome: 'not rehearsed', name, reason: 'all were answered before' }; }
  if (cutOff.length === 0) { return { id, outcome: 'passed', name, reason: `${underWay} of them` }; }
  const [{ status, error }] = cutOff;
  return {
    id,
    outcome: 'failed',
    name,
    reason: `${cutOff.length} of ${underWay} were cut off (${status ?? error}): the app exits without finishing what is open; stop taking connections, finish, then exit`,
  };
}

function lossless(id: string, name: string, failed: RequestOutcome[], cause: string): Check {
  return { id, outcome: failed.length > 0 ? 'failed' : 'passed', name, reason: failed.length > 0 ? `${failed.length} failed: ${cause}` : undefined };
}

/** On Spot a task may stay registered until it has stopped; on demand it does not. */
function onSpot(usesSpot: boolean, { failed, stop, inRotation }: Departure): Check {
  const id = 'failing-health-checks';
  const name = 'a task that only failing health checks take out of rotation loses no request';
  const lost = stop.killed ? `it was sent requests until SIGKILL, after ${stop.milliseconds / 1000} s`
    : failed.length > 0 ? `${failed.length} failed`
      // Whether one came just before its end is chance.
      : inRotation ? 'it was sent requests to its end' : undefined;
  if (!lost) { return { id, outcome: 'passed', name }; }
  if (!usesSpot) { return { id, outcome: 'not rehearsed', name, reason: `${lost}, which would matter on Spot, that this service does not use` }; }
  return { id, outcome: 'failed', name, reason: `${lost}: after SIGTERM the health path must answer 503 while all else is served, until the load balancer has noticed` };
}

function inTime(departures: Departure[], stopTimeoutSeconds: number): Check {
  const killed = departures.filter(({ stop }) => stop.killed).length;
  const slowest = Math.max(...departures.map(({ stop }) => stop.milliseconds)) / 1000;
  return {
    id: 'stops-in-time',
    outcome: killed > 0 ? 'failed' : 'passed',
    name: 'tasks exit after SIGTERM within the stop time-out',
    reason: killed > 0
      ? `${killed} of ${departures.length} got SIGKILL after ${stopTimeoutSeconds} s: the app ignores SIGTERM, or waits too long; handle it, and exit within stopTimeout`
      : `after ${slowest.toFixed(1)} of ${stopTimeoutSeconds} s`,
  };
}

/**
 * As when the kernel kills a container that is out of memory. ECS notices, and starts another.
 * @returns the judgement on it, for when all requests are answered
 */
async function killOne(
  actor: RunningTask, tasks: number, load: Load, options: ReplacementOptions,
): Promise<{ judge: () => Check; actor?: RunningTask }> {
  const id = 'survives-a-kill';
  const name = 'one task that is killed is replaced, and the others serve on';
  await actor.task.kill();
  deregister(actor);
  await actor.task.stop('immediately');
  const killedAt = Date.now();
  const others = () => load.outcomes.filter(({ target, sentAt }) => sentAt > killedAt && actor.targets.every((each) => each.target !== target));
  try {
    const another = await options.startAnother();
    const seconds = ((Date.now() - killedAt) / 1000).toFixed(1);
    return {
      actor: another,
      judge: () => {
        const failed = others().filter(hasFailed).length;
        return {
          id,
          name,
          outcome: failed > 0 ? 'failed' : 'passed',
          reason: failed > 0 ? `${failed} requests failed meanwhile: the tasks depend on each other`
            : tasks > 1 ? `healthy again after ${seconds} s` : 'with one task, nobody serves until another is there: set desiredCount to 2',
        };
      },
    };
  } catch (error) {
    return { judge: () => ({ id, name, outcome: 'failed', reason: `the one that took its place is not healthy: ${(error as Error).message}` }) };
  }
}

/** A connection that has had one request, as a load balancer keeps them. */
async function holdIdle({ targets: [{ target }] }: RunningTask, front: Front): Promise<IdleConnection> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const { keepAlive } = await get(`http://${target.host}:${target.port}${new URL(front.url).pathname}`, front.host, { agent });
  const [, announced] = /timeout=(\d+)/.exec(keepAlive ?? '') ?? [];
  const [socket] = Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? []) as net.Socket[];
  const connection: IdleConnection = {
    announcedSeconds: announced === undefined ? undefined : Number(announced),
    openedAt: Date.now(),
    end: () => agent.destroy(),
  };
  // An app that closes after each answer leaves nothing to be reused, which costs time and loses nothing.
  socket?.on('close', () => { connection.closedAt ??= Date.now(); });
  return connection;
}

export function keptAlive({ announcedSeconds, openedAt, closedAt }: IdleConnection, idleTimeoutSeconds: number): Check {
  const id = 'keep-alive';
  const name = 'the app keeps idle connections longer than the load balancer does';
  const fix = `the load balancer keeps them for ${idleTimeoutSeconds} s and may send a request just then, which fails with 502: keep them for KEEP_ALIVE_TIMEOUT_MS`;
  const held = (Date.now() - openedAt) / 1000;
  const after = closedAt === undefined ? undefined : (closedAt - openedAt) / 1000;
  if (announcedSeconds !== undefined && announcedSeconds <= idleTimeoutSeconds) {
    return { id, name, outcome: 'failed', reason: `it says that it closes them after ${announcedSeconds} s; ${fix}` };
  }
  if (after !== undefined && after <= idleTimeoutSeconds) {
    return { id, name, outcome: 'failed', reason: `it closed one after ${after.toFixed(1)} s; ${fix}` };
  }
  return {
    id,
    name,
    outcome: 'passed',
    reason: announcedSeconds === undefined ? `one was open for ${held.toFixed(0)} of ${idleTimeoutSeconds} s, which is all that was waited for` : `for ${announcedSeconds} s, it says`,
  };
}

async function rootWrites({ service }: RunningService, actors: RunningTask[]): Promise<Check> {
  const id = 'root-filesystem';
  const name = 'the app writes nothing to its root filesystem';
  if (!service.container.readonlyRootFilesystem) { return { id, name, outcome: 'not rehearsed', reason: 'it is not declared read-only' }; }
  const writes = await Promise.all(actors.filter(({ task }) => !task.exit).map(async ({ task }) => task.rootWrites()));
  const files = [...new Set(writes.flatMap((of) => of ?? []))];
  if (writes.every((of) => of === undefined)) { return { id, name, outcome: 'not rehearsed', reason: 'it cannot be seen here; where it is read-only, the app would have failed' }; }
  return {
    id,
    name,
    outcome: files.length > 0 ? 'failed' : 'passed',
    reason: files.length > 0 ? `it is read-only on Fargate, and the app wrote ${files.slice(0, 3).join(', ')}: write to /tmp, or set readonlyRootFilesystem: false` : undefined,
  };
}

function jsonLines(actors: RunningTask[]): Check {
  const id = 'json-logs';
  const name = 'each line of the log is JSON';
  const lines = actors.reduce((sum, { log }) => sum + log.lines, 0);
  const plain = actors.map(({ log }) => log.plain).find((line) => line !== undefined);
  if (lines === 0) { return { id, name, outcome: 'not rehearsed', reason: 'the app logs nothing' }; }
  return {
    id,
    name,
    outcome: plain === undefined ? 'passed' : 'failed',
    reason: plain === undefined ? `${lines} lines` : `"${plain.slice(0, 80)}" is none: Logs Insights and metric filters can take JSON apart, and nothing else`,
  };
}
