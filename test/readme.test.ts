import * as fs from 'node:fs';
import * as path from 'node:path';
import { templateOf } from './support/synth';
import { tables } from '../tools/cost-tables';
import { presetsAsMarkdown } from '../tools/presets-table';

const README = fs.readFileSync(path.join(__dirname, '..', 'README.md'), 'utf8');

test.each(Object.entries(tables()))('the table %s is the output of `npx projen cost`', (marker, table) => {
  const [, printed] = new RegExp(`<!-- ${marker} -->\\n([^]*?)\\n<!-- /${marker} -->`).exec(README)!;

  expect(printed).toBe(table);
});

test('the table of the presets is current', () => {
  const [, table] = /<!-- presets -->\n([^]*?)\n<!-- \/presets -->/.exec(README)!;

  expect(table).toBe(presetsAsMarkdown());
});

test('the number of resources is the number in the template', () => {
  const types = Object.values<{ Type: string }>(templateOf().toJSON().Resources).map(({ Type }) => Type);
  const alarms = types.filter((type) => type === 'AWS::CloudWatch::Alarm').length;

  expect(README).toContain(`\n${types.length - alarms} resources and ${alarms} alarms, `);
});

test('each integ scenario has a row with the date of its last deployment', () => {
  const scenarios = fs.readdirSync(path.join(__dirname, '..', 'integ'))
    .filter((file) => /^integ\..*\.ts$/.test(file))
    .map((file) => path.basename(file, '.ts'));

  expect(scenarios.length).toBeGreaterThan(0);
  for (const scenario of scenarios) {
    expect(README).toMatch(new RegExp(`^\\| \`${scenario}\` \\|.+\\| (\\*never\\*|\\d{4}-\\d{2}-\\d{2} .+) \\|$`, 'm'));
  }
});
