import {
  ArnFormat,
  Aws,
  RemovalPolicy,
  Stack,
  Token,
  aws_ecs as ecs,
  aws_events as events,
  aws_iam as iam,
  aws_kms as kms,
  aws_logs as logs,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { limited, show, Validation } from '../validation';

/** Retention, encryption and contents of the service's log group. */
export interface LogOptions {
  /**
   * How long log events are kept.
   *
   * Logs cost $0.50 per GB ingested and $0.03 per GB and month stored
   * (https://aws.amazon.com/cloudwatch/pricing/, 2026-09).
   *
   * @default - one month; one week with `Preset.DEVELOPMENT`, one year with `Preset.PRODUCTION`
   */
  readonly logRetention?: logs.RetentionDays;

  /**
   * Log class of the log group. A different class creates a new, empty log group.
   *
   * INFREQUENT_ACCESS costs half as much to ingest, $0.25 per GB (https://aws.amazon.com/cloudwatch/pricing/, 2026-09).
   * It supports Logs Insights queries, but not Live Tail, subscription filters or metric filters, so `errorLogLines` of
   * `alarms` cannot be set.
   *
   * @default logs.LogGroupClass.STANDARD
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html
   */
  readonly logGroupClass?: logs.LogGroupClass;

  /**
   * Whether the log group is deleted with the stack (`RemovalPolicy.DESTROY`) or kept (`RemovalPolicy.RETAIN` or
   * `RETAIN_ON_UPDATE_OR_DELETE`). Other policies are errors.
   *
   * @default RemovalPolicy.DESTROY; with `Preset.PRODUCTION` RemovalPolicy.RETAIN
   */
  readonly logRemovalPolicy?: RemovalPolicy;

  /**
   * Whether logs are encrypted with a customer managed KMS key, $1.00 a month
   * (https://aws.amazon.com/kms/pricing/, 2026-09). Otherwise CloudWatch Logs encrypts them with a key of its own.
   *
   * @default - true with `Preset.PRODUCTION` or if `logEncryptionKey` is set, otherwise false
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
   */
  readonly encryptLogs?: boolean;

  /**
   * KMS key in the Region of the service that encrypts the logs. An error if `encryptLogs` is false.
   *
   * The construct adds CloudWatch Logs to the policy of a key that is created in this app. The policy of an imported
   * key must already allow CloudWatch Logs to use it.
   *
   * @default - if `encryptLogs` is true, a key with automatic rotation is created
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
   */
  readonly logEncryptionKey?: kms.IKey;

  /**
   * Whether ECS events are written to the log group too: deployments, and stopped tasks with the reason why they
   * stopped.
   *
   * They are billed as other log events. Uses one of the 10 CloudWatch Logs resource policies per account and Region.
   *
   * @default false
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html
   */
  readonly logServiceEvents?: boolean;

  /**
   * Whether to save CloudWatch Logs Insights queries for errors, the slowest paths and a single trace.
   *
   * They parse JSON log lines in the format of the example app. Running a query costs $0.005 per GB scanned
   * (https://aws.amazon.com/cloudwatch/pricing/, 2026-09).
   *
   * @default - true with `dashboard`, otherwise false
   */
  readonly logInsightsQueries?: boolean;
}

export function validateLogs(
  validation: Validation, scope: Construct, { logRemovalPolicy, encryptLogs: encrypt, logEncryptionKey }: LogOptions,
): void {
  const { region } = Stack.of(scope);
  const keyRegion = logEncryptionKey?.env.region;
  if (![region, keyRegion].some((each) => Token.isUnresolved(each)) && keyRegion && keyRegion !== region) {
    validation.refuse('logEncryptionKey', show(logEncryptionKey!.node.path),
      `it is in ${keyRegion}, and the log group in ${region}`, 'use a key in the same Region');
  }
  if (logEncryptionKey && encrypt === false) {
    validation.refuse('logEncryptionKey', show(logEncryptionKey.node.path),
      'encryptLogs is false, so the key would be ignored', 'leave one of the two out');
  }
  const { DESTROY, RETAIN, RETAIN_ON_UPDATE_OR_DELETE } = RemovalPolicy;
  if (logRemovalPolicy !== undefined && ![DESTROY, RETAIN, RETAIN_ON_UPDATE_OR_DELETE].includes(logRemovalPolicy)) {
    validation.refuse('logRemovalPolicy', show(logRemovalPolicy),
      'a log group is either deleted with the stack or kept', 'set RemovalPolicy.DESTROY or RemovalPolicy.RETAIN');
  }
}

/** Creates the log group of the service, and its key if it has one of its own. */
export function newLogGroup(scope: Construct, options: LogOptions): logs.LogGroup {
  const removalPolicy = options.logRemovalPolicy ?? RemovalPolicy.DESTROY;
  const encryptionKey = options.logEncryptionKey ?? (options.encryptLogs ? newLogKey(scope, removalPolicy) : undefined);
  // The class of a log group cannot be changed, so a log group of another class needs another ID.
  const isInfrequent = options.logGroupClass === logs.LogGroupClass.INFREQUENT_ACCESS;
  const logGroup = new logs.LogGroup(scope, isInfrequent ? 'InfrequentLogGroup' : 'LogGroup', {
    retention: options.logRetention,
    logGroupClass: options.logGroupClass,
    encryptionKey,
    removalPolicy,
  });
  if (encryptionKey) { encryptLogs(encryptionKey); }
  return logGroup;
}

/** Retained together with the log group, whose events cannot be read without it. */
function newLogKey(scope: Construct, removalPolicy: RemovalPolicy): kms.Key {
  return new kms.Key(scope, 'LogKey', {
    description: `Logs of ${scope.node.path}`,
    enableKeyRotation: true,
    removalPolicy,
  });
}

/**
 * Allows CloudWatch Logs to use a key, only for log groups in this account and Region
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html).
 */
export function encryptLogs(key: kms.IKey): void {
  const logGroupArn = Stack.of(key).formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: '*',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  key.addToResourcePolicy(new iam.PolicyStatement({
    actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
    // In China, the name ends with amazonaws.com.cn (aws-cdk-lib/region-info).
    principals: [new iam.ServicePrincipal(`logs.${Aws.REGION}.${Aws.URL_SUFFIX}`)],
    // In a key policy, "*" is the key itself.
    resources: ['*'],
    conditions: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': logGroupArn } },
  }));
}

/**
 * Matches the ECS events of a service: deployments that start, complete or fail, tasks that cannot start, and so on.
 */
export function serviceEvents(service: ecs.FargateService): events.EventPattern {
  return {
    source: ['aws.ecs'],
    detailType: ['ECS Service Action', 'ECS Deployment State Change'],
    resources: [service.serviceArn],
  };
}

function stoppedTasks(service: ecs.FargateService): events.EventPattern {
  return {
    source: ['aws.ecs'],
    detailType: ['ECS Task State Change'],
    detail: {
      clusterArn: [service.cluster.clusterArn],
      group: [`service:${service.serviceName}`],
      lastStatus: ['STOPPED'],
    },
  };
}

/** Writes the ECS events of the service and of stopped tasks to the log group. */
export function logServiceEvents(scope: Construct, logGroup: logs.LogGroup, service: ecs.FargateService): void {
  // CDK's own event target creates a Lambda function for this policy, although CloudFormation has a resource for it.
  logGroup.addToResourcePolicy(new iam.PolicyStatement({
    principals: [
      new iam.ServicePrincipal('events.amazonaws.com'),
      new iam.ServicePrincipal('delivery.logs.amazonaws.com'),
    ],
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    resources: [logGroup.logGroupArn],
  }));
  const arn = Stack.of(scope).formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: logGroup.logGroupName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  const targets = [{ bind: () => ({ arn }) }];
  new events.Rule(scope, 'ServiceEvents', {
    description: limited(`ECS events of ${scope.node.path}, written to its log group`, 512),
    eventPattern: serviceEvents(service),
    targets,
  });
  new events.Rule(scope, 'StoppedTasks', {
    description: limited(`Stopped tasks of ${scope.node.path}, written to its log group`, 512),
    eventPattern: stoppedTasks(service),
    targets,
  });
}

/** A readable name for the service that is unique in the account and Region. */
export function nameInAccount(scope: Construct): string {
  const idsInStack = scope.node.scopes.slice(Stack.of(scope).node.scopes.length).map(({ node }) => node.id);
  return [Stack.of(scope).stackName, ...idsInStack].join('/');
}

/** Saves queries for on-call engineers. The console lists them in Logs Insights, under Queries. */
export function saveQueries(scope: Construct, logGroup: logs.ILogGroup): void {
  const queries = new Construct(scope, 'LogQueries');
  const name = nameInAccount(scope);
  new logs.QueryDefinition(queries, 'Errors', {
    queryDefinitionName: `${name}/errors`,
    logGroups: [logGroup],
    queryString: ERROR_LINES,
  });
  new logs.QueryDefinition(queries, 'SlowestPaths', {
    queryDefinitionName: `${name}/slowest paths`,
    logGroups: [logGroup],
    queryString: new logs.QueryString({
      filterStatements: ['ispresent(responseTime)'],
      statsStatements: [
        'count(*) as requests, pct(responseTime, 95) as p95, max(responseTime) as slowest by method, path',
      ],
      sort: 'p95 desc',
      limit: 50,
    }),
  });
  new logs.QueryDefinition(queries, 'OneTrace', {
    queryDefinitionName: `${name}/one trace`,
    logGroups: [logGroup],
    queryString: new logs.QueryString({
      fields: ['@timestamp', 'level', 'message', 'status', 'responseTime', '@logStream'],
      // A placeholder for the trace ID of a response or a log line.
      filterStatements: ['traceId = "1-00000000-000000000000000000000000"'],
      sort: '@timestamp asc',
      limit: 1000,
    }),
  });
}

/** Levels of JSON log lines that count as errors, in upper case (as in the example app) or lower case. */
const ERROR_LEVELS = ['ERROR', 'FATAL', 'CRITICAL'];

/** Query for the latest error lines. It does not rely on JSON discovery, which not all log classes support. */
export const ERROR_LINES = new logs.QueryString({
  fields: ['@timestamp', 'level', 'message', 'path', 'status', 'traceId', '@logStream'],
  filterStatements: [`@message like /(?i)"level": ?"(${ERROR_LEVELS.join('|')})"/`],
  sort: '@timestamp desc',
  limit: 100,
});

/** The same lines as a pattern for metric filters, which are case-sensitive. */
export const ERROR_LINES_PATTERN = logs.FilterPattern.any(
  ...ERROR_LEVELS.flatMap((level) => [level, level.toLowerCase()])
    .map((level) => logs.FilterPattern.stringValue('$.level', '=', level)),
);
