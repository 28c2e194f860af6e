import { checkDeclared } from '../../../src/rehearsal/checks/declared';
import { checkContainerHealth } from '../../../src/rehearsal/checks/health';
import { checkKeepAlive } from '../../../src/rehearsal/checks/idle-connection';
import { checkSurvivesKill, KilledTask } from '../../../src/rehearsal/checks/kill';
import { Load } from '../../../src/rehearsal/checks/load';
import { MemoryWatch } from '../../../src/rehearsal/checks/memory-watch';
import { CheckOutcome, Report } from '../../../src/rehearsal/report/report';
import { RunningService, RunningTask } from '../../../src/rehearsal/running-service';
import { DeclaredSetting, HealthCheckOutcome, Task } from '../../../src/rehearsal/tasks/task';

/*
 * Checks on single tasks, without a running app.
 */

const outcomeWith = (outcome: CheckOutcome, reason: RegExp) => ({ outcome, reason: expect.stringMatching(reason) });
const runningTask = (task: Partial<Task> = {}) => ({ task, targets: [] }) as unknown as RunningTask;

describe('idle connections', () => {
  test.each([
    [{ announcedSeconds: 61 }, 'passed', /for 61 s, according to its Keep-Alive header/],
    [{ announcedSeconds: 60 }, 'failed', /it closes them after 60 s/],
    [{ announcedSeconds: 65, closedAt: 2_000 }, 'failed', /it closed one after 2\.0 s/],
    [{ closedAt: 60_000 }, 'failed', /it closed one after 60\.0 s/],
    [{ closedAt: 61_000 }, 'passed', /it closed one after 61 s/],
    [{ reusable: false }, 'passed', /it closes each connection after its response/],
    [{ endedAt: 6_000 }, 'skipped', /does not announce it, and one was observed for 6 of 60 s only/],
    [{ error: 'ECONNREFUSED' }, 'skipped', /failed: ECONNREFUSED/],
  ])('with an idle timeout of 60 s, %j is %s', (connection, outcome, reason) => {
    expect(checkKeepAlive({ openedAt: 0, reusable: true, end: () => {}, ...connection }, 60, {}))
      .toMatchObject({ outcome, reason: expect.stringMatching(reason) });
  });

  test('names the variable only where the container has it', () => {
    const reason = (environment: Record<string, string>) =>
      checkKeepAlive({ openedAt: 0, reusable: true, announcedSeconds: 5, end: () => {} }, 60, environment).reason;
    expect(reason({})).toMatch(/keep them longer; this is server\.keepAliveTimeout in Node\.js, /);
    expect(reason({ KEEP_ALIVE_TIMEOUT_MS: '5000' })).toMatch(/keep them longer; it reads KEEP_ALIVE_TIMEOUT_MS$/);
  });
});

