import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { ServiceSpec } from '../../../../src/rehearsal/model';
import { Runtime, Runtimes, startTask } from '../../../../src/rehearsal/tasks/runtime';
import { Task } from '../../../../src/rehearsal/tasks/task';
import { Assembly } from '../../../../src/rehearsal/templates/assembly';
import { Resolver } from '../../../../src/rehearsal/templates/intrinsics';
import { readServices } from '../../../../src/rehearsal/templates/services';
import { synthesizeService, FixtureProps } from '../../../support/rehearsal/fixture';

const cleanups: Array<() => Promise<unknown>> = [];
const directories: string[] = [];
afterEach(async () => {
  for (const cleanUp of cleanups.splice(0)) { await cleanUp(); }
});
afterAll(() => directories.forEach((directory) => fs.rmSync(directory, { recursive: true })));

async function prepare(props: FixtureProps): Promise<{ service: ServiceSpec; runtime: Runtime }> {
  const directory = synthesizeService(props);
  directories.push(directory);
  const assembly = Assembly.read(directory);
  const { services: [service] } = readServices(assembly, new Resolver(assembly));
  const interrupted = new AbortController().signal;
  const runtimes = new Runtimes({ engine: 'node', progress: () => {}, interrupted });
  return { service, runtime: await runtimes.prepare(service) };
}

async function running(props: FixtureProps = {}) {
  const { service, runtime } = await prepare(props);
  const log: string[] = [];
  const start = async (): Promise<Task> => {
    const task = await startTask('task', service, runtime, (line) => log.push(line));
    cleanups.push(async () => task.stop('immediately'));
    while (task.listening!.length === 0 && !task.exit) { await sleep(10); }
    return task;
  };
  const task = await start();
  const { host, port } = task.endpoint(8080);
  const request = async (route: string) => (await fetch(`http://${host}:${port}${route}`)).text();
  return { task, log, start, request };
}

test('measures the memory of a task until its exit', async () => {
  const { task } = await running();
  const memory = await task.memory();
  expect(memory!.limitMiB).toBe(512);
  // The minimum of a Node.js process; this one does nothing.
  expect(memory!.usedMiB).toBeGreaterThan(15);
  expect(memory!.usedMiB).toBeLessThan(300);
  await task.kill();
  expect(await task.memory()).toBeUndefined();
});

test('includes the memory of processes that the app starts', async () => {
  const alone = await running();
  const { task } = await running({ environment: { PORT: '8080', FAULT: 'leaves a helper behind' } });
  const { usedMiB } = (await alone.task.memory())!;
  // Until the helper has started.
  while ((await task.memory())!.usedMiB < usedMiB + 15) { await sleep(20); }
});

test('reports the memory limit of the container if it has one', async () => {
  const { task } = await running({ container: { memoryLimitMiB: 300 } });
  expect((await task.memory())!.limitMiB).toBe(300);
});

test('finds the files that an app writes to its root filesystem, but not those in volumes', async () => {
  const { task, request } = await running({
    container: { user: 'root' },
    furnish: (definition, container) => {
      definition.addVolume({ name: 'data' });
      container.addMountPoints({ sourceVolume: 'data', containerPath: '/app/public', readOnly: false });
    },
  });
  expect(await task.rootWrites()).toEqual([]);
  expect(await request('/write?cache.json')).toBe('ok');
  expect(await request('/write?server.js')).toBe('ok');
  expect(await request('/write?public/upload')).toBe('ok');
  expect([...(await task.rootWrites())!].sort()).toEqual(['/app/cache.json', '/app/server.js']);
});

test('does not report a setting as declared if this machine cannot apply it', async () => {
  const { task } = await running({ container: { readonlyRootFilesystem: true, user: 'somebody' } });
  expect(await task.declaredSettings()).toEqual([
    { setting: 'user', declared: 'somebody', actual: String(process.getuid?.()), matches: undefined },
    { setting: 'root filesystem', declared: 'read-only', actual: expect.stringMatching(/only a container engine/) },
  ]);
});

