import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { CannotRun, NeedsEngine } from '../../cannot-run';
import { DockerImageSource } from '../../model';
import { matchesWildcards } from '../../patterns';

/*
 * Reads from a Dockerfile, without a build, which files its image contains and how it starts. This is possible where
 * the only stage does nothing but copy files onto a base image. All other images require a container engine.
 */

export interface Image {
  /** Name of the base image. */
  readonly base: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly user?: string;
  readonly entryPoint?: readonly string[];
  readonly command?: readonly string[];
  readonly stopSignal?: NodeJS.Signals;
  /** Copies the files of the image to a directory that represents its root. */
  layOut(root: string): void;
}

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

interface Copy {
  readonly sources: string[];
  readonly destination: string;
}

/** What the instructions read so far set. */
interface Stage {
  base: string;
  workingDirectory: string;
  user?: string;
  entryPoint?: string[];
  command?: string[];
  stopSignal?: NodeJS.Signals;
  readonly arguments: Record<string, string>;
  readonly environment: Record<string, string>;
  readonly copies: Copy[];
}

/** Instructions with no effect on the files and the command; ECS ignores HEALTHCHECK. */
const IGNORED_INSTRUCTIONS = ['EXPOSE', 'LABEL', 'MAINTAINER', 'VOLUME', 'HEALTHCHECK'];

