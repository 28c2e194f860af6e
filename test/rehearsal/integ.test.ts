import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { CannotRun } from '../../src/rehearsal/cannot-run';
import { findIntegTests } from '../../src/rehearsal/integ';
import { readArguments } from '../../src/rehearsal/main';
import { APP, compile, installCommand } from '../support/rehearsal/fixture';

const ROOT = path.join(__dirname, '..', '..');
const temporary = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'integ-test-')));
const write = (name: string, text = '') => {
  fs.mkdirSync(path.dirname(path.join(temporary, name)), { recursive: true });
  fs.writeFileSync(path.join(temporary, name), text);
};

afterAll(() => fs.rmSync(temporary, { recursive: true, force: true }));

test('finds what integ-runner would', () => {
  ['integ.a.ts', 'integ.a.js', 'integ.a.d.ts', 'below/integ.b.js', 'support.ts', 'integ.c.ts.snapshot/integ.d.js', 'node_modules/x/integ.e.js']
    .forEach((name) => write(`found/${name}`));
  const found = path.join(temporary, 'found');
  expect(findIntegTests(found).map((file) => path.relative(found, file))).toEqual(['below/integ.b.js', 'integ.a.ts']);
});

test('refuses a directory without integ tests, and an assembly beside it', () => {
  fs.mkdirSync(path.join(temporary, 'empty'));
  expect(() => findIntegTests(path.join(temporary, 'empty'))).toThrow(CannotRun);
  expect(() => readArguments(['rehearse', 'cdk.out', '--integ', 'integ'])).toThrow(/leave out cdk.out/);
});