(process.getuid?.() === 0 ? test : test.skip)('runs as the declared user if it is numeric', async () => {
  const { task, request } = await running();
  const [user] = await task.declaredSettings();
  expect(user).toEqual({ setting: 'user', declared: '1000:1000', actual: '1000', matches: true });
  expect(JSON.parse(await request('/')).uid).toBe(1000);
});

test('kills a task and starts another', async () => {
  const { task, request, start } = await running();
  expect(await task.kill()).toEqual({ code: null, signal: 'SIGKILL' });
  await expect(request('/health')).rejects.toThrow();
  const other = await start();
  const { host, port } = other.endpoint(8080);
  expect(await (await fetch(`http://${host}:${port}/health`)).text()).toBe('health');
});

describe('SIGTERM', () => {
  const environment = { PORT: '8080', FAULT: 'does not know SIGTERM' };

  test('lets an app that handles it exit', async () => {
    const { task, log } = await running();
    expect(await task.stop('gracefully')).toMatchObject({ code: 0, killed: false });
    expect(log).toContain('{"message":"going"}');
  });

  test('does not end an app that does not handle it, because it is the first process of its container', async () => {
    const { task } = await running({ environment });
    expect(await task.stop('gracefully')).toMatchObject({ signal: 'SIGKILL', killed: true });
  });

  test('ends an app that does not handle it and has an init process', async () => {
    const { task } = await running({
      environment,
      furnish: (definition, container) => {
        const linuxParameters = new ecs.LinuxParameters(definition, 'Linux', { initProcessEnabled: true });
        Object.assign(container, { linuxParameters });
      },
    });
    expect(await task.stop('gracefully')).toMatchObject({ signal: 'SIGTERM', killed: false });
  });
});

test('reports sidecars that do not run', async () => {
  const image = ecs.ContainerImage.fromRegistry('envoy');
  const { runtime } = await prepare({ furnish: (definition) => definition.addContainer('proxy', { image }) });
  expect(runtime.differences.join('\n')).toContain('the sidecars of the task do not run: proxy');
});

describe('an app that misbehaves', () => {
  /** Runs a program that also listens. */
  const runProgram = async (program: string) => running({
    container: { entryPoint: ['node'], command: ['-e', `${program}; require('net').createServer().listen(8080)`] },
  });

  test('can write to the file descriptor of the rehearsal', async () => {
    const { task } = await runProgram(
      'require("fs").writeSync(3, \'nonsense\\n{}\\n[]\\nnull\\n{"port":"80"}\\n{"port":1,"host":2}\\n\')');
    expect(task.listening!.map(({ port }) => port)).toEqual([8080]);
  });

  test('can write 50 MB without a line feed', async () => {
    const { task, log } = await runProgram('process.stdout.write("x".repeat(50 * 1024 * 1024))');
    while (log.length < 50) { await sleep(20); }
    expect(log.every(({ length }) => length === 1024 * 1024)).toBe(true);
    expect(task.exit).toBeUndefined();
  });

  (process.platform === 'linux' ? test : test.skip)('leaves no process behind that it has detached', async () => {
    const { task, log } = await runProgram(`
      const child = require('child_process').spawn('sleep', ['300'], { detached: true, stdio: 'ignore' });
      child.unref();
      console.log(child.pid)`);
    while (log.length === 0) { await sleep(20); }
    const isRunning = () => fs.existsSync(`/proc/${log[0]}`)
      && !/\) Z /.test(fs.readFileSync(`/proc/${log[0]}/stat`, 'utf8'));
    expect(isRunning()).toBe(true);
    await task.stop('immediately');
    for (const end = Date.now() + 5000; isRunning() && Date.now() < end;) { await sleep(20); }
    expect(isRunning()).toBe(false);
  });
});
