import { connect } from 'node:net';
import { AppProcess, LogLine, sleep } from './app-process';
import { HOSTILE_INPUTS, HostileInput, SECRET } from './hostile-inputs';
import { SECURITY_HEADERS } from '../../../example-app/src/responses';

/** Ten times the request timeout of the app under test. */
const MAX_WAIT_MS = 15_000;

interface Response { status: number; headers: string; body: string; requestId: string }
interface Expected { input: HostileInput; status: number }

/** Sends all inputs at once, each on its own connection, and returns the differences from what is expected. */
export async function sendHostileInputs(node?: string): Promise<string[]> {
  const app = await AppProcess.start({ node, env: { REQUEST_TIMEOUT_MS: '1500' } });
  const problems: string[] = [];
  const expected = new Map<string, Expected>();
  try {
    await Promise.all(HOSTILE_INPUTS.map(async (input) => {
      const responses = await exchange(app.port, input);
      const statuses = responses.map(({ status }) => status);
      if (statuses.join() !== input.statuses.join()) {
        problems.push(`${input.name}: returned [${statuses}], not [${input.statuses}]`);
      }
      for (const response of responses) {
        problems.push(...checkResponse(response).map((problem) => `${input.name}: ${problem}`));
        if (input.lines !== 0) { expected.set(response.requestId, { input, status: response.status }); }
      }
    }));

    app.kill('SIGINT');
    const exitCode = await app.ended;
    if (exitCode !== 0) { problems.push(`the app exited with ${exitCode}`); }
    problems.push(...checkLog(app, expected));
  } finally {
    app.kill();
  }
  return problems;
}

function checkLog(app: AppProcess, expected: Map<string, Expected>): string[] {
  const problems: string[] = [];
  for (const line of app.output) {
    if (!/^\{[\x20-\x7e]{1,1000}\}$/.test(line)) {
      problems.push(`not a clean line: ${JSON.stringify(line.slice(0, 200))}`);
    }
    if (line.includes(SECRET)) { problems.push(`a secret is in the log: ${line}`); }
  }
  const requestLines = app.log.filter(({ requestId }) => requestId !== undefined);
  for (const [id, { input, status }] of expected) {
    const lines = requestLines.filter(({ requestId }) => requestId === id);
    if (lines.length !== 1 || !isClean(lines[0], status)) {
      problems.push(`${input.name}: its log is ${JSON.stringify(lines)}`);
    }
  }
  // A second line for the same input, or a line for an input that expects none.
  for (const line of requestLines) {
    if (!expected.has(String(line.requestId))) { problems.push(`unexpected line: ${JSON.stringify(line)}`); }
  }
  const others = app.log.filter(({ requestId }) => requestId === undefined).map(({ message }) => message);
  if (others.join() !== 'listening,stopped') { problems.push(`other lines: ${others}`); }
  return problems;
}

function checkResponse({ status, headers, body, requestId }: Response): string[] {
  const problems = [];
  if (!/^[0-9a-f-]{36}$/.test(requestId)) { problems.push(`invalid request ID ${requestId}`); }
  for (const [header, value] of SECURITY_HEADERS) {
    if (!headers.split('\n').includes(`${header}: ${value}`)) { problems.push(`without ${header}`); }
  }
  if (status >= 400) {
    const isJson = /^content-type: application\/json/im.test(headers);
    if (!isJson || JSON.parse(body).requestId !== requestId) { problems.push(`not the JSON of the app: ${body}`); }
  }
  if (/server:|x-powered-by:/i.test(headers)) { problems.push('reveals the server software'); }
  if (`${headers}${body}`.includes(SECRET)) { problems.push('a secret is in the response'); }
  return problems;
}

function isClean(line: LogLine, status: number): boolean {
  return line.status === status
    && line.level === (status < 400 ? 'INFO' : 'WARN')
    && !Number.isNaN(Date.parse(String(line.timestamp)))
    && typeof line.message === 'string'
    && !String(line.path ?? '').includes('?')
    && line.traceId === undefined;
}

/** Sends the input, and reads until all expected responses have arrived or the connection is closed. */
async function exchange(port: number, { send, statuses }: HostileInput): Promise<Response[]> {
  let received = '';
  const socket = connect(port, '127.0.0.1').setNoDelay();
  const closed = new Promise<void>((resolve) => socket.once('close', resolve));
  // The app closes some connections while the input is being sent.
  socket.on('error', () => {});
  socket.on('data', (chunk) => { received += chunk.toString('latin1'); });
  const timeout = setTimeout(() => {
    received += 'no further data in time\r\n\r\n';
    socket.destroy();
  }, MAX_WAIT_MS);
  for (const part of send) {
    if (part === 'end') {
      socket.end();
    } else if (part === 'reset') {
      socket.resetAndDestroy();
    } else if (part === 'wait') {
      await closed;
    } else if (typeof part === 'number') {
      await sleep(part);
    } else if (!socket.destroyed) {
      socket.write(part);
    }
  }
  while (!socket.destroyed && parse(received).length < statuses.length) {
    await sleep(20);
  }
  // Waits for unexpected further responses.
  if (!socket.destroyed) { await Promise.race([closed, sleep(200)]); }
  clearTimeout(timeout);
  socket.destroy();
  return parse(received);
}

function parse(received: string): Response[] {
  const responses: Response[] = [];
  for (let rest = received; rest !== '';) {
    const [, status, headerText] = /^HTTP\/1\.1 (\d{3}) [\w -]+\r\n(.*?)\r\n\r\n/s.exec(rest) ?? [];
    if (!headerText) {
      const isMalformed = rest.includes('\r\n\r\n');
      if (isMalformed) { responses.push({ status: Number.NaN, headers: '', body: rest, requestId: '' }); }
      return responses;
    }
    const start = rest.indexOf('\r\n\r\n') + 4;
    const length = Number(/^content-length: (\d+)$/im.exec(headerText)?.[1] ?? 0);
    if (rest.length < start + length) { return responses; }
    const headers = headerText.replaceAll('\r\n', '\n');
    const requestId = /^x-request-id: (.*)$/im.exec(headers)?.[1] ?? '';
    responses.push({ status: Number(status), headers, body: rest.slice(start, start + length), requestId });
    rest = rest.slice(start + length);
  }
  return responses;
}
