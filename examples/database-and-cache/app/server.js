const { createServer } = require('node:http');
const { setTimeout: sleep } = require('node:timers/promises');
const express = require('express');
const pino = require('pino');
const { createClient } = require('redis');
const { connectDatabase } = require('./database');

const { PORT = '8080', CACHE_URL, KEEP_ALIVE_TIMEOUT_MS = '65000', SHUTDOWN_DELAY_MS = '10000' } = process.env;
const CACHE_KEY = 'notes';
const CACHE_SECONDS = 10;

const log = pino();
const database = connectDatabase();
database.on('error', (error) => log.error(error, 'idle database connection'));
// Commands fail at once while the cache is away, instead of waiting for it.
const cache = createClient({ url: CACHE_URL, disableOfflineQueue: true });
cache.on('error', (error) => log.warn(error, 'cache'));

let isStopping = false;
const app = express();
app.disable('x-powered-by');
app.use(express.json({ limit: '10kb' }));

// Without the database, so that all tasks are not replaced when it is down for a moment.
app.get('/health', (_req, res) => res.status(isStopping ? 503 : 200).json({ status: isStopping ? 'stopping' : 'ok' }));

app.get('/', async (_req, res) => {
  const cached = await cache.get(CACHE_KEY).catch(() => null);
  if (cached) { return res.set('X-Cache', 'hit').type('json').send(cached); }
  const { rows } = await database.query('SELECT id, text, created_at FROM note ORDER BY id DESC LIMIT 20');
  const notes = JSON.stringify(rows);
  await cache.set(CACHE_KEY, notes, { expiration: { type: 'EX', value: CACHE_SECONDS } }).catch(() => undefined);
  return res.set('X-Cache', 'miss').type('json').send(notes);
});

app.post('/', async (req, res) => {
  const { text } = req.body ?? {};
  if (typeof text !== 'string' || text.length < 1 || text.length > 1000) {
    return res.status(400).json({ error: 'text must be a string of 1 to 1000 characters' });
  }
  const { rows: [note] } = await database.query(
    'INSERT INTO note (text) VALUES ($1) RETURNING id, text, created_at', [text]);
  await cache.del(CACHE_KEY).catch(() => undefined);
  return res.status(201).json(note);
});

app.use((error, _req, res, next) => {
  if (res.headersSent) { return next(error); }
  const status = error.status ?? 500;
  if (status >= 500) { log.error(error); }
  return res.status(status).json({ error: status >= 500 ? 'internal error' : error.message });
});

const server = createServer(app);
server.keepAliveTimeout = Number(KEEP_ALIVE_TIMEOUT_MS);
server.listen(Number(PORT), () => log.info(`listening on ${PORT}`));
cache.connect().catch((error) => log.warn(error, 'cache'));

process.once('SIGTERM', async () => {
  isStopping = true;
  // The load balancer keeps sending requests until it has noticed.
  await sleep(Number(SHUTDOWN_DELAY_MS));
  server.close(async () => {
    await database.end();
    cache.destroy();
    log.info('stopped');
  });
});
