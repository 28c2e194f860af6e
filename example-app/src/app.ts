import { createHash, randomUUID } from 'node:crypto';
import { IncomingMessage, RequestListener, ServerResponse, STATUS_CODES } from 'node:http';
import express, { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { name, version } from '../package.json';
import { Config } from './config';
import { Logger } from './logger';
import { PAGE_STYLE, renderPage } from './page';
import { discardBody, normaliseTarget, refusalOf } from './request-rules';
import { TaskMetadata } from './task-metadata';

/** What changes while the app runs. */
export interface State {
  /** Set on SIGTERM: /health fails from then on, so that the load balancer stops sending requests. */
  draining: boolean;
  /** Arrives after the start, or never outside ECS. */
  task?: TaskMetadata;
}

/** What /info answers and the page shows. */
export interface Info {
  readonly name: string;
  readonly version: string;
  readonly commit?: string;
  readonly uptimeSeconds: number;
  readonly node: number;
  readonly architecture: string;
  readonly task?: TaskMetadata;
}

export const METHODS = 'GET, HEAD, OPTIONS';

/** The same for every answer. The page needs its own style and nothing else. */
export const SECURITY_HEADERS = Object.entries({
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    + `style-src 'sha256-${createHash('sha256').update(PAGE_STYLE).digest('base64')}'`,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
});

/** Letters of any script, digits and what stands in names; nothing that could be markup or a control character. */
const GREETABLE_NAME = /^[\p{L}\p{M}\p{N} .,'’-]{1,64}$/u;

/** The app without a socket: who calls it decides where it listens, and tests need no port of their own. */
export function createApp(config: Config, logger: Logger, state: State): RequestListener {
  const app = express()
    .disable('x-powered-by')
    .disable('etag')
    .enable('strict routing')
    .enable('case sensitive routing');

  const info = (): Info => ({
    name,
    version,
    commit: config.commit,
    uptimeSeconds: Math.floor(process.uptime()),
    node: Number.parseInt(process.versions.node, 10),
    architecture: process.arch,
    task: state.task,
  });

  const page: RequestHandler = (_req, res) => {
    res.type('html').send(renderPage(info()));
  };

  const hello: RequestHandler = (req, res) => {
    const greeted = req.query.name ?? 'Fargate';
    if (typeof greeted !== 'string' || !GREETABLE_NAME.test(greeted)) {
      answerError(res, 400, 'name must be 1 to 64 letters, digits, spaces or any of . , \' -');
      return;
    }
    res.json({ message: `Hello, ${greeted}!`, name: greeted, time: new Date().toISOString() });
  };

  // No database is asked here: a database that is down must not make the load balancer take out every task at once.
  const health: RequestHandler = (_req, res) => {
    res.status(state.draining ? 503 : 200).json({ status: state.draining ? 'draining' : 'ok' });
  };

  const about: RequestHandler = (_req, res) => {
    res.json(info());
  };

  for (const [path, handler] of Object.entries({ '/': page, '/api/hello': hello, '/health': health, '/info': about })) {
    app.route(path)
      .get(handler) // and HEAD
      .options((_req, res) => answerOptions(res))
      .all((_req, res) => {
        res.setHeader('Allow', METHODS);
        answerError(res, 405);
      });
  }
  app.use((_req, res) => answerError(res, 404));

  // Four parameters, or Express does not take it for an error handler.
  const failed: ErrorRequestHandler = (error, _req, res, _next) => {
    res.locals.error = error;
    if (res.headersSent) res.destroy();
    else answerError(res, 500);
  };
  app.use(failed);

  return (req, res) => {
    const target = normaliseTarget(req);
    prepare(req, res, target);
    if (target === '*') return answerOptions(res);
    const refusal = refusalOf(req, target);
    if (refusal !== undefined || target === undefined) {
      res.setHeader('Connection', 'close');
      return answerError(res, refusal ?? 400);
    }
    discardBody(req);
    // Express answers some targets with HTML of its own and warns in plain text: it gets to see clean ones only.
    req.url = target;
    app(req, res);
  };

  /** What every answer has, whoever gives it: an id, the constant headers, and one line in the log when it is over. */
  function prepare(req: IncomingMessage, res: ServerResponse, target: string | undefined) {
    const started = performance.now();
    const requestId = randomUUID();
    for (const [header, value] of SECURITY_HEADERS) res.setHeader(header, value);
    res.setHeader('X-Request-Id', requestId);
    if (state.draining) res.setHeader('Connection', 'close');

    res.once('close', () => {
      // 499 is what nginx writes when the client left before the answer.
      const status = res.writableFinished ? res.statusCode : 499;
      // Never the query string: it is where credentials end up by mistake.
      const path = target?.split('?', 1)[0].slice(0, 256);
      // Probes are every few seconds for ever, and say nothing while all is well.
      if (path === '/health' && status === 200) return;
      const isDrainingProbe = path === '/health' && status === 503;
      const level = status < 400 || isDrainingProbe ? 'info' : status < 500 ? 'warn' : 'error';
      logger[level]({
        method: req.method,
        path,
        status,
        responseTime: Math.round((performance.now() - started) * 10) / 10,
        requestId,
        traceId: traceIdOf(req),
        error: (res as Response).locals?.error,
      }, `${req.method} ${path ?? '(malformed)'} ${status}`);
    });
  }
}

/** The root of AWS's trace header, or nothing when it does not look like one: what clients send is not log text. */
function traceIdOf(req: IncomingMessage): string | undefined {
  const header = req.headers['x-amzn-trace-id'];
  return typeof header === 'string' ? /(?:^|;)Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)/i.exec(header)?.[1] : undefined;
}

function answerOptions(res: ServerResponse) {
  res.statusCode = 204;
  res.setHeader('Allow', METHODS);
  res.end();
}

/** JSON that says what was wrong, and never repeats what was sent. */
function answerError(res: ServerResponse, status: number, detail?: string) {
  const body = JSON.stringify({ error: STATUS_CODES[status], detail, requestId: res.getHeader('X-Request-Id') });
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}
