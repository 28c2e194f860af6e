import { Target, TargetState } from '../../src/rehearsal/edge/target-group';
import { RunningTask, waitUntilHealthy } from '../../src/rehearsal/running-service';
import { Task } from '../../src/rehearsal/tasks/task';
import { HEALTH_CHECK } from '../support/rehearsal/specs';

const TIMEOUTS = { untilListening: 120, untilHealthy: 6 };

function newRunningTask(task: Partial<Task>, ...states: TargetState[]): RunningTask {
  const targets = states.map((state) => ({
    target: Object.assign(new Target('task 1', '127.0.9.9', 8080), { state }),
    group: { spec: { healthCheck: HEALTH_CHECK } },
  }));
  return { task: { listening: [], lastLines: [], secondsSinceStart: 1, ...task }, targets } as unknown as RunningTask;
}

test('a task is healthy once it is healthy in all its target groups', async () => {
  const runningTask = newRunningTask({}, 'healthy', 'initial');
  let settled = false;
  const reason = waitUntilHealthy(runningTask, TIMEOUTS, new AbortController().signal);
  void reason.then(() => { settled = true; });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(settled).toBe(false);
  runningTask.targets[1].target.state = 'healthy';
  expect(await reason).toBeUndefined();
});

test('a task that has exited is not healthy, whatever the state of its targets', async () => {
  const runningTask = newRunningTask({ exit: { code: 7, signal: null } }, 'healthy');
  expect(await waitUntilHealthy(runningTask, TIMEOUTS, new AbortController().signal)).toMatch(/the app exited/);
});

test('the wait ends when the rehearsal is interrupted', async () => {
  expect(await waitUntilHealthy(newRunningTask({}, 'initial'), TIMEOUTS, AbortSignal.abort())).toBeUndefined();
});
