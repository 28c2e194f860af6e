import { Stack } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as patterns from 'aws-cdk-lib/aws-ecs-patterns';

export function add(stack: Stack, id: string): void {
  new patterns.ApplicationLoadBalancedFargateService(stack, id, {
    taskImageOptions: { image: ecs.ContainerImage.fromAsset('example-app'), containerPort: 8080 },
  });
}
