import { CheckSubject, failed, passed, skipped, tooFewRequests } from './check';
import { Load } from './load';
import { Check } from '../report/report';
import { RunningTask } from '../running-service';
import { Memory } from '../tasks/task';

const MEMORY: CheckSubject = {
  id: 'memory', name: 'memory usage leaves headroom under load, and does not grow with each request',
};

const MEMORY_WITHOUT_LOAD: CheckSubject = { id: 'memory', name: 'memory usage leaves headroom' };

/** Shares of the memory limit. The memory of a garbage-collected runtime varies by a few percent. */
const MAX_USED = 0.9;
const MAX_GROWTH = 0.2;
/** What is used at startup is not growth: the first samples are ignored. */
const STARTUP_SHARE = 0.4;
const MIN_SAMPLES = 4;
/** Number of requests to one task that distinguishes a leak from noise. */
const MIN_REQUESTS = 60;
const SAMPLE_INTERVAL_MS = 500;

/** Samples the memory usage of tasks, under load if they get requests. */
export class MemoryWatch {
  private readonly samples = new Map<RunningTask, Memory[]>();
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly sampled: (task: string, memory: Memory) => void, private readonly load?: Load,
  ) {}

  public watch(tasks: readonly RunningTask[]): void {
    tasks.forEach((task) => this.samples.set(task, []));
    this.timer = setInterval(() => { void this.sample(); }, SAMPLE_INTERVAL_MS);
  }

  public async end(): Promise<void> {
    if (this.timer) { await this.sample(); }
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** @param allTasks watched or not: any of them may have run out of memory */
  public check(allTasks: readonly RunningTask[]): Check {
    const { load } = this;
    const subject = load ? MEMORY : MEMORY_WITHOUT_LOAD;
    const killed = allTasks.filter(isOutOfMemory).length;
    if (killed > 0) {
      return failed(subject, `${killed} of ${allTasks.length} tasks were killed because they were out of memory:`
        + ' the app keeps memory of each request, or needs more: raise memoryLimitMiB');
    }
    const usages = [...this.samples.values()]
      .map((samples) => samples.map(({ usedMiB, limitMiB }) => usedMiB / limitMiB));
    const peak = Math.max(0, ...usages.flat());
    const growths = usages.filter(({ length }) => length >= MIN_SAMPLES).map(growthOf);
    const growth = Math.max(0, ...growths);
    if (load && growth > MAX_GROWTH) {
      return failed(subject, `it grew by ${percent(growth)} of the limit within seconds, to ${percent(peak)}:`
        + ' the app keeps memory of each request, and would be killed when it is out of memory');
    }
    if (peak > MAX_USED) {
      return failed(subject, `${percent(peak)} of the limit is used: raise memoryLimitMiB, or use less memory`);
    }
    if (growths.length === 0) { return skipped(subject, 'it cannot be measured here'); }
    const requests = load && Math.max(...[...this.samples.keys()].map((task) => load.resultsOf(task).length));
    return requests !== undefined && requests < MIN_REQUESTS
      ? skipped(subject, tooFewRequests(requests))
      : passed(subject, `at most ${percent(peak)} of the limit`);
  }

  private async sample(): Promise<void> {
    for (const [{ task }, samples] of this.samples) {
      const memory = await task.memory();
      if (!memory) { continue; }
      samples.push(memory);
      this.sampled(task.name, memory);
    }
  }
}

export const isOutOfMemory = ({ task }: RunningTask): boolean => task.exit?.outOfMemory ?? false;

function growthOf(usage: readonly number[]): number {
  return usage[usage.length - 1] - usage[Math.floor(usage.length * STARTUP_SHARE)];
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