/** Syntax that is rare, and that only a builder reads correctly. */
const UNSUPPORTED = [
  { pattern: /^\s*#\s*escape\s*=/im, reason: 'sets another escape character' },
  { pattern: /^\s*(RUN|COPY|ADD)\b.*<<-?["']?\w/im, reason: 'has a here-document' },
  { pattern: /\$\{\w+(?!:-|\}|\w)/, reason: 'replaces a variable by another form than ${NAME} and ${NAME:-default}' },
  { pattern: /^\s*(COPY|ADD)\b.*\[(?!\s*["'])/im, reason: 'copies files by a character class' },
];

/** Creates the error for an image that requires a container engine. */
type EngineError = (reason: string) => NeedsEngine;

export function readImage(service: string, source: DockerImageSource): Image {
  const { directory, dockerFile = 'Dockerfile' } = source;
  const needsEngine: EngineError = (reason) =>
    new NeedsEngine(`the image of service ${service} requires a container engine, because ${reason}`);
  if (!directory) { throw needsEngine('a command builds it'); }
  if (!fs.existsSync(directory)) {
    throw new CannotRun(`the image of service ${service} is built from ${directory}, which does not exist;`
      + ' run `cdk synth` again');
  }
  const file = path.join(directory, dockerFile);
  if (!fs.existsSync(file)) {
    throw new CannotRun(`the image of service ${service} has no ${dockerFile} in ${directory}`);
  }

  const text = fs.readFileSync(file, 'utf8');
  const unsupported = UNSUPPORTED.find(({ pattern }) => pattern.test(text));
  if (unsupported) { throw needsEngine(`its ${dockerFile} ${unsupported.reason}`); }
  const instructions = readDockerfile(text);
  if (!instructions.some(({ name }) => name === 'FROM')) {
    throw new CannotRun(`the image of service ${service} cannot be built: its ${dockerFile} has no instruction FROM`);
  }
  const stages = instructions.filter(({ name }) => name === 'FROM').length;
  if (stages > 1) { throw needsEngine(`its ${dockerFile} has ${stages} stages`); }

  const stage: Stage = { base: '', workingDirectory: '/', arguments: {}, environment: {}, copies: [] };
  for (const instruction of instructions) {
    apply(instruction, stage, source, (reason) => needsEngine(`its ${dockerFile} ${reason}`));
  }
  return {
    ...stage,
    layOut: (root) => {
      fs.mkdirSync(path.join(root, stage.workingDirectory), { recursive: true });
      stage.copies.forEach((copy) => copyInto(root, directory, copy, needsEngine));
    },
  };
}

function apply(instruction: Instruction, stage: Stage, source: DockerImageSource, needsEngine: EngineError): void {
  const { name, rest } = instruction;
  const text = expand(rest, { ...stage.arguments, ...stage.environment });
  switch (name) {
    case 'FROM':
      stage.base = text.split(/\s+/).find((word) => !word.startsWith('--')) ?? '';
      break;
    case 'ARG': {
      const [variable, value = ''] = splitOnce(text, '=');
      stage.arguments[variable] = source.dockerBuildArgs?.[variable] ?? unquote(value);
      break;
    }
    case 'ENV':
      Object.assign(stage.environment, readVariables(text));
      break;
    case 'WORKDIR':
      stage.workingDirectory = path.posix.resolve(stage.workingDirectory, unquote(text));
      break;
    case 'USER':
      stage.user = unquote(text);
      break;
    case 'ENTRYPOINT':
      stage.entryPoint = readCommand(rest);
      break;
    case 'CMD':
      stage.command = readCommand(rest);
      break;
    case 'STOPSIGNAL':
      stage.stopSignal = readSignal(text);
      if (!stage.stopSignal) { throw needsEngine(`contains STOPSIGNAL ${text}, which Node.js cannot send`); }
      break;
    case 'COPY':
    case 'ADD':
      stage.copies.push(readCopy({ name, rest: text }, stage.workingDirectory, needsEngine));
      break;
    default:
      if (!IGNORED_INSTRUCTIONS.includes(name)) { throw needsEngine(`contains ${name} ${rest}`); }
  }
}

function readCopy({ name, rest }: Instruction, workingDirectory: string, needsEngine: EngineError): Copy {
  const words = readWords(rest);
  const flags = words.filter((word) => word.startsWith('--'));
  const sources = words.slice(flags.length);
  const unsupported = flags.find((flag) => !/^--(chown|chmod|link)\b/.test(flag));
  if (unsupported) { throw needsEngine(`contains ${name} ${unsupported}`); }
  if (name === 'ADD' && sources.some((source) => /^(https?:|git@)|\.(tar|tgz|gz|bz2|xz|zst)\b/.test(source))) {
    throw needsEngine(`contains ADD ${rest}`);
  }
  const destination = sources.pop() ?? '.';
  return { sources, destination: inImage(destination, workingDirectory) };
}

/** `COPY` copies the contents of a directory, or files; into a directory if the destination ends with a slash. */
function copyInto(root: string, directory: string, { sources, destination }: Copy, needsEngine: EngineError): void {
  const matches = sources.flatMap((source) => {
    const files = glob(directory, source);
    if (files.length === 0) { throw new CannotRun(`the Dockerfile copies ${source}, which is not in ${directory}`); }
    return files;
  });
  const intoDirectory = destination.endsWith('/') || matches.length > 1;
  for (const source of matches) {
    const target = path.join(root, destination);
    const isDirectory = fs.statSync(source).isDirectory();
    if (!isDirectory && !intoDirectory && fs.existsSync(target) && fs.statSync(target).isDirectory()) {
      throw needsEngine(`it copies the file ${path.basename(source)} over the directory ${destination}`);
    }
    const to = !isDirectory && intoDirectory ? path.join(target, path.basename(source)) : target;
    if (leavesRoot(root, to)) { throw needsEngine(`it copies ${path.basename(source)} through a symbolic link`); }
    fs.mkdirSync(path.dirname(to), { recursive: true });
    try {
      fs.cpSync(source, to, { recursive: true, verbatimSymlinks: true, mode: fs.constants.COPYFILE_FICLONE });
    } catch (error) {
      throw needsEngine(`Node.js cannot copy its files: ${(error as Error).message}`);
    }
  }
}

/** Whether a path leads out of the image's root filesystem, by a symbolic link that was copied before. */
export function leavesRoot(root: string, target: string): boolean {
  let existing = target;
  while (!fs.lstatSync(existing, { throwIfNoEntry: false })) { existing = path.dirname(existing); }
  const relative = fs.existsSync(existing) ? path.relative(fs.realpathSync(root), fs.realpathSync(existing)) : '..';
  return relative.startsWith('..') || path.isAbsolute(relative);
}

/** The files and directories that match a source of `COPY`; `*` and `?` do not match a slash. */
function glob(directory: string, source: string): string[] {
  let matches = [directory];
  for (const step of path.posix.normalize(source).split('/').filter((part) => part !== '' && part !== '.')) {
    matches = matches
      .filter((parent) => fs.statSync(parent).isDirectory())
      .flatMap((parent) => fs.readdirSync(parent)
        .filter((entry) => matchesWildcards(step, entry))
        .map((entry) => path.join(parent, entry)));
  }
  return matches;
}

function inImage(destination: string, workingDirectory: string): string {
  const resolved = path.posix.resolve(workingDirectory, destination);
  const isDirectory = /(^|\/)\.?$/.test(destination);
  return isDirectory && resolved !== '/' ? `${resolved}/` : resolved;
}

function readDockerfile(text: string): Instruction[] {
  return text
    .split(/\r?\n/)
    // Comments are allowed between the lines of an instruction.
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replace(/\\[ \t]*\n/g, ' ')
    .split('\n')
    .map((line) => {
      const [name, rest = ''] = splitOnce(line.trim(), /\s+/);
      return { name: name.toUpperCase(), rest: rest.trim() };
    });
}

/** `["node", "server.js"]`, or a shell command. */
function readCommand(text: string): string[] {
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed)) { return parsed.map(String); }
  } catch {
    // Docker runs everything that is not JSON in a shell.
  }
  return ['/bin/sh', '-c', text];
}

/** `NAME=value NAME="va lue"`, or the legacy form `NAME va lue`. */
function readVariables(text: string): Record<string, string> {
  if (!/^[^\s=]+=/.test(text)) {
    const [name, value = ''] = splitOnce(text, /\s+/);
    return { [name]: value };
  }
  return Object.fromEntries(readWords(text).map((word) => {
    const [name, value = ''] = splitOnce(word, '=');
    return [name, value];
  }));
}

/** The words of `COPY` and `ENV`: a JSON array, or separated by spaces, with quotes. */
function readWords(text: string): string[] {
  if (text.startsWith('[')) { return readCommand(text); }
  return (text.match(/(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])+/g) ?? []).map(unquote);
}

function unquote(text: string): string {
  const quoted = /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/g;
  return text.replace(quoted, (_, double?: string, single?: string, escaped?: string) =>
    double?.replace(/\\(.)/g, '$1') ?? single ?? escaped ?? '');
}

/** Replaces `$NAME`, `${NAME}` and `${NAME:-default}`. */
function expand(text: string, variables: Readonly<Record<string, string>>): string {
  const reference = /\\\$|\$(?:(\w+)|\{(\w+)(?::-([^}]*))?\})/g;
  return text.replace(reference, (match, plain?: string, braced?: string, fallback?: string) =>
    match === '\\$' ? '$' : variables[plain ?? braced ?? ''] || (fallback ?? ''));
}

/** The texts before and after the first separator. */
function splitOnce(text: string, separator: string | RegExp): [string, string?] {
  const [match] = typeof separator === 'string' ? [separator] : separator.exec(text) ?? [''];
  const index = match === '' ? -1 : text.indexOf(match);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + match.length)];
}

/** By name, with or without SIG, or by number. */
function readSignal(text: string): NodeJS.Signals | undefined {
  const wanted = text.toUpperCase();
  const signals = Object.entries(os.constants.signals) as Array<[NodeJS.Signals, number]>;
  return signals.find(([name, number]) => [name, name.slice('SIG'.length), String(number)].includes(wanted))?.[0];
}
