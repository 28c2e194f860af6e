import { stripVTControlCharacters } from 'node:util';
import { Report, ReportOptions, wrap } from '../../../src/rehearsal/report/report';

function print(
  write: (report: Report) => void, isTTY = false, environment: NodeJS.ProcessEnv = {}, options: ReportOptions = {},
): string {
  let text = '';
  write(new Report({ write: (more) => { text += more; }, isTTY }, options, environment));
  return text;
}

const writeSample = (report: Report) => {
  report.check({ id: 'http', outcome: 'passed', name: 'one' });
  report.check({ id: 'http', outcome: 'failed', name: 'two', reason: 'because' });
  report.check({ id: 'http', outcome: 'skipped', name: 'three', reason: 'it is in AWS' });
  report.check({ id: 'http', outcome: 'failed', name: 'four', reason: 'first line\nsecond line' });
  report.log('task 1', '\u001b[31mred\u001b[39m \u001b[2Jcleared');
  report.result(1.23);
};

test('is plain text without a terminal', () => {
  expect(print(writeSample)).toBe(`  ok   one
  FAIL two (because)
  skip three (skipped: it is in AWS)
  FAIL four
       first line
       second line
  task 1 | red cleared

1 passed, 2 failed, 1 skipped in 1.2 s
`);
});

test('has colors on a terminal, unless the environment disables them', () => {
  expect(print(writeSample, true)).toContain('\u001b[32m✓\u001b[39m one');
  expect(print(writeSample, true, { NO_COLOR: '1' })).toBe(print(writeSample));
  expect(print(writeSample, true, { TERM: 'dumb' })).toBe(print(writeSample));
});

test('passes if no check failed', () => {
  print((report) => {
    expect(report.passed).toBeUndefined();
    report.check({ id: 'http', outcome: 'skipped', name: 'one' });
    expect(report.result(1)).toBe(true);
    report.check({ id: 'http', outcome: 'failed', name: 'two' });
    expect(report.result(1)).toBe(false);
    expect(report.passed).toBe(false);
  });
});

test('has a document with every check', () => {
  print((report) => {
    writeSample(report);
    expect(report.document()).toEqual({
      passed: false,
      seconds: 1.2,
      checks: report.checks,
      notCovered: ['IAM', 'security groups', 'quotas', 'the timing of AWS'],
    });
  });
});

describe('warnings', () => {
  const writeWarning = (report: Report) => {
    report.check({ id: 'not-root', outcome: 'warning', name: 'one', reason: 'because' });
    report.result(1);
  };

  test('neither pass nor fail', () => {
    expect(print(writeWarning)).toBe('  warn one (because)\n\n0 passed, 0 failed, 1 warning in 1.0 s\n');
  });

  test('fail with --strict', () => {
    expect(print(writeWarning, false, {}, { strict: true })).toContain('FAIL one (because)\n\n0 passed, 1 failed in');
  });

  test('and failures are skipped by name', () => {
    expect(print(writeWarning, false, {}, { skip: ['not-root'], strict: true }))
      .toBe('  skip one (skipped: --skip not-root)\n\n0 passed, 0 failed, 1 skipped in 1.0 s\n');
    expect(print(writeWarning, false, {}, { skip: ['http'] })).toContain('warn one');
  });
});

test('nothing that an app prints controls the terminal', () => {
  const hostile = 'a\u0007b\rc\bd\u001b]0;title\u0007e\u009b2Jf\u0000g\th';
  const text = print((report) => {
    report.log('task 1', hostile);
    report.check({ id: 'http', outcome: 'failed', name: hostile, reason: hostile });
    report.note(hostile);
  });
  expect(text.match(/\p{Cc}/gu)!.every((character) => '\n\t'.includes(character))).toBe(true);
  expect(text).toContain('task 1 | a\ufffdb\ufffdc\ufffdd');
});

describe('on a terminal', () => {
  /** What a terminal shows in the end: a carriage return and a control sequence clear the last line. */
  const shown = (text: string) => text.split('\n').map((line) => line.split('\r\u001b[2K').at(-1)!);

  test('lines are broken between words, and later ones are indented', () => {
    expect(wrap('  ok   one two three four', 16, 4)).toBe('  ok   one two\n    three four');
    expect(wrap('  \u001b[31mFAIL two (because\u001b[39m of it)', 18, 4))
      .toBe('  \u001b[31mFAIL two\n    (because\u001b[39m of\n    it)');
    expect(wrap('one\ntwo three', 5, 2)).toBe('one\ntwo\n  three');
    expect(wrap(`  ${'x'.repeat(50)} y`, 20, 2)).toBe(`  ${'x'.repeat(50)}\n  y`);
  });

  test('checks are as wide as the terminal, and elsewhere as long as they are', () => {
    const name = 'a task that is deregistered before SIGTERM loses no request';
    const write = (columns: number | undefined, isTTY: boolean) => {
      let text = '';
      new Report({ write: (more) => { text += more; }, isTTY, columns }, {}, {})
        .check({ id: 'load', outcome: 'passed', name });
      return text;
    };
    const lines = stripVTControlCharacters(write(40, true)).trimEnd().split('\n');

    expect(lines.length).toBe(2);
    lines.forEach((line) => expect(line.length).toBeLessThanOrEqual(40));
    expect(write(40, false)).toBe(`  ok   ${name}\n`);
  });

  test('the running step is shown with its time, and removed before anything else is printed', () => {
    jest.useFakeTimers();
    try {
      let text = '';
      const report = new Report(
        { write: (more) => { text += more; }, isTTY: true, columns: 60 }, { progress: true }, {});
      report.heading('Tasks');
      jest.advanceTimersByTime(3_000);
      expect(stripVTControlCharacters(shown(text).at(-1)!)).toBe('  Tasks: 3 s');
      report.check({ id: 'healthy', outcome: 'passed', name: 'task 1 is healthy' });
      jest.advanceTimersByTime(1_000);
      report.log('task 1', 'a line');
      jest.advanceTimersByTime(1_000);
      report.result(5);
      jest.advanceTimersByTime(5_000);

      expect(shown(text).map((line) => stripVTControlCharacters(line))).toEqual([
        '', 'Tasks', '  ✓ task 1 is healthy', '  task 1 | a line', '', '1 passed, 0 failed in 5.0 s', '',
      ]);
    } finally {
      jest.useRealTimers();
    }
  });

  test('no step is shown elsewhere', () => {
    jest.useFakeTimers();
    try {
      const text = print((report) => {
        report.heading('Tasks');
        jest.advanceTimersByTime(3_000);
      }, false, {}, { progress: true });
      expect(text).toBe('\nTasks\n');
    } finally {
      jest.useRealTimers();
    }
  });
});
