/** Calls for each line of a stream. */
export function eachLine(stream: NodeJS.ReadableStream, handle: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('error', () => {});
  stream.on('data', (text: string) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop()!;
    lines.forEach(handle);
  });
  stream.on('end', () => { if (rest) { handle(rest); } });
}

/** Keeps the last lines of a log in an array, and hands each on. */
export function keepLast(lines: string[], handle: (line: string) => void): (line: string) => void {
  return (line) => {
    lines.push(line);
    if (lines.length > 20) { lines.shift(); }
    handle(line);
  };
}
