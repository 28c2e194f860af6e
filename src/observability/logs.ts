import { ArnFormat, Aws, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { show, Validation } from '../validation';

export interface LogsProps {
  readonly logRetention?: logs.RetentionDays;
  readonly logGroupClass?: logs.LogGroupClass;
  readonly logRemovalPolicy?: RemovalPolicy;
  readonly encryptLogs?: boolean;
  readonly logEncryptionKey?: kms.IKey;
}

export function validateLogs(validation: Validation, { logRemovalPolicy, encryptLogs: encrypt, logEncryptionKey }: LogsProps): void {
  if (logEncryptionKey && encrypt === false) {
    validation.refuse('logEncryptionKey', show(logEncryptionKey.node.path), 'encryptLogs is false, so that it would be ignored', 'leave one of the two out');
  }
  const { DESTROY, RETAIN, RETAIN_ON_UPDATE_OR_DELETE } = RemovalPolicy;
  if (logRemovalPolicy !== undefined && ![DESTROY, RETAIN, RETAIN_ON_UPDATE_OR_DELETE].includes(logRemovalPolicy)) {
    validation.refuse('logRemovalPolicy', show(logRemovalPolicy), 'a log group is deleted with the stack or kept', 'set RemovalPolicy.DESTROY or RemovalPolicy.RETAIN');
  }
}

/** Where the container logs, and the key for it if it has one. */
export function newLogGroup(scope: Construct, props: LogsProps): logs.LogGroup {
  const removalPolicy = props.logRemovalPolicy ?? RemovalPolicy.DESTROY;
  const encryptionKey = props.logEncryptionKey ?? (props.encryptLogs ? new kms.Key(scope, 'LogKey', {
    description: `Logs of ${scope.node.path}`,
    enableKeyRotation: true,
    // Without their key, logs that are kept cannot be read.
    removalPolicy,
  }) : undefined);
  // The class of a log group cannot change, so that one of another class must have another ID.
  const isInfrequent = props.logGroupClass === logs.LogGroupClass.INFREQUENT_ACCESS;
  const logGroup = new logs.LogGroup(scope, isInfrequent ? 'InfrequentLogGroup' : 'LogGroup', {
    retention: props.logRetention,
    logGroupClass: props.logGroupClass,
    encryptionKey,
    removalPolicy,
  });
  if (encryptionKey) { encryptLogs(encryptionKey); }
  return logGroup;
}

/**
 * Lets CloudWatch Logs use a key, for log groups of this account and region only
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html).
 */
export function encryptLogs(key: kms.IKey): void {
  key.addToResourcePolicy(new iam.PolicyStatement({
    actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
    principals: [new iam.ServicePrincipal(`logs.${Aws.REGION}.amazonaws.com`)],
    // In the policy of a key, "*" is the key itself.
    resources: ['*'],
    conditions: {
      ArnLike: {
        'kms:EncryptionContext:aws:logs:arn':
          Stack.of(key).formatArn({ service: 'logs', resource: 'log-group', resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME }),
      },
    },
  }));
}

/** What ECS tells of a service: that a deployment began, ended or failed, that tasks cannot be started, and so on. */
export function serviceEvents(service: ecs.FargateService): events.EventPattern {
  return { source: ['aws.ecs'], detailType: ['ECS Service Action', 'ECS Deployment State Change'], resources: [service.serviceArn] };
}

/** Writes what ECS tells of the service and of tasks that stopped between the lines of the app. */
export function logServiceEvents(scope: Construct, logGroup: logs.LogGroup, service: ecs.FargateService): void {
  const stack = Stack.of(scope);
  // CDK's own target makes a Lambda function for the policy, which CloudFormation can make by itself.
  logGroup.addToResourcePolicy(new iam.PolicyStatement({
    principals: [new iam.ServicePrincipal('events.amazonaws.com'), new iam.ServicePrincipal('delivery.logs.amazonaws.com')],
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    resources: [logGroup.logGroupArn],
  }));
  const arn = stack.formatArn({ service: 'logs', resource: 'log-group', resourceName: logGroup.logGroupName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
  const targets = [{ bind: () => ({ arn }) }];

  new events.Rule(scope, 'ServiceEvents', {
    description: `What ECS tells of ${scope.node.path}, for its log`,
    eventPattern: serviceEvents(service),
    targets,
  });
  new events.Rule(scope, 'StoppedTasks', {
    description: `Tasks of ${scope.node.path} that stopped and why, for its log`,
    eventPattern: {
      source: ['aws.ecs'],
      detailType: ['ECS Task State Change'],
      detail: { clusterArn: [service.cluster.clusterArn], group: [`service:${service.serviceName}`], lastStatus: ['STOPPED'] },
    },
    targets,
  });
}

/** The name of a service for what is named in the whole account: unique, and readable. */
export function nameInAccount(scope: Construct): string {
  const path = scope.node.scopes.slice(Stack.of(scope).node.scopes.length).map(({ node }) => node.id);
  return [Stack.of(scope).stackName, ...path].join('/');
}

/** The questions of a person on call, ready in the console under CloudWatch, Logs Insights, Queries. */
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
      statsStatements: ['count(*) as requests, pct(responseTime, 95) as p95, max(responseTime) as slowest by method, path'],
      sort: 'p95 desc',
      limit: 50,
    }),
  });
  new logs.QueryDefinition(queries, 'OneTrace', {
    queryDefinitionName: `${name}/one trace`,
    logGroups: [logGroup],
    queryString: new logs.QueryString({
      fields: ['@timestamp', 'level', 'message', 'status', 'responseTime', '@logStream'],
      // The trace ID that an answer or a line has: put it in place of this one.
      filterStatements: ['traceId = "1-00000000-000000000000000000000000"'],
      sort: '@timestamp asc',
      limit: 1000,
    }),
  });
}

/** What apps call a line that somebody should read, in JSON: the example app in capitals, others not. */
const ERROR_LEVELS = ['ERROR', 'FATAL', 'CRITICAL'];

/** The newest of these lines. Written for log groups of every class, of which not all take JSON apart by themselves. */
export const ERROR_LINES = new logs.QueryString({
  fields: ['@timestamp', 'level', 'message', 'path', 'status', 'traceId', '@logStream'],
  filterStatements: [`@message like /(?i)"level": ?"(${ERROR_LEVELS.join('|')})"/`],
  sort: '@timestamp desc',
  limit: 100,
});

/** The same lines in the language of metric filters, which knows upper and lower case apart. */
export const ERROR_LINES_PATTERN = logs.FilterPattern.any(...ERROR_LEVELS.flatMap((level) => [level, level.toLowerCase()])
  .map((level) => logs.FilterPattern.stringValue('$.level', '=', level)));
