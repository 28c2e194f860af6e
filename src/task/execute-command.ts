import {
  ArnFormat,
  RemovalPolicy,
  Stack,
  aws_ecs as ecs,
  aws_iam as iam,
  aws_kms as kms,
  aws_logs as logs,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { Network } from '../network/network';
import { encryptLogs } from '../observability/logs';
import { DEFAULTS } from '../preset';

const SESSIONS = 'Sessions';

/**
 * The KMS key and the log group of ECS Exec sessions in a cluster of this library. All services in the cluster share
 * them.
 */
class Sessions extends Construct {
  public static findOrCreate(cluster: ecs.Cluster): Sessions {
    return cluster.node.tryFindChild(SESSIONS) as Sessions | undefined ?? new Sessions(cluster);
  }

  public readonly key: kms.Key;
  public readonly logGroup: logs.LogGroup;

  private constructor(cluster: ecs.Cluster) {
    super(cluster, SESSIONS);
    this.key = new kms.Key(this, 'Key', {
      description: `ECS Exec sessions in ${cluster.node.path}`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    encryptLogs(this.key);
    this.logGroup = new logs.LogGroup(this, 'LogGroup', {
      retention: DEFAULTS.sessionLogRetention,
      encryptionKey: this.key,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // `ecs.Cluster` takes this only in its constructor, before it is known whether a service enables ECS Exec.
    (cluster.node.defaultChild as ecs.CfnCluster).configuration = {
      executeCommandConfiguration: {
        kmsKeyId: this.key.keyArn,
        logging: 'OVERRIDE',
        logConfiguration: { cloudWatchLogGroupName: this.logGroup.logGroupName, cloudWatchEncryptionEnabled: true },
      },
    };
  }

  public grantUse(taskDefinition: ecs.TaskDefinition): void {
    const allLogGroups = Stack.of(taskDefinition).formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: '*',
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    taskDefinition.addToTaskRolePolicy(new iam.PolicyStatement({
      actions: ['logs:DescribeLogGroups'],
      resources: [allLogGroups],
    }));
    taskDefinition.addToTaskRolePolicy(new iam.PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
      resources: [this.logGroup.logGroupArn],
    }));
    taskDefinition.addToTaskRolePolicy(new iam.PolicyStatement({
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: [this.key.keyArn],
    }));
  }
}

/**
 * Whether CDK itself grants the permissions for sessions: it does in a cluster with an `executeCommandConfiguration`.
 */
export function hasSessionConfiguration({ cluster }: Network): boolean {
  return cluster.executeCommandConfiguration !== undefined;
}

/**
 * Enables ECS Exec with least-privilege permissions. `enableExecuteCommand` of CDK would allow the tasks to write to
 * every log group of the account.
 */
export function enableSessions(service: ecs.FargateService, { cluster, ownsCluster }: Network): void {
  (service.node.defaultChild as ecs.CfnService).enableExecuteCommand = true;
  service.taskDefinition.addToTaskRolePolicy(new iam.PolicyStatement({
    actions: [
      'ssmmessages:CreateControlChannel',
      'ssmmessages:CreateDataChannel',
      'ssmmessages:OpenControlChannel',
      'ssmmessages:OpenDataChannel',
    ],
    // https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmessagegatewayservice.html has no
    // resource types.
    resources: ['*'],
  }));
  if (ownsCluster && cluster instanceof ecs.Cluster) {
    Sessions.findOrCreate(cluster).grantUse(service.taskDefinition);
  }
}
