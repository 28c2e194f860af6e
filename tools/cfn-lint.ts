import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

export const CFN_LINT = 'cfn-lint==1.58.0';
/** botocore has the models of the AWS APIs. */
const PACKAGES = [CFN_LINT, 'botocore==1.43.11'];
const VENV = path.join(__dirname, '..', 'dist', 'lint', 'venv');
const COMMAND = path.join(VENV, 'bin', 'cfn-lint');
/** The Python of the virtual environment. */
export const PYTHON = path.join(VENV, 'bin', 'python');

/** Installs cfn-lint from PyPI into a virtual environment, unless it is installed. */
export function installCfnLint(): void {
  if (fs.existsSync(COMMAND)) { return; }
  execFileSync('python3', ['-m', 'venv', VENV], { stdio: 'inherit' });
  const options = ['--quiet', '--no-compile', '--disable-pip-version-check'];
  execFileSync(path.join(VENV, 'bin', 'pip'), ['install', ...options, ...PACKAGES], { stdio: 'inherit' });
}

/** The files whose contents differ: some combinations of options synthesize the same template. */
export function distinct(templates: string[]): string[] {
  return [...new Map(templates.map((file) => [fs.readFileSync(file, 'utf8'), file])).values()];
}

/** Runs cfn-lint on templates, and prints what it finds. @returns whether it finds no errors */
export async function cfnLint(templates: string[]): Promise<boolean> {
  // cfn-lint takes half a second for a template and uses one core.
  const batches = os.cpus().map((_, i, { length }) => templates.filter((__, n) => n % length === i));
  const codes = await Promise.all(batches.filter((batch) => batch.length > 0).map(runCfnLint));
  return codes.every((code) => code === 0);
}

function runCfnLint(templates: string[]): Promise<number> {
  // Python keeps the compiled modules, so that the next start takes one second instead of three.
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '' };
  const args = ['--non-zero-exit-code', 'error', '--ignore-checks', 'W', '--', ...templates];
  return new Promise((resolve, reject) => {
    spawn(COMMAND, args, { stdio: 'inherit', env }).on('error', reject).on('exit', (code) => resolve(code ?? 1));
  });
}
