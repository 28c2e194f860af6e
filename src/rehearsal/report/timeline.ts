/*
 * What happened during a rehearsal, for the report page: requests to tasks, states of tasks, and their memory.
 */

export interface TaskEvent {
  readonly seconds: number;
  readonly task: string;
  /** For example: started, healthy, exited with exit code 0. */
  readonly text: string;
}

export interface RequestCount {
  readonly answered: number;
  readonly failed: number;
}

export interface MemorySample {
  readonly seconds: number;
  readonly task: string;
  readonly usedShare: number;
}

export interface TimelineDocument {
  readonly seconds: number;
  readonly events: readonly TaskEvent[];
  /** Requests to tasks, for each second. */
  readonly requests: readonly RequestCount[];
  readonly memory: readonly MemorySample[];
}

export class Timeline {
  private readonly start = Date.now();
  private readonly events: TaskEvent[] = [];
  private readonly requests: RequestCount[] = [];
  private readonly samples: MemorySample[] = [];

  public event(task: string, text: string): void {
    this.events.push({ seconds: this.now(), task, text });
  }

  public request(failed: boolean): void {
    const second = Math.floor(this.now());
    while (this.requests.length <= second) { this.requests.push({ answered: 0, failed: 0 }); }
    const counts = this.requests[second];
    this.requests[second] = failed
      ? { ...counts, failed: counts.failed + 1 }
      : { ...counts, answered: counts.answered + 1 };
  }

  /** @param usedShare of the memory limit */
  public memory(task: string, usedShare: number): void {
    this.samples.push({ seconds: this.now(), task, usedShare });
  }

  public document(): TimelineDocument {
    return { seconds: this.now(), events: this.events, requests: this.requests, memory: this.samples };
  }

  private now(): number {
    return Number(((Date.now() - this.start) / 1000).toFixed(2));
  }
}
