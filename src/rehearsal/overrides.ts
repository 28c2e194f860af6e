import * as fs from 'node:fs';
import { parseEnv } from 'node:util';
import { CannotRun } from './cannot-run';
import { ContainerSpec, ServiceSpec } from './model';
import { knownOnlyInAws } from './templates/intrinsics';

/*
 * Container overrides: values of the user for environment variables and secrets, which may be in AWS only, and for
 * images. A container gets no variable that its task definition does not name, unless the user names the container.
 */

export interface OverrideOptions {
  /** NAME=VALUE for each container that has the variable, or CONTAINER:NAME=VALUE. */
  readonly env?: readonly string[];
  /** File of NAME=value lines, for variables that the task definitions name. */
  readonly envFile?: string;
  /** CONTAINER=REFERENCE: an image in place of the one in the task definition. */
  readonly image?: readonly string[];
}

interface Assignment {
  /** By default, each container that has the variable. */
  readonly container?: string;
  readonly name: string;
  readonly value: string;
}

/**
 * The services with the overrides of the user, and with the values of secrets in the environment of the command.
 *
 * @throws CannotRun if an override is for no container
 */
export function applyOverrides(
  services: readonly ServiceSpec[], { env = [], envFile, image = [] }: OverrideOptions,
): ServiceSpec[] {
  const assignments = env.map(readAssignment);
  const images = image.map(readImage);
  const file = envFile === undefined ? {} : readEnvFile(envFile);
  const containers = services.flatMap(({ container, sidecars }) => [container, ...sidecars]);
  assignments.forEach((assignment) => requireContainer(containers, assignment));
  images.forEach(({ container }) => requireName(containers, container, `--image ${container}`));
  const set = (container: ContainerSpec): ContainerSpec => {
    const replaced = images.find((candidate) => candidate.container === container.name);
    return {
      ...withValues(container, valuesFor(container, assignments, file)),
      ...replaced && { image: replaced.reference, asset: undefined },
    };
  };
  return services.map((service) => ({
    ...service, container: set(service.container), sidecars: service.sidecars.map(set),
  }));
}

/** Why a service cannot run without further values: the line to write, or undefined. */
export function missingValues({ container, registrations }: ServiceSpec): string | undefined {
  if (container.secrets.length > 0) {
    return `it gets ${container.secrets.join(', ')} from AWS; for this rehearsal, set ${envOptions(container.secrets)},`
      + ' a file of NAME=value lines with --from-env-file, or variables of the environment';
  }
  // A task that gets no requests does its work with resources of AWS, which it cannot reach without their names.
  if (registrations.some(({ port }) => port !== undefined)) { return undefined; }
  const names = unknownVariables(container.environment);
  return names.length === 0 ? undefined
    : `it has no ingress, and ${names.join(', ')} ${names.length === 1 ? 'has a value' : 'have values'} that only AWS`
      + ` knows, so it cannot do its work here; to run it all the same, set ${envOptions(names)}`;
}

/** The variables with values that only AWS knows. */
export function unknownVariables(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).filter(([, value]) => knownOnlyInAws(value).length > 0).map(([name]) => name);
}

/** The options of the command that set variables. */
export function envOptions(names: readonly string[]): string {
  return names.map((name) => `--env ${name}=VALUE`).join(' ');
}

function declares({ environment, secrets }: ContainerSpec, name: string): boolean {
  return name in environment || secrets.includes(name);
}

function valuesFor(
  container: ContainerSpec, assignments: readonly Assignment[], file: NodeJS.Dict<string>,
): NodeJS.Dict<string> {
  const names = [...Object.keys(container.environment), ...container.secrets];
  const fromCommand = container.secrets.map((name) => [name, process.env[name]] as const);
  const fromFile = names.map((name) => [name, file[name]] as const);
  const explicit = assignments
    .filter((assignment) => assignment.container === undefined
      ? declares(container, assignment.name)
      : assignment.container === container.name)
    .map(({ name, value }) => [name, value] as const);
  return Object.fromEntries([...fromCommand, ...fromFile, ...explicit].filter(([, value]) => value !== undefined));
}

function withValues(container: ContainerSpec, values: NodeJS.Dict<string>): ContainerSpec {
  const environment = { ...container.environment, ...values as Record<string, string> };
  const secrets = container.secrets.filter((name) => !(name in values));
  return { ...container, environment, secrets, overridden: Object.keys(values) };
}

/** The error has no value, which may be a secret. */
function readAssignment(text: string): Assignment {
  const [, container, name, value] = /^(?:([\w-]+):)?([A-Za-z_][\w.-]*)=([^]*)$/.exec(text) ?? [];
  if (name === undefined) {
    throw new CannotRun(`--env ${text.split('=')[0]} is not an assignment; write NAME=VALUE or CONTAINER:NAME=VALUE`);
  }
  return { container, name, value };
}

function readImage(text: string): { readonly container: string; readonly reference: string } {
  const [, container, reference] = /^([\w-]+)=(\S+)$/.exec(text) ?? [];
  if (container === undefined) {
    throw new CannotRun(`--image ${text} is not an assignment; write CONTAINER=REFERENCE`);
  }
  return { container, reference };
}

function requireContainer(containers: readonly ContainerSpec[], { container, name }: Assignment): void {
  if (container !== undefined) {
    requireName(containers, container, `--env ${container}:${name}`);
  } else if (!containers.some((candidate) => declares(candidate, name))) {
    throw new CannotRun(`no container has a variable ${name}: correct --env ${name}, or write --env CONTAINER:${name}=…`
      + ' to add it');
  }
}

function requireName(containers: readonly ContainerSpec[], name: string, option: string): void {
  if (containers.some((container) => container.name === name)) { return; }
  const names = [...new Set(containers.map((container) => container.name))];
  throw new CannotRun(`no container is called ${name}: correct ${option}, the containers are ${names.join(', ')}`);
}

function readEnvFile(file: string): NodeJS.Dict<string> {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new CannotRun(`--from-env-file ${file} cannot be read: ${(error as Error).message}`);
  }
  const line = firstInvalidLine(text);
  if (line !== undefined) {
    throw new CannotRun(`--from-env-file ${file}: line ${line} is not an assignment; write NAME=value`);
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
