import { CheckSubject, failed, skipped } from './check';
import { checkDeclared } from './declared';
import { checkKeepAlive, holdIdleConnection } from './idle-connection';
import { checkJsonLogs } from './json-logs';
import { checkSurvivesKill, KilledTask, killTask } from './kill';
import { get, hasFailed, Load, measureThroughput } from './load';
import { isOutOfMemory, MemoryWatch } from './memory-watch';
import { Replacement } from './replacement-without-load';
import { checkRootFilesystem } from './root-filesystem';
import {
  checkDeregisteredAfter, checkDeregisteredBefore, checkFailingHealthChecks, checkInFlight, checkStopsInTime,
  stopDeregistered, stopTask,
} from './stopping';
import { Front } from '../edge/routes';
import { Check } from '../report/report';
import { RunningService, RunningTask } from '../running-service';
import { sleep } from '../sleep';

/*
 * Replaces tasks of a service under load. Three tasks stop at the same time, each in another way, then one is killed.
 * Meanwhile one connection stays idle.
 */

export interface ReplacementOptions extends Replacement {
  readonly front: Front;
  /** How long the load balancer keeps its idle connections; undefined if it has none. */
  readonly idleTimeoutSeconds?: number;
  readonly note: (line: string) => void;
}

/** Deregistered before SIGTERM, deregistered after it, and only taken out of rotation by failing health checks. */
const STOPPED_TASKS = 3;
/** Requests per second, in proportion to the number of tasks up to a maximum. */
const RATE_PER_TASK = 20;
const MAX_RATE = 200;
/** Requests that are in flight when a task stops. */
const MAX_BURST = 60;
/** The load takes at most this share of what the tasks can answer, so that no request fails because of the load. */
const MAX_LOAD = 0.25;
/** What one task answers in this time is the most that is in flight. */
const MAX_BURST_SECONDS = 0.5;
/** Time until the load balancer deregisters a task, where that happens after SIGTERM. */
const DEREGISTRATION_DELAY_MS = 2000;
/** Minimum duration of the load, for the checks on memory and idle connections. */
const MIN_LOAD_MS = 6000;

export async function checkReplacement(runningService: RunningService, options: ReplacementOptions): Promise<void> {
  const { front, report } = options;
  (await checkDeclared(runningService)).forEach(report);
  const obstacle = await findObstacle(runningService, front);
  if (obstacle) {
    report(obstacle);
    return;
  }

  const { rate, burst } = await chooseLoad(runningService, options);
  const load = new Load(front, rate);
  const memory = new MemoryWatch(options.sampled, load);
  const allTasks = [...runningService.tasks];
  try {
    const { started, error } = await startReplacements(options);
    allTasks.push(...started);
    if (error !== undefined) {
      runningService.tasks.push(...started);
      report(failed({ id: 'healthy', name: 'more tasks become healthy while others serve' }, error));
      if (allTasks.some(isOutOfMemory)) { report(memory.check(allTasks)); }
      return;
    }
    const checks = await replaceTasks(runningService, started, { ...options, load, memory, burst, allTasks });
    checks.forEach(report);
    if (options.interrupted.aborted) { return; }
  } finally {
    await load.end();
    await memory.end();
  }
  report(await checkRootFilesystem(runningService, allTasks));
  report(checkJsonLogs(allTasks));
}

/** @returns the check that shows why the tasks are not put under load */
async function findObstacle({ runtime }: RunningService, { url, host }: Front): Promise<Check | undefined> {
  const { status, error } = await get(url, host);
  if (status === undefined || status === 502) {
    const reason = `${error ?? 502}: the task closed the connection, or exited because of the request`;
    return failed({ id: 'http', name: `GET ${url} is answered` }, reason);
  }
  const subject: CheckSubject = { id: 'load', name: 'tasks are replaced under load' };
  if (hasFailed({ status })) { return skipped(subject, `GET ${url} answered ${status} before the load started`); }
  return runtime.taskLimit && skipped(subject, runtime.taskLimit.reason);
}

