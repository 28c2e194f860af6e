import { Duration, Token, aws_ecs as ecs, aws_logs as logs, aws_sns as sns } from 'aws-cdk-lib';
import { Deployment } from '../deployment/deployment';
import { DEFAULTS, PresetDefaults } from '../preset';
import { ScalingOptions } from '../scaling-options';
import { show, Validation } from '../validation';

/** Alarms and the dashboard of the service. */
export interface MonitoringOptions {
  /**
   * Alarms that notify the on-call engineer: `Alarms.recommended({ emails: ['on-call@example.com'] })`.
   *
   * The recommended alarms cost $0.70 a month (https://aws.amazon.com/cloudwatch/pricing/, 2026-09).
   *
   * @default Alarms.none(); with `Preset.PRODUCTION`, set who is notified, or Alarms.none()
   */
  readonly alarms?: Alarms;

  /**
   * Whether to create a CloudWatch dashboard with requests, errors, response times, tasks, CPU, memory, error log lines
   * and the state of the alarms. Its URL is `dashboardUrl`.
   *
   * Costs $3.00 a month (https://aws.amazon.com/cloudwatch/pricing/, 2026-09).
   *
   * @default - true with `Preset.PRODUCTION`, otherwise false
   */
  readonly dashboard?: boolean;
}

/** Options of `Alarms.recommended`. */
export interface RecommendedAlarmsOptions {
  /**
   * SNS topics that are notified when an alarm goes into ALARM or OK state, and when a deployment fails. The list must
   * not be empty. At most 5 topics, including the one of `emails`, because an alarm has at most 5 actions.
   *
   * The construct allows CloudWatch and EventBridge to publish to a topic of this app. The policy of an imported topic,
   * and of the KMS key of an encrypted one, must already allow that.
   *
   * @default - only `emails` are notified; alarms are visible in the console and on the dashboard
   */
  readonly topics?: sns.ITopic[];

  /**
   * Email addresses that are notified of the same events, by an SNS topic that the construct creates (`alarmTopic`).
   * Recipients must confirm their subscription. The list must not be empty or contain duplicates.
   *
   * @default - only `topics` are notified
   */
  readonly emails?: string[];

  /**
   * Threshold of the CPU alarm: average CPU utilization of the tasks above this percentage for 15 minutes. 1 to 99.
   *
   * @default 80
   */
  readonly cpuUtilizationPercent?: number;

  /**
   * Threshold of the memory alarm: average memory utilization of the tasks above this percentage for 15 minutes. 1 to
   * 99.
   *
   * @default 80
   */
  readonly memoryUtilizationPercent?: number;

  /**
   * Threshold of the error rate alarm: percentage of failed requests above this for two consecutive 5-minute periods,
   * each with at least `minFailedRequests`. From 0 to less than 100.
   *
   * Counts 5xx responses of the tasks, and, if the service has its own load balancer, 502 and 504 responses of the load
   * balancer. With `Ingress.httpApi`, counts 5xx responses of the API.
   *
   * @default 5
   */
  readonly errorRatePercent?: number;

  /**
   * Minimum number of failed requests in 5 minutes for the error rate alarm, so that a single failed request does not
   * trigger it when traffic is low. 1 to 1,000,000.
   *
   * @default 5
   */
  readonly minFailedRequests?: number;

  /**
   * Minimum number of healthy tasks. With fewer, an alarm goes off after 3 minutes plus the grace period of the health
   * check. It must not exceed the number of tasks that always run. With `Ingress.httpApi`, counts running tasks.
   *
   * If `schedules` can scale the service to zero, having no registered task is not an alarm. ECS events still notify
   * the topics of tasks that cannot start.
   *
   * @default - half of the fewest tasks that the service runs, rounded up: 1 of two, 2 of three. Less if
   * `minHealthyPercent` of the deployment is below 50
   */
  readonly minHealthyTasks?: number;

  /**
   * Threshold of the response time alarm: 95th percentile above this for three consecutive 5-minute periods, each with
   * at least 20 requests. 1 ms to 1 hour. With `Ingress.httpApi`, the integration latency of API Gateway.
   *
   * @default - no alarm on response times
   */
  readonly p95ResponseTime?: Duration;

