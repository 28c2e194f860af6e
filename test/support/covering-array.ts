/**
 * Draws combinations of option values that cover every pair of values, under constraints.
 *
 * The npm library covertable 2.5.2 does not backtrack: with the constraints of conflicts.ts it covers 6,302 of 10,094
 * pairs, in five minutes. This takes seconds.
 */

/** One value for each dimension. */
export type Row = Record<string, string>;

/** Values that cannot be combined: a row with one of the values in each of these dimensions is refused. */
export type Forbidden = Readonly<Record<string, readonly string[]>>;

/** Steps back after which a search starts again, and searches after which it gives up. */
const MAX_STEPS_BACK = 30;
const MAX_SEARCHES = 30;

/** The generator of Park and Miller: the same numbers for a seed on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed % 2147483646 + 1;
  return () => (state = state * 16807 % 2147483647) / 2147483647;
}

const pairKey = (a: string, x: string, b: string, y: string) => a < b ? `${a}=${x} ${b}=${y}` : `${b}=${y} ${a}=${x}`;

export const isForbidden = (row: Row, combination: Forbidden): boolean =>
  Object.entries(combination).every(([dimension, values]) => values.includes(row[dimension]));

/** The values of one dimension that are forbidden to a row with certain values in the others. */
interface Rule {
  readonly values: readonly string[];
  readonly others: ReadonlyArray<readonly [dimension: string, values: readonly string[]]>;
}

/** Draws rows, and keeps the pairs of values that are in none of them yet. */
export class CoveringArray {
  /** The pairs that no row has, by key. */
  public readonly uncovered = new Map<string, Row>();
  private readonly names: string[];
  private readonly random: () => number;

  constructor(private readonly dimensions: Readonly<Record<string, readonly string[]>>, seed: number) {
    this.names = Object.keys(dimensions);
    this.random = randomFrom(seed);
    for (const [a, b] of this.pairsOfNames()) {
      for (const x of dimensions[a]) {
        for (const y of dimensions[b]) { this.uncovered.set(pairKey(a, x, b, y), { [a]: x, [b]: y }); }
      }
    }
  }

  public shuffled<T>(list: readonly T[]): T[] {
    return list.map((item) => [this.random(), item] as const).sort(([a], [b]) => a - b).map(([, item]) => item);
  }

  /** A row with these values and none of the forbidden combinations, if one is found. It prefers uncovered pairs. */
  public draw(start: Row, forbidden: readonly Forbidden[]): Row | undefined {
    if (forbidden.some((combination) => isForbidden(start, combination))) { return undefined; }
    const rules = new Map(this.names.map((name) => [name, forbidden.filter((combination) => name in combination)
      .map((combination): Rule => ({
        values: combination[name],
        others: Object.entries(combination).filter(([other]) => other !== name),
      }))]));
    for (let i = 0; i < MAX_SEARCHES; i += 1) {
      const row = this.complete(start, rules, { left: MAX_STEPS_BACK });
      if (row) { return this.cover(row); }
    }
    return undefined;
  }

  private complete(row: Row, rules: Map<string, Rule[]>, stepsBack: { left: number }): Row | undefined {
    const open = this.names.filter((name) => !(name in row)).map((name) => {
      const refused = rules.get(name)!
        .filter(({ others }) => others.every(([other, values]) => values.includes(row[other])))
        .flatMap(({ values }) => values);
      return { name, values: this.dimensions[name].filter((value) => !refused.includes(value)) };
    });
    if (open.length === 0) { return row; }
    // The dimension with the fewest values left comes first.
    const [{ name, values }] = this.shuffled(open).sort((a, b) => a.values.length - b.values.length);
    const gains = this.shuffled(values).map((value) => ({ value, gain: this.gain(row, name, value) }));
    for (const { value } of gains.sort((a, b) => b.gain - a.gain)) {
      const completed = this.complete({ ...row, [name]: value }, rules, stepsBack);
      if (completed) { return completed; }
      stepsBack.left -= 1;
      if (stepsBack.left < 0) { return undefined; }
    }
    return undefined;
  }

  /** How many uncovered pairs a value adds to a row. */
  private gain(row: Row, name: string, value: string): number {
    return Object.entries(row).filter(([a, x]) => this.uncovered.has(pairKey(name, value, a, x))).length;
  }

  private cover(row: Row): Row {
    for (const [a, b] of this.pairsOfNames()) { this.uncovered.delete(pairKey(a, row[a], b, row[b])); }
    return Object.fromEntries(this.names.map((name) => [name, row[name]]));
  }

  private pairsOfNames(): Array<[string, string]> {
    return this.names.flatMap((a, i) => this.names.slice(i + 1).map((b): [string, string] => [a, b]));
  }
}
