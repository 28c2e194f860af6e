/* Writes dist/js/hello-fargate-service.cdx.json: the packages in the bundle of the example app, as CycloneDX. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { build } from 'esbuild';
import { BUNDLE } from '../example-app/bundle';

const ROOT = path.join(__dirname, '..');
const OUTPUT = path.join(ROOT, 'dist', 'js', 'hello-fargate-service.cdx.json');

/** The package has no dependencies but its peers, so the bundle has all third-party code in it. */
async function main(): Promise<void> {
  const { metafile } = await build({ ...BUNDLE, absWorkingDir: ROOT, entryPoints: ['example-app/src/server.ts'] });
  const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'sbom-'));
  try {
    const input = path.join(temporary, 'metafile.json');
    fs.writeFileSync(input, JSON.stringify(metafile));
    fs.mkdirSync(path.dirname(OUTPUT), { recursive: true });
    execFileSync('npx', [
      'cyclonedx-esbuild', '--mc-type', 'library', '--output-reproducible', '--output-file', OUTPUT, input,
    ], { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] });
  } finally {
    fs.rmSync(temporary, { recursive: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
