import { Stack, aws_ec2 as ec2, aws_ecs as ecs } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';
import { Network } from '../network/network';
import { Validation } from '../validation';

/** The parts of a service that a one-off task uses. */
interface TaskSource extends ec2.IConnectable, IConstruct {
  readonly taskDefinition: ecs.FargateTaskDefinition;
  readonly container: ecs.ContainerDefinition;
}

/** https://docs.aws.amazon.com/cli/latest/reference/ecs/run-task.html */
export function runTaskCommand(
  validation: Validation, service: TaskSource, network: Network, command: string[],
): string {
  validation.notEmpty('runTaskCommand.command', command, 'pass the command to run');
  validation.throwIfRefused();

  const { cluster, vpc, taskSubnets, assignPublicIp } = network;
  const subnets = vpc.selectSubnets(taskSubnets).subnetIds.join(',');
  const securityGroups = service.connections.securityGroups.map(({ securityGroupId }) => securityGroupId).join(',');
  const publicIp = assignPublicIp ? 'ENABLED' : 'DISABLED';
  const vpcConfiguration = `subnets=[${subnets}],securityGroups=[${securityGroups}],assignPublicIp=${publicIp}`;
  const overrides = JSON.stringify({ containerOverrides: [{ name: service.container.containerName, command }] });
  return [
    'aws ecs run-task',
    `--region ${Stack.of(service).region}`,
    `--cluster ${cluster.clusterName}`,
    `--task-definition ${service.taskDefinition.taskDefinitionArn}`,
    '--capacity-provider-strategy capacityProvider=FARGATE,weight=1',
    `--network-configuration 'awsvpcConfiguration={${vpcConfiguration}}'`,
    // In single quotes, only the single quote itself must be escaped in a shell.
    `--overrides '${overrides.replace(/'/g, '\'\\\'\'')}'`,
  ].join(' ');
}
