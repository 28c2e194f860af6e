import { setImmediate } from 'node:timers/promises';
import { CheckSubject, failed, fixFor, MIN_REQUESTS, passed, skipped, tooFewRequests } from './check';
import { Answer, get, hasFailed, Load } from './load';
import { ForwardResult } from '../edge/emulator';
import { Front } from '../edge/routes';
import { Check } from '../report/report';
import { deregister, RunningTask } from '../running-service';
import { sleep } from '../sleep';
import { SignalCallbacks, TaskStop } from '../tasks/task';

/*
 * Tasks that stop under load, and the checks on the requests that they had at that time.
 */

const IN_FLIGHT: CheckSubject = { id: 'in-flight', name: 'requests that are in flight at SIGTERM are answered' };
const DEREGISTERED_BEFORE: CheckSubject = {
  id: 'deregistered-before', name: 'a task that is deregistered before SIGTERM loses no request',
};
const DEREGISTERED_AFTER: CheckSubject = {
  id: 'deregistered-after', name: 'a task that is deregistered only after SIGTERM loses no request',
};
const FAILING_HEALTH_CHECKS: CheckSubject = {
  id: 'failing-health-checks',
  name: 'a task that is only taken out of rotation by failing health checks loses no request',
};
const STOPS_IN_TIME: CheckSubject = { id: 'stops-in-time', name: 'tasks exit after SIGTERM within the stop timeout' };

/** Requests of this time before SIGTERM may still be in flight. */
const BEFORE_STOP_MS = 1000;

export interface StoppedTask {
  readonly stop: TaskStop;
  readonly stoppedAt: number;
  /** Requests of the load to this task, from shortly before SIGTERM. */
  readonly requests: readonly ForwardResult[];
  /** Whether the task was healthy for the load balancer until it was deregistered. */
  readonly inRotation?: boolean;
}

/** A burst of requests that were in flight when the task received SIGTERM. */
export interface InFlight {
  readonly count: number;
  readonly cutOff: readonly Answer[];
}

/** Stops a task in the order of ECS: first the load balancer deregisters it, then it receives SIGTERM. */
export async function stopDeregistered(
  task: RunningTask, front: Front, load: Load, burst: number,
): Promise<StoppedTask & { readonly inFlight: InFlight }> {
  const { host, port } = task.targets[0].target;
  const url = `http://${host}:${port}${new URL(front.url).pathname}`;
  const inFlight = new Set<Promise<Answer>>();
  let isStopping = false;
  const send = async (): Promise<void> => new Promise((sent) => {
    const answer: Promise<Answer> = get(url, front.host, {
      onSent: () => {
        inFlight.add(answer);
        sent();
      },
    });
    void answer.then((result) => {
      if (isStopping && hasFailed(result)) { return; }
      inFlight.delete(answer);
      // As many are in flight until the signal, however long it takes to send it.
      if (!isStopping && !hasFailed(result)) { void send(); }
    });
  });
  await Promise.race([Promise.all(Array.from({ length: burst }, send)), sleep(BEFORE_STOP_MS)]);
  deregister(task);
  let markSignaled = () => {};
  const signaled = new Promise<void>((resolve) => { markSignaled = resolve; });
  const stopped = stopTask(task, load, undefined, { before: () => { isStopping = true; }, after: markSignaled });
  await Promise.race([signaled, stopped]);
  isStopping = true;
  // Reads the answers that arrived before the signal.
  await setImmediate();
  await setImmediate();
  const answers = [...inFlight];
  const cutOff = (await Promise.all(answers)).filter(hasFailed);
  return { ...await stopped, inFlight: { count: answers.length, cutOff } };
}

/** @param untilDeregistered after which the load balancer deregisters the task; by default it already has */
export async function stopTask(
  task: RunningTask, load: Load, untilDeregistered?: Promise<unknown>, callbacks?: SignalCallbacks,
): Promise<StoppedTask> {
  const stoppedAt = Date.now();
  const stopping = task.task.stop('gracefully', callbacks);
  let inRotation = false;
  if (untilDeregistered) {
    await untilDeregistered;
    inRotation = task.targets.some(({ target }) => target.state === 'healthy');
    deregister(task);
  }
  const stop = await stopping;
  const requests = load.resultsOf(task).filter(({ sentAt }) => sentAt >= stoppedAt - BEFORE_STOP_MS);
  return { stop, stoppedAt, requests, inRotation };
}

