import { CannotRun } from './cannot-run';
import { NodeRuntime, NodeTask, prepareNode } from './node-task';
import { ServiceSpec } from './service';
import { EngineName, Task } from './task';

/*
 * Chooses what runs the tasks of a service, and starts them.
 */

export type Runtime = NodeRuntime;

export interface RuntimeOptions {
  /** As asked for by the user. */
  readonly engine?: EngineName;
  /** Told what takes time, like the build of an image. */
  readonly progress: (line: string) => void;
  /** When it fires, what takes time ends. */
  readonly interrupted: AbortSignal;
}

/** @throws CannotRun with a sentence */
export async function prepareRuntime(
  service: ServiceSpec, secrets: { readonly [name: string]: string }, { engine }: RuntimeOptions,
): Promise<Runtime> {
  if (engine !== undefined && engine !== 'node') { throw new CannotRun(`--engine ${engine} is still to come`); }
  return prepareNode(service, {
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
    AWS_REGION: service.region,
    AWS_DEFAULT_REGION: service.region,
    AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
    ...service.container.environment,
    ...secrets,
  });
}

/** Starts a task, at any time, and returns once it is there; whether the app comes up is another matter. */
export async function startTask(name: string, service: ServiceSpec, runtime: Runtime, log: (line: string) => void): Promise<Task> {
  return NodeTask.start(name, service, runtime, log);
}
