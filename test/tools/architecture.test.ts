import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { drawGraph, findCycles, findLayers, Graph, readGraph, replacePicture } from '../../tools/architecture';

let src: string;

beforeEach(() => {
  src = mkdtempSync(join(tmpdir(), 'architecture-'));
});

afterEach(() => {
  rmSync(src, { recursive: true });
});

function write(files: Record<string, string>): Graph {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(src, path)), { recursive: true });
    writeFileSync(join(src, path), text);
  }
  return readGraph(src);
}

test('reads the imports between folders, and puts each box in the layer after its imports', () => {
  const graph = write({
    'index.ts': "export * from './service';",
    'service.ts': "import { a } from './network/vpc';\nimport { b } from './validation';",
    'network/vpc.ts': "import { b } from '../validation';\nimport { c } from './subnets';",
    'network/subnets.ts': '',
    'validation.ts': '',
  });
  expect(findLayers(graph)).toEqual([['validation'], ['network'], ['service']]);
  expect(findCycles(graph)).toEqual([]);
});

test('draws no arrow that follows from two others', () => {
  const picture = drawGraph(write({
    'service.ts': "import { a } from './network/vpc';\nimport { b } from './validation';",
    'network/vpc.ts': "import { b } from '../validation';",
    'validation.ts': '',
  }));
  expect(picture).toContain('service --> network');
  expect(picture).toContain('network --> validation');
  expect(picture).not.toContain('service --> validation');
});

test('finds boxes that import each other', () => {
  const graph = write({
    'ingress/a.ts': "import { b } from '../deployment/b';",
    'deployment/b.ts': "import { c } from '../ingress/c';",
    'ingress/c.ts': '',
  });
  expect(findCycles(graph)).toEqual([['deployment', 'ingress']]);
});

test('draws all arrows to boxes that import each other', () => {
  const picture = drawGraph(write({
    'service.ts': "import { a } from './ingress/a';\nimport { b } from './deployment/b';",
    'ingress/a.ts': "import { b } from '../deployment/b';",
    'deployment/b.ts': "import { c } from '../ingress/c';",
    'ingress/c.ts': '',
  }));
  const arrows = [
    'service --> ingress', 'service --> deployment', 'ingress --> deployment', 'deployment --> ingress',
  ];
  for (const arrow of arrows) {
    expect(picture).toContain(arrow);
  }
});

test('draws the files of the rehearsal that import nothing as one box', () => {
  const graph = write({
    'rehearsal/sleep.ts': '', 'rehearsal/model.ts': '', 'rehearsal/main.ts': "import { a } from './sleep';",
  });
  expect([...graph.keys()].sort()).toEqual(['rehearsal/helpers', 'rehearsal/main', 'rehearsal/model']);
});

test('replaces only the text between the markers', () => {
  const begin = '<!-- picture: begin, written by tools/architecture.ts -->';
  const end = '<!-- picture: end -->';
  expect(replacePicture(`a\n${begin}\nold\n${end}\nb\n`, 'new')).toBe(`a\n${begin}\nnew\n${end}\nb\n`);
  expect(() => replacePicture('a', 'new')).toThrow('ARCHITECTURE.md has no lines');
});
