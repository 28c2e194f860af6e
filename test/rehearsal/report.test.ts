import { Report } from '../../src/rehearsal/report';

function reported(tell: (report: Report) => void, isTTY = false, environment: NodeJS.ProcessEnv = {}): string {
  let text = '';
  tell(new Report({ write: (more) => { text += more; }, isTTY }, environment));
  return text;
}

const tell = (report: Report) => {
  report.check({ id: 'x', outcome: 'passed', name: 'one' });
  report.check({ id: 'x', outcome: 'failed', name: 'two', reason: 'because' });
  report.check({ id: 'x', outcome: 'not rehearsed', name: 'three', reason: 'it asks AWS' });
  report.check({ id: 'x', outcome: 'failed', name: 'four', reason: 'first line\nsecond line' });
  report.log('task 1', '\u001b[31mred\u001b[39m \u001b[2Jcleared');
  report.result(1.23);
};

test('is plain text where nobody sees colours', () => {
  expect(reported(tell)).toBe(`  ok   one
  FAIL two (because)
  skip three (not rehearsed: it asks AWS)
  FAIL four
       first line
       second line
  task 1 | red cleared

1 passed, 2 failed, 1 not rehearsed in 1.2 s
`);
});

test('is in colour on a terminal, unless the user or the terminal says no', () => {
  expect(reported(tell, true)).toContain('\u001b[32m✓\u001b[39m one');
  expect(reported(tell, true, { NO_COLOR: '1' })).toBe(reported(tell));
  expect(reported(tell, true, { TERM: 'dumb' })).toBe(reported(tell));
});

test('passes if nothing failed', () => {
  reported((report) => {
    expect(report.passed).toBeUndefined();
    report.check({ id: 'x', outcome: 'not rehearsed', name: 'one' });
    expect(report.result(1)).toBe(true);
    report.check({ id: 'x', outcome: 'failed', name: 'two' });
    expect(report.result(1)).toBe(false);
    expect(report.passed).toBe(false);
  });
});
