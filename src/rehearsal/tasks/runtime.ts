import { CannotRun, NeedsEngine } from '../cannot-run';
import { ContainerHost, findContainerHost } from './containers/container-host';
import { ContainerRuntime, prepareContainers } from './containers/container-runtime';
import { ContainerTask } from './containers/container-task';
import { EcsAgent } from './ecs-agent';
import { containerEnvironment } from './environment';
import { NodeRuntime, prepareNode } from './node/node-runtime';
import { NodeTask } from './node/node-task';
import { EngineName, Task } from './task';
import { readCredentials } from '../credentials';
import { ServiceSpec } from '../model';

/*
 * Selects what runs the tasks of services, and starts them. By default that is Node.js where it is sufficient,
 * because it starts quickly and is always available, else a container engine.
 */

export type Runtime = NodeRuntime | ContainerRuntime;

export interface RuntimeOptions {
  /** The engine that the user selected. */
  readonly engine?: EngineName;
  /** The AWS profile whose credentials the tasks get; by default, they get none. */
  readonly awsProfile?: string;
  /** Called before slow operations, such as an image build. */
  readonly progress: (line: string) => void;
  /** Stops slow operations when it fires. */
  readonly interrupted: AbortSignal;
}

/** The runtimes of all services of a rehearsal. */
export class Runtimes {
  private host?: Promise<ContainerHost>;
  private agent?: Promise<EcsAgent>;

  constructor(private readonly options: RuntimeOptions) {}

  /** @throws CannotRun when the service cannot run on this machine */
  public async prepare(service: ServiceSpec): Promise<Runtime> {
    const { engine } = this.options;
    if (engine === 'docker' || engine === 'podman') {
      return this.prepareContainers(service, `\`--engine ${engine}\` is set`);
    }
    try {
      const runtime = prepareNode(service, containerEnvironment(service.region, service.container));
      this.agent ??= this.startAgent();
      return { ...runtime, agent: await this.agent };
    } catch (error) {
      if (!(error instanceof NeedsEngine)) { throw error; }
      if (engine === 'node') { throw new CannotRun(`${error.message}; remove \`--engine node\``); }
      return this.prepareContainers(service, error.message);
    }
  }

  /** Removes everything that was created in container engines, and stops answering tasks. */
  public async close(): Promise<void> {
    (await this.agent?.catch(() => undefined))?.close();
    const host = await this.host?.catch(() => undefined);
    host?.engine.close();
  }

  private async startAgent(): Promise<EcsAgent> {
    const { awsProfile } = this.options;
    if (awsProfile === undefined) { return EcsAgent.start(); }
    // A profile without credentials is found before anything runs.
    await readCredentials(awsProfile);
    return EcsAgent.start(async () => readCredentials(awsProfile));
  }

  private async prepareContainers(service: ServiceSpec, reason: string): Promise<ContainerRuntime> {
    const { engine, awsProfile } = this.options;
    if (awsProfile !== undefined) {
      throw new CannotRun(`\`--aws-profile\` gives credentials only to tasks that Node.js runs, and ${reason}: set the`
        + ' variables that the app needs with --env instead');
    }
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
