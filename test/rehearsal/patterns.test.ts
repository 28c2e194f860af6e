import { matchesWildcards } from '../../src/rehearsal/patterns';

test.each<[pattern: string, text: string, matches: boolean]>([
  ['', '', true], ['', 'a', false], ['*', '', true], ['**', 'a', true], ['?', '', false], ['?', 'a', true],
  ['/api/*', '/api/', true], ['/api/*', '/api', false], ['*.js', 'a.js', true], ['*.js', 'a.jsx', false],
  ['a*b*c', 'abbcbc', true], ['a*b?c', 'abcbxc', true], ['a*b?c', 'abcbc', false], ['*a', 'baab', false],
  ['a.c', 'abc', false], ['[ab]', 'a', false], ['A', 'a', false], ['*\n*', 'a\nb', true],
])('%j matches %j: %s', (pattern, text, matches) => {
  expect(matchesWildcards(pattern, text)).toBe(matches);
});

test('can ignore case', () => {
  expect(matchesWildcards('Shop.*', 'shop.EXAMPLE', true)).toBe(true);
});

test('takes little time for a pattern that is exponential as a regular expression', () => {
  expect(matchesWildcards('*a'.repeat(50), 'a'.repeat(5000) + 'b')).toBe(false);
});
