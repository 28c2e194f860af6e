import { ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { readArguments } from '../../src/rehearsal/main';
import { installCommand, synthesiseService } from '../support/rehearsal/fixture';

const ROOT = path.join(__dirname, '..', '..');

describe('arguments', () => {
  test('have defaults', () => {
    expect(readArguments(['rehearse'])).toEqual({ directory: 'cdk.out', once: false, quick: false, port: 0 });
  });

  test('are taken', () => {
    expect(readArguments(['rehearse', 'out', '--once', '--service', 'Web', '--port', '8080', '--env-file', '.env', '--engine', 'podman']))
      .toEqual({ directory: 'out', once: true, port: 8080, service: 'Web', engine: 'podman', envFile: '.env', quick: false });
  });

  test.each([[['--help']], [['rehearse', '--help']], [[]]])('%j asks for help', (args) => {
    expect(readArguments(args)).toMatch(/^Usage: hello-fargate-service rehearse/);
  });

  test('--version asks for the version of the package', () => {
    expect(readArguments(['--version'])).toBe(`${JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')).version}\n`);
  });

  test.each([
    [['rehearse', '--fast'], /Unknown option '--fast': see --help/],
    [['rehearse', '--engine', 'finch'], /--engine finch is not known: give node, docker or podman/],
    [['rehearse', '--port'], /--port/],
    [['rehearse', '--port', 'http'], /--port http is not a port/],
    [['deploy'], /deploy is not a command/],
    [['rehearse', 'a', 'b'], /leave out b/],
  ])('fails on %j', (args, message) => {
    expect(() => readArguments(args)).toThrow(message);
  });
});

describe('the command', () => {
  let temporary: string;
  let assemblies: string[];
  let installed: string;
  let program: string;

  beforeAll(() => {
    installed = fs.mkdtempSync(path.join(os.tmpdir(), 'installed-'));
    program = installCommand(installed);
  });

  afterAll(() => fs.rmSync(installed, { recursive: true, force: true }));

  const assembly = (environment: { [name: string]: string } = {}) => {
    const directory = synthesiseService({ environment, desiredCount: 2 });
    assemblies.push(directory);
    return directory;
  };

  beforeEach(() => {
    temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'main-test-'));
    fs.chmodSync(temporary, 0o755);
    assemblies = [];
  });

  afterEach(() => [temporary, ...assemblies].forEach((directory) => fs.rmSync(directory, { recursive: true, force: true })));

  interface Run {
    readonly command: ChildProcess;
    readonly output: () => string;
    readonly exit: Promise<number | NodeJS.Signals | null>;
  }

  function run(...args: string[]): Run {
    const command = spawn(process.execPath, [program, ...args], {
      cwd: temporary,
      env: { ...process.env, TMPDIR: temporary, NO_COLOR: '1' },
    });
    let output = '';
    command.stdout.on('data', (text) => { output += text; });
    command.stderr.on('data', (text) => { output += text; });
    return { command, output: () => output, exit: new Promise((resolve) => command.on('close', (code, signal) => resolve(code ?? signal))) };
  }

  /** Once it is up: its URL, and the process of one task. */
  async function up({ output, exit }: Run): Promise<{ url: string; pid: number; helper: number }> {
    let ended = false;
    void exit.then(() => { ended = true; });
    while (!output().includes('Ctrl-C ends it')) {
      if (ended) { throw new Error(output()); }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const [url] = /http:\/\/127\.0\.0\.1:\d+(?= {2}stands for HTTP port 80)/.exec(output())!;
    const { pid, helper } = await (await fetch(url)).json() as { pid: number; helper: number };
    return { url, pid, helper };
  }

  async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
    for (const end = Date.now() + 10_000; !await condition();) {
      if (Date.now() > end) { throw new Error('it never came true'); }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const isGone = (pid: number) => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  };

  const isClosed = async (url: string) => new Promise<boolean>((resolve) => {
    const socket = net.connect(Number(new URL(url).port), '127.0.0.1', () => {
      socket.destroy();
      resolve(false);
    }).on('error', () => resolve(true));
  });

  test('with --once, exits 0 when all is well and 1 when a check fails', async () => {
    const good = run('rehearse', assembly(), '--quick', '--once');
    const bad = run('rehearse', assembly({ FAULT: 'dies at start' }), '--quick', '--once');
    expect([await good.exit, await bad.exit]).toEqual([0, 1]);
    expect(good.output()).toMatch(/0 failed/);
    expect(bad.output()).toMatch(/the app died at start/);
    expect(fs.readdirSync(temporary)).toEqual([]);
  });

  test('exits 2 with a sentence and no stack when it cannot run', async () => {
    const command = run('rehearse', path.join(temporary, 'nowhere'));
    expect(await command.exit).toBe(2);
    expect(command.output()).toMatch(/^\ncould not rehearse: no cloud assembly in .*\n$/);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('stays up until %s, and leaves nothing behind', async (signal) => {
    const command = run('rehearse', assembly(), '--quick');
    const { url, pid } = await up(command);
    expect(command.output()).toMatch(/task 2 \| \{"message":"listening"/);
    command.command.kill(signal);
    expect(await command.exit).toBe(0);
    expect(isGone(pid)).toBe(true);
    expect(await isClosed(url)).toBe(true);
    expect(fs.readdirSync(temporary)).toEqual([]);
  });

  test('leaves nothing behind when it is interrupted before the verdict', async () => {
    const command = run('rehearse', assembly({ HEALTH_STATUS: '500' }), '--quick');
    await eventually(() => command.output().includes('listening'));
    command.command.kill('SIGINT');
    expect(await command.exit).toBe(2);
    expect(command.output()).toMatch(/could not rehearse: interrupted before the verdict/);
    expect(fs.readdirSync(temporary)).toEqual([]);
  });

  test('kills an app that ignores SIGTERM, at the latest when it is asked twice', async () => {
    const command = run('rehearse', assembly({ FAULT: 'ignores SIGTERM' }), '--quick');
    const { pid } = await up(command);
    command.command.kill('SIGINT');
    await eventually(() => command.output().includes('not now'));
    expect(isGone(pid)).toBe(false);
    command.command.kill('SIGINT');
    expect(await command.exit).toBe(0);
    await eventually(() => isGone(pid));
    expect(fs.readdirSync(temporary)).toEqual([]);
  });

  test('ends what an app has started and left behind', async () => {
    const command = run('rehearse', assembly({ FAULT: 'leaves a helper behind' }), '--quick');
    const { helper } = await up(command);
    expect(isGone(helper)).toBe(false);
    command.command.kill('SIGINT');
    expect(await command.exit).toBe(0);
    await eventually(() => isGone(helper));
  });

  test('takes the tasks with it even when it is killed', async () => {
    const command = run('rehearse', assembly(), '--quick');
    const { url, pid } = await up(command);
    command.command.kill('SIGKILL');
    await command.exit;
    await eventually(() => isGone(pid));
    expect(await isClosed(url)).toBe(true);
  });
});
