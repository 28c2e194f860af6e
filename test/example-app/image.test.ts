import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const APP = join(__dirname, '../../example-app');
const lines = (file: string) => readFileSync(join(APP, file), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const instructions = lines('Dockerfile').map((line): [string, string] => [line.split(' ', 1)[0], line.slice(line.indexOf(' ') + 1)]);
const all = (name: string) => instructions.filter(([instruction]) => instruction === name).map(([, argument]) => argument);

test('the image is built for any architecture without emulation: one FROM, and nothing that runs', () => {
  expect(all('FROM')).toEqual(['${NODE_IMAGE}']);
  expect(all('RUN')).toEqual([]);
});

test('the base image is an exact version of an LTS Node, from a registry without rate limits for AWS', () => {
  const [, major] = /^NODE_IMAGE=public\.ecr\.aws\/docker\/library\/node:(\d+)\.\d+\.\d+-\w+-slim$/.exec(all('ARG')[0]) ?? [];
  expect(Number(major) % 2).toBe(0);
});

test('the container runs as a user that is not root, by number, and can write to an empty volume at /tmp', () => {
  expect(all('USER')).toEqual(['1000:1000']);
  expect(all('VOLUME')).toEqual(['["/tmp"]']);
});

test('the command is no shell, which would keep SIGTERM to itself', () => {
  for (const command of [all('CMD')[0], all('HEALTHCHECK')[0].split(' CMD ')[1]]) {
    expect(JSON.parse(command)[0]).toBe('node');
  }
});

test('the build context is what the image holds, so that nothing else changes the digest of an image asset', () => {
  const copied = all('COPY').flatMap((argument) => argument.split(' ').slice(0, -1));
  expect(new Set(lines('.dockerignore'))).toEqual(new Set(['*', '!Dockerfile', ...copied.map((file) => `!${file}`)]));
});
