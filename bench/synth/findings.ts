/* What cdk-nag, cfn-lint and checkov find in the templates of the compared apps, and of the presets. */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { CFN_LINT } from '../../tools/cfn-lint';
import { countByPack, findingsIn, PACKS } from '../../tools/security-nag';
import { SERVICES, templateOf } from '../../tools/security-services';

const PYTHON_PACKAGES = ['checkov==3.2.500', CFN_LINT];

interface Reviewed {
  readonly template: string;
  readonly add: (stack: Stack, id: string) => void;
}

/** The columns of the table. */
export const FINDINGS = [...Object.keys(PACKS), 'cfn-lint', 'checkov'];

/** What the bench installs and writes. */
export const OUTPUT = path.join(__dirname, '..', '..', 'dist', 'bench');
const BIN = path.join(OUTPUT, 'venv', 'bin');
const MODULES = path.join(OUTPUT, 'node_modules');

/** Installs the reviewers, and a version of Solutions Constructs from its Python package, which has the npm package. */
export function install(solutionsConstructs: string): void {
  if (fs.existsSync(path.join(MODULES, '@aws-solutions-constructs'))) { return; }
  fs.mkdirSync(OUTPUT, { recursive: true });
  const run = (command: string, args: string[]) =>
    execFileSync(command, args, { cwd: OUTPUT, stdio: ['ignore', 2, 2] });
  run('python3', ['-m', 'venv', 'venv']);
  const pip = path.join(BIN, 'pip');
  run(pip, ['install', '--quiet', '--disable-pip-version-check', ...PYTHON_PACKAGES]);
  const wheel = `aws-solutions-constructs.aws-alb-fargate==${solutionsConstructs}`;
  run(pip, ['install', '--quiet', '--no-deps', '--target', 'python', wheel]);
  const jsii = path.join(OUTPUT, 'python', 'aws_solutions_constructs', 'aws_alb_fargate', '_jsii');
  const [archive] = fs.readdirSync(jsii).filter((name) => name.endsWith('.tgz'));
  fs.writeFileSync(path.join(OUTPUT, 'package.json'), '{ "private": true }');
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--legacy-peer-deps', path.join(jsii, archive)]);
  // All subjects use the same copy.
  fs.rmSync(path.join(MODULES, 'constructs'), { recursive: true });
}

/** The number of findings of each reviewer, by the name of what was reviewed. */
export function countFindings(reviewed: Readonly<Record<string, Reviewed>>): Record<string, number[]> {
  const apps = Object.entries(reviewed).map(([name, { template, add }]) =>
    [name, [...countByPack(findingsIn((stack) => add(stack, 'Hello'))), ...countInTemplate(template)]]);
  const presets = Object.entries(SERVICES).map(([name, add]) => [
    name.replace(/^[A-Z]+/, '`Preset.$&`'),
    [...countByPack(findingsIn(add)), ...countInTemplate(JSON.stringify(templateOf(name).toJSON()))],
  ]);
  return Object.fromEntries([...apps, ...presets]);
}

function countInTemplate(template: string): [cfnLint: number, checkov: number] {
  const file = path.join(OUTPUT, 'reviewed.template.json');
  fs.writeFileSync(file, template);
  const json = (command: string, args: string[]) => {
    const { stdout, stderr, error } = spawnSync(path.join(BIN, command), args, { encoding: 'utf8', maxBuffer: 1e9 });
    if (error || stdout === '') { throw error ?? new Error(stderr); }
    return JSON.parse(stdout);
  };
  const lint: unknown[] = json('cfn-lint', ['--format', 'json', '--', file]);
  const { summary } = json('checkov', ['--file', file, '--framework', 'cloudformation', '--output', 'json', '--quiet']);
  return [lint.length, summary.failed];
}
