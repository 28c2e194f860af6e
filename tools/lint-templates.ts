import '../test/support/newest';
import * as path from 'path';
import { App } from 'aws-cdk-lib';
import { cfnLint, distinct, installCfnLint } from './cfn-lint';
import { combinations } from '../test/support/combinations';
import { readJson } from '../test/support/synth';

/**
 * Synthesises every combination that is not refused with the newest aws-cdk-lib, whose validation of templates must find nothing,
 * and puts cfn-lint over them. It needs Python 3, and PyPI.
 */
async function main(): Promise<void> {
  const app = new App({
    outdir: path.join(__dirname, '..', 'dist', 'lint', 'cdk.out'),
    context: readJson(require.resolve('aws-cdk-lib/recommended-feature-flags.json')),
  });
  const stacks = combinations().filter(({ refused }) => !refused).flatMap(({ make }) => make(app));
  const assembly = app.synth();
  const findings = assembly.stacks.flatMap(({ messages }) => messages.map(({ id, entry }) => `${id}: ${String(entry.data)}`));
  if (findings.length > 0) { throw new Error(findings.join('\n')); }
  const templates = distinct(stacks.map((stack) => path.join(assembly.directory, stack.templateFile)));

  installCfnLint();
  if (await cfnLint(templates)) {
    process.stdout.write(`cfn-lint finds no error in the ${templates.length} different templates of ${stacks.length} combinations\n`);
  } else {
    process.exitCode = 1;
  }
}

void main();
