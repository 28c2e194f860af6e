import * as http from 'node:http';
import { AddressInfo } from 'node:net';
import { get, hasFailed, Load, measureThroughput } from '../../../src/rehearsal/checks/load';
import { newLoadBalancer } from '../../../src/rehearsal/edge/load-balancer';
import { Front } from '../../../src/rehearsal/edge/routes';
import { Target, TargetGroup } from '../../../src/rehearsal/edge/target-group';
import { ListenerSpec } from '../../../src/rehearsal/model';
import { RunningTask } from '../../../src/rehearsal/running-service';
import { LOAD_BALANCER } from '../../support/rehearsal/specs';

/*
 * Results of requests: an incomplete response must not count as an answer.
 */

let server: http.Server;
let url: string;
const hosts: Array<string | undefined> = [];

beforeAll(async () => {
  server = http.createServer((request, response) => {
    hosts.push(request.headers.host);
    switch (request.url) {
      case '/complete': return response.end('complete');
      case '/late': return setTimeout(() => response.end(), 500);
      case '/half': return response.writeHead(200, { 'Content-Length': 100 }).write('half', () => response.destroy());
      case '/none': return request.socket.destroy();
      case '/slow': return undefined;
      default: return response.writeHead(503).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test.each([
  ['/complete', false, { status: 200 }],
  ['/error', true, { status: 503 }],
  ['/half', true, { error: 'aborted' }],
  ['/none', true, { error: 'socket hang up' }],
  ['/slow', true, { error: 'no answer within 0.1 s' }],
])('%s has failed: %s', async (path, failed, outcome) => {
  const answer = await get(`${url}${path}`, 'shop.example.com', path === '/slow' ? { timeout: 100 } : {});
  expect(answer).toMatchObject(outcome);
  expect(hasFailed(answer)).toBe(failed);
  expect(hosts.at(-1)).toBe('shop.example.com');
});

test('the throughput is estimated from concurrent requests', async () => {
  const front = { url: `${url}/late`, host: 'shop.example.com' } as Front;
  // 20 requests at the same time take at least half a second.
  const throughput = await measureThroughput(front);
  expect(throughput).toBeGreaterThan(0);
  expect(throughput).toBeLessThan(41);
});

test('the load ends when all requests that were sent are answered', async () => {
  const target = new Target('target', '127.0.0.1', Number(new URL(url).port));
  const targets = new Map([['group', { next: () => target } as unknown as TargetGroup]]);
  const listener: ListenerSpec = {
    name: 'Http',
    port: 80,
    protocol: 'HTTP',
    rules: [],
    defaultAction: { type: 'forward', targetGroups: [{ key: 'group', weight: 1 }] },
  };
  const emulator = newLoadBalancer({
    ...LOAD_BALANCER,
    listeners: [listener],
  }, targets);
  await emulator.listen(0);
  try {
    const already = hosts.length;
    const load = new Load({ emulator, url: `${emulator.url(listener)}/late`, host: 'shop.example.com' }, 50);
    while (hosts.length - already < 5) { await new Promise((resolve) => setTimeout(resolve, 10)); }
    await load.end();
    expect(load.results.length).toBe(hosts.length - already);
    expect(load.results.filter(hasFailed)).toEqual([]);
    const task = { targets: [{ target }] } as unknown as RunningTask;
    expect(load.resultsOf(task)).toEqual(load.results);
    const ended = hosts.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(hosts.length).toBe(ended);
  } finally {
    await emulator.close();
  }
});

test('a refused connection is an error', async () => {
  expect((await get('http://127.0.0.1:1/', 'shop.example.com')).error).toMatch(/ECONNREFUSED/);
});
