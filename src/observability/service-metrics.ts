import { createHash } from 'node:crypto';
import { Tokenization, aws_cloudwatch as cloudwatch, aws_ecs as ecs } from 'aws-cdk-lib';
import { BoundIngress } from '../ingress/ingress-type';
import { greaterExpression, Metrics, sumExpression, sumOf, TargetMetrics } from '../ingress/target-metrics';

/**
 * Metrics of a service, with the same meaning for every ingress: from the load balancer or API Gateway, and from ECS.
 */
export class ServiceMetrics {
  /** Metrics of the load balancer, if there is one. */
  public readonly targets?: TargetMetrics;
  private readonly ownsLoadBalancer: boolean;
  private readonly apiId?: string;

  constructor(private readonly service: ecs.FargateService, { metrics, loadBalancer, httpApi }: BoundIngress) {
    this.targets = metrics;
    this.ownsLoadBalancer = loadBalancer !== undefined;
    this.apiId = httpApi?.apiId;
  }

  public cpuUtilization(options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return this.ecsMetric('CPUUtilization', options);
  }

  public memoryUtilization(options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return this.ecsMetric('MemoryUtilization', options);
  }

  /**
   * Number of running tasks, for periods of one minute: each task sends one sample a minute
   * (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service_utilization.html).
   */
  public runningTasks(options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return this.ecsMetric('CPUUtilization', { label: 'running tasks', ...options, statistic: 'SampleCount' });
  }

  /** Number of running tasks, for any period. */
  public runningTaskCount(options: cloudwatch.MetricOptions = {}): cloudwatch.MathExpression {
    const { period, label = 'running tasks', color, ...metricOptions } = options;
    const id = this.expressionId('running', { period });
    return new cloudwatch.MathExpression({
      expression: `${id} / (PERIOD(${id}) / 60)`,
      usingMetrics: { [id]: this.runningTasks({ ...metricOptions, period }) },
      period,
      label,
      color,
    });
  }

  /** Has no data while no task is registered. Undefined without a load balancer. */
  public healthyTasks(options: cloudwatch.MetricOptions = {}): cloudwatch.IMetric | undefined {
    if (!this.targets) { return undefined; }
    const { period, label = 'healthy tasks', color } = options;
    const id = this.expressionId('healthy', options);
    const metrics = this.targets.perTargetGroup('HealthyHostCount', id, { label, ...options });
    const ids = Object.keys(metrics);
    if (ids.length === 1) { return metrics[id]; }
    // CloudWatch counts missing data of one target group as 0. No data for both must remain missing, hence no FILL.
    return new cloudwatch.MathExpression({
      expression: ids.join(' + '),
      usingMetrics: metrics,
      period,
      label,
      color,
    });
  }

  public requests(options: cloudwatch.MetricOptions = {}): cloudwatch.IMetric {
    const metrics = this.requestMetrics(options, this.expressionId('requests', options));
    return sumOf(metrics, { label: 'requests', ...options });
  }

  /** 5xx responses of the tasks, or of the HTTP API. */
  public serverErrors(options: cloudwatch.MetricOptions = {}): cloudwatch.IMetric {
    const metrics = this.serverErrorMetrics(options, this.expressionId('errors', options));
    return sumOf(metrics, { label: '5xx', ...options });
  }

  public clientErrors(options: cloudwatch.MetricOptions = {}): cloudwatch.IMetric {
    const sum = { ...options, statistic: 'Sum' };
    const id = this.expressionId('clientErrors', options);
    const metrics = this.targets?.perTargetGroup('HTTPCode_Target_4XX_Count', id, sum)
      ?? { [id]: this.apiMetric('4xx', sum) };
    return sumOf(metrics, { label: '4xx', ...options });
  }

  /**
   * Requests that a task received but did not answer: 502 and 504 responses of the load balancer.
   *
   * Empty for a shared listener, whose load balancer counts the requests of all services, and for an HTTP API, which
   * counts them as 5xx responses.
   */
  public unansweredRequestMetrics(options: cloudwatch.MetricOptions = {}): Metrics {
    return this.targets && this.ownsLoadBalancer ? this.targets.unanswered(options) : {};
  }

  /** In seconds. With two target groups, the greater value, because percentiles cannot be added. */
  public responseTime(options: cloudwatch.MetricOptions = {}): cloudwatch.IMetric {
    const { period, label = 'response time, s', color } = options;
    const id = this.expressionId('time', options);
    const times = this.targets?.perTargetGroup('TargetResponseTime', id, { label, ...options })
      ?? { [id]: this.apiMetric('IntegrationLatency', options) };
    if (this.targets && Object.keys(times).length === 1) { return times[id]; }
    return new cloudwatch.MathExpression({
      expression: this.secondsExpression(times),
      usingMetrics: times,
      period,
      label,
      color,
    });
  }

