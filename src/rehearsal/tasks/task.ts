import { ContainerHealthCheckSpec } from '../model';

/*
 * The interface of a running task. `node/node-task.ts` implements it with a Node.js process,
 * `containers/container-task.ts` with the containers of an engine. Checks use this interface only; `runtime.ts`
 * selects the implementation.
 */

export interface TaskExit {
  /** Exit code as ECS reports it. In a container, 137 is SIGKILL and 143 is SIGTERM. */
  readonly code: number | null;
  /** Signal that ended a process outside a container. */
  readonly signal: NodeJS.Signals | null;
  /** Whether the kernel killed the container because it exceeded its memory limit. */
  readonly outOfMemory?: boolean;
}

export function describeExit({ code, signal, outOfMemory }: TaskExit): string {
  return `${signal ?? `exit code ${code}`}${outOfMemory ? ', killed because it was out of memory' : ''}`;
}

/**
 * How to stop a task: `gracefully` sends the stop signal and, after the stop timeout, SIGKILL; `immediately` sends
 * SIGKILL.
 */
export type StopMode = 'gracefully' | 'immediately';

/** Called before and after the stop signal is sent. An engine takes time for it, in which requests are answered. */
export interface SignalCallbacks {
  readonly before: () => void;
  readonly after: () => void;
}

export interface TaskStop extends TaskExit {
  readonly milliseconds: number;
  /** Whether it got SIGKILL because it did not exit within the stop timeout. */
  readonly killed: boolean;
}

/** An address on which the app listens, as the app requested it. */
export interface ListenReport {
  readonly port: number;
  /** Undefined for all addresses. */
  readonly host?: string;
}

/** Where a port of a task is reachable from this machine. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Memory {
  /** Resident memory of the task's processes, without the file cache. */
  readonly usedMiB: number;
  /** Memory limit on Fargate. Only container engines enforce it here. */
  readonly limitMiB: number;
}

/** A setting of the task definition or the image, compared with the running task. */
export interface DeclaredSetting {
  readonly setting: 'user' | 'root filesystem' | 'capabilities';
  readonly declared: string;
  /** For the user, the numeric ID; `0` is root. */
  readonly actual: string;
  /** Undefined where this machine cannot determine it; `actual` has the reason. */
  readonly matches?: boolean;
}

export type HealthCheckOutcome = 'passed' | 'failed' | 'timed out' | 'skipped';

export interface Task {
  readonly name: string;
  /** Set once the task has exited. */
  readonly exit?: TaskExit;
  /** Resolves after the last log line. */
  readonly exited: Promise<TaskExit>;
  /** Listening addresses in the task; undefined where this machine cannot see them. */
  readonly listening?: readonly ListenReport[];
  /** The last lines of the app's log. */
  readonly lastLines: readonly string[];
  /** Seconds since the app container started; 0 while it waits for its dependencies. */
  readonly secondsSinceStart: number;
  /** Endpoint of a target group's port or of a health check's port. */
  endpoint(port: number): Endpoint;
  /** Calls the listener for each further line that the app writes to stdout or stderr. */
  onLine(listener: (line: string) => void): void;
  /** Runs the container health check once. */
  checkContainerHealth(check: ContainerHealthCheckSpec): Promise<HealthCheckOutcome>;
  /** Undefined where it cannot be measured, and after the exit. */
  memory(): Promise<Memory | undefined>;
  /** Compares the running task with its declaration. */
  declaredSettings(): Promise<readonly DeclaredSetting[]>;
  /**
   * Files that the app created or changed on its root filesystem, as paths in the image; undefined where this machine
   * cannot see them. Available until the task is stopped, also after its exit.
   */
  rootWrites(): Promise<readonly string[] | undefined>;
  /** Sends SIGKILL, as the kernel does when a container is out of memory. */
  kill(): Promise<TaskExit>;
  /** Stops the task, if it still runs, and removes everything that belongs to it. */
  stop(mode: StopMode, callbacks?: SignalCallbacks): Promise<TaskStop>;
}

export type EngineName = 'node' | 'docker' | 'podman';

/** How the tasks of a service run on this machine. A copy with a different environment is a runtime too. */
export interface RuntimeFacts {
  readonly engine: EngineName;
  /** Command of the app container. */
  readonly command: readonly string[];
  readonly workingDirectory: string;
  /** User of the task definition, else of the image, else root. */
  readonly user: string;
  readonly stopSignal: string;
  /** Environment of the app container, with the variables that Fargate adds. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Whether the CPU architecture is emulated: everything is about ten times slower than on AWS and needs more memory.
   */
  readonly emulated: boolean;
  /** Differences from the task definition, with their reasons: one sentence each. */
  readonly differences: readonly string[];
  /** Maximum number of tasks that can run at the same time, if there is one. */
  readonly taskLimit?: { readonly tasks: number; readonly reason: string };
}
