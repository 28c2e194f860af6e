import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = join(__dirname, '..');
const DECISIONS = 'docs/decisions';
const DOCUMENTS = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md') && name !== 'API.md'),
  'example-app/README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** Package registries show README without the other files of the repository, so its links are absolute. */
const REPOSITORY = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).repository.url
  .replace(/^git\+/, '').replace(/\.git$/, '');
const TO_REPOSITORY = new RegExp(`^${REPOSITORY}/(?:blob|raw|tree)/main/`);

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** The anchors that GitHub gives the headings of a document. */
function anchorsOf(path: string): string[] {
  return Array.from(read(path).matchAll(/^#+ (.*)$/gm), ([, heading]) =>
    heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').trim().replaceAll(' ', '-'));
}

test.each(DOCUMENTS)('the links to files and headings in %s are valid', (path) => {
  const text = read(path).replaceAll(/^```[^]*?^```/gm, '');
  for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    const isInRepository = TO_REPOSITORY.test(link);
    if (/^(https?|mailto):/.test(link) && !isInRepository) { continue; }
    const [file, anchor] = link.replace(TO_REPOSITORY, '').split('#');
    const target = file === '' ? path : join(isInRepository ? '' : dirname(path), file);
    expect([link, existsSync(join(ROOT, target))]).toEqual([link, true]);
    if (anchor !== undefined && target.endsWith('.md') && target !== 'API.md') {
      expect([link, anchorsOf(target)]).toEqual([link, expect.arrayContaining([anchor])]);
    }
  }
});

test('the index of the decisions lists each of them, with its title', () => {
  const index = read(join(DECISIONS, 'README.md'));
  for (const name of readdirSync(join(ROOT, DECISIONS)).filter((file) => file !== 'README.md')) {
    const [, number, title] = /^# (\d+)\. (.*)$/m.exec(read(join(DECISIONS, name)))!;
    expect(name).toMatch(new RegExp(`^${number.padStart(4, '0')}-`));
    expect(index).toContain(`| [${number}](${name}) | ${title} |`);
  }
});

test('the links of README are absolute', () => {
  const links = Array.from(read('README.md').matchAll(/\]\(([^)\s]+)\)/g), ([, link]) => link);
  expect(links.length).toBeGreaterThan(20);
  expect(links.filter((link) => !/^(https?:|#)/.test(link))).toEqual([]);
  expect(links.filter((link) => link.startsWith(REPOSITORY) && !TO_REPOSITORY.test(link))).toEqual([]);
});

test('README has at most 300 lines', () => {
  expect(read('README.md').split('\n').length).toBeLessThanOrEqual(300);
});
