import {
  Aws,
  Duration,
  Tokenization,
  aws_cloudwatch as cloudwatch,
  aws_cloudwatch_actions as actions,
  aws_ecs as ecs,
  aws_events as events,
  aws_events_targets as eventsTargets,
  aws_iam as iam,
  aws_logs as logs,
  aws_sns as sns,
  aws_sns_subscriptions as subscriptions,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { Alarms, AlarmsContext, canScaleToZero, defaultMinHealthyTasks, RecommendedAlarmsOptions } from './alarms';
import { ERROR_LINES_PATTERN, nameInAccount, serviceEvents } from './logs';
import { ServiceMetrics } from './service-metrics';
import { HealthCheckOptions } from '../ingress/health-check';
import { DEFAULTS } from '../preset';
import { limited } from '../validation';

/** What the alarms observe. */
export interface ServiceAlarmsContext extends AlarmsContext {
  readonly metrics: ServiceMetrics;
  readonly healthCheck: Required<HealthCheckOptions>;
}

/** A service that has alarms. */
type MonitoredService = Construct & { readonly service: ecs.FargateService; readonly logGroup: logs.ILogGroup };

interface AlarmDefinition {
  readonly metric: cloudwatch.IMetric;
  readonly threshold: number;
  readonly evaluationPeriods: number;
  /** The cause, and what to do first. */
  readonly description: string;
  /** @default - greater than the threshold */
  readonly comparisonOperator?: cloudwatch.ComparisonOperator;
  /** @default - not breaching: without requests there are no errors, and without tasks there is no CPU utilization */
  readonly treatMissingData?: cloudwatch.TreatMissingData;
}

const MINUTE = Duration.minutes(1);
const FIVE_MINUTES = Duration.minutes(5);

/** With fewer requests in 5 minutes, the 95th percentile is the slowest request. */
const MIN_REQUESTS_FOR_P95 = 20;

/** The alarms of a service, and their notifications. */
export class ServiceAlarms extends Construct {
  /** In the order in which the dashboard shows them. */
  public readonly all = new Array<cloudwatch.AlarmBase>();
  public readonly topic?: sns.Topic;
  private readonly topics: sns.ITopic[];

  constructor(
    private readonly monitored: MonitoredService,
    alarms: Alarms,
    private readonly context: ServiceAlarmsContext,
  ) {
    super(monitored, 'Alarms');
    const { emails, topics = [] } = alarms._options ?? {};
    this.topic = emails && this.newTopic(emails);
    this.topics = this.topic ? [this.topic, ...topics] : topics;
    if (!alarms._options) { return; }
    this.addRecommended(alarms._options);
    if (this.hasSubscribers) { this.notifyOnEvents(); }
  }

  /** Sends the notifications of an alarm to the topics. */
  public add(alarm: cloudwatch.AlarmBase): void {
    for (const topic of this.topics) {
      alarm.addAlarmAction(new actions.SnsAction(topic));
      alarm.addOkAction(new actions.SnsAction(topic));
    }
    this.all.push(alarm);
  }

  public get hasSubscribers(): boolean {
    return this.topics.length > 0;
  }

  /** Adds the alarms in the order in which an on-call engineer needs them. */
  private addRecommended(options: RecommendedAlarmsOptions): void {
    this.addNoHealthyTask(options);
    this.addErrorRate(options);
    if (options.p95ResponseTime) { this.addSlowResponses(options.p95ResponseTime); }
    if (options.errorLogLines !== undefined) { this.addErrorLines(options.errorLogLines); }
    this.addHighCpu(options);
    this.addHighMemory(options);
  }

  private addNoHealthyTask({ minHealthyTasks = defaultMinHealthyTasks(this.context) }: RecommendedAlarmsOptions): void {
    const { metrics, healthCheck: { gracePeriod } } = this.context;
    const graceMinutes = gracePeriod.isUnresolved() ? 0 : Math.ceil(gracePeriod.toSeconds() / 60);
    // Load balancer nodes report separately. The maximum ignores a node that sees fewer healthy tasks than the others.
    const healthyTasks = metrics.healthyTasks({ period: MINUTE, statistic: 'Maximum' });
    this.addAlarm('NoHealthyTask', {
      metric: healthyTasks ?? metrics.runningTasks({ period: MINUTE }),
      comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      threshold: minHealthyTasks,
      evaluationPeriods: 3 + graceMinutes,
      // There is no data while no task is registered: the service is down, or was scaled to zero.
      treatMissingData: canScaleToZero(this.context)
        ? cloudwatch.TreatMissingData.NOT_BREACHING
        : cloudwatch.TreatMissingData.BREACHING,
      description: `fewer than ${text(minHealthyTasks)} ${metrics.targets ? 'healthy' : 'running'} tasks. `
        + `First check the events of the ECS service ${this.monitored.service.serviceName} for why tasks stop, `
        + `then ${this.logGroupText}`,
    });
  }

  private addErrorRate(options: RecommendedAlarmsOptions): void {
    const { errorRatePercent = DEFAULTS.alarms.errorRatePercent } = options;
    const { minFailedRequests = DEFAULTS.alarms.minFailedRequests } = options;
    this.addAlarm('ErrorRate', {
      metric: this.context.metrics.errorRate({ period: FIVE_MINUTES }, minFailedRequests, canScaleToZero(this.context)),
      threshold: errorRatePercent,
      evaluationPeriods: 2,
      description: `more than ${text(errorRatePercent)} % of the requests fail. `
        + `First check ${this.logGroupText} for errors, then the service's dependencies`,
    });
  }

  private addSlowResponses(p95ResponseTime: Duration): void {
    const { metrics } = this.context;
    this.addAlarm('SlowResponses', {
      metric: metrics.responseTimePercentile({ period: FIVE_MINUTES, statistic: 'p95' }, MIN_REQUESTS_FOR_P95),
      threshold: p95ResponseTime.toMilliseconds({ integral: false }) / 1000,
      evaluationPeriods: 3,
      description: `5 % of the requests take longer than ${p95ResponseTime.toMilliseconds({ integral: false })} ms. `
        + 'First check the CPU utilization and the service\'s dependencies',
    });
  }

  private addErrorLines(errorLogLines: number): void {
    this.addAlarm('ErrorLines', {
      metric: this.newErrorLinesMetric().with({ period: FIVE_MINUTES }),
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      threshold: errorLogLines,
      evaluationPeriods: 1,
      description: `${text(errorLogLines)} or more error log lines in 5 minutes. `
        + `First read them in ${this.logGroupText}`,
    });
  }

  private addHighCpu(options: RecommendedAlarmsOptions): void {
    const { cpuUtilizationPercent = DEFAULTS.alarms.cpuUtilizationPercent } = options;
    this.addAlarm('HighCpu', {
      metric: this.context.metrics.cpuUtilization({ period: FIVE_MINUTES }),
      threshold: cpuUtilizationPercent,
      evaluationPeriods: 3,
      description: `CPU utilization is above ${text(cpuUtilizationPercent)} %. `
        + 'First check whether there are more requests than usual, then run more tasks or larger ones',
    });
  }

  private addHighMemory(options: RecommendedAlarmsOptions): void {
    const { memoryUtilizationPercent = DEFAULTS.alarms.memoryUtilizationPercent } = options;
    this.addAlarm('HighMemory', {
      metric: this.context.metrics.memoryUtilization({ period: FIVE_MINUTES }),
      threshold: memoryUtilizationPercent,
      evaluationPeriods: 3,
      description: `memory utilization is above ${text(memoryUtilizationPercent)} %. `
        + 'First check whether it is still growing: a task that runs out of memory is stopped. '
        + 'A new deployment frees memory',
    });
  }

  private addAlarm(id: string, { description, ...definition }: AlarmDefinition): void {
    const alarm = new cloudwatch.Alarm(this, id, {
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
      ...definition,
      alarmDescription: `${this.monitored.node.path}: ${description}`,
    });
    // Created once the first tasks are healthy, and deleted before the last ones stop.
    alarm.node.addDependency(this.monitored.service);
    this.add(alarm);
  }

  private get logGroupText(): string {
    return `the log group ${this.monitored.logGroup.logGroupName}`;
  }

  private newErrorLinesMetric(): cloudwatch.Metric {
    // Dimensions of such a metric would be taken from the log lines, so only its name identifies the service.
    return new logs.MetricFilter(this, 'ErrorLineFilter', {
      logGroup: this.monitored.logGroup,
      filterPattern: ERROR_LINES_PATTERN,
      metricNamespace: 'HelloFargateService',
      // https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_MetricTransformation.html
      metricName: `${limited(nameInAccount(this.monitored), 244, /[:*$]/g)}/ErrorLines`,
    }).metric({ statistic: 'Sum' });
  }

  private newTopic(emails: string[]): sns.Topic {
    const topic = new sns.Topic(this, 'Topic', { enforceSSL: true });
    emails.forEach((email) => topic.addSubscription(new subscriptions.EmailSubscription(email)));
    return topic;
  }

  /** Sends notifications of failures that no metric reports. */
  private notifyOnEvents(): void {
    const { service, node: { path } } = this.monitored;
    const rule = new events.Rule(this, 'Events', {
      description: `A deployment of ${path} failed, or its tasks cannot start`,
      eventPattern: {
        ...serviceEvents(service),
        detail: { eventName: ['SERVICE_DEPLOYMENT_FAILED', 'SERVICE_TASK_START_IMPAIRED'] },
      },
    });
    const eventName = events.EventField.fromPath('$.detail.eventName');
    const reason = events.EventField.fromPath('$.detail.reason');
    const message = events.RuleTargetInput.fromText(
      `${path}: ${eventName} at ${events.EventField.time}. ${reason} `
      + 'First check the events of the ECS service for the cause.',
    );
    for (const topic of this.topics) {
      rule.addTarget(new eventsTargets.SnsTopic(topic, { message }));
      // The target's policy replaces the default policy of the topic, which allows alarms to publish.
      topic.addToResourcePolicy(new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }));
    }
  }
}

/** A number that may be a token. */
function text(number: number): string {
  return Tokenization.stringifyNumber(number);
}
