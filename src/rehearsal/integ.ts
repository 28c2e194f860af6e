import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { CannotRun } from './cannot-run';
import { removeOnExit } from './leftovers';
import { rehearse, RehearseOptions } from './rehearse';
import { Output, Report } from './report';

/*
 * `rehearse --integ DIR`: every integ test of a directory, synthesised freshly as integ-runner does it, and rehearsed with its own
 * assertions. https://github.com/aws/aws-cdk-cli/tree/main/packages/%40aws-cdk/integ-runner
 */

/** How many are synthesised and rehearsed at the same time. Most of their time they wait for apps to leave. */
const AT_ONCE = 2;

interface Scenario {
  readonly file: string;
  readonly text: string;
  /** As the exit code of the command. */
  readonly code: 0 | 1 | 2;
  readonly counted: string;
  readonly document: ReturnType<Report['document']>;
}

export interface IntegResult {
  /** 1 when a check of any failed, else 2 when one could not be run, else 0. */
  readonly code: 0 | 1 | 2;
  /** For `--json`. */
  readonly document: { readonly passed: boolean; readonly integTests: readonly object[] };
}

export async function rehearseIntegTests(
  directory: string, options: Omit<RehearseOptions, 'directory'>, output: Output, interrupted: AbortSignal,
): Promise<IntegResult> {
  const files = findIntegTests(directory);
  const command = readAppCommand();
  const began = Date.now();
  const scenarios: Scenario[] = [];
  const left = files.entries();
  const results = files.map(() => deferred<Scenario>());
  const worker = async () => {
    for (const [index, file] of left) { results[index].resolve(await rehearseIntegTest(file, index, command, options, output, interrupted)); }
  };
  const workers = Promise.all(Array.from({ length: AT_ONCE }, worker));
  for (const { promise } of results) {
    const scenario = await promise;
    scenarios.push(scenario);
    // One after the other, or nobody could read it.
    output.write(scenario.text);
  }
  await workers;

  const report = new Report(output);
  report.heading(`${files.length} integ ${files.length === 1 ? 'test' : 'tests'}`);
  for (const { file, code, counted } of scenarios) {
    report.fact(['passed', 'FAILED', 'could not run'][code], code === 2 ? file : `${file}: ${counted}`);
  }
  report.line(`  ${((Date.now() - began) / 1000).toFixed(1)} s in all`);
  const codes = scenarios.map(({ code }) => code);
  return {
    code: codes.includes(1) ? 1 : codes.includes(2) ? 2 : 0,
    document: {
      passed: codes.every((code) => code === 0),
      integTests: scenarios.map(({ file, code, document }) => ({ file, couldRun: code !== 2, ...document })),
    },
  };
}

async function rehearseIntegTest(
  file: string, index: number, command: string | undefined, options: Omit<RehearseOptions, 'directory'>, output: Output, interrupted: AbortSignal,
): Promise<Scenario> {
  let text = '';
  const report = new Report({ isTTY: output.isTTY, write: (more) => { text += more; } });
  report.heading(`── ${file}`);
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'hello-fargate-service-'));
  const remove = removeOnExit(() => fs.rmSync(outdir, { recursive: true, force: true }));
  let code: 0 | 1 | 2;
  try {
    await synthesize(file, command ?? defaultCommand(file), outdir, interrupted);
    // Only the first has the port that was asked for.
    code = await rehearse({ ...options, directory: outdir, once: true, port: index === 0 ? options.port : 0 }, report, interrupted) ? 0 : 1;
  } catch (error) {
    report.problem(`could not rehearse: ${error instanceof CannotRun ? error.message : (error as Error).stack}`);
    code = 2;
  } finally {
    remove();
  }
  return { file, text, code, counted: report.counted, document: report.document() };
}

/** As integ-runner finds them: `integ.*.ts` and `.js`, in directories below too. What is compiled stands beside its source. */
export function findIntegTests(directory: string): string[] {
  const walk = (where: string): string[] => fs.readdirSync(where, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(where, entry.name);
    if (entry.isDirectory()) { return entry.name === 'node_modules' || /\.snapshot$|^cdk-integ\.out|^\./.test(entry.name) ? [] : walk(file); }
    return /^integ\..*\.(ts|js)$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [file] : [];
  });
  if (!fs.existsSync(directory)) { throw new CannotRun(`there is no directory ${directory}: --integ takes one with integ tests`); }
  const files = walk(directory);
  const found = files.filter((file) => !(file.endsWith('.js') && files.includes(file.replace(/js$/, 'ts')))).sort();
  if (found.length === 0) { throw new CannotRun(`no integ test in ${directory}: none of its files is called integ.NAME.ts or integ.NAME.js`); }
  return found;
}

/** That of integ-runner's own configuration, where there is one. */
function readAppCommand(): string | undefined {
  if (!fs.existsSync('integ.config.json')) { return undefined; }
  try {
    const { app } = JSON.parse(fs.readFileSync('integ.config.json', 'utf8'));
    return Array.isArray(app) ? app[0] : app;
  } catch {
    throw new CannotRun('integ.config.json is not JSON');
  }
}

function defaultCommand(file: string): string {
  if (file.endsWith('.js')) { return 'node {filePath}'; }
  // Where both are, that which needs no settings.
  const tool = ['tsx', 'ts-node'].find((name) => binaries().some((directory) => fs.existsSync(path.join(directory, name))));
  if (!tool) { throw new CannotRun(`${file} is TypeScript, and neither tsx nor ts-node is installed: install one, or say in integ.config.json how it runs, as "app"`); }
  return `${tool} {filePath}`;
}

/** The programs of packages: here, and in the directories above. */
function binaries(): string[] {
  const above = (directory: string): string[] => directory === path.dirname(directory) ? [directory] : [directory, ...above(path.dirname(directory))];
  return above(process.cwd()).map((directory) => path.join(directory, 'node_modules', '.bin'));
}

async function synthesize(file: string, command: string, outdir: string, interrupted: AbortSignal): Promise<void> {
  let output = '';
  const child = spawn(command.replaceAll('{filePath}', file), {
    shell: true,
    detached: process.platform !== 'win32',
    env: {
      ...process.env,
      PATH: [...binaries(), process.env.PATH].join(path.delimiter),
      CDK_OUTDIR: outdir,
      CDK_CONTEXT_JSON: JSON.stringify(recommendedFlags()),
      // As integ-runner has them, but an account and region that read like some.
      CDK_INTEG_ACCOUNT: '123456789012',
      CDK_INTEG_REGION: 'us-east-1',
    },
  });
  const kill = () => {
    try {
      if (process.platform === 'win32') { child.kill('SIGKILL'); } else { process.kill(-child.pid!, 'SIGKILL'); }
    } catch { /* It has ended. */ }
  };
  const remove = removeOnExit(kill);
  interrupted.addEventListener('abort', kill, { once: true });
  const keep = (text: Buffer) => { output += text; };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  interrupted.removeEventListener('abort', kill);
  remove();
  if (interrupted.aborted) { throw new CannotRun('interrupted before the verdict'); }
  if (code !== 0) { throw new CannotRun(`${file} was not synthesised by \`${command}\`, which ended with exit code ${code}:\n${output.trim()}`); }
}

/** Integ tests run with all recommended feature flags on. */
function recommendedFlags(): object {
  try {
    return JSON.parse(fs.readFileSync(require.resolve('aws-cdk-lib/recommended-feature-flags.json', { paths: [process.cwd()] }), 'utf8'));
  } catch {
    return {};
  }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => { resolve = settle; });
  return { promise, resolve };
}
