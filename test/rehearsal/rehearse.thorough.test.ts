import { ExpectedResult } from '@aws-cdk/integ-tests-alpha';
import { Duration } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { synthesizeService } from '../support/rehearsal/fixture';
import { refusalOf, runRehearsal } from '../support/rehearsal/run';
import { useTemporaryDirectory } from '../support/rehearsal/temporary-directory';

/*
 * Faults that unit tests cover too, each with a real app.
 */

const testOnLinux = process.platform === 'linux' ? test : test.skip;
useTemporaryDirectory();

describe('fails with the cause when the app', () => {
  const failing = async (environment: Record<string, string>, healthCheck?: elbv2.HealthCheck) => {
    const { passed, text } = await runRehearsal(synthesizeService({ environment, healthCheck }));
    expect(passed).toBe(false);
    return text;
  };

  test('has no health path', async () => {
    expect(await failing({}, { path: '/healthz' })).toMatch(/GET \/healthz on port 8080 answered 404, .* no such path/);
  });

  test('does not answer with a success code', async () => {
    expect(await failing({}, { healthyHttpCodes: '204' })).toMatch(/answered 200, but the target group expects 204/);
  });

  test('listens on another port', async () => {
    expect(await failing({ PORT: '9090' }))
      .toMatch(/nothing listens on port 8080, which the target group probes: the app listens on 9090/);
  });

  testOnLinux('listens on localhost only', async () => {
    expect(await failing({ HOST: '127.0.0.1' }))
      .toMatch(/listens on 127\.0\.0\.1:8080, which is reachable only from inside the task: listen on 0\.0\.0\.0/);
  });

  test('exits once it is healthy', async () => {
    expect(await failing({ FAULT: 'exits once healthy' })).toMatch(/the app exited .*exit code 3/);
  });

  test('is healthy, but answers users with an error', async () => {
    expect(await failing({ FAULT: 'answers probes only' }))
      .toMatch(/FAIL GET \S+\/health answered 403 \(the target group expects 200\)/);
  });

  test('does not answer', async () => {
    expect(await failing({ FAULT: 'hangs' })).toMatch(/GET \/health on port 8080 did not answer within 2 s/);
  });
});

test('fails when an assertion still fails after its waiting time', async () => {
  const { passed, text } = await runRehearsal(synthesizeService({}, (integ, { url }) => {
    integ.assertions.httpApiCall(`${url}/health`).expect(ExpectedResult.objectLike({ body: 'ill' }))
      .waitForAssertions({ totalTimeout: Duration.seconds(6), interval: Duration.seconds(2) });
  }));
  expect(text).toMatch(/FAIL assertion: GET \S+\/health[^]*Expected ill but received health/);
  expect(passed).toBe(false);
});

test('fails when the container health check does', async () => {
  const command = ['CMD-SHELL', 'node -e "process.exit(1)" || exit 1'];
  const healthCheck = { command, interval: Duration.seconds(5), retries: 2 };
  const { passed, text } = await runRehearsal(synthesizeService({ container: { healthCheck } }));
  expect(text).toMatch(/FAIL task 1 passes its container health check, .*it failed 2 times/);
  expect(passed).toBe(false);
});

describe('cannot run without a container engine', () => {
  test.each([
    ['Dockerfile.run', /RUN npm install express/],
    ['Dockerfile.stages', /2 stages/],
    ['Dockerfile.python', /gunicorn app:app/],
    ['Dockerfile.shell', /CMD \["node", …\]/],
  ])('an image of %s', async (file, reason) => {
    const message = await refusalOf(synthesizeService({ imageOptions: { file } }), { engine: 'node' });
    expect(message).toMatch(/container engine/);
    expect(message).toMatch(reason);
  });

  test('an image of a registry', async () => {
    const image = ecs.ContainerImage.fromRegistry('nginx');
    expect(await refusalOf(synthesizeService({ image }), { engine: 'node' })).toMatch(/container engine.*nginx/);
  });
});
