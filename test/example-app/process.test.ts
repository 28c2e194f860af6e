import { execFile } from 'node:child_process';
import { createServer, Server } from 'node:http';
import { AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { AppOptions, AppProcess, sleep } from '../support/example-app/app-process';

const HEALTH_CHECK = join(__dirname, '../../example-app/health-check.js');

let apps: AppProcess[] = [];
let servers: Server[] = [];

afterEach(() => {
  for (const app of apps) app.kill();
  for (const server of servers) server.close().closeAllConnections();
  apps = [];
  servers = [];
});

async function start(options?: AppOptions) {
  const app = await AppProcess.start(options);
  apps.push(app);
  return app;
}

const ask = (app: AppProcess, path: string) => fetch(`http://127.0.0.1:${app.port}${path}`);

async function waitFor(isTrue: () => boolean | Promise<boolean>) {
  for (let tries = 0; tries < 1_000; tries++) {
    if (await isTrue()) return;
    await sleep(10);
  }
  throw new Error('it never came');
}

describe('configuration', () => {
  test('that is wrong ends the process with one line that says what is wrong', async () => {
    const app = new AppProcess({ env: { PORT: 'x', LOG_LEVEL: 'loud' } });
    expect(await app.ended).toBe(1);
    expect(app.log).toMatchObject([
      { level: 'FATAL', message: expect.stringMatching(/^refusing to start: PORT must .*'x'; LOG_LEVEL must .*'loud'$/) },
      { message: 'stopped', exitCode: 1 },
    ]);
    expect(app.output).toHaveLength(2);
  });

  test('a port that is in use ends the process with one fatal line', async () => {
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
  ])('%s: one fatal line, and exit code 1', async (FAULT, message) => {
    const app = await start({ nodeArgs: ['--require', join(__dirname, '../support/example-app/faults.js')], env: { FAULT } });
    app.kill('SIGUSR2');
    expect(await app.ended).toBe(1);
    expect(app.log.map(({ level }) => level)).toEqual(['INFO', 'FATAL', 'INFO']);
    expect(app.log[1]).toMatchObject({ message, error: { stack: expect.any(String) } });
    expect(app.output).toHaveLength(3);
  });

  test('a request that is open when the process breaks is still answered', async () => {
    const app = await start({ nodeArgs: ['--require', join(__dirname, '../support/example-app/faults.js'), '--require', join(__dirname, '../support/example-app/slow-answers.js')], env: { FAULT: 'exception' } });
    const answer = fetch(`http://127.0.0.1:${app.port}/info`, { headers: { 'x-answer-after': '500' } });
    await sleep(100);
    app.kill('SIGUSR2');
    expect((await answer).status).toBe(200);
    expect(await app.ended).toBe(1);
  });

  test('a warning of Node is a line of JSON and ends nothing', async () => {
    const app = await start({ nodeArgs: ['--require', join(__dirname, '../support/example-app/faults.js')], env: { FAULT: 'warning' } });
    app.kill('SIGUSR2');
    await waitFor(() => app.output.length === 2);
    expect(app.log[1]).toMatchObject({ level: 'WARN', message: 'DeprecationWarning: warned on purpose', error: { code: 'DEP9999' } });
    expect((await ask(app, '/health')).status).toBe(200);
  });
});

describe('stopping', () => {
  test('a request that never ends is cut in time, and the process still ends with 0', async () => {
    const app = await start({ env: { SHUTDOWN_DELAY_MS: '100', SHUTDOWN_TIMEOUT_MS: '500' } });
    const socket = connect(app.port, '127.0.0.1', () => socket.write('GET /info HTTP/1.1\r\n'));
    socket.on('error', () => {});
    await sleep(100);
    app.kill('SIGTERM');
    expect(await app.ended).toBe(0);
    expect(app.log).toContainEqual(expect.objectContaining({ level: 'WARN', message: 'time is up: open requests are cut' }));
    socket.destroy();
  });

  test('a connection that becomes idle after all was closed does not hold the process until its keep-alive time-out', async () => {
    const app = await start({ nodeArgs: ['--require', join(__dirname, '../support/example-app/slow-answers.js')] });
    const socket = connect(app.port, '127.0.0.1', () => socket.write('GET /info HTTP/1.1\r\nHost: a\r\nX-Answer-After: 700\r\n\r\n'));
    const answered = new Promise((resolve) => socket.once('data', resolve));
    await sleep(200);
    // It was accepted while nothing was closing, so its answer still promises to keep the connection.
    app.kill('SIGINT');
    expect(String(await answered)).toMatch(/^connection: keep-alive$/im);
    // The time limit of the test is the one that would be reached.
    expect(await app.ended).toBe(0);
    socket.destroy();
  }, 15_000);

  test('Ctrl-C does not wait for a load balancer', async () => {
    const app = await start({ env: { SHUTDOWN_DELAY_MS: '50000', SHUTDOWN_TIMEOUT_MS: '60000' } });
    app.kill('SIGINT');
    expect(await app.ended).toBe(0);
  }, 15_000);
});

test('a log reader that stalls does not stall the app, and no line is lost when it is back', async () => {
  const app = await start({ stallLog: true, env: { SHUTDOWN_DELAY_MS: '0' } });
  // 2 MB of log, which is more than a pipe and the two ends of it hold.
  const path = `/${'a'.repeat(250)}`;
  const ids: (string | null)[] = [];
  for (let i = 0; i < 60; i++) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(app, path)));
    for (const { status, headers } of answers) {
      expect(status).toBe(404);
      ids.push(headers.get('x-request-id'));
    }
  }
  app.kill('SIGINT');
  app.resumeLog();
  expect(await app.ended).toBe(0);
  expect(app.log.filter(({ path: logged }) => logged !== undefined).map(({ requestId }) => requestId).sort()).toEqual(ids.sort());
});

