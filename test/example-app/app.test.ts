import { createServer, Server } from 'node:http';
import { AddressInfo, connect } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { createApp } from '../../example-app/src/app';
import { readConfig } from '../../example-app/src/config';
import { State } from '../../example-app/src/info';
import { createLogger } from '../../example-app/src/logger';

const PATHS = ['/', '/api/hello', '/health', '/info'];

let server: Server;
let state: State;
let lines: Record<string, unknown>[];
let base: string;

beforeEach(async () => {
  state = { draining: false };
  lines = [];
  const logger = createLogger('info', { write: (line: string) => { lines.push(JSON.parse(line)); } });
  const app = createApp(readConfig({ COMMIT: '0123456789abcdef' }), logger, state);
  server = createServer({ requireHostHeader: false }, app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Waits for the log line, which is written after the client has received the response. */
async function request(path: string, init?: RequestInit) {
  const closed = new Promise((resolve) => server.once('request', (_req, res) => res.once('close', resolve)));
  const response = await fetch(base + path, init);
  const body = await response.text();
  await closed;
  return { status: response.status, headers: response.headers, body, json: () => JSON.parse(body) };
}

test('returns a page at / that loads no scripts and no external files', async () => {
  const { status, headers, body } = await request('/');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(body).toContain('<h1>');
  expect(body).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
});

test('shows the task, its Availability Zone, version and uptime on the page', async () => {
  state.task = { id: '0a1b2c3d', family: 'fam', revision: '7', zone: 'eu-west-1b', cpu: 0.25, memoryMiB: 512 };
  const { body } = await request('/');
  for (const text of ['0a1b2c3d', 'eu-west-1b', '>7<', '0.25 vCPU, 512 MiB', '>1.0.0<', '>0123456<', 'Uptime']) {
    expect(body).toContain(text);
  }
});

test('escapes the values on the page', async () => {
  state.task = { zone: '<b>&"\'' };
  expect((await request('/')).body).toContain('&#60;b&#62;&#38;&#34;&#39;');
});

test('greets at /api/hello, by name if there is one', async () => {
  expect((await request('/api/hello')).json()).toMatchObject({ message: 'Hello, Fargate!' });
  expect((await request('/api/hello?name=Zo%C3%AB')).json()).toMatchObject({ message: 'Hello, Zoë!', name: 'Zoë' });
});

const INVALID_NAMES = ['', '%3Cscript%3E', 'a%0Ab', 'x'.repeat(65), 'a&name=b', '%E2%80%AE'];

test.each(INVALID_NAMES)('rejects the name %s at /api/hello', async (query) => {
  const { status, body } = await request(`/api/hello?name=${query}`);
  expect(status).toBe(400);
  expect(JSON.parse(body)).toMatchObject({ error: 'Bad Request', detail: expect.stringContaining('name must be') });
});

test('returns 503 at /health and closes connections while draining', async () => {
  expect((await request('/health')).json()).toEqual({ status: 'ok' });
  state.draining = true;
  const { status, headers, body } = await request('/health');
  expect([status, headers.get('connection'), body]).toEqual([503, 'close', '{"status":"draining"}']);
});

test('returns name, version and task at /info, and nothing that helps an attacker', async () => {
  state.task = { id: '0a1b2c3d', zone: 'eu-west-1b' };
  const info = (await request('/info')).json();
  expect(info).toEqual({
    name: 'hello-fargate-example-app',
    version: '1.0.0',
    commit: '0123456789abcdef',
    uptimeSeconds: expect.any(Number),
    node: Number(process.versions.node.split('.')[0]),
    architecture: process.arch,
    task: { id: '0a1b2c3d', zone: 'eu-west-1b' },
  });
});

describe.each(PATHS)('%s', (path) => {
  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('responds to %s with 405 and the allowed methods', async (method) => {
    const { status, headers } = await request(path, { method });
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });

  test('responds to OPTIONS with 204 and the allowed methods', async () => {
    const { status, headers, body } = await request(path, { method: 'OPTIONS' });
    expect([status, headers.get('allow'), body]).toEqual([204, 'GET, HEAD, OPTIONS', '']);
  });

  test('responds to HEAD like GET without a body', async () => {
    const { status, headers, body } = await request(path, { method: 'HEAD' });
    expect([status, body]).toEqual([200, '']);
    expect(Number(headers.get('content-length'))).toBeGreaterThan(0);
  });
});

const UNKNOWN_PATHS = ['/nope', '/health/', '/HEALTH', '/api', '//', '/%2e%2e/etc/passwd', '/%zz'];

test.each(UNKNOWN_PATHS)('returns a JSON 404 for %s that does not echo the path', async (path) => {
  const { status, headers, json } = await request(path);
  expect([status, headers.get('content-type')]).toEqual([404, 'application/json; charset=utf-8']);
  expect(json()).toEqual({ error: 'Not Found', requestId: headers.get('x-request-id') });
});

test('sends the same security headers in every response, and no server name', async () => {
  const responses = await Promise.all(
    ['/', '/health', '/nope'].map(async (path) => (await fetch(base + path)).headers));
  for (const headers of responses) {
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; .*style-src 'sha256-[\w+/]{43}='$/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('server')).toBeNull();
  }
});

test('logs one line per request', async () => {
  const { headers } = await request('/api/hello?name=secret', {
    headers: {
      'X-Amzn-Trace-Id': 'Self=1-67891234-12456789abcdef012345678;Root=1-67891233-abcdef012345678912345678',
      'Authorization': 'Bearer secret',
    },
  });
  expect(lines).toEqual([{
    level: 'INFO',
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    message: 'GET /api/hello 200',
    method: 'GET',
    path: '/api/hello',
    status: 200,
    responseTime: expect.any(Number),
    requestId: headers.get('x-request-id'),
    traceId: '1-67891233-abcdef012345678912345678',
  }]);
});

const INVALID_TRACES = ['Root=1-x', 'Root=1-67891233-abcdef012345678912345678x', '{"a":1}', ''];

test.each(INVALID_TRACES)('omits the malformed trace ID %s from the log', async (trace) => {
  await request('/info', { headers: { 'X-Amzn-Trace-Id': trace } });
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toHaveProperty('traceId');
});

test('logs no successful health checks, failing ones during shutdown as INFO, 4xx as WARN', async () => {
  await request('/health');
  await request('/health?from=elb');
  expect(lines).toEqual([]);
  state.draining = true;
  await request('/health');
  await request('/nope');
  expect(lines.map(({ level, status }) => [level, status])).toEqual([['INFO', 503], ['WARN', 404]]);
});

test('returns a 500 without details when a handler throws, and logs one line with them', async () => {
  Object.defineProperty(state, 'task', { get: () => { throw new Error('broken inside'); } });
  const { status, headers, json } = await request('/info');
  expect(status).toBe(500);
  expect(json()).toEqual({ error: 'Internal Server Error', requestId: headers.get('x-request-id') });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    level: 'ERROR',
    status: 500,
    error: { type: 'Error', message: 'broken inside', stack: expect.any(String) },
  });
});

