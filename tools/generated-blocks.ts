import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The generated part of a document is between `<!-- marker -->` and `<!-- /marker -->`. */
const block = (marker: string) => new RegExp(`(<!-- ${marker} -->\\n)([^]*?)(\\n<!-- /${marker} -->)`);

/** The path of a document in the root of the repository. */
export const pathOf = (document: string) => join(__dirname, '..', document);

/** The text of a generated block. Fails if the document has no such block. */
export function readBlock(document: string, marker: string): string {
  const found = block(marker).exec(readFileSync(pathOf(document), 'utf8'));
  if (!found) { throw new Error(`${document} has no block <!-- ${marker} -->`); }
  return found[2];
}

/** Writes a document with another text in one generated block. */
export function writeBlock(document: string, marker: string, content: string): void {
  const file = pathOf(document);
  writeFileSync(file, replaceBlock(readFileSync(file, 'utf8'), marker, content));
}

/** The text of a document with other texts in its generated blocks. Fails if the document has more or fewer blocks. */
export function replaceBlocks(text: string, blocks: Record<string, string>): string {
  const unknown = Array.from(text.matchAll(/^<!-- \/([\w-]+) -->$/gm), ([, marker]) => marker)
    .filter((marker) => !(marker in blocks));
  if (unknown.length > 0) { throw new Error(`nothing generates the block <!-- ${unknown[0]} -->`); }
  return Object.entries(blocks).reduce((result, [marker, content]) => replaceBlock(result, marker, content), text);
}

function replaceBlock(text: string, marker: string, content: string): string {
  if (!block(marker).test(text)) { throw new Error(`there is no block <!-- ${marker} -->`); }
  return text.replace(block(marker), (_all, begin: string, _old, end: string) => begin + content + end);
}
