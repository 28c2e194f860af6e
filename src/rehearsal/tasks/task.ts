import { ContainerHealthCheckSpec } from '../model';

/*
 * A running task, whatever runs it: `node-task.ts` has Node processes, `container-task.ts` the containers of an engine. Checks are
 * built on this alone. `runtime.ts` chooses between the two and starts tasks.
 */

export interface TaskExit {
  /** As ECS shows it: in a container 137 is SIGKILL, and 143 SIGTERM. */
  readonly code: number | null;
  /** Where a process of this machine was ended by one. */
  readonly signal: NodeJS.Signals | null;
  /** The kernel killed it because it wanted more memory than it may have. */
  readonly outOfMemory?: boolean;
}

export function howItEnded({ code, signal, outOfMemory }: TaskExit): string {
  return `${signal ?? `exit code ${code}`}${outOfMemory ? ', killed because it was out of memory' : ''}`;
}

export interface TaskStop extends TaskExit {
  readonly milliseconds: number;
  /** It did not leave by itself within the stop time-out. */
  readonly killed: boolean;
}

/** Where something listens, as the app asked for it. */
export interface ListenReport {
  readonly port: number;
  /** Absent for all addresses. */
  readonly host?: string;
}

/** Where a port of a task is reached from this machine. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Memory {
  /** What its processes hold in memory, without the cache of files. */
  readonly usedMiB: number;
  /** Beyond it, the kernel kills the container on Fargate. Here nothing is killed unless an engine runs the task. */
  readonly limitMiB: number;
}

/** Something that the task definition or the image declares, and what runs. */
export interface Declared {
  readonly what: 'user' | 'root filesystem' | 'capabilities';
  readonly declared: string;
  /** For the user it is the number; `0` is root. */
  readonly running: string;
  /** Undefined where this machine cannot say, and `running` tells why. */
  readonly same?: boolean;
}

export type HealthCheckOutcome = 'passed' | 'failed' | 'timed out' | 'not rehearsed';

export interface Task {
  readonly name: string;
  /** When it has ended. */
  readonly exit?: TaskExit;
  /** After the last line of its log. */
  readonly exited: Promise<TaskExit>;
  /** What listens in it; undefined where that cannot be seen. */
  readonly listening?: readonly ListenReport[];
  /** The last lines of its log. */
  readonly lastLines: readonly string[];
  /** Of the app; 0 while it waits for others. */
  readonly secondsSinceStart: number;
  /** For ports of the target groups, those of their health checks among them. */
  endpoint(port: number): Endpoint;
  /** Calls for each further line that the app writes to stdout or stderr. */
  onLine(handle: (line: string) => void): void;
  /** Runs the container health check once. */
  checkContainerHealth(check: ContainerHealthCheckSpec): Promise<HealthCheckOutcome>;
  /** Undefined where it cannot be measured, and once the task has ended. */
  memory(): Promise<Memory | undefined>;
  /** While it runs. */
  declared(): Promise<readonly Declared[]>;
  /**
   * Files that the app has made or changed on its root filesystem, as paths in the image; undefined where that cannot be seen.
   * Can be asked until the task is stopped, also after its exit.
   */
  rootWrites(): Promise<readonly string[] | undefined>;
  /** As the kernel does when a container is out of memory: SIGKILL, without notice. */
  kill(): Promise<TaskExit>;
  /**
   * Gently: SIGTERM, or what the image says; after the stop time-out, SIGKILL. At once: SIGKILL. Afterwards nothing of it is left.
   * Also after an exit.
   */
  stop(how: 'gently' | 'at once'): Promise<TaskStop>;
}

export type EngineName = 'node' | 'docker' | 'podman';

/** How the tasks of a service run on this machine; a copy with another environment is a runtime too. */
export interface RuntimeFacts {
  readonly engine: EngineName;
  /** What starts in the container that serves. */
  readonly command: readonly string[];
  readonly workingDirectory: string;
  /** As declared by the task definition, else by the image; root where neither does. */
  readonly user: string;
  readonly stopSignal: string;
  /** Of the container that serves, with all that Fargate adds. */
  readonly environment: { readonly [name: string]: string };
  /** Its machine is another one than this: all takes about ten times as long as in AWS, and more memory. */
  readonly emulated: boolean;
  /** What is not as in the task definition, and why: one sentence each. */
  readonly differences: readonly string[];
  /** How many tasks can run at the same time, where that is limited, and why. */
  readonly limit?: { readonly tasks: number; readonly because: string };
}
