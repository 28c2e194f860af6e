import { sleep } from '../sleep';

/*
 * Executes a Step Functions state machine as far as CDK's waiters use it: Task, Retry, Catch, Next, End.
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */

export interface StateMachineDefinition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly Next?: string;
  readonly End?: boolean;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: ReadonlyArray<{ readonly Next: string }>;
}

interface Retrier {
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
}

export interface ExecutionOptions {
  /** Invokes the Lambda function of a Task state. */
  readonly invoke: (resource: string, input: unknown) => Promise<unknown>;
  /** By which the time between attempts is divided. */
  readonly speedup: number;
  /** Ends the retries. */
  readonly interrupted: AbortSignal;
}

/** @returns the output of the last state */
export async function execute(
  definition: StateMachineDefinition, input: unknown, options: ExecutionOptions,
): Promise<unknown> {
  let data = input;
  let name: string | undefined = definition.StartAt;
  while (name !== undefined) {
    const state: State = definition.States[name];
    if (state?.Type !== 'Task' || !state.Resource) {
      throw new Error(`the rehearsal does not support states of type ${state?.Type}`);
    }
    const output: { data: unknown; next?: string } = await runTask(state, data, options);
    data = output.data;
    name = output.next;
  }
  return data;
}

async function runTask(
  state: State, input: unknown, { invoke, speedup, interrupted }: ExecutionOptions,
): Promise<{ data: unknown; next?: string }> {
  const { IntervalSeconds = 1, MaxAttempts = 3, BackoffRate = 2 } = state.Retry?.[0] ?? { MaxAttempts: 0 };
  for (let retries = 0; ; retries++) {
    try {
      return { data: await invoke(state.Resource!, input), next: state.Next };
    } catch (error) {
      if (retries < MaxAttempts && !interrupted.aborted) {
        await sleep(1000 * IntervalSeconds * BackoffRate ** retries / speedup, interrupted);
        continue;
      }
      const next = state.Catch?.[0]?.Next;
      if (!next) { throw error; }
      // The format in which Lambda reports an error of a function.
      const cause = JSON.stringify({ errorType: 'Error', errorMessage: (error as Error).message });
      return { data: { Error: 'Error', Cause: cause }, next };
    }
  }
}
