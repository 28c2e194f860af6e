'use strict';
/*
 * Removes the containers, volumes and images of a rehearsal when its standard input ends, that is when the rehearsal
 * ends. The engine runs it by path: node engine-watchdog.cjs PROGRAM docker|podman LABEL TAG_PREFIX
 */
const { spawnSync } = require('node:child_process');

const [program, kind, label, tagPrefix] = process.argv.slice(2);

/** @param {string[]} args */
const run = (...args) => spawnSync(program, args, { encoding: 'utf8' });
/** @param {string[]} args */
const list = (...args) => (run(...args).stdout ?? '').split('\n').filter((line) => line !== '');

function removeAll() {
  const containers = list('ps', '--all', '--quiet', '--filter', `label=${label}`);
  const options = kind === 'podman' ? ['--time', '0', '--depend'] : [];
  if (containers.length > 0) { run('rm', '--force', '--volumes', ...options, ...containers); }

  const volumes = list('volume', 'ls', '--quiet', '--filter', `label=${label}`);
  if (volumes.length > 0) { run('volume', 'rm', '--force', ...volumes); }

  const images = list('images', '--format', '{{.Repository}}:{{.Tag}}').filter((name) => name.includes(tagPrefix));
  // The layers stay in the build cache, which makes the next build faster.
  if (images.length > 0) { run('rmi', '--force', '--no-prune', ...images); }
}

process.stdin.resume().once('end', () => {
  removeAll();
  process.exit();
});
