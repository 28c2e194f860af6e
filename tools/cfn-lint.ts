import { execFileSync, spawn } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

const CFN_LINT = 'cfn-lint==1.58.0';
const VENV = path.join(__dirname, '..', 'dist', 'lint', 'venv');

/** Installs cfn-lint from PyPI into a virtual environment, unless that was done before. */
export function installCfnLint(): void {
  if (fs.existsSync(path.join(VENV, 'bin', 'cfn-lint'))) { return; }
  execFileSync('python3', ['-m', 'venv', VENV], { stdio: 'inherit' });
  execFileSync(path.join(VENV, 'bin', 'pip'), ['install', '--quiet', '--no-compile', '--disable-pip-version-check', CFN_LINT], { stdio: 'inherit' });
}

/** The templates that differ: what is not given is the default, so that some combinations come to the same. */
export function distinct(templates: string[]): string[] {
  return [...new Map(templates.map((file) => [fs.readFileSync(file, 'utf8'), file])).values()];
}

/** @returns whether cfn-lint finds no error in any of them; it prints what it finds */
export async function cfnLint(templates: string[]): Promise<boolean> {
  // It takes half a second for a template, and uses one core. Two of its three seconds to start go into compiling, which is kept for the next start.
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '' };
  const batches = os.cpus().map((_, i, { length }) => templates.filter((__, n) => n % length === i)).filter((batch) => batch.length > 0);
  const codes = await Promise.all(batches.map((batch) => new Promise<number>((resolve, reject) => {
    spawn(path.join(VENV, 'bin', 'cfn-lint'), ['--non-zero-exit-code', 'error', '--ignore-checks', 'W', '--', ...batch], { stdio: 'inherit', env })
      .on('error', reject)
      .on('exit', (code) => resolve(code ?? 1));
  })));
  return codes.every((code) => code === 0);
}
