import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import os from 'node:os';
import * as path from 'node:path';
import { Duration, Stack } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { HelloFargateService } from '../../../../src/index';
import { ServiceSpec } from '../../../../src/rehearsal/model';
import { rehearse } from '../../../../src/rehearsal/rehearse';
import { Check, Report } from '../../../../src/rehearsal/report';
import { Runtime, Runtimes, startTask } from '../../../../src/rehearsal/tasks/runtime';
import { EngineName, Task } from '../../../../src/rehearsal/tasks/task';
import { Assembly } from '../../../../src/rehearsal/templates/assembly';
import { Resolver } from '../../../../src/rehearsal/templates/intrinsics';
import { readServices } from '../../../../src/rehearsal/templates/service';
import { APP, FixtureProps, installCommand, synthesise, synthesiseService } from '../../../support/rehearsal/fixture';

/*
 * The rehearsal in real container engines. `npx projen test:engine` starts what this needs; without, all of it is skipped.
 */

const engines = (process.env.REHEARSE_WITH_ENGINES ?? '').split(',').filter((name): name is 'docker' | 'podman' => name === 'docker' || name === 'podman');
if (engines.length === 0) {
  process.stderr.write('\nSKIPPED: the rehearsal in container engines, because REHEARSE_WITH_ENGINES names none. `npx projen test:engine` runs it.\n\n');
}
const withEngines = engines.length > 0 ? describe.each(engines) : describe.skip.each(['docker', 'podman'] as const);

const machine = process.arch === 'arm64' ? 'arm64' : 'amd64';
const NATIVE = {
  cpuArchitecture: process.arch === 'arm64' ? ecs.CpuArchitecture.ARM64 : ecs.CpuArchitecture.X86_64,
  imageOptions: { buildArgs: { NODE_IMAGE: `hello-fargate-test/node:${machine}` } },
};

const initialise = (definition: ecs.FargateTaskDefinition, container: ecs.ContainerDefinition) => {
  Object.assign(container, { linuxParameters: new ecs.LinuxParameters(definition, 'Linux', { initProcessEnabled: true }) });
};
const secret = (scope: Construct, id: string) => ecs.Secret.fromSecretsManager(new secretsmanager.Secret(scope, id));

/** Changes how the images of an assembly are made. */
function changeImages(directory: string, change: (source: object) => object): void {
  const file = path.join(directory, fs.readdirSync(directory).find((name) => name.endsWith('.assets.json'))!);
  const manifest = JSON.parse(fs.readFileSync(file, 'utf8'));
  Object.values<any>(manifest.dockerImages).forEach((image) => { image.source = change(image.source); });
  fs.writeFileSync(file, JSON.stringify(manifest));
}

let temporary: string;

beforeAll(() => {
  temporary = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'engine-test-')));
  jest.spyOn(os, 'tmpdir').mockReturnValue(temporary);
});

afterAll(() => fs.rmSync(temporary, { recursive: true, force: true }));

