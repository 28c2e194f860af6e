import { IncomingMessage, ServerResponse } from 'node:http';
import { Response } from 'express';
import { Logger } from './logger';

/** The status that nginx logs when the client closed the connection before the response was sent. */
const CLIENT_CLOSED_REQUEST = 499;
const MAX_PATH_CHARACTERS = 256;

/**
 * Writes one log line when the response has been sent or the connection was closed.
 *
 * @param target the normalized request target, undefined when it is malformed
 */
export function logRequest(logger: Logger, req: IncomingMessage, res: ServerResponse, target?: string): void {
  const started = performance.now();
  res.once('close', () => {
    const status = res.writableFinished ? res.statusCode : CLIENT_CLOSED_REQUEST;
    // Without the query string, because credentials end up there by mistake.
    const path = target?.split('?', 1)[0].slice(0, MAX_PATH_CHARACTERS);
    // Successful health checks arrive every few seconds and carry no information.
    if (path === '/health' && status === 200) { return; }
    logger[levelOf(status, path)]({
      method: req.method,
      path,
      status,
      responseTime: Math.round((performance.now() - started) * 10) / 10,
      requestId: res.getHeader('X-Request-Id'),
      traceId: traceIdOf(req),
      error: (res as Response).locals?.error,
    }, `${req.method} ${path ?? '(malformed)'} ${status}`);
  });
}

function levelOf(status: number, path?: string): 'info' | 'warn' | 'error' {
  // A failing health check while the app drains is intended.
  if (status < 400 || (path === '/health' && status === 503)) { return 'info'; }
  return status < 500 ? 'warn' : 'error';
}

/** The root of AWS's trace header. Undefined when malformed, so that clients cannot write arbitrary text to the log. */
function traceIdOf(req: IncomingMessage): string | undefined {
  const header = req.headers['x-amzn-trace-id'];
  if (typeof header !== 'string') { return undefined; }
  return /(?:^|;)Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)/i.exec(header)?.[1];
}
