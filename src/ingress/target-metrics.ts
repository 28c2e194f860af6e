import { aws_cloudwatch as cloudwatch, aws_elasticloadbalancingv2 as elbv2 } from 'aws-cdk-lib';

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

  /**
   * Requests that a task received but did not answer: 502 and 504 responses of the whole load balancer.
   *
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
   */
  public unanswered(options: cloudwatch.MetricOptions): Metrics {
    const sum = { ...options, statistic: 'Sum' };
    return {
      brokenOff: this.loadBalancerMetric('HTTPCode_ELB_502_Count', {
        label: '502: connection closed by a task',
        ...sum,
      }),
      tooSlow: this.loadBalancerMetric('HTTPCode_ELB_504_Count', { label: '504: timeout', ...sum }),
    };
  }

  /**
   * Percentage of failed requests, or 0 if a period has fewer than `minFailed` of them. With two target groups, the
   * greater of their percentages: in the sum of both, the failures of a canary would be lost.
   *
   * @param ownsLoadBalancer whether the load balancer's own responses with 502 and 504 count, too
   */
  public errorRate(
    options: cloudwatch.MetricOptions, minFailed: number, ownsLoadBalancer: boolean,
  ): cloudwatch.MathExpression {
    const { period } = options;
    const requests = this.perTargetGroup('RequestCount', 'requests', { ...options, statistic: 'Sum' });
    const failed = this.failed(options, requests, ownsLoadBalancer ? this.unanswered(options) : {});
    const failedIds = Object.keys(failed);
    const [rate, alternateRate] = Object.keys(requests).map((id, i) =>
      `IF(${failedIds[i]} >= ${minFailed}, 100 * ${failedIds[i]} / FILL(${id}, 0), 0)`);
    return new cloudwatch.MathExpression({
      expression: greaterExpression(rate, alternateRate),
      usingMetrics: { ...failed, ...requests },
      period,
      label: 'failed requests, %',
    });
  }

  /** Failed requests for each target group. */
  private failed(
    options: cloudwatch.MetricOptions, requests: Metrics, unanswered: Metrics,
  ): Record<string, cloudwatch.MathExpression> {
    const errors = this.perTargetGroup('HTTPCode_Target_5XX_Count', 'errors', { ...options, statistic: 'Sum' });
    const { period } = options;
    if (Object.keys(errors).length === 1) {
      const all = { ...errors, ...unanswered };
      return { failed: new cloudwatch.MathExpression({ expression: sumExpression(all), usingMetrics: all, period }) };
    }
    // The load balancer does not count 502 and 504 responses by target group. A target group cannot have more of them
    // than requests without a response. Its response times have percentiles, hence a sample for each response.
    const answered = Object.keys(unanswered).length > 0
      ? this.perTargetGroup('TargetResponseTime', 'answered', { ...options, statistic: 'SampleCount' })
      : {};
    const [requestIds, answeredIds] = [Object.keys(requests), Object.keys(answered)];
    return Object.fromEntries(Object.entries(errors).map(([id, metric], i) => {
      const answeredId = answeredIds[i];
      const terms = [`FILL(${id}, 0)`];
      const usingMetrics: Metrics = { [id]: metric };
      if (answeredId) {
        const [most, open] = [sumExpression(unanswered), `(FILL(${requestIds[i]}, 0) - FILL(${answeredId}, 0))`];
        terms.push(`IF(${open} > 0, IF(${open} < ${most}, ${open}, ${most}), 0)`);
        Object.assign(usingMetrics, unanswered,
          { [requestIds[i]]: requests[requestIds[i]], [answeredId]: answered[answeredId] });
      }
      const expression = terms.join(' + ');
      return [id.replace('errors', 'failed'), new cloudwatch.MathExpression({ expression, usingMetrics, period })];
    }));
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

/** Expression for the greater of two values, or for the only one. */
export function greaterExpression(value: string, other: string | undefined): string {
  return other ? `IF(${value} > ${other}, ${value}, ${other})` : value;
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
