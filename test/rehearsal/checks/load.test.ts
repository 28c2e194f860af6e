import * as http from 'node:http';
import { AddressInfo } from 'node:net';
import { Front, get, hasFailed, Load, throughputOf } from '../../../src/rehearsal/checks/load';
import { LoadBalancer } from '../../../src/rehearsal/edge/load-balancer';
import { Target, TargetGroup } from '../../../src/rehearsal/edge/target-group';

/*
 * What came of a request: nothing that is no whole answer may count as one.
 */

let server: http.Server;
let url: string;
const hosts: Array<string | undefined> = [];

beforeAll(async () => {
  server = http.createServer((request, response) => {
    hosts.push(request.headers.host);
    switch (request.url) {
      case '/whole': return response.end('whole');
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
  ['/whole', false, { status: 200 }],
  ['/ill', true, { status: 503 }],
  ['/half', true, { error: 'aborted' }],
  ['/none', true, { error: 'socket hang up' }],
  ['/slow', true, { error: 'no answer within 0.1 s' }],
])('%s has failed: %s', async (path, failed, outcome) => {
  const answer = await get(`${url}${path}`, 'shop.example.com', path === '/slow' ? { timeout: 100 } : {});
  expect(answer).toMatchObject(outcome);
  expect(hasFailed(answer)).toBe(failed);
  expect(hosts.at(-1)).toBe('shop.example.com');
});

test('how many requests are answered in a second is told by some at once', async () => {
  const front = { url: `${url}/late`, host: 'shop.example.com' } as Front;
  // All of them take half a second together, or longer.
  const throughput = await throughputOf(front);
  expect(throughput).toBeGreaterThan(0);
  expect(throughput).toBeLessThan(41);
});

test('load comes at its rate, and ends when all is answered that was sent', async () => {
  const targets = new Map([['group', { next: () => new Target('target', '127.0.0.1', Number(new URL(url).port)) } as unknown as TargetGroup]]);
  const listener = { name: 'Http', port: 80, protocol: 'HTTP' as const, rules: [], defaultAction: { type: 'forward' as const, targetGroups: [{ key: 'group', weight: 1 }] } };
  const loadBalancer = new LoadBalancer({
    key: 'lb', name: 'lb', notes: [], idleTimeoutSeconds: 5, dropInvalidHeaderFields: false, xForwardedFor: 'append', listeners: [listener],
  }, targets);
  await loadBalancer.listen(0);
  try {
    const already = hosts.length;
    const load = new Load({ loadBalancer, url: `${loadBalancer.url(listener)}/late`, host: 'shop.example.com' }, 50);
    while (hosts.length - already < 5) { await new Promise((resolve) => setTimeout(resolve, 10)); }
    await load.end();
    // Whether each had its answer: none is left out.
    expect(load.outcomes.length).toBe(hosts.length - already);
    expect(load.outcomes.filter(hasFailed)).toEqual([]);
    const ended = hosts.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(hosts.length).toBe(ended);
  } finally {
    await loadBalancer.close();
  }
});

test('nobody listens', async () => {
  expect((await get('http://127.0.0.1:1/', 'shop.example.com')).error).toMatch(/ECONNREFUSED/);
});

test.each([[200, false], [404, false], [499, false], [500, true], [502, true], [undefined, true]])('status %s has failed: %s', (status, failed) => {
  expect(hasFailed({ status })).toBe(failed);
});
