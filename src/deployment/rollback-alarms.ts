import { Duration, aws_cloudwatch as cloudwatch } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { Deployment } from './deployment';
import { HealthCheckOptions } from '../ingress/health-check';
import { BoundIngress } from '../ingress/ingress-type';
import { DEFAULTS } from '../preset';

/** Creates the alarms that roll back a deployment, and returns their names and those of the user's alarms. */
export function rollbackAlarms(
  scope: Construct,
  deployment: Deployment,
  { metrics, loadBalancer }: Pick<BoundIngress, 'metrics' | 'loadBalancer'>,
  healthCheck: Required<HealthCheckOptions>,
): string[] {
  const { rollbackOnErrors = true, rollbackAlarms: userAlarms = [] } = deployment._strategy.options;
  const userAlarmNames = userAlarms.map(({ alarmName }) => alarmName);
  if (!rollbackOnErrors || !metrics) { return userAlarmNames; }

  // Load balancer metrics only: an alarm on the service's own metrics would be a circular dependency, and an alarm on
  // missing healthy tasks would roll back the first deployment.
  const { errorRatePercent, minFailedRequests, minutes } = DEFAULTS.rollback;
  const errors = new cloudwatch.Alarm(scope, 'RollbackOnErrors', {
    alarmDescription: `Rolls back a deployment of ${scope.node.path}: `
      + `more than ${errorRatePercent} % of the requests, and at least ${minFailedRequests} a minute, fail`,
    metric: metrics.errorRate({ period: Duration.minutes(1) }, minFailedRequests, loadBalancer !== undefined),
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    threshold: errorRatePercent,
    evaluationPeriods: minutes,
    treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
  });
  const { gracePeriod } = healthCheck;
  const graceMilliseconds = gracePeriod.isUnresolved() ? 0 : gracePeriod.toMilliseconds({ integral: false });
  const graceMinutes = Math.ceil(graceMilliseconds / 60_000);
  const unhealthy = new cloudwatch.Alarm(scope, 'RollbackOnUnhealthyTasks', {
    alarmDescription: `Rolls back a deployment of ${scope.node.path}: tasks remain unhealthy`,
    metric: metrics.unhealthyTasks({ period: Duration.minutes(1) }),
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    threshold: 1,
    // Health checks of a task that is starting may fail during the grace period.
    evaluationPeriods: minutes + graceMinutes,
    treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
  });
  return [errors.alarmName, unhealthy.alarmName, ...userAlarmNames];
}
