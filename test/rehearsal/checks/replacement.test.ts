import * as fs from 'node:fs';
import os from 'node:os';
import * as path from 'node:path';
import { Duration } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { checkDeclared, inFlight, keptAlive } from '../../../src/rehearsal/checks/replacement';
import { rehearse } from '../../../src/rehearsal/rehearse';
import { Check, Report } from '../../../src/rehearsal/report';
import { RunningTask, RunningService } from '../../../src/rehearsal/running-service';
import { DeclaredSetting } from '../../../src/rehearsal/tasks/task';
import { FixtureProps, synthesiseService } from '../../support/rehearsal/fixture';

/*
 * One app that does all it should, and variants of it that do one thing wrong: of each, exactly the check for that thing fails, and
 * says what is to blame.
 */

const APP = path.join(__dirname, '..', '..', 'support', 'rehearsal', 'fixtures', 'variants');
// On other systems there is one loopback address, and so one task at a time.
const onLinux = process.platform === 'linux' ? describe : describe.skip;
let temporary: string;

beforeAll(() => {
  temporary = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'verdict-test-')));
  fs.chmodSync(temporary, 0o755);
  jest.spyOn(os, 'tmpdir').mockReturnValue(temporary);
});

afterAll(() => {
  const left = fs.readdirSync(temporary).filter((name) => !/^(assembly|shared)-/.test(name));
  fs.rmSync(temporary, { recursive: true, force: true });
  expect(left).toEqual([]);
});

async function checksOf(fault?: string, props: FixtureProps = {}, write: (text: string) => void = () => {}): Promise<readonly Check[]> {
  const { environment, ...others } = props;
  const directory = synthesiseService({
    desiredCount: 2,
    environment: { ...fault ? { FAULT: fault } : {}, ...environment },
    image: ecs.ContainerImage.fromAsset(APP, { platform: Platform.LINUX_ARM64 }),
    ...others,
    container: { stopTimeout: Duration.seconds(5), user: '1000:1000', readonlyRootFilesystem: true, ...props.container },
  });
  const report = new Report({ write });
  await rehearse({ directory, once: true, port: 0, patienceSeconds: 1 }, report, new AbortController().signal);
  return report.document().checks;
}

/** The reasons of the checks that failed, by their ID. */
const failedOf = (checks: readonly Check[]) => Object.fromEntries(checks.filter(({ outcome }) => outcome === 'failed').map(({ id, reason }) => [id, reason]));

onLinux('the verdict', () => {
  test('finds nothing wrong with an app that does what it should, and makes every check', async () => {
    const checks = await checksOf();

    expect(failedOf(checks)).toEqual({});
    expect(checks.filter(({ outcome }) => outcome === 'passed').map(({ id }) => id)).toEqual([
      'healthy', 'healthy', 'http', 'as-declared', 'not-root', 'in-flight', 'deregistered-before', 'deregistered-after', 'failing-health-checks',
      'stops-in-time', 'survives-a-kill', 'memory', 'keep-alive', 'root-filesystem', 'json-logs',
    ]);
  });

  test.each<[fault: string, failed: string[], reason: RegExp, props?: FixtureProps]>([
    ['another port', ['healthy'], /nothing listens on port 8080.* the app listens on 9090/],
    ['localhost only', ['healthy'], /listens on 127\.0\.0\.1:8080, which only the task itself can reach/],
    ['not well', ['healthy'], /answered 500, and the target group wants 200/],
    ['slow start', ['healthy'], /listens/],
    ['closes at once', ['deregistered-after'], /\d+ failed: the app stops serving at once: keep serving for SHUTDOWN_DELAY_MS/],
    ['drops what is open', ['in-flight', 'deregistered-after'], /were cut off \((socket hang up|read ECONNRESET)\): the app exits without finishing what is open/],
    ['says that it is well', ['failing-health-checks'], /after SIGTERM the health path must answer 503/, { spot: true }],
    ['ignores SIGTERM', ['stops-in-time'], /2 of 2 got SIGKILL after 5 s: the app ignores SIGTERM/],
    ['leaks memory', ['memory'], /keeps something of every request/, { container: { memoryLimitMiB: 256 } }],
    // As root it can, and as somebody else it dies of the attempt.
    ['writes to the root filesystem', ['not-root', 'root-filesystem'], /say USER/, { container: { user: undefined } }],
    ['writes to the root filesystem', ['http', 'running'], /the task cut the answer off, or died of the request/],
    ['short keep-alive', ['keep-alive'], /closes them after 5 s; the load balancer keeps them for 60 s/],
    ['short keep-alive, unsaid', ['keep-alive'], /it closed one after [34]\.\d s; the load balancer keeps them for 60 s/],
    ['plain-text logs', ['json-logs'], /"42" is none/],
    ['uses much memory', ['memory'], /\d % of the limit is used: raise memoryLimitMiB/, { container: { memoryLimitMiB: 160 } }],
    ['has no room for a third', ['healthy'], /the app died at start, with exit code 1/],
    ['leaves a lock behind', ['survives-a-kill'], /the one that took its place is not healthy: the app died at start/],
    ['needs the others', ['survives-a-kill'], /\d+ requests failed meanwhile: the tasks depend on each other/],
    ['runs as root', ['not-root'], /say USER in the Dockerfile/, { container: { user: undefined } }],
  // A fourth parameter would be taken for a callback of Jest's where a row has three values.
  ])('%s', async (...[fault, failed, reason, props]) => {
    const shared = fs.mkdtempSync(path.join(temporary, 'shared-'));
    fs.chmodSync(shared, 0o777);
    const checks = await checksOf(fault, { ...props, environment: { SHARED: shared } });

    const reasons = failedOf(checks);
    // Whether one of the few other requests is under way just then is chance.
    if (fault === 'drops what is open') { delete reasons['deregistered-before']; }
    expect(reasons).toEqual(Object.fromEntries(failed.map((id, index) => [id, index === 0 ? expect.stringMatching(reason) : expect.any(String)])));
  });

  const notRehearsedIn = (checks: readonly Check[]) =>
    Object.fromEntries(checks.filter(({ outcome }) => outcome === 'not rehearsed').map(({ id, reason }) => [id, reason]));

  test('what would matter on Spot only is no failure on demand', async () => {
    const checks = await checksOf('says that it is well');

    expect(notRehearsedIn(checks)).toEqual({ 'failing-health-checks': expect.stringMatching(/would matter on Spot/) });
    expect(failedOf(checks)).toEqual({});
  });

  test('what is not declared, or not there to be looked at, neither passes nor fails', async () => {
    const checks = await checksOf('logs nothing', { container: { readonlyRootFilesystem: false } });

    expect(notRehearsedIn(checks)).toMatchObject({ 'root-filesystem': 'it is not declared read-only', 'json-logs': 'the app logs nothing' });
    expect(failedOf(checks)).toEqual({});
  });

  test('an app that answers its users with errors from the start is not put under load', async () => {
    const checks = await checksOf('not well for users');

    expect(notRehearsedIn(checks)).toEqual({ load: expect.stringMatching(/^GET http:\S+ gave 500 to begin with$/) });
    expect(checks.map(({ id }) => id)).not.toContain('in-flight');
  });

  test('an app that computes much for each request gets no more of them than it can answer', async () => {
    let text = '';
    const checks = await checksOf('computes much', {}, (more) => { text += more; });

    expect(failedOf(checks)).toEqual({});
    expect(checks.find(({ id }) => id === 'in-flight')).toMatchObject({ outcome: 'passed', reason: expect.stringMatching(/^\d of them$/) });
    expect(text).toMatch(/\d+ requests a second are answered here, so the load is \d\.\d a second instead of 60/);
  });

  test('where only one task can run, none is replaced', async () => {
    const platform = jest.spyOn(os, 'platform').mockReturnValue('darwin');
    try {
      const checks = await checksOf(undefined, { containerPort: 18_080 });

      expect(notRehearsedIn(checks)).toEqual({ load: expect.stringMatching(/this system has one loopback address/) });
      expect(checks.map(({ id }) => id)).not.toContain('in-flight');
    } finally {
      platform.mockRestore();
    }
  });
});


