import { randomUUID } from 'node:crypto';
import { IncomingMessage, Server, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import { Logger } from './logger';
import { METHODS, SECURITY_HEADERS } from './responses';

const STATUS_OF_CODE: Record<string, number> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

/** Responds to and logs what Node's HTTP parser rejects, because such requests never reach the app. */
export function handleProtocolErrors(server: Server, logger: Logger): void {
  const latestRequests = new WeakMap<Socket, IncomingMessage>();
  server.on('request', (req: IncomingMessage) => latestRequests.set(req.socket, req));

  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const request = latestRequests.get(socket);
    // Already answered, and the rest of its body is malformed. A client would take a second response for its next one.
    const isAnswered = request !== undefined && !request.complete;
    // The client has closed the connection. After a reset, the socket can look writable but has no remote port.
    const isClosed = error.code === 'ECONNRESET' || !socket.writable || socket.remotePort === undefined;
    if (isAnswered || isClosed) {
      socket.destroySoon();
    } else {
      reject(socket, STATUS_OF_CODE[error.code ?? ''] ?? 400, error.code);
    }
  });

  // CONNECT is for proxies.
  server.on('connect', (_req: IncomingMessage, socket: Socket) => {
    socket.on('error', () => {});
    reject(socket, 405, 'CONNECT');
  });

  function reject(socket: Socket, status: number, reason?: string) {
    const requestId = randomUUID();
    const body = JSON.stringify({ error: STATUS_CODES[status], requestId });
    const headers = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Connection: close',
      ...SECURITY_HEADERS.map(([header, value]) => `${header}: ${value}`),
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${body.length}`,
      `X-Request-Id: ${requestId}`,
    ];
    if (status === 405) { headers.push(`Allow: ${METHODS}`); }
    socket.write([...headers, '', body].join('\r\n'));
    socket.destroySoon();
    logger.warn({ status, reason, requestId }, `request rejected ${status}`);
  }
}
