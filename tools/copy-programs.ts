import * as fs from 'node:fs';
import * as path from 'node:path';

/*
 * Copies the plain JavaScript of src/ to lib/, which the compiler leaves out. The rehearsal starts these programs by
 * their path.
 */
const ROOT = path.join(__dirname, '..');

for (const file of fs.readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })) {
  if (file.endsWith('.cjs')) {
    fs.copyFileSync(path.join(ROOT, 'src', file), path.join(ROOT, 'lib', file));
  }
}
