import { CannotRun } from '../../../src/rehearsal/cannot-run';
import { RehearseOptions } from '../../../src/rehearsal/context';
import { rehearse } from '../../../src/rehearsal/rehearse';
import { Report } from '../../../src/rehearsal/report/report';

export interface RehearsalRun {
  readonly passed: boolean;
  /** What the command would print. */
  readonly text: string;
}

/** Rehearses an assembly without load. */
export async function runRehearsal(directory: string, options: Partial<RehearseOptions> = {}): Promise<RehearsalRun> {
  let text = '';
  const report = new Report({ write: (more) => { text += more; } });
  const allOptions = { directory, once: true, quick: true, port: 0, minHealthySeconds: 0.5, ...options };
  const passed = await rehearse(allOptions, report, new AbortController().signal);
  return { passed, text };
}

/** Expects that the rehearsal cannot run. @returns the reason */
export async function refusalOf(directory: string, options: Partial<RehearseOptions> = {}): Promise<string> {
  const error = await runRehearsal(directory, options).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(CannotRun);
  return error.message;
}
