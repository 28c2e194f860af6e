import * as http from 'node:http';
import { AddressInfo } from 'node:net';
import { get, hasFailed } from '../../src/rehearsal/load';

/*
 * What came of a request: nothing that is no whole answer may count as one.
 */

let server: http.Server;
let url: string;

beforeAll(async () => {
  server = http.createServer((request, response) => {
    switch (request.url) {
      case '/whole': return response.end(request.headers.host);
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
});

test('nobody listens', async () => {
  expect((await get('http://127.0.0.1:1/', 'shop.example.com')).error).toMatch(/ECONNREFUSED/);
});

test.each([[200, false], [404, false], [499, false], [500, true], [502, true], [undefined, true]])('status %s has failed: %s', (status, failed) => {
  expect(hasFailed({ status })).toBe(failed);
});
