import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import os from 'node:os';
import * as path from 'node:path';
import { NestedStack, Stack, Stage } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as patterns from 'aws-cdk-lib/aws-ecs-patterns';
import * as efs from 'aws-cdk-lib/aws-efs';
import { CannotRun } from '../../../src/rehearsal/cannot-run';
import { ServiceSpec } from '../../../src/rehearsal/model';
import { helperImage } from '../../../src/rehearsal/tasks/containers/helper-image';
import { Runtime, Runtimes } from '../../../src/rehearsal/tasks/runtime';
import { EngineName } from '../../../src/rehearsal/tasks/task';
import { Assembly } from '../../../src/rehearsal/templates/assembly';
import { Resolver } from '../../../src/rehearsal/templates/intrinsics';
import { readLoadBalancers } from '../../../src/rehearsal/templates/load-balancers';
import { readServices } from '../../../src/rehearsal/templates/services';
import { APP, FixtureProps, FixtureService, synthesize, synthesizeService } from '../../support/rehearsal/fixture';

let temporary: string;

beforeAll(() => {
  temporary = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'runtime-test-')));
  jest.spyOn(os, 'tmpdir').mockReturnValue(temporary);
});

afterAll(() => fs.rmSync(temporary, { recursive: true, force: true }));

const read = (directory: string): ServiceSpec[] => {
  const assembly = Assembly.read(directory);
  return [...readServices(assembly, new Resolver(assembly)).services];
};

describe('the runtime of a service', () => {
  const environment = { ...process.env };
  afterEach(() => { process.env = { ...environment }; });

  const prepare = async (props: FixtureProps = {}, engine?: EngineName): Promise<Runtime> => {
    const interrupted = new AbortController().signal;
    const runtimes = new Runtimes({ engine, progress: () => {}, interrupted });
    return runtimes.prepare(read(synthesizeService(props))[0]);
  };
  const prepareError = async (...args: Parameters<typeof prepare>): Promise<string> => {
    const error = await prepare(...args).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(CannotRun);
    return error.message;
  };

  test('is Node.js where that is sufficient, with the settings that only an engine applies', async () => {
    const runtime = await prepare();
    expect(runtime.engine).toBe('node');
    expect(runtime.differences[0]).toMatch(new RegExp('^not applied: CPU and memory limits, the ARM64 architecture; .*'
      + '\\. Use `--engine docker` or `--engine podman` to apply them$'));
  });

  describe('without an engine', () => {
    beforeEach(() => { process.env.PATH = temporary; });

    test('fails with what to install, in one sentence', async () => {
      const error = await prepareError({ imageOptions: { file: 'Dockerfile.python' } });

      expect(error).toBe('service Shop/Web/Service requires'
        + ' a container engine, because it runs `gunicorn app:app`, but neither docker nor podman is installed; install'
        + ' Docker (https://docs.docker.com/get-started/get-docker) or Podman (https://podman.io/docs/installation)');
    });

    test('fails if the user selects one', async () => {
      const error = await prepareError({}, 'podman');

      expect(error).toMatch(/^`--engine podman` is set, but podman is not installed; install/);
    });

    test('fails if CDK_DOCKER selects one', async () => {
      process.env.CDK_DOCKER = '/opt/finch';
      const error = await prepareError({ imageOptions: { file: 'Dockerfile.run' } });

      expect(error).toMatch(/but \/opt\/finch is not installed/);
    });

    test('is Node.js where that is sufficient', async () => expect((await prepare()).engine).toBe('node'));
  });

  test.each([
    ['Dockerfile.run', 'its Dockerfile.run contains RUN npm install express'],
    ['Dockerfile.stages', 'its Dockerfile.stages has 2 stages'],
    ['Dockerfile.python', 'it runs `gunicorn app:app`'],
    ['Dockerfile.shell', 'it runs `/bin/sh -c node /app/server.js`; use CMD ["node", …] without a shell'],
  ])('fails without an engine for the image of %s', async (file, reason) => {
    const error = await prepareError({ imageOptions: { file } }, 'node');

    expect(error).toContain(`requires a container engine, because ${reason}`);
  });

  test('fails with --engine node if it requires an engine', async () => {
    expect(await prepareError({ image: ecs.ContainerImage.fromRegistry('nginx') }, 'node'))
      .toMatch(/requires a container engine, because nginx is not built .* this assembly; remove `--engine node`$/);
  });
});

