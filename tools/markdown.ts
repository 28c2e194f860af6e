/** A table in Markdown. @param numbers whether all columns but the first are aligned to the right */
export function markdownTable(head: string[], rows: string[][], numbers = false): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`.replace(/ {2,}\|/g, ' |');
  return [line(head), `|---|${(numbers ? '---:|' : '---|').repeat(head.length - 1)}`, ...rows.map(line)].join('\n');
}
