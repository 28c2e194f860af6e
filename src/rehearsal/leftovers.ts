import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

/*
 * Processes and temporary files that are removed when the rehearsal ends, for whatever reason. Removal is synchronous,
 * because nothing can be awaited while a process exits.
 */

const removals = new Set<() => void>();

/** @returns a function that removes it now */
export function removeOnExit(remove: () => void): () => void {
  removals.add(remove);
  return () => {
    if (removals.delete(remove)) { remove(); }
  };
}

export function removeLeftovers(): void {
  for (const remove of [...removals].reverse()) {
    removals.delete(remove);
    try {
      remove();
    } catch (error) {
      process.stderr.write(`could not clean up: ${error}\n`);
    }
  }
}

process.on('exit', removeLeftovers);

const PREFIX = 'hello-fargate-service-';
let hasSwept = false;

/**
 * Creates a temporary directory that is removed when the rehearsal ends. If a rehearsal is killed with SIGKILL, it
 * cannot remove anything, so the next one does.
 *
 * @returns its path without symbolic links, and a function that removes it now
 */
export function temporaryDirectory(): { readonly directory: string; readonly remove: () => void } {
  const parent = fs.realpathSync(os.tmpdir());
  if (!hasSwept) { sweep(parent); }
  hasSwept = true;
  const directory = fs.mkdtempSync(path.join(parent, `${PREFIX}${process.pid}-`));
  return { directory, remove: removeOnExit(() => removeDirectory(directory)) };
}

/** Removes the directories whose names have the ID of a process that has ended, where this user may. */
function sweep(parent: string): void {
  for (const name of fs.readdirSync(parent)) {
    const [, pid] = new RegExp(`^${PREFIX}(\\d+)-\\w{6}$`).exec(name) ?? [];
    if (pid === undefined || isRunning(Number(pid))) { continue; }
    try {
      removeDirectory(path.join(parent, name));
    } catch {
      // It belongs to another user.
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function removeDirectory(directory: string): void {
  fs.rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}
