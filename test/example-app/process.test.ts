import { execFile } from 'node:child_process';
import { createServer, Server } from 'node:http';
import { AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { AppOptions, AppProcess, sleep } from '../support/example-app/app-process';

const HEALTH_CHECK = join(__dirname, '../../example-app/health-check.js');
const FAULTS = ['--require', join(__dirname, '../support/example-app/faults.js')];
const SLOW_RESPONSES = ['--require', join(__dirname, '../support/example-app/slow-responses.js')];

let apps: AppProcess[] = [];
let servers: Server[] = [];

afterEach(() => {
  for (const app of apps) { app.kill(); }
  for (const server of servers) { server.close().closeAllConnections(); }
  apps = [];
  servers = [];
});

async function start(options?: AppOptions) {
  const app = await AppProcess.start(options);
  apps.push(app);
  return app;
}

const request = (app: AppProcess, path: string) => fetch(`http://127.0.0.1:${app.port}${path}`);

async function waitFor(isTrue: () => boolean | Promise<boolean>) {
  for (let tries = 0; tries < 1_000; tries++) {
    if (await isTrue()) { return; }
    await sleep(10);
  }
  throw new Error('the condition was not met in 10 s');
}

describe('configuration', () => {
  test('exits with one line that lists all problems when it is invalid', async () => {
    const app = new AppProcess({ env: { PORT: 'x', LOG_LEVEL: 'loud' } });
    expect(await app.ended).toBe(1);
    expect(app.log).toMatchObject([
      {
        level: 'FATAL',
        message: expect.stringMatching(/^invalid configuration: PORT must .*'x'; LOG_LEVEL must .*'loud'$/),
      },
      { message: 'stopped', exitCode: 1 },
    ]);
    expect(app.output).toHaveLength(2);
  });

  test('exits with one FATAL line when the port is in use', async () => {
    const { port } = await start();
    const app = new AppProcess({ env: { PORT: String(port) } });
    expect(await app.ended).toBe(1);
    expect(app.log[0]).toMatchObject({ level: 'FATAL', error: { code: 'EADDRINUSE' } });
    expect(app.output).toHaveLength(2);
  });
});

describe('faults', () => {
  test.each([
    ['exception', 'thrown on purpose'],
    ['rejection', 'rejected on purpose'],
    ['reason', expect.stringContaining('no error')],
    ['twice', 'thrown on purpose'],
  ])('%s: logs one FATAL line and exits with 1', async (FAULT, message) => {
    const app = await start({ nodeArgs: FAULTS, env: { FAULT } });
    app.kill('SIGUSR2');
    expect(await app.ended).toBe(1);
    expect(app.log.map(({ level }) => level)).toEqual(['INFO', 'FATAL', 'INFO']);
    expect(app.log[1]).toMatchObject({ message, error: { stack: expect.any(String) } });
    expect(app.output).toHaveLength(3);
  });

  test('completes an in-flight request after an uncaught exception', async () => {
    const app = await start({ nodeArgs: [...FAULTS, ...SLOW_RESPONSES], env: { FAULT: 'exception' } });
    const response = fetch(`http://127.0.0.1:${app.port}/info`, { headers: { 'x-response-delay': '500' } });
    await sleep(100);
    app.kill('SIGUSR2');
    expect((await response).status).toBe(200);
    expect(await app.ended).toBe(1);
  });

  test('logs a warning of Node as JSON and keeps running', async () => {
    const app = await start({ nodeArgs: FAULTS, env: { FAULT: 'warning' } });
    app.kill('SIGUSR2');
    await waitFor(() => app.output.length === 2);
    expect(app.log[1]).toMatchObject({
      level: 'WARN',
      message: 'DeprecationWarning: warned on purpose',
      error: { code: 'DEP9999' },
    });
    expect((await request(app, '/health')).status).toBe(200);
  });
});

describe('shutdown', () => {
  test('closes the connection of an endless request at the timeout, and still exits with 0', async () => {
    const app = await start({ env: { SHUTDOWN_DELAY_MS: '100', SHUTDOWN_TIMEOUT_MS: '500' } });
    const socket = connect(app.port, '127.0.0.1', () => socket.write('GET /info HTTP/1.1\r\n'));
    socket.on('error', () => {});
    await sleep(100);
    app.kill('SIGTERM');
    expect(await app.ended).toBe(0);
    expect(app.log).toContainEqual(expect.objectContaining({
      level: 'WARN',
      message: 'shutdown timeout: closing connections with in-flight requests',
    }));
    socket.destroy();
  });

  test('exits before the keep-alive timeout of a connection that becomes idle during shutdown', async () => {
    const app = await start({ nodeArgs: SLOW_RESPONSES });
    const socket = connect(app.port, '127.0.0.1', () => {
      socket.write('GET /info HTTP/1.1\r\nHost: a\r\nX-Response-Delay: 700\r\n\r\n');
    });
    const response = new Promise((resolve) => socket.once('data', resolve));
    await sleep(200);
    // The request arrived before the shutdown, so its response has `Connection: keep-alive`.
    app.kill('SIGINT');
    expect(String(await response)).toMatch(/^connection: keep-alive$/im);
    // The timeout of this test is shorter than the keep-alive timeout.
    expect(await app.ended).toBe(0);
    socket.destroy();
  }, 15_000);

  test('does not wait for a load balancer after Ctrl+C', async () => {
    const app = await start({ env: { SHUTDOWN_DELAY_MS: '50000', SHUTDOWN_TIMEOUT_MS: '60000' } });
    app.kill('SIGINT');
    expect(await app.ended).toBe(0);
  }, 15_000);
});

test('keeps serving while the reader of the log stalls, and loses no line', async () => {
  const app = await start({ stallLog: true, env: { SHUTDOWN_DELAY_MS: '0' } });
  // 2 MB of log, which is more than the pipe and its buffers can hold.
  const path = `/${'a'.repeat(250)}`;
  const ids: (string | null)[] = [];
  for (let i = 0; i < 60; i++) {
    const responses = await Promise.all(Array.from({ length: 50 }, () => request(app, path)));
    for (const { status, headers } of responses) {
      expect(status).toBe(404);
      ids.push(headers.get('x-request-id'));
    }
  }
  app.kill('SIGINT');
  app.resumeLog();
  expect(await app.ended).toBe(0);
  const requests = app.log.filter((line) => line.path !== undefined);
  expect(requests.map(({ requestId }) => requestId).sort()).toEqual(ids.sort());
});

describe('task metadata', () => {
  type Respond = (status: number, body: string) => void;

  async function serve(handle: (respond: Respond) => void) {
    let requests = 0;
    const server = createServer((_req, res) => {
      requests += 1;
      handle((status, body) => res.writeHead(status).end(body));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { uri: `http://127.0.0.1:${port}/v4/abc`, requestCount: () => requests };
  }

  const METADATA = {
    Cluster: 'arn:aws:ecs:eu-west-1:123456789012:cluster/secret',
    TaskARN: 'arn:aws:ecs:eu-west-1:123456789012:task/secret/0a1b2c3d4e5f60718293a4b5c6d7e8f9',
    Family: 'hello',
    Revision: '7',
    AvailabilityZone: 'eu-west-1b',
    LaunchType: 'FARGATE',
    Limits: { CPU: 0.25, Memory: 512 },
    Containers: [{
      Image: '123456789012.dkr.ecr.eu-west-1.amazonaws.com/secret',
      Networks: [{ IPv4Addresses: ['10.0.0.9'] }],
    }],
  };

  test('is read once, and shown without account, names and addresses', async () => {
    const { uri, requestCount } = await serve((respond) => respond(200, JSON.stringify(METADATA)));
    const app = await start({ env: { ECS_CONTAINER_METADATA_URI_V4: uri } });
    await waitFor(() => requestCount() > 0);
    let text = '';
    await waitFor(async () => {
      text = await (await request(app, '/info')).text();
      return text.includes('task');
    });
    expect(JSON.parse(text).task).toEqual({
      id: '0a1b2c3d',
      family: 'hello',
      revision: '7',
      zone: 'eu-west-1b',
      launchType: 'FARGATE',
      cpu: 0.25,
      memoryMiB: 512,
    });
    expect(text).not.toMatch(/arn:|secret|123456789012|10\.0\.0\.9/);
    expect(await (await request(app, '/')).text()).toContain('eu-west-1b');
    expect(requestCount()).toBe(1);
  });

  test.each<[string, (respond: Respond) => void]>([
    ['never responds', () => {}],
    ['fails', (respond) => respond(500, JSON.stringify(METADATA))],
    ['returns no JSON', (respond) => respond(200, '<html>')],
    ['returns too much', (respond) => respond(200, JSON.stringify(METADATA) + ' '.repeat(2 ** 20))],
  ])('logs one warning and starts without delay when the endpoint %s', async (_name, handle) => {
    const { uri } = await serve(handle);
    const app = await start({ env: { ECS_CONTAINER_METADATA_URI_V4: uri } });
    expect((await request(app, '/health')).status).toBe(200);
    expect(await (await request(app, '/info')).json()).not.toHaveProperty('task');
    await waitFor(() => app.log.some(({ level }) => level === 'WARN'));
    const warning = app.log.find(({ level }) => level === 'WARN');
    expect(warning).toMatchObject({ message: 'the ECS task metadata could not be read' });
  });
});

describe('the container health check', () => {
  const check = (port: number) => new Promise((resolve) => {
    const child = execFile(process.execPath, [HEALTH_CHECK], { env: { PORT: String(port) } });
    child.once('exit', resolve);
  });

  test('succeeds while the app is healthy, and fails while it drains and after it exited', async () => {
    const app = await start({ env: { SHUTDOWN_DELAY_MS: '50000', SHUTDOWN_TIMEOUT_MS: '60000' } });
    expect(await check(app.port)).toBe(0);
    app.kill('SIGTERM');
    await waitFor(() => app.log.some(({ message }) => String(message).startsWith('SIGTERM')));
    expect(await check(app.port)).toBe(1);
    app.kill();
    await app.ended;
    expect(await check(app.port)).toBe(1);
  });
});
