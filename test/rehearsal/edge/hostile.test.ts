import * as http from 'node:http';
import * as net from 'node:net';
import { HttpEmulator } from '../../../src/rehearsal/edge/http-emulator';
import { newLoadBalancer } from '../../../src/rehearsal/edge/load-balancer';
import { Target, TargetGroup } from '../../../src/rehearsal/edge/target-group';
import { ListenerSpec } from '../../../src/rehearsal/model';
import { HEALTH_CHECK, LOAD_BALANCER } from '../../support/rehearsal/specs';

/*
 * Responses of apps and requests of clients that break the rules. Each gets an answer or a closed connection, and the
 * next request is served.
 */

const CRLF = '\r\n';
const GOOD = `HTTP/1.1 200 OK${CRLF}Content-Length: 2${CRLF}${CRLF}ok`;
const END_MS = 250;

const closing: Array<() => unknown> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) { await close(); }
});

/** Starts a server, and returns its port. */
async function serve(server: net.Server): Promise<number> {
  const clients = new Set<net.Socket>();
  server.on('connection', (client) => clients.add(client.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    clients.forEach((client) => client.destroy());
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

/** @returns the port of a load balancer in front of a target, which is healthy */
async function balance(target: number): Promise<number> {
  const group = new TargetGroup({ key: 'group', name: 'group', healthCheck: HEALTH_CHECK }, 1);
  const healthy = Object.assign(new Target('task', '127.0.0.1', target), { state: 'healthy' });
  jest.spyOn(group, 'next').mockReturnValue(healthy);
  const defaultAction = { type: 'forward' as const, targetGroups: [{ key: 'group', weight: 1 }] };
  const listener: ListenerSpec = { name: 'Http', port: 80, protocol: 'HTTP', rules: [], defaultAction };
  const emulator = newLoadBalancer({ ...LOAD_BALANCER, listeners: [listener] }, new Map([['group', group]]));
  await emulator.listen(0);
  closing.push(async () => emulator.close());
  expect(emulator).toBeInstanceOf(HttpEmulator);
  return Number(new URL(emulator.url(listener)).port);
}

/** Sends bytes, and returns what comes back until the connection is closed or nothing more comes. */
async function send(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = net.connect(port, '127.0.0.1');
    const timer = setTimeout(() => socket.destroy(), END_MS);
    socket.on('data', (chunk) => { received += chunk.toString('latin1'); });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(received);
    });
    socket.write(bytes);
  });
}

const statusOf = (response: string): number | undefined => {
  const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(response) ?? [];
  return status === undefined ? undefined : Number(status);
};

