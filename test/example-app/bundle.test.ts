import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../../example-app/bundle';

const APP = join(__dirname, '../../example-app');
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

test('the committed bundle is current: run `npx projen bundle` when this fails', async () => {
  for (const [name, text] of Object.entries(await bundle())) {
    // Not `toBe`: jest needs minutes to print the difference of such large files.
    expect([name, readFileSync(join(APP, 'dist', name), 'utf8') === text]).toEqual([name, true]);
  }
});

test('every bundled package has its license beside the bundle, and the version of the lock file', () => {
  const server = readFileSync(join(APP, 'dist/server.js'), 'utf8');
  const bundled = new Set(Array.from(
    server.matchAll(/^\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)\//gm), ([, name]) => name));
  const licenses = readFileSync(join(APP, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
  const licensed = Array.from(licenses.matchAll(/^((?:@[^/\s]+\/)?[^@\s]+)@(\d\S*) \([\w.-]+\)$/gm));
  expect(new Set(licensed.map(([, name]) => name))).toEqual(bundled);
  expect(bundled).toContain('express');

  const lock = json(join(APP, 'package-lock.json'));
  for (const [, name, version] of licensed) {
    expect([name, lock.packages[`node_modules/${name}`]?.version]).toEqual([name, version]);
  }
});

test('a copy of the directory installs the versions that this repository tests', () => {
  const own = json(join(APP, 'package.json'));
  const { devDependencies } = json(join(APP, '../package.json'));
  expect(own.dependencies).toBeUndefined();
  for (const [name, version] of Object.entries(own.devDependencies)) {
    expect([name, devDependencies[name]]).toEqual([name, version]);
  }
  expect(json(join(APP, 'package-lock.json')).packages[''].devDependencies).toEqual(own.devDependencies);
});
