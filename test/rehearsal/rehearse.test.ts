import * as fs from 'node:fs';
import * as net from 'node:net';
import os from 'node:os';
import * as path from 'node:path';
import { ExpectedResult, IntegTest, Match } from '@aws-cdk/integ-tests-alpha';
import { Duration, NestedStack, Stack, Stage } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { FixtureService, synthesize, synthesizeService } from '../support/rehearsal/fixture';
import { refusalOf, RehearsalRun, runRehearsal } from '../support/rehearsal/run';
import { useTemporaryDirectory } from '../support/rehearsal/temporary-directory';

const testOnLinux = process.platform === 'linux' ? test : test.skip;
const temporary = useTemporaryDirectory();

// No run leaves a file behind.
afterEach(() => {
  const files = fs.readdirSync(temporary());
  expect(files.filter((name) => !name.startsWith('assembly-') && !name.endsWith('.env'))).toEqual([]);
});

const HEALTH_COMMAND = [
  'CMD', 'node', '-e', "fetch('http://localhost:8080/health').then(r => process.exit(r.ok ? 0 : 1))",
];

describe('assertions after one that changes something in AWS', () => {
  let run: RehearsalRun;
  beforeAll(async () => {
    const directory = synthesizeService({}, ({ assertions }, { url }) => {
      const get = (file: string) =>
        assertions.httpApiCall(`${url}/write?/tmp/${file}`).expect(ExpectedResult.objectLike({ status: 200 }));
      assertions.awsApiCall('ecs', 'describeServices')
        .next(get('described'))
        .next(assertions.awsApiCall('ecs', 'updateService'))
        .next(get('updated'))
        .next(get('later'));
      get('waited').waitForAssertions({ totalTimeout: Duration.minutes(20), interval: Duration.minutes(1) });
    });
    run = await runRehearsal(directory);
  });

  test('are skipped, while those after a call that only reads run', () => {
    expect(run.text).toMatch(/ok {3}assertion: GET \S+\/described /);
    expect(run.text).toMatch(/ok {3}assertion: GET \S+\/waited /);
    expect(run.text).toMatch(/skip assertion: GET \S+\/updated .*skipped: .*ecs:updateService/);
    expect(run.text).toMatch(/skip assertion: GET \S+\/later .*skipped: .*ecs:updateService/);
    expect(run.text).toMatch(/0 failed, 4 skipped/);
  });
});

describe('a service that works', () => {
  let run: RehearsalRun;

  beforeAll(async () => {
    const directory = synthesizeService({
      desiredCount: 2,
      // Each task has its own loopback interface, so the tasks do not compete for this port.
      environment: { ADMIN_PORT: '9901' },
      container: { healthCheck: { command: HEALTH_COMMAND } },
    }, (integ, { url }) => {
      integ.assertions.httpApiCall(`${url}/health`)
        .expect(ExpectedResult.objectLike({ status: 200 }))
        .waitForAssertions();
      const expected = { body: { cwd: Match.stringLikeRegexp('/app$') } };
      integ.assertions.httpApiCall(`${url}/`).expect(ExpectedResult.objectLike(expected));
      integ.assertions.httpApiCall('https://example.com/');
      integ.assertions.awsApiCall('ecs', 'describeClusters').expect(ExpectedResult.objectLike({ clusters: [] }));
    });
    run = await runRehearsal(directory);
  });

  test('passes', () => expect(run.passed).toBe(true));

  test('has an overview of its templates', () => {
    expect(run.text).toContain('Shop/Web/Service');
    expect(run.text).toMatch(/2 of 256 CPU units and 512 MiB, ARM64/);
    expect(run.text).toMatch(/GET \/health on port 8080 returns 200 within 2 s, every 5 s/);
    expect(run.text).toMatch(/20 times as often here, every 0.25 s/);
  });

  test('has a notice that the emulator is not a deployment', () => {
    expect(run.text).toMatch(/load balancer is an emulator .* is not a deployment/);
  });

  testOnLinux('has the desired number of healthy tasks, each with its own address', () => {
    const addresses = [...run.text.matchAll(/task \d at (127\.0\.[\d.]+):8080 is healthy/g)].map((match) => match[1]);
    expect(new Set(addresses).size).toBe(2);
  });

  test('answers 200 for its health path through the emulator', () => {
    expect(run.text).toMatch(/ok {3}GET http:\/\/127\.0\.0\.1:\d+\/health answered 200\n/);
  });

  test('passes its container health check', () => {
    expect(run.text).toMatch(/ok {3}task 1 passes its container health check/);
  });

  test('passes the assertions of its integ test, with and without waiting', () => {
    expect(run.text).toMatch(/ok {3}assertion: GET http:\/\/127\.0\.0\.1:\d+\/health returns \{"status":200\}/);
    expect(run.text).toMatch(/ok {3}assertion: GET http:\/\/127\.0\.0\.1:\d+\/ returns/);
  });

  test('skips assertions on AWS and on other hosts', () => {
    expect(run.text).toMatch(/skip assertion: ecs:describeClusters .*skipped: /);
    expect(run.text).toMatch(/skip assertion: GET https:\/\/example.com\/ .*skipped: /);
    expect(run.text).toMatch(/0 failed, 2 skipped/);
  });
});

