import * as fs from 'node:fs';
import * as path from 'node:path';
import { templateOf } from './support/synth';
import { pathOf, readBlock } from '../tools/generated-blocks';
import { DOCUMENTS, PICTURES } from '../tools/update-tables';

const README = fs.readFileSync(path.join(__dirname, '..', 'README.md'), 'utf8');

test.each(Object.entries(DOCUMENTS).filter(([document]) => document !== 'SECURITY.md'))(
  'the tables in %s are current; `npx projen tables` writes them',
  (document, tables) => {
    for (const [marker, table] of Object.entries(tables())) { expect(readBlock(document, marker)).toBe(table); }
  },
);

test.each(Object.entries(PICTURES))('%s is current; `npx projen tables` draws it', (file, draw) => {
  expect(fs.readFileSync(pathOf(file), 'utf8')).toBe(draw());
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

  const scenarioTable = fs.readFileSync(path.join(__dirname, '..', 'docs', 'integ-tests.md'), 'utf8');
  expect(scenarios.length).toBeGreaterThan(0);
  for (const scenario of scenarios) {
    const row = new RegExp(`^\\| \`${scenario}\` \\|.+\\| (\\*never\\*|\\d{4}-\\d{2}-\\d{2} .+) \\|$`, 'm');
    expect(scenarioTable).toMatch(row);
  }
});
