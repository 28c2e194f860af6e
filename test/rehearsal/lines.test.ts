import { PassThrough } from 'node:stream';
import { eachLine, keepLast } from '../../src/rehearsal/lines';

async function linesOf(...chunks: Array<string | Buffer>): Promise<string[]> {
  const stream = new PassThrough();
  const lines: string[] = [];
  eachLine(stream, (line) => lines.push(line));
  chunks.forEach((chunk) => stream.write(chunk));
  stream.end();
  await new Promise((resolve) => stream.on('close', resolve));
  return lines;
}

test('splits at line feeds, with or without carriage return, across chunks', async () => {
  expect(await linesOf('one\ntw', 'o\r', '\n\nthree\r\n')).toEqual(['one', 'two', '', 'three']);
});

test('keeps a last line without line feed', async () => {
  expect(await linesOf('one\ntwo')).toEqual(['one', 'two']);
});

test('keeps a lone carriage return and a line separator, which are no line ends in logs', async () => {
  expect(await linesOf('10 %\r20 %\n{"text":"a\u2028b"}\n')).toEqual(['10 %\r20 %', '{"text":"a\u2028b"}']);
});

test('decodes characters that are split across chunks', async () => {
  const bytes = Buffer.from('ü\n');
  expect(await linesOf(bytes.subarray(0, 1), bytes.subarray(1))).toEqual(['ü']);
});

test('splits a huge line, in linear time', async () => {
  const chunk = 'x'.repeat(64 * 1024);
  const lengths = (await linesOf(...Array<string>(1000).fill(chunk), 'end\n')).map(({ length }) => length);
  expect(lengths).toEqual([...Array(62).fill(1024 * 1024), 1000 * chunk.length - 62 * 1024 * 1024 + 3]);
});

test('ignores errors of the stream', async () => {
  const stream = new PassThrough();
  eachLine(stream, () => {});
  stream.destroy(new Error('EIO'));
  await new Promise((resolve) => stream.on('close', resolve));
});

test('keeps the last 20 lines', () => {
  const lines: string[] = [];
  const handle = keepLast(lines, () => {});
  for (let number = 1; number <= 25; number++) { handle(String(number)); }
  expect([lines[0], lines.at(-1), lines.length]).toEqual(['6', '25', 20]);
});