export function checkInFlight({ count, cutOff }: InFlight): Check {
  if (cutOff.length === 0) {
    return count < MIN_REQUESTS
      ? skipped(IN_FLIGHT, `only ${count} were in flight, too few for a result: the others were answered before`
        + ' SIGTERM')
      : passed(IN_FLIGHT, `${count} of them`);
  }
  const [{ status, error }] = cutOff;
  return failed(IN_FLIGHT, `${cutOff.length} of ${count} were cut off (${status ?? error}): the app exits without`
    + ' completing in-flight requests; stop accepting connections, complete the requests, then exit');
}

export function checkDeregisteredBefore({ requests }: StoppedTask): Check {
  const cause = 'the app closes connections that the load balancer still uses: complete in-flight requests first';
  return checkLost(DEREGISTERED_BEFORE, requests, requests.length, cause);
}

export function checkDeregisteredAfter(task: StoppedTask, environment: Readonly<Record<string, string>>): Check {
  const cause = 'the app stops serving at once: keep serving for some seconds after SIGTERM, and only then close; '
    + fixFor(environment, 'SHUTDOWN_DELAY_MS', 'wait in the handler of SIGTERM, or in a script around the server');
  return checkLost(DEREGISTERED_AFTER, task.requests, countAfterStop(task), cause);
}

/** @param count of requests that could have shown the fault */
function checkLost(subject: CheckSubject, requests: readonly ForwardResult[], count: number, cause: string): Check {
  const lost = requests.filter(hasFailed).length;
  if (lost > 0) { return failed(subject, `${lost} failed: ${cause}`); }
  return count < MIN_REQUESTS ? skipped(subject, tooFewRequests(count)) : passed(subject);
}

/** With Fargate Spot a task may stay registered until it has stopped; with On-Demand capacity it does not. */
export function checkFailingHealthChecks(usesSpot: boolean, task: StoppedTask): Check {
  const fault = faultOfRegistered(task);
  if (!fault) {
    const count = countAfterStop(task);
    return count < MIN_REQUESTS ? skipped(FAILING_HEALTH_CHECKS, tooFewRequests(count)) : passed(FAILING_HEALTH_CHECKS);
  }
  return usesSpot
    ? failed(FAILING_HEALTH_CHECKS, `${fault}: after SIGTERM the health path must answer 503 while all other paths are`
      + ' served, until the load balancer stops sending requests')
    : skipped(FAILING_HEALTH_CHECKS, `${fault}, which matters only on Fargate Spot, which this service does not use`);
}

function faultOfRegistered({ requests, stop, inRotation }: StoppedTask): string | undefined {
  if (stop.killed) { return `it received requests until SIGKILL, after ${stop.milliseconds / 1000} s`; }
  const lost = requests.filter(hasFailed).length;
  if (lost > 0) { return `${lost} failed`; }
  // Whether a request arrives just before the exit is chance.
  return inRotation ? 'it received requests until it exited' : undefined;
}

function countAfterStop({ requests, stoppedAt }: StoppedTask): number {
  return requests.filter(({ sentAt }) => sentAt >= stoppedAt).length;
}

export function checkStopsInTime(
  tasks: ReadonlyArray<Pick<StoppedTask, 'stop'>>, stopTimeoutSeconds: number,
): Check {
  const killed = tasks.filter(({ stop }) => stop.killed).length;
  if (killed > 0) {
    return failed(STOPS_IN_TIME, `${killed} of ${tasks.length} received SIGKILL after ${stopTimeoutSeconds} s: the app`
      + ' ignores SIGTERM, or waits too long; handle it, and exit within stopTimeout');
  }
  const slowest = Math.max(...tasks.map(({ stop }) => stop.milliseconds)) / 1000;
  return passed(STOPS_IN_TIME, `after ${slowest.toFixed(1)} of ${stopTimeoutSeconds} s`);
}
