import * as fs from 'node:fs';
import { parseEnv } from 'node:util';
import { CannotRun } from '../cannot-run';
import { ServiceSpec } from '../model';

/*
 * Secret values are stored in AWS. For a rehearsal they come from an env file or from the environment of the command.
 * A container gets only the secrets that its task definition names.
 */

export type SecretValues = Readonly<Record<string, string>>;

/**
 * The available secret values, by name.
 * @throws CannotRun with the names of all secrets of app containers that have no value
 */
export function readSecrets(services: readonly ServiceSpec[], envFile?: string): SecretValues {
  const available: NodeJS.Dict<string> = { ...process.env };
  if (envFile !== undefined) { Object.assign(available, readEnvFile(envFile)); }

  const missing = services
    .map(({ name, container }) => ({ name, secrets: container.secrets.filter((secret) => !(secret in available)) }))
    .filter(({ secrets }) => secrets.length > 0)
    .map(({ name, secrets }) => `service ${name} gets ${secrets.join(', ')} from AWS`);
  if (missing.length > 0) {
    throw new CannotRun(`${missing.join(', ')}; for this rehearsal, set values in a file of NAME=value lines`
      + ' with --env-file, or in the environment');
  }

  const values: Record<string, string> = {};
  const containers = services.flatMap(({ container, sidecars }) => [container, ...sidecars]);
  for (const name of containers.flatMap(({ secrets }) => secrets)) {
    const value = available[name];
    if (value !== undefined) { values[name] = value; }
  }
  return values;
}

function readEnvFile(file: string): NodeJS.Dict<string> {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new CannotRun(`--env-file ${file} cannot be read: ${(error as Error).message}`);
  }
  const line = firstInvalidLine(text);
  if (line !== undefined) {
    throw new CannotRun(`--env-file ${file}: line ${line} is not an assignment; write NAME=value`);
  }
  return parseEnv(text);
}

/**
 * `parseEnv` ignores a line that is not an assignment, or takes it for a part of the next name.
 * The error has only its number, because the line may contain a secret.
 */
function firstInvalidLine(text: string): number | undefined {
  // A quoted value may span lines: leave only its line breaks.
  const quoted = /^(\s*(?:export\s+)?[\w.-]+\s*=[ \t]*)(["'`])([^]*?)\2/gm;
  const lineBreaks = (_: string, name: string, _quote: string, value: string) => name + value.replace(/[^\n]/g, '');
  const index = text.replace(quoted, lineBreaks).split('\n')
    .findIndex((line) => !/^\s*(#|$|(export\s+)?[\w.-]+\s*=)/.test(line));
  return index < 0 ? undefined : index + 1;
}
