/** Number of last log lines that are kept of a task. */
const KEPT_LINES = 20;

/** Limits the memory that a log without line feeds takes. CloudWatch Logs splits such lines too. */
const MAX_LINE_LENGTH = 1024 * 1024;

/**
 * Calls `handle` for each line of a stream. Container engines split logs at line feeds only; `node:readline` also
 * splits at other characters.
 */
export function eachLine(stream: NodeJS.ReadableStream, handle: (line: string) => void): void {
  let rest = '';
  const handleRest = () => handle(rest.endsWith('\r') ? rest.slice(0, -1) : rest);
  stream.setEncoding('utf8');
  stream.on('error', () => {});
  stream.on('data', (text: string) => {
    // Only new text is searched, so that a huge line takes linear time.
    const [continuation, ...lines] = text.split('\n');
    rest += continuation;
    for (const line of lines) {
      handleRest();
      rest = line;
    }
    while (rest.length >= MAX_LINE_LENGTH) {
      handle(rest.slice(0, MAX_LINE_LENGTH));
      rest = rest.slice(MAX_LINE_LENGTH);
    }
  });
  stream.on('end', () => { if (rest) { handleRest(); } });
}

/** Keeps the last lines of a log in an array, and passes each line on. */
export function keepLast(lines: string[], handle: (line: string) => void): (line: string) => void {
  return (line) => {
    lines.push(line);
    if (lines.length > KEPT_LINES) { lines.shift(); }
    handle(line);
  };
}
