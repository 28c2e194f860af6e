import { evaluate, isInAlarm, Series, statistic } from '../support/cloudwatch';

const none = undefined;

/** Examples of metric math from the CloudWatch user guide. */
test.each<[string, { [id: string]: Series }, Series]>([
  ['metric1 < metric2', { metric1: [30, 20, 0, 0], metric2: [20, none, 20, none] }, [0, 0, 1, 0]],
  ['metric1 >= 30', { metric1: [30, 20, 0, 0] }, [1, 0, 0, 0]],
  ['metric1 > 15 AND metric2 > 15', { metric1: [30, 20, 0, 0], metric2: [20, none, 20, none] }, [1, 0, 0, 0]],
  [
    'IF(metric1, metric2, metric3)',
    { metric1: [1, 1, 0, 0, none], metric2: [30, none, 0, 0, 30], metric3: [0, 0, 20, none, 20] },
    [30, 0, 20, none, none],
  ],
  ['IF(metric1, 5, metric3)', { metric1: [1, 1, 0, 0, none], metric3: [0, 0, 20, none, 20] }, [5, 5, 20, none, none]],
  ['IF(metric1, metric2, 5)', { metric1: [1, 1, 0, 0, none], metric2: [30, none, 0, 0, 30] }, [30, 0, 5, 5, none]],
  // Not examples, but stated in the text: missing values count as 0, and a division by zero has no result.
  ['m1 + m2', { m1: [1, none, 3, none], m2: [1, 2, none, none] }, [2, 2, 3, none]],
  ['m1 / m2', { m1: [4, 4], m2: [2, 0] }, [2, none]],
  ['FILL(m1, 0) * 2 + 1', { m1: [3, none] }, [7, 1]],
  ['m1 / (PERIOD(m1) / 60)', { m1: [3, 6] }, [3, 6]],
])('%s', (expression, metrics, result) => {
  expect(evaluate(expression, metrics)).toEqual(result);
});

test.each(['m1 +', 'm1 m2', 'NOPE(m1)', 'm3 + 1', 'm1 % 2'])('fails with %s', (expression) => {
  expect(() => evaluate(expression, { m1: [1], m2: [1] })).toThrow();
});

test.each<[string, number]>([
  ['Sum', 10],
  ['Average', 2.5],
  ['Minimum', 1],
  ['Maximum', 4],
  ['SampleCount', 4],
  ['p50', 2],
  ['p99', 4],
])('%s', (stat, result) => {
  expect(statistic([[1, 2], [], [3], [4]], stat, 4)).toEqual([result]);
  expect(statistic([[], [], [], []], stat, 4)).toEqual([none]);
});

/** Examples of missing data from the CloudWatch user guide, with five data points: X is breaching, - is missing. */
test.each<[string, number, boolean, boolean]>([
  // data points, data points to alarm out of 3, alarm if missing data is breaching, alarm if it is not breaching
  ['0 - X - X', 3, false, false],
  ['0 - - - -', 3, false, false],
  ['- - - - -', 3, true, false],
  ['0 X X - X', 3, true, true],
  ['- - - - X', 3, true, false],
  ['X - - - -', 3, true, false],
  ['0 - X - X', 2, true, true],
  ['0 0 X 0 X', 2, true, true],
  ['0 - X - -', 2, true, false],
  ['- - - - 0', 2, true, false],
  ['- - - - X', 2, true, false],
])('%s, %i of 3', (data, DatapointsToAlarm, breaching, notBreaching) => {
  const seen = data.split(' ').map((point) => (({ 0: 0, X: 1 }) as { [point: string]: number })[point]);
  const rule = { ComparisonOperator: 'GreaterThanThreshold', Threshold: 0, EvaluationPeriods: 3, DatapointsToAlarm };

  expect(isInAlarm({ ...rule, TreatMissingData: 'breaching' }, seen)).toBe(breaching);
  expect(isInAlarm({ ...rule, TreatMissingData: 'notBreaching' }, seen)).toBe(notBreaching);
});