  /**
   * Number of error log lines in 5 minutes that triggers the alarm: JSON lines whose `level` is ERROR, FATAL or
   * CRITICAL, in upper or lower case. 1 to 1,000,000. Not supported with `logDriver` or the log class
   * INFREQUENT_ACCESS.
   *
   * The custom metric costs $0.30 a month, prorated to the hours with error lines
   * (https://aws.amazon.com/cloudwatch/pricing/, 2026-09).
   *
   * @default - no alarm on log lines
   */
  readonly errorLogLines?: number;
}

/**
 * Alarms that notify the on-call engineer.
 *
 * An alarm costs $0.10 a month for each metric that it uses (https://aws.amazon.com/cloudwatch/pricing/, 2026-09):
 * $0.70 for the recommended alarms, $0.90 with `p95ResponseTime`; $0.50 with a shared listener or `Ingress.httpApi`,
 * $1.00 if traffic shifts between two target groups.
 */
export class Alarms {
  /**
   * Creates alarms on missing healthy tasks, failed requests, CPU and memory, and optionally on response times and
   * error log lines.
   *
   * With `topics` or `emails`, also sends a notification when a deployment fails or ECS cannot start tasks.
   *
   * @param options who is notified, and the thresholds
   */
  public static recommended(options: RecommendedAlarmsOptions = {}): Alarms {
    return new Alarms(options);
  }

  /** Creates no alarms. Alarms that roll back a deployment are configured by `deployment`. */
  public static none(): Alarms {
    return new Alarms(undefined);
  }

  private constructor(
    /** @internal */
    public readonly _options: RecommendedAlarmsOptions | undefined,
  ) {}
}

/** The props that determine which alarms are possible. */
export interface AlarmsContext {
  readonly deployment: Deployment;
  readonly desiredCount?: number;
  readonly scaling?: ScalingOptions;
  readonly logGroupClass?: logs.LogGroupClass;
  readonly logDriver?: ecs.LogDriver;
}

/** The numbers of tasks that the service can run, as far as they are known. */
function taskCounts({ desiredCount, scaling }: AlarmsContext): number[] {
  const scheduled = scaling?.schedules?.flatMap(({ minCapacity, maxCapacity }) => [minCapacity, maxCapacity]) ?? [];
  return [desiredCount, scaling?.minCapacity, ...scheduled.filter((count) => count !== 0)]
    .filter((count): count is number => count !== undefined && !Token.isUnresolved(count));
}

/** Half of the tasks, or as many as a deployment keeps, rounded up. */
export function defaultMinHealthyTasks(context: AlarmsContext): number {
  const { minHealthyPercent = DEFAULTS.minHealthyPercent } = context.deployment._strategy.options;
  const counts = taskCounts(context);
  if (counts.length === 0 || Token.isUnresolved(minHealthyPercent)) { return 1; }
  const percent = Math.min(DEFAULTS.alarms.healthyTasksPercent, minHealthyPercent);
  return Math.max(1, Math.ceil(Math.min(...counts) * percent / 100));
}

export function validateAlarms(
  validation: Validation, { alarms, ...context }: AlarmsContext & { readonly alarms: Alarms },
  { requireAlarms }: Pick<PresetDefaults, 'requireAlarms'>,
): void {
  const options = alarms._options;
  if (!options) { return; }
  if (requireAlarms && !options.emails && !options.topics) {
    validation.refuse('alarms', 'without recipients', 'Preset.PRODUCTION requires that its alarms notify someone',
      'set emails or topics with Alarms.recommended, or use Alarms.none');
  }
  validateRecipients(validation, options);
  for (const prop of ['cpuUtilizationPercent', 'memoryUtilizationPercent'] as const) {
    validation.wholeNumber(`alarms.${prop}`, options[prop], [1, 99], 'a percentage that can be exceeded');
  }
  const { errorRatePercent: rate } = options;
  if (rate !== undefined && !Token.isUnresolved(rate) && !(rate >= 0 && rate < 100)) {
    validation.refuse('alarms.errorRatePercent', show(rate),
      'a rate that can be exceeded is at least 0 and less than 100 percent', 'set it within that range');
  }
  validation.wholeNumber('alarms.minFailedRequests', options.minFailedRequests, [1, 1_000_000],
    'the number of failed requests');
  validateHealthyTasks(validation, options.minHealthyTasks, context);
  validateResponseTime(validation, options.p95ResponseTime);
  validateErrorLogLines(validation, options.errorLogLines, context);
}

