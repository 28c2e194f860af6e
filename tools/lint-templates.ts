import '../test/support/newest';
import * as path from 'node:path';
import { App } from 'aws-cdk-lib';
import { validateApiCalls } from './api-calls';
import { cfnLint, distinct, installCfnLint } from './cfn-lint';
import { combinations } from '../test/support/combinations';
import { readJson } from '../test/support/synth';

/**
 * Synthesizes every combination of `combinations.ts` with the newest aws-cdk-lib, whose template validation must find
 * nothing, and runs cfn-lint on the templates. Prints what cfn-lint finds. Then it compares the AWS calls of the integ
 * tests with the models of the AWS APIs. It needs Python 3 and PyPI.
 *
 *     npx projen lint:templates
 */
async function main(): Promise<void> {
  const app = new App({
    outdir: path.join(__dirname, '..', 'dist', 'lint', 'cdk.out'),
    context: readJson(require.resolve('aws-cdk-lib/recommended-feature-flags.json')),
  });
  const stacks = combinations().filter(({ error }) => !error).map((combination) => combination.addStack(app));
  const assembly = app.synth();
  const findings = assembly.stacks.flatMap(({ messages }) =>
    messages.map(({ id, entry }) => `${id}: ${String(entry.data)}`));
  if (findings.length > 0) { throw new Error(findings.join('\n')); }
  const templates = distinct(stacks.map((stack) => path.join(assembly.directory, stack.templateFile)));

  installCfnLint();
  if (await cfnLint(templates)) {
    process.stdout.write(`no errors in the ${templates.length} different templates of ${stacks.length} combinations\n`);
  } else {
    process.exitCode = 1;
  }
  validateApiCalls(path.join(__dirname, '..', 'integ'));
}

void main();
