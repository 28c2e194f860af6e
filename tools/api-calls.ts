import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { PYTHON } from './cfn-lint';
import { apiCallsIn } from '../test/support/integ-assertions';

/**
 * Compares the AWS calls of the assertions in the snapshots of a directory with botocore's models of the AWS APIs:
 * operations, required members, types, and the members of the expected response. Nothing else sees them before they are
 * deployed, because the rehearsal skips them. Prints what is wrong, and then fails.
 */
export function validateApiCalls(directory: string): void {
  const calls = fs.readdirSync(directory).filter((name) => name.endsWith('.snapshot')).flatMap((name) =>
    apiCallsIn(path.join(directory, name)).map((call) => ({ name, ...call })));
  const { status, error } = spawnSync(PYTHON, [path.join(__dirname, 'api-calls.py')], {
    input: JSON.stringify(calls),
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  if (error) { throw error; }
  if (status === 0) {
    process.stdout.write(`no errors in the ${calls.length} AWS calls of the integ tests\n`);
  } else {
    process.exitCode = 1;
  }
}
