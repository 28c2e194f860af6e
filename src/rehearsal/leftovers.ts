/*
 * What must not outlive the rehearsal, however it ends: processes and temporary files. Whoever makes one says here how it is
 * removed, at once and without waiting, because nothing can be awaited while a process exits.
 */

const removals = new Set<() => void>();

/** @returns removes it now */
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