  /**
   * Percentage of failed requests (5xx responses and requests without a response), or 0 if a period has fewer than
   * `minFailedRequests` failed requests.
   *
   * @param onlyWithTasks whether it is also 0 while no task is running
   */
  public errorRate(
    options: cloudwatch.MetricOptions, minFailedRequests: number, onlyWithTasks: boolean,
  ): cloudwatch.MathExpression {
    const errors = { ...this.serverErrorMetrics(options), ...this.unansweredRequestMetrics(options) };
    const requests = this.requestMetrics(options);
    const [errorSum, requestSum] = [sumExpression(errors), sumExpression(requests)];
    const conditions = [`${errorSum} >= ${Tokenization.stringifyNumber(minFailedRequests)}`];
    const running: Metrics = {};
    // An HTTP API counts requests for which there is no task. A load balancer does not.
    if (onlyWithTasks && !this.targets) {
      running.running = this.runningTasks({ period: options.period });
      conditions.push('FILL(running, 0) > 0');
    }
    return new cloudwatch.MathExpression({
      expression: `IF(${conditions.join(' AND ')}, 100 * ${errorSum} / ${requestSum}, 0)`,
      usingMetrics: { ...errors, ...requests, ...running },
      period: options.period,
      label: 'failed requests, %',
    });
  }

  /** A percentile of the response time in seconds, or 0 if a period has fewer than `minRequests` requests. */
  public responseTimePercentile(
    options: cloudwatch.MetricOptions & { statistic: string }, minRequests: number,
  ): cloudwatch.MathExpression {
    const { period } = options;
    const requests = this.requestMetrics({ period });
    const times = this.targets?.perTargetGroup('TargetResponseTime', 'time', options)
      ?? { time: this.apiMetric('IntegrationLatency', options) };
    return new cloudwatch.MathExpression({
      expression: `IF(${sumExpression(requests)} >= ${minRequests}, ${this.secondsExpression(times)}, 0)`,
      usingMetrics: { ...times, ...requests },
      period,
      label: `${options.statistic} of the response time, s`,
    });
  }

  /** A metric of Container Insights. Has data only if the cluster has Container Insights. */
  public containerInsightsMetric(metricName: string, options: cloudwatch.MetricOptions): cloudwatch.Metric {
    const namespace = 'ECS/ContainerInsights';
    return new cloudwatch.Metric({ namespace, metricName, dimensionsMap: this.dimensions, ...options });
  }

  /** The greater of two target groups' times, or the only time. API Gateway reports milliseconds. */
  private secondsExpression(times: Metrics): string {
    const [time, alternateTime] = Object.keys(times);
    return this.targets ? greaterExpression(time, alternateTime) : `${time} / 1000`;
  }

  /** An identifier that is unique on a graph with other services, and with the same metric for another period. */
  private expressionId(name: string, { statistic, period }: cloudwatch.MetricOptions): string {
    const key = [this.service.node.addr, statistic, period?.toSeconds()].join(' ');
    return `${name}_${createHash('sha256').update(key).digest('hex').slice(0, 8)}`;
  }

  private requestMetrics(options: cloudwatch.MetricOptions, id = 'requests'): Metrics {
    const sum = { ...options, statistic: 'Sum' };
    return this.targets?.perTargetGroup('RequestCount', id, sum) ?? { [id]: this.apiMetric('Count', sum) };
  }

  private serverErrorMetrics(options: cloudwatch.MetricOptions, id = 'errors'): Metrics {
    const sum = { ...options, statistic: 'Sum' };
    return this.targets?.perTargetGroup('HTTPCode_Target_5XX_Count', id, sum) ?? { [id]: this.apiMetric('5xx', sum) };
  }

  private ecsMetric(metricName: string, options: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({ namespace: 'AWS/ECS', metricName, dimensionsMap: this.dimensions, ...options });
  }

  private apiMetric(metricName: string, options: cloudwatch.MetricOptions): cloudwatch.Metric {
    const dimensionsMap = { ApiId: this.apiId! };
    return new cloudwatch.Metric({ namespace: 'AWS/ApiGateway', metricName, dimensionsMap, ...options });
  }

  private get dimensions(): Record<string, string> {
    return { ClusterName: this.service.cluster.clusterName, ServiceName: this.service.serviceName };
  }
}
