import * as fs from 'node:fs';
import * as path from 'node:path';
import { readArguments } from '../../src/rehearsal/main';

/*
 * The GitHub Actions example, which is for users' own repositories: what it calls must be there.
 */

const ROOT = path.join(__dirname, '..', '..');
const FILE = path.join(ROOT, 'examples', 'rehearse-on-pull-request.yml');

interface Step { readonly uses?: string; readonly run?: string; readonly with?: { readonly 'node-version': number } }

const workflow: { on: string; permissions: object; jobs: { [name: string]: { 'runs-on': string; 'steps': Step[] } } } = jest.requireActual('js-yaml').load(fs.readFileSync(FILE, 'utf8'));
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
const commands = steps.flatMap(({ run }) => run ? [run] : []);
const packageJson = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));

test('runs on every pull request, and may write nothing', () => {
  expect(workflow.on).toBe('pull_request');
  expect(workflow.permissions).toEqual({ contents: 'read' });
});

test('has a Node.js that the package takes', () => {
  const version = steps.find(({ uses }) => uses?.startsWith('actions/setup-node@'))!.with!['node-version'];
  expect(version).toBeGreaterThanOrEqual(Number(/\d+/.exec(packageJson.engines.node)![0]));
});

test('installs, synthesises and rehearses, in that order', () => {
  expect(commands.map((command) => command.split(' ').slice(0, 2).join(' '))).toEqual(['npm ci', 'npx cdk', 'npx hello-fargate-service']);
});

test('calls the command of the package with options that it has', () => {
  const [npx, command, ...args] = commands.at(-1)!.split(' ');
  expect(npx).toBe('npx');
  expect(Object.keys(packageJson.bin)).toContain(command);
  expect(readArguments(args)).toMatchObject({ directory: 'cdk.out', once: true });
});
