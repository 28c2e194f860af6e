import * as net from 'node:net';
import { Emulator, ForwardResult, listenOn } from './emulator';
import { pickByWeight, Target, TargetGroup } from './target-group';
import { LoadBalancerSpec, ListenerSpec, ResourceKey } from '../model';

/*
 * An emulator of a Network Load Balancer on the loopback interface: it connects each client to one target, and forwards
 * bytes. TLS listeners have no TLS here. A deregistered target keeps its connections and gets no new ones.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/network/introduction.html
 */
export class NetworkLoadBalancer implements Emulator {
  private readonly servers = new Map<ListenerSpec, net.Server>();
  private readonly sockets = new Set<net.Socket>();
  private readonly observers = new Set<(result: ForwardResult) => void>();
  private readonly pick: ReturnType<typeof pickByWeight>;

  constructor(public readonly spec: LoadBalancerSpec, targetGroups: ReadonlyMap<ResourceKey, TargetGroup>) {
    this.pick = pickByWeight(targetGroups);
  }

  public async listen(port: number): Promise<void> {
    for (const [index, listener] of this.spec.listeners.entries()) {
      // A client that has sent everything may still read.
      const server = net.createServer({ allowHalfOpen: true }, (client) => this.connect(listener, client));
      await listenOn(server, index === 0 ? port : 0);
      this.servers.set(listener, server);
    }
  }

  /** For HTTP requests, which an app behind a Network Load Balancer may understand. */
  public url(listener: ListenerSpec): string {
    return `http://127.0.0.1:${(this.servers.get(listener)!.address() as net.AddressInfo).port}`;
  }

  public observe(observer: (result: ForwardResult) => void): () => void {
    this.observers.add(observer);
    return () => { this.observers.delete(observer); };
  }

  public async close(): Promise<void> {
    this.sockets.forEach((socket) => socket.destroy());
    const servers = [...this.servers.values()];
    await Promise.all(servers.map(async (server) => new Promise((resolve) => server.close(resolve))));
  }

  private connect({ defaultAction }: ListenerSpec, client: net.Socket): void {
    this.track(client).on('error', () => {});
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
    const upstream = this.track(net.connect({ host: target.host, port: target.port!, allowHalfOpen: true }));
    upstream.on('data', (chunk) => response.add(chunk));
    upstream.on('error', () => client.resetAndDestroy());
    upstream.on('close', (hadError) => {
      const status = hadError ? undefined : response.status;
      this.observers.forEach((observer) => observer({ target, sentAt, status }));
    });
    // A reset could end an app that does not handle it.
    client.on('close', () => upstream.end().resume());
    client.pipe(upstream);
    upstream.pipe(client);
  }

  private track(socket: net.Socket): net.Socket {
    this.sockets.add(socket);
    return socket.on('close', () => this.sockets.delete(socket));
  }
}

/** Reads the status of the first response of a connection that was opened for one request. */
class HttpResponse {
  private readonly chunks: Buffer[] = [];

  public add(chunk: Buffer): void {
    this.chunks.push(chunk);
  }

  /** Undefined if it is not a complete response of HTTP/1. */
  public get status(): number | undefined {
    const text = Buffer.concat(this.chunks).toString('latin1');
    const [head, ...rest] = text.split('\r\n\r\n');
    const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(head) ?? [];
    if (status === undefined || rest.length === 0) { return undefined; }
    const body = text.slice(head.length + 4);
    const [, length] = /^content-length: *(\d+)/im.exec(head) ?? [];
    const isChunked = /^transfer-encoding: *chunked/im.test(head);
    const isComplete = isChunked ? body.endsWith('0\r\n\r\n') : body.length >= Number(length ?? 0);
    return isComplete ? Number(status) : undefined;
  }
}
