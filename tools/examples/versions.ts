import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { buildArtifacts } from './artifacts';
import { Language, LANGUAGES, LanguageVersion } from './languages';
import { copyExample, Digests, isEqual, synthesize } from './templates';

/**
 * Synthesizes the example of each language with each version of the language on this machine.
 *
 * @param work a directory for the examples
 * @returns a row for each language: its name, and the versions that give the templates of the example in TypeScript
 */
export function tryVersions(work: string): string[][] {
  const [typescript, ...others] = LANGUAGES;
  const languages = others.filter((language) => language.versions);
  buildArtifacts([typescript, ...languages]);
  const reference = synthesizeWith(typescript, path.join(work, typescript.name));
  return languages.map((language) => {
    const versions = language.missing() ? [] : language.versions!();
    const results = versions.map((version, i) => {
      const directory = path.join(work, `${language.name}-${i}`);
      return `${numberOf(version)}${isEqualWith(language, version, directory, reference) ? '' : ' **failed**'}`;
    });
    const name = language.name[0].toUpperCase() + language.name.slice(1);
    return [name, results.join(', ') || 'not tried: no version was found'];
  });
}

function isEqualWith(language: Language, version: LanguageVersion, directory: string, reference: Digests): boolean {
  try {
    if (isEqual(reference, synthesizeWith(language, directory, version))) { return true; }
  } catch (error) {
    process.stderr.write(`${language.name}: ${error instanceof Error ? error.message : String(error)}\n`);
  }
  process.exitCode = 1;
  return false;
}

function synthesizeWith(language: Language, directory: string, version?: LanguageVersion): Digests {
  copyExample(language.name, directory);
  language.install(directory, version?.environment);
  return synthesize(directory, { ...version?.environment, ...language.environment?.(directory) });
}

/** The number in what a version prints, on one of its outputs. */
function numberOf({ environment, printed: [command, ...args] }: LanguageVersion): string {
  const { stdout, stderr } = spawnSync(command, args, { env: { ...process.env, ...environment }, encoding: 'utf8' });
  return /\d[\d.]*/.exec(stdout + stderr)![0];
}