test.each([
  [{ underWay: 0, cutOff: [] }, 'not rehearsed', /all were answered before/],
  [{ underWay: 3, cutOff: [] }, 'passed', /3 of them/],
  [{ underWay: 3, cutOff: [{ error: 'socket hang up' }] }, 'failed', /1 of 3 were cut off \(socket hang up\)/],
  [{ underWay: 3, cutOff: [{ status: 503 }, { status: 500 }] }, 'failed', /2 of 3 were cut off \(503\)/],
])('of requests under way, %j is %s', (counts, outcome, reason) => {
  const stop = { code: 0, signal: null, killed: false, milliseconds: 1 };
  expect(inFlight({ stop, failed: [], ...counts })).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
});

test.each([
  [{ announcedSeconds: 61 }, 'passed', /for 61 s, it says/],
  [{ announcedSeconds: 60 }, 'failed', /it says that it closes them after 60 s/],
  [{ announcedSeconds: 65, closedAt: 2_000 }, 'failed', /it closed one after 2\.0 s/],
  [{ closedAt: 60_000 }, 'failed', /it closed one after 60\.0 s/],
  [{ closedAt: 61_000 }, 'passed', /one was open/],
])('of an idle connection, %j with an idle time-out of 60 s is %s', (connection, outcome, reason) => {
  expect(keptAlive({ openedAt: 0, end: () => {}, ...connection }, 60)).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
});

describe('what is declared', () => {
  const checksFor = async (user: string, ...declared: DeclaredSetting[]) => {
    const checks: Check[] = [];
    const actor = { task: { declaredSettings: async () => declared } } as unknown as RunningTask;
    await checkDeclared({ runtime: { user }, tasks: [actor] } as unknown as RunningService, (check) => checks.push(check));
    return checks.map(({ id, outcome, reason }) => `${id} ${outcome}: ${reason}`);
  };

  test('fails where something else runs, and not where that cannot be seen', async () => {
    expect(await checksFor('node',
      { setting: 'user', declared: 'node', actual: 'unseen' }, { setting: 'root filesystem', declared: 'read-only', actual: 'writable', matches: false }))
      .toEqual(['as-declared failed: root filesystem: read-only is declared, and writable runs', 'not-root passed: as node']);
    expect((await checksFor('node', { setting: 'user', declared: 'node', actual: 'unseen' }))[0]).toBe('as-declared passed: undefined');
  });

  test.each([['root', 'failed'], ['0', 'failed'], ['0:0', 'failed'], ['root:root', 'failed'], ['1000:0', 'passed'], ['rooty', 'passed']])('user %s has %s', async (user, outcome) => {
    expect((await checksFor(user))[1]).toMatch(`not-root ${outcome}`);
  });
});
