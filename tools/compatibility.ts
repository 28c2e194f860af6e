import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { artifactFile, buildArtifacts } from './examples/artifacts';
import { Environment, Language, LANGUAGES } from './examples/languages';
import { ROOT } from './examples/run';
import { copyExample, Digests, isEqual, synthesize } from './examples/templates';
import { pathOf, replaceBlocks } from './generated-blocks';
import { markdownTable } from './markdown';
import { DOCUMENTS } from './update-tables';
import { nodeBinary } from '../test/support/example-app/node-binary';

/**
 * Installs the packed library with other versions of its peers, and synthesizes and rehearses the default service with
 * other versions of Node.js. Synthesizes the example of each language with each version of it on this machine. Prints
 * two tables, and with `--write` puts them into README.md.
 *
 *     npx projen compatibility [--write]
 */

const { peerDependencies } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
const lowest = (name: string): string => peerDependencies[name].replace('^', '');

const NODE_VERSIONS = ['20', '22', '24'];
/** The lowest versions of the peers, and the newest of their major version. */
const PEERS: ReadonlyArray<readonly [cdk: string, constructs: string]> = [
  [lowest('aws-cdk-lib'), lowest('constructs')],
  ['2', '10'],
];

const APP = `
const { App, Stack } = require('aws-cdk-lib');
const { HelloFargateService } = require('hello-fargate-service');
new HelloFargateService(new Stack(new App(), 'Hello'), 'Hello');
`;

/** @returns the versions of the peers that are installed */
function install(directory: string, tarball: string, [cdk, constructs]: (typeof PEERS)[number]): string {
  fs.mkdirSync(directory);
  fs.writeFileSync(path.join(directory, 'package.json'), '{ "private": true }');
  fs.writeFileSync(path.join(directory, 'app.js'), APP);
  execFileSync('npm', [
    'install', '--no-audit', '--no-fund', '--silent', tarball, `aws-cdk-lib@${cdk}`, `constructs@${constructs}`,
  ], { cwd: directory, stdio: ['ignore', 2, 2] });
  const installed = (name: string) =>
    JSON.parse(fs.readFileSync(path.join(directory, 'node_modules', name, 'package.json'), 'utf8')).version;
  return `aws-cdk-lib ${installed('aws-cdk-lib')}, constructs ${installed('constructs')}`;
}

/** @returns the version of Node.js, and whether the default service is synthesized and its rehearsal passes */
function tryWith(node: string | undefined, directory: string): string {
  if (!node) { return 'not available'; }
  const { CDK_CONTEXT_JSON: _, ...own } = process.env;
  const env = { ...own, CDK_OUTDIR: 'cdk.out' };
  const command = path.join('node_modules', 'hello-fargate-service', 'bin', 'hello-fargate-service');
  const exact = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1);
  try {
    execFileSync(node, ['app.js'], { cwd: directory, env, stdio: ['ignore', 2, 2] });
    execFileSync(node, [command, 'rehearse', '--once', '--quick'], { cwd: directory, env, stdio: ['ignore', 2, 2] });
    return `passed with ${exact}`;
  } catch {
    process.exitCode = 1;
    return `**failed** with ${exact}`;
  }
}

/** @returns the number in what a command of a language prints, on one of its outputs */
function versionOf(language: Language, environment: Environment): string {
  const [command, ...args] = language.versionCommand!(environment);
  const { stdout, stderr } = spawnSync(command, args, { env: { ...process.env, ...environment }, encoding: 'utf8' });
  return /\d[\d.]*/.exec(stdout + stderr)![0];
}

/** Whether the example of a language has the templates of the reference. */
function isEqualWith(language: Language, version: Environment, directory: string, reference: Digests): boolean {
  try {
    copyExample(language, directory);
    language.install(directory, version);
    return isEqual(reference, synthesize(directory, { ...version, ...language.environment?.(directory) }));
  } catch (error) {
    process.stderr.write(`${language.name}: ${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
}

/** For each language, the versions with which its example has the templates of the example in TypeScript. */
function languageRows(work: string): string[][] {
  const [typescript, ...others] = LANGUAGES;
  const languages = others.filter((language) => language.versions && !language.missing());
  buildArtifacts([typescript, ...languages]);
  const directory = path.join(work, typescript.name);
  copyExample(typescript, directory);
  typescript.install(directory);
  const reference = synthesize(directory, {});
  return languages.map((language) => {
    const results = language.versions!().map((version, i) => {
      const equal = isEqualWith(language, version, path.join(work, `${language.name}-${i}`), reference);
      if (!equal) { process.exitCode = 1; }
      return `${versionOf(language, version)}${equal ? '' : ' **failed**'}`;
    });
    return [language.name[0].toUpperCase() + language.name.slice(1), results.join(', ')];
  });
}

function main(): void {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'hello-fargate-service-compatibility-'));
  try {
    // The tasks run as another user.
    fs.chmodSync(work, 0o755);
    const languages = languageRows(work);
    const tarball = artifactFile('js', '.tgz');
    const binaries = NODE_VERSIONS.map(nodeBinary);
    const rows = PEERS.map((peers, i) => {
      const directory = path.join(work, String(i));
      return [install(directory, tarball, peers), ...binaries.map((node) => tryWith(node, directory))];
    });
    const tables = [
      markdownTable(['', ...NODE_VERSIONS.map((node) => `Node.js ${node}`)], rows),
      markdownTable(['language', 'versions that give the templates of TypeScript'], languages),
    ].join('\n\n');
    process.stdout.write(`${tables}\n`);
    if (process.argv.includes('--write')) {
      const file = pathOf('README.md');
      const blocks = { ...DOCUMENTS['README.md'](), versions: tables };
      fs.writeFileSync(file, replaceBlocks(fs.readFileSync(file, 'utf8'), blocks));
    }
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

main();