describe('task metadata', () => {
  async function serve(answer: (respond: (status: number, body: string) => void) => void) {
    let asked = 0;
    const server = createServer((_req, res) => {
      asked += 1;
      answer((status, body) => res.writeHead(status).end(body));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v4/abc`, asked: () => asked };
  }

  const METADATA = {
    Cluster: 'arn:aws:ecs:eu-west-1:123456789012:cluster/secret',
    TaskARN: 'arn:aws:ecs:eu-west-1:123456789012:task/secret/0a1b2c3d4e5f60718293a4b5c6d7e8f9',
    Family: 'hello',
    Revision: '7',
    AvailabilityZone: 'eu-west-1b',
    LaunchType: 'FARGATE',
    Limits: { CPU: 0.25, Memory: 512 },
    Containers: [{ Image: '123456789012.dkr.ecr.eu-west-1.amazonaws.com/secret', Networks: [{ IPv4Addresses: ['10.0.0.9'] }] }],
  };

  test('is asked once, and shown without account, names and addresses', async () => {
    const { uri, asked } = await serve((respond) => respond(200, JSON.stringify(METADATA)));
    const app = await start({ env: { ECS_CONTAINER_METADATA_URI_V4: uri } });
    await waitFor(() => asked() > 0);
    let text = '';
    await waitFor(async () => {
      text = await (await ask(app, '/info')).text();
      return text.includes('task');
    });
    expect(JSON.parse(text).task).toEqual({
      id: '0a1b2c3d', family: 'hello', revision: '7', zone: 'eu-west-1b', launchType: 'FARGATE', cpu: 0.25, memoryMiB: 512,
    });
    expect(text).not.toMatch(/arn:|secret|123456789012|10\.0\.0\.9/);
    expect(await (await ask(app, '/')).text()).toContain('eu-west-1b');
    expect(asked()).toBe(1);
  });

  test.each<[string, (respond: (status: number, body: string) => void) => void]>([
    ['that never answers', () => {}],
    ['that fails', (respond) => respond(500, JSON.stringify(METADATA))],
    ['that answers nonsense', (respond) => respond(200, '<html>')],
    ['that answers too much', (respond) => respond(200, JSON.stringify(METADATA) + ' '.repeat(2 ** 20))],
  ])('an endpoint %s is one warning, and delays nothing', async (_name, answer) => {
    const { uri } = await serve(answer);
    const app = await start({ env: { ECS_CONTAINER_METADATA_URI_V4: uri } });
    expect((await ask(app, '/health')).status).toBe(200);
    expect(await (await ask(app, '/info')).json()).not.toHaveProperty('task');
    await waitFor(() => app.log.some(({ level }) => level === 'WARN'));
    expect(app.log.find(({ level }) => level === 'WARN')).toMatchObject({ message: 'the ECS task metadata could not be read' });
  });
});

describe('the health check of the container', () => {
  const check = (port: number) => new Promise((resolve) => {
    const child = execFile(process.execPath, [HEALTH_CHECK], { env: { PORT: String(port) } });
    child.once('exit', resolve);
  });

  test('succeeds while the app is healthy, and fails while it drains and when it is gone', async () => {
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
