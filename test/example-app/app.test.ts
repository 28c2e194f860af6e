import { createServer, Server } from 'node:http';
import { AddressInfo } from 'node:net';
import { createApp, State } from '../../example-app/src/app';
import { readConfig } from '../../example-app/src/config';
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
  server = createServer({ requireHostHeader: false }, createApp(readConfig({ COMMIT: '0123456789abcdef' }), logger, state));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** The log line comes when the answer has left, which is after the client has seen it. */
async function ask(path: string, init?: RequestInit) {
  const closed = new Promise((resolve) => server.once('request', (_req, res) => res.once('close', resolve)));
  const response = await fetch(base + path, init);
  const body = await response.text();
  await closed;
  return { status: response.status, headers: response.headers, body, json: () => JSON.parse(body) };
}

test('/ is a page without scripts and files from elsewhere', async () => {
  const { status, headers, body } = await ask('/');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(body).toContain('<h1>');
  expect(body).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
});

test('the page shows which task answered, its zone, version and uptime', async () => {
  state.task = { id: '0a1b2c3d', family: 'fam', revision: '7', zone: 'eu-west-1b', cpu: 0.25, memoryMiB: 512 };
  const { body } = await ask('/');
  for (const shown of ['0a1b2c3d', 'eu-west-1b', '>7<', '0.25 vCPU, 512 MiB', '>1.0.0<', '>0123456<', 'Uptime']) expect(body).toContain(shown);
});

test('the page escapes what it shows', async () => {
  state.task = { zone: '<b>&"\'' };
  expect((await ask('/')).body).toContain('&#60;b&#62;&#38;&#34;&#39;');
});

test('/api/hello greets, by name when there is one', async () => {
  expect((await ask('/api/hello')).json()).toMatchObject({ message: 'Hello, Fargate!' });
  expect((await ask('/api/hello?name=Zo%C3%AB')).json()).toMatchObject({ message: 'Hello, Zoë!', name: 'Zoë' });
});

test.each(['', '%3Cscript%3E', 'a%0Ab', 'x'.repeat(65), 'a&name=b', '%E2%80%AE'])('/api/hello refuses the name %s', async (query) => {
  const { status, body } = await ask(`/api/hello?name=${query}`);
  expect(status).toBe(400);
  expect(JSON.parse(body)).toMatchObject({ error: 'Bad Request', detail: expect.stringContaining('name must be') });
});

test('/health turns 503 and connections close while draining', async () => {
  expect((await ask('/health')).json()).toEqual({ status: 'ok' });
  state.draining = true;
  const { status, headers, body } = await ask('/health');
  expect([status, headers.get('connection'), body]).toEqual([503, 'close', '{"status":"draining"}']);
});

test('/info says what runs, and nothing that helps an attacker', async () => {
  state.task = { id: '0a1b2c3d', zone: 'eu-west-1b' };
  const info = (await ask('/info')).json();
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
  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('answers %s with 405 and the methods it has', async (method) => {
    const { status, headers } = await ask(path, { method });
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });

  test('answers OPTIONS with 204 and the methods it has', async () => {
    const { status, headers, body } = await ask(path, { method: 'OPTIONS' });
    expect([status, headers.get('allow'), body]).toEqual([204, 'GET, HEAD, OPTIONS', '']);
  });

  test('answers HEAD like GET without a body', async () => {
    const { status, headers, body } = await ask(path, { method: 'HEAD' });
    expect([status, body]).toEqual([200, '']);
    expect(Number(headers.get('content-length'))).toBeGreaterThan(0);
  });
});

test.each(['/nope', '/health/', '/HEALTH', '/api', '//', '/%2e%2e/etc/passwd', '/%zz'])('%s is a JSON 404 that does not echo the path', async (path) => {
  const { status, headers, json } = await ask(path);
  expect([status, headers.get('content-type')]).toEqual([404, 'application/json; charset=utf-8']);
  expect(json()).toEqual({ error: 'Not Found', requestId: headers.get('x-request-id') });
});

test('every answer has the same security headers and does not say what serves it', async () => {
  const answers = await Promise.all(['/', '/health', '/nope'].map(async (path) => (await fetch(base + path)).headers));
  for (const headers of answers) {
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; .*style-src 'sha256-[\w+/]{43}='$/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('server')).toBeNull();
  }
});

test('a request is one line of log', async () => {
  const { headers } = await ask('/api/hello?name=secret', {
    headers: { 'X-Amzn-Trace-Id': 'Self=1-67891234-12456789abcdef012345678;Root=1-67891233-abcdef012345678912345678', 'Authorization': 'Bearer secret' },
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

test.each(['Root=1-x', 'Root=1-67891233-abcdef012345678912345678x', '{"a":1}', ''])('a trace id that is none is left out: %s', async (trace) => {
  await ask('/info', { headers: { 'X-Amzn-Trace-Id': trace } });
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toHaveProperty('traceId');
});

test('healthy probes are silent, draining ones are no errors, refused requests are warnings', async () => {
  await ask('/health');
  await ask('/health?from=elb');
  expect(lines).toEqual([]);
  state.draining = true;
  await ask('/health');
  await ask('/nope');
  expect(lines.map(({ level, status }) => [level, status])).toEqual([['INFO', 503], ['WARN', 404]]);
});

test('a handler that throws is a 500 without details, and one line of log with them', async () => {
  Object.defineProperty(state, 'task', { get: () => { throw new Error('broken inside'); } });
  const { status, headers, json } = await ask('/info');
  expect(status).toBe(500);
  expect(json()).toEqual({ error: 'Internal Server Error', requestId: headers.get('x-request-id') });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ level: 'ERROR', status: 500, error: { type: 'Error', message: 'broken inside', stack: expect.any(String) } });
});
