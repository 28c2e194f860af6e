import { createServer, Server } from 'node:http';
import { createApp } from './app';
import { Config, readConfig } from './config';
import { State } from './info';
import { createLogger, LogStream } from './logger';
import { handleProtocolErrors } from './protocol-errors';
import { readTaskMetadata } from './task-metadata';

/** How long the process waits at exit for the reader of the log. */
const LOG_DRAIN_MS = 2_000;
/** How long in-flight requests may take after an uncaught exception. */
const CRASH_DRAIN_MS = 5_000;
/** How often idle connections are closed while the last requests complete. */
const IDLE_CHECK_INTERVAL_MS = 100;

const state: State = { draining: false };
const logStream = new LogStream(process.stdout);
let logger = createLogger('info', logStream);
let server: Server | undefined;

// All output is JSON from here on, including configuration errors, crashes and Node's own warnings.
process.removeAllListeners('warning');
process.on('warning', (warning) => logger.warn({ error: warning }, `${warning.name}: ${warning.message}`));
process.once('uncaughtException', (error) => {
  // Also called for unhandled rejections. The state of the process is unknown, so it completes in-flight requests and
  // exits; ECS starts a new task.
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
  void exit();
}

function start(config: Config) {
  logger = createLogger(config.logLevel, logStream);
  server = createHttpServer(config);
  handleProtocolErrors(server, logger);

  process.on('SIGTERM', () => {
    logger.info({ delayMs: config.shutdownDelayMs }, 'SIGTERM: serving until the task is deregistered');
    stop(config.shutdownDelayMs, config.shutdownTimeoutMs);
  });
  // Ctrl+C: there is no load balancer to wait for.
  process.on('SIGINT', () => stop(0, config.shutdownTimeoutMs));

  server.once('close', exit);
  server.listen({ port: config.port, host: config.host }, () => {
    const address = server?.address();
    logger.info({ port: typeof address === 'object' ? address?.port : undefined, node: process.version }, 'listening');
  });

  // Runs in the background: neither the start nor /health waits for it.
  const metadataUri = process.env.ECS_CONTAINER_METADATA_URI_V4;
  if (metadataUri) {
    readTaskMetadata(metadataUri).then(
      (task) => { state.task = task; },
      (error) => logger.warn({ error }, 'the ECS task metadata could not be read'),
    );
  }
}

function createHttpServer(config: Config): Server {
  const app = createApp(config, logger, state);
  return createServer({
    keepAliveTimeout: config.keepAliveTimeoutMs,
    headersTimeout: config.requestTimeoutMs,
    requestTimeout: config.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(5_000, config.requestTimeoutMs),
    maxHeaderSize: 16 * 1024,
    // The app checks Host and Expect itself: Node would reject such requests without a log line.
    requireHostHeader: false,
  }, app)
    .on('checkContinue', app)
    .on('checkExpectation', app);
}

/**
 * Makes /health fail and keeps serving for `delayMs`, then accepts no new connections. The process exits when the last
 * request is complete, or after `timeoutMs`. When called again, the earlier times apply.
 */
function stop(delayMs: number, timeoutMs: number) {
  state.draining = true;
  setTimeout(() => {
    server?.close();
    // A connection that becomes idle after `close` would keep the process alive until its keep-alive timeout.
    setInterval(() => server?.closeIdleConnections(), IDLE_CHECK_INTERVAL_MS);
  }, delayMs);
  setTimeout(() => {
    logger.warn('shutdown timeout: closing connections with in-flight requests');
    server?.closeAllConnections();
  }, timeoutMs);
}

async function exit() {
  logger.info({ exitCode: process.exitCode ?? 0 }, 'stopped');
  await logStream.drain(LOG_DRAIN_MS);
  process.exit();
}
