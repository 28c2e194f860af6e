import { execute, StateMachineDefinition } from '../../../src/rehearsal/assertions/state-machine';

const WAITER: StateMachineDefinition = {
  StartAt: 'isComplete',
  States: {
    isComplete: {
      Type: 'Task',
      Resource: 'isComplete',
      End: true,
      Retry: [{ IntervalSeconds: 1, MaxAttempts: 3, BackoffRate: 1 }],
      Catch: [{ Next: 'onTimeout' }],
    },
    onTimeout: { Type: 'Task', Resource: 'onTimeout', End: true },
  },
};
const PACE = 100;
const NEVER = new AbortController().signal;

/** Plays the waiter with a task that fails as often. */
async function wait(failures: number, signal = NEVER): Promise<string[]> {
  const calls: string[] = [];
  await execute(WAITER, 'input', async (resource, input) => {
    calls.push(`${resource} ${JSON.stringify(input)}`);
    if (resource === 'isComplete' && calls.length <= failures) { throw new Error('not yet'); }
    return null;
  }, PACE, signal);
  return calls;
}

test('tries again until it succeeds', async () => {
  expect(await wait(2)).toEqual(Array(3).fill('isComplete "input"'));
});

test('hands the last error to the state that catches it, after as many retries as the definition says', async () => {
  const calls = await wait(99);
  expect(calls.filter((call) => call.startsWith('isComplete'))).toHaveLength(4);
  expect(calls.at(-1)).toMatch(/^onTimeout .*errorMessage\\":\\"not yet/);
});

test('waits between attempts, faster by the pace', async () => {
  const began = Date.now();
  await wait(99);
  expect(Date.now() - began).toBeGreaterThanOrEqual(28);
  expect(Date.now() - began).toBeLessThan(1000);
});

test('does not try again once it is interrupted', async () => {
  expect(await wait(99, AbortSignal.abort())).toHaveLength(2);
});

test('fails on a state that it does not know', async () => {
  await expect(execute({ StartAt: 'a', States: { a: { Type: 'Map' } } }, 1, async () => 1, 1, NEVER)).rejects.toThrow(/type Map/);
});