test('a task has only the environment, files, directory and user of its image and task definition', async () => {
  process.env.LEAK = 'from the environment of the command';
  const expected = {
    body: {
      cwd: Match.stringLikeRegexp('/srv$'),
      file: 'hello from a file of the image\n',
      env: {
        FROM_IMAGE: 'yes, it is',
        PORT: '8080',
        SET_BY_TASK: 'task',
        AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
        GREETING: 's3cret',
      },
      headers: { 'x-forwarded-proto': 'http', 'x-forwarded-port': '80', 'x-forwarded-for': '127.0.0.1' },
    },
  };
  const directory = synthesize((app) => {
    const stack = new Stack(app, 'Shop');
    const secret = new secretsmanager.Secret(stack, 'Secret');
    const service = new FixtureService(stack, 'Web', {
      environment: { SET_BY_TASK: 'task' },
      secrets: { GREETING: ecs.Secret.fromSecretsManager(secret) },
      container: { workingDirectory: '/srv', command: ['node', '/app/server.js', '/app/public/hello.txt'] },
    });
    const integ = new IntegTest(app, 'Test', { testCases: [stack] });
    integ.assertions.httpApiCall(`${service.url}/`).expect(ExpectedResult.objectLike(expected));
    const leaked = { body: { env: { LEAK: process.env.LEAK } } };
    integ.assertions.httpApiCall(`${service.url}/`).expect(ExpectedResult.objectLike(leaked));
  });
  expect(await refusalOf(directory))
    .toMatch(/Shop\/Web\/Service cannot be rehearsed: it gets GREETING from AWS; .* --env GREETING=VALUE/);
  const envFile = path.join(temporary(), 'secrets.env');
  fs.writeFileSync(envFile, '# values for rehearsals\nGREETING="s3cret"\nOTHER=1\n');
  const { text } = await runRehearsal(directory, { envFile });
  expect(text).toMatch(/ok {3}assertion: GET .*SET_BY_TASK/);
  expect(text).toMatch(/FAIL assertion: GET .*LEAK[^]*Missing key 'LEAK'/);
});

describe('the rehearsal follows the template', () => {
  test('in port, health path and success codes', async () => {
    const { passed, text } = await runRehearsal(synthesizeService({
      containerPort: 9191,
      environment: { HEALTH_PATH: '/ready', HEALTH_STATUS: '204' },
      healthCheck: { path: '/ready', healthyHttpCodes: '201-204' },
    }));
    expect(text).toMatch(/GET http:\/\/127\.0\.0\.1:\d+\/ready answered 204/);
    expect(text).toMatch(/:9191 is healthy/);
    expect(text).toContain('the assembly has no integ test: only the health path is requested');
    expect(passed).toBe(true);
  });

  test('in a container command that overrides that of the image', async () => {
    const program = "require('http').createServer((q, r) => r.end('ok')).listen(8080)";
    const container = { entryPoint: ['node'], command: ['-e', program] };
    const { passed } = await runRehearsal(synthesizeService({ container }));
    expect(passed).toBe(true);
  });

  test('through stages and nested stacks, for all services or for one', async () => {
    const directory = synthesize((app) => {
      const stack = new Stack(new Stage(app, 'Live'), 'Shop');
      new FixtureService(new NestedStack(stack, 'Inner'), 'Web');
      new FixtureService(stack, 'Api', { containerPort: 8081 });
    });
    const { passed, text } = await runRehearsal(directory);
    expect(text).toMatch(/Live\/Shop\/Api\/Service task 1 at \S+:8081 is healthy/);
    expect(text).toMatch(/Live\/Shop\/Inner\/Web\/Service task 1 at \S+:8080 is healthy/);
    expect(text.match(/\/health answered 200/g)).toHaveLength(2);
    expect(passed).toBe(true);

    const { text: one } = await runRehearsal(directory, { service: 'Live/Shop/Api' });
    expect(one.match(/is healthy/g)).toHaveLength(1);
    expect(await refusalOf(directory, { service: 'Cart' })).toMatch(/Cart.*Live\/Shop\/Api\/Service/);
  });

  test('in the host that a rule requires', async () => {
    const conditions = [elbv2.ListenerCondition.hostHeaders(['shop.example.com'])];
    const { passed, text } = await runRehearsal(synthesizeService({ conditions }));
    expect(text).toMatch(/ok {3}GET .*\/health answered 200/);
    expect(passed).toBe(true);
  });

  test('in rules that do not forward the health path, which is no failure', async () => {
    const conditions = [elbv2.ListenerCondition.pathPatterns(['/api/*'])];
    const { passed, text } = await runRehearsal(synthesizeService({ conditions }));
    expect(text).toMatch(/\/health answered 404: the rules .* do not forward this path/);
    expect(passed).toBe(true);
  });
});

