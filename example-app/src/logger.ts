import { Writable } from 'node:stream';
import pino, { Logger } from 'pino';

export type { Logger };

/** How much log is buffered while its reader stalls: 30 seconds at 1,000 requests per second, and little of 512 MiB. */
const MAX_HELD_CHARACTERS = 8 * 1024 * 1024;

/**
 * Writes log lines to stdout without waiting for the reader.
 *
 * - A synchronous write would block the app while the log driver is slow, so lines go through `process.stdout`, which
 *   queues what the pipe does not accept.
 * - `process.exit` discards that queue, so await `drain` first.
 * - The queue is bounded. When it is full, new lines are dropped and counted, the app keeps serving, and one line
 *   reports the number of dropped lines when the reader continues.
 */
export class LogStream {
  private batch = '';
  private dropped = 0;
  private full = false;

  constructor(private readonly out: Writable, private readonly maxHeld = MAX_HELD_CHARACTERS) {
    // The app keeps serving when the reader has closed the pipe (EPIPE).
    out.on('error', () => {});
    out.on('drain', () => {
      this.full = false;
      this.reportDropped();
    });
  }

  /** Called by pino with one line. All lines of an event loop iteration are written in one system call. */
  public write(line: string): void {
    if (this.full || this.out.writableLength + this.batch.length + line.length > this.maxHeld) {
      // Drops lines until the queue is empty, so that the log has one gap instead of many.
      this.full = this.out.writableNeedDrain;
      this.dropped += 1;
      return;
    }
    if (this.batch === '') { setImmediate(() => this.flush()); }
    this.batch += line;
  }

  /** Resolves when all lines are written, or after `timeoutMs` when the reader stalls. */
  public drain(timeoutMs: number): Promise<void> {
    this.reportDropped();
    return new Promise((resolve) => {
      setTimeout(resolve, timeoutMs);
      this.flush(() => resolve());
    });
  }

  private flush(done?: () => void): void {
    const lines = this.batch;
    this.batch = '';
    if (lines !== '' || done) { this.out.write(lines, done); }
  }

  private reportDropped(): void {
    if (this.dropped === 0) { return; }
    const entry = {
      level: 'WARN',
      timestamp: new Date().toISOString(),
      dropped: this.dropped,
      message: 'log lines were dropped because their reader stalled',
    };
    this.dropped = 0;
    this.batch += `${JSON.stringify(entry)}\n`;
    this.flush();
  }
}

/** Creates a logger that writes one JSON object per line with the fields level, timestamp and message. */
export function createLogger(level: string, stream: pino.DestinationStream): Logger {
  return pino({
    level,
    messageKey: 'message',
    errorKey: 'error',
    // No process ID and host name: the name of the log stream identifies the task.
    base: undefined,
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label.toUpperCase() }) },
  }, stream);
}
