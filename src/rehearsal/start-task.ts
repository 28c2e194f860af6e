import { startTimeoutsFor } from './checks/health';
import { RehearsalContext } from './context';
import { deregister, RunningService, RunningTask, startRunningTask, waitUntilHealthy } from './running-service';
import { describeExit } from './tasks/task';

/** Starts a task, and records what happens to it. */
export async function startTask(
  runningService: RunningService, number: number, context: RehearsalContext,
): Promise<RunningTask> {
  const { targetGroups, printLog, timeline, report, interrupted } = context;
  const runningTask = await startRunningTask(runningService, number, targetGroups, printLog);
  const { task } = runningTask;
  timeline.event(task.name, 'started');
  void task.exited.then((exit) => {
    timeline.event(task.name, `exited with ${describeExit(exit)}`);
    // Before the result, this is the matter of a check. Later, tasks that are replaced are no longer in the list.
    const isMissed = report.passed !== undefined && runningService.tasks.includes(runningTask);
    if (isMissed && !interrupted.aborted) {
      report.problem(`  ${task.name} exited with ${describeExit(exit)}: ECS would replace it, the rehearsal does not`);
    }
  });
  return runningTask;
}

/** @throws an Error with the reason why the task does not become healthy */
export async function startHealthyTask(
  runningService: RunningService, number: number, context: RehearsalContext,
): Promise<RunningTask> {
  const { options, interrupted } = context;
  const runningTask = await startTask(runningService, number, context);
  const timeouts = startTimeoutsFor(runningService, runningTask, options.minHealthySeconds);
  const reason = await waitUntilHealthy(runningTask, timeouts, interrupted);
  if (reason) {
    deregister(runningTask);
    await runningTask.task.stop('immediately');
    throw new Error(reason);
  }
  return runningTask;
}
