import { CheckId } from '../../../src/rehearsal/report/report';
import { FixtureProps } from '../../support/rehearsal/fixture';
import { useTemporaryDirectory } from '../../support/rehearsal/temporary-directory';
import { describeOnLinux, expectFailures, reasonsOf, rehearseVariant } from '../../support/rehearsal/variants';

/*
 * The faults of an app that uses memory, connections, files and logs wrongly under load.
 */

useTemporaryDirectory();

const AS_ROOT: FixtureProps = { container: { user: undefined } };
const LITTLE_MEMORY: FixtureProps = { container: { memoryLimitMiB: 160 } };

describeOnLinux('resources under load', () => {
  test.each<[fault: string, failed: CheckId[], reason: RegExp, props?: FixtureProps]>([
    ['uses most memory', ['memory'], /\d % of the limit is used: raise memoryLimitMiB/, LITTLE_MEMORY],
    // As root the app can write; another user's app exits because of the attempt.
    ['writes to the root filesystem', ['not-root', 'root-filesystem'], /add USER/, AS_ROOT],
    ['writes to the root filesystem', ['http', 'running'], /the task closed the connection, or exited/],
    ['runs as root', ['not-root'], /add USER to the Dockerfile/, AS_ROOT],
    ['short keep-alive', ['keep-alive'], /it closes them after 5 s; the load balancer keeps them for 60 s/],
    ['short keep-alive, unannounced', ['keep-alive'], /it closed one after [34]\.\d s; the load balancer keeps them/],
    ['plain-text logs', ['json-logs'], /"42" is not/],
  // Jest takes a fourth parameter for a callback where a row has three values.
  ])('finds the fault "%s" by %j', async (...[fault, failed, reason, props]) => {
    expectFailures(await rehearseVariant(fault, props), failed, reason);
  });

  test('skips what is not declared, and logs that do not exist', async () => {
    const checks = await rehearseVariant('logs nothing', { container: { readonlyRootFilesystem: false } });

    expect(reasonsOf(checks, 'skipped')).toMatchObject({
      'root-filesystem': 'it is not declared read-only', 'json-logs': 'the app logs nothing',
    });
    expect(reasonsOf(checks, 'failed')).toEqual({});
  });
});
