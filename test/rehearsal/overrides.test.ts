import * as fs from 'node:fs';
import * as path from 'node:path';
import { CannotRun } from '../../src/rehearsal/cannot-run';
import { ContainerSpec, ServiceSpec } from '../../src/rehearsal/model';
import { missingValues, applyOverrides, unknownVariables, OverrideOptions } from '../../src/rehearsal/overrides';
import { useTemporaryDirectory } from '../support/rehearsal/temporary-directory';

const temporaryDirectory = useTemporaryDirectory();
const QUEUE = '{{aws:Shop:Queue:QueueUrl}}';

function container(name: string, environment: Record<string, string>, secrets: string[] = []): ContainerSpec {
  return { name, image: `${name}:1`, environment, secrets } as unknown as ContainerSpec;
}

const shop = (port?: number): ServiceSpec => ({
  name: 'Shop',
  container: container('web', { STAGE: 'prod', QUEUE_URL: QUEUE }, ['DB_PASSWORD', 'API_KEY']),
  sidecars: [container('agent', { STAGE: 'prod' }, ['AGENT_KEY'])],
  registrations: [{ port }],
}) as unknown as ServiceSpec;

/** The containers of a service, with the values of the options. */
function set(options: OverrideOptions) {
  const [{ container: web, sidecars: [agent] }] = applyOverrides([shop()], options);
  return { web, agent };
}

function fileOf(text: string): string {
  const file = path.join(temporaryDirectory(), 'values.env');
  fs.writeFileSync(file, text);
  return file;
}

describe('--env', () => {
  test('sets a variable in each container that has it', () => {
    const { web, agent } = set({ env: ['STAGE=test', 'QUEUE_URL=http://localhost:9324/queue?a=b'] });
    expect(web.environment).toEqual({ STAGE: 'test', QUEUE_URL: 'http://localhost:9324/queue?a=b' });
    expect(agent.environment).toEqual({ STAGE: 'test' });
  });

  test('sets a variable in one container, which need not have it', () => {
    const { web, agent } = set({ env: ['agent:STAGE=test', 'agent:LEVEL='] });
    expect(web.environment.STAGE).toBe('prod');
    expect(agent.environment).toEqual({ STAGE: 'test', LEVEL: '' });
  });

  test('sets secrets, which are then not missing', () => {
    const { web } = set({ env: ['DB_PASSWORD=a=b\nc'] });
    expect(web.environment.DB_PASSWORD).toBe('a=b\nc');
    expect(web.secrets).toEqual(['API_KEY']);
  });

  test.each<[string, RegExp]>([
    ['STAG=test', /^no container has a variable STAG: correct --env STAG, or write --env CONTAINER:STAG=… to add it$/],
    ['app:STAGE=test', /^no container is called app: correct --env app:STAGE, the containers are web, agent$/],
    ['STAGE', /^--env STAGE is not an assignment/],
    ['a b=secret', /^--env a b is not an assignment; write NAME=VALUE or CONTAINER:NAME=VALUE$/],
  ])('is refused for %s, without the value', (text, message) => {
    expect(() => set({ env: [text] })).toThrow(message);
  });
});

describe('--from-env-file', () => {
  test('sets only what task definitions name, and less than --env', () => {
    const envFile = fileOf('DB_PASSWORD=1\nexport API_KEY="2 = two"\nSTAGE=file\nNODE_OPTIONS=--inspect\n');
    const { web } = set({ envFile, env: ['web:STAGE=test'] });
    expect(web.environment).toEqual({ STAGE: 'test', QUEUE_URL: QUEUE, DB_PASSWORD: '1', API_KEY: '2 = two' });
    expect(web.secrets).toEqual([]);
  });

  test('reads comments, quotes and values of several lines', () => {
    const envFile = fileOf('# secrets\r\n\r\nDB_PASSWORD="BEGIN\nabc\nEND"\nAPI_KEY = it\'s # a comment\n'
      + 'AGENT_KEY=\'"quoted"\'\n');
    const { web, agent } = set({ envFile });
    expect(web.environment).toMatchObject({ DB_PASSWORD: 'BEGIN\nabc\nEND', API_KEY: "it's" });
    expect(agent.environment).toMatchObject({ AGENT_KEY: '"quoted"' });
  });

  test('fails with the number of a line that is not an assignment, without its content', () => {
    const envFile = fileOf('DB_PASSWORD="1\n2"\nsecret value\nAPI_KEY=2\n');
    expect(() => set({ envFile }))
      .toThrow(new CannotRun(`--from-env-file ${envFile}: line 3 is not an assignment; write NAME=value`));
  });

  test('fails with a file that does not exist', () => {
    expect(() => set({ envFile: '/no/such.env' })).toThrow(/^--from-env-file \/no\/such\.env cannot be read: ENOENT/);
  });
});

describe('--image', () => {
  test('replaces the image of a container, and no longer builds it', () => {
    const { web, agent } = set({ image: ['web=localhost/shop:2'] });
    expect(web).toMatchObject({ image: 'localhost/shop:2', asset: undefined });
    expect(agent.image).toBe('agent:1');
  });

  test.each<[string, RegExp]>([
    ['web', /--image web is not an assignment; write CONTAINER=REFERENCE/],
    ['app=shop:1', /no container is called app: correct --image app/],
  ])('is refused for %s', (text, message) => {
    expect(() => set({ image: [text] })).toThrow(message);
  });
});

describe('values that only AWS knows', () => {
  test('are listed with the line to write', () => {
    expect(missingValues(shop(80))).toBe('it gets DB_PASSWORD, API_KEY from AWS; for this rehearsal, set'
      + ' --env DB_PASSWORD=VALUE --env API_KEY=VALUE, a file of NAME=value lines with --from-env-file, or variables of'
      + ' the environment');
    const [withSecrets] = applyOverrides([shop()], { env: ['DB_PASSWORD=1', 'API_KEY=2'] });
    expect(missingValues(withSecrets)).toMatch(/^it has no ingress, and QUEUE_URL has a value that only AWS knows, .*/);
    expect(missingValues(withSecrets)).toMatch(/set --env QUEUE_URL=VALUE$/);
  });

  test('are not missing behind an ingress, or if they are set', () => {
    const env = ['DB_PASSWORD=1', 'API_KEY=2'];
    expect(missingValues(applyOverrides([shop(80)], { env })[0])).toBeUndefined();
    expect(missingValues(applyOverrides([shop()], { env: [...env, 'QUEUE_URL=http://localhost'] })[0])).toBeUndefined();
    expect(unknownVariables({ QUEUE_URL: QUEUE, STAGE: 'prod' })).toEqual(['QUEUE_URL']);
  });

  test('come for secrets from the environment of the command, and for nothing else', () => {
    Object.assign(process.env, { API_KEY: 'mine', STAGE: 'mine' });
    try {
      expect(set({}).web.environment).toEqual({ STAGE: 'prod', QUEUE_URL: QUEUE, API_KEY: 'mine' });
    } finally {
      delete process.env.API_KEY;
      delete process.env.STAGE;
    }
  });
});
