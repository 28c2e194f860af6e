import { PRESETS } from '../src/preset';

/**
 * The table of the presets in README.
 *
 *     npx tsx tools/presets-table.ts
 */
export function presetsAsMarkdown(): string {
  const show = (value: unknown) => typeof value === 'boolean' ? value ? 'yes' : '' : String(value);
  return [
    '| | `DEVELOPMENT` | `STANDARD` | `PRODUCTION` |',
    '|---|---|---|---|',
    ...Object.values(PRESETS).map(([what, ...values]) => `| ${what} | ${values.map(show).join(' | ')} |`.replace(/ {2,}\|/g, ' |')),
  ].join('\n');
}

if (require.main === module) {
  process.stdout.write(presetsAsMarkdown() + '\n');
}
