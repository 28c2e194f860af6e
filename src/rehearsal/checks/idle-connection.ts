import * as http from 'node:http';
import * as net from 'node:net';
import { CheckSubject, failed, passed, skipped } from './check';
import { get } from './load';
import { Front } from '../edge/routes';
import { Check } from '../report';
import { RunningTask } from '../running-service';

/*
 * A connection that is kept open after one request, as a load balancer keeps its connections. The 5 s of Node.js and
 * the 2 s of gunicorn are too short for a load balancer that keeps them for 60 s.
 */

const KEEP_ALIVE: CheckSubject = {
  id: 'keep-alive', name: 'the app keeps idle connections longer than the load balancer does',
};

export interface IdleConnection {
  /** Why there is no connection to observe. */
  readonly error?: string;
  /** The timeout in the Keep-Alive header of the app. */
  readonly announcedSeconds?: number;
  readonly openedAt: number;
  closedAt?: number;
  end(): void;
}

export async function holdIdleConnection(
  { targets: [{ target }] }: RunningTask, front: Front,
): Promise<IdleConnection> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const url = `http://${target.host}:${target.port}${new URL(front.url).pathname}`;
  const { keepAlive, error } = await get(url, front.host, { agent });
  const [, announced] = /timeout=(\d+)/.exec(keepAlive ?? '') ?? [];
  const [socket] = Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? []) as net.Socket[];
  const connection: IdleConnection = {
    error,
    announcedSeconds: announced === undefined ? undefined : Number(announced),
    openedAt: Date.now(),
    end: () => agent.destroy(),
  };
  // An app that closes each connection after its answer leaves none to reuse, so it loses no request.
  socket?.on('close', () => { connection.closedAt ??= Date.now(); });
  return connection;
}

export function checkKeepAlive(connection: IdleConnection, idleTimeoutSeconds: number): Check {
  const { error, announcedSeconds, openedAt, closedAt } = connection;
  if (error !== undefined) { return skipped(KEEP_ALIVE, `the request that opens the connection failed: ${error}`); }
  const fix = `the load balancer keeps them for ${idleTimeoutSeconds} s, and a request that it sends while the app`
    + ' closes one fails with 502: keep them for KEEP_ALIVE_TIMEOUT_MS';
  if (announcedSeconds !== undefined && announcedSeconds <= idleTimeoutSeconds) {
    return failed(KEEP_ALIVE, `according to its Keep-Alive header, it closes them after ${announcedSeconds} s; ${fix}`);
  }
  const openSeconds = closedAt === undefined ? undefined : (closedAt - openedAt) / 1000;
  if (openSeconds !== undefined && openSeconds <= idleTimeoutSeconds) {
    return failed(KEEP_ALIVE, `it closed one after ${openSeconds.toFixed(1)} s; ${fix}`);
  }
  const observed = ((Date.now() - openedAt) / 1000).toFixed(0);
  return passed(KEEP_ALIVE, announcedSeconds === undefined
    ? `one was open for ${observed} of ${idleTimeoutSeconds} s, the duration of this check`
    : `for ${announcedSeconds} s, according to its Keep-Alive header`);
}
