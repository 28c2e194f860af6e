/*
 * Draws the imports of src/ as a Mermaid flowchart in ARCHITECTURE.md, and prints the layers.
 *
 *   npx tsx tools/architecture.ts              # rewrites the picture
 *   npx tsx tools/architecture.ts --check      # fails when the picture is not current, or boxes import each other
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import * as ts from 'typescript';

const ROOT = join(__dirname, '..');
const BEGIN = '<!-- picture: begin, written by tools/architecture.ts -->';
const END = '<!-- picture: end -->';
/** Files with a box of their own although they are in a folder. */
const SEPARATE = ['observability/logs'];
/** Only exports. */
const OMITTED = ['index'];

/** For each box the boxes that it imports. */
export type Graph = Map<string, Set<string>>;

/** Reads the imports between boxes: each folder of `src` and of `src/rehearsal`, and each file directly in them. */
export function readGraph(src: string): Graph {
  const imports = new Map<string, string[]>();
  for (const file of readdirSync(src, { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.ts')) { imports.set(file.slice(0, -3), importsOf(src, file)); }
  }
  const boxes = assignBoxes(imports);
  const graph: Graph = new Map();
  for (const box of new Set(boxes.values())) {
    graph.set(box, new Set());
  }
  for (const [file, targets] of imports) {
    for (const target of targets) {
      const [from, to] = [boxes.get(file), boxes.get(target)];
      if (from && to && from !== to) { graph.get(from)!.add(to); }
    }
  }
  return graph;
}

function importsOf(src: string, file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(src, file), 'utf8'));
  return importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => relative(src, join(src, dirname(file), fileName)));
}

function assignBoxes(imports: Map<string, string[]>): Map<string, string> {
  const boxes = new Map<string, string>();
  for (const [file, targets] of imports) {
    if (OMITTED.includes(file)) { continue; }
    const parts = file.split('/');
    if (SEPARATE.includes(file)) {
      boxes.set(file, file);
    } else if (parts[0] !== 'rehearsal') {
      boxes.set(file, parts[0]);
    } else if (parts.length === 2 && targets.length === 0 && parts[1] !== 'model') {
      boxes.set(file, 'rehearsal/helpers');
    } else {
      boxes.set(file, parts.slice(0, 2).join('/'));
    }
  }
  return boxes;
}

/** All boxes that a box imports directly or through others. */
function reachable(graph: Graph, start: string): Set<string> {
  const found = new Set<string>();
  const pending = [...graph.get(start) ?? []];
  for (let box = pending.pop(); box !== undefined; box = pending.pop()) {
    if (!found.has(box)) {
      found.add(box);
      pending.push(...graph.get(box) ?? []);
    }
  }
  return found;
}

/** Groups of boxes that import each other, directly or through others. */
export function findCycles(graph: Graph): string[][] {
  const cycles = new Map<string, string[]>();
  for (const box of graph.keys()) {
    if (!reachable(graph, box).has(box)) { continue; }
    const members = [...reachable(graph, box)].filter((other) => reachable(graph, other).has(box)).sort();
    cycles.set(members.join(), members);
  }
  return [...cycles.values()];
}

/** The boxes in layers: each box imports boxes of earlier layers only, and at least one of the layer before. */
export function findLayers(graph: Graph): string[][] {
  const layers: string[][] = [];
  const assigned = new Set<string>();
  while (assigned.size < graph.size) {
    const isReady = ([box, targets]: [string, Set<string>]) => !assigned.has(box)
      && [...targets].every((target) => assigned.has(target));
    const layer = [...graph].filter(isReady).map(([box]) => box).sort();
    if (layer.length === 0) { return layers; }
    layer.forEach((box) => assigned.add(box));
    layers.push(layer);
  }
  return layers;
}

/** The flowchart. An arrow that follows from two others is left out. */
export function drawGraph(graph: Graph): string {
  const boxes = [...graph.keys()].sort();
  const isRehearsal = (box: string) => box.startsWith('rehearsal/');
  const id = (box: string) => box.replace(/\W/g, '_');
  const label = (box: string) => `    ${id(box)}["${box.replace(/^rehearsal\//, '')}"]`;
  const arrows: string[] = [];
  for (const box of boxes) {
    const targets = [...graph.get(box)!].sort();
    for (const target of targets) {
      // A box that imports `box` or that `target` imports is in a cycle with it, and explains no arrow.
      const isImplied = targets.some((other) => reachable(graph, other).has(target)
        && !reachable(graph, target).has(other) && !reachable(graph, other).has(box));
      if (!isImplied) { arrows.push(`  ${id(box)} --> ${id(target)}`); }
    }
  }
  return [
    '```mermaid',
    'flowchart TD',
    '  subgraph construct["The construct: src/"]',
    '    direction TB',
    ...boxes.filter((box) => !isRehearsal(box)).map(label),
    '  end',
    '  subgraph rehearsal["The rehearsal: src/rehearsal/"]',
    '    direction TB',
    ...boxes.filter(isRehearsal).map(label),
    '  end',
    ...arrows,
    '```',
  ].join('\n');
}

/** Replaces the picture between the markers. */
export function replacePicture(document: string, picture: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) { throw new Error(`ARCHITECTURE.md has no lines '${BEGIN}' and '${END}'`); }
  return `${document.slice(0, begin)}${BEGIN}\n${picture}\n${document.slice(end)}`;
}

function main() {
  const isCheck = process.argv.includes('--check');
  const path = join(ROOT, 'ARCHITECTURE.md');
  const graph = readGraph(join(ROOT, 'src'));
  const current = readFileSync(path, 'utf8');
  const wanted = replacePicture(current, drawGraph(graph));

  findLayers(graph).forEach((layer, index) => console.log(`layer ${index}: ${layer.join(', ')}`));
  const cycles = findCycles(graph);
  for (const cycle of cycles) {
    console.error(`import each other: ${cycle.join(', ')}`);
  }
  if (!isCheck) {
    writeFileSync(path, wanted);
  } else if (current !== wanted) {
    console.error('the picture in ARCHITECTURE.md is not current; run npx tsx tools/architecture.ts');
  }
  if (isCheck && (current !== wanted || cycles.length > 0)) { process.exitCode = 1; }
}

if (require.main === module) {
  main();
}