async function chooseLoad(
  { tasks }: RunningService, { front, note }: ReplacementOptions,
): Promise<{ rate: number; burst: number }> {
  const throughput = await measureThroughput(front);
  const wantedRate = Math.min(MAX_RATE, RATE_PER_TASK * (tasks.length + STOPPED_TASKS));
  const rate = Math.min(wantedRate, MAX_LOAD * throughput);
  if (rate < wantedRate) {
    note(`the tasks answer ${Math.round(throughput)} requests a second here, so the load is ${rate.toFixed(1)} a second`
      + ` instead of ${wantedRate}`);
  }
  return { rate, burst: Math.ceil(Math.min(MAX_BURST, MAX_BURST_SECONDS * throughput / tasks.length)) };
}

async function startReplacements(
  { startAnother }: ReplacementOptions,
): Promise<{ started: RunningTask[]; error?: string }> {
  const starts = await Promise.allSettled(Array.from({ length: STOPPED_TASKS }, async () => startAnother()));
  const started = starts.flatMap((start) => start.status === 'fulfilled' ? [start.value] : []);
  const failure = starts.find((start) => start.status === 'rejected');
  return { started, error: failure && (failure.reason as Error).message };
}

interface LoadedReplacement extends ReplacementOptions {
  readonly load: Load;
  readonly memory: MemoryWatch;
  readonly burst: number;
  /** All tasks there have been; the replacement of a killed task is added. */
  readonly allTasks: RunningTask[];
}

async function replaceTasks(
  runningService: RunningService, started: readonly RunningTask[], replacement: LoadedReplacement,
): Promise<Check[]> {
  const { front, idleTimeoutSeconds, load, memory, burst, interrupted, allTasks } = replacement;
  // A connection does not show whether the app stops.
  const probesHttp = runningService.service.registrations.every(({ targetGroup: { healthCheck } }) =>
    healthCheck.protocol !== 'TCP');
  const { service: { usesSpot, container: { stopTimeoutSeconds } }, runtime: { environment } } = runningService;
  const [first, second, third, ...serving] = [...runningService.tasks, ...started];
  runningService.tasks.splice(0, runningService.tasks.length, ...serving);
  memory.watch(serving);
  const idle = await holdIdleConnection(serving[0], front);

  const [before, after, registered] = await Promise.all([
    stopDeregistered(first, front, load, burst),
    stopTask(second, load, sleep(Math.min(DEREGISTRATION_DELAY_MS, 500 * stopTimeoutSeconds))),
    stopTask(third, load, third.task.exited),
    sleep(MIN_LOAD_MS, interrupted),
  ]);
  // With one task, the connection is to the task that is killed.
  idle.end();
  const killed = await killLast(runningService, replacement);
  await load.end();
  await memory.end();
  if (interrupted.aborted) { return []; }

  const checks = [
    checkInFlight(before.inFlight),
    checkDeregisteredBefore(before),
    checkDeregisteredAfter(after, environment),
    ...probesHttp ? [checkFailingHealthChecks(usesSpot, registered)] : [],
    checkStopsInTime([before, after], stopTimeoutSeconds),
  ];
  if (killed) { checks.push(checkSurvivesKill(killed, load)); }
  checks.push(memory.check(allTasks));
  if (idleTimeoutSeconds !== undefined) { checks.push(checkKeepAlive(idle, idleTimeoutSeconds, environment)); }
  return checks;
}

/** Kills the last task, unless it has exited by itself, and puts its replacement in its place. */
async function killLast(
  { tasks }: RunningService, { interrupted, startAnother, allTasks }: LoadedReplacement,
): Promise<KilledTask | undefined> {
  const last = tasks[tasks.length - 1];
  if (interrupted.aborted || last.task.exit) { return undefined; }
  const killed = await killTask(last, tasks.length, startAnother);
  const replacements = killed.replacement ? [killed.replacement.task] : [];
  allTasks.push(...replacements);
  tasks.splice(tasks.indexOf(last), 1, ...replacements);
  return killed;
}
