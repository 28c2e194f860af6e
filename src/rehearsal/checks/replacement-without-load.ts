import { failed, skipped } from './check';
import { checkDeclared } from './declared';
import { checkJsonLogs } from './json-logs';
import { checkSurvivesKill, killTask } from './kill';
import { MemoryWatch } from './memory-watch';
import { checkRootFilesystem } from './root-filesystem';
import { checkStopsInTime } from './stopping';
import { Check } from '../report/report';
import { RunningService, RunningTask } from '../running-service';
import { sleep } from '../sleep';
import { Memory } from '../tasks/task';

/*
 * Replaces tasks of a service that gets no requests: one is stopped as in a deployment, another one is killed.
 */

export interface Replacement {
  readonly interrupted: AbortSignal;
  readonly report: (check: Check) => void;
  /**
   * Starts one more task, registers it, and waits until it is healthy.
   * @throws an Error with the reason why it does not become healthy
   */
  readonly startAnother: () => Promise<RunningTask>;
  /** Called for each measurement of memory. */
  readonly sampled: (task: string, memory: Memory) => void;
}

/** Minimum time in which memory is observed. */
const MIN_OBSERVED_MS = 3000;

export async function checkReplacementWithoutLoad(
  runningService: RunningService, { report, interrupted, startAnother, sampled }: Replacement,
): Promise<void> {
  const { service: { container: { stopTimeoutSeconds } }, runtime: { taskLimit }, tasks } = runningService;
  (await checkDeclared(runningService)).forEach(report);
  if (taskLimit) {
    report(skipped({ id: 'load', name: 'tasks are replaced' }, taskLimit.reason));
    return;
  }
  const memory = new MemoryWatch(sampled);
  const allTasks = [...tasks];
  const replacement = await startAnother().catch((error: Error) => error);
  if (replacement instanceof Error) {
    report(failed({ id: 'healthy', name: 'one more task becomes healthy' }, replacement.message));
  } else {
    const [first] = tasks.splice(0, 1, replacement);
    allTasks.push(replacement);
    memory.watch(tasks);
    const stopped = Promise.all([first.task.stop('gracefully'), sleep(MIN_OBSERVED_MS, interrupted)]);
    const [stop] = await stopped.finally(async () => memory.end());
    report(checkStopsInTime([{ stop }], stopTimeoutSeconds));
    if (interrupted.aborted) { return; }
    const killed = await killTask(tasks[0], tasks.length, startAnother);
    const replacements = killed.replacement ? [killed.replacement.task] : [];
    tasks.splice(0, 1, ...replacements);
    allTasks.push(...replacements);
    report(checkSurvivesKill(killed));
  }
  report(memory.check(allTasks));
  report(await checkRootFilesystem(runningService, allTasks));
  report(checkJsonLogs(allTasks));
}
