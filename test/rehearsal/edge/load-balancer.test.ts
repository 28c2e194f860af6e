import * as http from 'node:http';
import * as net from 'node:net';
import { LoadBalancer } from '../../../src/rehearsal/edge/load-balancer';
import { Target, TargetGroup } from '../../../src/rehearsal/edge/target-group';
import { ContainerHealthCheckSpec, LoadBalancerSpec, TargetGroupSpec, Action } from '../../../src/rehearsal/model';
import { HealthCheckOutcome, Task } from '../../../src/rehearsal/tasks/task';

const SPEC: TargetGroupSpec = {
  key: 'group',
  name: 'group',
  healthCheck: { path: '/health', intervalSeconds: 1, timeoutSeconds: 1, healthyThreshold: 2, unhealthyThreshold: 2, successCodes: '200' },
};
/** Probes every 10 ms. */
const PACE = 100;
const FORWARD: Action = { type: 'forward', targetGroups: [{ key: 'group', weight: 1 }] };

const closing: Array<() => unknown> = [];

afterEach(async () => {
  await Promise.all(closing.splice(0).map(async (close) => close()));
});

/** A server on a port of its own. */
async function serve(handler: http.RequestListener): Promise<http.Server & { port: number }> {
  const server = http.createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(server, { port: (server.address() as net.AddressInfo).port });
}

function group(spec: Partial<TargetGroupSpec['healthCheck']> = {}, changed?: (target: Target) => void): TargetGroup {
  const targets = new TargetGroup({ ...SPEC, healthCheck: { ...SPEC.healthCheck, ...spec } }, PACE, changed);
  closing.push(() => targets.close());
  return targets;
}

function register(targets: TargetGroup, port: number): Target {
  const target = new Target(`target ${port}`, '127.0.0.1', port);
  targets.register(target);
  return target;
}

async function balance(targets: TargetGroup, props: Partial<LoadBalancerSpec> = {}, action: Action = FORWARD) {
  const listener = { name: 'Http', port: 80, protocol: 'HTTP' as const, rules: [], defaultAction: action };
  const loadBalancer = new LoadBalancer({
    key: 'lb', name: 'lb', notes: [], idleTimeoutSeconds: 5, dropInvalidHeaderFields: false, xForwardedFor: 'append', listeners: [listener], ...props,
  }, new Map([['group', targets]]));
  await loadBalancer.listen(0);
  closing.push(async () => loadBalancer.close());
  return Number(new URL(loadBalancer.url(loadBalancer.spec.listeners[0])).port);
}

interface Answer { readonly status: number; readonly headers: http.IncomingHttpHeaders; readonly body: string }

