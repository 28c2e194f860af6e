import * as fs from 'node:fs';
import * as path from 'node:path';
import { templateOf } from './support/synth';
import { tables } from '../tools/cost-tables';
import { readBlock } from '../tools/generated-blocks';
import { presetsAsMarkdown } from '../tools/presets-table';

const README = fs.readFileSync(path.join(__dirname, '..', 'README.md'), 'utf8');

test.each(Object.entries({ ...tables(), presets: presetsAsMarkdown() }))(
  'the table "%s" in README is current; `npx projen tables` writes it',
  (marker, table) => {
    expect(readBlock('README.md', marker)).toBe(table);
  },
);

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
