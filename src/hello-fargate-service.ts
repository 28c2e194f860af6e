import {
  CfnOutput,
  aws_apigatewayv2 as apigatewayv2,
  aws_cloudfront as cloudfront,
  aws_cloudwatch as cloudwatch,
  aws_ec2 as ec2,
  aws_ecs as ecs,
  aws_elasticloadbalancingv2 as elbv2,
  aws_iam as iam,
  aws_logs as logs,
  aws_sns as sns,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { CostEstimate, CostUsage, estimateMonthlyCost } from './cost/estimate';
import { newEcsService } from './ecs-service';
import { BoundIngress } from './ingress/ingress-type';
import { Network, resolveNetwork } from './network/network';
import { validateSidecarImage } from './network/validate-network';
import { dashboardUrl, newDashboard } from './observability/dashboard';
import { logServiceEvents, saveQueries } from './observability/logs';
import { ServiceAlarms } from './observability/service-alarms';
import { ServiceMetrics } from './observability/service-metrics';
import { checkTypes } from './option-types';
import { HelloFargateServiceProps, resolveSettings, ServiceSettings, validateSettings } from './props';
import { scaleTaskCount } from './scaling';
import { ConnectionOptions, connect } from './task/connection';
import { runTaskCommand } from './task/run-task';
import { SidecarOptions } from './task/sidecar';
import { Task } from './task/task';
import { Validation } from './validation';

/**
 * An HTTP service on AWS Fargate: two ARM64 tasks in two Availability Zones behind an internet-facing load balancer,
 * with health checks, logs, alarms, and deployments that roll back automatically if the new version is unhealthy or
 * returns errors.
 *
 * Works with no props, in which case it runs the example app of this package. At rest, that costs about $46 a month at
 * list prices (us-east-1, 2026-09): two tasks $14.42, the load balancer $16.43, four public IPv4 addresses $14.60 and
 * alarms $1.00, plus traffic and logs. `estimateMonthlyCost` estimates the cost of your service.
 *
 * @example
 * const hello = new HelloFargateService(this, 'Hello');
 */
export class HelloFargateService extends Construct implements ec2.IConnectable, iam.IGrantable {
  /** URL of the service without a trailing slash: `https://…` if the ingress has TLS, otherwise `http://…`. */
  public readonly url: string;

  /** The VPC of the service. */
  public readonly vpc: ec2.IVpc;

  /** The ECS cluster of the service. */
  public readonly cluster: ecs.ICluster;

  /** The ECS service. */
  public readonly service: ecs.FargateService;

  /** The task definition, to add volumes, containers and permissions. */
  public readonly taskDefinition: ecs.FargateTaskDefinition;

  /** The app container, which receives the requests. */
  public readonly container: ecs.ContainerDefinition;

  /** The log group of the containers. */
  public readonly logGroup: logs.ILogGroup;

  /** The load balancer, if the service has its own. */
  public readonly loadBalancer?: elbv2.ApplicationLoadBalancer;

  /**
   * The listener of that load balancer, to add rules with priorities 1 to 49998. Services that share it use 1000 to
   * 48999.
   */
  public readonly listener?: elbv2.ApplicationListener;

  /** The target group of the tasks, if there is a load balancer. */
  public readonly targetGroup?: elbv2.ApplicationTargetGroup;

  /** The second target group, if `deployment` shifts traffic or prepares for it. */
  public readonly alternateTargetGroup?: elbv2.ApplicationTargetGroup;

  /** The CloudFront distribution, with `Ingress.cloudFront`. */
  public readonly distribution?: cloudfront.Distribution;

  /** The API Gateway HTTP API, with `Ingress.httpApi`. */
  public readonly httpApi?: apigatewayv2.HttpApi;

  /** The scalable task count, with `scaling`, to add scaling policies. */
  public readonly scalableTaskCount?: ecs.ScalableTaskCount;

  /** The SNS topic that sends notifications to `emails` of `alarms`, to add subscriptions. */
  public readonly alarmTopic?: sns.ITopic;

  /** URL of the dashboard in the AWS console, with `dashboard`. */
  public readonly dashboardUrl?: string;

  /** The network connections of the tasks: `database.connections.allowDefaultPortFrom(hello)`. */
  public readonly connections: ec2.Connections;

  /** The task role: `bucket.grantRead(hello)`. */
  public readonly grantPrincipal: iam.IPrincipal;

  private readonly alarms: ServiceAlarms;
  private readonly metrics: ServiceMetrics;
  private readonly task: Task;
  private readonly network: Network;
  private readonly settings: ServiceSettings;

  /**
   * @param scope the stack, or a construct in it
   * @param id the ID of the service within its scope; changing it creates a new service
   * @param props the settings that differ from the defaults
   * @throws an Error that lists all invalid props, before any resource is created
   */
  constructor(scope: Construct, id: string, props: HelloFargateServiceProps = {}) {
    super(scope, id);
    this.settings = resolveSettings(this, props);
    validateSettings(this, this.settings);

    this.network = resolveNetwork(this, this.settings.props);
    this.vpc = this.network.vpc;
    this.cluster = this.network.cluster;

    this.task = new Task(this, 'Task', this.settings.props, this.settings);
    this.taskDefinition = this.task.taskDefinition;
    this.container = this.task.container;
    this.logGroup = this.task.logGroup;
    this.grantPrincipal = this.taskDefinition.taskRole;

    const ingress = this.bindIngress();
    this.url = ingress.url;
    this.loadBalancer = ingress.loadBalancer;
    this.listener = ingress.listener;
    this.targetGroup = ingress.targetGroup;
    this.alternateTargetGroup = ingress.alternateTargetGroup;
    this.distribution = ingress.distribution;
    this.httpApi = ingress.httpApi;

    this.service = newEcsService(this, this.settings, { network: this.network, task: this.task, ingress });
    this.connections = this.service.connections;
    this.addEndpoints();
    ingress.attach(this.service, this.container);
    this.scalableTaskCount = props.scaling && scaleTaskCount(this.service, props.scaling, ingress);

    this.metrics = new ServiceMetrics(this.service, ingress);
    this.alarms = this.newAlarms();
    this.alarmTopic = this.alarms.topic;
    this.addLogFeatures();
    this.dashboardUrl = this.newDashboard();
    this.addOutputs();
  }

  private bindIngress(): BoundIngress {
    const { props, preset, ingress, healthCheck } = this.settings;
    return ingress.bind(new Construct(this, 'Ingress'), {
      servicePath: this.node.path,
      network: this.network,
      healthCheck,
      trafficShifting: props.deployment._trafficShifting,
      preset,
    });
  }

  /** Creates the VPC endpoints that the tasks need by now. */
  private addEndpoints(): void {
    const { enableExecuteCommand = false } = this.settings.props;
    const endpoints = this.network.endpointsFor({ actions: this.task.allowedActions(), enableExecuteCommand });
    this.service.node.addDependency(...endpoints);
  }

  private newAlarms(): ServiceAlarms {
    const { props, healthCheck } = this.settings;
    return new ServiceAlarms(this, props.alarms, { ...props, healthCheck, metrics: this.metrics });
  }

  private addLogFeatures(): void {
    const { logServiceEvents: logsEvents, dashboard, logInsightsQueries = dashboard } = this.settings.props;
    if (logsEvents) { logServiceEvents(this, this.task.logGroup, this.service); }
    if (logInsightsQueries) { saveQueries(this, this.task.logGroup); }
  }

  private newDashboard(): string | undefined {
    if (!this.settings.props.dashboard) { return undefined; }
    return dashboardUrl(newDashboard(this, {
      metrics: this.metrics,
      alarms: this.alarms.all,
      logGroup: this.logGroup,
      hasContainerInsights: this.network.hasContainerInsights,
      url: this.url,
    }));
  }

  private addOutputs(): void {
    const { outputUrl = true } = this.settings.props;
    if (!outputUrl) { return; }
    new CfnOutput(this, 'Url', { value: this.url, description: `URL of ${this.node.path}` });
    if (this.dashboardUrl) {
      new CfnOutput(this, 'DashboardUrl', { value: this.dashboardUrl, description: `Dashboard of ${this.node.path}` });
    }
  }

  /**
   * Allows the tasks to connect to a target with security groups, like a database or a cache, and adds the connection
   * details to the container.
   *
   * The security group rule is created in the stack of the service.
   *
   * @param other the target: an `rds.DatabaseCluster`, an `ec2.Connections`, another `HelloFargateService`
   * @param options the port, and environment variables and secrets for the container
   * @throws an Error if a variable name is already used, or if `other` has no default port and none is set
   */
  public connectTo(other: ec2.IConnectable, options: ConnectionOptions = {}): void {
    connect(checkTypes(this, 'connectTo', { ...options, other }), this, other, options);
    this.addEndpoints();
  }

  /**
   * Adds a sidecar to each task: a metrics collector, a proxy, an agent. It logs to `logGroup`.
   *
   * @param name the container name, 1 to 255 letters, digits, - and _; it is also the prefix of the log streams
   * @param options image, memory, command, environment, health check and start order of the sidecar
   * @returns the container, to add ports and mount points
   * @throws an Error that lists all invalid options
   */
  public addSidecar(name: string, options: SidecarOptions): ecs.ContainerDefinition {
    const validation = checkTypes(this, 'addSidecar', { ...options, name });
    validateSidecarImage(validation, this.network, options.image);
    const sidecar = this.task.addSidecar(validation, name, options);
    this.addEndpoints();
    return sidecar;
  }

  /**
   * Returns the `aws ecs run-task` command that runs a one-off task, like a database migration, with the network,
   * image, environment, secrets and permissions of the service. Put it in a `CfnOutput`. It uses the deployed task
   * definition.
   *
   * @param command the command of the app container, which overrides `command`
   * @throws an Error if the command is empty
   */
  public runTaskCommand(command: string[]): string {
    return runTaskCommand(checkTypes(this, 'runTaskCommand', { command }), this, this.network, command);
  }

  /**
   * Sends ALARM and OK notifications of your own alarm to the topics configured in `alarms`, and adds it to the
   * dashboard.
   *
   * @param alarm an alarm on something that the service depends on, like the age of messages in a queue
   * @throws an Error if `alarms` has no topics and no emails, and there is no dashboard
   */
  public addAlarm(alarm: cloudwatch.AlarmBase): void {
    checkTypes(this, 'addAlarm', alarm);
    if (!this.alarms.hasSubscribers && !this.settings.props.dashboard) {
      const validation = new Validation(this);
      validation.refuse('addAlarm', JSON.stringify(alarm.node.path),
        'alarms has no topics and no emails, and there is no dashboard',
        'set alarms to Alarms.recommended with emails, or dashboard to true');
      validation.throwIfRefused();
    }
    this.alarms.add(alarm);
  }

  /**
   * CPU utilization of the tasks in percent. By default, this and the other metrics have a period of five minutes.
   *
   * @param options statistic (by default Average), period, label and so on
   */
  public metricCpuUtilization(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metrics.cpuUtilization(options);
  }

  /**
   * Memory utilization of the tasks in percent.
   *
   * @param options statistic (by default Average), period, label and so on
   */
  public metricMemoryUtilization(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metrics.memoryUtilization(options);
  }

  /**
   * Number of requests that reached a task, or with `Ingress.httpApi` the API.
   *
   * @param options period, label and so on; the statistic is always Sum
   */
  public metricRequestCount(options?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    return this.metrics.requests(options);
  }

  /**
   * Number of 5xx responses of the tasks, or with `Ingress.httpApi` of the API.
   *
   * @param options period, label and so on; the statistic is always Sum
   */
  public metricServerErrorCount(options?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    return this.metrics.serverErrors(options);
  }

  /**
   * Response time of the tasks in seconds. With two target groups, the value of the slower one.
   *
   * @param options statistic (`p95`), period, label and so on
   */
  public metricTargetResponseTime(options?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    return this.metrics.responseTime(options);
  }

  /**
   * Number of tasks that pass the health check of the load balancer. It has no data while no task is registered.
   *
   * @param options statistic (`Minimum`), period, label and so on
   * @throws an Error with `Ingress.httpApi`, which has no load balancer
   */
  public metricHealthyTaskCount(options?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    const metric = this.metrics.healthyTasks(options);
    if (!metric) {
      const { name } = this.settings.ingress;
      throw new Error(`${this.node.path}: metricHealthyTaskCount is used, but ${name} has no load balancer that checks `
        + 'tasks; use metricRunningTaskCount');
    }
    return metric;
  }

  /**
   * Average number of running tasks. It has no data while no task runs.
   *
   * @param options period, label and so on
   */
  public metricRunningTaskCount(options?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    return this.metrics.runningTaskCount(options);
  }

  /**
   * Estimates the monthly cost of the service at list prices of us-east-1, including what you have added to it so far.
   * The network that the services of a stack share is included in the estimate of each of them.
   *
   * @param usage the traffic and the average number of tasks; by default there is no traffic
   * @returns line items with prices and their sources, the total, and what is not priced
   * @throws an Error if a number is negative or NaN
   *
   * @example
   * const hello = new HelloFargateService(this, 'Hello');
   * const estimate = hello.estimateMonthlyCost({ requestsPerSecond: 20, gigabytesOut: 100, logGigabytes: 10 });
   * Annotations.of(hello).addInfo(estimate.toText());
   */
  public estimateMonthlyCost(usage: CostUsage = {}): CostEstimate {
    return estimateMonthlyCost(new Validation(this), this, usage);
  }
}
