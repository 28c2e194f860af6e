import * as fs from 'node:fs';
import os from 'node:os';
import * as path from 'node:path';
import { Duration } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { FixtureProps, synthesiseService } from './fixture';
import { rehearse } from '../../src/rehearsal/rehearse';
import { Check, Report } from '../../src/rehearsal/report';

/*
 * One app that does all it should, and variants of it that do one thing wrong: of each, exactly the check for that thing fails, and
 * says what is to blame.
 */

const APP = path.join(__dirname, 'fixtures', 'variants');
// On other systems there is one loopback address, and so one task at a time.
const onLinux = process.platform === 'linux' ? describe : describe.skip;
let temporary: string;

beforeAll(() => {
  temporary = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'verdict-test-')));
  fs.chmodSync(temporary, 0o755);
  jest.spyOn(os, 'tmpdir').mockReturnValue(temporary);
});

afterAll(() => {
  const left = fs.readdirSync(temporary).filter((name) => !name.startsWith('assembly-'));
  fs.rmSync(temporary, { recursive: true, force: true });
  expect(left).toEqual([]);
});

async function checksOf(fault?: string, props: FixtureProps = {}): Promise<readonly Check[]> {
  const directory = synthesiseService({
    desiredCount: 2,
    environment: fault ? { FAULT: fault } : {},
    image: ecs.ContainerImage.fromAsset(APP, { platform: Platform.LINUX_ARM64 }),
    ...props,
    container: { stopTimeout: Duration.seconds(5), user: '1000:1000', readonlyRootFilesystem: true, ...props.container },
  });
  const report = new Report({ write: () => {} });
  await rehearse({ directory, once: true, port: 0, patienceSeconds: 1 }, report, new AbortController().signal);
  return report.document().checks;
}

const failedOf = (checks: readonly Check[]) => [...new Set(checks.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id))];

onLinux('the verdict', () => {
  test('finds nothing wrong with an app that does what it should, and makes every check', async () => {
    const checks = await checksOf();

    expect(failedOf(checks)).toEqual([]);
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
    ['drops what is open', ['in-flight', 'deregistered-after'], /were cut off: the app exits without finishing what is open/],
    ['says that it is well', ['failing-health-checks'], /after SIGTERM the health path must answer 503/, { spot: true }],
    ['ignores SIGTERM', ['stops-in-time'], /2 of 2 got SIGKILL after 5 s: the app ignores SIGTERM/],
    ['leaks memory', ['memory'], /keeps something of every request/],
    // As root it can, and as somebody else it dies of the attempt.
    ['writes to the root filesystem', ['not-root', 'root-filesystem'], /say USER/, { container: { user: undefined } }],
    ['writes to the root filesystem', ['http', 'running'], /the task cut the answer off, or died of the request/],
    ['short keep-alive', ['keep-alive'], /closes them after 5 s; the load balancer keeps them for 60 s/],
    ['plain-text logs', ['json-logs'], /"INFO listening" is none/],
    ['runs as root', ['not-root'], /say USER in the Dockerfile/, { container: { user: undefined } }],
  // A fourth parameter would be taken for a callback of Jest's where a row has three values.
  ])('%s', async (...[fault, failed, reason, props]) => {
    const checks = await checksOf(fault, props);

    // Whether one of the few other requests is under way just then is chance.
    expect(failedOf(checks).filter((id) => fault !== 'drops what is open' || id !== 'deregistered-before')).toEqual(failed);
    expect(checks.find(({ id, outcome }) => id === failed[0] && outcome === 'failed')!.reason).toMatch(reason);
  });

  test('what would matter on Spot only is no failure on demand', async () => {
    const checks = await checksOf('says that it is well');

    expect(checks.find(({ id }) => id === 'failing-health-checks')).toMatchObject({ outcome: 'not rehearsed', reason: expect.stringMatching(/would matter on Spot/) });
    expect(failedOf(checks)).toEqual([]);
  });
});
