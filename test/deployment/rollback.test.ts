import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Deployment, HelloFargateServiceProps, Ingress } from '../../src/index';
import { dataPoints, isInAlarm, Samples, Series, Source } from '../support/cloudwatch';
import { sharedListenerProps } from '../support/fixtures';
import { memoize, newStack, templateOf } from '../support/synth';

/** What happens to the requests to one version in a minute. All others are answered well. */
interface Traffic {
  readonly requests: number;
  /** Responses of the tasks with 5xx. */
  readonly errors?: number;
  /** Requests that the load balancer answers with 502 or 504, because a task closes the connection or times out. */
  readonly brokenOff?: number;
  readonly tooSlow?: number;
}

/** A minute of two versions, of which each has its target group. */
interface Minute {
  readonly main: Traffic;
  readonly alternate: Traffic;
}

const NONE: Traffic = { requests: 0 };
const MINUTES = 12;

/**
 * The samples that the load balancer reports, counts only if they are not 0:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html.
 */
function sourceOf(minutes: Minute[]): Source {
  return ({ MetricName, Dimensions = [] }) => {
    const names = Dimensions.map(({ Name }) => Name).sort().join();
    const isAlternate = JSON.stringify(Dimensions).includes('AlternateTargetGroup');
    const count = (of: (traffic: Traffic) => number | undefined): Samples => minutes.map(({ main, alternate }) => {
      const groups = names === 'LoadBalancer' ? [main, alternate] : [isAlternate ? alternate : main];
      const sum = groups.reduce((total, traffic) => total + (of(traffic) ?? 0), 0);
      return sum > 0 ? [sum] : [];
    });
    const answered = ({ requests, brokenOff = 0, tooSlow = 0 }: Traffic) => requests - brokenOff - tooSlow;
    switch (`${MetricName} by ${names}`) {
      case 'RequestCount by LoadBalancer,TargetGroup': return count(({ requests }) => requests);
      case 'HTTPCode_Target_5XX_Count by LoadBalancer,TargetGroup': return count(({ errors }) => errors);
      case 'TargetResponseTime by LoadBalancer,TargetGroup':
        return count(answered).map(([n = 0]) => new Array<number>(n).fill(0.05));
      case 'HTTPCode_ELB_502_Count by LoadBalancer': return count(({ brokenOff }) => brokenOff);
      case 'HTTPCode_ELB_504_Count by LoadBalancer': return count(({ tooSlow }) => tooSlow);
    }
    throw new Error(`AWS does not report ${MetricName} by ${names}`);
  };
}

const alarmOf = memoize((props: (stack: Stack) => HelloFargateServiceProps) => {
  const stack = newStack();
  const alarms = (templateOf(props(stack), stack) as Template).findResources('AWS::CloudWatch::Alarm');
  return Object.entries(alarms).find(([id]) => /RollbackOnErrors/.test(id))![1].Properties;
});

/** Whether the alarm rolls a deployment back while every minute is like this one. */
function rollsBack(props: (stack: Stack) => HelloFargateServiceProps, minute: Minute): boolean {
  const alarm = alarmOf(props);
  const { points } = dataPoints(alarm, sourceOf(new Array<Minute>(MINUTES).fill(minute)));
  const windows = points.map((_, i): Series => points.slice(Math.max(0, i - alarm.EvaluationPeriods - 2), i + 1));
  return windows.slice(alarm.EvaluationPeriods - 1).some((seen) => isInAlarm(alarm, seen));
}

const own = () => ({ deployment: Deployment.canary() });
const shared = (stack: Stack) => ({ ...sharedListenerProps(stack), deployment: Deployment.canary() });
const TWO_GROUPS = { 'its own load balancer': own, 'a shared listener': shared };
type Kind = 'errors' | 'brokenOff' | 'tooSlow';
const KINDS_OF: Record<keyof typeof TWO_GROUPS, Kind[]> = {
  'its own load balancer': ['errors', 'brokenOff', 'tooSlow'],
  'a shared listener': ['errors'],
};

/** The new version in either target group: each deployment goes to the other one. */
const either = (oldVersion: Traffic, newVersion: Traffic): Minute[] =>
  [{ main: oldVersion, alternate: newVersion }, { main: newVersion, alternate: oldVersion }];

/** The requests to the old version, if the new one gets this many. */
const othersOf = (percent: number, requests: number) => Math.round(requests * (100 - percent) / percent);

describe.each(Object.keys(TWO_GROUPS) as Array<keyof typeof TWO_GROUPS>)('with two target groups of %s', (ingress) => {
  const props = TWO_GROUPS[ingress];

  describe.each([0.1, 1, 5, 10, 50, 100])('%s %% of the requests to the new version', (percent) => {
    const minutes = (requests: number, failed: Partial<Traffic> = {}, failedOfOld: Partial<Traffic> = {}) =>
      either({ requests: othersOf(percent, requests), ...failedOfOld }, { requests, ...failed });
    const results = (some: Minute[]) => some.map((minute) => rollsBack(props, minute));

    test.each(KINDS_OF[ingress])('roll it back if all fail, from two a minute (%s)', (kind: Kind) => {
      expect(results(minutes(2, { [kind]: 2 }))).toEqual([true, true]);
      expect(results(minutes(50, { [kind]: 50 }))).toEqual([true, true]);
    });

    test.each(KINDS_OF[ingress])('roll it back above 5 %% failures (%s)', (kind: Kind) => {
      expect(results(minutes(50, { [kind]: 3 }))).toEqual([true, true]);
      expect(results(minutes(60, { [kind]: 3 }))).toEqual([false, false]);
    });

    test.each(KINDS_OF[ingress])('do not roll it back for one failure a minute (%s)', (kind: Kind) => {
      expect(results(minutes(1, { [kind]: 1 }))).toEqual([false, false]);
      expect(results(minutes(10, { [kind]: 1 }))).toEqual([false, false]);
    });

    test('do not roll it back if they succeed', () => {
      expect(results(minutes(50))).toEqual([false, false]);
      expect(results(minutes(0))).toEqual([false, false]);
    });

    test('are not charged with the failures of the old version', () => {
      const ofOld = (kind: Kind) => results(minutes(40, {}, { [kind]: Math.floor(othersOf(percent, 40) / 25) }));

      expect(KINDS_OF[ingress].map(ofOld)).toEqual(KINDS_OF[ingress].map(() => [false, false]));
    });
  });

  test('does nothing without requests', () => {
    expect(rollsBack(props, { main: NONE, alternate: NONE })).toBe(false);
  });
});

describe('with one target group', () => {
  const kinds: Array<[Kind]> = [['errors'], ['brokenOff'], ['tooSlow']];
  const result = (main: Traffic) => rollsBack(() => ({}), { main, alternate: NONE });

  test.each(kinds)('both versions are counted together (%s)', (kind) => {
    expect(result({ requests: 40, [kind]: 20 })).toBe(true);
    expect(result({ requests: 2, [kind]: 2 })).toBe(true);
    expect(result({ requests: 40, [kind]: 2 })).toBe(false);
    expect(result({ requests: 2, [kind]: 1 })).toBe(false);
  });

  test('the failures of other services on a shared load balancer are not counted', () => {
    const alarm = alarmOf((stack) => sharedListenerProps(stack));

    expect(JSON.stringify(alarm)).not.toContain('HTTPCode_ELB');
  });

  test('and CloudFront, 502 and 504 are counted', () => {
    expect(rollsBack(() => ({ ingress: Ingress.cloudFront() }), {
      main: { requests: 40, brokenOff: 20 }, alternate: NONE,
    })).toBe(true);
  });
});
