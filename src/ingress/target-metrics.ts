import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';

/** Metrics of a math expression, by the identifiers that the expression uses. */
export type Metrics = Record<string, cloudwatch.Metric>;

/**
 * Load balancer metrics of the service, for its target group or for the two target groups that traffic shifts between.
 *
 * Metrics have the target group as a dimension, so other services on a shared listener are not counted.
 */
export class TargetMetrics {
  constructor(
    private readonly loadBalancerFullName: string,
    private readonly targetGroups: elbv2.IApplicationTargetGroup[],
  ) {}

  /** The metric for each target group. The identifier for the second one is `id` with the suffix `Alternate`. */
  public perTargetGroup(metricName: string, id: string, options: cloudwatch.MetricOptions): Metrics {
    const metrics = this.targetGroups.map((targetGroup) => new cloudwatch.Metric({
      namespace: 'AWS/ApplicationELB',
      metricName,
      dimensionsMap: {
        TargetGroup: (targetGroup as elbv2.ApplicationTargetGroup).targetGroupFullName,
        LoadBalancer: this.loadBalancerFullName,
      },
      ...options,
    }));
    return Object.fromEntries(metrics.map((metric, i) => [i === 0 ? id : `${id}Alternate`, metric]));
  }

  /** A metric of the whole load balancer, which counts other services on a shared listener too. */
  public loadBalancerMetric(metricName: string, options: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: 'AWS/ApplicationELB',
      metricName,
      dimensionsMap: { LoadBalancer: this.loadBalancerFullName },
      ...options,
    });
  }

  /** Percentage of requests that targets answer with 5xx, or 0 if a period has fewer than `minRequests` requests. */
  public errorRate(options: cloudwatch.MetricOptions, minRequests: number): cloudwatch.MathExpression {
    const errors = this.perTargetGroup('HTTPCode_Target_5XX_Count', 'errors', { ...options, statistic: 'Sum' });
    const requests = this.perTargetGroup('RequestCount', 'requests', { ...options, statistic: 'Sum' });
    const [errorSum, requestSum] = [sumExpression(errors), sumExpression(requests)];
    return new cloudwatch.MathExpression({
      expression: `IF(${requestSum} >= ${minRequests}, 100 * ${errorSum} / ${requestSum}, 0)`,
      usingMetrics: { ...errors, ...requests },
      period: options.period,
      label: '5xx of the tasks, %',
    });
  }

  /** Number of targets that fail the health check. */
  public unhealthyTasks(options: cloudwatch.MetricOptions): cloudwatch.IMetric {
    const metrics = this.perTargetGroup('UnHealthyHostCount', 'unhealthy', { ...options, statistic: 'Maximum' });
    return sumOf(metrics, { label: 'UnHealthyHostCount', ...options });
  }
}

/** Expression for the sum of metrics, with 0 for a metric without data. */
export function sumExpression(metrics: Metrics): string {
  return `(${Object.keys(metrics).map((id) => `FILL(${id}, 0)`).join(' + ')})`;
}

/** The sum of metrics, or the metric itself if there is only one. */
export function sumOf(metrics: Metrics, { period, label, color }: cloudwatch.MetricOptions): cloudwatch.IMetric {
  const list = Object.values(metrics);
  if (list.length === 1) { return list[0]; }
  return new cloudwatch.MathExpression({
    expression: sumExpression(metrics),
    usingMetrics: metrics,
    period,
    label,
    color,
  });
}
