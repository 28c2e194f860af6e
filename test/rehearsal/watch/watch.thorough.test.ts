import { ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { installCommand } from '../../support/rehearsal/fixture';
import { useTemporaryDirectory } from '../../support/rehearsal/temporary-directory';

const MODULES = path.join(__dirname, '..', '..', '..', 'node_modules');

/** A CDK app in plain JavaScript, whose service depends on settings.json. */
const APP = `
const { App, Duration, Stack } = require('aws-cdk-lib');
const ec2 = require('aws-cdk-lib/aws-ec2');
const ecs = require('aws-cdk-lib/aws-ecs');
const elbv2 = require('aws-cdk-lib/aws-elasticloadbalancingv2');

const { environment, path = '/*', minHealthyPercent = 100 } = require('./settings.json');
const stack = new Stack(new App({ analyticsReporting: false }), 'Shop');
const vpc = new ec2.Vpc(stack, 'Vpc', { natGateways: 0, maxAzs: 2, restrictDefaultSecurityGroup: false });
const taskDefinition = new ecs.FargateTaskDefinition(stack, 'Task');
taskDefinition.addContainer('app', {
  image: ecs.ContainerImage.fromAsset('image'),
  portMappings: [{ containerPort: 8080 }],
  environment,
  stopTimeout: Duration.seconds(5),
});
const service = new ecs.FargateService(stack, 'Service', {
  cluster: new ecs.Cluster(stack, 'Cluster', { vpc }),
  taskDefinition,
  desiredCount: 2,
  minHealthyPercent,
  maxHealthyPercent: minHealthyPercent === 100 ? 200 : 100,
});
const loadBalancer = new elbv2.ApplicationLoadBalancer(stack, 'LoadBalancer', { vpc, internetFacing: true });
loadBalancer.addListener('Http', { port: 80, defaultAction: elbv2.ListenerAction.fixedResponse(404) })
  .addTargets('Targets', {
    priority: 1,
    conditions: [elbv2.ListenerCondition.pathPatterns([path])],
    port: 80,
    targets: [service],
    healthCheck: { path: '/health', interval: Duration.seconds(5), timeout: Duration.seconds(2) },
  });
`;

/** Serves its version until a second after SIGTERM. */
const SERVER = `
const answer = () => VERSION + (process.env.GREETING || '');
const server = require('node:http').createServer((request, response) => response.end(answer()));
server.listen(8080);
process.on('SIGTERM', () => setTimeout(() => process.exit(), 1000));
`;

const temporary = useTemporaryDirectory();
let app: string;
let command: ChildProcess;
let output = '';
let program: string;

const write = (file: string, text: string) => fs.writeFileSync(path.join(app, file), text);
const writeServer = (version: string) => write('image/server.js', `const VERSION = '${version}';${SERVER}`);
const writeSettings = (settings: object) => write('settings.json', JSON.stringify(settings));

async function until(pattern: RegExp, from = 0): Promise<void> {
  for (const end = Date.now() + 40_000; !pattern.test(output.slice(from));) {
    if (Date.now() > end || command.exitCode !== null) { throw new Error(`no ${pattern} in:\n${output.slice(from)}`); }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Makes a change, and waits until the output that follows it matches. @returns that output */
async function afterwards(change: () => void, pattern: RegExp): Promise<string> {
  const from = output.length;
  change();
  await until(pattern, from);
  return output.slice(from);
}

const answer = async () => (await fetch(/http:\/\/127\.0\.0\.1:\d+(?= {2}emulates)/.exec(output)![0])).text();

function start(): void {
  output = '';
  const env = { ...process.env, NO_COLOR: '1' };
  command = spawn(process.execPath, [program, 'rehearse', '--watch', '--quick'], { cwd: app, env });
  const append = (text: Buffer) => { output += text; };
  command.stdout!.on('data', append);
  command.stderr!.on('data', append);
}

beforeAll(async () => {
  program = installCommand(path.join(temporary(), 'installed'));
  app = path.join(temporary(), 'app');
  fs.mkdirSync(path.join(app, 'image'), { recursive: true });
  fs.symlinkSync(MODULES, path.join(app, 'node_modules'));
  write('cdk.json', JSON.stringify({ app: 'node app.js' }));
  write('app.js', APP);
  write('image/Dockerfile', 'FROM node:24\nCOPY server.js ./\nCMD ["node", "server.js"]\n');
  writeServer('one');
  writeSettings({});
  start();
  await until(/Watching /);
});

afterAll(async () => {
  const exited = new Promise((resolve) => command.on('close', resolve));
  command.kill('SIGINT');
  await exited;
  expect(command.exitCode).toBe(0);
});

test('a changed file of the image becomes a new version, and no request is lost', async () => {
  expect(await answer()).toBe('one');
  const change = await afterwards(() => writeServer('two'), /Service runs the new version/);

  expect(change).toMatch(/image\/server\.js changed/);
  expect(change).toMatch(/healthy after \d+\.\d s; 0 of \d{2,} requests failed/);
  expect(await answer()).toBe('two');
});

test('a changed task definition becomes one too', async () => {
  await afterwards(() => writeSettings({ environment: { GREETING: ' hello' } }), /Service runs the new version/);

  expect(await answer()).toBe('two hello');
});

test('a version that does not become healthy is stopped, and the previous one keeps running', async () => {
  const change = await afterwards(() => write('image/server.js', 'process.exit(3);'), /keeps running; .*\./);

  expect(change).toMatch(/does not become healthy: the app exited at startup with exit code 3/);
  expect(change).toMatch(/0 of \d+ requests failed/);
  expect(await answer()).toBe('two hello');
});

test('a synthesis that fails is reported, and the previous version keeps running', async () => {
  const change = await afterwards(() => write('app.js', 'throw new Error("no stack today");'), /keeps running/);

  expect(change).toMatch(/`node app\.js`, which synthesizes the app, exited with code 1:[^]*no stack today/);
  expect(await answer()).toBe('two hello');
});

test('after both are mended, the new version runs', async () => {
  await afterwards(() => {
    write('app.js', APP);
    writeServer('three');
  }, /Service runs the new version/);

  expect(await answer()).toBe('three hello');
});

test('another listener rule is not applied, and said', async () => {
  await afterwards(() => writeSettings({ path: '/shop/*' }), /its rules or its target groups changed: start again/);

  expect(await answer()).toBe('three hello');
  await afterwards(() => writeSettings({ environment: { GREETING: ' hello' } }), /no task definition or image differs/);
});

test('requests that the version before loses are counted', async () => {
  // It stops at once, while requests are in flight to it.
  const impolite = SERVER.replace('setTimeout(() => process.exit(), 1000)', 'process.exit()')
    .replace('response.end(answer())', 'setTimeout(() => response.end(answer()), 200)');
  const writeImpolite = () => write('image/server.js', `const VERSION = 'four';${impolite}`);
  await afterwards(writeImpolite, /Service runs the new version/);
  expect(await answer()).toBe('four hello');

  const change = await afterwards(() => writeServer('five'), /Service runs the new version/);
  expect(change).toMatch(/and [1-9]\d* of \d+ requests failed while its tasks were replaced/);
});

test('a deployment that may not start more tasks than desired stops old ones first', async () => {
  const settings = { minHealthyPercent: 50, environment: { GREETING: ' again' } };
  const change = await afterwards(() => writeSettings(settings), /Service runs the new version/);

  expect(change).toMatch(/0 of \d+ requests failed/);
  expect(await answer()).toBe('five again');
});

test('no requests are sent to an app that does not answer them', async () => {
  const failing = SERVER.replace('response.end(answer())',
    'response.writeHead(request.url === "/health" ? 200 : 500).end()');
  await afterwards(() => write('image/server.js', `const VERSION = 'six';${failing}`), /Service runs the new version/);
  const change = await afterwards(() => writeServer('seven'), /Service runs the new version/);

  expect(change).toMatch(/healthy after \d+\.\d s; no requests were sent/);
  expect(await answer()).toBe('seven again');
});
