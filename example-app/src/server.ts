import { createServer, Server } from 'node:http';
import { createApp, State } from './app';
import { Config, readConfig } from './config';
import { createLogger, LogStream } from './logger';
import { answerProtocolErrors } from './protocol-errors';
import { readTaskMetadata } from './task-metadata';

/** How long the last log lines may take when nobody reads them. */
const LOG_DRAIN_MS = 2_000;
/** How long open requests may take when the process is broken and must go. */
const CRASH_DRAIN_MS = 5_000;
/** How often idle connections are looked for while the last requests finish. */
const REAP_INTERVAL_MS = 100;

const state: State = { draining: false };
const logStream = new LogStream(process.stdout);
let logger = createLogger('info', logStream);
let server: Server | undefined;

// From here on all that is said is a line of JSON: refusals, crashes and Node's own warnings too.
process.removeAllListeners('warning');
process.on('warning', (warning) => logger.warn({ error: warning }, `${warning.name}: ${warning.message}`));
process.once('uncaughtException', (error) => {
  // Unhandled rejections arrive here too. The state of the process is unknown: finish what is open, and let ECS start another task.
  process.on('uncaughtException', () => {});
  logger.fatal(error, error.message);
  process.exitCode = 1;
  stop(0, CRASH_DRAIN_MS);
});

try {
  start(readConfig(process.env));
} catch (error) {
  logger.fatal((error as Error).message);
  process.exitCode = 1;
  void end();
}

function start(config: Config) {
  logger = createLogger(config.logLevel, logStream);
  const app = createApp(config, logger, state);
  server = createServer({
    keepAliveTimeout: config.keepAliveTimeoutMs,
    headersTimeout: config.requestTimeoutMs,
    requestTimeout: config.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(5_000, config.requestTimeoutMs),
    maxHeaderSize: 16 * 1024,
    // The app refuses a request without Host itself: Node would do it without a line in the log.
    requireHostHeader: false,
  }, app);
  // The same for `Expect`, which Node answers alone unless somebody listens.
  server.on('checkContinue', app).on('checkExpectation', app);
  answerProtocolErrors(server, logger);

  process.on('SIGTERM', () => {
    logger.info({ delayMs: config.shutdownDelayMs }, 'SIGTERM: still serving until the load balancer has noticed');
    stop(config.shutdownDelayMs, config.shutdownTimeoutMs);
  });
  // Ctrl-C: there is no load balancer to wait for.
  process.on('SIGINT', () => stop(0, config.shutdownTimeoutMs));

  server.once('close', end);
  server.listen({ port: config.port, host: config.host }, () => {
    const address = server?.address();
    logger.info({ port: typeof address === 'object' ? address?.port : undefined, node: process.version }, 'listening');
  });

  // In the background: neither the start nor /health waits for it.
  const metadataUri = process.env.ECS_CONTAINER_METADATA_URI_V4;
  if (metadataUri) {
    readTaskMetadata(metadataUri).then(
      (task) => { state.task = task; },
      (error) => logger.warn({ error }, 'the ECS task metadata could not be read'),
    );
  }
}

/**
 * Fails /health and goes on serving for `delayMs`, then takes nothing new, and ends the process when the last request
 * is answered, or at `timeoutMs`. Called again, whatever comes first counts.
 */
function stop(delayMs: number, timeoutMs: number) {
  state.draining = true;
  setTimeout(() => {
    server?.close();
    // A connection that becomes idle now would keep the process until its keep-alive time-out.
    setInterval(() => server?.closeIdleConnections(), REAP_INTERVAL_MS);
  }, delayMs);
  setTimeout(() => {
    logger.warn('time is up: open requests are cut');
    server?.closeAllConnections();
  }, timeoutMs);
}

async function end() {
  logger.info({ exitCode: process.exitCode ?? 0 }, 'stopped');
  await logStream.drain(LOG_DRAIN_MS);
  process.exit();
}
