import os from 'node:os';
import { useTemporaryDirectory } from '../../support/rehearsal/temporary-directory';
import {
  describeOnLinux, expectFailures, passedOrTooSlow, reasonsOf, rehearseVariant,
  SKIPPED_WITHOUT_ENGINE,
} from '../../support/rehearsal/variants';

/*
 * The app without faults and the most important faults, under load. `*.thorough.test.ts` has all faults. The duration
 * of the load is wall-clock time; a check that a busy machine is too slow for is skipped with that reason.
 */

useTemporaryDirectory();

describeOnLinux('replacement under load', () => {
  test('makes every check, and finds no fault in an app without faults', async () => {
    const checks = await rehearseVariant();

    expect(reasonsOf(checks, 'failed')).toEqual({});
    expect(passedOrTooSlow(checks)).toEqual([
      'healthy', 'healthy', 'http', 'as-declared', 'not-root', 'in-flight', 'deregistered-before', 'deregistered-after',
      'failing-health-checks', 'stops-in-time', 'survives-a-kill', 'memory', 'keep-alive', 'root-filesystem',
      'json-logs',
    ]);
  });

  test('finds an app that closes at once after SIGTERM', async () => {
    expectFailures(await rehearseVariant('closes at once'), ['deregistered-after'],
      /\d+ failed: the app stops serving at once: keep serving for some seconds after SIGTERM/);
  });

  test('is skipped for an app that answers users with errors from the start', async () => {
    const checks = await rehearseVariant('errors for users');

    expect(reasonsOf(checks, 'skipped')).toEqual({
      ...SKIPPED_WITHOUT_ENGINE,
      load: expect.stringMatching(/^GET http:\S+ answered 500 before the load started$/),
    });
    expect(checks.map(({ id }) => id)).not.toContain('in-flight');
  });

  test('is skipped where only one task can run', async () => {
    const platform = jest.spyOn(os, 'platform').mockReturnValue('darwin');
    try {
      const checks = await rehearseVariant(undefined, { containerPort: 18_080 });

      expect(reasonsOf(checks, 'skipped')).toEqual({
        ...SKIPPED_WITHOUT_ENGINE,
        load: expect.stringMatching(/one loopback address/),
      });
      expect(checks.map(({ id }) => id)).not.toContain('in-flight');
    } finally {
      platform.mockRestore();
    }
  });
});
