import * as fs from 'node:fs';
import { CannotRun } from './cannot-run';
import { ServiceSpec } from './service';

/*
 * The values of secrets stand in AWS. Here they come from a file or from the environment of the command, and only those reach an
 * app that its task definition names.
 */

export function readSecrets(service: ServiceSpec, envFile?: string): { [name: string]: string } {
  const { secrets } = service.container;
  const available = { ...process.env, ...envFile === undefined ? {} : readEnvFile(envFile) };
  const missing = secrets.filter((name) => available[name] === undefined);
  if (missing.length > 0) {
    throw new CannotRun(`service ${service.name} gets ${missing.join(', ')} from AWS: give a value for this rehearsal`
      + ' in a file of NAME=value lines with --env-file, or in the environment');
  }
  return Object.fromEntries(secrets.map((name) => [name, available[name]!]));
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