describe('a body of 5 MB', () => {
  const MEGABYTE = 'a'.repeat(1_000_000);
  const CHUNK = `${MEGABYTE.length.toString(16)}\r\n${MEGABYTE}\r\n`;

  /** Writes the whole request before it reads, and then reads until the connection is closed. */
  async function writeThenRead(head: string[], body: string[]): Promise<string> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    const failure = new Promise<never>((_resolve, reject) => socket.once('error', reject));
    const write = (part: string) =>
      Promise.race([failure, new Promise<void>((resolve) => socket.write(part, () => resolve()))]);
    await write([...head, 'Host: localhost', 'Connection: close', '', ''].join('\r\n'));
    for (const part of body) { await write(part); }
    return Promise.race([failure, readText(socket)]);
  }

  test('is refused with a 413 that also a client receives that writes it all before it reads', async () => {
    const head = ['PUT /health HTTP/1.1', `Content-Length: ${5 * MEGABYTE.length}`];
    expect(await writeThenRead(head, new Array<string>(5).fill(MEGABYTE))).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('does not keep the response from the client if its length is unknown', async () => {
    const head = ['PUT /health HTTP/1.1', 'Transfer-Encoding: chunked'];
    expect(await writeThenRead(head, [...new Array<string>(5).fill(CHUNK), '0\r\n\r\n'])).toMatch(/^HTTP\/1\.1 405 /);
  });

  test('that never ends is read for half a minute only', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').resume();
      const closed = new Promise((resolve) => socket.once('close', resolve));
      const received = new Promise((resolve) => server.once('request', (req) => req.once('data', resolve)));
      socket.on('error', () => {});
      socket.write(`PUT /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n${MEGABYTE}`);
      await received;
      await new Promise((resolve) => setImmediate(resolve));
      expect(jest.getTimerCount()).toBeGreaterThan(0);
      jest.advanceTimersByTime(31_000);
      await closed;
    } finally {
      jest.useRealTimers();
    }
  });
});
