import { spawnSync } from 'node:child_process';
import * as path from 'node:path';

export const ROOT = path.join(__dirname, '..', '..');

/** Runs a command to its end. Its output is printed, and its failure is an error. */
export function run(command: string, args: string[], cwd: string, environment: Record<string, string> = {}): void {
  process.stdout.write(`$ ${[command, ...args].join(' ')}\n`);
  // Assets are copied, as for a user.
  const { CDK_CONTEXT_JSON: _, ...own } = process.env;
  const { status, error } = spawnSync(command, args, { cwd, env: { ...own, ...environment }, stdio: 'inherit' });
  if (error) { throw error; }
  if (status !== 0) { throw new Error(`${command} ${args.join(' ')} exited with code ${status}`); }
}
