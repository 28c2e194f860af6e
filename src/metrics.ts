import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';

/**
 * What a load balancer counts of the service: of its one target group, or of the two between which traffic shifts.
 *
 * Metrics are named by target group and load balancer, so that the neighbours at a shared listener do not count.
 */
export class TargetMetrics {
  /** The sum of metrics in an expression, where a target group that has nothing to say counts as nothing. */
  public static sum(metrics: { [id: string]: cloudwatch.Metric }): string {
    return `(${Object.keys(metrics).map((id) => `FILL(${id}, 0)`).join(' + ')})`;
  }

  constructor(
    private readonly loadBalancerFullName: string,
    private readonly targetGroups: elbv2.IApplicationTargetGroup[],
  ) {}

  /** A metric of each target group, under the names that an expression calls them by. */
  public each(metricName: string, id: string, options: cloudwatch.MetricOptions): { [id: string]: cloudwatch.Metric } {
    return Object.fromEntries(this.targetGroups.map((targetGroup, i) => [i === 0 ? id : `${id}Alternate`, new cloudwatch.Metric({
      namespace: 'AWS/ApplicationELB',
      metricName,
      dimensionsMap: { TargetGroup: (targetGroup as elbv2.ApplicationTargetGroup).targetGroupFullName, LoadBalancer: this.loadBalancerFullName },
      ...options,
    })]));
  }

  /** Answers of the tasks with 5xx, in percent of all; 0 with fewer requests in a period than `leastRequests`. */
  public errorRate(options: cloudwatch.MetricOptions, leastRequests: number): cloudwatch.MathExpression {
    const errors = this.each('HTTPCode_Target_5XX_Count', 'errors', { ...options, statistic: 'Sum' });
    const requests = this.each('RequestCount', 'requests', { ...options, statistic: 'Sum' });
    const sum = TargetMetrics.sum;
    return new cloudwatch.MathExpression({
      expression: `IF(${sum(requests)} >= ${leastRequests}, 100 * ${sum(errors)} / ${sum(requests)}, 0)`,
      usingMetrics: { ...errors, ...requests },
      period: options.period,
      label: '5xx of the tasks, %',
    });
  }

  /** Tasks that fail their health check. */
  public unhealthyTasks(options: cloudwatch.MetricOptions): cloudwatch.IMetric {
    return this.summed('UnHealthyHostCount', 'unhealthy', { ...options, statistic: 'Maximum' });
  }

  private summed(metricName: string, id: string, options: cloudwatch.MetricOptions): cloudwatch.IMetric {
    const metrics = this.each(metricName, id, options);
    const { period, label } = options;
    return this.targetGroups.length === 1
      ? metrics[id]
      : new cloudwatch.MathExpression({ expression: TargetMetrics.sum(metrics), usingMetrics: metrics, period, label: label ?? metricName });
  }
}
