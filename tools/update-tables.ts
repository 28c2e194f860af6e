import { readFileSync, writeFileSync } from 'node:fs';
import { costOfConfigurations, costOfTheDefault } from './cost-tables';
import { compatibilityTable } from './feature-compatibility';
import { pathOf, readBlock, replaceBlocks } from './generated-blocks';
import { drawDefaultService } from './picture';
import { presetsAsMarkdown } from './presets-table';
import { tables as securityTables } from './security';

/**
 * Writes the generated tables of README.md, docs/ and SECURITY.md, and the pictures.
 *
 *     npx projen tables
 */

/** The tables of each document by the name of their marker. */
export const DOCUMENTS: Record<string, () => Record<string, string>> = {
  // `npx projen compatibility --write` writes the versions.
  'README.md': () => ({
    ...costOfTheDefault(), presets: presetsAsMarkdown(), versions: readBlock('README.md', 'versions'),
  }),
  'docs/cost.md': costOfConfigurations,
  'docs/ingress.md': () => ({ 'feature-compatibility': compatibilityTable() }),
  'SECURITY.md': securityTables,
};

/** The pictures, by their files. */
export const PICTURES: Record<string, () => string> = { 'docs/images/default-service.svg': drawDefaultService };

if (require.main === module) {
  for (const [file, draw] of Object.entries(PICTURES)) { writeFileSync(pathOf(file), draw()); }
  for (const [document, tables] of Object.entries(DOCUMENTS)) {
    const old = readFileSync(pathOf(document), 'utf8');
    const text = replaceBlocks(old, tables());
    writeFileSync(pathOf(document), text);
    process.stdout.write(`${document}: ${text === old ? 'no changes' : 'updated'}\n`);
  }
}