async function ask(port: number, options: http.RequestOptions & { body?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, agent: false, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => { body += text; }).on('error', reject)
        .on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    }).on('error', reject);
    request.end(options.body);
  });
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !condition();) {
    if (Date.now() > end) { throw new Error(`it never came true: ${condition}`); }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('health', () => {
  test('asks as a load balancer does, and a new target is healthy after one probe that passes', async () => {
    const seen: http.IncomingMessage[] = [];
    const { port } = await serve((request, response) => { seen.push(request); response.end(); });
    const changes: Array<[string, number]> = [];
    register(group({}, ({ state, inARow }) => changes.push([state, inARow])), port);
    await until(() => changes.length > 0);
    expect(changes[0]).toEqual(['healthy', 1]);
    expect(seen[0]).toMatchObject({ url: '/health', headers: { 'user-agent': 'ELB-HealthChecker/2.0', 'host': `127.0.0.1:${port}` } });
  });

  test('takes a target out after as many failures as the threshold says, and back after as many successes', async () => {
    let status = 200;
    const { port } = await serve((_, response) => response.writeHead(status).end());
    const changes: Array<[string, number]> = [];
    register(group({ unhealthyThreshold: 4, healthyThreshold: 2 }, ({ state, inARow }) => {
      changes.push([state, inARow]);
      status = state === 'healthy' ? 500 : 200;
    }), port);
    await until(() => changes.length >= 3);
    expect(changes.slice(0, 3)).toEqual([['healthy', 1], ['unhealthy', 4], ['healthy', 2]]);
  });

  test.each([
    ['200', 200, true], ['200', 204, false], ['200,204', 204, true], ['200-299', 250, true], ['200-299', 300, false], ['201,300-302', 301, true],
  ])('with success codes %s, status %i passes: %s', async (successCodes, status, passes) => {
    const { port } = await serve((_, response) => response.writeHead(status).end());
    const target = register(group({ successCodes }), port);
    await until(() => target.lastProbe !== undefined);
    expect(target.lastProbe).toMatchObject({ status, passed: passes });
  });

  test('does not wait longer than the time-out, however fast the probes come', async () => {
    const { port } = await serve(() => {});
    const asked = Date.now();
    const target = register(group({ timeoutSeconds: 0.2 }), port);
    await until(() => target.lastProbe !== undefined);
    expect(target.lastProbe).toEqual({ error: 'ETIMEDOUT', passed: false });
    expect(Date.now() - asked).toBeGreaterThanOrEqual(190);
    expect(Date.now() - asked).toBeLessThan(1500);
  });

  test('is not asked any more of a target that is deregistered', async () => {
    let probes = 0;
    const { port } = await serve((_, response) => {
      probes++;
      response.end();
    });
    const targets = group();
    const target = register(targets, port);
    await until(() => target.state === 'healthy');
    targets.deregister(target);
    // One may be under way.
    const before = probes + 1;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(probes).toBeLessThanOrEqual(before);
    expect(targets.next()).toBeUndefined();
  });

  test('is asked on a port of its own where the template says so', async () => {
    const admin = await serve((_, response) => response.end());
    const traffic = await serve((_, response) => response.writeHead(500).end());
    const target = register(group({ port: admin.port }), traffic.port);
    await until(() => target.state === 'healthy');
  });
});

describe('health by the check of the container', () => {
  const CHECK: ContainerHealthCheckSpec = { command: ['CMD', 'node', 'check.js'], intervalSeconds: 1, timeoutSeconds: 1, retries: 1, startPeriodSeconds: 0 };
  const probe = async (inContainer: ContainerHealthCheckSpec | 'none', port: number, task: Target['task']) => {
    const targets = group({ inContainer });
    const target = new Target('target', '127.0.0.1', port, task);
    targets.register(target);
    await until(() => target.lastProbe !== undefined);
    return target.lastProbe;
  };

  test.each<[HealthCheckOutcome, Task['exit'], object]>([
    ['passed', undefined, { passed: true }],
    ['failed', undefined, { passed: false, error: 'failed' }],
    ['timed out', undefined, { passed: false, error: 'timed out' }],
    // Its command may be one that runs beside the task.
    ['passed', { code: 1, signal: null }, { passed: false, error: 'exited' }],
  ])('that has %s in a task with the exit %j', async (outcome, exit, expected) => {
    expect(await probe(CHECK, 1, { checkContainerHealth: async () => outcome, exit })).toMatchObject(expected);
  });

  test.each<[ContainerHealthCheckSpec | 'none']>([['none'], [CHECK]])('is whether the task listens, where it is not run: %j', async (check) => {
    const { port } = await serve(() => {});
    const task = { checkContainerHealth: async () => 'skipped' as const };
    expect(await probe(check, port, task)).toMatchObject({ passed: true });
    expect(await probe(check, 1, task)).toMatchObject({ passed: false, error: 'ECONNREFUSED' });
  });
});

describe('requests', () => {
  async function healthyTargets(count: number, handler: http.RequestListener = (_, response) => response.end()) {
    const targets = group();
    const servers = await Promise.all(Array.from({ length: count }, async () => serve((request, response) =>
      request.url === '/health' ? response.end() : handler(request, response))));
    const registered = servers.map(({ port }) => register(targets, port));
    await until(() => registered.every(({ state }) => state === 'healthy'));
    return { targets, servers, registered };
  }

  test('take turns over the healthy targets', async () => {
    const { targets } = await healthyTargets(2, (request, response) => response.end(String(request.socket.localPort)));
    const port = await balance(targets);
    const answers = [await ask(port), await ask(port), await ask(port), await ask(port)].map(({ body }) => body);
    expect(new Set(answers).size).toBe(2);
    expect(answers[0]).toBe(answers[2]);
    expect(answers[1]).toBe(answers[3]);
  });

  test('get 503 while there is no target', async () => {
    expect(await ask(await balance(group()))).toMatchObject({ status: 503, headers: { server: 'awselb/2.0' } });
  });

  test('get 503 while all targets are new', async () => {
    const { port } = await serve(() => {});
    const targets = group();
    register(targets, port);
    expect((await ask(await balance(targets))).status).toBe(503);
  });

  test('go to the unhealthy targets when there are no others', async () => {
    const { port } = await serve((request, response) => response.writeHead(request.url === '/health' ? 500 : 200).end());
    const targets = group();
    const target = register(targets, port);
    await until(() => target.state === 'unhealthy');
    expect((await ask(await balance(targets))).status).toBe(200);
  });

  test('get 502 when the target is dead, or hangs up', async () => {
    const { targets, servers } = await healthyTargets(1, (request) => request.socket.destroy());
    const port = await balance(targets);
    expect((await ask(port)).status).toBe(502);
    servers[0].closeAllConnections();
    servers[0].close();
    expect((await ask(port)).status).toBe(502);
  });

  test('get 504 when the target is silent for longer than the idle time-out', async () => {
    const { targets } = await healthyTargets(1, () => {});
    const port = await balance(targets, { idleTimeoutSeconds: 0.1 });
    const asked = Date.now();
    expect((await ask(port)).status).toBe(504);
    expect(Date.now() - asked).toBeLessThan(2000);
  });

  test.each([{ 'Content-Length': 100 }, { 'Transfer-Encoding': 'chunked' }])('are not answered as if whole when the target breaks off %j', async (headers) => {
    const { targets } = await healthyTargets(1, (_, response) => {
      response.writeHead(200, headers);
      response.write('half', () => response.destroy());
    });
    await expect(ask(await balance(targets))).rejects.toThrow();
  });

  test('arrive with body, query and the headers of a load balancer', async () => {
    const { targets } = await healthyTargets(1, (request, response) => {
      let body = '';
      request.on('data', (text) => { body += text; }).on('end', () => {
        response.setHeader('Set-Cookie', ['a=1', 'b=2']);
        response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
      });
    });
    const port = await balance(targets);
    const answer = await ask(port, { method: 'POST', path: '/a/b?c=d', body: 'text', headers: { 'Host': 'shop.example.com', 'X-Forwarded-For': '203.0.113.7' } });
    expect(JSON.parse(answer.body)).toMatchObject({
      method: 'POST',
      url: '/a/b?c=d',
      body: 'text',
      headers: {
        'host': 'shop.example.com',
        'x-forwarded-for': '203.0.113.7, 127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-port': '80',
        'x-amzn-trace-id': expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/),
      },
    });
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
  });

  test('keep the root of a trace', async () => {
    const { targets } = await healthyTargets(1, (request, response) => response.end(request.headers['x-amzn-trace-id']));
    const given = 'Root=1-67891233-abcdef012345678912345678';
    const { body } = await ask(await balance(targets), { headers: { 'X-Amzn-Trace-Id': given } });
    expect(body).toMatch(new RegExp(`^Self=1-[0-9a-f]{8}-[0-9a-f]{24};${given}$`));
  });

  test.each([[true, undefined], [false, 'value']])('with invalid headers dropped: %s', async (dropInvalidHeaderFields, arrived) => {
    const { targets } = await healthyTargets(1, (request, response) => response.end(JSON.stringify(request.headers)));
    const { body } = await ask(await balance(targets, { dropInvalidHeaderFields }), { headers: { with_underscore: 'value' } });
    expect(JSON.parse(body).with_underscore).toBe(arrived);
  });

  test('are answered by the load balancer where the template says so', async () => {
    const fixed = await balance(group(), {}, { type: 'fixed-response', statusCode: 410, contentType: 'text/html', body: '<p>gone' });
    expect(await ask(fixed)).toMatchObject({ status: 410, body: '<p>gone', headers: { 'content-type': 'text/html' } });
    const redirect = await balance(group(), {}, { type: 'redirect', statusCode: 301, location: ({ host, path }) => `https://${host}:443${path}` });
    expect(await ask(redirect, { path: '/a', headers: { Host: 'shop.example.com' } }))
      .toMatchObject({ status: 301, headers: { location: 'https://shop.example.com:443/a' } });
  });

  test('reach WebSockets', async () => {
    const { targets, servers } = await healthyTargets(1);
    servers[0].on('upgrade', (request, socket) => {
      socket.on('error', () => {});
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`);
      socket.on('data', (data: Buffer) => socket.end(`echo ${data}`));
    });
    const request = http.get({
      host: '127.0.0.1', port: await balance(targets), agent: false, headers: { Connection: 'Upgrade', Upgrade: 'websocket' },
    });
    const text = await new Promise<string>((resolve, reject) => {
      request.on('error', reject).on('upgrade', (response, socket) => {
        let received = '';
        expect(response.headers.upgrade).toBe('websocket');
        socket.on('data', (data: Buffer) => { received += data; }).on('end', () => {
          socket.end();
          resolve(received);
        });
        socket.write('hello');
      });
    });
    expect(text).toBe('echo hello');
  });
});
