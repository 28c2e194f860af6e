import { compatibilityTable } from '../../tools/feature-compatibility';
import { readBlock } from '../../tools/generated-blocks';

test('the table "feature-compatibility" in docs/ingress.md is current; `npx projen tables` writes it', () => {
  expect(readBlock('docs/ingress.md', 'feature-compatibility')).toBe(compatibilityTable());
});
