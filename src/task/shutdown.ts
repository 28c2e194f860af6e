import { Duration, Token } from 'aws-cdk-lib';
import { HealthCheckOptions } from '../ingress/health-check';
import { IngressTraits } from '../ingress/ingress-type';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** Facts about the service that its tasks depend on. */
export interface TaskContext {
  readonly ingress: IngressTraits;
  readonly healthCheck: Required<HealthCheckOptions>;
  readonly usesSpot: boolean;
}

/** The shutdown of a task in seconds after SIGTERM: delay < timeout < stopTimeout. NaN if it depends on a token. */
export interface ShutdownTimes {
  /** How long the app keeps serving while its `/health` returns 503. */
  readonly delay: number;
  /** When the app exits, even if requests are still in flight. */
  readonly timeout: number;
  /** When ECS sends SIGKILL. */
  readonly stopTimeout: number;
}

/** The limit of Fargate for the time between SIGTERM and SIGKILL. */
const MAX_STOP_TIMEOUT = 120;

/** Seconds between two steps of the shutdown. */
const MARGIN = 5;

/**
 * ECS deregisters an On-Demand task before it sends SIGTERM, so this only covers the propagation in the load balancer.
 */
const ON_DEMAND_DELAY = 10;

/**
 * API Gateway learns from Cloud Map that a task has stopped. AWS documents no time for that, so this is an assumption.
 */
const DELAY_WITHOUT_LOAD_BALANCER = 30;

export function shutdownTimes(stopTimeout: Duration | undefined, context: TaskContext): ShutdownTimes {
  const delay = shutdownDelay(context);
  const total = stopTimeout ? seconds(stopTimeout) : delay + seconds(DEFAULTS.deregistrationDelay) + MARGIN;
  return { delay, timeout: total - MARGIN, stopTimeout: total };
}

function shutdownDelay({ ingress, healthCheck, usesSpot }: TaskContext): number {
  if (!ingress.hasLoadBalancer) { return DELAY_WITHOUT_LOAD_BALANCER; }
  if (!usesSpot) { return ON_DEMAND_DELAY; }
  // An interrupted Spot task may stay registered, so only failing health checks take it out of rotation.
  const { interval, timeout, unhealthyThresholdCount } = healthCheck;
  const threshold = Token.isUnresolved(unhealthyThresholdCount) ? NaN : unhealthyThresholdCount;
  return threshold * seconds(interval) + seconds(timeout) + MARGIN;
}

export function validateShutdown(
  validation: Validation, configured: Duration | undefined, context: TaskContext,
): void {
  const { delay, timeout, stopTimeout } = shutdownTimes(configured, context);
  if (Number.isNaN(delay) || Number.isNaN(stopTimeout)) {
    validation.refuse(Number.isNaN(delay) ? 'healthCheck' : 'stopTimeout', 'a token',
      'the times of the shutdown are computed from it', 'set numbers');
    return;
  }
  validation.wholeSeconds('stopTimeout', configured, [1, MAX_STOP_TIMEOUT],
    'the time that Fargate gives a task to exit');
  const needsFailedChecks = context.usesSpot && context.ingress.hasLoadBalancer;
  const event = needsFailedChecks ? 'failed health checks have' : 'the load balancer has';
  const rule = `the app must serve for ${delay} s after SIGTERM, until ${event} taken it out of rotation`;
  const fix = needsFailedChecks
    ? 'lower interval, timeout or unhealthyThresholdCount of healthCheck'
    : `set ${delay + 2 * MARGIN} to ${MAX_STOP_TIMEOUT} seconds`;
  if (!configured && stopTimeout > MAX_STOP_TIMEOUT) {
    validation.refuse('healthCheck', `too slow for Spot, with a stopTimeout of ${stopTimeout} seconds`,
      `Fargate gives a task ${MAX_STOP_TIMEOUT} s to exit, and ${rule}`, fix);
  } else if (timeout < delay + MARGIN) {
    validation.refuse('stopTimeout', show(Duration.seconds(stopTimeout)),
      `${rule}, and then complete requests and exit`, fix);
  }
}

function seconds(duration: Duration): number {
  return duration.isUnresolved() ? NaN : duration.toMilliseconds({ integral: false }) / 1000;
}
