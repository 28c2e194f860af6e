import { Report, ReportOptions } from '../../../src/rehearsal/report/report';

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
