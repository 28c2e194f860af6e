import * as net from 'node:net';
import { Target } from './target-group';
import { CannotRun } from '../cannot-run';
import { EmulatorSpec, ListenerSpec } from '../model';

/** The result of a request that was forwarded to a target. */
export interface ForwardResult {
  readonly target: Target;
  /** Milliseconds since the epoch. */
  readonly sentAt: number;
  /** Undefined if there was no complete response. */
  readonly status?: number;
}

/** What is in front of target groups: servers on the loopback interface, one for each listener. */
export abstract class Emulator {
  private readonly servers = new Map<ListenerSpec, net.Server>();
  private readonly clients = new Set<net.Socket>();
  private readonly observers = new Set<(result: ForwardResult) => void>();

  /** @param mainListener the one on the port that the user chose */
  constructor(public readonly spec: EmulatorSpec, private readonly mainListener?: ListenerSpec) {}

  /** @param port of the main listener; 0 is any free port */
  public async listen(port: number): Promise<void> {
    for (const listener of this.spec.listeners) {
      const server = this.newServer(listener);
      server.on('connection', (client) => {
        this.clients.add(client);
        client.on('close', () => this.clients.delete(client));
      });
      await listenOn(server, listener === this.mainListener ? port : 0);
      this.servers.set(listener, server);
    }
  }

  /** The local address of a listener, for HTTP requests. */
  public url(listener: ListenerSpec): string {
    return `http://127.0.0.1:${(this.servers.get(listener)!.address() as net.AddressInfo).port}`;
  }

  /**
   * Calls the observer for each request that was forwarded.
   *
   * @returns ends the observation
   */
  public observe(observer: (result: ForwardResult) => void): () => void {
    this.observers.add(observer);
    return () => { this.observers.delete(observer); };
  }

  public async close(): Promise<void> {
    await Promise.all([...this.servers.values()].map(async (server) => new Promise((resolve) => {
      server.close(resolve);
      this.clients.forEach((client) => client.destroy());
    })));
  }

  protected abstract newServer(listener: ListenerSpec): net.Server;

  protected notify(result: ForwardResult): void {
    this.observers.forEach((observer) => observer(result));
  }
}

async function listenOn(server: net.Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') {
        reject(new CannotRun(`port ${port} of 127.0.0.1 is in use: stop the program that uses it,`
          + ' or choose another port with --port'));
      } else if (error.code === 'EACCES') {
        reject(new CannotRun(`port ${port} requires more privileges: choose --port 1024 or higher`));
      } else {
        reject(error);
      }
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}
