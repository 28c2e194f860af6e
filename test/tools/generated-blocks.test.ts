import { replaceBlocks } from '../../tools/generated-blocks';

const TEXT = 'before\n<!-- one -->\nold\n<!-- /one -->\nafter\n';

test('replaces the text of a block, and nothing else', () => {
  expect(replaceBlocks(TEXT, { one: 'costs $1\n$& more' })).toBe(
    'before\n<!-- one -->\ncosts $1\n$& more\n<!-- /one -->\nafter\n',
  );
});

test('fails for a table without a block, and for a block without a table', () => {
  expect(() => replaceBlocks(TEXT, { one: '', two: '' })).toThrow('there is no block <!-- two -->');
  expect(() => replaceBlocks(TEXT, {})).toThrow('nothing generates the block <!-- one -->');
});
