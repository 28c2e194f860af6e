import { PRESETS } from '../src/preset';

/**
 * Prints the table of the presets in README.
 *
 *     npx tsx tools/presets-table.ts
 */
export function presetsAsMarkdown(): string {
  return [
    '| | `DEVELOPMENT` | `STANDARD` | `PRODUCTION` |',
    '|---|---|---|---|',
    ...Object.values(PRESETS).map(([title, ...values]) =>
      `| ${title} | ${values.map(show).join(' | ')} |`.replace(/ {2,}\|/g, ' |')),
  ].join('\n');
}

function show(value: unknown): string {
  if (value === false) { return ''; }
  return value === true ? 'yes' : String(value);
}

if (require.main === module) {
  process.stdout.write(presetsAsMarkdown() + '\n');
}
