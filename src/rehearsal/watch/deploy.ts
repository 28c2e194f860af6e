import { get, hasFailed, Load } from '../checks/load';
import { RehearsalContext } from '../context';
import { findFrontOf } from '../edge/routes';
import { ServiceSpec } from '../model';
import { deregister, RunningService, RunningTask } from '../running-service';
import { sleep } from '../sleep';
import { startHealthyTask } from '../start-task';
import { Runtime } from '../tasks/runtime';

/** Few, so that they do not disturb who uses the service meanwhile. */
const REQUESTS_PER_SECOND = 20;
/** How long the load continues when no old task takes long to stop. */
const MIN_LOAD_MS = 1000;

/** What a deployment did. */
export interface DeploymentResult {
  /** Why the new version does not become healthy: the old one keeps running. */
  readonly failure?: string;
  /** Until the last new task was healthy. */
  readonly seconds: number;
  /**
   * Requests during the deployment, and how many of them got no response or a 5xx. None where HTTP requests reach no
   * app that answered before.
   */
  readonly requests: number;
  readonly failedRequests: number;
}

/**
 * Replaces the tasks of a service by those of a new version within the limits of the deployment configuration: starts
 * as many as it allows, and stops old ones once these are healthy. Blue/green and canary deployments start all new
 * tasks first too.
 */
export async function deploy(
  runningService: RunningService, version: { service: ServiceSpec; runtime: Runtime }, context: RehearsalContext,
): Promise<DeploymentResult> {
  const start = Date.now();
  const front = findFrontOf(runningService.service, context.emulators);
  // An app that does not answer before would be blamed for nothing.
  const answersNow = front && !hasFailed(await get(front.url, front.host, { timeout: 2000 }));
  const load = answersNow ? new Load(front, REQUESTS_PER_SECOND) : undefined;
  const { failure, stopped } = await replaceTasks(runningService, version, context);
  const seconds = (Date.now() - start) / 1000;
  await Promise.all([...stopped, sleep(MIN_LOAD_MS, context.interrupted)]);
  await load?.end();
  const answers = load?.answers ?? [];
  return { failure, seconds, requests: answers.length, failedRequests: answers.filter(hasFailed).length };
}

async function replaceTasks(
  runningService: RunningService, version: { service: ServiceSpec; runtime: Runtime }, context: RehearsalContext,
): Promise<{ failure?: string; stopped: Promise<unknown>[] }> {
  const { tasks } = runningService;
  const { desiredCount, minHealthyPercent, maxHealthyPercent } = version.service;
  const limit = version.runtime.taskLimit?.tasks ?? Infinity;
  const wanted = Math.min(desiredCount, limit);
  // As ECS rounds: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
  const atMost = Math.min(Math.max(Math.floor(desiredCount * maxHealthyPercent / 100), 1), limit);
  const atLeast = limit < Infinity ? 0 : Math.ceil(desiredCount * minHealthyPercent / 100);

  const old = [...tasks];
  const started: RunningTask[] = [];
  const stopped: Promise<unknown>[] = [];
  let number = Math.max(0, ...old.map(({ task }) => Number(/\d+$/.exec(task.name))));
  while (started.length < wanted || old.length > 0) {
    const room = Math.max(0, Math.min(atMost - old.length - started.length, wanted - started.length));
    const starts = await Promise.allSettled(Array.from({ length: room }, async () =>
      startHealthyTask({ ...runningService, ...version }, ++number, context)));
    started.push(...starts.flatMap((start) => start.status === 'fulfilled' ? [start.value] : []));
    tasks.splice(0, tasks.length, ...old, ...started);
    const failed = starts.find((start) => start.status === 'rejected');
    if (failed) {
      stopped.push(...started.splice(0).map(stop));
      tasks.splice(0, tasks.length, ...old);
      return { failure: (failed.reason as Error).message, stopped };
    }
    const spare = old.length + started.length - atLeast;
    if (context.interrupted.aborted || room === 0 && spare <= 0) { break; }
    stopped.push(...old.splice(0, Math.min(old.length, Math.max(spare, 0))).map(stop));
    tasks.splice(0, tasks.length, ...old, ...started);
    // Without room for more tasks, the old ones must have stopped.
    if (started.length < wanted) { await Promise.all(stopped); }
  }
  Object.assign(runningService, version);
  return { stopped };
}

async function stop(runningTask: RunningTask): Promise<void> {
  deregister(runningTask);
  await runningTask.task.stop('gracefully');
}