describe('a container health check', () => {
  const healthCheck = {
    command: ['CMD', 'node', 'check.js'], intervalSeconds: 0, timeoutSeconds: 5, retries: 2, startPeriodSeconds: 0,
  };
  test.each<[HealthCheckOutcome, boolean, CheckOutcome, RegExp]>([
    ['timed out', false, 'failed', /longer than 5 s, 2 times/],
    // That is due to this machine, and no fault of the app.
    ['timed out', true, 'skipped', /longer than 5 s with an emulated CPU/],
    ['failed', true, 'failed', /it failed 2 times/],
    ['skipped', false, 'skipped', /only `node/],
  ])('that has %s is, with an emulated CPU (%s), %s', async (result, emulated, outcome, reason) => {
    const tasks = [runningTask({ name: 'task 1', checkContainerHealth: async () => result })];
    const report = new Report({ write: () => {} });
    const service = { container: { healthCheck } };
    await checkContainerHealth({ service, runtime: { emulated }, tasks } as unknown as RunningService, { report });

    expect(report.checks).toEqual([expect.objectContaining(outcomeWith(outcome, reason))]);
  });
});

describe('declared settings', () => {
  const checkSettings = async (user: string, ...settings: DeclaredSetting[]) => {
    const task = runningTask({ declaredSettings: async () => settings });
    const checks = await checkDeclared({ runtime: { user }, tasks: [task] } as unknown as RunningService);
    return checks.map(({ id, outcome, reason }) => `${id} ${outcome}: ${reason}`);
  };
  const unseen: DeclaredSetting = { setting: 'user', declared: 'node', actual: 'unknown' };
  const different: DeclaredSetting = {
    setting: 'root filesystem', declared: 'read-only', actual: 'writable', matches: false,
  };

  test('fail where the task differs, and are skipped where this machine cannot determine it', async () => {
    const same: DeclaredSetting = { setting: 'capabilities', declared: 'none', actual: 'none', matches: true };
    expect(await checkSettings('node', unseen, different, same)).toEqual([
      'as-declared skipped: unknown',
      'as-declared failed: the task has writable',
      'as-declared passed: undefined',
      'not-root passed: as node',
    ]);
  });

  test.each([
    ['root', 'warning'], ['0', 'warning'], ['0:0', 'warning'], ['root:root', 'warning'],
    ['1000:0', 'passed'], ['rooty', 'passed'],
  ])('user %s has %s', async (user, outcome) => {
    expect((await checkSettings(user))[0]).toMatch(`not-root ${outcome}`);
  });
});

describe('memory', () => {
  /** @param usedMiB of a limit of 100 MiB */
  const watch = async (usedMiB: number[], requests: number) => {
    jest.useFakeTimers();
    try {
      const load = { resultsOf: () => Array(requests) } as unknown as Load;
      const memory = new MemoryWatch(() => {}, load);
      const samples = usedMiB.map((used) => ({ usedMiB: used, limitMiB: 100 }));
      const task = runningTask({ memory: async () => samples.shift() });
      memory.watch([task]);
      await jest.advanceTimersByTimeAsync(500 * usedMiB.length);
      await memory.end();
      return memory.check([task]);
    } finally {
      jest.useRealTimers();
    }
  };
  const flat = [40, 40, 40, 40, 40, 40];

  test('that does not grow passes', async () => {
    expect(await watch(flat, 100)).toMatchObject({ outcome: 'passed', reason: 'at most 40 % of the limit' });
  });

  test('that grows with each request, or leaves no headroom, fails', async () => {
    expect(await watch([10, 10, 10, 20, 40, 60], 100)).toMatchObject(outcomeWith('failed', /grew by 50 %/));
    expect(await watch([91, 91], 100)).toMatchObject(outcomeWith('failed', /91 % of the limit is used/));
  });

  test('is skipped with the reason after too few requests or samples', async () => {
    expect(await watch(flat, 59)).toMatchObject(outcomeWith('skipped', /only 59 requests .* too few for a result/));
    expect(await watch([40], 100)).toMatchObject(outcomeWith('skipped', /it cannot be measured here/));
  });

  test('of a task that was killed fails', () => {
    const task = runningTask({ exit: { code: 137, signal: null, outOfMemory: true } });
    const check = new MemoryWatch(() => {}, {} as Load).check([task, runningTask()]);
    expect(check).toMatchObject(outcomeWith('failed', /1 of 2 tasks were killed/));
  });
});

describe('a killed task', () => {
  const check = (killed: Partial<KilledTask>, statuses: Array<number | undefined>) => {
    const results = statuses.map((status) => ({ sentAt: 2, status }));
    const load = { results, resultsOf: () => [] } as unknown as Load;
    const replacement = { task: runningTask(), seconds: 0.5 };
    return checkSurvivesKill({ task: runningTask(), killedAt: 1, servingTasks: 2, replacement, ...killed }, load);
  };

  test.each<[string, Partial<KilledTask>, Array<number | undefined>, CheckOutcome, RegExp]>([
    ['passes if the others answer', {}, [...Array(9).fill(200), 404], 'passed', /healthy again after 0\.5 s/],
    ['fails if others do not answer', {}, [200, 500, undefined], 'failed', /2 requests to other tasks failed/],
    ['fails without a replacement', { replacement: undefined, error: 'no port' }, [200, 200], 'failed', /: no port/],
    ['is skipped alone, whatever fails meanwhile', { servingTasks: 1 }, [502, 503], 'skipped', /set desiredCount to 2/],
    ['is skipped after too few requests', {}, [200, 200], 'skipped', /only 2 requests .* too few for a result/],
  ])('%s', (...[, killed, statuses, outcome, reason]) => {
    expect(check(killed, statuses)).toMatchObject(outcomeWith(outcome, reason));
  });
});
