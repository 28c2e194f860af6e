import { randomBytes } from 'node:crypto';
import * as http from 'node:http';

type Header = readonly [name: string, value: string];

/** Headers that apply to a single connection and are not forwarded. */
const HOP_BY_HOP = [
  'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization',
  'te', 'trailer', 'transfer-encoding', 'upgrade',
];

/** The raw headers of a response of a target for the client. */
export function responseHeaders(response: http.IncomingMessage): string[] {
  return endToEnd(response).flat();
}

/**
 * The raw headers of a client's request for the target.
 *
 * @param changes headers to replace or, with an undefined value, to remove
 */
export function requestHeaders(
  request: http.IncomingMessage,
  changes: Record<string, string | undefined>,
  isDropped: (name: string) => boolean = () => false,
): string[] {
  const changed = Object.keys(changes).map((name) => name.toLowerCase());
  const kept = endToEnd(request).filter(([name]) => !changed.includes(name.toLowerCase()) && !isDropped(name));
  // A body of unknown length is chunked on the next connection too.
  const encoding = request.headers['transfer-encoding'] === undefined ? [] : ['Transfer-Encoding', 'chunked'];
  const added = Object.entries(changes).flatMap(([name, value]) => value === undefined ? [] : [name, value]);
  return [...kept.flat(), ...encoding, ...added];
}

/** The value of X-Forwarded-For with the client's address appended. */
export function appendClient(request: http.IncomingMessage): string {
  return [request.headers['x-forwarded-for'] ?? [], clientOf(request)].flat().join(', ');
}

export function clientOf(request: http.IncomingMessage): string {
  return request.socket.remoteAddress ?? '127.0.0.1';
}

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html */
export function traceId(request: http.IncomingMessage): string {
  const newId = `1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')}`;
  const received = [request.headers['x-amzn-trace-id'] ?? []].flat().join(';');
  if (received.includes('Root=')) { return `Self=${newId};${received.replace(/Self=[^;]*;?/, '')}`; }
  return [received, `Root=${newId}`].filter(Boolean).join(';');
}

/** Names and values from Node's flat list of them. */
export function headerPairs(rawHeaders: readonly string[]): Header[] {
  return rawHeaders.flatMap((name, index) => index % 2 === 0 ? [[name, rawHeaders[index + 1]] as const] : []);
}

function endToEnd({ rawHeaders, headers: { connection = '' } }: http.IncomingMessage): Header[] {
  // A client must not remove the header by which rules decide.
  const named = connection.toLowerCase().split(/\s*,\s*/).filter((name) => name !== 'host');
  const dropped = [...HOP_BY_HOP, ...named];
  return headerPairs(rawHeaders).filter(([name]) => !dropped.includes(name.toLowerCase()));
}
