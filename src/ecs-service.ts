import { aws_ec2 as ec2, aws_ecs as ecs } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { rollbackAlarms } from './deployment/rollback-alarms';
import { BoundIngress } from './ingress/ingress-type';
import { Network } from './network/network';
import { ServiceSettings } from './props';
import { enableSessions, hasSessionConfiguration } from './task/execute-command';
import { Task } from './task/task';

/** The parts of the construct that exist before the ECS service. */
interface ServiceParts {
  readonly network: Network;
  readonly task: Task;
  readonly ingress: BoundIngress;
}

export function newEcsService(scope: Construct, settings: ServiceSettings, parts: ServiceParts): ecs.FargateService {
  const { props, ingress, healthCheck } = settings;
  const { network, task: { taskDefinition } } = parts;
  const { capacity, deployment } = props;
  const hasSessions = hasSessionConfiguration(network);
  const alarmNames = rollbackAlarms(scope, deployment, parts.ingress, healthCheck);
  const securityGroup = new ec2.SecurityGroup(scope, 'SecurityGroup', {
    vpc: network.vpc,
    // Another description would replace the security group.
    description: 'Tasks: the load balancer in, everything out',
  });
  const service = new ecs.FargateService(scope, 'Service', {
    cluster: network.cluster,
    taskDefinition,
    // Not set with scaling, because each deployment would reset the number of tasks.
    desiredCount: props.desiredCount,
    capacityProviderStrategies: capacity._strategy,
    vpcSubnets: network.taskSubnets,
    assignPublicIp: network.assignPublicIp,
    securityGroups: [securityGroup],
    healthCheckGracePeriod: ingress.hasLoadBalancer ? healthCheck.gracePeriod : undefined,
    // The default. With a circuit breaker, CDK sets it or not, depending on a feature flag, and CloudFormation would
    // replace the service when an app adopts that flag (https://github.com/aws/aws-cdk/pull/22467).
    deploymentController: { type: ecs.DeploymentControllerType.ECS },
    circuitBreaker: { enable: true, rollback: true },
    deploymentAlarms: alarmNames.length > 0
      ? { alarmNames, behavior: ecs.AlarmBehavior.ROLLBACK_ON_ALARM }
      : undefined,
    ...deployment._serviceProps,
    availabilityZoneRebalancing: ecs.AvailabilityZoneRebalancing.ENABLED,
    platformVersion: ecs.FargatePlatformVersion.LATEST,
    enableExecuteCommand: props.enableExecuteCommand && hasSessions || undefined,
    propagateTags: ecs.PropagatedTagSource.SERVICE,
    enableECSManagedTags: true,
  });
  service.forceNewDeployment([capacity._nonce, props.forceNewDeployment].filter(Boolean).join('-'));
  setFailureThreshold(service, deployment._strategy.options.failureThreshold);
  if (props.enableExecuteCommand && !hasSessions) { enableSessions(service, network); }
  // The association with the capacity providers cannot be deleted before the service that uses them.
  service.node.addDependency(network.cluster);
  // Tasks need the route to the internet when they start, and until they have stopped. CloudFormation does not wait for
  // it: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html#gatewayattachment
  service.node.addDependency(...network.routes);
  // A task that cannot pull its image yet would count as a failed deployment.
  service.node.addDependency(taskDefinition.obtainExecutionRole());
  return service;
}

/** CDK 2.257 has no property for it. */
function setFailureThreshold(service: ecs.FargateService, failureThreshold: number | undefined): void {
  if (failureThreshold === undefined) { return; }
  (service.node.defaultChild as ecs.CfnService).addPropertyOverride(
    'DeploymentConfiguration.DeploymentCircuitBreaker.ThresholdConfiguration',
    { Type: 'COUNT', Value: failureThreshold },
  );
}
