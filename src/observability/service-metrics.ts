import { createHash } from 'crypto';
import { Tokenization } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { BoundIngress } from '../ingress/ingress-type';

type Metrics = { [id: string]: cloudwatch.Metric };

/**
 * What a load balancer counts of the service: of its one target group, or of the two between which traffic shifts.
 *
 * Metrics are named by target group and load balancer, so that the neighbours at a shared listener do not count.
 */
export class TargetMetrics {
  /** The sum of metrics in an expression, where a target group that has nothing to say counts as nothing. */
  public static sum(metrics: Metrics): string {
    return `(${Object.keys(metrics).map((id) => `FILL(${id}, 0)`).join(' + ')})`;
  }

  constructor(
    private readonly loadBalancerFullName: string,
    private readonly targetGroups: elbv2.IApplicationTargetGroup[],
  ) {}

  /** A metric of each target group, under the names that an expression calls them by. */
  public each(metricName: string, id: string, options: cloudwatch.MetricOptions): Metrics {
    return Object.fromEntries(this.targetGroups.map((targetGroup, i) => [i === 0 ? id : `${id}Alternate`, new cloudwatch.Metric({
      namespace: 'AWS/ApplicationELB',
      metricName,
      dimensionsMap: { TargetGroup: (targetGroup as elbv2.ApplicationTargetGroup).targetGroupFullName, LoadBalancer: this.loadBalancerFullName },
      ...options,
    })]));
  }

  /** A metric of the load balancer itself, in which the neighbours at a shared listener do count. */
  public ofLoadBalancer(metricName: string, options: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({ namespace: 'AWS/ApplicationELB', metricName, dimensionsMap: { LoadBalancer: this.loadBalancerFullName }, ...options });
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
    return summed(this.each('UnHealthyHostCount', 'unhealthy', { ...options, statistic: 'Maximum' }), { label: 'UnHealthyHostCount', ...options });
  }
}

/** One metric as it is, or the sum of two. */
function summed(metrics: Metrics, { period, label, color }: cloudwatch.MetricOptions): cloudwatch.IMetric {
  const all = Object.values(metrics);
  return all.length === 1
    ? all[0]
    : new cloudwatch.MathExpression({ expression: TargetMetrics.sum(metrics), usingMetrics: metrics, period, label, color });
}

/** The greater of two metrics, or the one that there is (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html). */
export function greater(metrics: Metrics): string {
  const [one, other] = Object.keys(metrics);
  return other ? `IF(${one} > ${other}, ${one}, ${other})` : one;
}

/**
 * What CloudWatch knows of a service, in the same words whatever its way in: what the load balancer counts, or API Gateway, and what ECS
 * measures in the tasks.
 */
export class ServiceMetrics {
  /** What a load balancer counts of the service, if there is one. */
  public readonly targets?: TargetMetrics;
  private readonly ownsLoadBalancer: boolean;
  private readonly apiId?: string;

  constructor(private readonly service: ecs.FargateService, { metrics, loadBalancer, httpApi }: BoundIngress) {
    this.targets = metrics;
    this.ownsLoadBalancer = loadBalancer !== undefined;
    this.apiId = httpApi?.apiId;
  }

  public cpuUtilization(options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return this.ofService('CPUUtilization', options);
  }

  public memoryUtilization(options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return this.ofService('MemoryUtilization', options);
  }

  /**
   * Each running task gives one sample a minute
   * (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service_utilization.html), so this is a number of tasks for periods of a minute.
   */
  public runningTasks(options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return this.ofService('CPUUtilization', { label: 'running tasks', ...options, statistic: 'SampleCount' });
  }

  /** The same for any period. */
  public runningTaskCount({ period, label = 'running tasks', color, ...options }: cloudwatch.MetricOptions = {}): cloudwatch.MathExpression {
    const id = this.idOf('running', { period });
    return new cloudwatch.MathExpression({
      expression: `${id} / (PERIOD(${id}) / 60)`,
      usingMetrics: { [id]: this.runningTasks({ ...options, period }) },
      period,
      label,
      color,
    });
  }

  /** Not there while no task is registered; undefined without a load balancer. */
  public healthyTasks(options: cloudwatch.MetricOptions = {}): cloudwatch.IMetric | undefined {
    const { period, label = 'healthy tasks', color } = options;
    const each = this.targets?.each('HealthyHostCount', this.idOf('healthy', options), { label, ...options });
    // Not filled: a group without tasks counts as nothing beside the other one, and two of them are no data.
    return each && (Object.keys(each).length === 1
      ? Object.values(each)[0]
      : new cloudwatch.MathExpression({ expression: Object.keys(each).join(' + '), usingMetrics: each, period, label, color }));
  }

  public requests(options: cloudwatch.MetricOptions = {}): cloudwatch.IMetric {
    return summed(this.requestsEach(options, this.idOf('requests', options)), { label: 'requests', ...options });
  }

  /** Answers with 5xx that the tasks gave; of an API, those that it gave. */
  public serverErrors(options: cloudwatch.MetricOptions = {}): cloudwatch.IMetric {
    return summed(this.serverErrorsEach(options, this.idOf('errors', options)), { label: '5xx', ...options });
  }

