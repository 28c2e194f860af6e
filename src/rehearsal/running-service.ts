import { Target, TargetGroup } from './edge/target-group';
import { ServiceSpec } from './model';
import { sleep } from './sleep';
import { Runtime, startTask } from './tasks/runtime';
import { Task } from './tasks/task';
import { explainUnhealthy, StartTimeouts } from './unhealthy';

/*
 * The services of a rehearsal while they run, and their tasks.
 */

export interface RunningTask {
  readonly task: Task;
  readonly targets: ReadonlyArray<{ readonly target: Target; readonly group: TargetGroup }>;
  readonly log: { lines: number; firstPlainLine?: string };
}

export interface RunningService {
  /** Those of the version that runs. */
  service: ServiceSpec;
  runtime: Runtime;
  /** Precedes the names of tasks and checks where there are several services. */
  readonly prefix: string;
  /** The tasks that serve requests; they change when tasks are replaced. */
  readonly tasks: RunningTask[];
}

/** Starts a task and registers it with the target groups of its service. */
export async function startRunningTask(
  { service, runtime, prefix }: RunningService,
  number: number,
  targetGroups: ReadonlyMap<string, TargetGroup>,
  print: (name: string, line: string) => void,
): Promise<RunningTask> {
  const name = `${prefix}task ${number}`;
  const log: RunningTask['log'] = { lines: 0 };
  const task = await startTask(name, service, runtime, (line) => {
    if (line.trim() !== '') {
      log.lines++;
      if (!isJsonObject(line)) { log.firstPlainLine ??= line; }
    }
    print(name, line);
  });
  const targets = service.registrations.map(({ targetGroup, port }) => {
    const endpoint = port === undefined ? undefined : task.endpoint(port);
    const target = new Target(name, endpoint?.host ?? '', endpoint?.port, task);
    return { target, group: targetGroups.get(targetGroup.key)! };
  });
  targets.forEach(({ target, group }) => group.register(target));
  return { task, targets, log };
}

export function deregister({ targets }: RunningTask): void {
  targets.forEach(({ target, group }) => group.deregister(target));
}

/** @returns undefined once the task is healthy in all its target groups, or why it does not become healthy */
export async function waitUntilHealthy(
  { task, targets }: RunningTask, timeouts: StartTimeouts, interrupted: AbortSignal,
): Promise<string | undefined> {
  const waiting = new Set(targets);
  while (waiting.size > 0 && !interrupted.aborted) {
    for (const registration of waiting) {
      const { target, group } = registration;
      if (target.state === 'healthy' && !task.exit) {
        waiting.delete(registration);
        continue;
      }
      const reason = explainUnhealthy(task, target, group.spec.healthCheck, timeouts);
      if (reason) { return reason; }
    }
    await sleep(25);
  }
  return undefined;
}

function isJsonObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}
