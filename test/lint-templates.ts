import { execFileSync, spawn } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App } from 'aws-cdk-lib';
import { combinations } from './combinations';
import { readJson } from './synth';

/**
 * Puts cfn-lint over the template of every combination that is not refused. It needs Python 3, and installs cfn-lint from PyPI
 * into a virtual environment beside the templates.
 */
const CFN_LINT = 'cfn-lint==1.58.0';
const OUT = path.join(__dirname, '..', 'dist', 'lint');

const app = new App({ outdir: path.join(OUT, 'cdk.out'), context: readJson(require.resolve('aws-cdk-lib/recommended-feature-flags.json')) });
const stacks = combinations().filter(({ refused }) => !refused).flatMap(({ make }) => make(app));
const { directory } = app.synth();
// Some combinations come to the same: what is not given is the default.
const byContent = new Map(stacks.map((stack) => path.join(directory, stack.templateFile)).map((file) => [fs.readFileSync(file, 'utf8'), file]));
const templates = [...byContent.values()];

const python = path.join(OUT, 'venv', 'bin');
if (!fs.existsSync(path.join(python, 'cfn-lint'))) {
  execFileSync('python3', ['-m', 'venv', path.join(OUT, 'venv')], { stdio: 'inherit' });
  execFileSync(path.join(python, 'pip'), ['install', '--quiet', '--disable-pip-version-check', CFN_LINT], { stdio: 'inherit' });
}

// cfn-lint takes a second for a template and uses one core.
const lint = (batch: string[]) => new Promise<number>((resolve, reject) => {
  spawn(path.join(python, 'cfn-lint'), ['--non-zero-exit-code', 'error', '--ignore-checks', 'W', '--', ...batch], { stdio: 'inherit' })
    .on('error', reject)
    .on('exit', (code) => resolve(code ?? 1));
});
const batches = os.cpus().map((_, i, { length }) => templates.filter((__, n) => n % length === i));
void Promise.all(batches.map(lint)).then((codes) => {
  process.exitCode = Math.max(...codes);
  if (process.exitCode === 0) { process.stdout.write(`cfn-lint finds no error in the ${templates.length} different templates of ${stacks.length} combinations\n`); }
});