  public clientErrors(options: cloudwatch.MetricOptions = {}): cloudwatch.IMetric {
    const sum = { ...options, statistic: 'Sum' };
    const id = this.idOf('clientErrors', options);
    return summed(this.targets?.each('HTTPCode_Target_4XX_Count', id, sum) ?? { [id]: this.ofApi('4xx', sum) }, { label: '4xx', ...options });
  }

  /**
   * Requests that reached a task and got no answer from it: the load balancer's own 502 (broken off) and 504 (too slow). None for a
   * shared listener, whose load balancer counts those of all services together, and of an API, whose 5xx they are.
   */
  public unansweredEach(options: cloudwatch.MetricOptions = {}): Metrics {
    if (!this.targets || !this.ownsLoadBalancer) { return {}; }
    const sum = { ...options, statistic: 'Sum' };
    return {
      brokenOff: this.targets.ofLoadBalancer('HTTPCode_ELB_502_Count', { label: '502: broken off by a task', ...sum }),
      tooSlow: this.targets.ofLoadBalancer('HTTPCode_ELB_504_Count', { label: '504: too slow', ...sum }),
    };
  }

  /** Seconds. Of two target groups, the greater value: percentiles do not add up. */
  public responseTime(options: cloudwatch.MetricOptions = {}): cloudwatch.IMetric {
    const { period, label = 'response time, s', color } = options;
    const id = this.idOf('time', options);
    const each = this.targets?.each('TargetResponseTime', id, { label, ...options });
    if (each && Object.keys(each).length === 1) { return each[id]; }
    return new cloudwatch.MathExpression({
      // API Gateway measures in milliseconds.
      expression: each ? greater(each) : `${id} / 1000`,
      usingMetrics: each ?? { [id]: this.ofApi('IntegrationLatency', options) },
      period,
      label,
      color,
    });
  }

  /**
   * Failed requests in percent of all, of 5xx and of what was not answered; 0 with fewer failed ones in a period than `minFailedRequests`.
   *
   * @param onlyWithTasks also 0 while no task runs
   */
  public errorRate(options: cloudwatch.MetricOptions, minFailedRequests: number, onlyWithTasks: boolean): cloudwatch.MathExpression {
    const errors = { ...this.serverErrorsEach(options), ...this.unansweredEach(options) };
    const requests = this.requestsEach(options);
    // The load balancer counts no request for which it has no task, but an API does.
    const running: Metrics = onlyWithTasks && !this.targets ? { running: this.runningTasks({ period: options.period }) } : {};
    const sum = TargetMetrics.sum;
    const enough = [`${sum(errors)} >= ${Tokenization.stringifyNumber(minFailedRequests)}`, ...Object.keys(running).map((id) => `FILL(${id}, 0) > 0`)].join(' AND ');
    return new cloudwatch.MathExpression({
      expression: `IF(${enough}, 100 * ${sum(errors)} / ${sum(requests)}, 0)`,
      usingMetrics: { ...errors, ...requests, ...running },
      period: options.period,
      label: 'failed requests, %',
    });
  }

  /** A percentile of the response time in seconds; 0 with fewer requests in a period than `leastRequests`. */
  public slowness(options: cloudwatch.MetricOptions & { statistic: string }, leastRequests: number): cloudwatch.MathExpression {
    const { period } = options;
    const requests = this.requestsEach({ period });
    const times = this.targets?.each('TargetResponseTime', 'time', options) ?? { time: this.ofApi('IntegrationLatency', options) };
    const time = this.targets ? greater(times) : 'time / 1000';
    return new cloudwatch.MathExpression({
      expression: `IF(${TargetMetrics.sum(requests)} >= ${leastRequests}, ${time}, 0)`,
      usingMetrics: { ...times, ...requests },
      period,
      label: `${options.statistic} of the response time, s`,
    });
  }

  /** What Container Insights counts, where the cluster has it. */
  public ofInsights(metricName: string, options: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({ namespace: 'ECS/ContainerInsights', metricName, dimensionsMap: this.dimensions, ...options });
  }

  /** A name in expressions that nothing else on a graph has: not another service, nor the same metric over another time. */
  private idOf(name: string, { statistic, period }: cloudwatch.MetricOptions): string {
    const hash = createHash('sha256').update([this.service.node.addr, statistic, period?.toSeconds()].join(' ')).digest('hex');
    return `${name}_${hash.slice(0, 8)}`;
  }

  private requestsEach(options: cloudwatch.MetricOptions, id = 'requests'): Metrics {
    const sum = { ...options, statistic: 'Sum' };
    return this.targets?.each('RequestCount', id, sum) ?? { [id]: this.ofApi('Count', sum) };
  }

  private serverErrorsEach(options: cloudwatch.MetricOptions, id = 'errors'): Metrics {
    const sum = { ...options, statistic: 'Sum' };
    return this.targets?.each('HTTPCode_Target_5XX_Count', id, sum) ?? { [id]: this.ofApi('5xx', sum) };
  }

  private ofService(metricName: string, options: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({ namespace: 'AWS/ECS', metricName, dimensionsMap: this.dimensions, ...options });
  }

  private get dimensions(): { [name: string]: string } {
    return { ClusterName: this.service.cluster.clusterName, ServiceName: this.service.serviceName };
  }

  private ofApi(metricName: string, options: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({ namespace: 'AWS/ApiGateway', metricName, dimensionsMap: { ApiId: this.apiId! }, ...options });
  }
}
