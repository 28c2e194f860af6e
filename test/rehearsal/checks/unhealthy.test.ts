import { explainUnhealthy } from '../../../src/rehearsal/checks/unhealthy';
import { Target } from '../../../src/rehearsal/edge/target-group';
import { Task } from '../../../src/rehearsal/tasks/task';

const HEALTH_CHECK = { path: '/health', intervalSeconds: 30, timeoutSeconds: 5, healthyThreshold: 2, unhealthyThreshold: 2, successCodes: '200' };
const PATIENCE = { silent: 120, heard: 6 };

function explain(task: Partial<Task>, lastProbe?: Target['lastProbe'], inARow = 2): string | undefined {
  const target = Object.assign(new Target('task 1', '127.0.9.9', 8080), { lastProbe, inARow });
  return explainUnhealthy({ listening: [], lastLines: [], secondsSinceStart: 10, ...task } as unknown as Task, target, HEALTH_CHECK, PATIENCE);
}

const refused = { error: 'ECONNREFUSED', passed: false };

test('gives an app that listens nowhere as long as ECS would', () => {
  expect(explain({ secondsSinceStart: 119 }, refused)).toBeUndefined();
  expect(explain({ secondsSinceStart: 120 }, refused)).toMatch(/listens nowhere after 120 s.*longer grace period/);
});

test('gives an app that answers wrongly a little while to get well', () => {
  const ill = { status: 503, passed: false };
  expect(explain({ secondsSinceStart: 5 }, ill)).toBeUndefined();
  expect(explain({}, ill, 1)).toBeUndefined();
  expect(explain({}, ill)).toMatch(/answered 503/);
});

test('waits for the end of the first probe', () => {
  expect(explain({ listening: [{ port: 8080 }] })).toBeUndefined();
  expect(explain({ listening: [{ port: 3000 }] })).toBeUndefined();
});

test('does not take a probe from before the app listened for an answer', () => {
  expect(explain({ listening: [{ port: 8080 }] }, refused)).toBeUndefined();
});

test.each([
  [{ listening: [{ port: 8080 }] }, { error: 'ETIMEDOUT', passed: false }, /did not answer within 5 s/],
  [{ listening: [{ port: 8080 }] }, { error: 'HPE_INVALID_CONSTANT', passed: false }, /HPE_INVALID_CONSTANT.*speaks no HTTP/],
  [{ listening: [{ port: 8080, host: '127.0.0.1' }] }, refused, /listens on 127.0.0.1:8080.*0\.0\.0\.0/],
  [{ listening: [{ port: 3000 }, { port: 9090 }] }, refused, /nothing listens on port 8080.* 3000, 9090/],
  [{ exit: { code: 0, signal: null } }, refused, /exited with code 0 .*does not keep running.*said nothing/],
  [{ exit: { code: 137, signal: null, outOfMemory: true } }, refused, /died at start, with exit code 137, killed because it was out of memory; it said/],
  [{ exit: { code: null, signal: 'SIGSEGV' as const }, lastLines: ['x'] }, refused, /died at start, with SIGSEGV; its last words/],
])('explains %j', (task, probe, message) => {
  expect(explain(task, probe)).toMatch(message);
});
