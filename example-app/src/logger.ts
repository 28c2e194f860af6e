import { Writable } from 'node:stream';
import pino, { Logger } from 'pino';

export type { Logger };

/** How much log is held while its reader stalls: half a minute of 1,000 requests a second, and little beside 512 MiB. */
const MAX_HELD_CHARACTERS = 8 * 1024 * 1024;

/**
 * Where pino writes to: stdout, without ever waiting for who reads it.
 *
 * - A synchronous write would stop the whole app while the log driver is slow, so lines go through `process.stdout`, which
 *   queues what a pipe does not take.
 * - `process.exit` drops that queue, so whoever ends the process awaits `drain` first.
 * - The queue is bounded. When it is full, new lines are dropped and counted, the app goes on serving, and one
 *   line says how many are missing as soon as the reader is back.
 */
export class LogStream {
  private batch = '';
  private dropped = 0;
  private full = false;

  constructor(private readonly out: Writable, private readonly maxHeld = MAX_HELD_CHARACTERS) {
    // A reader that is gone for good (EPIPE) is no reason to stop serving.
    out.on('error', () => {});
    out.on('drain', () => {
      this.full = false;
      this.reportDropped();
    });
  }

  /** Called by pino with one line. Lines of one turn of the event loop leave together, in one system call. */
  public write(line: string): void {
    if (this.full || this.out.writableLength + this.batch.length + line.length > this.maxHeld) {
      // Stays so until the queue is empty: one gap, not many.
      this.full = this.out.writableNeedDrain;
      this.dropped += 1;
      return;
    }
    if (this.batch === '') setImmediate(() => this.flush());
    this.batch += line;
  }

  /** Resolves when every line is with the operating system, or after `timeoutMs` when nobody reads. */
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
    if (lines !== '' || done) this.out.write(lines, done);
  }

  private reportDropped(): void {
    if (this.dropped === 0) return;
    const entry = {
      level: 'WARN',
      timestamp: new Date().toISOString(),
      dropped: this.dropped,
      message: 'log lines were dropped: their reader stalled',
    };
    this.dropped = 0;
    this.batch += `${JSON.stringify(entry)}\n`;
    this.flush();
  }
}

/** One JSON object a line, in the words that CloudWatch Logs Insights users type: level, timestamp, message. */
export function createLogger(level: string, stream: pino.DestinationStream): Logger {
  return pino({
    level,
    messageKey: 'message',
    errorKey: 'error',
    // No pid and host name: the log stream's name says which task it was.
    base: undefined,
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label.toUpperCase() }) },
  }, stream);
}
