import { Check } from '../report';
import { RunningTask } from '../running-service';
import { Memory } from '../tasks/task';

/*
 * Samples what tasks hold in memory, and judges it.
 */

/** Shares of the limit. A runtime that collects garbage goes up and down by a few percent. */
const MAX_USED = 0.9;
const MAX_GROWTH = 0.2;

export class MemoryWatch {
  private readonly samples = new Map<RunningTask, Memory[]>();
  private timer?: NodeJS.Timeout;

  public watch(actors: RunningTask[]): void {
    actors.forEach((actor) => this.samples.set(actor, []));
    this.timer = setInterval(() => { void this.sample(); }, 500);
  }

  public async end(): Promise<void> {
    if (this.timer) { await this.sample(); }
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** @param all tasks that there were, watched or not */
  public judge(all: RunningTask[]): Check {
    const id = 'memory';
    const name = 'memory has head-room under load, and does not grow with each request';
    const killed = all.filter(isOutOfMemory);
    if (killed.length > 0) {
      const reason = `${killed.length} of ${all.length} tasks were killed as they were out of memory: the app keeps something of every request, or needs more: raise memoryLimitMiB`;
      return { id, name, outcome: 'failed', reason };
    }
    const shares = [...this.samples.values()].map((samples) => samples.map(({ usedMiB, limitMiB }) => usedMiB / limitMiB));
    // Where a task dies early, there are few.
    const long = shares.filter((of) => of.length >= 4);
    const peak = Math.max(...shares.flat());
    if (long.length === 0 && !(peak > MAX_USED)) { return { id, name, outcome: 'not rehearsed', reason: 'it cannot be measured here' }; }
    const growth = Math.max(...long.map((of) => of[of.length - 1] - of[Math.floor(of.length * 0.4)]));
    const percent = (share: number) => `${Math.round(100 * share)} %`;
    if (growth > MAX_GROWTH) {
      return {
        id,
        name,
        outcome: 'failed',
        reason: `it grew by ${percent(growth)} of the limit within seconds, to ${percent(peak)}: the app keeps something of every request, and would be killed when it is out of memory`,
      };
    }
    return {
      id,
      name,
      outcome: peak > MAX_USED ? 'failed' : 'passed',
      reason: peak > MAX_USED ? `${percent(peak)} of the limit is used: raise memoryLimitMiB, or have the app use less` : `at most ${percent(peak)} of the limit`,
    };
  }

  private async sample(): Promise<void> {
    for (const [actor, samples] of this.samples) {
      const memory = await actor.task.memory();
      if (memory) { samples.push(memory); }
    }
  }
}

export const isOutOfMemory = ({ task }: RunningTask): boolean => task.exit?.outOfMemory ?? false;
