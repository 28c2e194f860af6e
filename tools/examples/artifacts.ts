import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Language } from './languages';
import { ROOT, run } from './run';
import { compileLibrary, compileSnippets } from '../../test/support/compile';

export const DIST = path.join(ROOT, 'dist');

/** Compiles the package, translates its snippets, and packages it for each language. */
export function buildArtifacts(languages: readonly Language[]): void {
  compileLibrary();
  compileSnippets();
  for (const language of languages) {
    fs.rmSync(path.join(DIST, language.target), { recursive: true, force: true });
    const unpacked = language.missing() !== undefined;
    run('npx', ['projen', `package:${language.target}`, ...unpacked ? ['--code-only'] : []], ROOT);
  }
}

/** Finds the only file of a language's package whose name ends so. */
export function artifactFile(target: string, ending: string): string {
  const directory = path.join(DIST, target);
  const files = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const found = files.filter((file) => file.endsWith(ending) && !/-(javadoc|sources)\./.test(file));
  if (found.length !== 1) { throw new Error(`dist/${target} has ${found.length} files that end in ${ending}`); }
  return path.join(directory, found[0]);
}

/** The name and size of a language's package. */
export function artifactOf({ target, ending }: Language): string {
  const file = artifactFile(target, ending);
  const directory = path.dirname(file);
  // A Go module or C# project is a directory.
  if (!/\.(tgz|whl|jar)$/.test(ending)) { return `${path.basename(directory)}/, ${megabytes(sizeOf(directory))}`; }
  return `${path.basename(file)}, ${megabytes(fs.statSync(file).size)}`;
}

function sizeOf(directory: string): number {
  return fs.readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((total, entry) => total + fs.statSync(path.join(entry.parentPath, entry.name)).size, 0);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
