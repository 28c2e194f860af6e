import * as fs from 'node:fs';
import * as path from 'node:path';
import { CannotRun, NeedsEngine } from '../../cannot-run';
import { DockerImageSource } from '../../model';

/*
 * What an image holds and how it starts, read from its Dockerfile without building it. That is possible where the last and only
 * stage does nothing but copy files onto a base image. Everything else, and every other runtime than Node, needs a container engine.
 */

export interface Image {
  /** The image that it starts from. */
  readonly base: string;
  readonly environment: { readonly [name: string]: string };
  readonly workingDirectory: string;
  readonly user?: string;
  readonly entryPoint?: readonly string[];
  readonly command?: readonly string[];
  readonly stopSignal?: NodeJS.Signals;
  /** Reproduces the files of the image below a directory that stands for its root. */
  layOut(root: string): void;
}

export function readImage(service: string, source: DockerImageSource): Image {
  const { directory, dockerFile = 'Dockerfile' } = source;
  const cannot = (what: string) => new NeedsEngine(`the image of service ${service} takes a container engine, because ${what}`);
  if (!directory) { throw cannot('it is built by a command of its own'); }
  if (!fs.existsSync(directory)) {
    throw new CannotRun(`the image of service ${service} is to be built from ${directory}, which is not there. Run \`cdk synth\` again`);
  }
  const file = path.join(directory, dockerFile);
  if (!fs.existsSync(file)) { throw new CannotRun(`the image of service ${service} has no ${dockerFile} in ${directory}`); }

  const instructions = readDockerfile(fs.readFileSync(file, 'utf8'));
  const stages = instructions.filter(({ name }) => name === 'FROM').length;
  if (stages > 1) { throw cannot(`its ${dockerFile} has ${stages} stages`); }

  const argument: { [name: string]: string } = {};
  const environment: { [name: string]: string } = {};
  const copies: Array<{ readonly sources: string[]; readonly destination: string }> = [];
  let base = '';
  let workingDirectory = '/';
  let user: string | undefined;
  let entryPoint: string[] | undefined;
  let command: string[] | undefined;
  let stopSignal: NodeJS.Signals | undefined;

  for (const { name, rest } of instructions) {
    const text = expand(rest, { ...argument, ...environment });
    switch (name) {
      case 'ARG': {
        const [variable, value = ''] = splitOnce(text, '=');
        argument[variable] = source.dockerBuildArgs?.[variable] ?? unquote(value);
        break;
      }
      case 'ENV':
        Object.assign(environment, readVariables(text));
        break;
      case 'WORKDIR':
        workingDirectory = path.posix.resolve(workingDirectory, unquote(text));
        break;
      case 'USER':
        user = unquote(text);
        break;
      case 'ENTRYPOINT':
        entryPoint = readCommand(rest);
        break;
      case 'CMD':
        command = readCommand(rest);
        break;
      case 'STOPSIGNAL':
        stopSignal = text as NodeJS.Signals;
        break;
      case 'COPY':
      case 'ADD': {
        const words = readWords(text);
        const flags = words.filter((word) => word.startsWith('--'));
        const paths = words.slice(flags.length);
        const unsupported = flags.find((flag) => !/^--(chown|chmod|link)\b/.test(flag));
        if (unsupported) { throw cannot(`its ${dockerFile} says ${name} ${unsupported}`); }
        if (paths.some((from) => from.startsWith('<<'))) { throw cannot(`its ${dockerFile} copies a here-document`); }
        if (name === 'ADD' && paths.some((from) => /^(https?:|git@)|\.(tar|tgz|gz|bz2|xz|zst)\b/.test(from))) {
          throw cannot(`its ${dockerFile} says ADD ${rest}`);
        }
        const destination = paths.pop() ?? '.';
        copies.push({ sources: paths, destination: inImage(destination, workingDirectory) });
        break;
      }
      case 'FROM':
        base = text.split(/\s+/).find((word) => !word.startsWith('--')) ?? '';
        break;
      case 'EXPOSE':
      case 'LABEL':
      case 'MAINTAINER':
      case 'VOLUME':
      case 'HEALTHCHECK': // ECS ignores it.
        break;
      default:
        throw cannot(`its ${dockerFile} says ${name} ${rest}`);
    }
  }

  return {
    base,
    environment,
    workingDirectory,
    user,
    entryPoint,
    command,
    stopSignal,
    layOut: (root) => {
      fs.mkdirSync(path.join(root, workingDirectory), { recursive: true });
      copies.forEach(({ sources, destination }) => copyInto(root, directory, sources, destination, cannot));
    },
  };
}

