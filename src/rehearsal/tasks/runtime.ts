import { CannotRun, NeedsEngine } from '../cannot-run';
import { ContainerHost, findContainerHost } from './containers/container-host';
import { ContainerRuntime, prepareContainers } from './containers/container-runtime';
import { ContainerTask } from './containers/container-task';
import { containerEnvironment } from './environment';
import { NodeRuntime, prepareNode } from './node/node-runtime';
import { NodeTask } from './node/node-task';
import { EngineName, Task } from './task';
import { ServiceSpec } from '../model';

/*
 * Selects what runs the tasks of services, and starts them. By default that is Node.js where it is sufficient,
 * because it starts quickly and is always available, else a container engine.
 */

export type Runtime = NodeRuntime | ContainerRuntime;

export interface RuntimeOptions {
  /** The engine that the user selected. */
  readonly engine?: EngineName;
  /** Called before slow operations, such as an image build. */
  readonly progress: (line: string) => void;
  /** Stops slow operations when it fires. */
  readonly interrupted: AbortSignal;
}

/** The runtimes of all services of a rehearsal. */
export class Runtimes {
  private host?: Promise<ContainerHost>;

  constructor(private readonly options: RuntimeOptions) {}

  /** @throws CannotRun when the service cannot run on this machine */
  public async prepare(service: ServiceSpec): Promise<Runtime> {
    const { engine } = this.options;
    if (engine === 'docker' || engine === 'podman') {
      return this.prepareContainers(service, `\`--engine ${engine}\` is set`);
    }
    try {
      return prepareNode(service, containerEnvironment(service.region, service.container));
    } catch (error) {
      if (!(error instanceof NeedsEngine)) { throw error; }
      if (engine === 'node') { throw new CannotRun(`${error.message}; remove \`--engine node\``); }
      return this.prepareContainers(service, error.message);
    }
  }

  /** Removes everything that was created in container engines. */
  public async close(): Promise<void> {
    const host = await this.host?.catch(() => undefined);
    host?.engine.close();
  }

  private async prepareContainers(service: ServiceSpec, reason: string): Promise<ContainerRuntime> {
    const { engine } = this.options;
    this.host ??= findContainerHost(engine === 'node' ? undefined : engine, reason);
    return prepareContainers(await this.host, service, this.options);
  }
}

/** Starts a task. It returns once the task is created, before the app is ready. */
export async function startTask(
  name: string, service: ServiceSpec, runtime: Runtime, log: (line: string) => void,
): Promise<Task> {
  return runtime.engine === 'node'
    ? NodeTask.start(name, service, runtime, log)
    : ContainerTask.start(name, service, runtime, log);
}
