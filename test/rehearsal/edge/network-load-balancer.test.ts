import * as net from 'node:net';
import { ForwardResult } from '../../../src/rehearsal/edge/emulator';
import { NetworkLoadBalancer } from '../../../src/rehearsal/edge/network-load-balancer';
import { Target, TargetGroup } from '../../../src/rehearsal/edge/target-group';
import { HEALTH_CHECK, LOAD_BALANCER } from '../../support/rehearsal/specs';

const closing: Array<() => unknown> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) { await close(); }
});

async function serve(handler: (client: net.Socket) => void): Promise<number> {
  const clients = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client);
    handler(client.on('error', () => {}).resume());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    clients.forEach((client) => client.destroy());
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

/** @returns the port of a load balancer in front of a port, once its target has the state, and its results */
async function balance(port: number, state: Target['state'] = 'healthy') {
  const healthCheck = { ...HEALTH_CHECK, protocol: 'TCP' as const, intervalSeconds: 0.05, unhealthyThreshold: 1 };
  const group = new TargetGroup({ key: 'group', name: 'group', healthCheck }, 1);
  const target = new Target('task', '127.0.0.1', port);
  group.register(target);
  closing.push(() => group.close());
  const defaultAction = { type: 'forward' as const, targetGroups: [{ key: 'group', weight: 1 }] };
  const listener = { name: 'Tcp', port: 80, protocol: 'TCP' as const, rules: [], defaultAction };
  const spec = { ...LOAD_BALANCER, type: 'network' as const, listeners: [listener] };
  const loadBalancer = new NetworkLoadBalancer(spec, new Map([['group', group]]));
  await loadBalancer.listen(0);
  closing.push(async () => loadBalancer.close());
  const results: ForwardResult[] = [];
  loadBalancer.observe((result) => results.push(result));
  while (target.state !== state) { await new Promise((resolve) => setTimeout(resolve, 5)); }
  return { port: Number(new URL(loadBalancer.url(listener)).port), results };
}

/** Sends a text, half-closes the connection, and returns what it receives; `reset` after a reset. */
async function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    net.connect(port, '127.0.0.1').on('data', (chunk) => { received += chunk; })
      .on('error', () => resolve('reset'))
      .on('close', () => resolve(received))
      .end(text);
  });
}

test('forwards bytes in both directions, also after one side has ended', async () => {
  const app = await serve((client) => {
    let received = '';
    client.on('data', (chunk) => { received += chunk; }).on('end', () => client.end(received.toUpperCase()));
  });
  const { port } = await balance(app);

  expect(await exchange(port, 'hello')).toBe('HELLO');
});

test('resets connections if no target accepts them', async () => {
  const app = await serve((client) => client.on('data', () => client.resetAndDestroy()));
  const { port } = await balance(app);
  expect(await exchange(port, 'hello')).toBe('reset');

  const { port: unhealthy } = await balance(1, 'unhealthy');
  expect(await exchange(unhealthy, 'hello')).toBe('reset');
});

test.each<[string, string, number | undefined]>([
  ['a complete response', 'HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok', 201],
  ['a response without a body', 'HTTP/1.1 204 No Content\r\n\r\n', 204],
  ['a chunked response', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 200],
  ['a response that is cut off', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok', undefined],
  ['a chunked response that is cut off', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n', undefined],
  ['a long body', `HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`, 200],
  ['a long body that is cut off', `HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n${'x'.repeat(100_000)}`, undefined],
  ['headers that are cut off', 'HTTP/1.1 200 OK\r\nContent-', undefined],
  ['no HTTP', '220 mail.example.com', undefined],
  ['nothing', '', undefined],
])('reads the status of %s', async (_, response, status) => {
  const { port, results } = await balance(await serve((client) => client.end(response)));
  await exchange(port, 'GET / HTTP/1.1\r\n\r\n');
  while (results.length === 0) { await new Promise((resolve) => setTimeout(resolve, 5)); }

  expect(results[0].status).toBe(status);
});
