import { App } from 'aws-cdk-lib';
import { combinations } from './support/combinations';
import { tooWide } from './support/iam';
import { readJson } from './support/synth';

const RECOMMENDED_FLAGS = readJson(require.resolve('aws-cdk-lib/recommended-feature-flags.json'));

const ALL = combinations();
const REFUSED = ALL.filter(({ error }) => error);
const ACCEPTED = ALL.filter(({ error }) => !error);

test('there are eight ingresses, three egresses and the default, three VPCs and two environments', () => {
  expect(ALL).toHaveLength(8 * 4 * 3 * 2);
  expect(ACCEPTED).toHaveLength(7 * 4 * 2 + 8 * 2 * 2);
});

test.each(REFUSED.map((combination) => [combination.name, combination] as const))(
  '%s fails with an error',
  (_name, combination) => {
    expect(() => combination.addStack(new App())).toThrow(combination.error);
  },
);

test('all others synthesize in one app, without output, warnings, or too much access', () => {
  const printed = new Array<unknown>();
  const spies = (['log', 'info', 'warn', 'error'] as const).map((level) =>
    jest.spyOn(console, level).mockImplementation((...words: unknown[]) => { printed.push(words); }));
  const app = new App({ context: RECOMMENDED_FLAGS });
  ACCEPTED.forEach((combination) => combination.addStack(app));
  const { stacks } = app.synth();
  spies.forEach((spy) => spy.mockRestore());

  expect(stacks).toHaveLength(ACCEPTED.length);
  expect(stacks.flatMap(({ messages }) => messages.map(({ id, entry }) => `${id}: ${String(entry.data)}`))).toEqual([]);
  expect(printed).toEqual([]);
  expect(stacks.flatMap(({ id, template }) => tooWide(template).map((statement) => `${id}: ${statement}`))).toEqual([]);
}, 300_000);
