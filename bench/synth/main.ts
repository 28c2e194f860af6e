/*
 * Compares the construct with what people use instead: user code, templates, findings of reviewers, synthesis.
 *
 *   npx projen bench                     # the table; needs Python 3 and PyPI
 *   npx projen bench --write [rounds]    # also writes it into docs/benchmarks.md
 *
 * Each round measures all subjects, one after the other, and ratios are calculated within a round, so that a machine
 * that slows down does not favor one of them. Times are CPU times.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as os from 'node:os';
import * as path from 'node:path';
import * as esbuild from 'esbuild';
import { Measurement } from './child';
import { countFindings, FINDINGS, install, OUTPUT } from './findings';
import { replaceBlocks } from '../../tools/generated-blocks';
import { markdownTable } from '../../tools/markdown';

const ROOT = path.join(__dirname, '..', '..');
const DOCUMENT = path.join(ROOT, 'docs', 'benchmarks.md');
const DEFAULT_ROUNDS = 5;
const REPEATS = 23;
/** Of a stack: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const MAX_RESOURCES = 500;
const EXPERT = 'l2';
/** The npm package is inside the PyPI package. The newest that works with the lowest aws-cdk-lib. */
const SOLUTIONS_CONSTRUCTS = '2.102.0';

/** The subjects in the order of the table, with their names in it. */
const SUBJECTS: Readonly<Record<string, string>> = {
  'hello': '`HelloFargateService`',
  'hello-with-alarms': '… with `Alarms.recommended()`',
  'ecs-patterns': '`aws-ecs-patterns`, defaults',
  'ecs-patterns-tuned': '… as an expert writes it',
  'solutions-constructs': 'Solutions Constructs `aws-alb-fargate`',
  'l2': 'CDK\'s L2 constructs, like our default',
  'express-mode': 'ECS Express Mode, L1',
};
const MANY = ['hello', 'hello-with-alarms', 'ecs-patterns-tuned', 'l2'];
const LAYOUTS = [[10, 1], [50, 1], [100, 1], [100, 100]];

function translate(): void {
  fs.mkdirSync(path.join(OUTPUT, 'apps'), { recursive: true });
  const sources = fs.readdirSync(path.join(__dirname, 'apps')).map((name) => path.join('apps', name));
  for (const source of ['child.ts', ...sources]) {
    const text = fs.readFileSync(path.join(__dirname, source), 'utf8');
    const { code } = esbuild.transformSync(text, { loader: source.endsWith('.js') ? 'js' : 'ts', format: 'cjs' });
    fs.writeFileSync(compiled(source), code.replace('../../../src/index', '../../../lib/index'));
  }
}

const compiled = (source: string) => path.join(OUTPUT, source.replace(/\.ts$/, '.js'));
const appOf = (subject: string) => compiled(path.join('apps', `${subject}.js`));

function measure(subject: string, services = 1, stacks = 1, repeats = 0): Measurement {
  const args = [compiled('child.ts'), appOf(subject), services, stacks, repeats].map(String);
  const env = { ...process.env, JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION: '1', NODE_NO_WARNINGS: '1' };
  const stdout = execFileSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8', maxBuffer: 1e9 });
  // Solutions Constructs prints warnings.
  return JSON.parse(stdout.split('\n').at(-1)!);
}

