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
