import { Stack } from 'aws-cdk-lib';
import * as assets from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';

export function add(stack: Stack, id: string): void {
  const image = new assets.DockerImageAsset(stack, `${id}Image`, { directory: 'example-app' });
  const managed = (name: string) => iam.ManagedPolicy.fromAwsManagedPolicyName(`service-role/${name}`);
  const executionRole = new iam.Role(stack, `${id}ExecutionRole`, {
    assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com'),
    managedPolicies: [managed('AmazonECSTaskExecutionRolePolicy')],
  });
  const infrastructureRole = new iam.Role(stack, `${id}InfrastructureRole`, {
    assumedBy: new iam.ServicePrincipal('ecs.amazonaws.com'),
    managedPolicies: [managed('AmazonECSInfrastructureRoleforExpressGatewayServices')],
  });
  new ecs.CfnExpressGatewayService(stack, id, {
    executionRoleArn: executionRole.roleArn,
    infrastructureRoleArn: infrastructureRole.roleArn,
    primaryContainer: { image: image.imageUri, containerPort: 8080 },
    healthCheckPath: '/health',
  });
}