/** The lines of code that a user writes, without imports, the signature and empty lines. */
function linesOfCode(subject: string): number {
  const source = fs.readdirSync(path.join(__dirname, 'apps')).find((name) => path.parse(name).name === subject)!;
  const text = fs.readFileSync(path.join(__dirname, 'apps', source), 'utf8');
  const body = /^(?:export function|exports\.)[^]*?\{\n([^]*)^\}/m.exec(text)![1];
  return body.split('\n').filter((line) => line.trim() !== '').length;
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** The median and the range of ratios, which were each measured in one round. */
function ratio(values: number[], base: number[]): string {
  const ratios = values.map((value, i) => value / base[i]);
  const [min, max] = [Math.min(...ratios), Math.max(...ratios)].map((value) => value.toFixed(2));
  return `${median(ratios).toFixed(2)} (${min} to ${max})`;
}

function templates(results: Map<string, Measurement>): string {
  return markdownTable(
    ['', 'lines of user code', 'resources', '… of a further service', 'services in a stack', 'template, kB'],
    [...results].map(([subject, { resources, templateBytes }]) => {
      const further = measure(subject, 2).resources - resources;
      return [
        SUBJECTS[subject],
        String(linesOfCode(subject)),
        String(resources),
        String(further),
        String(1 + Math.floor((MAX_RESOURCES - resources) / further)),
        (templateBytes / 1e3).toFixed(0),
      ];
    }),
    true,
  );
}

function synthesis(rounds: number): string {
  const samples = new Map(Object.keys(SUBJECTS).map((subject) => [subject, new Array<Measurement>()]));
  for (let round = 0; round < rounds; round++) {
    for (const [subject, list] of samples) { list.push(measure(subject, 1, 1, REPEATS)); }
  }
  const base = samples.get(EXPERT)!;
  const of = (subject: string, read: (sample: Measurement) => number) =>
    ratio(samples.get(subject)!.map(read), base.map(read));
  return markdownTable(
    ['1.00 is the hand-written L2 composition', 'CPU of the process', 'CPU of a synthesis in process', 'peak memory'],
    Object.keys(SUBJECTS).map((subject) => [
      SUBJECTS[subject],
      of(subject, ({ cpuSeconds }) => cpuSeconds),
      of(subject, ({ synthMs }) => median(synthMs)),
      of(subject, ({ peakMemoryMB }) => peakMemoryMB),
    ]),
    true,
  );
}

function many(rounds: number): string {
  const rows = LAYOUTS.map(([services, stacks]) => {
    const samples = new Map(MANY.map((subject) => [subject, new Array<number>()]));
    for (let round = 0; round < rounds; round++) {
      for (const [subject, list] of samples) { list.push(measure(subject, services, stacks).cpuSeconds); }
    }
    const base = samples.get(EXPERT)!;
    return [
      `${services} services in ${stacks === 1 ? 'one stack' : `${stacks} stacks`}`,
      `${median(base).toFixed(1)} s`,
      ...MANY.filter((subject) => subject !== EXPERT).map((subject) => ratio(samples.get(subject)!, base)),
    ];
  });
  const others = MANY.filter((subject) => subject !== EXPERT);
  return markdownTable(['CPU', 'L2', ...others.map((subject) => SUBJECTS[subject])], rows, true);
}

function findings(results: Map<string, Measurement>): string {
  const load = createRequire(__filename);
  const counts = countFindings(Object.fromEntries([...results].map(([subject, { template }]) =>
    [SUBJECTS[subject], { template, add: load(appOf(subject)).add }])));
  const rows = Object.entries(counts).map(([name, numbers]) => [name, ...numbers.map(String)]);
  return markdownTable(['', ...FINDINGS], rows, true);
}

function machine(): string {
  const { version } = JSON.parse(fs.readFileSync(require.resolve('aws-cdk-lib/package.json'), 'utf8'));
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, Node.js ${process.versions.node}, aws-cdk-lib ${version}, `
    + `Solutions Constructs ${SOLUTIONS_CONSTRUCTS}, ${os.cpus().length} × ${os.cpus()[0].model.trim()}`;
}

function main(args: string[]): void {
  const rounds = Number(args.find((arg) => /^\d+$/.test(arg)) ?? DEFAULT_ROUNDS);
  install(SOLUTIONS_CONSTRUCTS);
  translate();
  const results = new Map(Object.keys(SUBJECTS).map((subject) => [subject, measure(subject)]));
  const blocks = {
    machine: machine(),
    templates: templates(results),
    findings: findings(results),
    synthesis: synthesis(rounds),
    many: many(rounds),
  };
  process.stdout.write(`${Object.values(blocks).join('\n\n')}\n`);
  if (args.includes('--write')) {
    fs.writeFileSync(DOCUMENT, replaceBlocks(fs.readFileSync(DOCUMENT, 'utf8'), blocks));
  }
}

main(process.argv.slice(2));
