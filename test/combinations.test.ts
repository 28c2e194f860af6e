import { App } from 'aws-cdk-lib';
import { combinations } from './support/combinations';
import { tooWide } from './support/iam';
import { readJson } from './support/synth';

const RECOMMENDED_FLAGS = readJson(require.resolve('aws-cdk-lib/recommended-feature-flags.json'));

const ALL = combinations();

test('the table is whole: eight ways in, three out and the default, three kinds of VPC, two environments', () => {
  expect(ALL).toHaveLength(8 * 4 * 3 * 2);
  expect(ALL.filter(({ refused }) => !refused)).toHaveLength(7 * 4 * 2 + 8 * 2 * 2);
});

test.each(ALL.filter(({ refused }) => refused).map((combination) => [combination.name, combination] as const))('fails with %s, and says what to do', (_name, { make, refused }) => {
  expect(() => make(new App())).toThrow(refused);
});

test('all others synthesise in one app, with nothing printed and no right that is too wide', () => {
  const printed = new Array<unknown>();
  const spies = (['log', 'info', 'warn', 'error'] as const).map((level) => jest.spyOn(console, level).mockImplementation((...words: unknown[]) => { printed.push(words); }));
  const app = new App({ context: RECOMMENDED_FLAGS });
  ALL.filter(({ refused }) => !refused).forEach(({ make }) => make(app));
  const assembly = app.synth();
  spies.forEach((spy) => spy.mockRestore());

  expect(assembly.stacks).toHaveLength(ALL.filter(({ refused }) => !refused).length);
  expect(assembly.stacks.flatMap(({ messages }) => messages.map(({ id, entry }) => `${id}: ${String(entry.data)}`))).toEqual([]);
  expect(printed).toEqual([]);
  // No role may do more than AWS forces.
  expect(assembly.stacks.flatMap(({ id, template }) => tooWide(template).map((found) => `${id}: ${found}`))).toEqual([]);
}, 300_000);
