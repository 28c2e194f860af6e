import { failureReason } from './command';
import { ContainerHost } from './container-host';
import { readFileOrEmpty } from './proc';
import { CannotRun } from '../../cannot-run';
import { portsOf, ServiceSpec } from '../../model';
import { Endpoint, ListenReport } from '../task';

/** What `docker inspect` prints for a container. */
interface ContainerInspection {
  readonly NetworkSettings: {
    readonly IPAddress?: string;
    readonly Networks?: Readonly<Record<string, { readonly IPAddress: string }>>;
    readonly Ports?: Readonly<Record<string, ReadonlyArray<{ readonly HostPort: string }>>>;
  };
  readonly State: { readonly Pid: number };
}

/** The network of a task: its address and its listening sockets. A container with no other purpose holds it. */
export class ContainerNetwork {
  public static async create({ engine, images }: ContainerHost, service: ServiceSpec): Promise<ContainerNetwork> {
    const container = engine.name('network');
    const ports = portsOf(service);
    const host = engine.publishedHost;
    const bindAddress = host === '127.0.0.1' ? '127.0.0.1::' : '';
    const publish = host ? ports.flatMap((port) => ['--publish', `${bindAddress}${port}`]) : [];
    const { code, stderr } = await engine.run([
      'run', '--detach', '--name', container, '--label', engine.label, ...publish, await images.helpers(),
    ]);
    if (code !== 0) { throw new CannotRun(`${engine.description} cannot start a container: ${failureReason(stderr)}`); }

    const [inspection] = JSON.parse(await engine.runOrThrow(['inspect', container])) as ContainerInspection[];
    const { NetworkSettings: { IPAddress, Networks = {}, Ports = {} }, State: { Pid: pid } } = inspection;
    const address = IPAddress || Object.values(Networks)[0]?.IPAddress;
    const endpoints = ports.map((port) => [port, host
      ? { host, port: Number(Ports[`${port}/tcp`][0].HostPort) }
      : { host: address, port }] as const);
    return new ContainerNetwork(container, address, pid, new Map(endpoints));
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

  /** From the kernel, where the engine runs on this machine: https://docs.kernel.org/networking/proc_net_tcp.html */
  public listening(): readonly ListenReport[] | undefined {
    if (!readFileOrEmpty(`/proc/${this.pid}/comm`).startsWith('pause')) { return undefined; }
    return ['tcp', 'tcp6']
      .flatMap((table) => readFileOrEmpty(`/proc/${this.pid}/net/${table}`).split('\n').slice(1))
      .map((line) => line.trim().split(/\s+/))
      .filter(([,,, state]) => state === '0A')
      .map(([, local]) => {
        const [hex, port] = local.split(':');
        const host = readAddress(hex);
        return { port: parseInt(port, 16), host: host === this.address ? undefined : host };
      });
  }
}

/** @returns undefined for all addresses */
function readAddress(hex: string): string | undefined {
  if (/^0+$/.test(hex)) { return undefined; }
  if (hex === '00000000000000000000000001000000') { return '::1'; }
  // An IPv4 address, or one that is mapped to IPv6.
  return hex.slice(-8).match(/../g)!.reverse().map((byte) => parseInt(byte, 16)).join('.');
}
