import { CheckSubject, failed, MIN_REQUESTS, passed, skipped, tooFewRequests } from './check';
import { hasFailed, Load } from './load';
import { Check } from '../report/report';
import { deregister, RunningTask } from '../running-service';

const SURVIVES_A_KILL: CheckSubject = {
  id: 'survives-a-kill', name: 'a task that is killed is replaced while the others keep serving',
};
const IS_REPLACED: CheckSubject = { id: 'survives-a-kill', name: 'a task that is killed is replaced' };

export interface KilledTask {
  readonly task: RunningTask;
  readonly killedAt: number;
  /** Number of tasks that served before, with this one. */
  readonly servingTasks: number;
  readonly replacement?: { readonly task: RunningTask; readonly seconds: number };
  /** Why there is no replacement. */
  readonly error?: string;
}

/** Kills a task as the kernel does when a container is out of memory, and replaces it as ECS does. */
export async function killTask(
  task: RunningTask, servingTasks: number, startAnother: () => Promise<RunningTask>,
): Promise<KilledTask> {
  await task.task.kill();
  deregister(task);
  await task.task.stop('immediately');
  const killedAt = Date.now();
  const killed = { task, killedAt, servingTasks };
  try {
    const another = await startAnother();
    return { ...killed, replacement: { task: another, seconds: (Date.now() - killedAt) / 1000 } };
  } catch (error) {
    return { ...killed, error: (error as Error).message };
  }
}

/** @param load if there was one, to which all requests are answered */
export function checkSurvivesKill(
  { task, killedAt, servingTasks, replacement, error }: KilledTask, load?: Load,
): Check {
  if (!replacement) { return failed(load ? SURVIVES_A_KILL : IS_REPLACED, `its replacement is not healthy: ${error}`); }
  if (!load) { return passed(IS_REPLACED, `healthy again after ${replacement.seconds.toFixed(1)} s`); }
  if (servingTasks === 1) {
    return skipped(SURVIVES_A_KILL, 'with one task, no other serves until its replacement does, which took'
      + ` ${replacement.seconds.toFixed(1)} s: set desiredCount to 2`);
  }
  const resultsOfTask = load.resultsOf(task);
  const others = load.results.filter((result) => result.sentAt > killedAt && !resultsOfTask.includes(result));
  const lost = others.filter(hasFailed).length;
  if (lost > 0) {
    return failed(SURVIVES_A_KILL, `${lost} requests to other tasks failed: the tasks depend on each other`);
  }
  return others.length < MIN_REQUESTS
    ? skipped(SURVIVES_A_KILL, tooFewRequests(others.length))
    : passed(SURVIVES_A_KILL, `healthy again after ${replacement.seconds.toFixed(1)} s`);
}
