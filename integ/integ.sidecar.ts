import { Duration, Stack } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { HelloFargateService } from '../src';
import { expectStatus, newApp, newTest } from './support';

/** The app starts only after the sidecar is healthy, so a response shows that both run. */
const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceSidecar');
const hello = new HelloFargateService(stack, 'Hello');
hello.addSidecar('waiting', {
  image: ecs.ContainerImage.fromRegistry('public.ecr.aws/docker/library/busybox:1.37'),
  command: ['sleep', '1000000'],
  healthCheck: { command: ['CMD', 'true'], interval: Duration.seconds(5) },
  essential: true,
  dependencyCondition: ecs.ContainerDependencyCondition.HEALTHY,
});

const test = newTest(app, 'Sidecar', stack);
expectStatus(test, `${hello.url}/health`, 200);
