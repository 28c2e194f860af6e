import { Duration, Token } from 'aws-cdk-lib';
import { Capacity } from '../capacity';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** Health check of the load balancer. A task that fails it receives no requests, and is replaced. */
export interface HealthCheckOptions {
  /**
   * Path that the load balancer requests, optionally with a query string: at most 1024 visible ASCII characters. The
   * app must answer without authentication.
   *
   * @default '/health'
   */
  readonly path?: string;

  /**
   * Time between two health checks of a task: 5 to 300 seconds, longer than `timeout`.
   *
   * @default - 30 seconds; 10 seconds if tasks can run on Spot
   */
  readonly interval?: Duration;

  /**
   * Time without a response after which a health check fails: 2 to 120 seconds.
   *
   * @default Duration.seconds(5)
   */
  readonly timeout?: Duration;

  /**
   * Number of consecutive successful health checks before an unhealthy task receives requests again: 2 to 10.
   *
   * @default 2
   */
  readonly healthyThresholdCount?: number;

  /**
   * Number of consecutive failed health checks before a task is unhealthy, and replaced: 2 to 10.
   *
   * @default 2
   */
  readonly unhealthyThresholdCount?: number;

  /**
   * Status codes of a healthy response, from 200 to 499: a code ('200'), a list ('200,204') or a range ('200-299').
   *
   * @default '200'
   */
  readonly healthyHttpCodes?: string;

  /**
   * Time after the start of a task during which failed health checks are ignored, for apps that start slowly. 0 to
   * 2,147,483,647 seconds.
   *
   * @default Duration.seconds(60)
   * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
   */
  readonly gracePeriod?: Duration;
}

/** The health check with its defaults. */
export function healthCheckOf(
  { healthCheck = {}, capacity }: { readonly healthCheck?: HealthCheckOptions; readonly capacity?: Capacity },
): Required<HealthCheckOptions> {
  const interval = capacity?._usesSpot ? DEFAULTS.healthCheckIntervalOnSpot : DEFAULTS.healthCheck.interval;
  const explicit = Object.entries(healthCheck).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS.healthCheck, interval, ...Object.fromEntries(explicit) };
}

/** @param knownPaths the paths that the image responds to, if they are known */
export function validateHealthCheck(
  validation: Validation, healthCheck: Required<HealthCheckOptions>, knownPaths?: readonly string[],
): void {
  const { healthyThresholdCount, unhealthyThresholdCount, gracePeriod } = healthCheck;
  validatePath(validation, healthCheck.path, knownPaths);
  validateTimes(validation, healthCheck);
  validation.wholeNumber('healthCheck.healthyThresholdCount', healthyThresholdCount, [2, 10], 'a threshold');
  validation.wholeNumber('healthCheck.unhealthyThresholdCount', unhealthyThresholdCount, [2, 10], 'a threshold');
  validateHttpCodes(validation, healthCheck.healthyHttpCodes);
  // The maximum of an Integer in CloudFormation, which is the type of HealthCheckGracePeriodSeconds.
  validation.wholeSeconds('healthCheck.gracePeriod', gracePeriod, [0, 2_147_483_647], 'the grace period');
}

function validatePath(validation: Validation, path: string, knownPaths?: readonly string[]): void {
  if (Token.isUnresolved(path)) { return; }
  if (!/^\/[\x21-\x7e]{0,1023}$/.test(path)) {
    validation.refuse('healthCheck.path', show(path),
      'a path starts with / and has at most 1024 visible ASCII characters', 'set a path like /health');
  } else if (knownPaths && !knownPaths.includes(path.split('?')[0])) {
    validation.refuse('healthCheck.path', show(path), `the example app responds only to ${knownPaths.join(', ')}`,
      'leave it out, or set image to your own');
  }
}

function validateTimes(validation: Validation, { interval, timeout }: Required<HealthCheckOptions>): void {
  validation.refuseToken('healthCheck.interval', interval, 'it must be longer than the timeout');
  validation.refuseToken('healthCheck.timeout', timeout, 'it must be shorter than the interval');
  validation.wholeSeconds('healthCheck.interval', interval, [5, 300], 'the time between two health checks');
  validation.wholeSeconds('healthCheck.timeout', timeout, [2, 120], 'the timeout of a health check');
  if (timeout.isUnresolved() || interval.isUnresolved()) { return; }
  if (timeout.toMilliseconds({ integral: false }) >= interval.toMilliseconds({ integral: false })) {
    validation.refuse('healthCheck.timeout', show(timeout),
      `it must be less than healthCheck.interval, which is ${show(interval)}`,
      'shorten the timeout or lengthen the interval');
  }
}

function validateHttpCodes(validation: Validation, healthyHttpCodes: string): void {
  if (Token.isUnresolved(healthyHttpCodes)) { return; }
  const isList = /^\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*$/.test(healthyHttpCodes);
  const codes = isList ? healthyHttpCodes.split(/[,-]/).map(Number) : [];
  const isReversed = healthyHttpCodes.split(',').some((range) => range.split('-')[0] > (range.split('-')[1] ?? '999'));
  if (codes.length === 0 || isReversed || codes.some((code) => code < 200 || code > 499)) {
    validation.refuse('healthCheck.healthyHttpCodes', show(healthyHttpCodes),
      'it must list codes or ranges from 200 to 499', 'set it to 200, 200,204 or 200-299, for example');
  }
}
