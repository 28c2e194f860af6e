import { Emulator } from './edge/emulator';
import { TargetGroup } from './edge/target-group';
import { OverrideOptions } from './overrides';
import { Report } from './report/report';
import { Timeline } from './report/timeline';
import { RunningService } from './running-service';
import { EngineName } from './tasks/task';

export interface RehearseOptions extends OverrideOptions {
  /** The cloud assembly. */
  readonly directory: string;
  /** Runs only this service of the assembly. */
  readonly service?: string;
  /** Ends after the result instead of keeping the service running. */
  readonly once: boolean;
  /** Synthesizes the app of the working directory instead, and again when its files change. */
  readonly watch?: boolean;
  /** Prints the logs of the tasks during the checks. */
  readonly logs?: boolean;
  /** Skips the checks that replace tasks under load. */
  readonly quick?: boolean;
  /** Port of the first listener that forwards to the service; 0 is any free port. */
  readonly port: number;
  /** What runs the containers; by default the fastest that can. */
  readonly engine?: EngineName;
  /** Whose credentials the tasks get. */
  readonly awsProfile?: string;
  /** Minimum time in which a task that listens must become healthy, in seconds. */
  readonly minHealthySeconds?: number;
}

/** What the steps of a rehearsal share. */
export interface RehearsalContext {
  readonly options: RehearseOptions;
  readonly report: Report;
  /** Ends the rehearsal early when it is aborted. */
  readonly interrupted: AbortSignal;
  readonly targetGroups: ReadonlyMap<string, TargetGroup>;
  /** Emulators in front of the target groups, outermost first. */
  readonly emulators: readonly Emulator[];
  readonly runningServices: readonly RunningService[];
  readonly timeline: Timeline;
  /** Called for each line of a task's log. */
  readonly printLog: (task: string, line: string) => void;
}

/**
 * How many times as often as configured the health checks and the waiters of assertions run. Timeouts, and the time
 * that an app has until it listens, stay as configured.
 */
export const SPEEDUP = 20;
