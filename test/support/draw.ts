/** What is chosen, by dimension. */
type Chosen = { [dimension: string]: string };

/** A rule that a choice may break. */
export interface Breakable {
  when(choice: any): boolean;
}

export interface Drawn<R> {
  readonly choice: Chosen;
  /** The rules that it breaks: it must be refused for each of them, and be clean without any. */
  readonly breaks: R[];
}

export interface Draw<R> {
  readonly drawn: Array<Drawn<R>>;
  /** How many pairs of values of two dimensions there are. */
  readonly pairs: number;
  /** How many of them are in a choice that breaks no rule. */
  readonly clean: number;
  /** How many of them no clean choice was found for, and are in one that is to be refused. */
  readonly refused: number;
}

/** Park and Miller's generator: the same numbers from the same seed, on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed % 2147483646 + 1;
  return () => (state = state * 16807 % 2147483647) / 2147483647;
}

const NOT_YET = new Error('not chosen yet');

/** Whether a choice breaks a rule, as far as it has been made. A rule that looks at what is missing stops there. */
function evaluate(rule: Breakable, chosen: Chosen, looksAt?: (dimension: string) => void): boolean {
  const choice = new Proxy(chosen, {
    get(target, dimension: string) {
      looksAt?.(dimension);
      if (target[dimension] === undefined) { throw NOT_YET; }
      return target[dimension];
    },
  });
  try {
    return rule.when(choice);
  } catch (error) {
    if (error !== NOT_YET) { throw error; }
    return false;
  }
}

/** So often, a search takes a value back before it starts afresh, and so often it starts before it gives up. */
const MOST_STEPS_BACK = 30;
const MOST_STARTS = 30;

/**
 * Draws choices until each pair of values of two dimensions is in one: in one that breaks no rule if such is found, else in one that
 * is to be refused; and until each rule is the only one that some choice breaks. Then draws more, every other one to be refused, until there are so many.
 */
