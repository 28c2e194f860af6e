/**
 * CloudWatch's arithmetic, as far as alarms here use it:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html and
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html.
 * The examples of both pages are its tests.
 */

/** A number for each time, or none. */
export type Series = (number | undefined)[];

/** The samples of a metric in each minute. */
export type Samples = number[][];

type Value = number | Series;

const isSeries = (value: Value): value is Series => Array.isArray(value);

/**
 * Applies an operation at each time.
 * If one of two series has no value, it counts as 0; if both have none, there is no result.
 */
function combine(a: Value, b: Value, operation: (x: number, y: number) => number | undefined): Value {
  if (isSeries(a) && isSeries(b)) {
    return a.map((x, i) => x === undefined && b[i] === undefined ? undefined : operation(x ?? 0, b[i] ?? 0));
  }
  if (isSeries(a)) { return a.map((x) => x === undefined ? undefined : operation(x, b as number)); }
  if (isSeries(b)) { return b.map((y) => y === undefined ? undefined : operation(a, y)); }
  return operation(a, b)!;
}

const OPERATORS: { [operator: string]: (x: number, y: number) => number | undefined } = {
  '+': (x, y) => x + y,
  '-': (x, y) => x - y,
  '*': (x, y) => x * y,
  '/': (x, y) => y === 0 ? undefined : x / y,
  '<': (x, y) => Number(x < y),
  '<=': (x, y) => Number(x <= y),
  '>': (x, y) => Number(x > y),
  '>=': (x, y) => Number(x >= y),
  '==': (x, y) => Number(x === y),
  'AND': (x, y) => Number(x !== 0 && y !== 0),
  'OR': (x, y) => Number(x !== 0 || y !== 0),
};

/** From the loosest to the tightest. */
const PRECEDENCE = [['OR'], ['AND'], ['<', '<=', '>', '>=', '=='], ['+', '-'], ['*', '/']];

/** What a metric math expression comes to. */
export function evaluate(expression: string, metrics: { [id: string]: Value }, periodSeconds = 60): Value {
  const tokens: string[] = expression.match(/[A-Za-z_][A-Za-z0-9_]*|\d+(\.\d+)?|[<>=]=|[-+*/<>(),]/g) ?? [];
  if (tokens.join('') !== expression.replace(/\s/g, '')) {
    throw new Error(`cannot read the expression ${expression}`);
  }
  const peek = () => tokens[0];
  const take = (expected?: string) => {
    const token = tokens.shift();
    if (token === undefined || expected !== undefined && token !== expected) {
      throw new Error(`${expected} is missing in ${expression}`);
    }
    return token;
  };

  const binary = (level: number): Value => {
    if (level === PRECEDENCE.length) { return primary(); }
    let left = binary(level + 1);
    while (PRECEDENCE[level].includes(peek())) {
      const operator = take();
      left = combine(left, binary(level + 1), OPERATORS[operator]);
    }
    return left;
  };
  const primary = (): Value => {
    const token = take();
    if (token === '(') {
      const inner = binary(0);
      take(')');
      return inner;
    }
    if (/^\d/.test(token)) { return Number(token); }
    if (peek() !== '(') {
      if (!(token in metrics)) { throw new Error(`no metric has the id ${token}`); }
      return metrics[token];
    }
    take('(');
    const args = [binary(0)];
    while (peek() === ',') {
      take();
      args.push(binary(0));
    }
    take(')');
    return call(token, args);
  };
  const call = (name: string, args: Value[]): Value => {
    switch (name) {
      case 'FILL': return (args[0] as Series).map((x) => x ?? args[1] as number);
      case 'PERIOD': return periodSeconds;
      case 'IF': return conditional(args[0] as Series, args[1], args[2]);
    }
    throw new Error(`the function ${name} is not known here`);
  };

  const result = binary(0);
  if (tokens.length > 0) { throw new Error(`${tokens[0]} is too much in ${expression}`); }
  return result;
}

/** A branch that is true and has no value is 0; one that is false and has none is dropped. */
function conditional(condition: Series, then: Value, otherwise: Value): Series {
  const at = (value: Value, i: number) => isSeries(value) ? value[i] : value;
  return condition.map((x, i) => {
    if (x === undefined) { return undefined; }
    return x === 0 ? at(otherwise, i) : at(then, i) ?? 0;
  });
}

