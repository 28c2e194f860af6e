import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { CannotRun } from './cannot-run';
import { rehearseIntegTests } from './integ';
import { rehearse, RehearseOptions } from './rehearse';
import { Report } from './report';

const HELP = `Usage: hello-fargate-service rehearse [cdk.out] [options]

Runs the services of a synthesised CDK app on this machine, before anything is deployed: starts each task as its
task definition says, probes it as its target group says, puts a stand-in for the load balancer in front, and runs
the assertions of the integ tests that the app has. Run \`cdk synth\` first.

  --integ DIR        instead of an assembly, each integ test of a directory: integ.NAME.ts or .js, synthesised as
                     integ.config.json says, and asserted on as it says itself; ends after the verdict
  --once             end after the verdict; without it the service stays up until Ctrl-C
  --service NAME     only this service: its construct path, or a part of it, its logical id, or its stack
  --engine NAME      what runs the containers: node, docker or podman (default: node where the image only copies files and
                     starts node, else CDK_DOCKER, docker or podman)
  --quick            only how things are wired, not what becomes of requests when tasks come and go
  --json             the verdict as JSON on stdout, all else on stderr; ends after the verdict
  --port N           port of the stand-in for the load balancer (default: any that is free)
  --env-file FILE    values of the secrets, as NAME=value lines (default: the environment)
  --help             this text
  --version          the version of hello-fargate-service

Exit code: 0 no check failed, 1 a check failed, 2 it could not be run. With --integ a check that failed comes before a
test that could not be run. What cannot be rehearsed is named, and neither passes nor fails.
`;

/** The command. Sets the exit code of the process. */
export async function main(args: readonly string[] = process.argv.slice(2)): Promise<void> {
  // The first line of output may come before the arguments are understood.
  const json = args.includes('--json');
  const report = new Report(json ? process.stderr : process.stdout);
  const interrupted = new AbortController();
  const interrupt = () => {
    // Who asks twice does not want to wait. What is left is removed on exit.
    if (interrupted.signal.aborted) { process.exit(report.passed === undefined ? 2 : report.passed ? 0 : 1); }
    interrupted.abort();
  };
  const fail = (error: unknown) => {
    process.stderr.write(`\ncould not rehearse: ${error instanceof CannotRun ? error.message : (error as Error).stack}\n`);
    process.exitCode = 2;
  };
  process.on('uncaughtException', (error) => {
    fail(error);
    process.exit();
  });
  // A reader that has gone, as in `… | head`.
  process.stdout.on('error', interrupt);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  signals.forEach((signal) => process.on(signal, interrupt));
  try {
    const options = readArguments(args);
    if (typeof options === 'string') {
      process.stdout.write(options);
    } else {
      if (options.integ !== undefined) {
        const { code, document } = await rehearseIntegTests(options.integ, options, json ? process.stderr : process.stdout, interrupted.signal);
        process.exitCode = code;
        if (json) { process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`); }
        return;
      }
      process.exitCode = await rehearse(options, report, interrupted.signal) ? 0 : 1;
      if (json) { process.stdout.write(`${JSON.stringify(report.document(), undefined, 2)}\n`); }
    }
  } catch (error) {
    fail(error);
  }
}

/** @returns the options, or a text to print instead */
export function readArguments(args: readonly string[]): RehearseOptions & { readonly integ?: string } | string {
  const { values, positionals } = parse(args);
  if (values.help) { return HELP; }
  if (values.version) {
    return `${JSON.parse(fs.readFileSync(path.join(__dirname, '..', '..', 'package.json'), 'utf8')).version}\n`;
  }
  const [command, directory = 'cdk.out', ...more] = positionals;
  if (command === undefined) { return HELP; }
  if (command !== 'rehearse') { throw new CannotRun(`${command} is not a command: there is \`rehearse\`, and --help says more`); }
  if (more.length > 0) { throw new CannotRun(`one directory can be rehearsed at a time: leave out ${more.join(' ')}`); }
  const { integ } = values;
  if (integ !== undefined && positionals.length > 1) { throw new CannotRun(`--integ synthesises by itself: leave out ${directory}`); }
  const port = Number(values.port ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > 65535) { throw new CannotRun(`--port ${values.port} is not a port: give a number up to 65535`); }
  const { engine } = values;
  if (engine !== undefined && engine !== 'node' && engine !== 'docker' && engine !== 'podman') {
    throw new CannotRun(`--engine ${engine} is not known: give node, docker or podman`);
  }
  return {
    directory,
    integ,
    service: values.service,
    engine,
    once: (values.once || values.json) ?? false,
    quick: values.quick ?? false,
    port,
    envFile: values['env-file'],
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'once': { type: 'boolean' },
        'quick': { type: 'boolean' },
        'json': { type: 'boolean' },
        'integ': { type: 'string' },
        'service': { type: 'string' },
        'engine': { type: 'string' },
        'port': { type: 'string' },
        'env-file': { type: 'string' },
        'help': { type: 'boolean' },
        'version': { type: 'boolean' },
      },
    });
  } catch (error) {
    // Only the first sentence is about the user's mistake.
    throw new CannotRun(`${(error as Error).message.split(/\.\s|\n/)[0]}: see --help`);
  }
}

if (require.main === module) { void main(); }
