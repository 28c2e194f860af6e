import { Duration, Token } from 'aws-cdk-lib';
import { Capacity } from '../capacity';
import { HealthCheckOptions, healthCheckOf } from '../ingress/health-check';
import { Ingress } from '../ingress/ingress';
import { IngressType } from '../ingress/ingress-type';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

export interface ShutdownProps {
  readonly stopTimeout?: Duration;
  readonly capacity?: Capacity;
  readonly healthCheck?: HealthCheckOptions;
  readonly ingress?: Ingress;
}

/** How a task leaves, in seconds since SIGTERM: delay < timeout < stopTimeout. What depends on a token is NaN. */
export interface ShutdownTimes {
  /** So long, the app keeps serving while its `/health` answers 503. */
  readonly delay: number;
  /** By then it has finished what is under way, or exits without. */
  readonly timeout: number;
  /** Then ECS sends SIGKILL. */
  readonly stopTimeout: number;
}

/** The longest that Fargate waits between SIGTERM and SIGKILL. */
const MAX_STOP_TIMEOUT = 120;

/** Seconds between one time of the shutdown and the next. */
const MARGIN = 5;

/** The way in, with its default. */
export function ingressOf(props: { readonly ingress?: Ingress }): IngressType {
  return (props.ingress ?? Ingress.http())._type;
}

/**
 * On demand, ECS deregisters a target before it sends SIGTERM: a short delay covers the load balancer's own slowness to notice.
 * On Spot it may not, and only as many failed health checks as make a target unhealthy take the task out of rotation.
 * What is under way then has as long as the load balancer gives it. Without a load balancer, API Gateway learns from Cloud Map
 * that a task has gone, for which AWS promises no time: 30 s is an assumption.
 */
export function shutdownTimes(props: ShutdownProps): ShutdownTimes {
  const { interval, timeout, unhealthyThresholdCount } = healthCheckOf(props);
  const outOfRotation = known(unhealthyThresholdCount) * seconds(interval) + seconds(timeout);
  const withLoadBalancer = props.capacity?._usesSpot ? outOfRotation + MARGIN : 10;
  const delay = ingressOf(props).checksHealth ? withLoadBalancer : 30;
  const stopTimeout = props.stopTimeout ? seconds(props.stopTimeout) : delay + seconds(DEFAULTS.deregistrationDelay) + MARGIN;
  return { delay, timeout: stopTimeout - MARGIN, stopTimeout };
}

export function validateShutdown(validation: Validation, props: ShutdownProps): void {
  const { delay, timeout, stopTimeout } = shutdownTimes(props);
  const onSpot = props.capacity?._usesSpot && ingressOf(props).checksHealth;
  if (Number.isNaN(delay) || Number.isNaN(stopTimeout)) {
    validation.refuse(Number.isNaN(delay) ? 'healthCheck' : 'stopTimeout', 'a token', 'the times of the shutdown are worked out from it', 'set numbers');
    return;
  }
  validation.wholeSeconds('stopTimeout', props.stopTimeout, 1, MAX_STOP_TIMEOUT, 'the time that Fargate gives a task to exit');
  const why = `for ${delay} s after SIGTERM the app must serve, until ${onSpot ? 'failed health checks have' : 'the load balancer has'} taken it out of rotation`;
  const fix = onSpot ? 'lower interval, timeout or unhealthyThresholdCount of healthCheck' : `set ${delay + 2 * MARGIN} to ${MAX_STOP_TIMEOUT} seconds`;
  if (!props.stopTimeout && stopTimeout > MAX_STOP_TIMEOUT) {
    validation.refuse('healthCheck', `too slow for Spot, with a stopTimeout of ${stopTimeout} seconds`, `Fargate gives ${MAX_STOP_TIMEOUT} s, and ${why}`, fix);
  } else if (timeout < delay + MARGIN) {
    validation.refuse('stopTimeout', show(Duration.seconds(stopTimeout)), `${why}, and then finish and exit`, fix);
  }
}

function known(value: number): number {
  return Token.isUnresolved(value) ? NaN : value;
}

function seconds(duration: Duration): number {
  return duration.isUnresolved() ? NaN : duration.toMilliseconds() / 1000;
}
