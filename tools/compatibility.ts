import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { artifactFile } from './examples/artifacts';
import { ROOT } from './examples/run';
import { tryVersions } from './examples/versions';
import { writeBlock } from './generated-blocks';
import { markdownTable } from './markdown';
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

function main(): void {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'hello-fargate-service-compatibility-'));
  try {
    // The tasks run as another user.
    fs.chmodSync(work, 0o755);
    const languages = tryVersions(work);
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
    if (process.argv.includes('--write')) { writeBlock('README.md', 'versions', tables); }
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

main();
