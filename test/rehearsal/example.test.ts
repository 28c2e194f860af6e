import * as fs from 'node:fs';
import * as path from 'node:path';
import { readArguments } from '../../src/rehearsal/main';

/*
 * The GitHub Actions example for repositories of users: the commands and options that it uses must exist.
 */

const ROOT = path.join(__dirname, '..', '..');
const FILE = path.join(ROOT, 'examples', 'rehearse-on-pull-request.yml');

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: { readonly 'node-version': number };
}

interface Workflow {
  readonly on: string;
  readonly permissions: object;
  readonly jobs: Record<string, { readonly steps: Step[] }>;
}

const workflow: Workflow = jest.requireActual('js-yaml').load(fs.readFileSync(FILE, 'utf8'));
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
const commands = steps.flatMap(({ run }) => run ? [run] : []);
const packageJson = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));

test('runs on every pull request with read-only permissions', () => {
  expect(workflow.on).toBe('pull_request');
  expect(workflow.permissions).toEqual({ contents: 'read' });
});

test('uses a Node.js version that the package supports', () => {
  const version = steps.find(({ uses }) => uses?.startsWith('actions/setup-node@'))!.with!['node-version'];
  expect(version).toBeGreaterThanOrEqual(Number(/\d+/.exec(packageJson.engines.node)![0]));
});

test('installs, synthesizes and rehearses, in that order', () => {
  const names = commands.map((command) => command.split(' ').slice(0, 2).join(' '));
  expect(names).toEqual(['npm ci', 'npx cdk', 'npx hello-fargate-service']);
});

test('uses options that the command has', () => {
  const [npx, command, ...args] = commands.at(-1)!.split(' ');
  expect(npx).toBe('npx');
  expect(Object.keys(packageJson.bin)).toContain(command);
  expect(readArguments(args)).toMatchObject({ directory: 'cdk.out', once: true });
});