test('runs one task, with a notice, where there is one loopback address', async () => {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: containerPort } = server.address() as net.AddressInfo;
  const platform = jest.spyOn(os, 'platform').mockReturnValue('darwin');
  try {
    const directory = synthesizeService({ desiredCount: 2, containerPort });
    expect(await refusalOf(directory)).toMatch(new RegExp(`port ${containerPort}.* is in use on 127.0.0.1`));
    await new Promise((resolve) => server.close(resolve));
    const { passed, text } = await runRehearsal(directory);
    expect(text).toMatch(/1 task instead of 2: .*one loopback address/);
    expect(text).toContain(`task 1 at 127.0.0.1:${containerPort} is healthy`);
    expect(passed).toBe(true);
  } finally {
    platform.mockRestore();
    server.close();
  }
});

describe('fails with the cause when the app', () => {
  const failing = async (environment: Record<string, string>) => {
    const { passed, text } = await runRehearsal(synthesizeService({ environment }));
    expect(passed).toBe(false);
    return text;
  };

  test('answers 500', async () => {
    expect(await failing({ HEALTH_STATUS: '500' })).toMatch(new RegExp('FAIL task 1 .* is not healthy \\(GET /health on'
      + ' port 8080 answered 500, but the target group expects 200: the app reports that it is unhealthy'));
  });

  test('exits at startup', async () => {
    const text = await failing({ FAULT: 'exits at startup' });
    expect(text).toMatch(/the app exited at startup with exit code 7/);
    expect(text).toMatch(/task 1 \| no database: giving up/);
  });

  test('closes connections first, and exits later', async () => {
    const text = await failing({ FAULT: 'drops users and exits' });
    expect(text).toMatch(/FAIL GET \S+\/health answered 502/);
    expect(text).toMatch(/the app exited after it was healthy, with exit code 4/);
  });
});

test('fails when an assertion calls AWS with parameters that its handler cannot decode', async () => {
  const { passed, text } = await runRehearsal(synthesizeService({}, (integ, { url, service }) => {
    const payload = Stack.of(service).toJsonString({ url });
    integ.assertions.invokeFunction({ functionName: 'client', payload });
  }));
  expect(text).toMatch(/FAIL assertion: Lambda:invoke[^]*the parameter Payload is "\{"url":/);
  expect(passed).toBe(false);
});

test('fails when an assertion fails immediately, although CloudFormation receives SUCCESS', async () => {
  const { passed, text } = await runRehearsal(synthesizeService({}, (integ, { url }) => {
    integ.assertions.httpApiCall(`${url}/health`).expect(ExpectedResult.objectLike({ status: 418 }));
  }));
  expect(text).toMatch(/FAIL assertion: GET \S+\/health returns \{"status":418\}[^]*Expected 418 but received 200/);
  expect(passed).toBe(false);
});

describe('cannot run', () => {
  test('without an assembly', async () => {
    const nowhere = path.join(temporary(), 'nowhere', 'cdk.out');
    expect(await refusalOf(nowhere)).toMatch(/no cloud assembly in .*nowhere.*cdk synth/);
  });

  test('without a service', async () => {
    expect(await refusalOf(synthesize((app) => new Stack(app, 'Empty')))).toMatch(/no service in .*AWS::ECS::Service/);
  });

  test('on a port that is in use', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as net.AddressInfo;
      const expected = new RegExp(`port ${port} of 127.0.0.1 is in use: .*--port`);
      expect(await refusalOf(synthesizeService(), { port })).toMatch(expected);
    } finally {
      server.close();
    }
  });
});
