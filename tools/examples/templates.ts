import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { ROOT, run } from './run';

/** A digest of each template. */
export type Digests = Record<string, string>;

const CDK = path.join(ROOT, 'node_modules', '.bin', 'cdk');

/** Copies a directory of `examples/`. */
export function copyExample(name: string, directory: string): void {
  fs.cpSync(path.join(ROOT, 'examples', name), directory, { recursive: true });
}

/** Synthesizes an installed example. */
export function synthesize(directory: string, environment: Record<string, string>): Digests {
  run(CDK, ['synth', '--quiet', '--strict', '--no-notices'], directory, environment);
  return digestsOf(path.join(directory, 'cdk.out'));
}

/** Without what names the language: CDKMetadata. */
function digestsOf(assembly: string): Digests {
  const templates = fs.readdirSync(assembly).filter((file) => file.endsWith('.template.json')).sort();
  return Object.fromEntries(templates.map((file) => {
    const template = JSON.parse(fs.readFileSync(path.join(assembly, file), 'utf8'));
    delete template.Resources.CDKMetadata;
    return [file, createHash('sha256').update(JSON.stringify(template)).digest('hex')];
  }));
}

/** Names the templates that are different, or only in one. */
export function isEqual(reference: Digests, other: Digests): boolean {
  const files = [...new Set([...Object.keys(reference), ...Object.keys(other)])];
  const different = files.filter((file) => reference[file] !== other[file]);
  for (const file of different) { process.stderr.write(`${file} is not that of the example in TypeScript\n`); }
  return different.length === 0;
}
