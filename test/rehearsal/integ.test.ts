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

test('finds the same files as integ-runner', () => {
  const files = [
    'integ.a.ts', 'integ.a.js', 'integ.a.d.ts', 'below/integ.b.js', 'support.ts',
    'integ.c.ts.snapshot/integ.d.js', 'node_modules/x/integ.e.js',
  ];
  files.forEach((name) => write(`found/${name}`));
  const found = path.join(temporary, 'found');
  expect(findIntegTests(found).map((file) => path.relative(found, file))).toEqual(['below/integ.b.js', 'integ.a.ts']);
});

test('fails on a directory without integ tests, and on an assembly besides --integ', () => {
  fs.mkdirSync(path.join(temporary, 'empty'));
  expect(() => findIntegTests(path.join(temporary, 'empty'))).toThrow(CannotRun);
  expect(() => readArguments(['rehearse', 'cdk.out', '--integ', 'integ'])).toThrow(/remove cdk.out/);
});

describe('the command', () => {
  const app = path.join(temporary, 'app');
  let program: string;

  beforeAll(() => {
    // The app of a user, in which the command and CDK are installed.
    program = installCommand(path.join(temporary, 'installed'));
    fs.mkdirSync(path.join(temporary, 'files'));
    // The user of the tasks needs access.
    [temporary, path.join(temporary, 'files')].forEach((directory) => fs.chmodSync(directory, 0o755));
    compile(path.join(__dirname, '..', 'support', 'rehearsal', 'fixture.ts'), app);
    fs.cpSync(APP, path.join(app, 'fixtures', 'app'), { recursive: true });
    fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(app, 'node_modules'));
  });

  /** An integ test with an assertion on the status of its service, and one that calls AWS. */
  const asserting = (status: number, props = '{}') => `
    const { IntegTest, ExpectedResult } = require('@aws-cdk/integ-tests-alpha');
    const { App, Stack } = require('aws-cdk-lib');
    const { FixtureService } = require('../fixture');
    // As integ-runner sets them.
    const { CDK_INTEG_ACCOUNT, CDK_INTEG_REGION } = process.env;
    require('node:assert').deepEqual([CDK_INTEG_ACCOUNT, CDK_INTEG_REGION], ['123456789012', 'us-east-1']);
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

  // npx and npm add the binaries of packages to the path; the command must find them without that.
  const withoutPackages = process.env.PATH!.split(path.delimiter)
    .filter((directory) => !directory.includes('node_modules'))
    .join(path.delimiter);

  /** @param tests by the names of their files, without `integ.` */
  function run(name: string, tests: Readonly<Record<string, string>>, args = ['--json'], cwd = app) {
    for (const [file, source] of Object.entries(tests)) {
      write(path.join(path.relative(temporary, cwd), name, `integ.${file}`), source);
    }
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

  // tsx keeps a cache.
  afterEach(() => {
    const files = fs.readdirSync(path.join(temporary, 'files'));
    expect(files.filter((name) => !name.startsWith('tsx-'))).toEqual([]);
  });

  test('exits 0 when all assertions hold, and skips those that call AWS', async () => {
    const { code, text, document } = await run('good', { 'good.js': GOOD }).ended;
    expect(text).toMatch(/ok {3}assertion: GET \S+\/health returns \{"status":200\}/);
    expect(text).toMatch(/skip assertion: ecs:listClusters \(skipped: .*\)/);
    expect(text).toMatch(/ {2}passed +good\/integ\.good\.js: 3 passed, 0 failed, 1 skipped\n/);
    const integTests = [{ file: 'good/integ.good.js', couldRun: true, passed: true }];
    expect(document).toMatchObject({ passed: true, integTests });
    expect(document.integTests[0].checks.map(({ id, outcome }: any) => `${id} ${outcome}`))
      .toEqual(['healthy passed', 'http passed', 'assertion passed', 'assertion skipped']);
    expect(code).toBe(0);
  });

  test('exits 1 when an assertion fails, and gives the port of --port to the first integ test only', async () => {
    const port = await new Promise<number>((resolve) => {
      const server = net.createServer().listen(0, '127.0.0.1', () => {
        const { port: free } = server.address() as net.AddressInfo;
        server.close(() => resolve(free));
      });
    });
    // Without --json the report is on stdout, and the command exits after the result too.
    const tests = { 'fails.js': FAILS, 'good.js': GOOD };
    const { code, stdout } = await run('failing', tests, ['--port', String(port)]).ended;
    expect(stdout).toMatch(/FAIL assertion: GET \S+\/health returns \{"status":418\}[^]*Expected 418 but received 200/);
    expect(stdout.match(/GET http:\S+(?=\/health answered 200)/g))
      .toEqual([`GET http://127.0.0.1:${port}`, expect.not.stringContaining(`:${port}`)]);
    expect(stdout).toMatch(new RegExp('\\n2 integ tests\\n'
      + ' {2}FAILED {8}failing/integ\\.fails\\.js: 2 passed, 1 failed, 1 skipped\\n'
      + ' {2}passed {8}failing/integ\\.good\\.js: 3 passed, 0 failed, 1 skipped\\n'));
    expect(code).toBe(1);
  });

  test('exits 2 when one cannot be synthesized, and prints its output', async () => {
    const { code, text, document } = await run('unsynthesized', { 'broken.js': BROKEN, 'good.js': GOOD }).ended;
    expect(text).toContain('could not rehearse: `node unsynthesized/integ.broken.js`, which synthesizes the app,'
      + ' exited with code 1:');
    expect(text).toContain('no such stack');
    expect(text).toMatch(/ {2}could not run \S+integ\.broken\.js\n {2}passed +\S+integ\.good\.js: 3 passed/);
    const integTests = [{ passed: false, couldRun: false }, { passed: true, couldRun: true }];
    expect(document).toMatchObject({ passed: false, integTests });
    expect(code).toBe(2);
  });

  test('exits 1 when one fails and another could not run, in any order', async () => {
    const noService = "const { App, Stack } = require('aws-cdk-lib'); new Stack(new App(), 'Shop');";
    const exits = asserting(200, "{ environment: { FAULT: 'exits at startup' } }");
    const { code, text, document } = await run('both', { 'a.js': noService, 'b.js': exits, 'c.js': BROKEN }).ended;
    expect(text).toMatch(/could not rehearse: no service in /);
    expect(text).toMatch(/the app exited at startup with exit code 7/);
    expect(document.integTests.map(({ passed, couldRun }: any) => ({ passed, couldRun }))).toEqual([
      { passed: false, couldRun: false }, { passed: false, couldRun: true }, { passed: false, couldRun: false },
    ]);
    expect(code).toBe(1);
  });

  test('runs TypeScript with an installed tool', async () => {
    const broken = "const message: string = 'no such stack'; throw new Error(message);";
    const { code, text } = await run('typed', { 'broken.ts': broken }).ended;
    expect(text).toMatch(/`tsx typed\/integ\.broken\.ts`, which [^]*Error: no such stack/);
    expect(code).toBe(2);
  });

  test('runs the command in integ.config.json, and fails on one that is not JSON', async () => {
    const configured = path.join(temporary, 'configured');
    write('configured/integ.config.json', '{ "app": "node --no-warnings {filePath}" }');
    const { code, text } = await run('integ', { 'broken.js': BROKEN }, ['--json'], configured).ended;
    expect(text).toContain('`node --no-warnings integ/integ.broken.js`, which synthesizes the app');
    expect(code).toBe(2);

    write('configured/integ.config.json', 'app: node');
    const refused = await run('integ', {}, ['--json'], configured).ended;
    expect(refused).toMatchObject({ code: 2, text: '\ncould not rehearse: integ.config.json is not JSON\n' });
  });

  test('exits 2 when it is interrupted, and leaves no files behind', async () => {
    const hangs = `
      require('node:fs').writeFileSync(process.env.CDK_OUTDIR + '/started', '');
      setInterval(() => {}, 1000);`;
    const { command, ended } = run('interrupted', { 'a.js': hangs, 'b.js': BROKEN, 'c.js': GOOD });
    const files = () => fs.readdirSync(path.join(temporary, 'files'), { recursive: true, encoding: 'utf8' });
    while (!files().some((file) => file.endsWith('started'))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    command.kill('SIGINT');
    const { code, text } = await ended;
    expect(text).toMatch(/could not rehearse: interrupted before the result/);
    expect(text).not.toContain('is healthy');
    expect(code).toBe(2);
  });
});
