import * as fs from 'node:fs';
import * as net from 'node:net';
import os from 'node:os';
import * as path from 'node:path';
import { ExpectedResult, IntegTest, Match } from '@aws-cdk/integ-tests-alpha';
import { Duration, NestedStack, Stack, Stage } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { CannotRun } from '../../src/rehearsal/cannot-run';
import { rehearse, RehearseOptions } from '../../src/rehearsal/rehearse';
import { Report } from '../../src/rehearsal/report';
import { FixtureService, synthesise, synthesiseService } from '../support/rehearsal/fixture';

const onLinux = process.platform === 'linux' ? test : test.skip;
let temporary: string;

beforeAll(() => {
  // Assemblies and tasks have their files here, so that what is left behind can be seen.
  temporary = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'rehearsal-test-')));
  // The user of the task gets in.
  fs.chmodSync(temporary, 0o755);
  jest.spyOn(os, 'tmpdir').mockReturnValue(temporary);
});

afterEach(() => {
  expect(fs.readdirSync(temporary).filter((name) => !name.startsWith('assembly-') && !name.endsWith('.env'))).toEqual([]);
});

afterAll(() => fs.rmSync(temporary, { recursive: true, force: true }));

interface Performance {
  readonly passed: boolean;
  readonly text: string;
}

async function perform(directory: string, options: Partial<RehearseOptions> = {}): Promise<Performance> {
  let text = '';
  const report = new Report({ write: (more) => { text += more; } });
  const all = { directory, once: true, quick: true, port: 0, patienceSeconds: 0.5, ...options };
  const passed = await rehearse(all, report, new AbortController().signal);
  return { passed, text };
}

async function refusal(directory: string, options: Partial<RehearseOptions> = {}): Promise<string> {
  const error = await perform(directory, options).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(CannotRun);
  return error.message;
}

describe('assertions that come after one which changes something in AWS', () => {
  let performance: Performance;
  beforeAll(async () => {
    const directory = synthesiseService({}, ({ assertions }, { url }) => {
      const get = (file: string) => assertions.httpApiCall(`${url}/write?/tmp/${file}`).expect(ExpectedResult.objectLike({ status: 200 }));
      assertions.awsApiCall('ecs', 'describeServices')
        .next(get('described'))
        .next(assertions.awsApiCall('ecs', 'updateService'))
        .next(get('updated'))
        .next(get('later'));
      get('waited').waitForAssertions({ totalTimeout: Duration.minutes(20), interval: Duration.minutes(1) });
    });
    performance = await perform(directory);
  });

  test('are not rehearsed, and those after one that only asks are', () => {
    expect(performance.text).toMatch(/ok {3}assertion: GET \S+\/described /);
    expect(performance.text).toMatch(/ok {3}assertion: GET \S+\/waited /);
    expect(performance.text).toMatch(/skip assertion: GET \S+\/updated .*not rehearsed: it comes after ecs:updateService, which only AWS does/);
    expect(performance.text).toMatch(/skip assertion: GET \S+\/later .*not rehearsed: it comes after ecs:updateService/);
    expect(performance.text).toMatch(/0 failed, 4 not rehearsed/);
  });
});

