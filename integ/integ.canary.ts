import { ExpectedResult } from '@aws-cdk/integ-tests-alpha';
import { Duration, Stack } from 'aws-cdk-lib';
import { Deployment, HelloFargateService } from '../src';
import { expectStatus, newApp, newTest } from './support';

/** A second deployment is started when the first one answers. /health must answer while traffic shifts, and the deployment must complete. */
const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceCanary');
const hello = new HelloFargateService(stack, 'Hello', {
  deployment: Deployment.canary({ percent: 50, canaryBakeTime: Duration.minutes(1), bakeTime: Duration.minutes(1) }),
});

const test = newTest(app, 'Canary', stack);
const service = { cluster: hello.cluster.clusterName, service: hello.service.serviceName };
const deploymentIs = (rolloutState: string) => test.assertions
  .awsApiCall('ECS', 'describeServices', { cluster: service.cluster, services: [service.service] })
  .expect(ExpectedResult.objectLike({ services: [{ deployments: [{ rolloutState, status: 'PRIMARY' }] }] }))
  .waitForAssertions({ totalTimeout: Duration.minutes(20), interval: Duration.seconds(30) });

expectStatus(test, `${hello.url}/health`, 200)
  .next(deploymentIs('COMPLETED'))
  .next(test.assertions.awsApiCall('ECS', 'updateService', { ...service, forceNewDeployment: true }))
  .next(expectStatus(test, `${hello.url}/health?while=shifting`, 200))
  .next(test.assertions
    .awsApiCall('ECS', 'listServiceDeployments', { ...service, status: ['SUCCESSFUL'] })
    .assertAtPath('serviceDeployments.1.status', ExpectedResult.stringLikeRegexp('SUCCESSFUL'))
    .waitForAssertions({ totalTimeout: Duration.minutes(20), interval: Duration.seconds(30) }))
  .next(expectStatus(test, `${hello.url}/health?after=shifting`, 200));
