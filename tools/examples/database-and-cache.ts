import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { buildArtifacts } from './artifacts';
import { TYPESCRIPT } from './languages';
import { run } from './run';
import { copyExample } from './templates';

/**
 * Installs the packed library in a copy of the example with a database and a cache, and runs the tests of the example.
 *
 *     npx projen examples:database
 */

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hello-fargate-service-example-'));
try {
  buildArtifacts([TYPESCRIPT]);
  copyExample('database-and-cache', directory);
  TYPESCRIPT.install(directory);
  run('npx', ['tsc', '--noEmit'], directory);
  run('npm', ['test'], directory);
} finally {
  fs.rmSync(directory, { recursive: true, force: true });
}
