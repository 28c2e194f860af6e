import { compatibilityTable } from '../../tools/feature-compatibility';
import { readBlock } from '../../tools/generated-blocks';

test('the table "feature-compatibility" in README is current; `npx projen tables` writes it', () => {
  expect(readBlock('README.md', 'feature-compatibility')).toBe(compatibilityTable());
});
