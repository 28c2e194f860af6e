import { createHash } from 'node:crypto';
import { ServerResponse, STATUS_CODES } from 'node:http';
import { PAGE_STYLE } from './page';

export const METHODS = 'GET, HEAD, OPTIONS';

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  // The page uses its own style and nothing else.
  `style-src 'sha256-${createHash('sha256').update(PAGE_STYLE).digest('base64')}'`,
].join('; ');

/** The same for every response. */
export const SECURITY_HEADERS = Object.entries({
  'Cache-Control': 'no-store',
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
});

export function sendOptions(res: ServerResponse): void {
  res.statusCode = 204;
  res.setHeader('Allow', METHODS);
  res.end();
}

/** Sends a JSON error that never repeats any part of the request. */
export function sendError(res: ServerResponse, status: number, detail?: string): void {
  const body = JSON.stringify({ error: STATUS_CODES[status], detail, requestId: res.getHeader('X-Request-Id') });
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}
