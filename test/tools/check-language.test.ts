import { checkText, RULES } from '../../tools/check-language';

const phrases = (path: string, text: string) => checkText(path, text).map(({ phrase }) => phrase);

test('finds a phrase in Markdown, with its line and a suggestion', () => {
  expect(checkText('README.md', 'One\n\nAlarms tell nobody.\n')).toEqual([
    { line: 3, phrase: 'tell', instead: expect.stringContaining('configure') },
    { line: 3, phrase: 'nobody', instead: expect.any(String) },
  ]);
});

test('finds a phrase across lines of a comment', () => {
  const text = '/**\n * The tasks stand\n * in private subnets.\n */\nconst a = 1; // whatever\n  // becomes of it\n';
  expect(checkText('src/a.ts', text).map(({ line, phrase }) => [line, phrase])).toEqual([
    [2, 'stand in'], [5, 'whatever becomes'],
  ]);
});

test('finds phrases in strings and template literals of more than one word', () => {
  expect(phrases('src/a.ts', "throw new Error('the prop says so');")).toEqual(['says']);
  expect(phrases('src/a.ts', 'const a = `${b} tells ${c} that the way out is closed`;')).toEqual(['tells', 'way out']);
});

test('ignores names in code, single-word strings, code spans and URLs', () => {
  expect(phrases('src/a.ts', "const zone = say('zones'); // See `told` and https://example.com/undo")).toEqual([]);
  expect(phrases('README.md', 'Use `zones`.\n\n```ts\nconst zones = 2;\n```\n')).toEqual([]);
});

test('checks comments of fenced code and of other languages', () => {
  expect(phrases('README.md', '```sh\nls zones # lists what was told\n```\n')).toEqual(['told']);
  expect(phrases('examples/app.py', 'zones = 2  # two zones\n')).toEqual(['zones']);
});

test('checks the names in code for British spelling and for MOST_, LEAST_, LONGEST_, SHORTEST_', () => {
  expect(phrases('src/a.ts', 'const MOST_TASKS = normaliseColour();')).toEqual(
    expect.arrayContaining(['MOST_TASKS', 'normalise', 'Colour']));
});

test.each([
  'Fargate On-Demand capacity', 'two Availability Zones', 'the Route 53 hosted zone', 'the way in which it works',
  'if there is none', 'synthesis', 'analysis', 'synthesized', 'a multi-stage build', 'the performance', 'normalized',
])('accepts "%s"', (text) => {
  expect(phrases('src/rehearsal/a.md', text)).toEqual([]);
});

test('applies the metaphors of the stage only to the rehearsal', () => {
  const text = '// Plays a request on stage.\n';
  expect(phrases('src/rehearsal/a.ts', text)).toEqual(['Plays', 'on stage']);
  expect(phrases('src/a.ts', text)).toEqual([]);
});

test('allows a phrase by a comment on the same line or on the line before', () => {
  expect(phrases('README.md', '<!-- check-language: allow nobody -->\nThe user nobody.\n')).toEqual([]);
  expect(phrases('src/a.ts', '// The user nobody; check-language: allow nobody\n')).toEqual([]);
  expect(phrases('README.md', '<!-- check-language: allow nobody -->\nIt tells nobody.\n')).toEqual(['tells']);
  expect(phrases('README.md', '<!-- check-language: allow nobody -->\n\nThe user nobody.\n')).toEqual(['nobody']);
});

test('has a suggestion for each pattern', () => {
  for (const { instead } of RULES) {
    expect(instead).not.toBe('');
  }
});