(process.platform === 'linux' ? test : test.skip)('the helper programs run on this machine', () => {
  const directory = fs.mkdtempSync(path.join(temporary, 'helpers-'));
  helperImage(directory, process.arch === 'arm64' ? 'arm64' : 'amd64');
  expect(spawnSync(path.join(directory, 'true'))).toMatchObject({ status: 0, signal: null });
  const pause = spawnSync(path.join(directory, 'pause'), { timeout: 300, killSignal: 'SIGKILL' });
  expect(pause).toMatchObject({ status: null, signal: 'SIGKILL' });
});

describe('readServices', () => {
  test('reads the sidecars, volumes, capabilities and limits of a task definition', () => {
    const [service] = read(synthesize((app) => {
      const stack = new Stack(app, 'Shop');
      const web = new FixtureService(stack, 'Web', {
        container: {
          cpu: 128,
          memoryLimitMiB: 300,
          ulimits: [{ name: ecs.UlimitName.NOFILE, softLimit: 100, hardLimit: 200 }],
        },
        furnish: (definition, container) => {
          const linuxParameters = new ecs.LinuxParameters(definition, 'Linux', { initProcessEnabled: true });
          linuxParameters.dropCapabilities(ecs.Capability.ALL);
          linuxParameters.addCapabilities(ecs.Capability.SYS_PTRACE);
          Object.assign(container, { linuxParameters });
          definition.addVolume({ name: 'scratch' });
          container.addMountPoints({ sourceVolume: 'scratch', containerPath: '/scratch', readOnly: true });
          const image = ecs.ContainerImage.fromRegistry('agent');
          const agent = definition.addContainer('agent', { image, essential: false });
          agent.addVolumesFrom({ sourceContainer: 'app', readOnly: true });
          agent.addContainerDependencies({ container, condition: ecs.ContainerDependencyCondition.START });
        },
      });
      const files = new efs.FileSystem(stack, 'Files', { vpc: web.service.cluster.vpc });
      web.taskDefinition.addVolume({ name: 'files', efsVolumeConfiguration: { fileSystemId: files.fileSystemId } });
    }));
    expect(service.container).toMatchObject({
      essential: true,
      init: true,
      cpuShares: 128,
      memoryLimitMiB: 300,
      addedCapabilities: ['SYS_PTRACE'],
      droppedCapabilities: ['ALL'],
      ulimits: [{ name: 'nofile', soft: 100, hard: 200 }],
      mountPoints: [{ volume: 'scratch', path: '/scratch', readOnly: true }],
    });
    expect(service.volumes).toEqual([{ name: 'scratch', storedIn: undefined }, { name: 'files', storedIn: 'EFS' }]);
    expect(service.sidecars).toMatchObject([{
      name: 'agent',
      essential: false,
      init: false,
      volumesFrom: [{ container: 'app', readOnly: true }],
      dependsOn: [{ container: 'app', condition: 'START' }],
    }]);
  });

  test('reads a service of another library, with a listener that forwards by default', () => {
    const directory = synthesize((app) => {
      const inner = new NestedStack(new Stack(new Stage(app, 'Live'), 'Shop'), 'Inner');
      new patterns.ApplicationLoadBalancedFargateService(inner, 'Web', {
        taskImageOptions: {
          image: ecs.ContainerImage.fromAsset(APP, { platform: Platform.LINUX_AMD64 }),
          containerPort: 8080,
          environment: { PORT: '8080' },
        },
        desiredCount: 3,
      });
    });
    const assembly = Assembly.read(directory);
    const resolver = new Resolver(assembly);
    const { services: [service] } = readServices(assembly, resolver);
    expect(service).toMatchObject({
      name: 'Live/Shop/Inner/Web/Service', desiredCount: 3, architecture: 'X86_64', registrations: [{ port: 8080 }],
    });
    expect(service.container.asset?.platform).toBe('linux/amd64');
    const [{ targetGroup }] = service.registrations;
    const [{ listeners }] = readLoadBalancers(assembly, resolver, [targetGroup]);
    const defaultAction = { type: 'forward', targetGroups: [{ key: targetGroup.key }] };
    expect(listeners).toMatchObject([{ port: 80, rules: [], defaultAction }]);
  });
});
