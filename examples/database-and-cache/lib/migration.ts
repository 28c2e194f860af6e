import * as path from 'node:path';
import { CustomResource, Duration } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { HelloFargateService } from 'hello-fargate-service';

export interface MigrationProps {
  readonly service: HelloFargateService;
  /** Runs in a task of the new version. It must succeed when it has nothing to do: a rollback runs it again. */
  readonly command: string[];
  /** Private subnets for the task. */
  readonly vpcSubnets: ec2.SubnetSelection;
}

/**
 * Runs a command in a task of each new version, before the service runs that version. If the command fails, so does the
 * deployment, and the service keeps its version.
 */
export class Migration extends Construct {
  constructor(scope: Construct, id: string, { service, command, vpcSubnets }: MigrationProps) {
    super(scope, id);
    const { cluster, taskDefinition, container, connections: { securityGroups }, vpc } = service;

    const newFunction = (name: string, exported: string) => new lambda.Function(this, name, {
      code: lambda.Code.fromAsset(path.join(__dirname, 'migration')),
      handler: `index.${exported}`,
      runtime: lambda.Runtime.NODEJS_24_X,
      timeout: Duration.minutes(1),
    });
    const start = newFunction('StartTask', 'startTask');
    taskDefinition.grantRun(start);
    const check = newFunction('IsStopped', 'isStopped');
    check.addToRolePolicy(new iam.PolicyStatement({
      actions: ['ecs:DescribeTasks'],
      resources: ['*'],
      conditions: { ArnEquals: { 'ecs:cluster': cluster.clusterArn } },
    }));

    const provider = new Provider(this, 'Provider', {
      onEventHandler: start,
      isCompleteHandler: check,
      totalTimeout: Duration.minutes(30),
    });
    const run = new CustomResource(this, 'Run', {
      serviceToken: provider.serviceToken,
      resourceType: 'Custom::Migration',
      properties: {
        Cluster: cluster.clusterArn,
        TaskDefinition: taskDefinition.taskDefinitionArn,
        Container: container.containerName,
        Command: command,
        Subnets: vpc.selectSubnets(vpcSubnets).subnetIds,
        SecurityGroups: securityGroups.map(({ securityGroupId }) => securityGroupId),
      },
    });
    // The task needs its roles' policies, its log group, and a route to the registry of its image.
    run.node.addDependency(taskDefinition, service.logGroup, vpc.selectSubnets(vpcSubnets).internetConnectivityEstablished);
    service.service.node.addDependency(run);
  }
}