describe('a service that works', () => {
  let performance: Performance;

  beforeAll(async () => {
    const directory = synthesiseService({
      desiredCount: 2,
      // Each task has a localhost of its own too, so that this is no conflict.
      environment: { ADMIN_PORT: '9901' },
      container: { healthCheck: { command: ['CMD', 'node', '-e', "fetch('http://localhost:8080/health').then(r => process.exit(r.ok ? 0 : 1))"] } },
    }, (integ, { url }) => {
      integ.assertions.httpApiCall(`${url}/health`).expect(ExpectedResult.objectLike({ status: 200 })).waitForAssertions();
      integ.assertions.httpApiCall(`${url}/`).expect(ExpectedResult.objectLike({ body: { cwd: Match.stringLikeRegexp('/app$') } }));
      integ.assertions.httpApiCall('https://example.com/');
      integ.assertions.awsApiCall('ecs', 'describeClusters').expect(ExpectedResult.objectLike({ clusters: [] }));
    });
    performance = await perform(directory);
  });

  test('passes', () => expect(performance.passed).toBe(true));

  test('is introduced as its templates describe it', () => {
    expect(performance.text).toContain('Shop/Web/Service');
    expect(performance.text).toMatch(/2 of 256 CPU units and 512 MiB, ARM64/);
    expect(performance.text).toMatch(/GET \/health on port 8080 gives 200 within 2 s, every 5 s/);
    expect(performance.text).toMatch(/20 times as often here, every 0.25 s/);
  });

  test('is said to be behind a stand-in, which is not a deployment', () => {
    expect(performance.text).toMatch(/load balancer is a stand-in .* is not a deployment/);
  });

  onLinux('has as many healthy tasks as are wanted, each with an address of its own', () => {
    const addresses = [...performance.text.matchAll(/task \d at (127\.0\.[\d.]+):8080 is healthy/g)].map((match) => match[1]);
    expect(new Set(addresses).size).toBe(2);
  });

  test('answers 200 for its health path through the stand-in', () => {
    expect(performance.text).toMatch(/ok {3}GET http:\/\/127\.0\.0\.1:\d+\/health answered 200\n/);
  });

  test('passes its container health check', () => {
    expect(performance.text).toMatch(/ok {3}task 1 passes its container health check/);
  });

  test('passes the assertions of its integ test, both one-shot and waited for', () => {
    expect(performance.text).toMatch(/ok {3}assertion: GET http:\/\/127\.0\.0\.1:\d+\/health gives \{"status":200\}/);
    expect(performance.text).toMatch(/ok {3}assertion: GET http:\/\/127\.0\.0\.1:\d+\/ gives/);
  });

  test('has assertions that ask others said to be not rehearsed', () => {
    expect(performance.text).toMatch(/skip assertion: ecs:describeClusters .*not rehearsed: it asks AWS/);
    expect(performance.text).toMatch(/skip assertion: GET https:\/\/example.com\/ .*not rehearsed: it does not ask a load balancer/);
    expect(performance.text).toMatch(/0 failed, 2 not rehearsed/);
  });
});

