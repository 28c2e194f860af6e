import { name, version } from '../package.json';
import { Config } from './config';
import { TaskMetadata } from './task-metadata';

/** What changes while the app runs. */
export interface State {
  /** Set on SIGTERM. From then on /health returns 503, so that the load balancer stops sending requests. */
  draining: boolean;
  /** Set after the start; stays unset outside ECS. */
  task?: TaskMetadata;
}

/** The response of /info, and what the page shows. */
export interface Info {
  readonly name: string;
  readonly version: string;
  readonly commit?: string;
  readonly uptimeSeconds: number;
  readonly node: number;
  readonly architecture: string;
  readonly task?: TaskMetadata;
}

export function createInfo(config: Config, state: State): Info {
  return {
    name,
    version,
    commit: config.commit,
    uptimeSeconds: Math.floor(process.uptime()),
    node: Number.parseInt(process.versions.node, 10),
    architecture: process.arch,
    task: state.task,
  };
}