describe('responses', () => {
  const head = (line: string, ...headers: string[]) => [line, ...headers, '', ''].join(CRLF);
  const BAD: Record<string, string> = {
    'status 000': head('HTTP/1.1 000 None', 'Content-Length: 0'),
    'status 099': head('HTTP/1.1 099 Low', 'Content-Length: 0'),
    'status 1000': head('HTTP/1.1 1000 High', 'Content-Length: 0'),
    'status -1': head('HTTP/1.1 -1 Low', 'Content-Length: 0'),
    'a status of letters': head('HTTP/1.1 abc Letters'),
    '101 without a request for an upgrade': head('HTTP/1.1 101 Switching', 'Upgrade: websocket', 'Connection: Upgrade'),
    'a control character in the reason': head('HTTP/1.1 200 O\u0001K', 'Content-Length: 0'),
    'an escape sequence in the reason': head('HTTP/1.1 200 \u001b[2J', 'Content-Length: 0'),
    'a null in a header': head('HTTP/1.1 200 OK', 'X-A: a\0b', 'Content-Length: 0'),
    'a header without a colon': head('HTTP/1.1 200 OK', 'nonsense', 'Content-Length: 0'),
    'a header name with a space': head('HTTP/1.1 200 OK', 'X A: 1', 'Content-Length: 0'),
    'two different lengths': head('HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 2'),
    'a length of letters': head('HTTP/1.1 200 OK', 'Content-Length: abc'),
    'a negative length': head('HTTP/1.1 200 OK', 'Content-Length: -1'),
    'length and chunks': head('HTTP/1.1 200 OK', 'Content-Length: 2', 'Transfer-Encoding: chunked'),
    'no HTTP': '220 mail.example.com\r\n',
    'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'TLS': '\u0016\u0003\u0001\u0002\u0000',
    'a huge header': head('HTTP/1.1 200 OK', `X-A: ${'a'.repeat(1_000_000)}`),
    'nothing': '',
  };

  test.each(Object.entries(BAD))('%s is 502, and the next request is served', async (_, bytes) => {
    let response = bytes;
    const app = await serve(net.createServer((client) => client.once('data', () => client.end(response, 'latin1'))));
    const port = await balance(app);

    expect(statusOf(await send(port, head('GET / HTTP/1.1', 'Host: a', 'Connection: close')))).toBe(502);
    response = GOOD;
    expect(statusOf(await send(port, head('GET / HTTP/1.1', 'Host: a', 'Connection: close')))).toBe(200);
  });

  test.each<[string, string, number]>([
    ['100 and 103 before the response', head('HTTP/1.1 100 Continue') + head('HTTP/1.1 103 Hints') + GOOD, 200],
    ['a status without a reason', head('HTTP/1.1 204'), 204],
    ['a reason in Latin-1', head('HTTP/1.1 200 \u00e9t\u00e9', 'Content-Length: 0'), 200],
    ['a status that nobody uses', head('HTTP/1.1 799 Odd', 'Content-Length: 0'), 799],
    ['HTTP/1.0', `HTTP/1.0 200 OK${CRLF}${CRLF}until the end`, 200],
    ['two responses', GOOD + GOOD, 200],
    ['a header twice', head('HTTP/1.1 200 OK', 'Set-Cookie: a', 'Set-Cookie: b', 'Content-Length: 0'), 200],
    ['an empty header', head('HTTP/1.1 200 OK', 'X-A:', 'Content-Length: 0'), 200],
    ['a header in Latin-1', head('HTTP/1.1 200 OK', 'X-A: \u00e9', 'Content-Length: 0'), 200],
  ])('%s passes', async (_, bytes, status) => {
    const app = await serve(net.createServer((client) => client.once('data', () => client.end(bytes, 'latin1'))));
    const port = await balance(app);
    expect(statusOf(await send(port, head('GET / HTTP/1.1', 'Host: a', 'Connection: close')))).toBe(status);
  });

  test.each([
    ['a body that is cut off', `${head('HTTP/1.1 200 OK', 'Content-Length: 10')}short`, /Content-Length: 10[^]*short$/],
    ['a body where none is allowed', `${head('HTTP/1.1 204 None', 'Content-Length: 2')}ok`, /^$/],
  ])('%s closes the connection of the client', async (_, bytes, expected) => {
    const app = await serve(net.createServer((client) => client.once('data', () => client.end(bytes))));
    expect(await send(await balance(app), head('GET / HTTP/1.1', 'Host: a'))).toMatch(expected);
  });
});

