import * as http from 'node:http';
import * as net from 'node:net';
import { CheckSubject, failed, fixFor, passed, skipped } from './check';
import { get } from './load';
import { Front } from '../edge/routes';
import { Check } from '../report/report';
import { RunningTask } from '../running-service';

/*
 * A connection that is kept open after one request, as a load balancer keeps its connections. The 5 s of Node.js and
 * the 2 s of gunicorn are too short for a load balancer that keeps them for 60 s.
 */

const KEEP_ALIVE: CheckSubject = {
  id: 'keep-alive', name: 'the app keeps idle connections longer than the load balancer does',
};

/** The names of the setting in common servers. */
const OTHER_NAMES = 'this is server.keepAliveTimeout in Node.js, --keep-alive in gunicorn, IdleTimeout in Go and'
  + ' keepalive_timeout in nginx';

export interface IdleConnection {
  /** Why there is no connection to observe. */
  readonly error?: string;
  /** The timeout in the Keep-Alive header of the app. */
  readonly announcedSeconds?: number;
  readonly openedAt: number;
  /** False if the app closed it after the response: the load balancer cannot reuse it, and loses no request. */
  readonly reusable: boolean;
  /** When the app closed it. */
  closedAt?: number;
  /** When the observation ended. */
  endedAt?: number;
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
    reusable: socket !== undefined,
    end: () => {
      connection.endedAt ??= Date.now();
      agent.destroy();
    },
  };
  socket?.on('close', () => {
    if (connection.endedAt === undefined) { connection.closedAt ??= Date.now(); }
  });
  return connection;
}

export function checkKeepAlive(
  connection: IdleConnection, idleTimeoutSeconds: number, environment: Readonly<Record<string, string>>,
): Check {
  const { error, announcedSeconds, reusable, openedAt, closedAt, endedAt = Date.now() } = connection;
  if (error !== undefined) { return skipped(KEEP_ALIVE, `the request that opens the connection failed: ${error}`); }
  if (!reusable) { return passed(KEEP_ALIVE, 'it closes each connection after its response'); }
  const fix = `the load balancer keeps them for ${idleTimeoutSeconds} s, and a request that it sends while the app`
    + ` closes one fails with 502: keep them longer; ${fixFor(environment, 'KEEP_ALIVE_TIMEOUT_MS', OTHER_NAMES)}`;
  if (announcedSeconds !== undefined && announcedSeconds <= idleTimeoutSeconds) {
    return failed(KEEP_ALIVE, `according to its Keep-Alive header, it closes them after ${announcedSeconds} s; ${fix}`);
  }
  const openSeconds = closedAt === undefined ? undefined : (closedAt - openedAt) / 1000;
  if (openSeconds !== undefined && openSeconds <= idleTimeoutSeconds) {
    return failed(KEEP_ALIVE, `it closed one after ${openSeconds.toFixed(1)} s; ${fix}`);
  }
  if (announcedSeconds !== undefined) {
    return passed(KEEP_ALIVE, `for ${announcedSeconds} s, according to its Keep-Alive header`);
  }
  if (openSeconds !== undefined) { return passed(KEEP_ALIVE, `it closed one after ${openSeconds.toFixed(0)} s`); }
  const observed = ((endedAt - openedAt) / 1000).toFixed(0);
  return skipped(KEEP_ALIVE, `the app does not announce it, and one was observed for ${observed} of`
    + ` ${idleTimeoutSeconds} s only`);
}
