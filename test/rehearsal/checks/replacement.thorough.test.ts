import { Duration } from 'aws-cdk-lib';
import { CheckId } from '../../../src/rehearsal/report/report';
import { FixtureProps } from '../../support/rehearsal/fixture';
import { useTemporaryDirectory } from '../../support/rehearsal/temporary-directory';
import {
  describeOnLinux, expectFailures, passedOrTooSlow, reasonsOf, rehearseVariant, SKIPPED_WITHOUT_ENGINE,
} from '../../support/rehearsal/variants';

/*
 * The faults of an app that starts and stops under load, which takes some seconds of wall-clock time each.
 */

useTemporaryDirectory();

interface Fault {
  readonly failed: readonly CheckId[];
  /** Of the first check that fails. */
  readonly reason: RegExp;
  readonly props?: FixtureProps;
}

const FAULTS: Record<string, Fault> = {
  'another port': { failed: ['healthy'], reason: /nothing listens on port 8080.* the app listens on 9090/ },
  'localhost only': {
    failed: ['healthy'],
    reason: /listens on 127\.0\.0\.1:8080, which is reachable only from inside the task/,
  },
  'unhealthy': { failed: ['healthy'], reason: /answered 500, but the target group expects 200/ },
  'slow start': { failed: ['healthy'], reason: /listens/ },
  'stays healthy': {
    failed: ['failing-health-checks'],
    reason: /after SIGTERM the health path must answer 503/,
    props: { spot: true },
  },
  'ignores SIGTERM': {
    failed: ['stops-in-time'],
    reason: /2 of 2 received SIGKILL after 5 s: the app ignores SIGTERM/,
  },
  'allows two tasks': { failed: ['healthy'], reason: /the app exited at startup with exit code 1/ },
  'leaves a lock behind': {
    failed: ['survives-a-kill'],
    reason: /its replacement is not healthy: the app exited at startup/,
  },
  'needs other tasks': {
    failed: ['survives-a-kill'],
    reason: /\d+ requests to other tasks failed: the tasks depend on each other/,
  },
};

describeOnLinux('replacement under load', () => {
  test.each(Object.entries(FAULTS))('finds the fault "%s"', async (fault, { failed, reason, props }) => {
    expectFailures(await rehearseVariant(fault, props), failed, reason);
  });

  test('finds the fault "drops in-flight requests"', async () => {
    const checks = await rehearseVariant('drops in-flight requests');
    // Whether a request of the load is in flight at SIGTERM is chance.
    expectFailures(checks.filter(({ id }) => id !== 'deregistered-before'), ['in-flight', 'deregistered-after'],
      /were cut off \((socket hang up|read ECONNRESET)\): the app exits without completing in-flight requests/);
  });

  test.each([
    ['unannounced', { 'keep-alive': expect.stringMatching(/^the app does not announce it, and one was observed for/) }],
    ['starts after some seconds', {}],
  ])('blames a single task for nothing that the rehearsal does: %s', async (fault, skipped) => {
    const checks = await rehearseVariant(fault, { desiredCount: 1, gracePeriod: Duration.seconds(60) });

    expect(reasonsOf(checks, 'failed')).toEqual({});
    expect(reasonsOf(checks, 'skipped')).toMatchObject({
      ...skipped,
      'survives-a-kill': expect.stringMatching(/^with one task, no other serves until its replacement does/),
    });
  });

  test('finds an app that leaks memory', async () => {
    expectFailures(await rehearseVariant('leaks memory', { container: { memoryLimitMiB: 256 } }), ['memory'],
      /keeps memory of each request/);
  });

  test('skips what matters only on Fargate Spot for a service with On-Demand capacity', async () => {
    const checks = await rehearseVariant('stays healthy');

    expect(reasonsOf(checks, 'skipped')).toMatchObject({
      'failing-health-checks': expect.stringMatching(/matters only on Fargate Spot/),
    });
    expect(reasonsOf(checks, 'failed')).toEqual({});
  });

  test('sends an app that computes slowly no more requests than it can answer', async () => {
    let text = '';
    const checks = await rehearseVariant('slow computation', {}, (more) => { text += more; });

    expect(reasonsOf(checks, 'failed')).toEqual({});
    expect(reasonsOf(checks, 'skipped')).toMatchObject({
      'in-flight': expect.stringMatching(/^only \d were in flight, too few for a result/),
    });
    expect(text).toMatch(/the tasks answer \d+ requests a second here, so the load is \d\.\d a second instead of 100/);
  });
});

describeOnLinux('replacement without ingress', () => {
  test('makes every check that needs no requests', async () => {
    const checks = await rehearseVariant(undefined, { ingress: 'none' });

    expect(reasonsOf(checks, 'failed')).toEqual({});
    expect(reasonsOf(checks, 'skipped')).toEqual(SKIPPED_WITHOUT_ENGINE);
    expect(checks.filter(({ outcome }) => outcome === 'passed').map(({ id }) => id)).toEqual([
      'healthy', 'healthy', 'as-declared', 'not-root', 'stops-in-time', 'survives-a-kill', 'memory', 'root-filesystem',
      'json-logs',
    ]);
  });

  test.each<[fault: string, failed: CheckId, reason: RegExp]>([
    ['exits after a second', 'healthy', /exited at startup with exit code 1/],
    ['ignores SIGTERM', 'stops-in-time', /1 of 1 received SIGKILL after 5 s: the app ignores SIGTERM/],
    ['allows two tasks', 'healthy', /the app exited at startup with exit code 1/],
    ['leaves a lock behind', 'survives-a-kill', /its replacement is not healthy: the app exited at startup/],
  ])('finds the fault "%s"', async (fault, failed, reason) => {
    expectFailures(await rehearseVariant(fault, { ingress: 'none' }), [failed], reason);
  });
});

describeOnLinux('replacement behind a Network Load Balancer', () => {
  test('makes every check but that of idle connections, of which it has none', async () => {
    const checks = await rehearseVariant(undefined, { ingress: 'network' });

    expect(reasonsOf(checks, 'failed')).toEqual({});
    expect(passedOrTooSlow(checks)).toEqual([
      'healthy', 'healthy', 'http', 'as-declared', 'not-root', 'in-flight', 'deregistered-before',
      'deregistered-after', 'stops-in-time', 'survives-a-kill', 'memory', 'root-filesystem', 'json-logs',
    ]);
  });

  test('finds an app that closes at once after SIGTERM', async () => {
    expectFailures(await rehearseVariant('closes at once', { ingress: 'network' }), ['deregistered-after'],
      /\d+ failed: the app stops serving at once/);
  });

  test('makes the checks without requests where the app does not answer HTTP', async () => {
    let text = '';
    const command = ['node', '-e', `
      require('net').createServer((client) => client.write('220 mail')).listen(8080);
      process.on('SIGTERM', () => process.exit());`];
    const props: FixtureProps = { ingress: 'network', container: { command, entryPoint: [] } };
    const checks = await rehearseVariant(undefined, props, (more) => { text += more; });

    expect(reasonsOf(checks, 'failed')).toEqual({});
    expect(text).toMatch(/health check +a connection to port 8080 is accepted within 10 s, every 5 s/);
    expect(text).toMatch(/the app does not answer HTTP requests: replacing one task/);
    expect(checks.map(({ id }) => id)).toEqual(expect.arrayContaining(['http', 'stops-in-time', 'survives-a-kill']));
  });
});
