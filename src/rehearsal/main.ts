import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { CannotRun, Interrupted } from './cannot-run';
import { RehearseOptions } from './context';
import { rehearseIntegTests } from './integ';
import { rehearse } from './rehearse';
import { renderJUnit } from './report/junit';
import { renderPage } from './report/page';
import {
  NamedDocument, Report, ReportDocument, ReportOptions, SKIPPABLE_CHECKS, SkippableCheck,
} from './report/report';

const HELP = `Usage: hello-fargate-service rehearse [cdk.out] [options]

A local end-to-end test of what was synthesized, before anything is deployed: starts each task as its task definition
declares, runs the health checks of its target group, puts an emulator of the load balancer in front, and runs the
assertions of the app's integ tests. Run \`cdk synth\` first.

  --integ DIR        rehearse each integ test of a directory (integ.NAME.ts or .js) instead of an assembly: synthesize
                     it with the command in integ.config.json, run its assertions, and exit after the result
  --once             exit after the result; by default, the service keeps running until Ctrl-C
  --watch            synthesize the app of this directory with the command in its cdk.json, and again when a file
                     changes: the new version replaces the old one, as in a deployment, under light load
  --logs             print the logs of the tasks during the checks; by default, only those of a task that fails a check
  --service NAME     rehearse only this service: its construct path or a part of it, its logical ID, or its stack
  --engine NAME      what runs the containers: node, docker or podman (default: node if the image only copies files and
                     starts Node.js, otherwise CDK_DOCKER, docker or podman)
  --quick            skip the checks that replace tasks under load
  --skip CHECK       report a check as skipped, by the ID that --json prints; may be repeated
  --strict           warnings are failures: the app runs as root, or its logs are not JSON
  --json             print the result as JSON to stdout and everything else to stderr; exit after the result
  --report FILE      write the result as an HTML page: what was run, the checks, a timeline
  --junit FILE       write the result as JUnit XML, for CI
  --port N           port of the load balancer emulator (default: any free port)
  --env NAME=VALUE   value of an environment variable or secret in each container that has it; CONTAINER:NAME=VALUE sets
                     it in one container, also if it does not have it; may be repeated
  --from-env-file FILE
                     values of variables and secrets, as NAME=value lines (default for secrets: the environment)
  --image CONTAINER=REFERENCE
                     an image in place of the one in the task definition; may be repeated
  --aws-profile NAME the tasks get the credentials of this AWS profile, as from a task role (default: none); not in
                     containers
  -h, --help         print this help
  --version          print the version of hello-fargate-service

Exit codes: 0 no check failed, 1 a check failed, 2 the rehearsal could not run. With --integ, 1 takes precedence over 2.
A check that cannot be made on this machine is skipped: it neither passes nor fails.
`;

const OPTIONS = {
  'once': { type: 'boolean' },
  'watch': { type: 'boolean' },
  'logs': { type: 'boolean' },
  'quick': { type: 'boolean' },
  'skip': { type: 'string', multiple: true },
  'strict': { type: 'boolean' },
  'json': { type: 'boolean' },
  'report': { type: 'string' },
  'junit': { type: 'string' },
  'integ': { type: 'string' },
  'service': { type: 'string' },
  'engine': { type: 'string' },
  'port': { type: 'string' },
  'env': { type: 'string', multiple: true },
  // Node.js takes --env-file for itself, wherever it is.
  'from-env-file': { type: 'string' },
  'image': { type: 'string', multiple: true },
  'aws-profile': { type: 'string' },
  'help': { type: 'boolean', short: 'h' },
  'version': { type: 'boolean' },
} as const;

/** How long an interrupted rehearsal without a result may take to end. */
const STOP_WITHIN_MS = 1500;

/** What the user wrote cannot be meant. */
class UsageError extends CannotRun {}

interface Arguments extends RehearseOptions, ReportOptions {
  /** Directory of integ tests. */
  readonly integ?: string;
  readonly json: boolean;
  /** Files to write. */
  readonly report?: string;
  readonly junit?: string;
}

