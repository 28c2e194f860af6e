import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { pathOf, replaceBlocks } from './generated-blocks';
import { markdownTable } from './markdown';
import { nodeBinary } from '../test/support/example-app/node-binary';

/**
 * Installs the packed library with other versions of its peers, and synthesizes and rehearses the default service with
 * other versions of Node.js. Prints a table, and with `--write` puts it into docs/languages.md.
 *
 *     npx projen compatibility [--write]
 */

const ROOT = path.join(__dirname, '..');
const { version, peerDependencies } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
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

function main(): void {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'hello-fargate-service-compatibility-'));
  try {
    // The tasks run as another user.
    fs.chmodSync(work, 0o755);
    execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', work], { cwd: ROOT });
    const tarball = path.join(work, `hello-fargate-service-${version}.tgz`);
    const binaries = NODE_VERSIONS.map(nodeBinary);
    const rows = PEERS.map((peers, i) => {
      const directory = path.join(work, String(i));
      return [install(directory, tarball, peers), ...binaries.map((node) => tryWith(node, directory))];
    });
    const table = markdownTable(['', ...NODE_VERSIONS.map((node) => `Node.js ${node}`)], rows);
    process.stdout.write(`${table}\n`);
    if (process.argv.includes('--write')) {
      const file = pathOf('docs/languages.md');
      fs.writeFileSync(file, replaceBlocks(fs.readFileSync(file, 'utf8'), { versions: table }));
    }
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

main();
