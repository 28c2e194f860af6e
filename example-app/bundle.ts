/* Builds dist/server.js, which is all that runs in the container, and the licences of what is in it. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Returns the files of dist by name. The same sources and lock always give the same bytes. */
export async function bundle(): Promise<Record<string, string>> {
  const result = await build({
    absWorkingDir: __dirname,
    entryPoints: ['src/server.ts'],
    outfile: 'dist/server.js',
    bundle: true,
    platform: 'node',
    target: 'node20',
    legalComments: 'inline',
    // Colours for `debug` where they happen to be installed: they are not, in a copy of this directory.
    external: ['supports-color'],
    banner: { js: '// Built from src/ by bundle.ts. What is bundled is licensed as THIRD-PARTY-LICENSES.txt says.' },
    metafile: true,
    write: false,
    logLevel: 'error',
  });
  return {
    // In this repository the packages are installed one directory up; the bundle is the same as in a copy.
    'server.js': result.outputFiles[0].text.replaceAll('../node_modules/', 'node_modules/'),
    'THIRD-PARTY-LICENSES.txt': licences(Object.keys(result.metafile.inputs)),
  };
}

function licences(inputs: string[]): string {
  const packages = new Set(inputs.map((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(join(__dirname, input))?.[0] ?? ''));
  packages.delete('');
  const texts = [...packages].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)(\.|$)/i.test(entry));
    if (!file) throw new Error(`${name}@${version} has no licence file`);
    const text = readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim();
    return `${name}@${version} (${license})\n\n${text}\n`;
  });
  return texts.sort().join(`\n${'-'.repeat(80)}\n\n`);
}

if (require.main === module) {
  bundle().then((files) => {
    mkdirSync(join(__dirname, 'dist'), { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(__dirname, 'dist', name), text);
  }, (error) => {
    console.error(error);
    process.exitCode = 1;
  });
}
