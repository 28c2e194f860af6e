import { setTimeout } from 'node:timers/promises';

/** Waits, and returns early without an error when the signal is aborted. */
export async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await setTimeout(milliseconds, undefined, { signal });
  } catch {
    // Aborted: there is no other error.
  }
}
