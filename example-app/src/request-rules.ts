import { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream';

const MAX_TARGET_CHARACTERS = 4_096;
/** No endpoint reads a body. Up to this size it is read and discarded, which keeps the connection open. */
const MAX_BODY_BYTES = 64 * 1024;
/** As in nginx: https://nginx.org/en/docs/http/ngx_http_core_module.html#lingering_time. */
const LINGER_MS = 30_000;

/**
 * Returns the request target as path and query, as `*`, or undefined when it has none of the forms that RFC 9112
 * allows here.
 */
export function normalizeTarget(req: IncomingMessage): string | undefined {
  let target = req.url ?? '';
  if (target === '*') { return req.method === 'OPTIONS' ? target : undefined; }
  // RFC 9112 requires every server to accept the absolute form, although clients send it to proxies only.
  if (/^https?:\/\//i.test(target)) {
    try {
      const { pathname, search } = new URL(target);
      target = pathname + search;
    } catch {
      return undefined;
    }
  }
  if (!target.startsWith('/')) { return undefined; }
  // Browsers never send `#`, and parsers disagree about what it means in a target.
  return target.replaceAll('#', '%23');
}

/** Returns the status with which to reject a request before it reaches a handler; undefined when it is valid. */
export function rejectionStatus(req: IncomingMessage, target: string | undefined): number | undefined {
  if (target === undefined || req.httpVersionMajor !== 1) { return 400; }
  if (countHosts(req) > 1 || (req.httpVersionMinor === 1 && !req.headers.host)) { return 400; }
  // Node passes a request with an unknown encoding to the app before it fails to parse its body. Not 501, which would
  // count as an error of the server.
  if ((req.headers['transfer-encoding'] ?? 'chunked').toLowerCase() !== 'chunked') { return 400; }
  if (target.length > MAX_TARGET_CHARACTERS) { return 414; }
  if (req.headers.expect !== undefined && req.headers.expect.toLowerCase() !== '100-continue') { return 417; }
  if (Number(req.headers['content-length'] ?? 0) > MAX_BODY_BYTES) { return 413; }
  return undefined;
}

/** Counts Host headers: `req.headers` keeps only the first, and a second one can be used for request smuggling. */
function countHosts(req: IncomingMessage): number {
  let hosts = 0;
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    if (req.rawHeaders[i].length === 4 && req.rawHeaders[i].toLowerCase() === 'host') { hosts += 1; }
  }
  return hosts;
}

/**
 * Discards the body, and closes the connection when one that is too large takes long.
 *
 * The response does not wait for the body, but the connection stays open until it was read: if it is closed with unread
 * data, it is reset, and a client that writes its whole body before it reads never gets the response.
 */
export function discardBody(req: IncomingMessage, res: ServerResponse): void {
  if (req.headers['content-length'] === undefined && req.headers['transfer-encoding'] === undefined) { return; }
  const closesAfterwards = !res.shouldKeepAlive;
  res.shouldKeepAlive = true;
  let received = 0;
  let deadline: NodeJS.Timeout | undefined;
  req.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (received > MAX_BODY_BYTES) { deadline ??= setTimeout(() => req.socket.destroy(), LINGER_MS); }
  });
  req.once('end', () => { if (closesAfterwards) { finished(res, () => req.socket.end()); } });
  req.once('close', () => clearTimeout(deadline));
}
