import { Target } from '../../src/rehearsal/edge/target-group';
import { Task } from '../../src/rehearsal/tasks/task';
import { explainUnhealthy } from '../../src/rehearsal/unhealthy';
import { HEALTH_CHECK } from '../support/rehearsal/specs';

const TIMEOUTS = { untilListening: 120, untilHealthy: 6 };

function explain(task: Partial<Task>, lastProbe?: Target['lastProbe'], inARow = 2): string | undefined {
  const target = Object.assign(new Target('task 1', '127.0.9.9', 8080), { lastProbe, inARow });
  const running = { listening: [], lastLines: [], secondsSinceStart: 10, ...task } as unknown as Task;
  return explainUnhealthy(running, target, HEALTH_CHECK, TIMEOUTS);
}

const refused = { error: 'ECONNREFUSED', passed: false };

test('an app may take as long to listen as in ECS', () => {
  expect(explain({ secondsSinceStart: 119 }, refused)).toBeUndefined();
  expect(explain({ secondsSinceStart: 120 }, refused)).toMatch(/listens on no port after 120 s.*longer grace period/);
});

test('an app that answers with errors may become healthy within a short time', () => {
  const unhealthy = { status: 503, passed: false };
  expect(explain({ secondsSinceStart: 5 }, unhealthy)).toBeUndefined();
  expect(explain({}, unhealthy, 1)).toBeUndefined();
  expect(explain({}, unhealthy)).toMatch(/answered 503/);
});

test('there is no explanation before the first probe is complete', () => {
  expect(explain({ listening: [{ port: 8080 }] })).toBeUndefined();
  expect(explain({ listening: [{ port: 3000 }] })).toBeUndefined();
});

test('a connection that was refused before the app listened is ignored', () => {
  expect(explain({ listening: [{ port: 8080 }] }, refused)).toBeUndefined();
});

const listening = [{ port: 8080 }];

test.each([
  [{ listening }, { status: 404, passed: false }, /answered 404, but the target group expects 200: .* no such path/],
  [{ listening }, { status: 204, passed: false }, /answered 204, but the target group expects 200: change the app, or/],
  [{ listening }, { error: 'ETIMEDOUT', passed: false }, /did not answer within 5 s/],
  [{ listening }, { error: 'HPE_INVALID_CONSTANT', passed: false }, /HPE_INVALID_CONSTANT.*does not speak HTTP/],
  [{ listening: [{ port: 8080, host: '127.0.0.1' }] }, refused, /listens on 127.0.0.1:8080.*0\.0\.0\.0/],
  [{ listening: [{ port: 3000 }, { port: 9090 }] }, refused, /nothing listens on port 8080.* 3000, 9090/],
  [{ exit: { code: 0, signal: null } }, refused, /exited with code 0 .*must keep running.*logged nothing/],
  [
    { exit: { code: 137, signal: null, outOfMemory: true } },
    refused,
    /exited at startup with exit code 137, killed because it was out of memory; it logged/,
  ],
  [
    { exit: { code: null, signal: 'SIGSEGV' as const }, lastLines: ['x'] },
    refused,
    /exited at startup with SIGSEGV; its last log lines/,
  ],
])('explains %j', (task, probe, message) => {
  expect(explain(task, probe)).toMatch(message);
});

test('names a connection, and no request, where the health check is TCP', () => {
  const target = Object.assign(new Target('task 1', '127.0.9.9', 8080), {
    lastProbe: { error: 'ETIMEDOUT', passed: false }, inARow: 2,
  });
  const task = { listening: [{ port: 8080 }], lastLines: [], secondsSinceStart: 10 } as unknown as Task;
  expect(explainUnhealthy(task, target, { ...HEALTH_CHECK, protocol: 'TCP' }, TIMEOUTS))
    .toMatch(/^a connection to port 8080 did not answer within 5 s/);
});
