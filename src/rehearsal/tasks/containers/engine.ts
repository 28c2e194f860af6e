import { ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as path from 'node:path';
import { CommandOptions, CommandResult, failureReason, runCommand, spawnCommand } from './command';
import { EngineInfo, EngineKind } from './engine-info';
import { removeOnExit } from '../../leftovers';

const WATCHDOG = path.join(__dirname, 'engine-watchdog.cjs');

/**
 * A container engine, used through its command. Everything that is created has a label of this rehearsal and is
 * removed at its end.
 */
export class Engine {
  public readonly kind: EngineKind;
  /** Where published ports are reachable; undefined where containers are reachable at their own addresses. */
  public readonly publishedHost: string | undefined;
  /** Default capabilities of Podman's containers. */
  public readonly defaultCapabilities: readonly string[];
  public readonly nativePlatform: string;
  /** Name and version, for messages. */
  public readonly description: string;
  /** Label of everything that this rehearsal creates. */
  public readonly label: string;
  private readonly id = randomBytes(5).toString('hex');
  private readonly program: string;
  private readonly remove: () => void;
  private names = 0;

  constructor({ program, kind, version, capabilities, architecture, publishedHost }: EngineInfo) {
    this.program = program;
    this.kind = kind;
    this.publishedHost = publishedHost;
    this.defaultCapabilities = capabilities;
    this.nativePlatform = `linux/${architecture}`;
    this.description = `${kind === 'docker' ? path.basename(program) : kind} ${version}`;
    this.label = `hello-fargate-service.rehearsal=${this.id}`;
    this.remove = this.startWatchdog();
  }

  /** A unique name for a container or a volume. */
  public name(suffix: string): string {
    return `hello-fargate-service-${this.id}-${++this.names}-${suffix.replace(/[^\w.-]/g, '-')}`;
  }

  /** A unique name for an image. */
  public tag(): string {
    return `${this.tagPrefix}${++this.names}`;
  }

  public async run(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand(this.program, args, options);
  }

  /** @throws when the command fails */
  public async runOrThrow(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code !== 0) { throw new Error(`${this.kind} ${args[0]}: ${failureReason(stderr) || `exit code ${code}`}`); }
    return stdout.trim();
  }

  /** Starts a long-running command of the engine. */
  public spawn(args: readonly string[], options: CommandOptions = {}): ChildProcess {
    return spawnCommand(this.program, args, options);
  }

  /** Removes containers, with SIGKILL where they run, and their anonymous volumes. */
  public async removeContainers(names: readonly string[]): Promise<void> {
    const options = this.kind === 'podman' ? ['--time', '0'] : [];
    await this.run(['rm', '--force', '--volumes', ...options, ...names]);
  }

  /** Removes everything that was created. */
  public close(): void {
    this.remove();
  }

  private get tagPrefix(): string {
    return `hello-fargate-service-${this.id}:`;
  }

  /**
   * Starts a process that removes everything when the rehearsal ends, even by SIGKILL.
   * @returns removes everything immediately
   */
  private startWatchdog(): () => void {
    const command = [WATCHDOG, this.program, this.kind, this.label, this.tagPrefix];
    const watchdog = spawn(process.execPath, command, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    watchdog.on('error', () => {});
    watchdog.unref();
    (watchdog.stdin as unknown as { unref(): void }).unref();
    return removeOnExit(() => {
      watchdog.kill('SIGKILL');
      // Its standard input is at its end, so that it removes everything and exits.
      spawnSync(process.execPath, command, { stdio: 'ignore' });
    });
  }
}
