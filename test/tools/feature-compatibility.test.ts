import * as fs from 'node:fs';
import * as path from 'node:path';
import { compatibilityTable } from '../../tools/feature-compatibility';

test('the table "feature compatibility" in README is current', () => {
  const readme = fs.readFileSync(path.join(__dirname, '..', '..', 'README.md'), 'utf8');
  const [, table] = /<!-- goes-with -->\n([^]*?)\n<!-- \/goes-with -->/.exec(readme)!;

  expect(table).toBe(compatibilityTable());
});
