import * as fs from 'node:fs';
import * as path from 'node:path';
import { CannotRun } from './cannot-run';
import { RehearseOptions } from './context';
import { temporaryDirectory } from './leftovers';
import { rehearse } from './rehearse';
import { Output, Report, ReportDocument, ReportOptions } from './report/report';
import { binaries, synthesize } from './synthesis';

/*
 * `rehearse --integ DIR`: synthesizes every integ test of a directory as integ-runner does, and rehearses it with its
 * assertions. https://github.com/aws/aws-cdk-cli/tree/main/packages/%40aws-cdk/integ-runner
 */

/** Integ tests that run at the same time. They spend most of their time waiting for apps to stop. */
const CONCURRENCY = 2;

/** As the exit code of the command: passed, a check failed, could not run. */
type Code = 0 | 1 | 2;

interface IntegTestResult {
  readonly file: string;
  readonly text: string;
  readonly code: Code;
  readonly summary: string;
  readonly document: ReportDocument;
}

interface IntegTestDocument extends ReportDocument {
  readonly file: string;
  readonly couldRun: boolean;
}

export interface IntegResult {
  /** 1 if a check of any integ test failed, otherwise 2 if one could not run, otherwise 0. */
  readonly code: Code;
  /** The result in the form that `--json` prints. */
  readonly document: { readonly passed: boolean; readonly integTests: readonly IntegTestDocument[] };
}

type IntegOptions = Omit<RehearseOptions, 'directory'> & Omit<ReportOptions, 'onResult'>;

interface IntegContext {
  readonly options: IntegOptions;
  /** How an integ test is synthesized; by default, by a tool that is installed. */
  readonly command?: string;
  readonly output: Output;
  readonly interrupted: AbortSignal;
}

export async function rehearseIntegTests(
  directory: string, options: IntegOptions, output: Output, interrupted: AbortSignal,
): Promise<IntegResult> {
  const files = findIntegTests(directory);
  const context: IntegContext = { options, command: readAppCommand(), output, interrupted };
  const start = Date.now();
  const results = await runAll(files, context);

  const report = new Report(output);
  report.heading(`${files.length} integ ${files.length === 1 ? 'test' : 'tests'}`);
  for (const { file, code, summary } of results) {
    report.fact(['passed', 'FAILED', 'could not run'][code], code === 2 ? file : `${file}: ${summary}`);
  }
  report.line(`  ${((Date.now() - start) / 1000).toFixed(1)} s in total`);
  const codes = results.map(({ code }) => code);
  const worst = ([1, 2] as const).find((code) => codes.includes(code)) ?? 0;
  return {
    code: worst,
    document: {
      passed: worst === 0,
      integTests: results.map(({ file, code, document }) => ({ file, couldRun: code !== 2, ...document })),
    },
  };
}

/** Runs some integ tests at the same time, and prints their reports in the order of the files. */
async function runAll(files: readonly string[], context: IntegContext): Promise<IntegTestResult[]> {
  const results: IntegTestResult[] = [];
  let printed = 0;
  const remaining = files.entries();
  const worker = async () => {
    for (const [index, file] of remaining) {
      // Only the first gets the port of the user.
      const port = index === 0 ? context.options.port : 0;
      results[index] = await rehearseIntegTest(file, port, context);
      for (; results[printed]; printed++) { context.output.write(results[printed].text); }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return results;
}

async function rehearseIntegTest(
  file: string, port: number, { options, command, output, interrupted }: IntegContext,
): Promise<IntegTestResult> {
  let text = '';
  const report = new Report({ isTTY: output.isTTY, write: (more) => { text += more; } }, options);
  report.heading(`── ${file}`);
  const { directory: outdir, remove } = temporaryDirectory();
  let code: Code;
  try {
    await synthesize({
      command: (command ?? defaultCommand(file)).replaceAll('{filePath}', file),
      outdir,
      environment: environment(),
      interrupted,
    });
    code = await rehearse({ ...options, directory: outdir, once: true, port }, report, interrupted) ? 0 : 1;
  } catch (error) {
    report.problem(`could not rehearse: ${error instanceof CannotRun ? error.message : (error as Error).stack}`);
    code = 2;
  } finally {
    remove();
  }
  return { file, text, code, summary: report.summary, document: report.document() };
}

/** Finds `integ.*.ts` and `.js` as integ-runner does, also in subdirectories, without compiled TypeScript files. */
export function findIntegTests(directory: string): string[] {
  if (!fs.existsSync(directory)) {
    throw new CannotRun(`directory ${directory} does not exist: specify a directory of integ tests for --integ`);
  }
  const files = findFiles(directory).filter((file) => /^integ\..*(?<!\.d)\.(ts|js)$/.test(path.basename(file)));
  const tests = files.filter((file) => !file.endsWith('.js') || !files.includes(file.replace(/js$/, 'ts'))).sort();
  if (tests.length === 0) {
    throw new CannotRun(`no integ test in ${directory}: none of its files is named integ.NAME.ts or integ.NAME.js`);
  }
  return tests;
}

function findFiles(directory: string): string[] {
  return fs.readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(directory, entry.name);
    if (!entry.isDirectory()) { return [file]; }
    const isSource = entry.name !== 'node_modules' && !/\.snapshot$|^cdk-integ\.out|^\./.test(entry.name);
    return isSource ? findFiles(file) : [];
  });
}

/** The command in the configuration of integ-runner, if there is one. */
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
  // tsx needs no configuration.
  const isInstalled = (name: string) => binaries().some((directory) => fs.existsSync(path.join(directory, name)));
  const tool = ['tsx', 'ts-node'].find(isInstalled);
  if (!tool) {
    throw new CannotRun(`${file} is TypeScript, but neither tsx nor ts-node is installed: install one, or set the`
      + ' command that synthesizes it as "app" in integ.config.json');
  }
  return `${tool} {filePath}`;
}

/** As integ-runner sets it, with placeholders for account and Region. */
function environment(): NodeJS.ProcessEnv {
  return {
    CDK_CONTEXT_JSON: JSON.stringify(recommendedFlags()),
    CDK_INTEG_ACCOUNT: '123456789012',
    CDK_INTEG_REGION: 'us-east-1',
  };
}

/** Integ tests run with all recommended feature flags. */
function recommendedFlags(): object {
  try {
    const file = require.resolve('aws-cdk-lib/recommended-feature-flags.json', { paths: [process.cwd()] });
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return {};
  }
}
