import { randomUUID } from 'node:crypto';
import { RequestListener, ServerResponse } from 'node:http';
import express, { ErrorRequestHandler, Express, RequestHandler } from 'express';
import { logRequest } from './access-log';
import { Config } from './config';
import { createInfo, State } from './info';
import { Logger } from './logger';
import { renderPage } from './page';
import { discardBody, normalizeTarget, rejectionStatus } from './request-rules';
import { METHODS, SECURITY_HEADERS, sendError, sendOptions } from './responses';

/** Letters of any script, digits and the punctuation of names; no markup, no control characters. */
const GREETABLE_NAME = /^[\p{L}\p{M}\p{N} .,'’-]{1,64}$/u;

/** Creates the app without a socket: the caller decides where it listens, so tests can call it without a fixed port. */
export function createApp(config: Config, logger: Logger, state: State): RequestListener {
  const app = createRoutes(config, state);

  return (req, res) => {
    const target = normalizeTarget(req);
    setCommonHeaders(res, state);
    logRequest(logger, req, res, target);
    if (target === '*') { return sendOptions(res); }

    const rejection = rejectionStatus(req, target);
    if (rejection !== undefined || target === undefined) {
      if (rejection === 413) { discardBody(req, res); } else { res.setHeader('Connection', 'close'); }
      return sendError(res, rejection ?? 400);
    }
    discardBody(req, res);
    // Only valid targets reach Express, which responds to some invalid ones with its own HTML and plain-text warnings.
    req.url = target;
    app(req, res);
  };
}

function createRoutes(config: Config, state: State): Express {
  const app = express()
    .disable('x-powered-by')
    .disable('etag')
    .enable('strict routing')
    .enable('case sensitive routing');

  const page: RequestHandler = (_req, res) => {
    res.type('html').send(renderPage(createInfo(config, state)));
  };
  const info: RequestHandler = (_req, res) => {
    res.json(createInfo(config, state));
  };
  // Checks no database: if the database fails, the load balancer must not take all tasks out of service at once.
  const health: RequestHandler = (_req, res) => {
    res.status(state.draining ? 503 : 200).json({ status: state.draining ? 'draining' : 'ok' });
  };

  for (const [path, handler] of Object.entries({ '/': page, '/api/hello': hello, '/health': health, '/info': info })) {
    app.route(path)
      .get(handler) // and HEAD
      .options((_req, res) => sendOptions(res))
      .all((_req, res) => {
        res.setHeader('Allow', METHODS);
        sendError(res, 405);
      });
  }
  app.use((_req, res) => sendError(res, 404));
  app.use(handleError);
  return app;
}

const hello: RequestHandler = (req, res) => {
  const name = req.query.name ?? 'Fargate';
  if (typeof name !== 'string' || !GREETABLE_NAME.test(name)) {
    sendError(res, 400, 'name must be 1 to 64 letters, digits, spaces or any of . , \' -');
    return;
  }
  res.json({ message: `Hello, ${name}!`, name, time: new Date().toISOString() });
};

// Express recognizes an error handler by its four parameters.
const handleError: ErrorRequestHandler = (error, _req, res, _next) => {
  res.locals.error = error;
  if (res.headersSent) {
    res.destroy();
  } else {
    sendError(res, 500);
  }
};

function setCommonHeaders(res: ServerResponse, state: State): void {
  for (const [header, value] of SECURITY_HEADERS) {
    res.setHeader(header, value);
  }
  res.setHeader('X-Request-Id', randomUUID());
  if (state.draining) { res.setHeader('Connection', 'close'); }
}
