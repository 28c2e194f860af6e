import { CheckSubject, failed, passed, skipped } from './check';
import { RehearsalContext, SPEEDUP } from '../context';
import { ContainerHealthCheckSpec } from '../model';
import { Check } from '../report/report';
import { RunningService, RunningTask, waitUntilHealthy } from '../running-service';
import { sleep } from '../sleep';
import { describeExit, Task } from '../tasks/task';
import { StartTimeouts } from '../unhealthy';

const DEFAULT_MIN_HEALTHY_SECONDS = 5;
/** An emulated CPU architecture is about ten times slower. */
const EMULATION_SLOWDOWN = 10;
/** An app that fails and exits within this time failed because it exits. */
const EXIT_DELAY_MS = 2000;

/** ECS replaces a task that fails its health checks after the grace period. */
export function startTimeoutsFor(
  { service, runtime }: RunningService,
  { targets: [{ group: { spec: { healthCheck } } }] }: RunningTask,
  minHealthySeconds = DEFAULT_MIN_HEALTHY_SECONDS,
): StartTimeouts {
  const allowed = service.gracePeriodSeconds + healthCheck.unhealthyThreshold * healthCheck.intervalSeconds;
  const factor = runtime.emulated ? EMULATION_SLOWDOWN : 1;
  return { untilListening: factor * allowed, untilHealthy: factor * Math.max(minHealthySeconds, allowed / SPEEDUP) };
}

/** Checks that all tasks of a service become healthy. */
export async function checkHealthy(
  runningService: RunningService, { options, report, interrupted }: RehearsalContext,
): Promise<void> {
  await Promise.all(runningService.tasks.map(async (runningTask) => {
    const { task, targets: [{ target }] } = runningTask;
    const timeouts = startTimeoutsFor(runningService, runningTask, options.minHealthySeconds);
    const reason = await waitUntilHealthy(runningTask, timeouts, interrupted);
    if (interrupted.aborted) { return; }
    const name = target.port === undefined ? task.name : `${task.name} at ${target.host}:${target.port}`;
    if (reason === undefined) {
      const seconds = task.secondsSinceStart.toFixed(1);
      report.check(passed({ id: 'healthy', name: `${name} is healthy` }, `after ${seconds} s`));
      return;
    }
    report.check(failed({ id: 'healthy', name: `${name} is not healthy` }, reason));
    task.lastLines.forEach((line) => report.log(task.name, line));
  }));
}

/** Runs the container health check, if there is one, in each task. */
export async function checkContainerHealth(
  { service, runtime, tasks }: RunningService, { report }: Pick<RehearsalContext, 'report'>,
): Promise<void> {
  const { healthCheck } = service.container;
  if (!healthCheck || healthCheck.command[0] === 'NONE') { return; }
  for (const { task } of tasks) { report.check(await runContainerHealthCheck(task, healthCheck, runtime.emulated)); }
}

async function runContainerHealthCheck(
  task: Task, healthCheck: ContainerHealthCheckSpec, isEmulated: boolean,
): Promise<Check> {
  const { command, retries, intervalSeconds, timeoutSeconds } = healthCheck;
  let outcome = await task.checkContainerHealth(healthCheck);
  for (let retry = 1; retry < retries && (outcome === 'failed' || outcome === 'timed out'); retry++) {
    await sleep(1000 * intervalSeconds / SPEEDUP);
    outcome = await task.checkContainerHealth(healthCheck);
  }
  const subject: CheckSubject = {
    id: 'container-health-check', name: `${task.name} passes its container health check, ${command.slice(1).join(' ')}`,
  };
  switch (outcome) {
    case 'passed': return passed(subject);
    case 'failed': return failed(subject, `it failed ${retries} times: ECS would replace the task`);
    case 'timed out':
      if (isEmulated) { return skipped(subject, `it takes longer than ${timeoutSeconds} s with an emulated CPU`); }
      return failed(subject, `it took longer than ${timeoutSeconds} s, ${retries} times: ECS would replace the task`);
    case 'skipped': return skipped(subject, 'without a container engine, only `node …` can run');
  }
}

/** Checks that no task has exited; reports only those that have. */
export async function checkStillRunning(
  { tasks }: RunningService, { report, interrupted }: RehearsalContext,
): Promise<void> {
  // An app that crashes closes its connections before its exit is seen.
  const until = report.checks.some(({ outcome }) => outcome === 'failed') ? Date.now() + EXIT_DELAY_MS : 0;
  while (Date.now() < until && !interrupted.aborted && tasks.every(({ task }) => !task.exit)) {
    await sleep(50, interrupted);
  }
  for (const { task } of tasks) {
    if (!task.exit) { continue; }
    const reason = `the app exited after it was healthy, with ${describeExit(task.exit)}; its last log lines follow`;
    report.check(failed({ id: 'running', name: `${task.name} is still running` }, reason));
    task.lastLines.forEach((line) => report.log(task.name, line));
  }
}