describe('requests', () => {
  const request = (line: string, ...headers: string[]) => [line, ...headers, '', ''].join(CRLF);
  const upgrade = (method: string, protocol: string, ...headers: string[]) =>
    request(`${method} / HTTP/1.1`, 'Host: a', 'Connection: Upgrade', `Upgrade: ${protocol}`, ...headers);
  const post = (...headers: string[]) => request('POST / HTTP/1.1', 'Host: a', ...headers);
  const CHUNKED = 'Transfer-Encoding: chunked';
  const REQUESTS: Record<string, string> = {
    'an absolute target': request('GET http://shop.example.com/a?b=c HTTP/1.1', 'Host: a'),
    'an absolute target with TLS': request('GET https://shop.example.com HTTP/1.1', 'Host: a'),
    'an asterisk': request('OPTIONS * HTTP/1.1', 'Host: a'),
    'an authority': request('CONNECT example.com:443 HTTP/1.1', 'Host: example.com:443'),
    'two slashes': request('GET //etc/passwd HTTP/1.1', 'Host: a'),
    'dots': request('GET /../../etc/passwd HTTP/1.1', 'Host: a'),
    'a percent sign': request('GET /% HTTP/1.1', 'Host: a'),
    'a percent-encoded null': request('GET /%00 HTTP/1.1', 'Host: a'),
    'an empty target': request('GET  HTTP/1.1', 'Host: a'),
    'a space in the target': request('GET /a b HTTP/1.1', 'Host: a'),
    'a null in the target': request('GET /\0 HTTP/1.1', 'Host: a'),
    'Latin-1 in the target': request('GET /\u00e9 HTTP/1.1', 'Host: a'),
    'no host': request('GET / HTTP/1.1'),
    'two hosts': request('GET / HTTP/1.1', 'Host: a', 'Host: b'),
    'an empty host': request('GET / HTTP/1.1', 'Host:'),
    'a host with a path': request('GET / HTTP/1.1', 'Host: a/b'),
    'a host with a user': request('GET / HTTP/1.1', 'Host: user@a'),
    'a host of IPv6': request('GET / HTTP/1.1', 'Host: [::1]:80'),
    'h2c': upgrade('GET', 'h2c', 'HTTP2-Settings: AA'),
    'h2c with a body': `${upgrade('POST', 'h2c', 'Content-Length: 4')}body`,
    'h2c with chunks': `${upgrade('POST', 'h2c', CHUNKED)}4\r\nbody\r\n0\r\n\r\n`,
    'an upgrade to nothing': upgrade('GET', ''),
    'a WebSocket that the app refuses': upgrade('GET', 'websocket'),
    'HTTP/0.9': 'GET /\r\n',
    'HTTP/1.0': request('GET / HTTP/1.0'),
    'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'HTTP/3': request('GET / HTTP/3.0', 'Host: a'),
    'TLS': '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
    'zeros': '\0'.repeat(100),
    'line feeds': '\n'.repeat(100),
    'a method that nobody uses': request('BREW / HTTP/1.1', 'Host: a'),
    'a method in lower case': request('get / HTTP/1.1', 'Host: a'),
    'TRACE': request('TRACE / HTTP/1.1', 'Host: a'),
    'HEAD': request('HEAD / HTTP/1.1', 'Host: a'),
    'two different lengths': `${post('Content-Length: 1', 'Content-Length: 2')}ab`,
    'a negative length': post('Content-Length: -1'),
    'a length of letters': post('Content-Length: abc'),
    'a huge length': post('Content-Length: 99999999999999999999'),
    'length and chunks': `${post('Content-Length: 5', CHUNKED)}0\r\n\r\nGET /x HTTP/1.1\r\n\r\n`,
    'chunks and another encoding': post('Transfer-Encoding: chunked, identity'),
    'a hidden encoding': post('Transfer-Encoding:\u000bchunked'),
    'a chunk of letters': `${post(CHUNKED)}zz\r\n\r\n`,
    'a chunk that is cut off': `${post(CHUNKED)}5\r\nab`,
    'trailers': `${post(CHUNKED, 'Trailer: X-A')}0\r\nX-A: 1\r\n\r\n`,
    'a body with GET': `${request('GET / HTTP/1.1', 'Host: a', 'Content-Length: 2')}ab`,
    'Expect': `${post('Expect: 100-continue', 'Content-Length: 2')}ab`,
    'Expect of something else': post('Expect: nothing', 'Content-Length: 0'),
    'a header without a colon': request('GET / HTTP/1.1', 'Host: a', 'nonsense'),
    'a header with a space': request('GET / HTTP/1.1', 'Host: a', 'X A: 1'),
    'a space before the colon': request('GET / HTTP/1.1', 'Host: a', 'X-A : 1'),
    'a header without a name': request('GET / HTTP/1.1', 'Host: a', ': 1'),
    'a folded header': request('GET / HTTP/1.1', 'Host: a', 'X-A: 1', ' 2'),
    'a null in a header': request('GET / HTTP/1.1', 'Host: a', 'X-A: a\0b'),
    'a line feed in a header': request('GET / HTTP/1.1', 'Host: a', 'X-A: 1\nX-B: 2'),
    'Latin-1 in a header': request('GET / HTTP/1.1', 'Host: a', 'X-A: \u00e9'),
    'a huge header': request('GET / HTTP/1.1', 'Host: a', `X-A: ${'a'.repeat(100_000)}`),
    'many headers': request('GET / HTTP/1.1', 'Host: a', ...Array.from({ length: 3000 }, (_, n) => `X-${n}: 1`)),
    'a huge target': request(`GET /${'a'.repeat(100_000)} HTTP/1.1`, 'Host: a'),
    'Connection that names Host': request('GET / HTTP/1.1', 'Host: a', 'Connection: Host, X-Forwarded-For'),
    'forwarded headers': request('GET / HTTP/1.1', 'Host: a', 'X-Forwarded-For: 1.1.1.1, x', 'X-Forwarded-Proto: x'),
    'two requests at once': request('GET /1 HTTP/1.1', 'Host: a') + request('GET /2 HTTP/1.1', 'Host: a'),
    'a request that is cut off': 'GET / HTTP/1.1\r\nHost: a\r\nX-',
  };

  let port: number;
  beforeEach(async () => {
    port = await balance(await serve(http.createServer((incoming, response) => {
      incoming.resume().on('error', () => {});
      response.end('ok');
    })));
  });

  test.each(Object.entries(REQUESTS))('%s does not keep the next one from being served', async (_, bytes) => {
    const response = await send(port, Buffer.from(bytes, 'latin1'));
    expect(response === '' || statusOf(response) !== undefined).toBe(true);
    expect(statusOf(await send(port, request('GET / HTTP/1.1', 'Host: a', 'Connection: close')))).toBe(200);
  });

  test.each<[string, number]>([
    ['an absolute target', 200], ['h2c', 200], ['h2c with a body', 200], ['h2c with chunks', 400], ['HEAD', 200],
    ['HTTP/1.0', 200],
    ['Expect', 200], ['a body with GET', 200], ['two slashes', 200], ['Connection that names Host', 200],
    ['no host', 400],
    ['length and chunks', 400], ['two different lengths', 400], ['a header with a space', 400],
  ])('%s gets %d', async (name, status) => {
    const response = await send(port, Buffer.from(REQUESTS[name], 'latin1'));
    expect(statusOf(response.replace(/^HTTP\/1\.1 100 [^]*?\r\n\r\n/, ''))).toBe(status);
  });

  test('a request for an upgrade reaches the app with its body', async () => {
    let body = '';
    const app = await serve(http.createServer((incoming, response) => {
      incoming.on('data', (chunk) => { body += chunk; }).on('end', () => response.end('a chunked response'));
    }));
    const response = await send(await balance(app), REQUESTS['h2c with a body']);
    expect(body).toBe('body');
    expect(response).toMatch(/\r\n\r\na chunked response$/);
  });

  test('an absolute target reaches the app as its path', async () => {
    const seen: Array<string | undefined> = [];
    const app = await serve(http.createServer(({ url, headers: { host } }, response) => {
      seen.push(url, host);
      response.end();
    }));
    await send(await balance(app), REQUESTS['an absolute target']);
    expect(seen).toEqual(['/a?b=c', 'shop.example.com']);
  });
});
