import { Aws, Duration, Token, Tokenization } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as events from 'aws-cdk-lib/aws-events';
import * as eventsTargets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as subscriptions from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { ERROR_LINES_PATTERN, nameInAccount, serviceEvents } from './logs';
import { ServiceMetrics } from './service-metrics';
import { HealthCheckOptions } from '../ingress/health-check';
import { IngressType } from '../ingress/ingress-type';
import { ScalingOptions } from '../scaling';
import { show, Validation } from '../validation';

/** `Alarms.recommended`. */
export interface RecommendedAlarmsOptions {
  /**
   * Who is told of an alarm, of its end, and of a deployment that failed. A topic of this app is allowed to take what CloudWatch and EventBridge
   * send; of an imported one you see to that, and of one that is encrypted with a key, that both may use the key.
   *
   * @default - nobody besides `emails`: alarms are seen in the console, and on the dashboard
   */
  readonly topics?: sns.ITopic[];

  /**
   * E-mail addresses that are told the same, by a topic that is made for them: `alarmTopic`. Each gets a mail first and must confirm it.
   *
   * @default - nobody besides `topics`
   */
  readonly emails?: string[];

  /**
   * CPU of the tasks, on average, in percent of what they have: 1 to 99. Above it for a quarter of an hour, there is an alarm.
   *
   * @default 80
   */
  readonly cpuUtilizationPercent?: number;

  /**
   * Memory of the tasks, on average, in percent of what they have: 1 to 99. Above it for a quarter of an hour, there is an alarm.
   *
   * @default 80
   */
  readonly memoryUtilizationPercent?: number;

  /**
   * Failed requests in percent of all, from 0 to below 100: those that the tasks answered with 5xx, and with a load balancer of the service's own
   * those that they broke off (502) or were too slow for (504). Above it, and with `minFailedRequests`, in each of two times 5 minutes, there is an alarm.
   *
   * @default 5
   */
  readonly errorRatePercent?: number;

  /**
   * So many requests must have failed in 5 minutes for their rate to count, so that one failed request of three wakes nobody.
   *
   * @default 5
   */
  readonly minFailedRequests?: number;

  /**
   * With fewer healthy tasks than this, there is an alarm: after 3 minutes and the grace period of the health check, which tasks may take to
   * start. With `Ingress.httpApi`, which nothing checks from outside, these are running tasks. No more than always run.
   *
   * A service whose `schedules` go down to no task is at rest when no task is registered, and that is no alarm. Of tasks that should run and
   * cannot be started you are told by an event of ECS then, if anybody is told.
   *
   * @default 1
   */
  readonly minHealthyTasks?: number;

  /**
   * The response time that 95 % of the requests stay below: above it in each of three times 5 minutes with at least 20 requests, there is an alarm.
   * With `Ingress.httpApi`, that of the tasks as API Gateway sees it.
   *
   * @default - no alarm on response times
   */
  readonly p95ResponseTime?: Duration;

  /**
   * With so many log lines in 5 minutes whose JSON has the `level` ERROR, FATAL or CRITICAL, in capitals or not, there is an alarm. The metric for
   * it is $0.30 a month, for the hours that have such lines (https://aws.amazon.com/cloudwatch/pricing/, 2026-09).
   *
   * @default - no alarm on log lines
   */
  readonly errorLogLines?: number;
}

/**
 * What a person is woken for.
 *
 * An alarm is $0.10 a month for each metric that it reads (https://aws.amazon.com/cloudwatch/pricing/, 2026-09): $0.70 for the recommended
 * ones, with a response time $0.90. $0.50 behind a shared listener or `Ingress.httpApi`, $1.00 where traffic shifts between two target groups.
 */
export class Alarms {
  /**
   * Alarms on CPU, memory, failed requests and missing healthy tasks, and if you like on response times and log lines. With somebody to tell,
   * also of a deployment that failed, and of tasks that ECS cannot start.
   *
   * @param options who is told, and the thresholds
   */
  public static recommended(options: RecommendedAlarmsOptions = {}): Alarms {
    return new Alarms(options);
  }