/** `COPY`: the contents of a directory, or files; into a directory when the destination ends with a slash. */
function copyInto(root: string, directory: string, sources: string[], destination: string, cannot: (what: string) => Error): void {
  const found = sources.flatMap((source) => {
    const matched = glob(directory, source);
    if (matched.length === 0) { throw new CannotRun(`the Dockerfile copies ${source}, which is not in ${directory}`); }
    return matched;
  });
  const intoDirectory = destination.endsWith('/') || found.length > 1;
  for (const source of found) {
    const target = path.join(root, destination);
    const isDirectory = fs.statSync(source).isDirectory();
    if (!isDirectory && !intoDirectory && fs.existsSync(target) && fs.statSync(target).isDirectory()) {
      throw cannot(`it copies the file ${path.basename(source)} over the directory ${destination}`);
    }
    const to = !isDirectory && intoDirectory ? path.join(target, path.basename(source)) : target;
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.cpSync(source, to, { recursive: true, verbatimSymlinks: true, mode: fs.constants.COPYFILE_FICLONE });
  }
}

/** The files and directories that a source of `COPY` names; `*` and `?` do not cross a slash. */
function glob(directory: string, source: string): string[] {
  let matched = [directory];
  for (const step of path.posix.normalize(source).split('/').filter((part) => part !== '' && part !== '.')) {
    const expression = new RegExp(`^${step.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.')}$`);
    matched = matched
      .filter((parent) => fs.statSync(parent).isDirectory())
      .flatMap((parent) => fs.readdirSync(parent).filter((entry) => expression.test(entry)).map((entry) => path.join(parent, entry)));
  }
  return matched;
}

function inImage(destination: string, workingDirectory: string): string {
  const resolved = path.posix.resolve(workingDirectory, destination);
  const isDirectory = /(^|\/)\.?$/.test(destination);
  return isDirectory && resolved !== '/' ? `${resolved}/` : resolved;
}

function readDockerfile(text: string): Array<{ readonly name: string; readonly rest: string }> {
  return text
    .split(/\r?\n/)
    // Comments may stand between the lines of one instruction.
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replace(/\\[ \t]*\n/g, ' ')
    .split('\n')
    .map((line) => {
      const [name, rest = ''] = splitOnce(line.trim(), /\s+/);
      return { name: name.toUpperCase(), rest: rest.trim() };
    });
}

/** `["node", "server.js"]`, or a line for a shell. */
function readCommand(text: string): string[] {
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed)) { return parsed.map(String); }
  } catch {
    // Docker takes what is not JSON for a line of a shell.
  }
  return ['/bin/sh', '-c', text];
}

/** `NAME=value NAME="va lue"`, or the old `NAME va lue`. */
function readVariables(text: string): { [name: string]: string } {
  if (!/^[^\s=]+=/.test(text)) {
    const [name, value = ''] = splitOnce(text, /\s+/);
    return { [name]: value };
  }
  return Object.fromEntries(readWords(text).map((word) => splitOnce(word, '=')).map(([name, value = '']) => [name, value]));
}

/** Words as `COPY` and `ENV` have them: in JSON, or separated by blanks, with quotes. */
function readWords(text: string): string[] {
  if (text.startsWith('[')) { return readCommand(text); }
  return (text.match(/(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])+/g) ?? []).map(unquote);
}

function unquote(text: string): string {
  return text.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/g, (_, double?: string, single?: string, escaped?: string) =>
    double?.replace(/\\(.)/g, '$1') ?? single ?? escaped ?? '');
}

/** `$NAME`, `${NAME}` and `${NAME:-default}`. */
function expand(text: string, variables: { readonly [name: string]: string }): string {
  return text.replace(/\\\$|\$(?:(\w+)|\{(\w+)(?::-([^}]*))?\})/g, (all, plain?: string, braced?: string, fallback?: string) =>
    all === '\\$' ? '$' : variables[plain ?? braced ?? ''] || (fallback ?? ''));
}

function splitOnce(text: string, separator: string | RegExp): [string, string?] {
  const at = typeof separator === 'string' ? text.indexOf(separator) : text.search(separator);
  if (at < 0) { return [text]; }
  const [length] = typeof separator === 'string' ? [separator.length] : [separator.exec(text)![0].length];
  return [text.slice(0, at), text.slice(at + length)];
}