export function draw<R extends Breakable>(
  dimensions: { readonly [dimension: string]: string[] }, rules: R[], seed: number, atLeast: number,
): Draw<R> {
  const random = randomFrom(seed);
  const shuffled = <T>(list: T[]) => list.map((each) => [random(), each] as const).sort(([a], [b]) => a - b).map(([, each]) => each);
  const names = Object.keys(dimensions);
  const keyOf = (a: string, x: string, b: string, y: string) => a < b ? `${a}=${x} ${b}=${y}` : `${b}=${y} ${a}=${x}`;

  const uncovered = new Map<string, Chosen>();
  names.forEach((a, i) => names.slice(i + 1).forEach((b) => dimensions[a].forEach((x) => dimensions[b].forEach((y) => {
    uncovered.set(keyOf(a, x, b, y), { [a]: x, [b]: y });
  }))));
  const pairs = uncovered.size;
  const newsOf = (chosen: Chosen, name: string, value: string) =>
    Object.entries(chosen).filter(([other, theirs]) => uncovered.has(keyOf(name, value, other, theirs))).length;

  // Most rules look at few dimensions, so that most choices need no look at most rules, and none is looked at twice.
  const lookedAt = new Map(rules.map((rule) => {
    const seen = new Set<string>();
    const explore = (chosen: Chosen): void => {
      let missing: string | undefined;
      evaluate(rule, chosen, (dimension) => { if (chosen[dimension] === undefined) { missing = dimension; } });
      if (missing === undefined) { return; }
      seen.add(missing);
      dimensions[missing].forEach((value) => explore({ ...chosen, [missing!]: value }));
    };
    explore({});
    return [rule, [...seen]];
  }));
  const known = new Map(rules.map((rule) => [rule, new Map<string, boolean>()]));
  const breaks = (rule: R, chosen: Chosen): boolean => {
    const results = known.get(rule)!;
    const key = lookedAt.get(rule)!.map((name) => chosen[name]).join();
    let result = results.get(key);
    if (result === undefined) { results.set(key, result = evaluate(rule, chosen)); }
    return result;
  };
  const rulesOn = new Map(names.map((name) => [name, rules.filter((rule) => lookedAt.get(rule)!.includes(name))]));

  /** Chooses the rest so that no rule is broken but those that may be; nothing if that does not come off. */
  const complete = (start: Chosen, may: R[] = []): Chosen | undefined => {
    let stepsBack = 0;
    const viable = (chosen: Chosen, name: string) => {
      const trial = { ...chosen };
      const watching = rulesOn.get(name)!.filter((rule) => !may.includes(rule));
      return dimensions[name].filter((value) => {
        trial[name] = value;
        return !watching.some((rule) => breaks(rule, trial));
      });
    };
    const go = (chosen: Chosen, open: Map<string, string[]>): Chosen | undefined => {
      if (open.size === 0) { return chosen; }
      // What has least to choose from comes first; the value that covers most pairs too.
      const [name, values] = shuffled([...open]).reduce((least, each) => each[1].length < least[1].length ? each : least);
      const byNews = shuffled(values).map((value) => [newsOf(chosen, name, value), value] as const).sort(([a], [b]) => b - a);
      for (const [, value] of byNews) {
        const next = { ...chosen, [name]: value };
        const touched = new Set(rulesOn.get(name)!.flatMap((rule) => lookedAt.get(rule)!));
        const rest = new Map([...open].filter(([other]) => other !== name)
          .map(([other, before]) => [other, touched.has(other) ? viable(next, other) : before]));
        const found = [...rest.values()].every((left) => left.length > 0) ? go(next, rest) : undefined;
        if (found) { return found; }
        if (++stepsBack > MOST_STEPS_BACK) { return undefined; }
      }
      return undefined;
    };
    if (rules.some((rule) => !may.includes(rule) && breaks(rule, start))) { return undefined; }
    const open = new Map(names.filter((name) => !(name in start)).map((name) => [name, viable(start, name)]));
    let found: Chosen | undefined;
    for (let i = 0; i < MOST_STARTS && !found && [...open.values()].every((values) => values.length > 0); i++) {
      stepsBack = 0;
      found = go(start, open);
    }
    return found;
  };

  const drawn = new Array<Drawn<R>>();
  const add = (chosen: Chosen) => {
    const choice = Object.fromEntries(names.map((name) => [name, chosen[name]]));
    names.forEach((a, i) => names.slice(i + 1).forEach((b) => uncovered.delete(keyOf(a, choice[a], b, choice[b]))));
    drawn.push({ choice, breaks: rules.filter((rule) => breaks(rule, choice)) });
  };

  const refused = new Map<string, Chosen>();
  for (const [key, pair] of shuffled([...uncovered])) {
    if (!uncovered.has(key)) { continue; }
    const chosen = complete(pair);
    if (chosen) { add(chosen); } else { refused.set(key, pair); }
  }
  const clean = pairs - uncovered.size;

  const alone = (rule: R): Chosen => {
    const starts = lookedAt.get(rule)!.reduce<Chosen[]>(
      (list, name) => list.flatMap((chosen) => dimensions[name].map((value) => ({ ...chosen, [name]: value }))), [{}]);
    for (const start of shuffled(starts.filter((chosen) => breaks(rule, chosen)))) {
      const chosen = complete(start, [rule]);
      if (chosen) { return chosen; }
    }
    throw new Error(`no choice breaks this rule alone: ${rule.when.toString()}`);
  };
  rules.forEach((rule) => add(alone(rule)));
  for (const [key, pair] of refused) {
    if (uncovered.has(key)) { add(complete(pair, rules)!); }
  }
  while (drawn.length < atLeast) {
    const chosen = complete({ [names[0]]: shuffled(dimensions[names[0]])[0] });
    if (chosen) { add(chosen); }
    add(alone(shuffled(rules)[0]));
  }
  return { drawn, pairs, clean, refused: pairs - clean - uncovered.size };
}