  /** No alarms. Those that undo a deployment are a matter of `deployment`. */
  public static none(): Alarms {
    return new Alarms(undefined);
  }

  private constructor(
    /** @internal */
    public readonly _options: RecommendedAlarmsOptions | undefined,
  ) {}
}

/** What decides which alarms there can be. */
export interface AlarmsContext {
  readonly ingress: IngressType;
  readonly desiredCount?: number;
  readonly scaling?: ScalingOptions;
  readonly logGroupClass?: logs.LogGroupClass;
  readonly logDriver?: ecs.LogDriver;
}

export function validateAlarms(validation: Validation, alarms: Alarms, context: AlarmsContext): void {
  const options = alarms._options;
  if (!options) { return; }
  const { topics, emails, errorRatePercent, p95ResponseTime, errorLogLines } = options;
  if (topics?.length === 0) { validation.refuse('alarms.topics', '[]', 'an empty value would be ignored', 'leave it out'); }
  validation.notEmpty('alarms.emails', emails, 'leave it out');
  emails?.forEach((email, i) => {
    if (!Token.isUnresolved(email) && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email)) {
      validation.refuse('alarms.emails', show(email), 'it is no e-mail address', 'write it like on-call@example.com');
    }
    if (emails.indexOf(email) < i) { validation.refuse('alarms.emails', show(email), 'it is in the list twice', 'leave one of the two out'); }
  });
  for (const prop of ['cpuUtilizationPercent', 'memoryUtilizationPercent'] as const) {
    validation.wholeNumber(`alarms.${prop}`, options[prop], 1, 99, 'a percentage that can be exceeded');
  }
  if (errorRatePercent !== undefined && !Token.isUnresolved(errorRatePercent) && !(errorRatePercent >= 0 && errorRatePercent < 100)) {
    validation.refuse('alarms.errorRatePercent', show(errorRatePercent), 'a rate that can be exceeded is from 0 to below 100 percent', 'set it within that range');
  }
  validation.wholeNumber('alarms.minFailedRequests', options.minFailedRequests, 1, 1_000_000, 'the number of failed requests that count');
  validateHealthyTasks(validation, options.minHealthyTasks, context);
  if (p95ResponseTime?.isUnresolved()) {
    validation.refuse('alarms.p95ResponseTime', 'a token', 'the seconds of the alarm are worked out from it', 'set a number of seconds or milliseconds');
  } else if (p95ResponseTime && (p95ResponseTime.toMilliseconds() < 1 || p95ResponseTime.toMilliseconds() > 3_600_000)) {
    validation.refuse('alarms.p95ResponseTime', show(p95ResponseTime), 'it is a time from 1 ms to an hour', 'set it within that range');
  }
  validation.wholeNumber('alarms.errorLogLines', errorLogLines, 1, 1_000_000, 'the number of lines');
  if (errorLogLines !== undefined && context.logGroupClass === logs.LogGroupClass.INFREQUENT_ACCESS) {
    validation.refuse('alarms.errorLogLines', show(errorLogLines), 'no metric is made of log lines of the class INFREQUENT_ACCESS', 'leave it out, or leave logGroupClass out');
  }
  if (errorLogLines !== undefined && context.logDriver) {
    validation.refuse('alarms.errorLogLines', show(errorLogLines), 'with a logDriver the lines go elsewhere', 'leave it out, and have the alarm where they go');
  }
}

function validateHealthyTasks(validation: Validation, healthyTasks: number | undefined, { desiredCount, scaling }: AlarmsContext): void {
  validation.wholeNumber('alarms.minHealthyTasks', healthyTasks, 1, 5000, 'the number of healthy tasks');
  if (healthyTasks === undefined || Token.isUnresolved(healthyTasks)) { return; }
  const atTimes = scaling?.schedules?.flatMap(({ minCapacity, maxCapacity }) => [minCapacity, maxCapacity]) ?? [];
  const always = [desiredCount, scaling?.minCapacity, ...atTimes.filter((count) => count !== 0)]
    .filter((count): count is number => count !== undefined && !Token.isUnresolved(count));
  const fewest = Math.min(...always);
  if (healthyTasks > fewest) {
    validation.refuse('alarms.minHealthyTasks', show(healthyTasks), `there are times with ${fewest} tasks, so that it would be in alarm then`,
      fewest > 0 ? `set it to ${fewest} or below` : 'leave it out');
  }
}

