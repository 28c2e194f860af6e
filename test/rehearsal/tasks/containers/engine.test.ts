import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Duration, Stack } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { HelloFargateService } from '../../../../src/index';
import { ServiceSpec } from '../../../../src/rehearsal/model';
import { applyOverrides } from '../../../../src/rehearsal/overrides';
import { rehearse } from '../../../../src/rehearsal/rehearse';
import { Check, Report } from '../../../../src/rehearsal/report/report';
import { Runtime, Runtimes, startTask } from '../../../../src/rehearsal/tasks/runtime';
import { EngineName, Task } from '../../../../src/rehearsal/tasks/task';
import { Assembly } from '../../../../src/rehearsal/templates/assembly';
import { Resolver } from '../../../../src/rehearsal/templates/intrinsics';
import { readServices } from '../../../../src/rehearsal/templates/services';
import { APP, FixtureProps, installCommand, synthesize, synthesizeService } from '../../../support/rehearsal/fixture';
import { passedOrTooSlow } from '../../../support/rehearsal/variants';

/*
 * The rehearsal in container engines, which `npx projen test:engine` starts. Without engines, all tests are skipped.
 */

const engines = (process.env.REHEARSE_WITH_ENGINES ?? '').split(',')
  .filter((name): name is 'docker' | 'podman' => name === 'docker' || name === 'podman');
if (engines.length === 0) {
  process.stderr.write('\nSKIPPED: the rehearsal in container engines, because REHEARSE_WITH_ENGINES names none.'
    + ' `npx projen test:engine` runs it.\n\n');
}
const withEngines = engines.length > 0 ? describe.each(engines) : describe.skip.each(['docker', 'podman'] as const);

const machine = process.arch === 'arm64' ? 'arm64' : 'amd64';
const NATIVE = {
  cpuArchitecture: process.arch === 'arm64' ? ecs.CpuArchitecture.ARM64 : ecs.CpuArchitecture.X86_64,
  imageOptions: { buildArgs: { NODE_IMAGE: `hello-fargate-test/node:${machine}` } },
};

const enableInit = (definition: ecs.FargateTaskDefinition, container: ecs.ContainerDefinition) => {
  const linuxParameters = new ecs.LinuxParameters(definition, 'Linux', { initProcessEnabled: true });
  Object.assign(container, { linuxParameters });
};
const secret = (scope: Construct, id: string) => ecs.Secret.fromSecretsManager(new secretsmanager.Secret(scope, id));

/** Changes how the images of an assembly are built. */
function changeImages(directory: string, change: (source: object) => object): void {
  const file = path.join(directory, fs.readdirSync(directory).find((name) => name.endsWith('.assets.json'))!);
  const manifest = JSON.parse(fs.readFileSync(file, 'utf8'));
  Object.values<{ source: object }>(manifest.dockerImages).forEach((image) => { image.source = change(image.source); });
  fs.writeFileSync(file, JSON.stringify(manifest));
}

let temporary: string;

beforeAll(() => {
  temporary = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'engine-test-')));
  jest.spyOn(os, 'tmpdir').mockReturnValue(temporary);
});

afterAll(() => fs.rmSync(temporary, { recursive: true, force: true }));

