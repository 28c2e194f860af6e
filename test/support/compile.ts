import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

const ROOT = path.join(__dirname, '..', '..');
const SOURCES = [
  'package.json', 'package-lock.json', 'tsconfig.json', 'README.md', 'rosetta', 'src', 'example-app',
  'tools/copy-programs.ts', 'tools/go-snippets.ts',
];
/** The last step of a compilation copies it, after a step without errors; jsii writes `.jsii` in any case. */
const COMPILED = 'lib/rehearsal/tasks/node/task-network.cjs';

/** Compiles the library, unless it is newer than its sources. */
export function compileLibrary(): void {
  runUnlessNewer(COMPILED, 'compile', SOURCES);
}

/** Compiles the snippets of README and of the docstrings, and translates them, unless that was done since. */
export function compileSnippets(): void {
  runUnlessNewer('dist/snippets.tabl.json', 'snippets', [...SOURCES, COMPILED]);
}

function runUnlessNewer(result: string, task: string, sources: string[]): void {
  const file = path.join(ROOT, result);
  const changed = Math.max(...sources.map((source) => newestIn(path.join(ROOT, source))));
  if (fs.existsSync(file) && changed < fs.statSync(file).mtimeMs) { return; }
  const { status, stdout, stderr } = spawnSync('npx', ['projen', task], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) { throw new Error(stdout + stderr); }
}

/** When the newest file was changed. */
function newestIn(file: string): number {
  const stats = fs.statSync(file);
  if (!stats.isDirectory()) { return stats.mtimeMs; }
  return Math.max(...fs.readdirSync(file).map((entry) => newestIn(path.join(file, entry))));
}
