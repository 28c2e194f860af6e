import { escapeMarkup } from '../patterns';
import { NamedDocument } from './report';

/** The results as JUnit XML, which CI systems show. A warning passes; its reason is in the output of the test case. */
export function renderJUnit(documents: readonly NamedDocument[]): string {
  const suites = documents.map(({ name, checks, seconds }) => {
    const count = (outcome: string) => checks.filter((check) => check.outcome === outcome).length;
    const cases = checks.map(({ id, name: title, outcome, reason = '' }) => {
      const message = escapeMarkup(reason);
      const content = {
        passed: '',
        warning: `<system-out>warning: ${message}</system-out>`,
        failed: `<failure message="${message}"/>`,
        skipped: `<skipped message="${message}"/>`,
      }[outcome];
      return `    <testcase classname="${id}" name="${escapeMarkup(title)}">${content}</testcase>`;
    });
    return [
      `  <testsuite name="${escapeMarkup(name)}" tests="${checks.length}" failures="${count('failed')}"`
        + ` skipped="${count('skipped')}" time="${seconds}">`,
      ...cases,
      '  </testsuite>',
    ].join('\n');
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('\n')}\n</testsuites>\n`;
}
