import { aws_ecs as ecs } from 'aws-cdk-lib';
import { Validation } from '../validation';

/**
 * The limits of https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html. CDK checks some of them,
 * after resources were created. It allows a timeout of up to 120 seconds.
 */
export function validateHealthCheckCommand(
  validation: Validation, prop: string, healthCheck: ecs.HealthCheck | undefined,
): void {
  if (!healthCheck) { return; }
  const { command, interval, timeout, retries, startPeriod } = healthCheck;
  validation.notEmpty(`${prop}.command`, command, 'set it like [\'CMD\', \'/app/healthy\']');
  validation.refuseToken(`${prop}.interval`, interval, 'it must not be shorter than the timeout');
  validation.refuseToken(`${prop}.timeout`, timeout, 'it must not be longer than the interval');
  validation.wholeSeconds(`${prop}.interval`, interval, [5, 300], 'the time between two health checks');
  validation.wholeSeconds(`${prop}.timeout`, timeout, [2, 120], 'the timeout of a health check');
  validation.wholeNumber(`${prop}.retries`, retries, [1, 10], 'the number of retries');
  validation.wholeSeconds(`${prop}.startPeriod`, startPeriod, [0, 300], 'the start period');
  if (interval?.isUnresolved() || timeout?.isUnresolved()) { return; }
  const [intervalMs, timeoutMs] = [interval, timeout]
    .map((time, i) => time?.toMilliseconds({ integral: false }) ?? [30_000, 5_000][i]);
  if (timeoutMs > intervalMs) {
    validation.refuse(`${prop}.timeout`, `${timeoutMs / 1000} seconds`,
      `it must not exceed the interval, which is ${intervalMs / 1000} seconds`,
      'shorten the timeout or lengthen the interval');
  }
}
