import * as net from 'node:net';
import { Emulator } from './emulator';
import { pickByWeight, Target, TargetGroup } from './target-group';
import { LoadBalancerSpec, ListenerSpec, ResourceKey } from '../model';

/*
 * An emulator of a Network Load Balancer on the loopback interface: it connects each client to one target, and forwards
 * bytes. TLS listeners have no TLS here. A deregistered target keeps its connections and gets no new ones.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/network/introduction.html
 */
export class NetworkLoadBalancer extends Emulator {
  private readonly upstreams = new Set<net.Socket>();
  private readonly pick: ReturnType<typeof pickByWeight>;

  constructor(spec: LoadBalancerSpec, targetGroups: ReadonlyMap<ResourceKey, TargetGroup>) {
    super(spec, spec.listeners[0]);
    this.pick = pickByWeight(targetGroups);
  }

  public async close(): Promise<void> {
    this.upstreams.forEach((upstream) => upstream.destroy());
    await super.close();
  }

  protected newServer(listener: ListenerSpec): net.Server {
    // A client that has sent everything may still read.
    return net.createServer({ allowHalfOpen: true }, (client) => this.connect(listener, client));
  }

  private connect({ defaultAction }: ListenerSpec, client: net.Socket): void {
    client.on('error', () => {});
    const target = defaultAction.type === 'forward' ? this.pick(defaultAction) : undefined;
    if (target) {
      this.forward(target, client);
    } else {
      client.resetAndDestroy();
    }
  }

  private forward(target: Target, client: net.Socket): void {
    const sentAt = Date.now();
    const response = new HttpResponse();
    const upstream = net.connect({ host: target.host, port: target.port!, allowHalfOpen: true });
    this.upstreams.add(upstream);
    upstream.on('data', (chunk) => response.add(chunk));
    upstream.on('error', () => client.resetAndDestroy());
    upstream.on('close', (hadError) => {
      this.upstreams.delete(upstream);
      this.notify({ target, sentAt, status: hadError ? undefined : response.status });
    });
    // A reset could end an app that does not handle it.
    client.on('close', () => upstream.end().resume());
    client.pipe(upstream);
    upstream.pipe(client);
  }
}

/** Enough for the headers of a response. */
const MAX_HEAD_LENGTH = 64 * 1024;
const LAST_CHUNK = '0\r\n\r\n';

/** Reads the status of the first response of a connection that was opened for one request. Keeps no body. */
class HttpResponse {
  private start = '';
  private end = '';
  private length = 0;

  public add(chunk: Buffer): void {
    const text = chunk.toString('latin1');
    this.start += text.slice(0, MAX_HEAD_LENGTH - this.start.length);
    this.end = (this.end + text).slice(-LAST_CHUNK.length);
    this.length += text.length;
  }

  /** Undefined if it is not a complete response of HTTP/1. */
  public get status(): number | undefined {
    const [, head, status] = /^(HTTP\/1\.[01] (\d{3})[^]*?\r\n\r\n)/.exec(this.start) ?? [];
    if (head === undefined) { return undefined; }
    const [, length = 0] = /^content-length: *(\d+)/im.exec(head) ?? [];
    const isChunked = /^transfer-encoding: *chunked/im.test(head);
    const isComplete = isChunked ? this.end === LAST_CHUNK : this.length - head.length >= Number(length);
    return isComplete ? Number(status) : undefined;
  }
}
