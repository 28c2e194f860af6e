import * as fs from 'node:fs';
import * as http from 'node:http';
import { AddressInfo } from 'node:net';
import * as path from 'node:path';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { readTaskMetadata } from '../../../example-app/src/task-metadata';
import { Credentials, readCredentials } from '../../../src/rehearsal/credentials';
import { ServiceSpec } from '../../../src/rehearsal/model';
import { applyOverrides } from '../../../src/rehearsal/overrides';
import { EcsAgent } from '../../../src/rehearsal/tasks/ecs-agent';
import { Runtimes, startTask } from '../../../src/rehearsal/tasks/runtime';
import { Task } from '../../../src/rehearsal/tasks/task';
import { Assembly } from '../../../src/rehearsal/templates/assembly';
import { Resolver } from '../../../src/rehearsal/templates/intrinsics';
import { readServices } from '../../../src/rehearsal/templates/services';
import { FixtureProps, synthesizeService } from '../../support/rehearsal/fixture';
import { useTemporaryDirectory } from '../../support/rehearsal/temporary-directory';

const NEVER = new AbortController().signal;
const temporary = useTemporaryDirectory();
const agents: EcsAgent[] = [];
afterEach(() => agents.splice(0).forEach((agent) => agent.close()));

const serviceOf = (props: FixtureProps = {}) => {
  const assembly = Assembly.read(synthesizeService(props));
  return readServices(assembly, new Resolver(assembly)).services[0];
};

async function start(credentials?: () => Promise<Credentials>): Promise<EcsAgent> {
  const agent = await EcsAgent.start(credentials);
  agents.push(agent);
  return agent;
}

const CREDENTIALS: Credentials = {
  AccessKeyId: 'AKIA', SecretAccessKey: 'secret', Token: 'token', Expiration: '2026-11-27T00:00:00Z',
};

describe('task metadata', () => {
  test('has what the example app reads, and tasks are in two Availability Zones', async () => {
    const agent = await start();
    const [first, second] = await Promise.all([1, 2].map(async () =>
      readTaskMetadata(agent.register(serviceOf()).environment.ECS_CONTAINER_METADATA_URI_V4)));

    expect(first).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}$/),
      family: 'ShopWebTaskF5BCC1B2',
      revision: '1',
      zone: 'us-east-1a',
      launchType: 'FARGATE',
      cpu: 0.25,
      memoryMiB: 512,
    });
    expect(second).toMatchObject({ zone: 'us-east-1b', family: first.family });
    expect(second.id).not.toBe(first.id);
  });

  test('of the container has its name and image, and is that in the task', async () => {
    const { ECS_CONTAINER_METADATA_URI_V4: url } = (await start()).register(serviceOf()).environment;
    const [container, task] = await Promise.all(['', '/task'].map(async (route) => (await fetch(url + route)).json()));

    expect(container).toMatchObject({ Name: 'app', Type: 'NORMAL', KnownStatus: 'RUNNING' });
    expect(task).toMatchObject({ Containers: [container] });
    expect((await fetch(`${url}/stats`)).status).toBe(404);
  });

  test('is not found after the task, and there are no credentials', async () => {
    const agent = await start();
    const { environment, remove } = agent.register(serviceOf());
    const url = environment.ECS_CONTAINER_METADATA_URI_V4;
    remove();

    expect((await fetch(`${url}/task`)).status).toBe(404);
    expect((await fetch(new URL('/credentials', url))).status).toBe(404);
    expect(environment).not.toHaveProperty('AWS_CONTAINER_CREDENTIALS_FULL_URI');
  });
});

describe('credentials', () => {
  test('are for programs that know the token', async () => {
    const { environment } = (await start(async () => CREDENTIALS)).register(serviceOf());
    const { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_AUTHORIZATION_TOKEN: token } = environment;
    const ask = async (authorization?: string) =>
      fetch(url, { headers: authorization === undefined ? {} : { Authorization: authorization } });

    expect(await (await ask(token)).json()).toEqual(CREDENTIALS);
    expect((await ask()).status).toBe(401);
    expect((await ask('other')).status).toBe(401);
  });

  test('that cannot be read are an error of the endpoint', async () => {
    const { environment } = (await start(async () => { throw new Error('expired'); })).register(serviceOf());
    const response = await fetch(environment.AWS_CONTAINER_CREDENTIALS_FULL_URI, {
      headers: { Authorization: environment.AWS_CONTAINER_AUTHORIZATION_TOKEN },
    });

    expect([response.status, await response.json()]).toEqual([500, { message: 'expired' }]);
  });
});

const HEALTH_CHECK = { intervalSeconds: 1, timeoutSeconds: 5, retries: 3, startPeriodSeconds: 0 };

type Ask = (route: string) => Promise<string>;

/** Runs a task of the service, whose app answers requests. */
async function withTask(
  service: ServiceSpec, options: { readonly awsProfile?: string }, act: (ask: Ask, task: Task) => Promise<void>,
): Promise<void> {
  const runtimes = new Runtimes({ engine: 'node', progress: () => {}, interrupted: NEVER, ...options });
  const task = await startTask('task', service, await runtimes.prepare(service), () => {});
  try {
    while (task.listening!.length === 0 && !task.exit) { await new Promise((resolve) => setTimeout(resolve, 10)); }
    const { host, port } = task.endpoint(8080);
    await act(async (route) => (await fetch(`http://${host}:${port}${route}`)).text(), task);
  } finally {
    await task.stop('immediately');
    await runtimes.close();
  }
}