function validateRecipients(validation: Validation, { topics, emails }: RecommendedAlarmsOptions): void {
  if (topics?.length === 0) {
    validation.refuse('alarms.topics', '[]', 'an empty value would be ignored', 'leave it out');
  }
  validation.notEmpty('alarms.emails', emails, 'leave it out');
  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html (AlarmActions)
  const maxTopics = emails ? 4 : 5;
  if (topics && topics.length > maxTopics) {
    validation.refuse('alarms.topics', `${topics.length} topics`,
      `an alarm has at most 5 actions${emails ? ', one of which is the topic of emails' : ''}`,
      'remove topics, or subscribe several recipients to one topic');
  }
  emails?.forEach((email, i) => {
    if (!Token.isUnresolved(email) && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email)) {
      validation.refuse('alarms.emails', show(email), 'it is not an email address', 'set one like on-call@example.com');
    }
    if (emails.indexOf(email) < i) {
      validation.refuse('alarms.emails', show(email), 'it is in the list twice', 'remove one of the two');
    }
  });
}

function validateHealthyTasks(
  validation: Validation, minHealthyTasks: number | undefined, context: AlarmsContext,
): void {
  validation.wholeNumber('alarms.minHealthyTasks', minHealthyTasks, [1, 5000], 'the number of healthy tasks');
  if (minHealthyTasks === undefined || Token.isUnresolved(minHealthyTasks)) { return; }
  const fewest = Math.min(...taskCounts(context));
  if (minHealthyTasks > fewest) {
    validation.refuse('alarms.minHealthyTasks', show(minHealthyTasks),
      `the service can run only ${fewest} ${fewest === 1 ? 'task' : 'tasks'}, which would trigger the alarm`,
      fewest > 0 ? `set it to ${fewest} or less` : 'leave it out');
  }
}

function validateResponseTime(validation: Validation, p95ResponseTime: Duration | undefined): void {
  if (!p95ResponseTime) { return; }
  const rule = 'the threshold of the alarm is calculated from it';
  if (validation.refuseToken('alarms.p95ResponseTime', p95ResponseTime, rule)) { return; }
  const ms = p95ResponseTime.toMilliseconds({ integral: false });
  if (ms < 1 || ms > 3_600_000) {
    validation.refuse('alarms.p95ResponseTime', show(p95ResponseTime), 'it must be from 1 ms to 1 hour',
      'set it within that range');
  }
}

function validateErrorLogLines(
  validation: Validation, errorLogLines: number | undefined, { logGroupClass, logDriver }: AlarmsContext,
): void {
  validation.wholeNumber('alarms.errorLogLines', errorLogLines, [1, 1_000_000], 'the number of lines');
  if (errorLogLines === undefined) { return; }
  if (logGroupClass === logs.LogGroupClass.INFREQUENT_ACCESS) {
    validation.refuse('alarms.errorLogLines', show(errorLogLines),
      'the log class INFREQUENT_ACCESS does not support metric filters', 'leave it out, or leave logGroupClass out');
  }
  if (logDriver) {
    validation.refuse('alarms.errorLogLines', show(errorLogLines), 'with logDriver, log lines are sent elsewhere',
      'leave it out, and create the alarm where the lines are sent');
  }
}

/** Whether the service can be scaled to zero on purpose, so that no running task is not a failure. */
export function canScaleToZero({ desiredCount, scaling }: AlarmsContext): boolean {
  const schedules = scaling?.schedules ?? [];
  return desiredCount === 0 || schedules.some(({ minCapacity, maxCapacity }) => minCapacity === 0 || maxCapacity === 0);
}
