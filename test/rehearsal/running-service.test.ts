import { Target, TargetState } from '../../src/rehearsal/edge/target-group';
import { RunningTask, healthy } from '../../src/rehearsal/running-service';
import { Task } from '../../src/rehearsal/tasks/task';

const HEALTH_CHECK = { path: '/health', intervalSeconds: 30, timeoutSeconds: 5, healthyThreshold: 2, unhealthyThreshold: 2, successCodes: '200' };
const PATIENCE = { silent: 120, heard: 6 };

function newActor(task: Partial<Task>, ...states: TargetState[]): RunningTask {
  const targets = states.map((state) => ({
    target: Object.assign(new Target('task 1', '127.0.9.9', 8080), { state }), group: { spec: { healthCheck: HEALTH_CHECK } },
  }));
  return { task: { listening: [], lastLines: [], secondsSinceStart: 1, ...task }, targets } as unknown as RunningTask;
}

test('a task is healthy when it is in all of its target groups', async () => {
  const actor = newActor({}, 'healthy', 'initial');
  let settled = false;
  const reason = healthy(actor, PATIENCE, new AbortController().signal);
  void reason.then(() => { settled = true; });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(settled).toBe(false);
  actor.targets[1].target.state = 'healthy';
  expect(await reason).toBeUndefined();
});

test('a task that has ended is not healthy, whatever its target group still takes it for', async () => {
  expect(await healthy(newActor({ exit: { code: 7, signal: null } }, 'healthy'), PATIENCE, new AbortController().signal)).toMatch(/the app died/);
});
