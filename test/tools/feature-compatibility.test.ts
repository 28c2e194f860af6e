import * as fs from 'fs';
import * as path from 'path';
import { goesWithAsMarkdown } from '../../tools/feature-compatibility';

test('README says what goes with which ingress, as each synthesises or is refused', () => {
  const readme = fs.readFileSync(path.join(__dirname, '..', '..', 'README.md'), 'utf8');
  const [, table] = /<!-- goes-with -->\n([^]*?)\n<!-- \/goes-with -->/.exec(readme)!;

  expect(table).toBe(goesWithAsMarkdown());
});
