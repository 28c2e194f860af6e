import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { markdownTable } from '../markdown';
import { artifactOf, buildArtifacts } from './artifacts';
import { readErrors } from './errors';
import { LANGUAGES, Language, npxCommand } from './languages';
import { run } from './run';
import { compileSnippets } from './snippets';
import { copyExample, Digests, isEqual, synthesize } from './templates';

/**
 * Builds the package for each language, installs it in a copy of the example of that language, synthesizes the example,
 * compares its templates with those of the TypeScript example, and rehearses the default service.
 *
 *     npx projen examples [LANGUAGE...]
 */

const COLUMNS = ['language', 'artifact', 'installed from', 'snippets', 'errors', 'templates', 'rehearsal'] as const;
type Row = Record<typeof COLUMNS[number], string>;

/** It is compared with the other languages, so it always runs, and first. */
const REFERENCE = 'typescript';
const FAILED = 'failed';

async function main(): Promise<void> {
  const wanted = languages(process.argv.slice(2));
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hello-fargate-service-examples-'));
  try {
    buildArtifacts(wanted);
    const rows = new Array<Row>();
    const digests = new Map<string, Digests>();
    for (const language of wanted) {
      rows.push(tryOut(language, path.join(directory, language.name), digests));
    }
    process.stdout.write(`\n${asTable(rows)}\n`);
    process.exitCode = rows.some((row) => Object.values(row).includes(FAILED)) ? 1 : 0;
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

function languages(names: string[]): Language[] {
  const unknown = names.filter((name) => !LANGUAGES.some((language) => language.name === name));
  if (unknown.length > 0) {
    const known = LANGUAGES.map(({ name }) => name).join(', ');
    throw new Error(`no example in ${unknown.join(', ')}; there are examples in ${known}`);
  }
  return LANGUAGES.filter(({ name }) => names.length === 0 || name === REFERENCE || names.includes(name));
}

function tryOut(language: Language, directory: string, digests: Map<string, Digests>): Row {
  const missing = language.missing();
  const row = Object.fromEntries(COLUMNS.map((column) => [column, missing ? 'skipped' : FAILED])) as Row;
  Object.assign(row, { language: language.name, artifact: artifactOf(language) });
  if (missing) { return { ...row, 'installed from': missing }; }
  try {
    copyExample(language.name, directory);
    row['installed from'] = language.install(directory);
    row.snippets = language.snippets ? compileSnippets(language.snippets, directory) : 'as written';
    row.errors = language.invalid ? readErrors(language.invalid, directory) : 'as written';
    const environment = language.environment?.(directory) ?? {};
    const synthesized = synthesize(directory, environment);
    digests.set(language.name, synthesized);
    row.templates = isEqual(digests.get(REFERENCE) ?? {}, synthesized) ? 'equal' : FAILED;
    const [command, ...args] = language.command ?? npxCommand(directory);
    run(command, [...args, 'rehearse', '--service', 'Hello/Hello', '--once'], directory, environment);
    row.rehearsal = 'passed';
  } catch (error) {
    process.stderr.write(`${language.name}: ${error instanceof Error ? error.message : String(error)}\n`);
  }
  return row;
}

function asTable(rows: Row[]): string {
  return markdownTable([...COLUMNS], rows.map((row) => COLUMNS.map((column) => row[column])));
}

void main();