describe('the app reaches on localhost', () => {
  let server: http.Server;
  let url: string;
  beforeAll(async () => {
    server = http.createServer((_request, response) => response.end('of this machine'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => server.close());

  test('its metadata', async () => {
    await withTask(serviceOf(), {}, async (ask) => {
      const { env } = JSON.parse(await ask('/'));
      expect(JSON.parse(await ask(`/get?${env.ECS_CONTAINER_METADATA_URI_V4}/task`))).toMatchObject({ Revision: '1' });
    });
  });

  test('itself, at the port that only its image names', async () => {
    const image = ecs.ContainerImage.fromAsset(path.join(__dirname, '..', '..', '..', 'example-app'));
    const service = serviceOf({ image, container: { environment: {} } });
    await withTask(service, {}, async (_ask, task) => {
      expect(await task.checkContainerHealth({ ...HEALTH_CHECK, command: ['CMD', 'node', '/app/health-check.js'] }))
        .toBe('passed');
    });
  });

  test('no server of this machine, also one that its task definition names', async () => {
    const service = serviceOf();
    const container = { ...service.container, environment: { ...service.container.environment, UPSTREAM: url } };
    await withTask({ ...service, container }, {}, async (ask) => expect(await ask(`/get?${url}`)).toBe('ECONNREFUSED'));
  });

  test.each([
    ['a URL', (port: string) => ['UPSTREAM=http://127.0.0.1:PORT/'.replace('PORT', port)]],
    ['a URL with a user', (port: string) => [`UPSTREAM=postgres://me:secret@localhost:${port}/shop`]],
    ['a host and a port', (port: string) => ['UPSTREAM=localhost', `UPSTREAM_PORT=${port}`]],
  ])('a server of this machine that the user names with --env, by %s', async (_what, assign) => {
    const env = assign(new URL(url).port).map((assignment) => `app:${assignment}`);
    const [service] = applyOverrides([serviceOf()], { env });
    await withTask(service, {}, async (ask) => expect(await ask(`/get?${url}`)).toBe('of this machine'));
  });
});

describe('a profile', () => {
  const { PATH, AWS_SHARED_CREDENTIALS_FILE } = process.env;
  afterEach(() => {
    process.env.PATH = PATH;
    if (AWS_SHARED_CREDENTIALS_FILE === undefined) { delete process.env.AWS_SHARED_CREDENTIALS_FILE; }
  });

  /** The AWS CLI, as a script. */
  const installCli = (script: string) => {
    const directory = fs.mkdtempSync(path.join(temporary(), 'bin-'));
    fs.writeFileSync(path.join(directory, 'aws'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    process.env.PATH = `${directory}:${PATH}`;
  };
  const writeFile = (text: string) => {
    const file = path.join(temporary(), 'credentials');
    fs.writeFileSync(file, text);
    process.env.AWS_SHARED_CREDENTIALS_FILE = file;
  };
  const withoutCli = () => { process.env.PATH = temporary(); };

  test('is exported by the AWS CLI', async () => {
    installCli(`echo "$*" | grep -q -- "--profile dev --format process" && echo '${JSON.stringify({
      Version: 1, AccessKeyId: 'ASIA', SecretAccessKey: 's', SessionToken: 't', Expiration: '2026-11-27T00:00:00Z',
    })}'`);

    expect(await readCredentials('dev')).toEqual({
      AccessKeyId: 'ASIA', SecretAccessKey: 's', Token: 't', Expiration: '2026-11-27T00:00:00Z',
    });
  });

  test('that the AWS CLI cannot export is an error with its message', async () => {
    installCli('echo "The SSO session has expired" >&2; exit 255');

    await expect(readCredentials('dev')).rejects.toThrow(/no credentials of profile dev: The SSO session has expired/);
  });

  test('is read from the shared file without the AWS CLI, or with version 1 of it', async () => {
    const lines = ['[default]', 'aws_access_key_id = A', '', '[ dev ]', 'aws_access_key_id=B\r'];
    writeFile([...lines, 'aws_secret_access_key = c = d', '# [x]'].join('\n'));
    withoutCli();
    expect(await readCredentials('dev'))
      .toEqual({ AccessKeyId: 'B', SecretAccessKey: 'c = d', Token: '', Expiration: expect.any(String) });

    installCli('echo "argument subcommand: Invalid choice" >&2; exit 252');
    expect(await readCredentials('dev')).toMatchObject({ AccessKeyId: 'B' });
  });

  test.each([['default'], ['dev']])('%s without keys is an error', async (name) => {
    writeFile('[default]\naws_access_key_id = A\n');
    withoutCli();

    await expect(readCredentials(name)).rejects.toThrow(new RegExp(`^profile ${name} has no credentials: install`));
  });

  test('is given to the app, which gets no variable of this process', async () => {
    writeFile('[dev]\naws_access_key_id = A\naws_secret_access_key = b\n');
    withoutCli();
    await withTask(serviceOf(), { awsProfile: 'dev' }, async (ask) => {
      const { env } = JSON.parse(await ask('/'));
      const response = await fetch(env.AWS_CONTAINER_CREDENTIALS_FULL_URI, {
        headers: { Authorization: env.AWS_CONTAINER_AUTHORIZATION_TOKEN },
      });

      expect(await response.json()).toMatchObject({ AccessKeyId: 'A', SecretAccessKey: 'b' });
      expect(await ask(`/get?${env.AWS_CONTAINER_CREDENTIALS_FULL_URI}`)).toBe('{"message":"not authorized"}');
      expect(env).not.toHaveProperty('AWS_SHARED_CREDENTIALS_FILE');
    });
  });

  test('is refused for containers before anything runs', async () => {
    const runtimes = new Runtimes({ engine: 'docker', awsProfile: 'dev', progress: () => {}, interrupted: NEVER });

    await expect(runtimes.prepare(serviceOf())).rejects
      .toThrow(/only to tasks that Node\.js runs, and `--engine docker`/);
  });
});
