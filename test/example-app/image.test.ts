import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const APP = join(__dirname, '../../example-app');

function readLines(file: string): string[] {
  return readFileSync(join(APP, file), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** Arguments of all instructions of that name in the Dockerfile. */
function findAll(name: string): string[] {
  return readLines('Dockerfile')
    .filter((line) => line.startsWith(`${name} `))
    .map((line) => line.slice(name.length + 1));
}

test('builds for any architecture without emulation: one FROM, no RUN', () => {
  expect(findAll('FROM')).toEqual(['${NODE_IMAGE}']);
  expect(findAll('RUN')).toEqual([]);
});

test('uses an exact version of Node.js LTS, from a registry without rate limits for AWS', () => {
  const baseImage = /^NODE_IMAGE=public\.ecr\.aws\/docker\/library\/node:(\d+)\.\d+\.\d+-\w+-slim$/;
  const [, major] = baseImage.exec(findAll('ARG')[0]) ?? [];
  expect(Number(major) % 2).toBe(0);
});

test('runs as a numeric non-root user that can write to an empty volume at /tmp', () => {
  expect(findAll('USER')).toEqual(['1000:1000']);
  expect(findAll('VOLUME')).toEqual(['["/tmp"]']);
});

test('starts node directly, because a shell would not forward SIGTERM', () => {
  for (const command of [findAll('CMD')[0], findAll('HEALTHCHECK')[0].split(' CMD ')[1]]) {
    expect(JSON.parse(command)[0]).toBe('node');
  }
});

test('sends only the files of the image as the build context, so that nothing else changes the asset hash', () => {
  const copied = findAll('COPY').flatMap((argument) => argument.split(' ').slice(0, -1));
  const included = copied.map((file) => `!${file}`);
  expect(new Set(readLines('.dockerignore'))).toEqual(new Set(['*', '!Dockerfile', ...included]));
});