withEngines('%s', (engine) => {
  /** All that is there, to be compared with before. */
  const inventory = () => [['ps', '--all'], ['volume', 'ls'], ['network', 'ls'], ['images']].map(([what, ...args]) => {
    const format = what === 'images' ? '{{.Repository}}:{{.Tag}}' : what === 'ps' ? '{{.Names}}' : '{{.Name}}';
    const { stdout } = spawnSync(engine, [what, ...args, '--format', format], { encoding: 'utf8' });
    // Untagged layers are the cache of builds.
    return `${what}: ${[...new Set(stdout.split('\n'))].filter((name) => name !== '<none>:<none>').sort().join(' ')}`;
  });
  let before: string[];

  beforeAll(() => { before = inventory(); });
  afterAll(() => expect(inventory()).toEqual(before));

  interface Stage {
    readonly service: ServiceSpec;
    readonly runtime: Runtime;
    start(): Promise<StartedTask>;
  }

  interface StartedTask {
    readonly task: Task;
    readonly log: string[];
    ask(route: string): Promise<string>;
  }

  const open: Array<() => Promise<unknown>> = [];
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) { await close(); }
  });

  async function prepare(props: FixtureProps, secrets: { [name: string]: string } = {}): Promise<Stage> {
    return prepareAssembly(synthesiseService({ ...NATIVE, ...props }), secrets);
  }

  async function prepareAssembly(directory: string, secrets: { [name: string]: string } = {}): Promise<Stage> {
    const assembly = Assembly.read(directory);
    const [service] = readServices(assembly, new Resolver(assembly));
    const runtimes = new Runtimes({ engine, secrets, progress: () => {}, interrupted: new AbortController().signal });
    open.push(async () => runtimes.close());
    const runtime = await runtimes.prepare(service);
    return {
      service,
      runtime,
      start: async () => {
        const log: string[] = [];
        const task = await startTask('task', service, runtime, (line) => log.push(line));
        open.push(async () => task.stop('immediately'));
        const { host, port } = task.endpoint(8080);
        return { task, log, ask: async (route) => (await fetch(`http://${host}:${port}${route}`)).text() };
      },
    };
  }

  async function until<T>(what: () => Promise<T>): Promise<T> {
    for (const end = Date.now() + 30_000; ;) {
      try {
        return await what();
      } catch (error) {
        if (Date.now() > end) { throw error; }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  const running = async (props: FixtureProps = {}, secrets?: { [name: string]: string }) => {
    const stage = await prepare(props, secrets);
    const started = await stage.start();
    await until(async () => started.ask('/health'));
    return { ...stage, ...started };
  };

  test('a container has the environment, files, working directory and user of image and task definition, and nothing else', async () => {
    process.env.LEAK = 'from the environment of the command';
    process.env.http_proxy = 'http://proxy.invalid';
    try {
      const { ask } = await running({
        environment: { SET_BY_TASK: 'with "quotes" and = and\na second line', PORT: '8080' },
        furnish: (definition, container) => container.addSecret('GREETING', secret(definition, 'Greeting')),
      }, { GREETING: 's3cret', OTHER: 'not asked for' });
      const { env, cwd, uid, file } = JSON.parse(await ask('/'));
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

  test('entry point, command, working directory and user of the task definition win', async () => {
    const { ask, runtime } = await running({
      container: {
        entryPoint: ['node', '--no-warnings'], command: ['/app/server.js', '/app/public/hello.txt'], workingDirectory: '/app/public', user: '1234:1234',
      },
    });
    expect(JSON.parse(await ask('/'))).toMatchObject({ cwd: '/app/public', uid: 1234 });
    expect(runtime.command).toEqual(['node', '--no-warnings', '/app/server.js', '/app/public/hello.txt']);
  });

  test('what is declared is what runs', async () => {
    const { task } = await running({
      container: { readonlyRootFilesystem: true, user: '1000:1000' },
      furnish: (definition, container) => {
        initialise(definition, container);
        container.linuxParameters!.dropCapabilities(ecs.Capability.ALL);
        container.linuxParameters!.addCapabilities(ecs.Capability.SYS_PTRACE);
      },
    });
    // Podman cannot add one for a user other than root without making it effective.
    const capabilities = engine === 'podman' ? 'none' : 'SYS_PTRACE';
    expect(await task.declaredSettings()).toEqual([
      { what: 'user', declared: '1000:1000', running: '1000', same: true },
      { what: 'root filesystem', declared: 'read-only', running: 'read-only', same: true },
      { what: 'capabilities', declared: capabilities, running: capabilities, same: true },
    ]);
  });

  test('without a word on capabilities a container has those that Docker gives', async () => {
    const { task } = await running({ container: { user: 'root' } });
    const [user, , capabilities] = await task.declaredSettings();
    expect(user).toEqual({ what: 'user', declared: 'root', running: '0', same: true });
    expect(capabilities.same).toBe(true);
    expect(capabilities.running.split(', ')).toHaveLength(14);
  });

  test('a container of another user than root has no capability in effect', async () => {
    const { ask } = await running();
    // A file of root's.
    expect(await ask('/write?/etc/passwd')).toBe('EACCES');
  });

  describe('a root filesystem', () => {
    const withTmp = (file: string): FixtureProps => ({
      imageOptions: { ...NATIVE.imageOptions, file },
      container: { readonlyRootFilesystem: true },
      furnish: (definition, container) => {
        definition.addVolume({ name: 'tmp' });
        container.addMountPoints({ sourceVolume: 'tmp', containerPath: '/tmp', readOnly: false });
      },
    });

    test('that is read-only cannot be written, nor can a volume that the image does not declare, which is root\'s', async () => {
      const { ask } = await running(withTmp('Dockerfile'));
      expect(await ask('/write?/app/file')).toBe('EROFS');
      expect(await ask('/write?/run/file')).toMatch(/EROFS|EACCES|ENOENT/);
      expect(await ask('/write?/tmp/file')).toBe('EACCES');
    });

    test('that is read-only leaves a volume writable that the image declares', async () => {
      const { ask, task } = await running(withTmp('Dockerfile.volume'));
      expect(await ask('/write?/app/file')).toBe('EROFS');
      expect(await ask('/write?/tmp/file')).toBe('ok');
      expect(await task.rootWrites()).toEqual([]);
    });

    test('that is writable tells what was written', async () => {
      const { ask, task } = await running({ container: { user: 'root' } });
      expect(await task.rootWrites()).toEqual([]);
      expect(await ask('/write?/app/cache.json')).toBe('ok');
      expect(await ask('/write?/etc/hello')).toBe('ok');
      expect([...(await task.rootWrites())!].sort()).toEqual(['/app/cache.json', '/etc/hello']);
    });
  });

  test('a container gets the CPU of its task and no more', async () => {
    const { ask } = await running();
    // A quarter of a CPU; a machine under load may give less.
    expect(Number(await ask('/burn'))).toBeLessThan(0.45);
  });

  test('a container that wants more memory than its task has is killed', async () => {
    const { task, ask, log } = await running();
    const memory = await task.memory();
    expect(memory!.limitMiB).toBe(512);
    expect(memory!.usedMiB).toBeGreaterThan(5);
    expect(memory!.usedMiB).toBeLessThan(200);
    void ask('/allocate').catch(() => {});
    expect(await task.exited).toEqual({ code: 137, signal: null, outOfMemory: true });
    expect(fs.existsSync('oom')).toBe(false);
    const { allocatedMiB } = JSON.parse(log.at(-1)!);
    expect(allocatedMiB).toBeGreaterThan(300);
    expect(allocatedMiB).toBeLessThan(512);
    expect(await task.memory()).toBeUndefined();
  });

  test('what listens is known as soon as it does, and as the app asked for it', async () => {
    const { task } = await running({ environment: { PORT: '8080', ADMIN_PORT: '9901' } });
    expect([...task.listening!].sort((one, other) => one.port - other.port)).toEqual([{ port: 8080 }, { port: 9901, host: '127.0.0.1' }]);
  });

  test('a task that is stopped gets the stop signal, and leaves nothing behind', async () => {
    const { task, log } = await running();
    const { code, killed, milliseconds } = await task.stop('gracefully');
    expect({ code, killed }).toEqual({ code: 0, killed: false });
    expect(milliseconds).toBeLessThan(2000);
    expect(log).toEqual(['{"message":"listening","port":"8080"}', '{"message":"going"}']);
    expect(spawnSync(engine, ['ps', '--all', '--quiet'], { encoding: 'utf8' }).stdout).toBe('');
  });

  test('an app that does not know SIGTERM gets no further than the stop time-out, unless an init process is in front', async () => {
    const environment = { PORT: '8080', FAULT: 'does not know SIGTERM' };
    const { task } = await running({ environment });
    expect(await task.stop('gracefully')).toMatchObject({ code: 137, killed: true });
    const { task: withInit } = await running({ environment, furnish: initialise });
    expect(await withInit.stop('gracefully')).toMatchObject({ code: 143, killed: false });
  });

  test('an app that ignores the stop signal is killed after the stop time-out', async () => {
    const { task, log } = await running({ environment: { PORT: '8080', FAULT: 'ignores SIGTERM' } });
    const { code, killed, milliseconds } = await task.stop('gracefully');
    expect({ code, killed }).toEqual({ code: 137, killed: true });
    expect(milliseconds).toBeGreaterThanOrEqual(2000);
    expect(log).toContain('{"message":"not now"}');
  });

  test('a task can be killed, and another one started in its place', async () => {
    const { task, start } = await running();
    expect(await task.kill()).toEqual({ code: 137, signal: null });
    const { ask } = await start();
    expect(await until(async () => ask('/health'))).toBe('health');
  });

  test('the last words of an app that dies are kept', async () => {
    const { start } = await prepare({ environment: { PORT: '8080', FAULT: 'dies at start' } });
    const { task } = await start();
    expect(await task.exited).toEqual({ code: 7, signal: null });
    expect(task.lastLines).toEqual(['no database: giving up']);
  });

  test('each line of a log comes whole, once and in order, however busy the machine is', async () => {
    const busy = Array.from({ length: 3 }, () => spawn(process.execPath, ['-e', 'const end = Date.now() + 60000; while (Date.now() < end);']));
    try {
      const { start } = await prepare({});
      const started = await Promise.all([start(), start(), start()]);
      await Promise.all(started.map(async ({ task, log, ask }) => {
        await until(async () => ask('/health'));
        expect(await ask('/log?20000')).toBe('logged');
        await task.stop('gracefully');
        const lines = log.map((line) => JSON.parse(line).line).filter((line) => line !== undefined);
        expect(lines).toEqual(Array.from({ length: 20000 }, (_, line) => line));
      }));
    } finally {
      busy.forEach((process) => process.kill());
    }
  });

  test('a command that is not in the image is an exit with the reason', async () => {
    const { start } = await prepare({ container: { command: ['gunicorn'] } });
    const { task } = await start();
    expect((await task.exited).code).toBe(127);
    expect(task.lastLines.join()).toMatch(/could not start: .*gunicorn.*not found/);
  });

  test('the container health check runs in the container', async () => {
    const { task } = await running();
    const check = { intervalSeconds: 5, timeoutSeconds: 1, retries: 1, startPeriodSeconds: 0 };
    const ask = "fetch('http://localhost:8080/health').then(r => process.exit(r.ok ? 0 : 1))";
    expect(await task.checkContainerHealth({ ...check, timeoutSeconds: 20, command: ['CMD', 'node', '-e', ask] })).toBe('passed');
    expect(await task.checkContainerHealth({ ...check, timeoutSeconds: 20, command: ['CMD-SHELL', 'cat /app/server.js > /dev/null || exit 1'] })).toBe('passed');
    expect(await task.checkContainerHealth({ ...check, command: ['CMD-SHELL', 'exit 3'] })).toBe('failed');
    expect(await task.checkContainerHealth({ ...check, command: ['CMD', 'curl', 'localhost'] })).toBe('failed');
    expect(await task.checkContainerHealth({ ...check, command: ['CMD-SHELL', 'sleep 10'] })).toBe('timed out');
  });

  describe('sidecars', () => {
    const image = ecs.ContainerImage.fromAsset(APP, { platform: Platform.custom(`linux/${machine}`), ...NATIVE.imageOptions });
    const sidecar = (script: string, more: Partial<ecs.ContainerDefinitionOptions> = {}): ecs.ContainerDefinitionOptions =>
      ({ image, command: ['node', '-e', script], essential: false, stopTimeout: Duration.seconds(2), ...more });

    test('share the network and the volumes of their task, and start in order', async () => {
      const { ask, log, task } = await running({
        furnish: (definition, app) => {
          definition.addVolume({ name: 'shared' });
          const migration = definition.addContainer('migration', sidecar("setTimeout(() => { require('fs').writeFileSync('/shared/done', 'x'); console.log('migrated') }, 300)",
            { user: 'root' }));
          const proxy = definition.addContainer('proxy', sidecar("setTimeout(() => require('http').createServer((q, r) => r.end('proxied')).listen(9000, '127.0.0.1'), 500);"
            + "process.on('SIGTERM', () => { console.log('proxy leaves'); process.exit(0) })", {
            healthCheck: { command: ['CMD', 'node', '-e', "fetch('http://127.0.0.1:9000').catch(() => process.exit(1))"] },
          }));
          for (const container of [migration, app]) {
            container.addMountPoints({ sourceVolume: 'shared', containerPath: '/shared', readOnly: container === app });
          }
          app.addContainerDependencies(
            { container: migration, condition: ecs.ContainerDependencyCondition.SUCCESS },
            { container: proxy, condition: ecs.ContainerDependencyCondition.HEALTHY },
          );
        },
        environment: { PORT: '8080', FAULT: 'goes slowly' },
      });
      expect(log.slice(0, 1)).toEqual(['[migration] migrated']);
      // The proxy was healthy before the app started.
      expect(await ask('/get?http://127.0.0.1:9000/')).toBe('proxied');
      expect(await ask('/write?/shared/file')).toMatch(/EROFS|EACCES/);
      await task.stop('gracefully');
      // In the reverse order.
      expect(log.slice(-2)).toEqual(['{"message":"gone"}', '[proxy] proxy leaves']);
    });

    test('that must succeed before, and do not, end the task', async () => {
      const { start } = await prepare({
        furnish: (definition, app) => app.addContainerDependencies({
          container: definition.addContainer('migration', sidecar('process.exit(3)')), condition: ecs.ContainerDependencyCondition.SUCCESS,
        }),
      });
      const { task } = await start();
      await task.exited;
      expect(task.lastLines.join()).toMatch(/container migration must succeed before, and ended with exit code 3/);
    });

    test('that never become healthy do not keep a task from being stopped', async () => {
      const { start } = await prepare({
        furnish: (definition, app) => app.addContainerDependencies({
          container: definition.addContainer('proxy', sidecar('setInterval(() => {}, 1000)', { healthCheck: { command: ['CMD', 'node', '-e', 'process.exit(1)'] } })),
          condition: ecs.ContainerDependencyCondition.HEALTHY,
        }),
      });
      const { task } = await start();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      expect(task.exit).toBeUndefined();
      await task.stop('gracefully');
      await (await start()).task.kill();
    });

    test('that are essential take the task with them, and others do not', async () => {
      const { start } = await prepare({
        furnish: (definition) => {
          definition.addContainer('agent', sidecar('process.exit(0)'));
          definition.addContainer('mesh', sidecar('setTimeout(() => process.exit(5), 1500)', { essential: true }));
        },
      });
      const { task, ask } = await start();
      await until(async () => ask('/health'));
      expect((await task.exited).code).toBe(5);
      expect(task.lastLines.join()).toMatch(/container mesh ended with exit code 5: it is essential, so the task ends/);
    });

    test('are named when they are left out', async () => {
      const { runtime, start } = await prepare({
        furnish: (definition) => {
          definition.addContainer('agent', { image: ecs.ContainerImage.fromRegistry('registry.invalid/agent:1') });
          definition.addContainer('keyed', { image, secrets: { KEY: secret(definition, 'Key') } });
          definition.addFirelensLogRouter('router', {
            image: ecs.ContainerImage.fromRegistry('amazon/aws-for-fluent-bit:stable'), firelensConfig: { type: ecs.FirelensLogRouterType.FLUENTBIT },
          });
        },
      });
      expect(runtime.differences).toEqual(expect.arrayContaining([
        expect.stringMatching(/^container agent is left out: image registry.invalid\/agent:1 cannot be pulled with /),
        'container keyed is left out: it gets KEY from AWS: give a value with --env-file',
        'container router is left out: it routes logs to AWS',
      ]));
      const { ask } = await start();
      expect(await until(async () => ask('/health'))).toBe('health');
    });
  });

  describe('images', () => {
    test('that cannot be pulled are one clear sentence', async () => {
      await expect(prepare({ image: ecs.ContainerImage.fromRegistry('registry.invalid/shop:1') }))
        .rejects.toThrow(/^service Shop\/Web\/Service cannot run: image registry\.invalid\/shop:1 cannot be pulled with .*registry\.invalid/);
    });

    test('that cannot be built show how the build ended', async () => {
      await expect(prepare({ imageOptions: { ...NATIVE.imageOptions, file: 'Dockerfile.broken' } })).rejects.toThrow(/no-such-file/);
    });

    test('of a command of their own are what that prints', async () => {
      const directory = synthesiseService(NATIVE);
      changeImages(directory, () => ({ executable: ['echo', `hello-fargate-test/node:${machine}`] }));
      const { runtime } = await prepareAssembly(directory);
      expect(runtime.user).toBe('root');
    });

    test('for another machine than the task\'s are told', async () => {
      const { runtime } = await prepare({
        cpuArchitecture: ecs.CpuArchitecture.ARM64, imageOptions: { ...NATIVE.imageOptions, platform: Platform.LINUX_AMD64 },
      });
      expect(runtime.differences.join('\n')).toMatch(/its image is for linux\/amd64, and in AWS, on linux\/arm64, it would stop with "exec format error"/);
    });
  });

  const perform = async (directory: string, wanted: EngineName | undefined = engine) => {
    let text = '';
    const report = new Report({ write: (more) => { text += more; } });
    await rehearse({ directory, once: true, quick: true, port: 0, engine: wanted }, report, new AbortController().signal);
    expect(text).toMatch(/ok {3}task 1 at \S+ is healthy/);
    expect(text).toMatch(/ok {3}GET http:\/\/127\.0\.0\.1:\d+\/health answered 200/);
    return text;
  };

  describe('the command', () => {
    let program: string;

    beforeAll(() => { program = installCommand(fs.mkdtempSync(path.join(temporary, 'installed-'))); });

    const run = (environment: { [name: string]: string } = {}) => {
      const files = fs.mkdtempSync(path.join(temporary, 'command-'));
      const directory = synthesiseService({ ...NATIVE, environment: { PORT: '8080', ...environment }, desiredCount: 2 });
      const command = spawn(process.execPath, [program, 'rehearse', directory, '--engine', engine, '--quick'], {
        env: { ...process.env, TMPDIR: files },
      });
      let output = '';
      for (const stream of [command.stdout, command.stderr]) { stream.on('data', (text) => { output += text; }); }
      const exit = new Promise<number | NodeJS.Signals | null>((resolve) => command.on('close', (code, signal) => resolve(code ?? signal)));
      const says = async (what: string) => {
        let ended = false;
        void exit.then(() => { ended = true; });
        while (!output.includes(what)) {
          if (ended) { throw new Error(output); }
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      return { command, exit, says, files, output: () => output };
    };
    const containers = () => spawnSync(engine, ['ps', '--quiet'], { encoding: 'utf8' }).stdout.trim().split('\n').filter((id) => id !== '').length;

    test.each(['SIGINT', 'SIGTERM'] as const)('leaves nothing behind after %s', async (signal) => {
      const { command, exit, says, files } = run();
      await says('Ctrl-C ends it');
      // Two tasks, each with the container of its network.
      expect(containers()).toBe(4);
      command.kill(signal);
      expect(await exit).toBe(0);
      expect(inventory()).toEqual(before);
      expect(fs.readdirSync(files).filter((name) => name.startsWith('hello-fargate-service'))).toEqual([]);
    });

    test('leaves nothing behind when it is interrupted while it starts', async () => {
      const { command, exit, says, output } = run();
      await says('building the image');
      command.kill('SIGINT');
      expect(await exit).toBe(2);
      expect(output()).toMatch(/could not rehearse: interrupted before the verdict/);
      await until(async () => expect(inventory()).toEqual(before));
    });

    test('leaves nothing behind when it is asked twice, however the app feels about it', async () => {
      const { command, exit, says } = run({ FAULT: 'ignores SIGTERM' });
      await says('Ctrl-C ends it');
      command.kill('SIGINT');
      await says('not now');
      command.kill('SIGINT');
      expect(await exit).toBe(0);
      await until(async () => expect(inventory()).toEqual(before));
    });

    test('leaves nothing behind even when it is killed', async () => {
      const { command, exit, says } = run();
      await says('is healthy');
      command.kill('SIGKILL');
      await exit;
      await until(async () => expect(inventory()).toEqual(before));
    });
  });

  test('a service is rehearsed with its tasks side by side', async () => {
    const text = await perform(synthesiseService({ ...NATIVE, desiredCount: 2 }));
    expect(text).toMatch(/task 2 at \S+ is healthy/);
  });

  const synthesiseDefault = () => {
    const directory = synthesise((app) => new HelloFargateService(new Stack(app, 'Shop'), 'Hello', { architecture: NATIVE.cpuArchitecture }));
    changeImages(directory, (source) => ({ ...source, dockerBuildArgs: NATIVE.imageOptions.buildArgs }));
    return directory;
  };

  test('the default service runs as it is declared: not root, on a read-only root filesystem, without capabilities', async () => {
    const { start, service } = await prepareAssembly(synthesiseDefault());
    const { task, ask } = await start();
    expect(await until(async () => ask('/health'))).toMatch(/ok|200|healthy/i);
    expect(await task.checkContainerHealth(service.container.healthCheck!)).toBe('passed');
    expect(await task.declaredSettings()).toEqual([
      { what: 'user', declared: '1000:1000', running: '1000', same: true },
      { what: 'root filesystem', declared: 'read-only', running: 'read-only', same: true },
      { what: 'capabilities', declared: 'none', running: 'none', same: true },
    ]);
    expect(await task.rootWrites()).toEqual([]);
    expect(await task.stop('gracefully')).toMatchObject({ code: 0, killed: false });
  });

  describe('the whole verdict', () => {
    const verdictOn = async (directory: string) => {
      let text = '';
      const report = new Report({ write: (more) => { text += more; } });
      await rehearse({ directory, once: true, port: 0, engine }, report, new AbortController().signal);
      expect(inventory()).toEqual(before);
      const idsOf = (outcome: Check['outcome']) => report.checks.filter((check) => check.outcome === outcome).map(({ id }) => id);
      return { text, checks: report.checks, passed: idsOf('passed'), failed: [...new Set(idsOf('failed'))] };
    };

    test('on the default service finds nothing wrong, and makes every check', async () => {
      const { text, passed, failed } = await verdictOn(synthesiseDefault());
      expect(failed).toEqual([]);
      expect(passed).toEqual([
        'healthy', 'healthy', 'container-health-check', 'container-health-check', 'http', 'as-declared', 'not-root', 'in-flight', 'deregistered-before',
        'deregistered-after', 'failing-health-checks', 'stops-in-time', 'survives-a-kill', 'memory', 'keep-alive', 'root-filesystem', 'json-logs',
      ]);
      expect(text).not.toMatch(/cannot do (CPU|memory) limits/);
    }, 240_000);

    const variant = (fault: string, container: FixtureProps['container'] = {}) => synthesiseService({
      cpuArchitecture: NATIVE.cpuArchitecture,
      desiredCount: 2,
      environment: { PORT: '8080', FAULT: fault },
      image: ecs.ContainerImage.fromAsset(path.join(APP, '..', 'variants'), { platform: Platform.custom(`linux/${machine}`), ...NATIVE.imageOptions }),
      container: { stopTimeout: Duration.seconds(5), user: '1000:1000', readonlyRootFilesystem: true, ...container },
    });

    test('names a write to the root filesystem, which is read-only', async () => {
      const { text, failed } = await verdictOn(variant('writes to the root filesystem'));
      expect(failed).toEqual(['http', 'running']);
      expect(text).toMatch(/FAIL GET \S+ is answered \(502: the task cut the answer off, or died of the request\)/);
      expect(text).toMatch(/EROFS: read-only file system, open 'visits\.txt'/);
    }, 120_000);

    test('names an app that ignores SIGTERM, which gets SIGKILL', async () => {
      const { failed, checks } = await verdictOn(variant('ignores SIGTERM'));
      expect(failed).toEqual(['stops-in-time']);
      expect(checks.find(({ id }) => id === 'stops-in-time')!.reason).toMatch(/2 of 2 got SIGKILL after 5 s: the app ignores SIGTERM/);
    }, 120_000);

    test('names an app that leaks memory, which the kernel kills', async () => {
      const { text, failed, checks } = await verdictOn(variant('leaks memory', { memoryLimitMiB: 160 }));
      expect(failed).toEqual(expect.arrayContaining(['memory', 'running']));
      expect(text).toMatch(/the app died after it was healthy, with exit code 137/);
      const { reason } = checks.find(({ id }) => id === 'memory')!;
      if (engine === 'docker') {
        expect(reason).toMatch(/^\d of \d tasks were killed as they were out of memory: the app keeps something of every request/);
        expect(text).toContain('exit code 137, killed because it was out of memory');
      } else {
        // Podman does not always tell.
        expect(reason).toMatch(/out of memory|^(9\d|100) % of the limit is used/);
      }
    }, 120_000);
  });

  test('a service for ARM64 is rehearsed, on its own machine or emulated', async () => {
    const { start, runtime } = await prepare({
      cpuArchitecture: ecs.CpuArchitecture.ARM64, imageOptions: { buildArgs: { NODE_IMAGE: 'hello-fargate-test/node:arm64' } },
    });
    if (machine === 'amd64') { expect(runtime.differences.join('\n')).toMatch(/linux\/arm64 is emulated here/); }
    const { ask, task } = await start();
    expect(await until(async () => ask('/health'))).toBe('health');
    expect((await task.declaredSettings())[0]).toMatchObject({ running: '1000', same: true });
    expect((await task.stop('gracefully')).code).toBe(0);
  });

  test('a service in Python runs behind gunicorn without being asked for', async () => {
    const text = await perform(synthesiseService({
      ...NATIVE,
      image: ecs.ContainerImage.fromAsset(path.join(APP, '..', 'python'), {
        platform: Platform.custom(`linux/${machine}`), buildArgs: { PYTHON_IMAGE: `hello-fargate-test/python:${machine}` },
      }),
    }), engine === 'docker' ? undefined : engine);
    expect(text).toMatch(/gunicorn --bind 0\.0\.0\.0:8080 .* in \/app, user 1000/);
  });

  const goIsHere = spawnSync('go', ['version']).status === 0;
  if (!goIsHere && engines.length > 0) { process.stderr.write('SKIPPED: the service in Go, because there is no Go to build it.\n'); }

  (goIsHere ? test : test.skip)('a service in Go runs from scratch, and is its own health check', async () => {
    const directory = path.join(temporary, `go-${engine}`);
    fs.cpSync(path.join(APP, '..', 'go'), directory, { recursive: true });
    const built = spawnSync('go', ['build', '-o', 'server', 'main.go'], {
      cwd: directory, env: { ...process.env, CGO_ENABLED: '0', GOARCH: machine, GOFLAGS: '-mod=mod' }, encoding: 'utf8',
    });
    expect(built.stderr).toBe('');
    const text = await perform(synthesiseService({
      ...NATIVE,
      image: ecs.ContainerImage.fromAsset(directory, { platform: Platform.custom(`linux/${machine}`) }),
      container: { readonlyRootFilesystem: true, healthCheck: { command: ['CMD', '/server', '-check'] } },
    }));
    expect(text).toMatch(/\/server in \/, user 65532:65532/);
    expect(text).toMatch(/ok {3}task 1 passes its container health check/);
    // Go compiles its own library the first time.
  }, 300_000);
});
