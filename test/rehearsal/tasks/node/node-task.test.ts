import * as fs from 'node:fs';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { ServiceSpec } from '../../../../src/rehearsal/model';
import { Runtime, Runtimes, startTask } from '../../../../src/rehearsal/tasks/runtime';
import { Task } from '../../../../src/rehearsal/tasks/task';
import { Assembly } from '../../../../src/rehearsal/templates/assembly';
import { Resolver } from '../../../../src/rehearsal/templates/intrinsics';
import { readServices } from '../../../../src/rehearsal/templates/service';
import { synthesiseService, FixtureProps } from '../../../support/rehearsal/fixture';

const open: Array<() => Promise<unknown>> = [];
const directories: string[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) { await close(); }
});
afterAll(() => directories.forEach((directory) => fs.rmSync(directory, { recursive: true })));

async function prepare(props: FixtureProps): Promise<{ service: ServiceSpec; runtime: Runtime }> {
  const directory = synthesiseService(props);
  directories.push(directory);
  const assembly = Assembly.read(directory);
  const [service] = readServices(assembly, new Resolver(assembly));
  const runtimes = new Runtimes({ engine: 'node', secrets: {}, progress: () => {}, interrupted: new AbortController().signal });
  return { service, runtime: await runtimes.prepare(service) };
}

async function running(props: FixtureProps = {}) {
  const { service, runtime } = await prepare(props);
  const log: string[] = [];
  const start = async (): Promise<Task> => {
    const task = await startTask('task', service, runtime, (line) => log.push(line));
    open.push(async () => task.stop('immediately'));
    while (task.listening!.length === 0 && !task.exit) { await new Promise((resolve) => setTimeout(resolve, 10)); }
    return task;
  };
  const task = await start();
  const { host, port } = task.endpoint(8080);
  return { task, log, again: start, ask: async (route: string) => (await fetch(`http://${host}:${port}${route}`)).text() };
}

test('a task tells the memory that its processes hold, until it ends', async () => {
  const { task } = await running();
  const memory = await task.memory();
  expect(memory!.limitMiB).toBe(512);
  // No Node process is smaller, and this one does nothing.
  expect(memory!.usedMiB).toBeGreaterThan(15);
  expect(memory!.usedMiB).toBeLessThan(300);
  await task.kill();
  expect(await task.memory()).toBeUndefined();
});

test('the memory of what an app has started counts', async () => {
  const alone = await running();
  const { task } = await running({ environment: { PORT: '8080', FAULT: 'leaves a helper behind' } });
  const { usedMiB } = (await alone.task.memory())!;
  // The helper takes a moment to start.
  while ((await task.memory())!.usedMiB < usedMiB + 15) { await new Promise((resolve) => setTimeout(resolve, 20)); }
});

test('the limit of memory is that of the container, if it has one', async () => {
  const { task } = await running({ container: { memoryLimitMiB: 300 } });
  expect((await task.memory())!.limitMiB).toBe(300);
});

test('what an app writes to its root filesystem is known, and what is in its volumes is not', async () => {
  const { task, ask } = await running({
    container: { user: 'root' },
    furnish: (definition, container) => {
      definition.addVolume({ name: 'data' });
      container.addMountPoints({ sourceVolume: 'data', containerPath: '/app/public', readOnly: false });
    },
  });
  expect(await task.rootWrites()).toEqual([]);
  expect(await ask('/write?cache.json')).toBe('ok');
  expect(await ask('/write?server.js')).toBe('ok');
  expect(await ask('/write?public/upload')).toBe('ok');
  expect([...(await task.rootWrites())!].sort()).toEqual(['/app/cache.json', '/app/server.js']);
});

test('what this machine cannot do is not told to be as declared', async () => {
  const { task } = await running({ container: { readonlyRootFilesystem: true, user: 'somebody' } });
  expect(await task.declaredSettings()).toEqual([
    { what: 'user', declared: 'somebody', running: String(process.getuid?.()), same: undefined },
    { what: 'root filesystem', declared: 'read-only', running: expect.stringMatching(/only a container engine/) },
  ]);
});

(process.getuid?.() === 0 ? test : test.skip)('a user by number is the one that runs', async () => {
  const { task, ask } = await running();
  expect((await task.declaredSettings())[0]).toEqual({ what: 'user', declared: '1000:1000', running: '1000', same: true });
  expect(JSON.parse(await ask('/')).uid).toBe(1000);
});

test('a task can be killed, and another one started in its place', async () => {
  const { task, ask, again } = await running();
  expect(await task.kill()).toEqual({ code: null, signal: 'SIGKILL' });
  await expect(ask('/health')).rejects.toThrow();
  const other = await again();
  const { host, port } = other.endpoint(8080);
  expect(await (await fetch(`http://${host}:${port}/health`)).text()).toBe('health');
});

describe('SIGTERM', () => {
  const environment = { PORT: '8080', FAULT: 'does not know SIGTERM' };

  test('reaches an app that handles it', async () => {
    const { task, log } = await running();
    expect(await task.stop('gracefully')).toMatchObject({ code: 0, killed: false });
    expect(log).toContain('{"message":"going"}');
  });

  test('does nothing to an app that does not, because it is the first process of its container', async () => {
    const { task } = await running({ environment });
    expect(await task.stop('gracefully')).toMatchObject({ signal: 'SIGKILL', killed: true });
  });

  test('ends such an app behind an init process', async () => {
    const { task } = await running({
      environment,
      furnish: (definition, container) => {
        Object.assign(container, { linuxParameters: new ecs.LinuxParameters(definition, 'Linux', { initProcessEnabled: true }) });
      },
    });
    expect(await task.stop('gracefully')).toMatchObject({ signal: 'SIGTERM', killed: false });
  });
});

test('sidecars are named as left out', async () => {
  const { runtime } = await prepare({ furnish: (definition) => definition.addContainer('proxy', { image: ecs.ContainerImage.fromRegistry('envoy') }) });
  expect(runtime.differences.join('\n')).toContain('the containers proxy of the task do not run');
});
