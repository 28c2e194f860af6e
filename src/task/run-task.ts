import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { IConstruct } from 'constructs';
import { Network } from '../network/network';
import { Validation } from '../validation';

/** What a one-off task needs of the service. */
interface Runnable extends ec2.IConnectable, IConstruct {
  readonly taskDefinition: ecs.FargateTaskDefinition;
  readonly container: ecs.ContainerDefinition;
}

/** https://docs.aws.amazon.com/cli/latest/reference/ecs/run-task.html */
export function runTaskCommand(validation: Validation, service: Runnable, network: Network, command: string[]): string {
  validation.notEmpty('runTaskCommand.command', command, 'say what runs');
  validation.throwIfRefused();

  const { cluster, vpc, taskSubnets, assignPublicIp } = network;
  const subnets = vpc.selectSubnets(taskSubnets).subnetIds.join(',');
  const securityGroups = service.connections.securityGroups.map(({ securityGroupId }) => securityGroupId).join(',');
  const overrides = JSON.stringify({ containerOverrides: [{ name: service.container.containerName, command }] });
  return [
    'aws ecs run-task',
    `--region ${Stack.of(service).region}`,
    `--cluster ${cluster.clusterName}`,
    `--task-definition ${service.taskDefinition.taskDefinitionArn}`,
    '--capacity-provider-strategy capacityProvider=FARGATE,weight=1',
    `--network-configuration 'awsvpcConfiguration={subnets=[${subnets}],securityGroups=[${securityGroups}],assignPublicIp=${assignPublicIp ? 'ENABLED' : 'DISABLED'}}'`,
    // Within single quotes a shell takes everything as it is, except a single quote.
    `--overrides '${overrides.replace(/'/g, '\'\\\'\'')}'`,
  ].join(' ');
}
