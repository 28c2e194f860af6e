import { ExpectedResult } from '@aws-cdk/integ-tests-alpha';
import { Stack } from 'aws-cdk-lib';
import { Capacity, HelloFargateService } from '../src';
import { expectStatus, newApp, newTest } from './support';

/** Runs one task on On-Demand capacity and one on Spot, and scales out on Spot. */
const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceSpotAndScaling');
const hello = new HelloFargateService(stack, 'Hello', {
  capacity: Capacity.spot(),
  scaling: { minCapacity: 2, maxCapacity: 4, memoryUtilizationPercent: 80, requestsPerTarget: 1000 },
});

const test = newTest(app, 'SpotAndScaling', stack);
expectStatus(test, `${hello.url}/health`, 200);
test.assertions
  .awsApiCall('ApplicationAutoScaling', 'describeScalableTargets', {
    ServiceNamespace: 'ecs',
    ResourceIds: [`service/${hello.cluster.clusterName}/${hello.service.serviceName}`],
  })
  .expect(ExpectedResult.objectLike({ ScalableTargets: [{ MinCapacity: 2, MaxCapacity: 4 }] }));
