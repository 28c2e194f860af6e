import { ChildProcess, spawn } from 'node:child_process';
import { removeOnExit } from '../../leftovers';

/*
 * Runs the commands of container engines.
 */

export interface CommandResult {
  /** Null if the program was not found or was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  /**
   * Added to the environment of the rehearsal, in which the command finds its engine and the credentials of
   * registries.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** Stops the command when it fires. */
  readonly signal?: AbortSignal;
  readonly timeoutSeconds?: number;
}

/** Starts a command that ends with the rehearsal. */
export function spawnCommand(program: string, args: readonly string[], { cwd, env }: CommandOptions): ChildProcess {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // In its own process group, Ctrl-C does not reach it: the rehearsal handles that.
    detached: process.platform !== 'win32',
  });
  const remove = removeOnExit(() => child.kill('SIGKILL'));
  child.on('close', remove);
  return child;
}

export async function runCommand(
  program: string, args: readonly string[], options: CommandOptions = {},
): Promise<CommandResult> {
  const { signal, timeoutSeconds } = options;
  return new Promise((resolve) => {
    const child = spawnCommand(program, args, options);
    const kill = () => child.kill('SIGKILL');
    const timer = timeoutSeconds === undefined ? undefined : setTimeout(kill, 1000 * timeoutSeconds);
    const interrupt = () => child.kill('SIGTERM');
    signal?.addEventListener('abort', interrupt);
    if (signal?.aborted) { interrupt(); }
    let stdout = '';
    let stderr = '';
    const finish = (code: number | null) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', interrupt);
      resolve({ code, stdout, stderr });
    };
    child.stdout!.setEncoding('utf8').on('data', (text) => { stdout += text; });
    child.stderr!.setEncoding('utf8').on('data', (text) => { stderr += text; });
    child.on('error', (error) => {
      stderr += error.message;
      finish(null);
    });
    child.on('close', finish);
  });
}

/** The line of an engine's error output that has the reason. */
export function failureReason(stderr: string): string {
  const lines = stderr.trim().split('\n');
  // Docker's command may add a line of its own.
  const line = lines.find((candidate) => candidate.includes('Error response from daemon')) ?? lines.at(-1)!;
  return line.replace(/^((docker|Error|Error response from daemon): )+/, '');
}

/** A command-line option, or nothing without a value. */
export function option(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [name, value];
}
