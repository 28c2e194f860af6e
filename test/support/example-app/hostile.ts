import { connect } from 'node:net';
import { AppProcess, LogLine, sleep } from './app-process';
import { HOSTILE_INPUTS, HostileInput, SECRET } from './hostile-inputs';
import { SECURITY_HEADERS } from '../../../example-app/src/app';

/** Ten times the time after which the app gives up on a slow client. */
const MAX_WAIT_MS = 15_000;

/** Sends every input at once, each on a connection of its own, and returns what was not as it should be. */
export async function sendHostileInputs(node?: string): Promise<string[]> {
  const app = await AppProcess.start({ node, env: { REQUEST_TIMEOUT_MS: '1500' } });
  const problems: string[] = [];
  try {
    const ids = new Map<string, { input: HostileInput; status: number }>();
    await Promise.all(HOSTILE_INPUTS.map(async (input) => {
      const answers = await converse(app.port, input);
      const statuses = answers.map(({ status }) => status);
      if (statuses.join() !== input.answers.join()) problems.push(`${input.name}: answered [${statuses}], not [${input.answers}]`);
      for (const answer of answers) {
        problems.push(...problemsOf(answer).map((problem) => `${input.name}: ${problem}`));
        if (input.lines !== 0) ids.set(answer.requestId, { input, status: answer.status });
      }
    }));

    app.kill('SIGINT');
    const ended = await app.ended;
    if (ended !== 0) problems.push(`the app ended with ${ended}`);

    for (const line of app.output) {
      if (!/^\{[\x20-\x7e]{1,1000}\}$/.test(line)) problems.push(`not a clean line: ${JSON.stringify(line.slice(0, 200))}`);
      if (line.includes(SECRET)) problems.push(`a secret is in the log: ${line}`);
    }
    const lines = app.log.filter(({ requestId }) => requestId !== undefined);
    for (const [id, { input, status }] of ids) {
      const own = lines.filter(({ requestId }) => requestId === id);
      if (own.length !== 1 || !isClean(own[0], status)) problems.push(`${input.name}: its log is ${JSON.stringify(own)}`);
    }
    // Lines that belong to no answer: a second one for the same input, or one for an input that leaves none.
    for (const line of lines) {
      if (!ids.has(String(line.requestId))) problems.push(`a line too many: ${JSON.stringify(line)}`);
    }
    const others = app.log.filter(({ requestId }) => requestId === undefined).map(({ message }) => message);
    if (others.join() !== 'listening,stopped') problems.push(`other lines: ${others}`);
  } finally {
    app.kill();
  }
  return problems;
}

interface Answer { status: number; headers: string; body: string; requestId: string }

function problemsOf({ status, headers, body, requestId }: Answer): string[] {
  const problems = [];
  if (!/^[0-9a-f-]{36}$/.test(requestId)) problems.push(`no request id, but ${requestId}`);
  for (const [header, value] of SECURITY_HEADERS) {
    if (!headers.split('\n').includes(`${header}: ${value}`)) problems.push(`without ${header}`);
  }
  if (status >= 400 && (!/^content-type: application\/json/im.test(headers) || JSON.parse(body).requestId !== requestId)) problems.push(`not our JSON: ${body}`);
  if (/server:|x-powered-by:/i.test(headers)) problems.push('says what serves it');
  if (`${headers}${body}`.includes(SECRET)) problems.push('a secret is in the answer');
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

/** Says what the input says, and reads until all answers that are due have come or the connection has closed. */
async function converse(port: number, { send, answers }: HostileInput): Promise<Answer[]> {
  let received = '';
  const socket = connect(port, '127.0.0.1').setNoDelay();
  const closed = new Promise<void>((resolve) => socket.once('close', resolve));
  // Some inputs are cut off while they are still being sent.
  socket.on('error', () => {});
  socket.on('data', (part) => { received += part.toString('latin1'); });
  const patience = setTimeout(() => {
    received += 'nothing more came in time\r\n\r\n';
    socket.destroy();
  }, MAX_WAIT_MS);
  for (const part of send) {
    if (part === 'end') socket.end();
    else if (part === 'reset') socket.resetAndDestroy();
    else if (part === 'wait') await closed;
    else if (typeof part === 'number') await sleep(part);
    else if (!socket.destroyed) socket.write(part);
  }
  while (!socket.destroyed && parse(received).length < answers.length) await sleep(20);
  // An answer too many comes at once, if it comes.
  if (!socket.destroyed) await Promise.race([closed, sleep(200)]);
  clearTimeout(patience);
  socket.destroy();
  return parse(received);
}

function parse(received: string): Answer[] {
  const answers: Answer[] = [];
  for (let rest = received; rest !== '';) {
    const [, status, headers] = /^HTTP\/1\.1 (\d{3}) [\w -]+\r\n(.*?)\r\n\r\n/s.exec(rest) ?? [];
    if (!headers) return rest.includes('\r\n\r\n') ? [...answers, { status: Number.NaN, headers: '', body: rest, requestId: '' }] : answers;
    const start = rest.indexOf('\r\n\r\n') + 4;
    const length = Number(/^content-length: (\d+)$/im.exec(headers)?.[1] ?? 0);
    if (rest.length < start + length) return answers;
    const plain = headers.replaceAll('\r\n', '\n');
    answers.push({ status: Number(status), headers: plain, body: rest.slice(start, start + length), requestId: /^x-request-id: (.*)$/im.exec(plain)?.[1] ?? '' });
    rest = rest.slice(start + length);
  }
  return answers;
}
