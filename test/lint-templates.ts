import * as path from 'path';
import { App } from 'aws-cdk-lib';
import { cfnLint, distinct, installCfnLint } from './cfn-lint';
import { combinations } from './combinations';
import { readJson } from './synth';

/** Puts cfn-lint over the template of every combination that is not refused. It needs Python 3, and PyPI. */
async function main(): Promise<void> {
  const app = new App({
    outdir: path.join(__dirname, '..', 'dist', 'lint', 'cdk.out'),
    context: readJson(require.resolve('aws-cdk-lib/recommended-feature-flags.json')),
  });
  const stacks = combinations().filter(({ refused }) => !refused).flatMap(({ make }) => make(app));
  const { directory } = app.synth();
  const templates = distinct(stacks.map((stack) => path.join(directory, stack.templateFile)));

  installCfnLint();
  if (await cfnLint(templates)) {
    process.stdout.write(`cfn-lint finds no error in the ${templates.length} different templates of ${stacks.length} combinations\n`);
  } else {
    process.exitCode = 1;
  }
}

void main();