/** Whether no task may run though all is well: nobody is to be woken then. */
function mayRest({ desiredCount, scaling }: AlarmsContext): boolean {
  return desiredCount === 0 || (scaling?.schedules ?? []).some(({ minCapacity, maxCapacity }) => minCapacity === 0 || maxCapacity === 0);
}

/** What an alarm is made of here, besides who is told. */
interface AlarmDefinition {
  readonly metric: cloudwatch.IMetric;
  readonly threshold: number;
  readonly evaluationPeriods: number;
  /** The cause, and what to do first. */
  readonly description: string;
  /**
   * When it is in alarm.
   *
   * @default - above the threshold
   */
  readonly when?: cloudwatch.ComparisonOperator;
  /** What it means that there is no data. */
  readonly missing?: cloudwatch.TreatMissingData;
}

/** A number that only the deployment may know. */
const text = (number: number) => Tokenization.stringifyNumber(number);

const FIVE_MINUTES = Duration.minutes(5);

/** The alarms of a service, and who is told. */
export class ServiceAlarms extends Construct {
  /** In the order in which they are shown. */
  public readonly all = new Array<cloudwatch.AlarmBase>();
  public readonly topic?: sns.Topic;
  private readonly topics: sns.ITopic[];

  constructor(
    private readonly of: Construct & { readonly service: ecs.FargateService; readonly logGroup: logs.ILogGroup },
    alarms: Alarms,
    metrics: ServiceMetrics,
    context: AlarmsContext & { readonly healthCheck: Required<HealthCheckOptions> },
  ) {
    super(of, 'Alarms');
    const options = alarms._options;
    this.topic = options?.emails && this.newTopic(options.emails);
    this.topics = [...this.topic ? [this.topic] : [], ...options?.topics ?? []];
    if (options) {
      this.recommended(options, metrics, context);
      if (this.topics.length > 0) { this.tellOfEvents(); }
    }
  }

  /** Tells the same people of an alarm of the user. */
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

  private recommended(
    options: RecommendedAlarmsOptions, metrics: ServiceMetrics, context: AlarmsContext & { readonly healthCheck: Required<HealthCheckOptions> },
  ): void {
    const { cpuUtilizationPercent = 80, memoryUtilizationPercent = 80, errorRatePercent = 5, minFailedRequests = 5, minHealthyTasks = 1 } = options;
    const { p95ResponseTime, errorLogLines } = options;
    const logsAt = `the log group ${this.of.logGroup.logGroupName}`;
    const rests = mayRest(context);

    // In the order in which a person on call wants to know.
    const { gracePeriod } = context.healthCheck;
    this.alarm('NoHealthyTask', {
      // The most that any node of the load balancer saw within the minute: one that sees fewer is not the end.
      metric: metrics.healthyTasks({ period: Duration.minutes(1), statistic: 'Maximum' }) ?? metrics.runningTasks({ period: Duration.minutes(1) }),
      when: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      threshold: minHealthyTasks,
      evaluationPeriods: 3 + (gracePeriod.isUnresolved() ? 0 : Math.ceil(gracePeriod.toMilliseconds() / 60_000)),
      // There is no data when no task is registered. That is the end of the service, or its night.
      missing: rests ? cloudwatch.TreatMissingData.NOT_BREACHING : cloudwatch.TreatMissingData.BREACHING,
      description: `fewer than ${text(minHealthyTasks)} ${metrics.targets ? 'healthy' : 'running'} tasks. First look at the events of the ECS service `
        + `${this.of.service.serviceName}, which say why tasks stop, then at ${logsAt}`,
    });
    this.alarm('ErrorRate', {
      metric: metrics.errorRate({ period: FIVE_MINUTES }, minFailedRequests, rests),
      threshold: errorRatePercent,
      evaluationPeriods: 2,
      description: `more than ${text(errorRatePercent)} % of the requests fail. First look for errors in ${logsAt}, then at what the service depends on`,
    });
    if (p95ResponseTime) {
      this.alarm('SlowResponses', {
        metric: metrics.slowness({ period: FIVE_MINUTES, statistic: 'p95' }, 20),
        threshold: p95ResponseTime.toMilliseconds() / 1000,
        evaluationPeriods: 3,
        description: `5 % of the requests take longer than ${p95ResponseTime.toMilliseconds()} ms. First see whether CPU or what the service depends on is busy`,
      });
    }
    if (errorLogLines !== undefined) {
      this.alarm('ErrorLines', {
        metric: this.errorLines().with({ period: FIVE_MINUTES }),
        when: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold: errorLogLines,
        evaluationPeriods: 1,
        description: `${text(errorLogLines)} or more error lines in 5 minutes. First read them in ${logsAt}`,
      });
    }
    this.alarm('HighCpu', {
      metric: metrics.cpuUtilization({ period: FIVE_MINUTES }),
      threshold: cpuUtilizationPercent,
      evaluationPeriods: 3,
      description: `CPU is above ${text(cpuUtilizationPercent)} %. First see whether there are more requests than usual, then run more tasks, or larger ones`,
    });
    this.alarm('HighMemory', {
      metric: metrics.memoryUtilization({ period: FIVE_MINUTES }),
      threshold: memoryUtilizationPercent,
      evaluationPeriods: 3,
      description: `memory is above ${text(memoryUtilizationPercent)} %. First see whether it still grows: a task that runs out of it is killed. A new deployment frees it`,
    });
  }

