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
const SPEEDUP = 100;
const NEVER = new AbortController().signal;

/** Executes the waiter with a task that fails a number of times. */
async function wait(failures: number, interrupted = NEVER): Promise<string[]> {
  const calls: string[] = [];
  const invoke = async (resource: string, input: unknown) => {
    calls.push(`${resource} ${JSON.stringify(input)}`);
    if (resource === 'isComplete' && calls.length <= failures) { throw new Error('not yet'); }
    return null;
  };
  await execute(WAITER, 'input', { invoke, speedup: SPEEDUP, interrupted });
  return calls;
}

test('retries until the task succeeds', async () => {
  expect(await wait(2)).toEqual(Array(3).fill('isComplete "input"'));
});

test('passes the last error to the state that catches it, after the maximum number of attempts', async () => {
  const calls = await wait(99);
  expect(calls.filter((call) => call.startsWith('isComplete'))).toHaveLength(4);
  expect(calls.at(-1)).toMatch(/^onTimeout .*errorMessage\\":\\"not yet/);
});

test('divides the time between attempts by the speedup', async () => {
  const start = Date.now();
  await wait(99);
  expect(Date.now() - start).toBeGreaterThanOrEqual(28);
  expect(Date.now() - start).toBeLessThan(1000);
});

test('does not retry once it is interrupted', async () => {
  expect(await wait(99, AbortSignal.abort())).toHaveLength(2);
});

test('fails on a state that is not supported', async () => {
  const options = { invoke: async () => 1, speedup: 1, interrupted: NEVER };
  await expect(execute({ StartAt: 'a', States: { a: { Type: 'Map' } } }, 1, options)).rejects.toThrow(/type Map/);
});
