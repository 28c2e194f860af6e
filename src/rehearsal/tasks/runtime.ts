import { CannotRun, NeedsEngine } from '../cannot-run';
import { ContainerRuntime, prepareContainers } from './containers/container-runtime';
import { ContainerTask } from './containers/container-task';
import { Engine } from './containers/engine';
import { NodeRuntime, NodeTask, prepareNode } from './node/node-task';
import { EngineName, Task } from './task';
import { ContainerSpec, ServiceSpec } from '../model';

/*
 * Chooses what runs the tasks of services, and starts them. Without a choice of the user's it is Node where that is enough, because
 * it is quick and always there, else a container engine.
 */

export type Runtime = NodeRuntime | ContainerRuntime;

export interface RuntimeOptions {
  /** As asked for by the user. */
  readonly engine?: EngineName;
  /** Values by the names that task definitions have for secrets. */
  readonly secrets: { readonly [name: string]: string };
  /** Told what takes time, like the build of an image. */
  readonly progress: (line: string) => void;
  /** When it fires, what takes time ends. */
  readonly interrupted: AbortSignal;
}

/** For all services of a rehearsal. */
export class Runtimes {
  private engine?: Promise<Engine>;

  constructor(private readonly options: RuntimeOptions) {}

  /** @throws CannotRun with a sentence */
  public async prepare(service: ServiceSpec): Promise<Runtime> {
    const { engine: wanted, secrets } = this.options;
    const environmentOf = ({ environment, secrets: names }: ContainerSpec) => ({
      // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
      AWS_REGION: service.region,
      AWS_DEFAULT_REGION: service.region,
      AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
      // A task on Fargate finds no instance behind 169.254.169.254. Here there may be one, and its credentials are not the app's.
      AWS_EC2_METADATA_DISABLED: 'true',
      ...environment,
      ...Object.fromEntries(names.filter((name) => name in secrets).map((name) => [name, secrets[name]])),
    });
    const containers = async (because: string) => {
      this.engine ??= Engine.find(wanted === 'node' ? undefined : wanted, because);
      return prepareContainers(await this.engine, service, {
        ...this.options, environmentOf, missingSecrets: (container) => container.secrets.filter((name) => !(name in secrets)),
      });
    };

    if (wanted === 'docker' || wanted === 'podman') { return containers(`--engine asks for ${wanted}`); }
    try {
      return prepareNode(service, environmentOf(service.container));
    } catch (error) {
      if (!(error instanceof NeedsEngine)) { throw error; }
      if (wanted === 'node') { throw new CannotRun(`${error.message}: leave out --engine node`); }
      return containers(error.message);
    }
  }

  /** Removes what is left of engines: images, and tasks that were not stopped. */
  public async close(): Promise<void> {
    const engine = await this.engine?.catch(() => undefined);
    engine?.close();
  }
}

/** Starts a task, at any time, and returns once it is there; whether the app comes up is another matter. */
export async function startTask(name: string, service: ServiceSpec, runtime: Runtime, log: (line: string) => void): Promise<Task> {
  return runtime.engine === 'node' ? NodeTask.start(name, service, runtime, log) : ContainerTask.start(name, service, runtime, log);
}
