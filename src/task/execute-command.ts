import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { encryptLogs } from '../observability/logs';
import { DEFAULTS } from '../preset';

const SESSIONS = 'Sessions';

/**
 * What is typed and shown in the sessions of a cluster that is made here: one key and one log group for all services that allow
 * sessions, made with the first of them.
 */
class Sessions extends Construct {
  public static of(cluster: ecs.Cluster): Sessions {
    return cluster.node.tryFindChild(SESSIONS) as Sessions | undefined ?? new Sessions(cluster);
  }

  public readonly key: kms.Key;
  public readonly logGroup: logs.LogGroup;

  private constructor(cluster: ecs.Cluster) {
    super(cluster, SESSIONS);
    this.key = new kms.Key(this, 'Key', {
      description: `Sessions of ECS Exec in ${cluster.node.path}`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    encryptLogs(this.key);
    this.logGroup = new logs.LogGroup(this, 'LogGroup', {
      retention: DEFAULTS.sessionLogRetention,
      encryptionKey: this.key,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // CDK takes this at the birth of a cluster only, when nobody knows yet whether a service will allow sessions.
    (cluster.node.defaultChild as ecs.CfnCluster).configuration = {
      executeCommandConfiguration: {
        kmsKeyId: this.key.keyArn,
        logging: 'OVERRIDE',
        logConfiguration: { cloudWatchLogGroupName: this.logGroup.logGroupName, cloudWatchEncryptionEnabled: true },
      },
    };
  }
}

/**
 * Lets `aws ecs execute-command` open sessions, by no more permissions than they need: CDK's own way allows a task to write to
 * every log group of the account.
 */
export function allowSessions(service: ecs.FargateService, cluster: ecs.ICluster, isMade: boolean): void {
  (service.node.defaultChild as ecs.CfnService).enableExecuteCommand = true;
  const { taskDefinition } = service;
  taskDefinition.addToTaskRolePolicy(new iam.PolicyStatement({
    actions: ['ssmmessages:CreateControlChannel', 'ssmmessages:CreateDataChannel', 'ssmmessages:OpenControlChannel', 'ssmmessages:OpenDataChannel'],
    // These have no resources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmessagegatewayservice.html
    resources: ['*'],
  }));
  if (!isMade || !(cluster instanceof ecs.Cluster)) { return; }
  const { key, logGroup } = Sessions.of(cluster);
  taskDefinition.addToTaskRolePolicy(new iam.PolicyStatement({
    actions: ['logs:DescribeLogGroups'],
    resources: [Stack.of(service).formatArn({ service: 'logs', resource: 'log-group', resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME })],
  }));
  taskDefinition.addToTaskRolePolicy(new iam.PolicyStatement({
    actions: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
    resources: [logGroup.logGroupArn],
  }));
  taskDefinition.addToTaskRolePolicy(new iam.PolicyStatement({ actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [key.keyArn] }));
}
