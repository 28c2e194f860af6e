import { spawnSync } from 'node:child_process';
import * as os from 'node:os';
import * as path from 'node:path';
import { hasManyAddresses } from './addresses';
import { Image, readImage } from './dockerfile';
import { NeedsEngine } from '../../cannot-run';
import { ContainerSpec, ServiceSpec } from '../../model';
import type { EcsAgent } from '../ecs-agent';
import { Environment } from '../environment';
import { RuntimeFacts } from '../task';

/*
 * Decides whether Node.js can run the tasks of a service, and how: which command, as which user, with which
 * differences.
 */

/** User and group of the processes; those of the rehearsal by default. */
interface ProcessUser {
  readonly uid?: number;
  readonly gid?: number;
}

export interface NodeRuntime extends RuntimeFacts {
  readonly engine: 'node';
  readonly image: Image;
  readonly processUser: ProcessUser;
  /** Answers what the tasks ask about themselves. */
  readonly agent?: EcsAgent;
}

/** @throws NeedsEngine when Node.js alone cannot run the service */
export function prepareNode(service: ServiceSpec, environment: Environment): NodeRuntime {
  const { container } = service;
  if (!container.asset) {
    throw new NeedsEngine(`the image of service ${service.name} requires a container engine,`
      + ` because ${container.image} is not built from a directory of this assembly`);
  }
  const other = service.registrations.find(({ containerName }) => containerName !== container.name);
  if (other) {
    throw new NeedsEngine(`service ${service.name} requires a container engine,`
      + ` because its container ${other.containerName} receives requests too`);
  }
  const image = readImage(service.name, container.asset);
  const nodeArguments = readNodeArguments(service.name, container, image);
  const { processUser, difference } = findProcessUser(container.user ?? image.user);

  const notApplied = ['CPU and memory limits'];
  if (container.readonlyRootFilesystem) { notApplied.push('the read-only root filesystem'); }
  notApplied.push(`the ${service.architecture} architecture`);

  const differences = [
    `not applied: ${notApplied.join(', ')}; the app runs as a process of this machine's Node.js ${process.version},`
      + ` not in ${image.base}. Use \`--engine docker\` or \`--engine podman\` to apply them`,
  ];
  if (difference) { differences.push(difference); }
  if (service.sidecars.length > 0) {
    differences.push(`the sidecars of the task do not run: ${service.sidecars.map(({ name }) => name).join(', ')}`);
  }

  return {
    engine: 'node',
    image,
    command: ['node', ...nodeArguments],
    workingDirectory: container.workingDirectory ?? image.workingDirectory,
    user: container.user ?? image.user ?? 'root',
    stopSignal: image.stopSignal ?? 'SIGTERM',
    environment: { ...image.environment, ...environment },
    processUser,
    emulated: false,
    differences,
    taskLimit: hasManyAddresses() ? undefined
      : { tasks: 1, reason: 'this system has one loopback address, and every task needs its own' },
  };
}

/** Arguments of the `node` command that the container runs. @throws NeedsEngine when it runs another program */
function readNodeArguments(service: string, container: ContainerSpec, image: Image): string[] {
  const entryPoint = container.entryPoint ?? image.entryPoint ?? [];
  // As in Docker, an entry point in the task definition also replaces the image's command.
  const defaultCommand = container.entryPoint ? [] : image.command ?? [];
  const argv = [...entryPoint, ...container.command ?? defaultCommand];
  // The entry point of the official Node.js images runs its arguments.
  if (argv[0] === 'docker-entrypoint.sh') { argv.shift(); }
  const [program = '', ...nodeArguments] = argv;
  if (path.posix.basename(program) === 'node') { return nodeArguments; }

  const command = argv.length > 0 ? `\`${argv.join(' ')}\`` : 'the command of its base image';
  const startsNodeInShell = program === '/bin/sh' && /^(exec\s+)?node\s/.test(argv[2] ?? '');
  throw new NeedsEngine(`service ${service} requires a container engine, because it runs ${command}`
    + (startsNodeInShell ? '; use CMD ["node", …] without a shell, which keeps SIGTERM from the app' : ''));
}

/**
 * Users of the official images: https://github.com/nodejs/docker-node,
 * https://github.com/GoogleContainerTools/distroless
 */
const IMAGE_USERS: Record<string, number> = { root: 0, node: 1000, nonroot: 65532, nobody: 65534 };

/** Numeric ID of a user or group; NaN for a name that is defined only in the image. */
export function idOf(user: string): number {
  const [name] = user.split(':');
  return IMAGE_USERS[name] ?? Number(name);
}

/** The user to run processes as, and why it is not the declared one. */
function findProcessUser(user: string | undefined): { processUser: ProcessUser; difference?: string } {
  const asYou = (difference?: string) => ({ processUser: {}, difference });
  const ownUid = process.getuid?.();
  if (ownUid === undefined) { return asYou(user && `the app runs as you, not as user ${user}`); }
  const [uid, gid] = (user ?? '0').split(':').map(idOf);
  if (Number.isNaN(uid)) {
    return asYou(`the app runs as you, not as user ${user}, whose numeric ID is defined only in the image`);
  }
  if (uid === ownUid) { return asYou(); }
  if (ownUid !== 0) {
    return asYou(`the app runs as you, not as user ${user ?? 'root'}: only root can change the user`);
  }

  const processUser = { uid, gid: Number.isInteger(gid) ? gid : uid };
  const script = `fs.accessSync(${JSON.stringify(os.tmpdir())}, fs.constants.X_OK)`;
  if (spawnSync(process.execPath, ['-e', script], { ...processUser, cwd: '/' }).status !== 0) {
    return asYou(`the app runs as you, not as user ${user},`
      + ` which has no permission to run ${process.execPath} or to access ${os.tmpdir()}`);
  }
  return { processUser };
}
