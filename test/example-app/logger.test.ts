import { Writable } from 'node:stream';
import { createLogger, LogStream } from '../../example-app/src/logger';

/** A reader that can stall. */
class Reader extends Writable {
  public text = '';
  private stalled?: () => void;

  public constructor(public isStalled = false) {
    super({ decodeStrings: false, highWaterMark: 16 });
  }

  public _write(chunk: string, _encoding: string, done: () => void) {
    this.text += chunk;
    if (this.isStalled) { this.stalled = done; } else { done(); }
  }

  public resume() {
    this.isStalled = false;
    this.stalled?.();
  }

  public get lines() {
    return this.text.split('\n').slice(0, -1);
  }
}

test('writes all lines of an event loop iteration at once', async () => {
  const reader = new Reader();
  const write = jest.spyOn(reader, '_write');
  const stream = new LogStream(reader);
  for (let i = 0; i < 100; i++) { stream.write(`${i}\n`); }
  await stream.drain(1_000);
  expect(reader.lines).toHaveLength(100);
  expect(write).toHaveBeenCalledTimes(1);
});

test('delivers all lines in order after the reader stalled', async () => {
  const reader = new Reader(true);
  const stream = new LogStream(reader);
  for (let i = 0; i < 100; i++) {
    stream.write(`${i}\n`);
    await new Promise(setImmediate);
  }
  reader.resume();
  await stream.drain(1_000);
  expect(reader.lines).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
});

test('limits the buffer for a stalled reader, and logs the number of dropped lines', async () => {
  const reader = new Reader(true);
  const stream = new LogStream(reader, 100);
  for (let i = 0; i < 100; i++) {
    stream.write(`${i}-9\n`.padStart(10));
    await new Promise(setImmediate);
    expect(reader.writableLength).toBeLessThanOrEqual(100);
  }
  reader.resume();
  await new Promise(setImmediate);
  stream.write('after\n');
  await stream.drain(1_000);
  expect(reader.lines).toHaveLength(12);
  expect(JSON.parse(reader.lines[10])).toEqual({
    level: 'WARN',
    timestamp: expect.any(String),
    dropped: 90,
    message: expect.stringContaining('dropped'),
  });
  expect(reader.lines[11]).toBe('after');
});

test('stops draining at the timeout while the reader stalls', async () => {
  const stream = new LogStream(new Reader(true));
  stream.write('x\n');
  await stream.drain(1);
});

test('does not crash when the reader closes the pipe', async () => {
  const reader = new Reader();
  const stream = new LogStream(reader);
  reader.destroy(new Error('EPIPE'));
  await new Promise(setImmediate);
  stream.write('x\n');
  await stream.drain(1_000);
  stream.write('y\n');
  await stream.drain(1_000);
});

test('logs level name, ISO timestamp and message, without process ID and host name', () => {
  const lines: string[] = [];
  const logger = createLogger('info', { write: (line) => lines.push(line) });
  logger.debug('below the level');
  logger.error(new TypeError('broken'), 'it broke');
  expect(lines.map((line) => JSON.parse(line))).toEqual([{
    level: 'ERROR',
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    error: { type: 'TypeError', message: 'broken', stack: expect.any(String) },
    message: 'it broke',
  }]);
});
