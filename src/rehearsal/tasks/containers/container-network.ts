import { Engine, reasonIn } from './engine';
import { readOrNothing } from './proc';
import { CannotRun } from '../../cannot-run';
import { ServiceSpec } from '../../model';
import { Endpoint, ListenReport } from '../task';

/** The network of a task: its address, and what listens there. A container that does nothing else holds it. */
export class ContainerNetwork {
  public static async make(engine: Engine, service: ServiceSpec): Promise<ContainerNetwork> {
    const container = engine.name('network');
    const ports = [...new Set(service.registrations.flatMap(({ port, targetGroup }) => [port, targetGroup.healthCheck.port ?? port]))];
    const host = engine.publishedAt;
    const bind = host === '127.0.0.1' ? '127.0.0.1::' : '';
    const { code, stderr } = await engine.run(['run', '--detach', '--name', container, '--label', engine.label,
      ...host ? ports.flatMap((port) => ['--publish', `${bind}${port}`]) : [], await engine.helpers()]);
    if (code !== 0) { throw new CannotRun(`${engine.description} cannot start a container: ${reasonIn(stderr)}`); }
    const [{ NetworkSettings: settings, State: { Pid: pid } }] = JSON.parse(await engine.must(['inspect', container]));
    const address = settings.IPAddress || Object.values<any>(settings.Networks ?? {})[0]?.IPAddress;
    return new ContainerNetwork(container, address, pid, new Map(ports.map((port) => [port, host
      ? { host, port: Number(settings.Ports[`${port}/tcp`][0].HostPort) }
      : { host: address, port }])));
  }

  private constructor(
    public readonly container: string,
    private readonly address: string,
    private readonly pid: number,
    private readonly endpoints: ReadonlyMap<number, Endpoint>,
  ) {}

  /** @param port of a target group */
  public endpoint(port: number): Endpoint {
    return this.endpoints.get(port)!;
  }

  /** As the kernel has it, where the engine is on this machine: https://docs.kernel.org/networking/proc_net_tcp.html */
  public listening(): readonly ListenReport[] | undefined {
    if (!readOrNothing(`/proc/${this.pid}/comm`).startsWith('pause')) { return undefined; }
    return ['tcp', 'tcp6'].flatMap((table) => readOrNothing(`/proc/${this.pid}/net/${table}`).split('\n').slice(1))
      .map((line) => line.trim().split(/\s+/))
      .filter(([,,, state]) => state === '0A')
      .map(([, local]) => {
        const [hex, port] = local.split(':');
        const host = readAddress(hex);
        return { port: parseInt(port, 16), host: host === this.address ? undefined : host };
      });
  }
}

/** @returns nothing for all addresses */
function readAddress(hex: string): string | undefined {
  if (/^0+$/.test(hex)) { return undefined; }
  if (hex === '00000000000000000000000001000000') { return '::1'; }
  // IPv4, on its own or within IPv6.
  return hex.slice(-8).match(/../g)!.reverse().map((byte) => parseInt(byte, 16)).join('.');
}
