import { explainUnhealthy, Patience } from './checks/unhealthy';
import { Target, TargetGroup } from './edge/target-group';
import { ServiceSpec } from './model';
import { sleep } from './sleep';
import { Runtime, startTask } from './tasks/runtime';
import { Task } from './tasks/task';

/*
 * The services that are on stage, and their tasks.
 */

/** A task, and what stands in front of it. */
export interface RunningTask {
  readonly task: Task;
  readonly targets: ReadonlyArray<{ readonly target: Target; readonly group: TargetGroup }>;
  readonly log: { lines: number; /** The first line that is no JSON. */ plain?: string };
}

export interface RunningService {
  readonly service: ServiceSpec;
  readonly runtime: Runtime;
  readonly prefix: string;
  /** Those that serve; they change when tasks are replaced. */
  readonly tasks: RunningTask[];
}

/** Starts a task and registers it where the service says. */
export async function startRunningTask(
  { service, runtime, prefix }: RunningService, number: number, groups: ReadonlyMap<string, TargetGroup>, say?: (name: string, line: string) => void,
): Promise<RunningTask> {
  const name = `${prefix}task ${number}`;
  const log: RunningTask['log'] = { lines: 0 };
  const task = await startTask(name, service, runtime, (line) => {
    if (line.trim() !== '') {
      log.lines++;
      if (!isJsonObject(line)) { log.plain ??= line; }
    }
    say?.(name, line);
  });
  const targets = service.registrations.map(({ targetGroup, port }) => {
    const endpoint = task.endpoint(port);
    return { target: new Target(name, endpoint.host, endpoint.port, task), group: groups.get(targetGroup.key)! };
  });
  targets.forEach(({ target, group }) => group.register(target));
  return { task, targets, log };
}

export function deregister({ targets }: RunningTask): void {
  targets.forEach(({ target, group }) => group.deregister(target));
}

/** @returns why it is not healthy, once that is clear; nothing when it is */
export async function healthy({ task, targets }: RunningTask, patience: Patience, interrupted: AbortSignal): Promise<string | undefined> {
  const waiting = new Set(targets);
  while (waiting.size > 0 && !interrupted.aborted) {
    for (const each of waiting) {
      if (each.target.state === 'healthy' && !task.exit) { waiting.delete(each); continue; }
      const reason = explainUnhealthy(task, each.target, each.group.spec.healthCheck, patience);
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
