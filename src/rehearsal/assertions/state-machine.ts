import { sleep } from '../sleep';

/*
 * Plays a Step Functions state machine as far as CDK's waiters use it: Task, Retry, Catch, Next, End.
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */

export interface StateMachineDefinition {
  readonly StartAt: string;
  readonly States: { readonly [name: string]: State };
}

interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly Next?: string;
  readonly End?: boolean;
  readonly Retry?: ReadonlyArray<{ readonly IntervalSeconds?: number; readonly MaxAttempts?: number; readonly BackoffRate?: number }>;
  readonly Catch?: ReadonlyArray<{ readonly Next: string }>;
}

/** Calls the function of a Task. */
type Invoke = (resource: string, input: unknown) => Promise<unknown>;

/**
 * @param interrupted ends the waiting
 * @param pace how many times as fast as the definition says it waits between attempts
 */
export async function execute(
  definition: StateMachineDefinition, input: unknown, invoke: Invoke, pace: number, interrupted: AbortSignal,
): Promise<unknown> {
  let data = input;
  for (let name: string | undefined = definition.StartAt; name !== undefined;) {
    const state: State = definition.States[name];
    if (state?.Type !== 'Task' || !state.Resource) { throw new Error(`a state of type ${state?.Type} is not known to the rehearsal`); }
    const outcome = await attempt(state, data, invoke, pace, interrupted);
    data = outcome.data;
    name = outcome.next;
  }
  return data;
}

async function attempt(
  state: State, input: unknown, invoke: Invoke, pace: number, interrupted: AbortSignal,
): Promise<{ data: unknown; next?: string }> {
  const { IntervalSeconds = 1, MaxAttempts = 3, BackoffRate = 2 } = state.Retry?.[0] ?? { MaxAttempts: 0 };
  for (let retries = 0; ; retries++) {
    try {
      return { data: await invoke(state.Resource!, input), next: state.Next };
    } catch (error) {
      if (retries < MaxAttempts && !interrupted.aborted) {
        await sleep(1000 * IntervalSeconds * BackoffRate ** retries / pace, interrupted);
        continue;
      }
      const next = state.Catch?.[0]?.Next;
      if (!next) { throw error; }
      // As Lambda reports an error that a function has thrown.
      return { data: { Error: 'Error', Cause: JSON.stringify({ errorType: 'Error', errorMessage: (error as Error).message }) }, next };
    }
  }
}
