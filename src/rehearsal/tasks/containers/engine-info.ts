import * as os from 'node:os';
import * as path from 'node:path';
import { failureReason, runCommand } from './command';
import { CannotRun } from '../../cannot-run';

/*
 * Finds a container engine on this machine.
 */

export type EngineKind = 'docker' | 'podman';

export interface EngineInfo {
  /** The engine's command. */
  readonly program: string;
  readonly kind: EngineKind;
  readonly version: string;
  /** Default capabilities of Podman's containers, which its configuration can change. */
  readonly capabilities: readonly string[];
  /** CPU architecture: amd64, arm64. */
  readonly architecture: string;
  /** Where published ports are reachable; undefined where containers are reachable at their own addresses. */
  readonly publishedHost: string | undefined;
}

type EngineFacts = Pick<EngineInfo, 'version' | 'capabilities' | 'architecture'> & {
  /** Whether containers run on this machine and in its network. */
  readonly local: boolean;
};

const INSTALL = 'install Docker (https://docs.docker.com/get-started/get-docker) or Podman (https://podman.io/docs/installation)';

/**
 * The selected engine; by default that of CDK_DOCKER, as in CDK, else Docker, else Podman.
 * @param reason why an engine is required
 * @throws CannotRun when no engine is available
 */
export async function findEngine(selected: EngineKind | undefined, reason: string): Promise<EngineInfo> {
  const programs = candidates(selected);
  let unavailable: string | undefined;
  for (const program of programs) {
    const version = await runCommand(program, ['--version']);
    if (version.code !== 0) { continue; }
    // Podman may be installed as `docker`.
    const kind = /podman/i.test(version.stdout) ? 'podman' : 'docker';
    const info = await runCommand(program, ['info', '--format', kind === 'podman' ? 'json' : '{{json .}}']);
    const facts = info.code === 0 ? readFacts(kind, info.stdout) : undefined;
    if (facts) {
      return { program, kind, ...facts, publishedHost: await findPublishedHost(program, kind, facts.local) };
    }
    unavailable ??= `${program} is installed, but its engine does not answer (${failureReason(info.stderr)}); start it`;
  }
  const absent = programs.length > 1
    ? `neither ${programs.join(' nor ')} is installed`
    : `${programs[0]} is not installed`;
  throw new CannotRun(`${reason}, but ${unavailable ?? `${absent}; ${INSTALL}`}`);
}

function candidates(selected: EngineKind | undefined): readonly string[] {
  const cdkDocker = process.env.CDK_DOCKER;
  if (cdkDocker) {
    const kind = /podman/.test(path.basename(cdkDocker)) ? 'podman' : 'docker';
    if (selected === undefined || selected === kind) { return [cdkDocker]; }
  }
  return selected ? [selected] : ['docker', 'podman'];
}

interface DockerInfo {
  readonly ServerVersion?: string;
  readonly SecurityOptions?: readonly string[];
  readonly Architecture: string;
  readonly OperatingSystem?: string;
}

interface PodmanInfo {
  readonly host: {
    readonly arch: string;
    readonly serviceIsRemote?: boolean;
    readonly security: { readonly capabilities?: string; readonly rootless: boolean };
  };
  readonly version: { readonly Version: string };
}

/** @returns undefined where the engine does not run */
function readFacts(kind: EngineKind, text: string): EngineFacts | undefined {
  if (kind === 'podman') {
    const { host, version } = JSON.parse(text) as PodmanInfo;
    return {
      version: version.Version,
      capabilities: (host.security.capabilities ?? '').split(',').map((name) => name.replace(/^CAP_/, '')),
      architecture: goArchitecture(host.arch),
      local: !host.security.rootless && !host.serviceIsRemote,
    };
  }
  const { ServerVersion, SecurityOptions = [], Architecture, OperatingSystem = '' } = JSON.parse(text) as DockerInfo;
  if (!ServerVersion) { return undefined; }
  const rootless = SecurityOptions.some((securityOption) => securityOption.includes('rootless'));
  // Docker Desktop runs containers in a virtual machine, on Linux too.
  const local = !rootless && !/desktop/i.test(OperatingSystem);
  return { version: ServerVersion, capabilities: [], architecture: goArchitecture(Architecture), local };
}

/** Go's name for an architecture, which is used in the names of platforms. */
function goArchitecture(machine: string): string {
  return { x86_64: 'amd64', aarch64: 'arm64' }[machine] ?? machine;
}

async function findPublishedHost(program: string, kind: EngineKind, local: boolean): Promise<string | undefined> {
  if (kind === 'docker') {
    const { stdout } = await runCommand(program, ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}']);
    const endpoint = stdout.trim();
    if (endpoint.startsWith('tcp:')) { return new URL(endpoint).hostname; }
    if (endpoint.startsWith('ssh:')) {
      throw new CannotRun(`${program} uses ${endpoint}, but the ports of an engine on another machine are not reachable`
        + ' over SSH; use a local engine');
    }
  }
  return local && os.platform() === 'linux' ? undefined : '127.0.0.1';
}