/** A statistic of the samples in each period. */
export function statistic(samples: Samples, stat: string, minutes: number): Series {
  const periods = Array.from({ length: Math.floor(samples.length / minutes) }, (_, i) =>
    samples.slice(i * minutes, (i + 1) * minutes).flat());
  return periods.map((all) => {
    if (all.length === 0) { return undefined; }
    const sorted = [...all].sort((a, b) => a - b);
    const sum = all.reduce((x, y) => x + y, 0);
    const percentile = /^p(\d+(\.\d+)?)$/.exec(stat)?.[1];
    switch (stat) {
      case 'Sum': return sum;
      case 'Average': return sum / all.length;
      case 'Minimum': return sorted[0];
      case 'Maximum': return sorted[sorted.length - 1];
      case 'SampleCount': return all.length;
    }
    if (!percentile) { throw new Error(`the statistic ${stat} is not known here`); }
    return sorted[Math.max(0, Math.ceil(sorted.length * Number(percentile) / 100) - 1)];
  });
}

/** How an alarm decides. */
export interface Rule {
  readonly ComparisonOperator: string;
  readonly Threshold: number;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm?: number;
  readonly TreatMissingData: string;
}

const COMPARISONS: { [operator: string]: (value: number, threshold: number) => boolean } = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
};

/** Whether an alarm is in ALARM with these data points, the newest last. There are more than evaluation periods. */
export function isInAlarm(rule: Rule, seen: Series): boolean {
  const { EvaluationPeriods: wanted, DatapointsToAlarm = wanted } = rule;
  const existing = seen.filter((value): value is number => value !== undefined);
  const missing = Math.max(0, wanted - existing.length);
  if (!['breaching', 'notBreaching'].includes(rule.TreatMissingData)) {
    throw new Error(`${rule.TreatMissingData} is not known here`);
  }
  const compare = COMPARISONS[rule.ComparisonOperator];
  const breaching = existing.slice(-wanted).filter((value) => compare(value, rule.Threshold)).length;
  return breaching + (rule.TreatMissingData === 'breaching' ? missing : 0) >= DatapointsToAlarm;
}

/** One metric, as an alarm names it. */
export interface Metric {
  readonly Namespace: any;
  readonly MetricName: any;
  readonly Dimensions?: { Name: string; Value: any }[];
}

/** Where the samples of a metric come from. */
export type Source = (metric: Metric) => Samples;

/** The data points of an alarm, as it is in a template. */
export function dataPoints(alarm: any, source: Source): { readonly minutes: number; readonly points: Series } {
  const queries: any[] = alarm.Metrics ?? [{
    Id: 'only',
    ReturnData: true,
    MetricStat: { Metric: alarm, Stat: alarm.Statistic ?? alarm.ExtendedStatistic, Period: alarm.Period },
  }];
  const stats = queries.filter(({ MetricStat }) => MetricStat);
  const [seconds, ...others] = new Set<number>(stats.map(({ MetricStat }) => MetricStat.Period));
  if (others.length > 0) { throw new Error('the metrics of an alarm must have one period'); }
  if (stats.length > 10) { throw new Error('an alarm reads at most 10 metrics'); }
  const metrics: { [id: string]: Value } = Object.fromEntries(stats.map(({ Id, MetricStat: { Metric, Stat } }) =>
    [Id, statistic(source(Metric), Stat, seconds / 60)]));
  const returned = queries.filter(({ ReturnData }) => ReturnData !== false);
  if (returned.length !== 1) { throw new Error('an alarm watches one series'); }
  const expressions = queries.filter(({ Expression }) => Expression);
  // An expression may use others, in any order.
  for (let left = expressions; left.length > 0;) {
    const ready = left.filter(({ Expression }) =>
      left.every(({ Id }) => !new RegExp(`\\b${Id}\\b`).test(Expression)));
    if (ready.length === 0) { throw new Error('expressions use each other'); }
    ready.forEach(({ Id, Expression }) => { metrics[Id] = evaluate(Expression, metrics, seconds); });
    left = left.filter((query) => !ready.includes(query));
  }
  const points = metrics[returned[0].Id];
  if (!isSeries(points)) { throw new Error('an alarm watches a series, no number'); }
  return { minutes: seconds / 60, points };
}
