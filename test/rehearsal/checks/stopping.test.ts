import * as http from 'node:http';
import * as net from 'node:net';
import { hasFailed, Load } from '../../../src/rehearsal/checks/load';
import {
  checkDeregisteredAfter, checkDeregisteredBefore, checkFailingHealthChecks, checkInFlight, checkStopsInTime,
  StoppedTask, stopDeregistered,
} from '../../../src/rehearsal/checks/stopping';
import { Front } from '../../../src/rehearsal/edge/routes';
import { Target } from '../../../src/rehearsal/edge/target-group';
import { RunningTask } from '../../../src/rehearsal/running-service';
import { sleep } from '../../../src/rehearsal/sleep';
import { SignalCallbacks, TaskStop } from '../../../src/rehearsal/tasks/task';

const STOPPED_AT = 10_000;
const STOP: TaskStop = { code: 0, signal: null, killed: false, milliseconds: 2500 };
const target = new Target('task 1', '127.0.9.9', 8080);

type Request = readonly [millisecondsAfterSigterm: number, status?: number];

function stopped(requests: readonly Request[], stop: Partial<TaskStop> = {}): StoppedTask {
  return {
    stop: { ...STOP, ...stop },
    stoppedAt: STOPPED_AT,
    requests: requests.map(([after, status]) => ({ target, sentAt: STOPPED_AT + after, status })),
  };
}

const BEFORE: readonly Request[] = Array.from({ length: 10 }, (_, index) => [-10 * (index + 1), 200]);
const AFTER: readonly Request[] = Array.from({ length: 10 }, (_, index) => [10 * (index + 1), 200]);
const failed = (reason: RegExp) => ({ outcome: 'failed', reason: expect.stringMatching(reason) });
const skipped = (reason: RegExp) => ({ outcome: 'skipped', reason: expect.stringMatching(reason) });

test.each([
  [{ count: 0, cutOff: [] }, 'skipped', /only 0 were in flight, too few for a result/],
  [{ count: 9, cutOff: [] }, 'skipped', /only 9 were in flight, too few for a result/],
  [{ count: 10, cutOff: [] }, 'passed', /10 of them/],
  [{ count: 3, cutOff: [{ error: 'socket hang up' }] }, 'failed', /1 of 3 were cut off \(socket hang up\)/],
  [{ count: 3, cutOff: [{ status: 503 }, { status: 500 }] }, 'failed', /2 of 3 were cut off \(503\)/],
])('checks in-flight requests: %j is %s', (inFlight, outcome, reason) => {
  expect(checkInFlight(inFlight)).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
});

test('a failed request of a stopping task fails the check', () => {
  expect(checkDeregisteredBefore(stopped([...BEFORE, [-5, 502]]))).toMatchObject(failed(/^1 failed/));
  expect(checkDeregisteredAfter(stopped([[10, undefined]]), {})).toMatchObject(failed(/^1 failed/));
});

test('a task that answers all requests passes', () => {
  expect(checkDeregisteredBefore(stopped(BEFORE)).outcome).toBe('passed');
  expect(checkDeregisteredAfter(stopped(AFTER), {}).outcome).toBe('passed');
  expect(checkFailingHealthChecks(true, stopped(AFTER)).outcome).toBe('passed');
});

test('a task that received too few requests is skipped with the reason', () => {
  const tooFew = skipped(/^only 1 request reached the task in time, too few for a result/);
  expect(checkDeregisteredBefore(stopped([[-10, 200]]))).toMatchObject(tooFew);
  // Requests from before SIGTERM show nothing about what the app does after it.
  expect(checkDeregisteredAfter(stopped([...BEFORE, [10, 200]]), {})).toMatchObject(tooFew);
  expect(checkFailingHealthChecks(true, stopped([...BEFORE, [10, 200]]))).toMatchObject(tooFew);
});

test.each([
  [stopped(AFTER, { killed: true, milliseconds: 5000 }), /until SIGKILL, after 5 s/],
  [stopped([...AFTER, [40, 502]]), /^1 failed/],
  [{ ...stopped(AFTER), inRotation: true }, /until it exited/],
])('a task that stays in rotation fails with Spot and is skipped without it: %#', (task, reason) => {
  expect(checkFailingHealthChecks(true, task)).toMatchObject(failed(reason));
  expect(checkFailingHealthChecks(false, task)).toMatchObject(skipped(/only on Fargate Spot/));
});

test('a task that is killed after the stop timeout fails', () => {
  expect(checkStopsInTime([stopped([]), stopped([], { killed: true })], 5))
    .toMatchObject(failed(/^1 of 2 received SIGKILL after 5 s/));
  expect(checkStopsInTime([stopped([])], 5)).toMatchObject({ outcome: 'passed', reason: 'after 2.5 of 5 s' });
});

test.each([[200, false], [404, false], [499, false], [500, true], [502, true], [undefined, true]])(
  'a request with status %s has failed: %s', (status, expected) => {
    expect(hasFailed({ status })).toBe(expected);
  });

describe('a task that stops', () => {
  /** Stops a task that answers after some time, by an engine that takes some time to send the signal. */
  const stop = async (answerMs: number, engineMs: number) => {
    let isStopped = false;
    const server = http.createServer((incoming, response) => {
      setTimeout(() => { if (isStopped) { incoming.socket.destroy(); } else { response.end(); } }, answerMs);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    const task = {
      stop: async (_: string, callbacks?: SignalCallbacks) => {
        callbacks?.before();
        await sleep(engineMs);
        isStopped = true;
        callbacks?.after();
        return STOP;
      },
    };
    const group = { deregister: () => {} };
    const running = { task, targets: [{ target: new Target('task', '127.0.0.1', port), group }] };
    const front = { url: `http://127.0.0.1:${port}/`, host: 'a' } as Front;
    const load = { resultsOf: () => [] } as unknown as Load;
    try {
      const { inFlight } = await stopDeregistered(running as unknown as RunningTask, front, load, 20);
      return checkInFlight(inFlight);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  };

  test('fails if it cuts off requests that were in flight', async () => {
    expect(await stop(200, 0)).toMatchObject(failed(/^20 of 20 were cut off/));
  });

  test('is skipped if the engine took so long to send the signal that all requests were answered', async () => {
    expect(await stop(20, 300)).toMatchObject(skipped(/^only 0 were in flight, too few for a result/));
  });
});
