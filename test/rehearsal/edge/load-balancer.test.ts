import * as http from 'node:http';
import * as net from 'node:net';
import { Emulator, ForwardResult } from '../../../src/rehearsal/edge/emulator';
import { newLoadBalancer } from '../../../src/rehearsal/edge/load-balancer';
import { Target, TargetGroup } from '../../../src/rehearsal/edge/target-group';
import { Action, ContainerHealthCheckSpec, LoadBalancerSpec, TargetGroupSpec } from '../../../src/rehearsal/model';
import { HealthCheckOutcome, Task } from '../../../src/rehearsal/tasks/task';
import { LOAD_BALANCER } from '../../support/rehearsal/specs';

const SPEC: TargetGroupSpec = {
  key: 'group',
  name: 'group',
  healthCheck: {
    path: '/health',
    intervalSeconds: 1,
    timeoutSeconds: 1,
    healthyThreshold: 2,
    unhealthyThreshold: 2,
    successCodes: '200',
  },
};
/** One probe every 10 ms. */
const SPEEDUP = 100;
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

function group(spec: Partial<TargetGroupSpec['healthCheck']> = {}, onChange?: (target: Target) => void): TargetGroup {
  const targets = new TargetGroup({ ...SPEC, healthCheck: { ...SPEC.healthCheck, ...spec } }, SPEEDUP, onChange);
  closing.push(() => targets.close());
  return targets;
}

function register(targets: TargetGroup, port: number): Target {
  const target = new Target(`target ${port}`, '127.0.0.1', port);
  targets.register(target);
  return target;
}

async function listen(targets: TargetGroup, props: Partial<LoadBalancerSpec> = {}, action: Action = FORWARD) {
  const listener = { name: 'Http', port: 80, protocol: 'HTTP' as const, rules: [], defaultAction: action };
  const loadBalancer = newLoadBalancer({
    ...LOAD_BALANCER,
    listeners: [listener],
    ...props,
  }, new Map([['group', targets]]));
  await loadBalancer.listen(0);
  closing.push(async () => loadBalancer.close());
  return loadBalancer;
}

function portOf(loadBalancer: Emulator): number {
  return Number(new URL(loadBalancer.url(loadBalancer.spec.listeners[0])).port);
}

/** @returns the port of a load balancer in front of the targets */
async function balance(...args: Parameters<typeof listen>): Promise<number> {
  return portOf(await listen(...args));
}

