import { ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { readArguments } from '../../src/rehearsal/main';
import { installCommand, synthesizeService } from '../support/rehearsal/fixture';

/** No process has it: above the limit of Linux, 2 ** 22. */
const DEAD_PID = 99_999_999;

const ROOT = path.join(__dirname, '..', '..');

describe('arguments', () => {
  test('have defaults', () => {
    expect(readArguments(['rehearse'])).toEqual({
      directory: 'cdk.out',
      once: false,
      watch: false,
      logs: false,
      json: false,
      quick: false,
      strict: false,
      skip: [],
      port: 0,
    });
  });

  test('override the defaults', () => {
    const args = [
      'out', '--once', '--service', 'Web', '--port', '8080', '--from-env-file', '.env', '--engine', 'podman',
      '--strict', '--skip', 'not-root', '--skip', 'memory', '--env', 'A=1', '--env', 'web:B=2', '--image', 'web=shop:1',
    ];
    expect(readArguments(['rehearse', ...args])).toEqual({
      directory: 'out',
      once: true,
      watch: false,
      logs: false,
      json: false,
      port: 8080,
      service: 'Web',
      engine: 'podman',
      env: ['A=1', 'web:B=2'],
      envFile: '.env',
      image: ['web=shop:1'],
      quick: false,
      strict: true,
      skip: ['not-root', 'memory'],
    });
  });

  test('with --json end the rehearsal after the result', () => {
    expect(readArguments(['rehearse', '--json'])).toMatchObject({ json: true, once: true });
  });

  test.each([[['--help']], [['-h']], [['help']], [['rehearse', '--help']], [[]]])('%j prints the help', (args) => {
    expect(readArguments(args)).toMatch(/^Usage: hello-fargate-service rehearse/);
  });

  test('--version prints the version of the package', () => {
    const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    expect(readArguments(['--version'])).toBe(`${version}\n`);
  });

  test.each([
    [['rehearse', '--fast'], /^Unknown option '--fast': see --help$/],
    [['rehearse', '--onse'], /^Unknown option '--onse': do you mean --once\?$/],
    [['rehearse', '--log'], /do you mean --logs\?/],
    [['rehearse', '--jsonn'], /do you mean --json\?/],
    [['rehearse', '--engine', 'finch'], /--engine finch is not supported: specify node, docker or podman/],
    [['rehearse', '--skip', 'healthy'], /--skip healthy is not a check: specify one of container-health-check, http/],
    [['rehearse', '--port'], /--port/],
    [['rehearse', '--port', 'http'], /--port http is not a port/],
    [['rehearse', 'out', '--watch'], /--watch synthesizes the app itself: remove out/],
    [['rehearse', '--watch', '--once'], /--watch keeps running: remove --once, --json and --integ/],
    [['rehearse', '--watch', '--json'], /--watch keeps running/],
    [['deploy'], /deploy is not a command/],
    [['rehearse', 'a', 'b'], /remove b/],
  ])('fails on %j', (args, message) => {
    expect(() => readArguments(args)).toThrow(message);
  });
});

describe('the command', () => {
  const assemblies = new Map<string, string>();
  let temporary: string;
  let installed: string;
  let program: string;

  beforeAll(() => {
    installed = fs.mkdtempSync(path.join(os.tmpdir(), 'installed-'));
    program = installCommand(installed);
  });

  afterAll(() => {
    [installed, ...assemblies.values()].forEach((directory) => fs.rmSync(directory, { recursive: true, force: true }));
  });

  const assembly = (environment: Record<string, string> = {}) => {
    const key = JSON.stringify(environment);
    const directory = assemblies.get(key) ?? synthesizeService({ environment, desiredCount: 2 });
    assemblies.set(key, directory);
    return directory;
  };

  beforeEach(() => {
    temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'main-test-'));
    fs.chmodSync(temporary, 0o755);
  });

  afterEach(() => fs.rmSync(temporary, { recursive: true, force: true }));

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
    const exit = new Promise<number | NodeJS.Signals | null>((resolve) => {
      command.on('close', (code, signal) => resolve(code ?? signal));
    });
    return { command, output: () => output, exit };
  }

  /** Waits until the service runs. @returns its URL, and the processes of one task */
  async function untilRunning({ output, exit }: Run): Promise<{ url: string; pid: number; helper: number }> {
    let ended = false;
    void exit.then(() => { ended = true; });
    while (!output().includes('Press Ctrl-C to stop')) {
      if (ended) { throw new Error(output()); }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const [url] = /http:\/\/127\.0\.0\.1:\d+(?= {2}emulates HTTP port 80)/.exec(output())!;
    const { pid, helper } = await (await fetch(url)).json() as { pid: number; helper: number };
    return { url, pid, helper };
  }

  async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
    for (const end = Date.now() + 30_000; !await condition();) {
      if (Date.now() > end) { throw new Error('timed out'); }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const hasExited = (pid: number) => {
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

  test('with --once, exits 0 if no check fails and 1 if one does', async () => {
    const page = path.join(installed, 'report.html');
    const good = run('rehearse', assembly(), '--quick', '--once', '--report', page);
    const bad = run('rehearse', assembly({ FAULT: 'exits at startup' }), '--quick', '--once');
    expect([await good.exit, await bad.exit]).toEqual([0, 1]);
    expect(good.output()).toMatch(/0 failed/);
    expect(fs.readFileSync(page, 'utf8')).toContain('<title>Rehearsal: passed</title>');
    expect(bad.output()).toMatch(/the app exited at startup/);
    expect(fs.readdirSync(temporary)).toEqual([]);
  });

  test('exits 2 with a message and no stack trace when it cannot run', async () => {
    const command = run('rehearse', path.join(temporary, 'nowhere'));
    expect(await command.exit).toBe(2);
    expect(command.output()).toMatch(/^\ncould not rehearse: no cloud assembly in .*\n$/);
  });

  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  test.each(signals)('keeps running until %s, and leaves no process and no file behind', async (signal) => {
    const command = run('rehearse', assembly(), '--quick', '--logs');
    const { url, pid } = await untilRunning(command);
    expect(command.output()).toMatch(/task 2 \| \{"message":"listening"/);
    command.command.kill(signal);
    expect(await command.exit).toBe(0);
    expect(hasExited(pid)).toBe(true);
    expect(await isClosed(url)).toBe(true);
    expect(fs.readdirSync(temporary)).toEqual([]);
  });

  test('leaves no file behind when it is interrupted before the result', async () => {
    const command = run('rehearse', assembly({ HEALTH_STATUS: '500' }), '--quick', '--logs');
    await eventually(() => command.output().includes('listening'));
    command.command.kill('SIGINT');
    expect(await command.exit).toBe(2);
    expect(command.output()).toMatch(/could not rehearse: interrupted before the result/);
    expect(fs.readdirSync(temporary)).toEqual([]);
  });

  test('ends at once when it is interrupted while a task is being stopped, which may take two minutes', async () => {
    const directory = assembly({ FAULT: 'ignores SIGTERM' });
    const command = run('rehearse', directory, '--logs');
    await eventually(() => command.output().includes('not now'));
    const start = Date.now();
    command.command.kill('SIGINT');
    expect(await command.exit).toBe(2);
    expect(command.output()).toMatch(/\nstopping …\n/);
    expect(Date.now() - start).toBeLessThan(5_000);
    expect(fs.readdirSync(temporary)).toEqual([]);
  });

  test('removes what a rehearsal that was killed has left, and nothing else', async () => {
    const [killed, alive, other] = [`hello-fargate-service-${DEAD_PID}-abc123`,
      `hello-fargate-service-${process.pid}-abc123`, 'hello-fargate-service-notes'];
    [killed, alive, other].forEach((name) => fs.mkdirSync(path.join(temporary, name, 'root'), { recursive: true }));

    expect(await run('rehearse', assembly(), '--quick', '--once').exit).toBe(0);
    expect(fs.readdirSync(temporary).sort()).toEqual([alive, other].sort());
  });

  test('says where --watch runs', async () => {
    const command = run('rehearse', '--watch');
    expect(await command.exit).toBe(2);
    expect(command.output()).toMatch(/cdk\.json in .* has no "app".*: run the rehearsal in the directory of the CDK/);
  });

  test('names assemblies that are nearby', async () => {
    fs.mkdirSync(path.join(temporary, 'infra'));
    fs.symlinkSync(assembly(), path.join(temporary, 'link'));
    fs.cpSync(assembly(), path.join(temporary, 'infra', 'cdk.out'), { recursive: true });
    const command = run('rehearse');

    expect(await command.exit).toBe(2);
    expect(command.output()).toContain(`no cloud assembly in ${path.join(fs.realpathSync(temporary), 'cdk.out')}: it`);
    expect(command.output()).toMatch(/Pass one of those nearby: infra\/cdk\.out\n$/);
  });

  test('kills an app that ignores SIGTERM at the second signal', async () => {
    const command = run('rehearse', assembly({ FAULT: 'ignores SIGTERM' }), '--quick');
    const { pid } = await untilRunning(command);
    command.command.kill('SIGINT');
    await eventually(() => command.output().includes('not now'));
    expect(hasExited(pid)).toBe(false);
    command.command.kill('SIGINT');
    expect(await command.exit).toBe(0);
    await eventually(() => hasExited(pid));
    expect(fs.readdirSync(temporary)).toEqual([]);
  });

  test('kills the child processes that an app leaves behind', async () => {
    const command = run('rehearse', assembly({ FAULT: 'leaves a helper behind' }), '--quick');
    const { helper } = await untilRunning(command);
    expect(hasExited(helper)).toBe(false);
    command.command.kill('SIGINT');
    expect(await command.exit).toBe(0);
    await eventually(() => hasExited(helper));
  });

  test('stops the tasks even when it is killed', async () => {
    const command = run('rehearse', assembly(), '--quick');
    const { url, pid } = await untilRunning(command);
    expect(command.output()).not.toMatch(/task 2 \|/);
    command.command.kill('SIGKILL');
    await command.exit;
    await eventually(() => hasExited(pid));
    expect(await isClosed(url)).toBe(true);
  });
});
