import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { markdownTable } from '../markdown';
import { artifactOf, buildArtifacts } from './artifacts';
import { readErrors } from './errors';
import { LANGUAGES, Language, npxCommand } from './languages';
import { run } from './run';
import { compileSnippets } from './snippets';

/**
 * Builds the package for each language, installs it in a copy of the example of that language, synthesizes the example,
 * compares its templates with those of the TypeScript example, and rehearses the default service.
 *
 *     npx projen examples [LANGUAGE...]
 */

const COLUMNS = ['language', 'artifact', 'installed from', 'snippets', 'errors', 'templates', 'rehearsal'] as const;
type Row = Record<typeof COLUMNS[number], string>;

const ROOT = path.join(__dirname, '..', '..');
const CDK = path.join(ROOT, 'node_modules', '.bin', 'cdk');
/** It is compared with the other languages, so it always runs, and first. */
const REFERENCE = 'typescript';
const FAILED = 'failed';

async function main(): Promise<void> {
  const wanted = languages(process.argv.slice(2));
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hello-fargate-service-examples-'));
  try {
    buildArtifacts(wanted);
    const rows = new Array<Row>();
    const digests = new Map<string, Record<string, string>>();
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

function tryOut(language: Language, directory: string, digests: Map<string, Record<string, string>>): Row {
  const missing = language.missing();
  const row = Object.fromEntries(COLUMNS.map((column) => [column, missing ? 'skipped' : FAILED])) as Row;
  Object.assign(row, { language: language.name, artifact: artifactOf(language) });
  if (missing) { return { ...row, 'installed from': missing }; }
  try {
    fs.cpSync(path.join(ROOT, 'examples', language.name), directory, { recursive: true });
    row['installed from'] = language.install(directory);
    row.snippets = language.snippets ? compileSnippets(language.snippets, directory) : 'as written';
    row.errors = language.invalid ? readErrors(language.invalid, directory) : 'as written';
    const environment = language.environment?.(directory) ?? {};
    run(CDK, ['synth', '--quiet', '--strict', '--no-notices'], directory, environment);
    digests.set(language.name, digestsOf(path.join(directory, 'cdk.out')));
    row.templates = difference(digests.get(REFERENCE) ?? {}, digests.get(language.name)!);
    const [command, ...args] = language.command ?? npxCommand(directory);
    run(command, [...args, 'rehearse', '--service', 'Hello/Hello', '--once'], directory, environment);
    row.rehearsal = 'passed';
  } catch (error) {
    process.stderr.write(`${language.name}: ${error instanceof Error ? error.message : String(error)}\n`);
  }
  return row;
}

/** A digest of each template, without what names the language: CDKMetadata. */
function digestsOf(assembly: string): Record<string, string> {
  const templates = fs.readdirSync(assembly).filter((file) => file.endsWith('.template.json')).sort();
  return Object.fromEntries(templates.map((file) => {
    const template = JSON.parse(fs.readFileSync(path.join(assembly, file), 'utf8'));
    delete template.Resources.CDKMetadata;
    return [file, createHash('sha256').update(JSON.stringify(template)).digest('hex')];
  }));
}

function difference(reference: Record<string, string>, other: Record<string, string>): string {
  const files = [...new Set([...Object.keys(reference), ...Object.keys(other)])];
  const different = files.filter((file) => reference[file] !== other[file]);
  for (const file of different) { process.stderr.write(`${file} is not that of ${REFERENCE}\n`); }
  return different.length === 0 ? 'equal' : FAILED;
}

function asTable(rows: Row[]): string {
  return markdownTable([...COLUMNS], rows.map((row) => COLUMNS.map((column) => row[column])));
}

void main();