test('a task has the environment, files, working directory and user that image and task definition say, and nothing else', async () => {
  process.env.LEAK = 'from the environment of the command';
  const expected = {
    body: {
      cwd: Match.stringLikeRegexp('/srv$'),
      file: 'hello from a file of the image\n',
      env: { FROM_IMAGE: 'yes, it is', PORT: '8080', SET_BY_TASK: 'task', AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE', GREETING: 's3cret' },
      headers: { 'x-forwarded-proto': 'http', 'x-forwarded-port': '80', 'x-forwarded-for': '127.0.0.1' },
    },
  };
  const directory = synthesise((app) => {
    const stack = new Stack(app, 'Shop');
    const secret = new secretsmanager.Secret(stack, 'Secret');
    const service = new FixtureService(stack, 'Web', {
      environment: { SET_BY_TASK: 'task' },
      secrets: { GREETING: ecs.Secret.fromSecretsManager(secret) },
      container: { workingDirectory: '/srv', command: ['node', '/app/server.js', '/app/public/hello.txt'] },
    });
    const integ = new IntegTest(app, 'Test', { testCases: [stack] });
    integ.assertions.httpApiCall(`${service.url}/`).expect(ExpectedResult.objectLike(expected));
    integ.assertions.httpApiCall(`${service.url}/`).expect(ExpectedResult.objectLike({ body: { env: { LEAK: process.env.LEAK } } }));
  });
  expect(await refusal(directory)).toMatch(/Shop\/Web\/Service gets GREETING from AWS: .*--env-file/);
  const envFile = path.join(temporary, 'secrets.env');
  fs.writeFileSync(envFile, '# values for rehearsals\nGREETING="s3cret"\nOTHER=1\n');
  const { text } = await perform(directory, { envFile });
  expect(text).toMatch(/ok {3}assertion: GET .*SET_BY_TASK/);
  expect(text).toMatch(/FAIL assertion: GET .*LEAK[^]*Missing key 'LEAK'/);
});

describe('values of the template', () => {
  test('are followed: port, health path, success codes', async () => {
    const { passed, text } = await perform(synthesiseService({
      containerPort: 9191,
      environment: { HEALTH_PATH: '/ready', HEALTH_STATUS: '204' },
      healthCheck: { path: '/ready', healthyHttpCodes: '201-204' },
    }));
    expect(text).toMatch(/GET http:\/\/127\.0\.0\.1:\d+\/ready answered 204/);
    expect(text).toMatch(/:9191 is healthy/);
    expect(text).toContain('the assembly has no integ test: only the health path is asked');
    expect(passed).toBe(true);
  });

  test('are followed when a container overrides how its image starts', async () => {
    const { passed } = await perform(synthesiseService({
      container: { entryPoint: ['node'], command: ['-e', "require('http').createServer((q, r) => r.end('ok')).listen(8080)"] },
    }));
    expect(passed).toBe(true);
  });

  test('are followed through stages and nested stacks, for all services of the assembly', async () => {
    const directory = synthesise((app) => {
      const stack = new Stack(new Stage(app, 'Live'), 'Shop');
      new FixtureService(new NestedStack(stack, 'Inner'), 'Web');
      new FixtureService(stack, 'Api', { containerPort: 8081 });
    });
    const { passed, text } = await perform(directory);
    expect(text).toMatch(/Live\/Shop\/Api\/Service task 1 at \S+:8081 is healthy/);
    expect(text).toMatch(/Live\/Shop\/Inner\/Web\/Service task 1 at \S+:8080 is healthy/);
    expect(text.match(/\/health answered 200/g)).toHaveLength(2);
    expect(passed).toBe(true);

    const { text: one } = await perform(directory, { service: 'Live/Shop/Api' });
    expect(one.match(/is healthy/g)).toHaveLength(1);
    expect(await refusal(directory, { service: 'Cart' })).toMatch(/no service is called Cart: .*Live\/Shop\/Api\/Service/);
  });

  test('that need a host in the request are asked with one', async () => {
    const { passed, text } = await perform(synthesiseService({ conditions: [elbv2.ListenerCondition.hostHeaders(['shop.example.com'])] }));
    expect(text).toMatch(/ok {3}GET .*\/health answered 200/);
    expect(passed).toBe(true);
  });

  test('that lead the health path elsewhere are no failure', async () => {
    const { passed, text } = await perform(synthesiseService({ conditions: [elbv2.ListenerCondition.pathPatterns(['/api/*'])] }));
    expect(text).toMatch(/\/health answered 404: the rules .* lead that path elsewhere/);
    expect(passed).toBe(true);
  });
});

test('where there is one loopback address, one task runs, and that is said', async () => {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: containerPort } = server.address() as net.AddressInfo;
  const platform = jest.spyOn(os, 'platform').mockReturnValue('darwin');
  try {
    const directory = synthesiseService({ desiredCount: 2, containerPort });
    expect(await refusal(directory)).toMatch(new RegExp(`port ${containerPort}, on which service .* listens, is in use on 127.0.0.1`));
    await new Promise((resolve) => server.close(resolve));
    const { passed, text } = await perform(directory);
    expect(text).toContain('1 task instead of 2: this system has one loopback address');
    expect(text).toContain(`task 1 at 127.0.0.1:${containerPort} is healthy`);
    expect(passed).toBe(true);
  } finally {
    platform.mockRestore();
    server.close();
  }
});

