/* Builds dist/server.js, the only program in the container, and the license texts of the bundled packages. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, BuildOptions } from 'esbuild';

/** What is built, and how. */
export const BUNDLE = {
  absWorkingDir: __dirname,
  entryPoints: ['src/server.ts'],
  outfile: 'dist/server.js',
  bundle: true,
  platform: 'node',
  target: 'node20',
  legalComments: 'inline',
  // Optional dependency of `debug`, which is installed in this repository but not in a copy of this directory.
  external: ['supports-color'],
  banner: {
    js: '// Built from src/ by bundle.ts. THIRD-PARTY-LICENSES.txt contains the licenses of the bundled packages.',
  },
  metafile: true,
  write: false,
  logLevel: 'error',
} satisfies BuildOptions;

/** Returns the files of dist by name. The same sources and lock file always produce the same bytes. */
export async function bundle(): Promise<Record<string, string>> {
  const result = await build(BUNDLE);
  return {
    // In this repository the packages are installed one directory up; the bundle is the same as in a copy.
    'server.js': result.outputFiles[0].text.replaceAll('../node_modules/', 'node_modules/'),
    'THIRD-PARTY-LICENSES.txt': licenseTexts(Object.keys(result.metafile.inputs)),
  };
}

function licenseTexts(inputs: string[]): string {
  const folders = new Set<string>();
  for (const input of inputs) {
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(join(__dirname, input))?.[0];
    if (folder) { folders.add(folder); }
  }
  const texts = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)(\.|$)/i.test(entry));
    if (!file) { throw new Error(`${name}@${version} has no license file`); }
    const text = readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim();
    return `${name}@${version} (${license})\n\n${text}\n`;
  });
  return texts.sort().join(`\n${'-'.repeat(80)}\n\n`);
}

async function main() {
  const dist = join(__dirname, 'dist');
  mkdirSync(dist, { recursive: true });
  for (const [name, text] of Object.entries(await bundle())) {
    writeFileSync(join(dist, name), text);
  }
}

if (require.main === module) {
  main().catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
}