withEngines('%s', (engine) => {
  /** The names of everything that exists in the engine, to compare them before and after. */
  const inventory = () => [
    ['ps', '--all', '--format', '{{.Names}}'],
    ['volume', 'ls', '--format', '{{.Name}}'],
    ['network', 'ls', '--format', '{{.Name}}'],
    ['images', '--format', '{{.Repository}}:{{.Tag}}'],
  ].map((args) => {
    const { stdout } = spawnSync(engine, args, { encoding: 'utf8' });
    // Untagged layers are the build cache.
    const names = [...new Set(stdout.split('\n'))].filter((name) => name !== '<none>:<none>').sort();
    return `${args[0]}: ${names.join(' ')}`;
  });
  let before: string[];

  beforeAll(() => { before = inventory(); });
  afterAll(() => expect(inventory()).toEqual(before));

  interface PreparedService {
    readonly service: ServiceSpec;
    readonly runtime: Runtime;
    start(): Promise<StartedTask>;
  }

  interface StartedTask {
    readonly task: Task;
    readonly log: string[];
    request(route: string): Promise<string>;
  }

  const cleanups: Array<() => Promise<unknown>> = [];
  afterEach(async () => {
    for (const cleanUp of cleanups.splice(0).reverse()) { await cleanUp(); }
  });

  async function prepare(props: FixtureProps, env: readonly string[] = []): Promise<PreparedService> {
    return prepareAssembly(synthesizeService({ ...NATIVE, ...props }), env);
  }

  async function prepareAssembly(directory: string, env: readonly string[] = []): Promise<PreparedService> {
    const assembly = Assembly.read(directory);
    const [service] = applyOverrides(readServices(assembly, new Resolver(assembly)).services, { env });
    const interrupted = new AbortController().signal;
    const runtimes = new Runtimes({ engine, progress: () => {}, interrupted });
    cleanups.push(async () => runtimes.close());
    const runtime = await runtimes.prepare(service);
    return {
      service,
      runtime,
      start: async () => {
        const log: string[] = [];
        const task = await startTask('task', service, runtime, (line) => log.push(line));
        cleanups.push(async () => task.stop('immediately'));
        const { host, port } = task.endpoint(8080);
        return { task, log, request: async (route) => (await fetch(`http://${host}:${port}${route}`)).text() };
      },
    };
  }

  /** Retries for up to 30 seconds. */
  async function retry<T>(attempt: () => Promise<T>): Promise<T> {
    for (const deadline = Date.now() + 30_000; ;) {
      try {
        return await attempt();
      } catch (error) {
        if (Date.now() > deadline) { throw error; }
        await sleep(50);
      }
    }
  }

  const running = async (props: FixtureProps = {}, env?: readonly string[]) => {
    const prepared = await prepare(props, env);
    const started = await prepared.start();
    await retry(async () => started.request('/health'));
    return { ...prepared, ...started };
  };

  test('a container has only the environment, files and user of the image and the task definition', async () => {
    process.env.LEAK = 'from the environment of the command';
    process.env.http_proxy = 'http://proxy.invalid';
    try {
      const { request } = await running({
        environment: { SET_BY_TASK: 'with "quotes" and = and\na second line', PORT: '8080' },
        furnish: (definition, container) => container.addSecret('GREETING', secret(definition, 'Greeting')),
      }, ['GREETING=s3cret']);
      const { env, cwd, uid, file } = JSON.parse(await request('/'));
      expect({ cwd, uid, file }).toEqual({ cwd: '/app', uid: 1000, file: 'hello from a file of the image\n' });
      expect(env).toEqual({
        PATH: '/usr/local/bin:/usr/bin:/bin',
        HOME: expect.any(String),
        HOSTNAME: expect.any(String),
        FROM_IMAGE: 'yes, it is',
        PORT: '8080',
        SET_BY_TASK: 'with "quotes" and = and\na second line',
        GREETING: 's3cret',
        AWS_REGION: 'us-east-1',
        AWS_DEFAULT_REGION: 'us-east-1',
        AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
        AWS_EC2_METADATA_DISABLED: 'true',
      });
    } finally {
      delete process.env.LEAK;
      delete process.env.http_proxy;
    }
  });

  test('the task definition overrides entry point, command, working directory and user of the image', async () => {
    const { request, runtime } = await running({
      container: {
        entryPoint: ['node', '--no-warnings'],
        command: ['/app/server.js', '/app/public/hello.txt'],
        workingDirectory: '/app/public',
        user: '1234:1234',
      },
    });
    expect(JSON.parse(await request('/'))).toMatchObject({ cwd: '/app/public', uid: 1234 });
    expect(runtime.command).toEqual(['node', '--no-warnings', '/app/server.js', '/app/public/hello.txt']);
  });

  test('a task runs as declared', async () => {
    const { task } = await running({
      container: { readonlyRootFilesystem: true, user: '1000:1000' },
      furnish: (definition, container) => {
        enableInit(definition, container);
        container.linuxParameters!.dropCapabilities(ecs.Capability.ALL);
        container.linuxParameters!.addCapabilities(ecs.Capability.SYS_PTRACE);
      },
    });
    // In Podman, an added capability would be effective for users other than root too.
    const capabilities = engine === 'podman' ? 'none' : 'SYS_PTRACE';
    expect(await task.declaredSettings()).toEqual([
      { setting: 'user', declared: '1000:1000', actual: '1000', matches: true },
      { setting: 'root filesystem', declared: 'read-only', actual: 'read-only', matches: true },
      { setting: 'capabilities', declared: capabilities, actual: capabilities, matches: true },
    ]);
  });

  test('a container has the default capabilities of Docker', async () => {
    const { task } = await running({ container: { user: 'root' } });
    const [user, , capabilities] = await task.declaredSettings();
    expect(user).toEqual({ setting: 'user', declared: 'root', actual: '0', matches: true });
    expect(capabilities.matches).toBe(true);
    expect(capabilities.actual.split(', ')).toHaveLength(14);
  });

  test('a container of a user other than root has no effective capabilities', async () => {
    const { request } = await running();
    // A file that belongs to root.
    expect(await request('/write?/etc/passwd')).toBe('EACCES');
  });

  describe('the root filesystem', () => {
    const withTmp = (file: string): FixtureProps => ({
      imageOptions: { ...NATIVE.imageOptions, file },
      container: { readonlyRootFilesystem: true },
      furnish: (definition, container) => {
        definition.addVolume({ name: 'tmp' });
        container.addMountPoints({ sourceVolume: 'tmp', containerPath: '/tmp', readOnly: false });
      },
    });

    test('is not writable if it is read-only, and neither is a volume that the image does not declare', async () => {
      const { request } = await running(withTmp('Dockerfile'));
      expect(await request('/write?/app/file')).toBe('EROFS');
      expect(await request('/write?/run/file')).toMatch(/EROFS|EACCES|ENOENT/);
      expect(await request('/write?/tmp/file')).toBe('EACCES');
    });

    test('has a writable volume if the image declares it', async () => {
      const { request, task } = await running(withTmp('Dockerfile.volume'));
      expect(await request('/write?/app/file')).toBe('EROFS');
      expect(await request('/write?/tmp/file')).toBe('ok');
      expect(await task.rootWrites()).toEqual([]);
    });

    test('reports what was written if it is writable', async () => {
      const { request, task } = await running({ container: { user: 'root' } });
      expect(await task.rootWrites()).toEqual([]);
      expect(await request('/write?/app/cache.json')).toBe('ok');
      expect(await request('/write?/etc/hello')).toBe('ok');
      expect([...(await task.rootWrites())!].sort()).toEqual(['/app/cache.json', '/etc/hello']);
    });
  });

  test('a container gets no more than the CPU of its task', async () => {
    const { request } = await running();
    // A quarter of a CPU; less on a busy machine.
    expect(Number(await request('/burn'))).toBeLessThan(0.45);
  });

  test('a container that exceeds the memory of its task is killed', async () => {
    const { task, request, log } = await running();
    const memory = await task.memory();
    expect(memory!.limitMiB).toBe(512);
    expect(memory!.usedMiB).toBeGreaterThan(5);
    expect(memory!.usedMiB).toBeLessThan(200);
    void request('/allocate').catch(() => {});
    expect(await task.exited).toEqual({ code: 137, signal: null, outOfMemory: true });
    expect(fs.existsSync('oom')).toBe(false);
    const { allocatedMiB } = JSON.parse(log.at(-1)!);
    expect(allocatedMiB).toBeGreaterThan(300);
    expect(allocatedMiB).toBeLessThan(512);
    expect(await task.memory()).toBeUndefined();
  });

  test('reports the addresses on which an app listens, as the app requested them', async () => {
    const { task } = await running({ environment: { PORT: '8080', ADMIN_PORT: '9901' } });
    const listening = [...task.listening!].sort((one, other) => one.port - other.port);
    expect(listening).toEqual([{ port: 8080 }, { port: 9901, host: '127.0.0.1' }]);
  });

  test('stops a task with the stop signal, and removes its containers', async () => {
    const { task, log } = await running();
    const { code, killed, milliseconds } = await task.stop('gracefully');
    expect({ code, killed }).toEqual({ code: 0, killed: false });
    expect(milliseconds).toBeLessThan(2000);
    expect(log).toEqual(['{"message":"listening","port":"8080"}', '{"message":"going"}']);
    expect(spawnSync(engine, ['ps', '--all', '--quiet'], { encoding: 'utf8' }).stdout).toBe('');
  });

  test('kills an app that does not handle SIGTERM after the stop timeout, unless it has an init process', async () => {
    const environment = { PORT: '8080', FAULT: 'does not know SIGTERM' };
    const { task } = await running({ environment });
    expect(await task.stop('gracefully')).toMatchObject({ code: 137, killed: true });
    const { task: withInit } = await running({ environment, furnish: enableInit });
    expect(await withInit.stop('gracefully')).toMatchObject({ code: 143, killed: false });
  });

  test('kills an app that ignores the stop signal after the stop timeout', async () => {
    const { task, log } = await running({ environment: { PORT: '8080', FAULT: 'ignores SIGTERM' } });
    const { code, killed, milliseconds } = await task.stop('gracefully');
    expect({ code, killed }).toEqual({ code: 137, killed: true });
    expect(milliseconds).toBeGreaterThanOrEqual(2000);
    expect(log).toContain('{"message":"not now"}');
  });

  test('kills a task and starts another', async () => {
    const { task, start } = await running();
    expect(await task.kill()).toEqual({ code: 137, signal: null });
    const { request } = await start();
    expect(await retry(async () => request('/health'))).toBe('health');
  });

  test('keeps the last log lines of an app that exits', async () => {
    const { start } = await prepare({ environment: { PORT: '8080', FAULT: 'exits at startup' } });
    const { task } = await start();
    expect(await task.exited).toEqual({ code: 7, signal: null });
    expect(task.lastLines).toEqual(['no database: giving up']);
  });

  test('reads each log line completely, once and in order, on a busy machine', async () => {
    const loop = 'const end = Date.now() + 60000; while (Date.now() < end);';
    const busy = Array.from({ length: 3 }, () => spawn(process.execPath, ['-e', loop]));
    try {
      const { start } = await prepare({});
      const started = await Promise.all([start(), start(), start()]);
      await Promise.all(started.map(async ({ task, log, request }) => {
        await retry(async () => request('/health'));
        expect(await request('/log?20000')).toBe('logged');
        await task.stop('gracefully');
        const lines = log.map((line) => JSON.parse(line).line).filter((line) => line !== undefined);
        expect(lines).toEqual(Array.from({ length: 20000 }, (_, line) => line));
      }));
    } finally {
      busy.forEach((process) => process.kill());
    }
  });

  test('reports a command that is not in the image as an exit with the reason', async () => {
    const { start } = await prepare({ container: { command: ['gunicorn'] } });
    const { task } = await start();
    expect((await task.exited).code).toBe(127);
    expect(task.lastLines.join()).toMatch(/could not start: .*gunicorn.*not found/);
  });

  test('runs the container health check in the container', async () => {
    const { task } = await running();
    const check = { intervalSeconds: 5, timeoutSeconds: 1, retries: 1, startPeriodSeconds: 0 };
    const script = "fetch('http://localhost:8080/health').then(r => process.exit(r.ok ? 0 : 1))";
    const slowCheck = { ...check, timeoutSeconds: 20 };
    expect(await task.checkContainerHealth({ ...slowCheck, command: ['CMD', 'node', '-e', script] })).toBe('passed');
    const shell = 'cat /app/server.js > /dev/null || exit 1';
    expect(await task.checkContainerHealth({ ...slowCheck, command: ['CMD-SHELL', shell] })).toBe('passed');
    expect(await task.checkContainerHealth({ ...check, command: ['CMD-SHELL', 'exit 3'] })).toBe('failed');
    expect(await task.checkContainerHealth({ ...check, command: ['CMD', 'curl', 'localhost'] })).toBe('failed');
    expect(await task.checkContainerHealth({ ...check, command: ['CMD-SHELL', 'sleep 10'] })).toBe('timed out');
  });

  describe('sidecars', () => {
    const platform = Platform.custom(`linux/${machine}`);
    const image = ecs.ContainerImage.fromAsset(APP, { platform, ...NATIVE.imageOptions });
    const sidecar = (
      script: string, options: Partial<ecs.ContainerDefinitionOptions> = {},
    ): ecs.ContainerDefinitionOptions =>
      ({ image, command: ['node', '-e', script], essential: false, stopTimeout: Duration.seconds(2), ...options });

    test('share the network and the volumes of their task, and start in the order of their dependencies', async () => {
      const { request, log, task } = await running({
        furnish: (definition, app) => {
          definition.addVolume({ name: 'shared' });
          const migration = definition.addContainer('migration', sidecar(
            "setTimeout(() => { require('fs').writeFileSync('/shared/done', 'x'); console.log('migrated') }, 300)",
            { user: 'root' },
          ));
          const healthCheck = "fetch('http://127.0.0.1:9000').catch(() => process.exit(1))";
          const proxy = definition.addContainer('proxy', sidecar(
            "const server = require('http').createServer((q, r) => r.end('proxied'));"
              + "setTimeout(() => server.listen(9000, '127.0.0.1'), 500);"
              + "process.on('SIGTERM', () => { console.log('proxy exits'); process.exit(0) })",
            { healthCheck: { command: ['CMD', 'node', '-e', healthCheck] } },
          ));
          for (const container of [migration, app]) {
            container.addMountPoints({ sourceVolume: 'shared', containerPath: '/shared', readOnly: container === app });
          }
          app.addContainerDependencies(
            { container: migration, condition: ecs.ContainerDependencyCondition.SUCCESS },
            { container: proxy, condition: ecs.ContainerDependencyCondition.HEALTHY },
          );
        },
        environment: { PORT: '8080', FAULT: 'stops slowly' },
      });
      expect(log.slice(0, 1)).toEqual(['[migration] migrated']);
      // The proxy was healthy before the app started.
      expect(await request('/get?http://127.0.0.1:9000/')).toBe('proxied');
      expect(await request('/write?/shared/file')).toMatch(/EROFS|EACCES/);
      await task.stop('gracefully');
      // In the reverse order.
      expect(log.slice(-2)).toEqual(['{"message":"gone"}', '[proxy] proxy exits']);
    });

    test('that must succeed first end the task if they fail', async () => {
      const { start } = await prepare({
        furnish: (definition, app) => app.addContainerDependencies({
          container: definition.addContainer('migration', sidecar('process.exit(3)')),
          condition: ecs.ContainerDependencyCondition.SUCCESS,
        }),
      });
      const { task } = await start();
      await task.exited;
      expect(task.lastLines.join()).toMatch(/container migration must succeed first, but it ended with exit code 3/);
    });

    test('that never become healthy do not prevent a stop of the task', async () => {
      const { start } = await prepare({
        furnish: (definition, app) => app.addContainerDependencies({
          container: definition.addContainer('proxy', sidecar('setInterval(() => {}, 1000)', {
            healthCheck: { command: ['CMD', 'node', '-e', 'process.exit(1)'] },
          })),
          condition: ecs.ContainerDependencyCondition.HEALTHY,
        }),
      });
      const { task } = await start();
      await sleep(1000);
      expect(task.exit).toBeUndefined();
      await task.stop('gracefully');
      await (await start()).task.kill();
    });

    test('end the task when they exit only if they are essential', async () => {
      const { start } = await prepare({
        furnish: (definition) => {
          definition.addContainer('agent', sidecar('process.exit(0)'));
          definition.addContainer('mesh', sidecar('setTimeout(() => process.exit(5), 1500)', { essential: true }));
        },
      });
      const { task, request } = await start();
      await retry(async () => request('/health'));
      expect((await task.exited).code).toBe(5);
      expect(task.lastLines.join()).toMatch(/container mesh ended with exit code 5: it is essential, so the task ends/);
    });

    test('that cannot run are reported with the reason', async () => {
      const { runtime, start } = await prepare({
        furnish: (definition) => {
          definition.addContainer('agent', { image: ecs.ContainerImage.fromRegistry('registry.invalid/agent:1') });
          definition.addContainer('keyed', { image, secrets: { KEY: secret(definition, 'Key') } });
          definition.addFirelensLogRouter('router', {
            image: ecs.ContainerImage.fromRegistry('amazon/aws-for-fluent-bit:stable'),
            firelensConfig: { type: ecs.FirelensLogRouterType.FLUENTBIT },
          });
        },
      });
      expect(runtime.differences).toEqual(expect.arrayContaining([
        expect.stringMatching(/^sidecar agent does not run: image registry.invalid\/agent:1 cannot be pulled with /),
        'sidecar keyed does not run: it gets KEY from AWS; set a value with --env',
        'sidecar router does not run: it routes logs to AWS',
      ]));
      const { request } = await start();
      expect(await retry(async () => request('/health'))).toBe('health');
    });
  });

  describe('images', () => {
    test('that cannot be pulled fail with one sentence', async () => {
      await expect(prepare({ image: ecs.ContainerImage.fromRegistry('registry.invalid/shop:1') }))
        .rejects.toThrow(new RegExp('^service Shop/Web/Service cannot run:'
          + ' image registry\\.invalid/shop:1 cannot be pulled with .*registry\\.invalid'));
    });

    test('that cannot be built fail with the last lines of the build', async () => {
      await expect(prepare({ imageOptions: { ...NATIVE.imageOptions, file: 'Dockerfile.broken' } }))
        .rejects.toThrow(/no-such-file/);
    });

    test('that a command builds have the name that it prints', async () => {
      const directory = synthesizeService(NATIVE);
      changeImages(directory, () => ({ executable: ['echo', `hello-fargate-test/node:${machine}`] }));
      const { runtime } = await prepareAssembly(directory);
      expect(runtime.user).toBe('root');
    });

    test('for a CPU architecture other than the task\'s are reported', async () => {
      const { runtime } = await prepare({
        cpuArchitecture: ecs.CpuArchitecture.ARM64,
        imageOptions: { ...NATIVE.imageOptions, platform: Platform.LINUX_AMD64 },
      });
      expect(runtime.differences).toContain('the image is for linux/amd64; on AWS, on linux/arm64, the container'
        + ' would exit with "exec format error": set the platform of the asset');
    });
  });

  const rehearseQuickly = async (directory: string, selected: EngineName | undefined = engine) => {
    let text = '';
    const report = new Report({ write: (more) => { text += more; } });
    const options = { directory, once: true, quick: true, port: 0, engine: selected };
    await rehearse(options, report, new AbortController().signal);
    expect(text).toMatch(/ok {3}task 1 at \S+ is healthy/);
    expect(text).toMatch(/ok {3}GET http:\/\/127\.0\.0\.1:\d+\/health answered 200/);
    return text;
  };

  describe('the command', () => {
    let program: string;

    beforeAll(() => { program = installCommand(fs.mkdtempSync(path.join(temporary, 'installed-'))); });

    const run = (environment: Record<string, string> = {}) => {
      const files = fs.mkdtempSync(path.join(temporary, 'command-'));
      const directory = synthesizeService({
        ...NATIVE, environment: { PORT: '8080', ...environment }, desiredCount: 2,
      });
      const command = spawn(process.execPath, [program, 'rehearse', directory, '--engine', engine, '--quick'], {
        env: { ...process.env, TMPDIR: files },
      });
      let output = '';
      for (const stream of [command.stdout, command.stderr]) { stream.on('data', (text) => { output += text; }); }
      const exit = new Promise<number | NodeJS.Signals | null>((resolve) => {
        command.on('close', (code, signal) => resolve(code ?? signal));
      });
      const waitFor = async (text: string) => {
        let ended = false;
        void exit.then(() => { ended = true; });
        while (!output.includes(text)) {
          if (ended) { throw new Error(output); }
          await sleep(20);
        }
      };
      return { command, exit, waitFor, files, output: () => output };
    };
    const countContainers = () => spawnSync(engine, ['ps', '--quiet'], { encoding: 'utf8' }).stdout
      .split('\n').filter((id) => id !== '').length;

    test.each(['SIGINT', 'SIGTERM'] as const)('leaves nothing behind after %s', async (signal) => {
      const { command, exit, waitFor, files } = run();
      await waitFor('Press Ctrl-C to stop');
      // Two tasks, each with a container for its network.
      expect(countContainers()).toBe(4);
      command.kill(signal);
      expect(await exit).toBe(0);
      expect(inventory()).toEqual(before);
      expect(fs.readdirSync(files).filter((name) => name.startsWith('hello-fargate-service'))).toEqual([]);
    });

    test('leaves nothing behind when it is interrupted while it starts', async () => {
      const { command, exit, waitFor, output } = run();
      await waitFor('building the image');
      command.kill('SIGINT');
      expect(await exit).toBe(2);
      expect(output()).toMatch(/could not rehearse: interrupted before the result/);
      await retry(async () => expect(inventory()).toEqual(before));
    });

    test('leaves nothing behind when it is interrupted twice, even if the app ignores SIGTERM', async () => {
      const { command, exit, waitFor } = run({ FAULT: 'ignores SIGTERM' });
      await waitFor('Press Ctrl-C to stop');
      command.kill('SIGINT');
      await waitFor('not now');
      command.kill('SIGINT');
      expect(await exit).toBe(0);
      await retry(async () => expect(inventory()).toEqual(before));
    });

    test('leaves nothing behind even when it is killed', async () => {
      const { command, exit, waitFor } = run();
      await waitFor('is healthy');
      command.kill('SIGKILL');
      await exit;
      await retry(async () => expect(inventory()).toEqual(before));
    });
  });

  test('rehearses a service with two tasks', async () => {
    const text = await rehearseQuickly(synthesizeService({ ...NATIVE, desiredCount: 2 }));
    expect(text).toMatch(/task 2 at \S+ is healthy/);
  });

  const synthesizeDefault = () => {
    const directory = synthesize((app) => {
      new HelloFargateService(new Stack(app, 'Shop'), 'Hello', { architecture: NATIVE.cpuArchitecture });
    });
    changeImages(directory, (source) => ({ ...source, dockerBuildArgs: NATIVE.imageOptions.buildArgs }));
    return directory;
  };

  test('runs the default service as declared: not as root, read-only, without capabilities', async () => {
    const { start, service } = await prepareAssembly(synthesizeDefault());
    const { task, request } = await start();
    expect(await retry(async () => request('/health'))).toMatch(/ok|200|healthy/i);
    expect(await task.checkContainerHealth(service.container.healthCheck!)).toBe('passed');
    expect(await task.declaredSettings()).toEqual([
      { setting: 'user', declared: '1000:1000', actual: '1000', matches: true },
      { setting: 'root filesystem', declared: 'read-only', actual: 'read-only', matches: true },
      { setting: 'capabilities', declared: 'none', actual: 'none', matches: true },
    ]);
    expect(await task.rootWrites()).toEqual([]);
    expect(await task.stop('gracefully')).toMatchObject({ code: 0, killed: false });
  });

  describe('the full rehearsal', () => {
    const rehearseFully = async (directory: string) => {
      let text = '';
      const report = new Report({ write: (more) => { text += more; } });
      await rehearse({ directory, once: true, port: 0, engine }, report, new AbortController().signal);
      expect(inventory()).toEqual(before);
      const idsOf = (outcome: Check['outcome']) => report.checks
        .filter((check) => check.outcome === outcome)
        .map(({ id }) => id);
      return { text, checks: report.checks, passed: idsOf('passed'), failed: [...new Set(idsOf('failed'))] };
    };

    test('of the default service makes every check and finds no fault', async () => {
      const { text, checks, failed } = await rehearseFully(synthesizeDefault());
      expect(failed).toEqual([]);
      expect(passedOrTooSlow(checks)).toEqual([
        'healthy', 'healthy', 'container-health-check', 'container-health-check', 'http',
        'as-declared', 'as-declared', 'as-declared', 'not-root', 'in-flight', 'deregistered-before',
        'deregistered-after', 'failing-health-checks', 'stops-in-time', 'survives-a-kill', 'memory', 'keep-alive',
        'root-filesystem', 'json-logs',
      ]);
      expect(text).not.toMatch(/does not support it: (CPU|memory) limits/);
    }, 240_000);

    const variant = (fault: string, container: FixtureProps['container'] = {}) => synthesizeService({
      cpuArchitecture: NATIVE.cpuArchitecture,
      desiredCount: 2,
      environment: { PORT: '8080', FAULT: fault },
      image: ecs.ContainerImage.fromAsset(path.join(APP, '..', 'variants'), {
        platform: Platform.custom(`linux/${machine}`), ...NATIVE.imageOptions,
      }),
      container: { stopTimeout: Duration.seconds(5), user: '1000:1000', readonlyRootFilesystem: true, ...container },
    });

    test('finds a write to the root filesystem, which is read-only', async () => {
      const { text, failed } = await rehearseFully(variant('writes to the root filesystem'));
      expect(failed).toEqual(['http', 'running']);
      expect(text).toMatch(new RegExp('FAIL GET \\S+ is answered'
        + ' \\(502: the task closed the connection, or exited because of the request\\)'));
      expect(text).toMatch(/EROFS: read-only file system, open 'visits\.txt'/);
    }, 120_000);

    test('finds an app that ignores SIGTERM and gets SIGKILL', async () => {
      const { failed, checks } = await rehearseFully(variant('ignores SIGTERM'));
      expect(failed).toEqual(['stops-in-time']);
      const { reason } = checks.find(({ id }) => id === 'stops-in-time')!;
      expect(reason).toMatch(/2 of 2 received SIGKILL after 5 s: the app ignores SIGTERM/);
    }, 120_000);

    test('finds an app that leaks memory, which the kernel kills', async () => {
      const { text, failed, checks } = await rehearseFully(variant('leaks memory', { memoryLimitMiB: 160 }));
      expect(failed).toEqual(expect.arrayContaining(['memory', 'running']));
      expect(text).toMatch(/the app exited after it was healthy, with exit code 137/);
      const { reason } = checks.find(({ id }) => id === 'memory')!;
      if (engine === 'docker') {
        expect(reason).toMatch(new RegExp('^\\d of \\d tasks were killed because they were out of memory:'
          + ' the app keeps memory of each request'));
        expect(text).toContain('exit code 137, killed because it was out of memory');
      } else {
        // Podman does not always report it.
        expect(reason).toMatch(/out of memory|^(9\d|100) % of the limit is used/);
      }
    }, 120_000);
  });

  test('rehearses a service for ARM64, natively or emulated', async () => {
    const { start, runtime } = await prepare({
      cpuArchitecture: ecs.CpuArchitecture.ARM64,
      imageOptions: { buildArgs: { NODE_IMAGE: 'hello-fargate-test/node:arm64' } },
    });
    if (machine === 'amd64') { expect(runtime.differences.join('\n')).toMatch(/linux\/arm64 is emulated here/); }
    const { request, task } = await start();
    expect(await retry(async () => request('/health'))).toBe('health');
    expect((await task.declaredSettings())[0]).toMatchObject({ actual: '1000', matches: true });
    expect((await task.stop('gracefully')).code).toBe(0);
  });

  test('selects an engine for a service in Python with gunicorn', async () => {
    const text = await rehearseQuickly(synthesizeService({
      ...NATIVE,
      image: ecs.ContainerImage.fromAsset(path.join(APP, '..', 'python'), {
        platform: Platform.custom(`linux/${machine}`),
        buildArgs: { PYTHON_IMAGE: `hello-fargate-test/python:${machine}` },
      }),
    }), engine === 'docker' ? undefined : engine);
    expect(text).toMatch(/gunicorn --bind 0\.0\.0\.0:8080 .* in \/app, user 1000/);
  });

  const hasGo = spawnSync('go', ['version']).status === 0;
  if (!hasGo && engines.length > 0) {
    process.stderr.write('SKIPPED: the service in Go, because Go is not installed.\n');
  }

  (hasGo ? test : test.skip)('rehearses a service in Go from a scratch image, with its own health check', async () => {
    const directory = path.join(temporary, `go-${engine}`);
    fs.cpSync(path.join(APP, '..', 'go'), directory, { recursive: true });
    const built = spawnSync('go', ['build', '-o', 'server', 'main.go'], {
      cwd: directory, env: { ...process.env, CGO_ENABLED: '0', GOARCH: machine, GOFLAGS: '-mod=mod' }, encoding: 'utf8',
    });
    expect(built.stderr).toBe('');
    const text = await rehearseQuickly(synthesizeService({
      ...NATIVE,
      image: ecs.ContainerImage.fromAsset(directory, { platform: Platform.custom(`linux/${machine}`) }),
      container: { readonlyRootFilesystem: true, healthCheck: { command: ['CMD', '/server', '-check'] } },
    }));
    expect(text).toMatch(/\/server in \/, user 65532:65532/);
    expect(text).toMatch(/ok {3}task 1 passes its container health check/);
    // Go compiles its standard library the first time.
  }, 300_000);
});
