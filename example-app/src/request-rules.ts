import { IncomingMessage } from 'node:http';

const MAX_TARGET_CHARACTERS = 4_096;
/** No endpoint takes a body, so this much is read and thrown away, to keep the connection. */
const MAX_BODY_BYTES = 64 * 1024;

/**
 * The request target as path and query, `*`, or undefined when it is none of what RFC 9112 allows here.
 */
export function normaliseTarget(req: IncomingMessage): string | undefined {
  let target = req.url ?? '';
  if (target === '*') return req.method === 'OPTIONS' ? target : undefined;
  // The absolute form, meant for proxies, must be understood by every server.
  if (/^https?:\/\//i.test(target)) {
    try {
      const { pathname, search } = new URL(target);
      target = pathname + search;
    } catch {
      return undefined;
    }
  }
  if (!target.startsWith('/')) return undefined;
  // What follows a `#` never leaves a browser, and parsers disagree about what it means here.
  return target.replaceAll('#', '%23');
}

/** The status with which a request is refused before it reaches a handler, if it is. */
export function refusalOf(req: IncomingMessage, target: string | undefined): number | undefined {
  if (target === undefined || req.httpVersionMajor !== 1) return 400;
  if (countHosts(req) > 1 || (req.httpVersionMinor === 1 && !req.headers.host)) return 400;
  // Node hands over a request with an encoding that it does not know before it gives up on it. No 501: this is no fault of ours.
  if ((req.headers['transfer-encoding'] ?? 'chunked').toLowerCase() !== 'chunked') return 400;
  if (target.length > MAX_TARGET_CHARACTERS) return 414;
  if (req.headers.expect !== undefined && req.headers.expect.toLowerCase() !== '100-continue') return 417;
  if (Number(req.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return 413;
  return undefined;
}

/** `req.headers` keeps the first Host only, and two are how a request is smuggled past who looked at the other one. */
function countHosts(req: IncomingMessage): number {
  let hosts = 0;
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    if (req.rawHeaders[i].length === 4 && req.rawHeaders[i].toLowerCase() === 'host') hosts += 1;
  }
  return hosts;
}

/** Reads a body that nobody wants, and ends the connection when it grows too large: chunks have no length to refuse by. */
export function discardBody(req: IncomingMessage) {
  if (req.headers['content-length'] === undefined && req.headers['transfer-encoding'] === undefined) return;
  let received = 0;
  req.on('data', (part: Buffer) => {
    received += part.length;
    if (received > MAX_BODY_BYTES) req.socket.destroy();
  });
}