interface Response {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

async function send(port: number, options: http.RequestOptions & { body?: string } = {}): Promise<Response> {
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
    if (Date.now() > end) { throw new Error(`timed out: ${condition}`); }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('target health', () => {
  test('probes like a load balancer, and a new target is healthy after one successful probe', async () => {
    const seen: http.IncomingMessage[] = [];
    const { port } = await serve((request, response) => {
      seen.push(request);
      response.end();
    });
    const changes: Array<[string, number]> = [];
    register(group({}, ({ state, inARow }) => changes.push([state, inARow])), port);
    await until(() => changes.length > 0);
    expect(changes[0]).toEqual(['healthy', 1]);
    const headers = { 'user-agent': 'ELB-HealthChecker/2.0', 'host': `127.0.0.1:${port}` };
    expect(seen[0]).toMatchObject({ url: '/health', headers });
  });

  test('changes after as many consecutive failures or successes as the thresholds define', async () => {
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
    ['200', 200, true],
    ['200', 204, false],
    ['200,204', 204, true],
    ['200-299', 250, true],
    ['200-299', 300, false],
    ['201,300-302', 301, true],
  ])('with success codes %s, status %i passes: %s', async (successCodes, status, passes) => {
    const { port } = await serve((_, response) => response.writeHead(status).end());
    const target = register(group({ successCodes }), port);
    await until(() => target.lastProbe !== undefined);
    expect(target.lastProbe).toMatchObject({ status, passed: passes });
  });

  test('does not shorten the timeout when probes are more frequent', async () => {
    const { port } = await serve(() => {});
    const start = Date.now();
    const target = register(group({ timeoutSeconds: 0.2 }), port);
    await until(() => target.lastProbe !== undefined);
    expect(target.lastProbe).toEqual({ error: 'ETIMEDOUT', passed: false });
    expect(Date.now() - start).toBeGreaterThanOrEqual(190);
    expect(Date.now() - start).toBeLessThan(1500);
  });

  test('is no longer probed after deregistration', async () => {
    let probes = 0;
    const { port } = await serve((_, response) => {
      probes++;
      response.end();
    });
    const targets = group();
    const target = register(targets, port);
    await until(() => target.state === 'healthy');
    targets.deregister(target);
    // One probe may be in flight.
    const before = probes + 1;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(probes).toBeLessThanOrEqual(before);
    expect(targets.next()).toBeUndefined();
  });

  test('is probed on the port of the health check, if it has one', async () => {
    const admin = await serve((_, response) => response.end());
    const traffic = await serve((_, response) => response.writeHead(500).end());
    const target = register(group({ port: admin.port }), traffic.port);
    await until(() => target.state === 'healthy');
  });
});

describe('target health by the container health check', () => {
  const CHECK: ContainerHealthCheckSpec = {
    command: ['CMD', 'node', 'check.js'],
    intervalSeconds: 1,
    timeoutSeconds: 1,
    retries: 1,
    startPeriodSeconds: 0,
  };
  const probe = async (
    inContainer: ContainerHealthCheckSpec | 'none', port: number | undefined, task: Partial<Target['task']>,
  ) => {
    const targets = group({ inContainer });
    const target = new Target('target', '127.0.0.1', port, task as Target['task']);
    targets.register(target);
    await until(() => target.lastProbe !== undefined);
    return target.lastProbe;
  };

  test.each<[HealthCheckOutcome, Task['exit'], object]>([
    ['passed', undefined, { passed: true }],
    ['failed', undefined, { passed: false, error: 'failed' }],
    ['timed out', undefined, { passed: false, error: 'timed out' }],
    // The command of the check may pass without the app.
    ['passed', { code: 1, signal: null }, { passed: false, error: 'exited' }],
  ])('is that of a check that has %s, in a task with the exit %j', async (outcome, exit, expected) => {
    expect(await probe(CHECK, 1, { checkContainerHealth: async () => outcome, exit })).toMatchObject(expected);
  });

  test.each<[ContainerHealthCheckSpec | 'none']>([
    ['none'], [CHECK],
  ])('depends on whether the task listens if the check cannot run: %j', async (check) => {
    const { port } = await serve(() => {});
    const task = { checkContainerHealth: async () => 'skipped' as const };
    expect(await probe(check, port, task)).toMatchObject({ passed: true });
    expect(await probe(check, 1, task)).toMatchObject({ passed: false, error: 'ECONNREFUSED' });
  });
});

describe('the load balancer', () => {
  async function healthyTargets(count: number, handler: http.RequestListener = (_, response) => response.end()) {
    const targets = group();
    const servers = await Promise.all(Array.from({ length: count }, async () => serve((request, response) =>
      request.url === '/health' ? response.end() : handler(request, response))));
    const registered = servers.map(({ port }) => register(targets, port));
    await until(() => registered.every(({ state }) => state === 'healthy'));
    return { targets, servers, registered };
  }

  test('takes turns among the healthy targets', async () => {
    const { targets } = await healthyTargets(2, (request, response) => response.end(String(request.socket.localPort)));
    const port = await balance(targets);
    const bodies = [await send(port), await send(port), await send(port), await send(port)].map(({ body }) => body);
    expect(new Set(bodies).size).toBe(2);
    expect(bodies[0]).toBe(bodies[2]);
    expect(bodies[1]).toBe(bodies[3]);
  });

  test('returns 503 while there is no target', async () => {
    expect(await send(await balance(group()))).toMatchObject({ status: 503, headers: { server: 'awselb/2.0' } });
  });

  test('returns 503 while all targets are new', async () => {
    const { port } = await serve(() => {});
    const targets = group();
    register(targets, port);
    expect((await send(await balance(targets))).status).toBe(503);
  });

  test('forwards to unhealthy targets if there are no healthy ones', async () => {
    const { port } = await serve((request, response) =>
      response.writeHead(request.url === '/health' ? 500 : 200).end());
    const targets = group();
    const target = register(targets, port);
    await until(() => target.state === 'unhealthy');
    expect((await send(await balance(targets))).status).toBe(200);
  });

  test('returns 502 if the target closes the connection, or does not listen', async () => {
    const { targets, servers } = await healthyTargets(1, (request) => request.socket.destroy());
    const port = await balance(targets);
    expect((await send(port)).status).toBe(502);
    servers[0].closeAllConnections();
    servers[0].close();
    expect((await send(port)).status).toBe(502);
  });

  test('returns 504 if the target does not respond within the idle timeout', async () => {
    const { targets } = await healthyTargets(1, () => {});
    const port = await balance(targets, { idleTimeoutSeconds: 0.1 });
    const start = Date.now();
    expect((await send(port)).status).toBe(504);
    expect(Date.now() - start).toBeLessThan(2000);
  });

  test.each([
    { 'Content-Length': 100 }, { 'Transfer-Encoding': 'chunked' },
  ])('does not complete a response that the target breaks off: %j', async (headers) => {
    const { targets } = await healthyTargets(1, (_, response) => {
      response.writeHead(200, headers);
      response.write('half', () => response.destroy());
    });
    await expect(send(await balance(targets))).rejects.toThrow();
  });

  test('forwards body and query, and adds its headers', async () => {
    const { targets } = await healthyTargets(1, (request, response) => {
      let body = '';
      request.on('data', (text) => { body += text; }).on('end', () => {
        response.setHeader('Set-Cookie', ['a=1', 'b=2']);
        response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
      });
    });
    const port = await balance(targets);
    const headers = { 'Host': 'shop.example.com', 'X-Forwarded-For': '203.0.113.7' };
    const response = await send(port, { method: 'POST', path: '/a/b?c=d', body: 'text', headers });
    expect(JSON.parse(response.body)).toMatchObject({
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
    expect(response.headers['set-cookie']).toEqual(['a=1', 'b=2']);
  });

  test('keeps the root of a trace ID', async () => {
    const { targets } = await healthyTargets(1, ({ headers }, response) => response.end(headers['x-amzn-trace-id']));
    const root = 'Root=1-67891233-abcdef012345678912345678';
    const { body } = await send(await balance(targets), { headers: { 'X-Amzn-Trace-Id': root } });
    expect(body).toMatch(new RegExp(`^Self=1-[0-9a-f]{8}-[0-9a-f]{24};${root}$`));
  });

  test.each([
    [true, undefined], [false, 'value'],
  ])('drops headers with invalid names if the attribute is %s', async (dropInvalidHeaderFields, received) => {
    const { targets } = await healthyTargets(1, ({ headers }, response) => response.end(JSON.stringify(headers)));
    const port = await balance(targets, { dropInvalidHeaderFields });
    const { body } = await send(port, { headers: { with_underscore: 'value' } });
    expect(JSON.parse(body).with_underscore).toBe(received);
  });

  test('notifies observers of forwarded requests until they unsubscribe', async () => {
    const { targets, registered: [target] } = await healthyTargets(1, (_, response) => response.writeHead(201).end());
    const loadBalancer = await listen(targets);
    const port = portOf(loadBalancer);
    const results: ForwardResult[] = [];
    const unsubscribe = loadBalancer.observe((result) => results.push(result));
    await send(port);
    expect(results).toEqual([{ target, sentAt: expect.any(Number), status: 201 }]);
    unsubscribe();
    await send(port);
    expect(results).toHaveLength(1);
  });

  test('sends fixed responses and redirects', async () => {
    const fixed = await balance(group(), {}, {
      type: 'fixed-response', statusCode: 410, contentType: 'text/html', body: '<p>gone',
    });
    expect(await send(fixed)).toMatchObject({ status: 410, body: '<p>gone', headers: { 'content-type': 'text/html' } });
    const redirect = await balance(group(), {}, {
      type: 'redirect', statusCode: 301, location: 'https://#{host}:443/#{path}', query: '#{query}',
    });
    expect(await send(redirect, { path: '/a', headers: { Host: 'shop.example.com' } }))
      .toMatchObject({ status: 301, headers: { location: 'https://shop.example.com:443/a' } });
  });

  test('connects WebSockets', async () => {
    const { targets, servers } = await healthyTargets(1);
    servers[0].on('upgrade', (request, socket) => {
      socket.on('error', () => {});
      const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', `Upgrade: ${request.headers.upgrade}`];
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      socket.on('data', (data: Buffer) => socket.end(`echo ${data}`));
    });
    const headers = { Connection: 'Upgrade', Upgrade: 'websocket' };
    const request = http.get({ host: '127.0.0.1', port: await balance(targets), agent: false, headers });
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
