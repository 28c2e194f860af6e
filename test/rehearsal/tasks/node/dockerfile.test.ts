import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { Image, readImage } from '../../../../src/rehearsal/tasks/node/dockerfile';

let directory: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'image-test-'));
  for (const file of ['server.js', 'package.json', 'lib/a.js', 'lib/deep/b.js']) {
    fs.mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
    fs.writeFileSync(path.join(directory, file), file);
  }
});

afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

function image(dockerfile: string, dockerBuildArgs?: Record<string, string>): Image {
  fs.writeFileSync(path.join(directory, 'Dockerfile'), dockerfile);
  return readImage('Shop', { directory, dockerBuildArgs, workingDirectory: directory });
}

/** The files of the image, by their paths, with the names of the files that they are copies of. */
function files(dockerfile: string): Record<string, string> {
  const root = path.join(directory, 'root');
  image(dockerfile).layOut(root);
  return Object.fromEntries(fs.readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .map((file) => [`/${path.relative(root, file)}`, fs.readFileSync(file, 'utf8')])
    .sort());
}

test('reads the settings of the process from a Dockerfile', () => {
  expect(image(`# syntax=docker/dockerfile:1
ARG VERSION=22
FROM --platform=linux/arm64 node:\${VERSION}-slim AS app
env A=1 B="two words"
ENV C=\${A}b D=\${MISSING:-default} E=\\$A
ENV OLD style value
WORKDIR /srv
WORKDIR app
USER node
ENTRYPOINT ["node", \\
  # for production
  "--enable-source-maps"]
CMD [ "server.js" ]
STOPSIGNAL SIGINT
HEALTHCHECK CMD curl localhost
VOLUME /tmp
EXPOSE 8080
`)).toMatchObject({
    base: 'node:22-slim',
    environment: { A: '1', B: 'two words', C: '1b', D: 'default', E: '$A', OLD: 'style value' },
    workingDirectory: '/srv/app',
    user: 'node',
    entryPoint: ['node', '--enable-source-maps'],
    command: ['server.js'],
    stopSignal: 'SIGINT',
  });
});

test('prefers build arguments to their defaults', () => {
  expect(image('ARG VERSION=22\nFROM node:$VERSION', { VERSION: '24' }).base).toBe('node:24');
});

test.each([
  ['WORKDIR /app\nCOPY server.js .', { '/app/server.js': 'server.js' }],
  [
    'WORKDIR /app\nCOPY server.js package.json ./',
    { '/app/package.json': 'package.json', '/app/server.js': 'server.js' },
  ],
  ['WORKDIR /app\nCOPY server.js main.js', { '/app/main.js': 'server.js' }],
  ['COPY server.js /opt/', { '/opt/server.js': 'server.js' }],
  ['COPY lib /app/lib', { '/app/lib/a.js': 'lib/a.js', '/app/lib/deep/b.js': 'lib/deep/b.js' }],
  ['COPY lib /app/', { '/app/a.js': 'lib/a.js', '/app/deep/b.js': 'lib/deep/b.js' }],
  ['COPY ["lib/a.js", "/with space/"]', { '/with space/a.js': 'lib/a.js' }],
  ['COPY --chown=node:node --chmod=755 lib/*.js /app/', { '/app/a.js': 'lib/a.js' }],
  ['WORKDIR /app\nCOPY lib/ .\nADD server.js a.js', { '/app/a.js': 'server.js', '/app/deep/b.js': 'lib/deep/b.js' }],
])('copies the files of %j', (instructions, expected) => {
  expect(files(`FROM node:22\n${instructions}`)).toEqual(expected);
});

test.each([
  ['RUN npm ci', /requires a container engine, because its Dockerfile contains RUN npm ci/],
  ['COPY --from=build /a /b', /contains COPY --from=build/],
  ['FROM node:22', /has 2 stages/],
  ['COPY <<EOF /a', /here-document/],
  ['COPY <<-"EOF" /a', /here-document/],
  ['COPY [sp]*.js /app/', /character class/],
  ['ENV A=1\nENV B=${A:+x}', /another form than/],
  ['ENV A=${B:?missing}', /another form than/],
  ['ENV A=${B#x}', /another form than/],
  ['# escape=`\nENV A=1', /another escape character/],
  ['STOPSIGNAL SIGRTMIN+3', /STOPSIGNAL SIGRTMIN\+3, which Node\.js cannot send/],
  ['ADD app.tar.gz /', /contains ADD app\.tar\.gz/],
  ['ADD https://example.com/a.tgz /', /contains ADD https:/],
])('fails with %s', (instruction, message) => {
  expect(() => image(`FROM node:22\n${instruction}`)).toThrow(message);
});

test('fails when a copied file does not exist', () => {
  expect(() => files('FROM node:22\nCOPY dist ./')).toThrow(/copies dist, which is not in/);
});

test('accepts a JSON array with spaces, and a default of a variable', () => {
  expect(files('FROM node:22\nARG DIR=app\nCOPY [ "server.js", "/${DIR:-srv}/" ]'))
    .toEqual({ '/app/server.js': 'server.js' });
});

test.each([
  ['SIGINT', 'SIGINT'], ['INT', 'SIGINT'], ['2', 'SIGINT'], ['15', 'SIGTERM'], ['sigquit', 'SIGQUIT'],
])('reads the stop signal %s', (text, signal) => {
  expect(image(`FROM node:22\nSTOPSIGNAL ${text}`).stopSignal).toBe(signal);
});

test.each(['', '# nothing', 'ARG VERSION=22'])('fails without FROM: %j', (text) => {
  expect(() => image(text)).toThrow(/its Dockerfile has no instruction FROM/);
});

describe('a symbolic link', () => {
  let outside: string;
  beforeEach(() => {
    outside = fs.mkdtempSync(path.join(os.tmpdir(), 'outside-'));
    fs.symlinkSync(outside, path.join(directory, 'link'));
    fs.mkdirSync(path.join(directory, 'nested'));
    fs.symlinkSync(outside, path.join(directory, 'nested', 'lib'));
  });
  afterEach(() => {
    expect(fs.readdirSync(outside)).toEqual([]);
    fs.rmSync(outside, { recursive: true });
  });

  test.each([
    ['COPY link /app/link\nCOPY server.js /app/link/', /it copies server\.js through a symbolic link/],
    ['COPY link /app\nCOPY lib /app/lib', /it copies lib through a symbolic link/],
    ['COPY nested /app\nCOPY . /app', /through a symbolic link|Node\.js cannot copy its files/],
    ['COPY link /app\nCOPY server.js /app', /it copies .* over the directory|through a symbolic link/],
  ])('leads no file out of the root filesystem: %j', (instructions, message) => {
    expect(() => files(`FROM node:22\n${instructions}`)).toThrow(message);
  });
});