/** Runs the command, and sets the exit code of the process. */
export async function main(args: readonly string[] = process.argv.slice(2)): Promise<void> {
  const interrupted = new AbortController();
  let report: Report | undefined;
  const interrupt = () => {
    // What is left is removed on exit.
    const exit = () => process.exit(exitCodeOf(report?.passed));
    // A second interrupt ends the process at once.
    if (interrupted.signal.aborted) { exit(); }
    interrupted.abort();
    // After the result, the tasks are stopped as in ECS, which may take until their stop timeout.
    if (report?.passed === undefined) {
      process.stderr.write('\nstopping …\n');
      setTimeout(() => {
        printError(new Interrupted());
        exit();
      }, STOP_WITHIN_MS).unref();
    }
  };
  process.on('uncaughtException', (error) => {
    printError(error);
    process.exit();
  });
  // The reader of a pipe has exited, as in `… | head`.
  process.stdout.on('error', interrupt);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) { process.on(signal, interrupt); }

  try {
    const options = readArguments(args);
    if (typeof options === 'string') {
      process.stdout.write(options);
      return;
    }
    const output = options.json ? process.stderr : process.stdout;
    let document: object;
    if (options.integ !== undefined) {
      const result = await rehearseIntegTests(options.integ, options, output, interrupted.signal);
      process.exitCode = result.code;
      document = result.document;
      writeFiles(options, result.document.integTests.map(({ file, ...rest }) => ({ name: file, ...rest })));
    } else {
      const { directory: name } = options;
      const onResult = (result: ReportDocument) => writeFiles(options, [{ name, ...result }]);
      report = new Report(output, { ...options, progress: true, onResult });
      process.exitCode = exitCodeOf(await rehearse(options, report, interrupted.signal));
      document = report.document();
    }
    if (options.json) { process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`); }
  } catch (error) {
    printError(error);
  }
}

function writeFiles({ report, junit }: Arguments, documents: readonly NamedDocument[]): void {
  const files = [[report, renderPage], [junit, renderJUnit]] as const;
  for (const [file, render] of files) {
    if (file === undefined) { continue; }
    try {
      fs.writeFileSync(file, render(documents));
    } catch (error) {
      throw new CannotRun(`${file} cannot be written: ${(error as Error).message}`);
    }
  }
}

function exitCodeOf(passed: boolean | undefined): number {
  if (passed === undefined) { return 2; }
  return passed ? 0 : 1;
}

function printError(error: unknown): void {
  const text = error instanceof CannotRun ? error.message : (error as Error).stack;
  process.stderr.write(error instanceof UsageError ? `${text}\n` : `\ncould not rehearse: ${text}\n`);
  process.exitCode = 2;
}

/** @returns the options, or a text to print instead */
export function readArguments(args: readonly string[]): Arguments | string {
  const { values, positionals } = parse(args);
  if (values.help || positionals[0] === 'help') { return HELP; }
  if (values.version) {
    return `${JSON.parse(fs.readFileSync(path.join(__dirname, '..', '..', 'package.json'), 'utf8')).version}\n`;
  }
  const [command, directory = 'cdk.out', ...rest] = positionals;
  if (command === undefined) { return HELP; }
  if (command !== 'rehearse') {
    throw new UsageError(`${command} is not a command: the only command is \`rehearse\`; see --help`);
  }
  if (rest.length > 0) {
    throw new UsageError(`only one directory can be rehearsed at a time: remove ${rest.join(' ')}`);
  }
  if (values.integ !== undefined && positionals.length > 1) {
    throw new UsageError(`--integ synthesizes its own assemblies: remove ${directory}`);
  }
  const json = values.json ?? false;
  if (values.watch && positionals.length > 1) {
    throw new UsageError(`--watch synthesizes the app itself: remove ${directory}`);
  }
  if (values.watch && (values.once || json || values.integ !== undefined)) {
    throw new UsageError('--watch keeps running: remove --once, --json and --integ');
  }
  return {
    directory,
    integ: values.integ,
    service: values.service,
    engine: readEngine(values.engine),
    once: (values.once ?? false) || json,
    watch: values.watch ?? false,
    logs: values.logs ?? false,
    json,
    report: values.report,
    junit: values.junit,
    quick: values.quick ?? false,
    strict: values.strict ?? false,
    skip: (values.skip ?? []).map(readSkippableCheck),
    port: readPort(values.port),
    env: values.env,
    envFile: values['from-env-file'],
    image: values.image,
    awsProfile: values['aws-profile'],
  };
}

function readPort(value = '0'): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new UsageError(`--port ${value} is not a port: specify a number up to 65535`);
  }
  return port;
}

function readSkippableCheck(id: string): SkippableCheck {
  const check = SKIPPABLE_CHECKS.find((candidate) => candidate === id);
  if (!check) { throw new UsageError(`--skip ${id} is not a check: specify one of ${SKIPPABLE_CHECKS.join(', ')}`); }
  return check;
}

function readEngine(engine: string | undefined): RehearseOptions['engine'] {
  if (engine !== undefined && engine !== 'node' && engine !== 'docker' && engine !== 'podman') {
    throw new UsageError(`--engine ${engine} is not supported: specify node, docker or podman`);
  }
  return engine;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: OPTIONS,
    });
  } catch (error) {
    // The sentences after the first explain how to escape arguments.
    const [message] = (error as Error).message.split(/\.\s|\n/);
    const [, unknown] = /^Unknown option '--([\w-]+)'/.exec(message) ?? [];
    const similar = Object.keys(OPTIONS).find((name) => unknown !== undefined && isSimilar(name, unknown));
    throw new UsageError(`${message}: ${similar ? `do you mean --${similar}?` : 'see --help'}`);
  }
}

/** Whether one text is the other with one character more, less or exchanged. */
function isSimilar(one: string, other: string): boolean {
  if (one === other || Math.abs(one.length - other.length) > 1) { return false; }
  let start = 0;
  while (start < one.length && one[start] === other[start]) { start++; }
  return [[1, 1], [1, 0], [0, 1]].some(([skipOne, skipOther]) =>
    one.slice(start + skipOne) === other.slice(start + skipOther));
}

if (require.main === module) { void main(); }
