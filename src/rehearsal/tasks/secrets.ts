import * as fs from 'node:fs';
import { CannotRun } from '../cannot-run';
import { ServiceSpec } from '../model';

/*
 * The values of secrets stand in AWS. Here they come from a file or from the environment of the command, and only those reach an
 * app that its task definition names.
 */

/** The values that there are, by name. @throws CannotRun with all names that the containers that serve want and have not */
export function readSecrets(services: readonly ServiceSpec[], envFile?: string): { [name: string]: string } {
  const available = { ...process.env, ...envFile === undefined ? {} : readEnvFile(envFile) };
  const missing = services
    .map(({ name, container }) => ({ name, names: container.secrets.filter((secret) => available[secret] === undefined) }))
    .filter(({ names }) => names.length > 0);
  if (missing.length > 0) {
    throw new CannotRun(`${missing.map(({ name, names }) => `service ${name} gets ${names.join(', ')} from AWS`).join(', ')}: give a value for this rehearsal`
      + ' in a file of NAME=value lines with --env-file, or in the environment');
  }
  const wanted = services.flatMap(({ container, sidecars }) => [container, ...sidecars]).flatMap(({ secrets }) => secrets);
  return Object.fromEntries(wanted.filter((name) => available[name] !== undefined).map((name) => [name, available[name]!]));
}

function readEnvFile(file: string): { [name: string]: string } {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new CannotRun(`--env-file ${file} cannot be read: ${(error as Error).message}`);
  }
  return Object.fromEntries(text.split(/\r?\n/)
    .map((line) => /^\s*(?:export\s+)?([\w.-]+)\s*=\s*(.*?)\s*$/.exec(line))
    .filter((match) => match !== null)
    .map(([, name, value]) => [name, value.replace(/^(["'])(.*)\1$/, '$2')]));
}