describe('the command', () => {
  const app = path.join(temporary, 'app');
  let program: string;

  beforeAll(() => {
    // An app of a user's: the command and CDK are installed in it, and its integ tests share a service.
    program = installCommand(path.join(temporary, 'installed'));
    fs.mkdirSync(path.join(temporary, 'files'));
    // The user of the tasks gets in.
    [temporary, path.join(temporary, 'files')].forEach((directory) => fs.chmodSync(directory, 0o755));
    compile(path.join(__dirname, '..', 'support', 'rehearsal', 'fixture.ts'), app);
    fs.cpSync(APP, path.join(app, 'fixtures', 'app'), { recursive: true });
    fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(app, 'node_modules'));
  });

  /** An integ test that asserts on the status of its service, and on something that AWS would have to be asked. */
  const asserting = (status: number, props = '{}') => `
    const { IntegTest, ExpectedResult } = require('@aws-cdk/integ-tests-alpha');
    const { App, Stack } = require('aws-cdk-lib');
    const { FixtureService } = require('../fixture');
    // As integ-runner has it.
    require('node:assert').deepEqual([process.env.CDK_INTEG_ACCOUNT, process.env.CDK_INTEG_REGION], ['123456789012', 'us-east-1']);
    const app = new App({ analyticsReporting: false });
    require('node:assert').equal(app.node.tryGetContext('@aws-cdk/core:enablePartitionLiterals'), true);
    const stack = new Stack(app, 'Shop');
    const { url } = new FixtureService(stack, 'Web', ${props});
    const { assertions } = new IntegTest(app, 'Test', { testCases: [stack] });
    assertions.httpApiCall(url + '/health').expect(ExpectedResult.objectLike({ status: ${status} }));
    assertions.awsApiCall('ecs', 'listClusters');`;
  const GOOD = asserting(200);
  const FAILS = asserting(418);
  const BROKEN = "throw new Error('no such stack');";

  // npx and npm add the programs of packages, which the command finds by itself.
  const withoutPackages = process.env.PATH!.split(path.delimiter).filter((directory) => !directory.includes('node_modules')).join(path.delimiter);

  /** @param scenarios by the names of their files, without `integ.` */
  function run(name: string, scenarios: { readonly [scenario: string]: string }, args = ['--json'], cwd = app) {
    for (const [scenario, text] of Object.entries(scenarios)) { write(path.join(path.relative(temporary, cwd), name, `integ.${scenario}`), text); }
    const command = spawn(process.execPath, [program, 'rehearse', '--integ', name, '--quick', ...args], {
      cwd,
      env: { ...process.env, PATH: withoutPackages, TMPDIR: path.join(temporary, 'files'), NO_COLOR: '1' },
    });
    let stdout = '';
    let text = '';
    command.stdout.on('data', (more) => { stdout += more; });
    command.stderr.on('data', (more) => { text += more; });
    const ended = new Promise<number | null>((resolve) => command.on('close', resolve))
      .then((code) => ({ code, stdout, text, document: stdout.startsWith('{') ? JSON.parse(stdout) : undefined }));
    return { command, ended };
  }

  // What is installed keeps a cache of its own.
  afterEach(() => expect(fs.readdirSync(path.join(temporary, 'files')).filter((name) => !name.startsWith('tsx-'))).toEqual([]));

  test('exits 0 when all assertions hold, and counts those that ask AWS as not rehearsed', async () => {
    const { code, text, document } = await run('good', { 'good.js': GOOD }).ended;
    expect(text).toMatch(/ok {3}assertion: GET \S+\/health gives \{"status":200\}/);
    expect(text).toMatch(/skip assertion: ecs:listClusters \(not rehearsed: it asks AWS\)/);
    expect(text).toMatch(/ {2}passed +good\/integ\.good\.js: 3 passed, 0 failed, 1 not rehearsed\n/);
    expect(document).toMatchObject({ passed: true, integTests: [{ file: 'good/integ.good.js', couldRun: true, passed: true }] });
    expect(document.integTests[0].checks.map(({ id, outcome }: any) => `${id} ${outcome}`))
      .toEqual(['healthy passed', 'http passed', 'assertion passed', 'assertion not rehearsed']);
    expect(code).toBe(0);
  });

  test('exits 1 when an assertion of one does not hold, and names that one; only the first has the port that is asked for', async () => {
    const port = await new Promise<number>((resolve) => {
      const server = net.createServer().listen(0, '127.0.0.1', () => {
        const { port: free } = server.address() as net.AddressInfo;
        server.close(() => resolve(free));
      });
    });
    // Without --json it is on stdout, and ends by itself too.
    const { code, stdout } = await run('failing', { 'fails.js': FAILS, 'good.js': GOOD }, ['--port', String(port)]).ended;
    expect(stdout).toMatch(/FAIL assertion: GET \S+\/health gives \{"status":418\}[^]*Expected 418 but received 200/);
    expect(stdout.match(/GET http:\S+(?=\/health answered 200)/g)).toEqual([`GET http://127.0.0.1:${port}`, expect.not.stringContaining(`:${port}`)]);
    expect(stdout).toMatch(new RegExp('\\n2 integ tests\\n {2}FAILED {8}failing/integ\\.fails\\.js: 2 passed, 1 failed, 1 not rehearsed\\n'
      + ' {2}passed {8}failing/integ\\.good\\.js: 3 passed, 0 failed, 1 not rehearsed\\n'));
    expect(code).toBe(1);
  });

  test('exits 2 when one cannot be synthesised, and tells what it said', async () => {
    const { code, text, document } = await run('unsynthesised', { 'broken.js': BROKEN, 'good.js': GOOD }).ended;
    expect(text).toMatch(/could not rehearse: unsynthesised\/integ\.broken\.js was not synthesised by `node \{filePath\}`, which ended with exit code 1:/);
    expect(text).toContain('no such stack');
    expect(text).toMatch(/ {2}could not run \S+integ\.broken\.js\n {2}passed +\S+integ\.good\.js: 3 passed/);
    expect(document).toMatchObject({ passed: false, integTests: [{ passed: false, couldRun: false }, { passed: true, couldRun: true }] });
    expect(code).toBe(2);
  });

  test('exits 1 when one fails and another could not be run, whatever comes first', async () => {
    const noService = "const { App, Stack } = require('aws-cdk-lib'); new Stack(new App(), 'Shop');";
    const { code, text, document } = await run('both', { 'a.js': noService, 'b.js': asserting(200, "{ environment: { FAULT: 'dies at start' } }"), 'c.js': BROKEN }).ended;
    expect(text).toMatch(/could not rehearse: no service in /);
    expect(text).toMatch(/the app died at start, with exit code 7/);
    expect(document.integTests.map(({ passed, couldRun }: any) => ({ passed, couldRun })))
      .toEqual([{ passed: false, couldRun: false }, { passed: false, couldRun: true }, { passed: false, couldRun: false }]);
    expect(code).toBe(1);
  });

  test('runs TypeScript by what is installed', async () => {
    const { code, text } = await run('typed', { 'broken.ts': "const message: string = 'no such stack'; throw new Error(message);" }).ended;
    expect(text).toMatch(/integ\.broken\.ts was not synthesised by `tsx \{filePath\}`, [^]*Error: no such stack/);
    expect(code).toBe(2);
  });

  test('runs what integ.config.json says, and refuses one that is no JSON', async () => {
    const configured = path.join(temporary, 'configured');
    write('configured/integ.config.json', '{ "app": "node --no-warnings {filePath}" }');
    const { code, text } = await run('integ', { 'broken.js': BROKEN }, ['--json'], configured).ended;
    expect(text).toContain('integ.broken.js was not synthesised by `node --no-warnings {filePath}`, which ended with exit code 1');
    expect(code).toBe(2);

    write('configured/integ.config.json', 'app: node');
    const refused = await run('integ', {}, ['--json'], configured).ended;
    expect(refused).toMatchObject({ code: 2, text: '\ncould not rehearse: integ.config.json is not JSON\n' });
  });

  test('exits 2 when it is interrupted, and leaves nothing behind', async () => {
    const { command, ended } = run('interrupted', {
      'a.js': "require('node:fs').writeFileSync(process.env.CDK_OUTDIR + '/begun', ''); setInterval(() => {}, 1000);", 'b.js': BROKEN, 'c.js': GOOD,
    });
    const begun = () => fs.readdirSync(path.join(temporary, 'files'), { recursive: true }).some((file) => String(file).endsWith('begun'));
    while (!begun()) { await new Promise((resolve) => setTimeout(resolve, 20)); }
    command.kill('SIGINT');
    const { code, text } = await ended;
    expect(text).toMatch(/could not rehearse: interrupted before the verdict/);
    expect(text).not.toContain('is healthy');
    expect(code).toBe(2);
  });
});