describe('fails, and says why, when the app', () => {
  const failing = async (environment: { [name: string]: string }, healthCheck?: elbv2.HealthCheck) => {
    const { passed, text } = await perform(synthesiseService({ environment, healthCheck }));
    expect(passed).toBe(false);
    return text;
  };

  test('answers 500', async () => {
    expect(await failing({ HEALTH_STATUS: '500' }))
      .toMatch(/FAIL task 1 .* is not healthy \(GET \/health on port 8080 answered 500, and the target group wants 200: the app .* not well/);
  });

  test('has no such path', async () => {
    expect(await failing({}, { path: '/healthz' })).toMatch(/GET \/healthz on port 8080 answered 404, .* no such path/);
  });

  test('answers what is not a success code', async () => {
    expect(await failing({}, { healthyHttpCodes: '204' })).toMatch(/answered 200, and the target group wants 204/);
  });

  test('listens on another port', async () => {
    expect(await failing({ PORT: '9090' })).toMatch(/nothing listens on port 8080, which the target group probes: the app listens on 9090/);
  });

  onLinux('listens on localhost only', async () => {
    expect(await failing({ HOST: '127.0.0.1' })).toMatch(/listens on 127\.0\.0\.1:8080, which only the task itself can reach: listen on 0\.0\.0\.0/);
  });

  test('dies at start', async () => {
    const text = await failing({ FAULT: 'dies at start' });
    expect(text).toMatch(/the app died at start, with exit code 7/);
    expect(text).toMatch(/task 1 \| no database: giving up/);
  });

  test('dies later', async () => {
    expect(await failing({ FAULT: 'dies once healthy' })).toMatch(/the app died .*exit code 3/);
  });

  test('drops connections first, and takes a while to die', async () => {
    const text = await failing({ FAULT: 'drops users and dies' });
    expect(text).toMatch(/FAIL GET \S+\/health answered 502/);
    expect(text).toMatch(/the app died after it was healthy, with exit code 4/);
  });

  test('is healthy, but answers users otherwise', async () => {
    expect(await failing({ FAULT: 'answers probes only' })).toMatch(/FAIL GET \S+\/health answered 403 \(the target group wants 200\)/);
  });

  test('does not answer', async () => {
    expect(await failing({ FAULT: 'hangs' })).toMatch(/GET \/health on port 8080 did not answer within 2 s/);
  });
});

describe('fails when an assertion of the integ test does not hold', () => {
  test('at once, which answers CloudFormation SUCCESS', async () => {
    const { passed, text } = await perform(synthesiseService({}, (integ, { url }) => {
      integ.assertions.httpApiCall(`${url}/health`).expect(ExpectedResult.objectLike({ status: 418 }));
    }));
    expect(text).toMatch(/FAIL assertion: GET \S+\/health gives \{"status":418\}[^]*Expected 418 but received 200/);
    expect(passed).toBe(false);
  });

  test('after waiting', async () => {
    const { passed, text } = await perform(synthesiseService({}, (integ, { url }) => {
      integ.assertions.httpApiCall(`${url}/health`).expect(ExpectedResult.objectLike({ body: 'ill' }))
        .waitForAssertions({ totalTimeout: Duration.seconds(6), interval: Duration.seconds(2) });
    }));
    expect(text).toMatch(/FAIL assertion: GET \S+\/health[^]*Expected ill but received health/);
    expect(passed).toBe(false);
  });
});

test('fails when the container health check does', async () => {
  const { passed, text } = await perform(synthesiseService({
    container: { healthCheck: { command: ['CMD-SHELL', 'node -e "process.exit(1)" || exit 1'], interval: Duration.seconds(5), retries: 2 } },
  }));
  expect(text).toMatch(/FAIL task 1 passes its container health check, .*it failed 2 times/);
  expect(passed).toBe(false);
});

describe('cannot run', () => {
  test('without an assembly', async () => {
    expect(await refusal(path.join(temporary, 'nowhere'))).toMatch(/no cloud assembly in .*nowhere: .*cdk synth/);
  });

  test('without a service', async () => {
    expect(await refusal(synthesise((app) => new Stack(app, 'Empty')))).toMatch(/no service in .*AWS::ECS::Service/);
  });

  test.each([
    ['Dockerfile.run', /takes a container engine, because its Dockerfile.run says RUN npm install express/],
    ['Dockerfile.stages', /takes a container engine, because its Dockerfile.stages has 2 stages/],
    ['Dockerfile.python', /takes a container engine, because it starts `gunicorn app:app`/],
    ['Dockerfile.shell', /takes a container engine, because .* CMD \["node", …\]/],
  ])('what %s says, without a container engine', async (file, message) => {
    expect(await refusal(synthesiseService({ imageOptions: { file } }), { engine: 'node' })).toMatch(message);
  });

  test('an image of a registry', async () => {
    expect(await refusal(synthesiseService({ image: ecs.ContainerImage.fromRegistry('nginx') }), { engine: 'node' })).toMatch(/nginx is not built from a directory/);
  });

  test('on a port that is in use', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as net.AddressInfo;
      expect(await refusal(synthesiseService(), { port })).toMatch(new RegExp(`port ${port} of 127.0.0.1 is in use: .*--port`));
    } finally {
      server.close();
    }
  });

  test('a service without a load balancer', async () => {
    const directory = synthesiseService();
    const file = path.join(directory, 'Shop.template.json');
    const template = JSON.parse(fs.readFileSync(file, 'utf8'));
    for (const resource of Object.values<any>(template.Resources)) { delete resource.Properties?.LoadBalancers; }
    fs.writeFileSync(file, JSON.stringify(template));
    expect(await refusal(directory)).toMatch(/Shop\/Web\/Service has no target group/);
  });
});
