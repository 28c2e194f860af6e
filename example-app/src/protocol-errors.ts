import { randomUUID } from 'node:crypto';
import { IncomingMessage, Server, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import { METHODS, SECURITY_HEADERS } from './app';
import { Logger } from './logger';

const STATUS_OF_CODE: Record<string, number> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

/** Answers and logs what Node's HTTP parser refuses, so that it never becomes a request and the app never sees it. */
export function answerProtocolErrors(server: Server, logger: Logger) {
  const latest = new WeakMap<Socket, IncomingMessage>();
  server.on('request', (req: IncomingMessage) => latest.set(req.socket, req));

  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const request = latest.get(socket);
    // Already answered, and the rest of its body is broken: a second answer would be taken for the next request's.
    const isAnswered = request !== undefined && !request.complete;
    // Nobody is there to answer. A connection that was reset can look like one that was ended, but it has no other side any more.
    const isGone = error.code === 'ECONNRESET' || !socket.writable || socket.remotePort === undefined;
    if (isAnswered || isGone) socket.destroySoon();
    else refuse(socket, STATUS_OF_CODE[error.code ?? ''] ?? 400, error.code);
  });

  // This is no proxy.
  server.on('connect', (_req: IncomingMessage, socket: Socket) => {
    socket.on('error', () => {});
    refuse(socket, 405, 'CONNECT');
  });

  function refuse(socket: Socket, status: number, reason?: string) {
    const requestId = randomUUID();
    const body = JSON.stringify({ error: STATUS_CODES[status], requestId });
    socket.write([
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Connection: close',
      ...SECURITY_HEADERS.map(([header, value]) => `${header}: ${value}`),
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${body.length}`,
      `X-Request-Id: ${requestId}`,
      ...status === 405 ? [`Allow: ${METHODS}`] : [],
      '',
      body,
    ].join('\r\n'));
    socket.destroySoon();
    logger.warn({ status, reason, requestId }, `request refused ${status}`);
  }
}