  private alarm(id: string, { metric, threshold, evaluationPeriods, description, when, missing }: AlarmDefinition): void {
    const alarm = new cloudwatch.Alarm(this, id, {
      metric,
      threshold,
      comparisonOperator: when ?? cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods,
      // A service without requests has no errors, and one without tasks no CPU: that is what another alarm is for.
      treatMissingData: missing ?? cloudwatch.TreatMissingData.NOT_BREACHING,
      alarmDescription: `${this.of.node.path}: ${description}`,
    });
    // Made when the first tasks are healthy, and deleted before the last ones go.
    alarm.node.addDependency(this.of.service);
    this.add(alarm);
  }

  private errorLines(): cloudwatch.Metric {
    // The dimensions of such a metric come from the lines, so the name alone tells the services of an account apart.
    return new logs.MetricFilter(this, 'ErrorLineFilter', {
      logGroup: this.of.logGroup,
      filterPattern: ERROR_LINES_PATTERN,
      metricNamespace: 'HelloFargateService',
      metricName: `${nameInAccount(this.of)}/ErrorLines`,
    }).metric({ statistic: 'Sum' });
  }

  private newTopic(emails: string[]): sns.Topic {
    const topic = new sns.Topic(this, 'Topic', { enforceSSL: true });
    emails.forEach((email) => topic.addSubscription(new subscriptions.EmailSubscription(email)));
    return topic;
  }

  /** What no metric says. */
  private tellOfEvents(): void {
    const rule = new events.Rule(this, 'Events', {
      description: `A deployment of ${this.of.node.path} failed, or its tasks cannot be started`,
      eventPattern: { ...serviceEvents(this.of.service), detail: { eventName: ['SERVICE_DEPLOYMENT_FAILED', 'SERVICE_TASK_START_IMPAIRED'] } },
    });
    const message = events.RuleTargetInput.fromText(
      `${this.of.node.path}: ${events.EventField.fromPath('$.detail.eventName')} at ${events.EventField.time}. `
      + `${events.EventField.fromPath('$.detail.reason')} First look at the events of the ECS service, which say why.`,
    );
    for (const topic of this.topics) {
      rule.addTarget(new eventsTargets.SnsTopic(topic, { message }));
      // Any policy takes the place of the one that a topic is born with, which would let alarms in.
      topic.addToResourcePolicy(new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }));
    }
  }
}
