import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { CannotRun } from '../../src/rehearsal/cannot-run';
import { findIntegTests, rehearseIntegTests } from '../../src/rehearsal/integ';
import { readArguments } from '../../src/rehearsal/main';

const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'integ-test-'));
const write = (name: string, text = '') => {
  fs.mkdirSync(path.dirname(path.join(temporary, name)), { recursive: true });
  fs.writeFileSync(path.join(temporary, name), text);
};

afterAll(() => fs.rmSync(temporary, { recursive: true, force: true }));

test('finds what integ-runner would', () => {
  ['integ.a.ts', 'integ.a.js', 'integ.a.d.ts', 'below/integ.b.js', 'support.ts', 'integ.c.ts.snapshot/integ.d.js', 'node_modules/x/integ.e.js']
    .forEach((name) => write(`found/${name}`));
  const found = path.join(temporary, 'found');
  expect(findIntegTests(found).map((file) => path.relative(found, file))).toEqual(['below/integ.b.js', 'integ.a.ts']);
});

test('refuses a directory without integ tests, and an assembly beside it', () => {
  fs.mkdirSync(path.join(temporary, 'empty'));
  expect(() => findIntegTests(path.join(temporary, 'empty'))).toThrow(CannotRun);
  expect(() => readArguments(['rehearse', 'cdk.out', '--integ', 'integ'])).toThrow(/leave out cdk.out/);
});

test('one that is not synthesised is named with what it said, and never passes', async () => {
  write('broken/integ.broken.ts', "throw new Error('no such stack');");
  let text = '';
  const { code, document } = await rehearseIntegTests(path.join(temporary, 'broken'), { once: true, port: 0 },
    { write: (more) => { text += more; } }, new AbortController().signal);
  expect(code).toBe(2);
  expect(document.passed).toBe(false);
  expect(text).toMatch(/could not rehearse: \S+integ\.broken\.ts was not synthesised by/);
  expect(text).toContain('no such stack');
});
