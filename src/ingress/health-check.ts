import { Duration, Token } from 'aws-cdk-lib';
import { Capacity } from '../capacity';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** How the load balancer finds out whether a task can serve. */
export interface HealthCheckOptions {
  /**
   * The path that is asked for, with a query if need be. It must answer without credentials.
   *
   * @default '/health'
   */
  readonly path?: string;

  /**
   * Time from one probe to the next: 5 to 300 s, above the time-out.
   *
   * @default - 30 seconds; 10 seconds where tasks may run on Spot
   */
  readonly interval?: Duration;

  /**
   * Time without an answer after which a probe has failed: 2 to 120 s.
   *
   * @default Duration.seconds(5)
   */
  readonly timeout?: Duration;

  /**
   * Probes in a row that must pass before a target that has failed is used again: 2 to 10.
   *
   * @default 2
   */
  readonly healthyThresholdCount?: number;

  /**
   * Probes in a row that must fail before a target is left out and its task replaced: 2 to 10.
   *
   * @default 2
   */
  readonly unhealthyThresholdCount?: number;

  /**
   * The status codes that pass, from 200 to 499: one ('200'), a list ('200,204') or a range ('200-299').
   *
   * @default '200'
   */
  readonly healthyHttpCodes?: string;

  /**
   * Time after the start of a task in which failed probes do not count, for apps that are slow to start.
   *
   * @default Duration.seconds(60)
   */
  readonly gracePeriod?: Duration;
}

/** The health check with its defaults. */
export function healthCheckOf(props: { readonly healthCheck?: HealthCheckOptions; readonly capacity?: Capacity }): Required<HealthCheckOptions> {
  const interval = props.capacity?._usesSpot ? DEFAULTS.healthCheckIntervalOnSpot : DEFAULTS.healthCheck.interval;
  const told = Object.entries(props.healthCheck ?? {}).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS.healthCheck, interval, ...Object.fromEntries(told) };
}

/** @param paths that the image is known to answer, if any is */
export function validateHealthCheck(validation: Validation, healthCheck: Required<HealthCheckOptions>, paths?: readonly string[]): void {
  const { path, interval, timeout, healthyHttpCodes } = healthCheck;
  if (!Token.isUnresolved(path) && !/^\/[\x21-\x7e]{0,1023}$/.test(path)) {
    validation.refuse('healthCheck.path', show(path), 'a path starts with / and has at most 1024 visible ASCII characters', 'write it like /health');
  } else if (paths && !Token.isUnresolved(path) && !paths.includes(path.split('?')[0])) {
    validation.refuse('healthCheck.path', show(path), `the example app answers ${paths.join(', ')}`, 'leave it out, or give your own image');
  }
  validation.wholeSeconds('healthCheck.interval', interval, 5, 300, 'the time between two probes');
  validation.wholeSeconds('healthCheck.timeout', timeout, 2, 120, 'the time-out of a probe');
  if (!timeout.isUnresolved() && !interval.isUnresolved() && timeout.toMilliseconds() >= interval.toMilliseconds()) {
    validation.refuse('healthCheck.timeout', show(timeout), `it must be below healthCheck.interval, which is ${show(interval)}`,
      'shorten the timeout or lengthen the interval');
  }
  validation.wholeNumber('healthCheck.healthyThresholdCount', healthCheck.healthyThresholdCount, 2, 10, 'a threshold');
  validation.wholeNumber('healthCheck.unhealthyThresholdCount', healthCheck.unhealthyThresholdCount, 2, 10, 'a threshold');
  if (!Token.isUnresolved(healthyHttpCodes)) {
    const codes = /^\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*$/.test(healthyHttpCodes) ? healthyHttpCodes.split(/[,-]/).map(Number) : [];
    if (codes.length === 0 || codes.some((code) => code < 200 || code > 499)) {
      validation.refuse('healthCheck.healthyHttpCodes', show(healthyHttpCodes), 'it lists codes and ranges from 200 to 499', 'write it like 200, 200,204 or 200-299');
    }
  }
  // The upper bound is that of the service's healthCheckGracePeriodSeconds, an Integer of CloudFormation.
  validation.wholeSeconds('healthCheck.gracePeriod', healthCheck.gracePeriod, 0, 2_147_483_647, 'the grace period');
}
