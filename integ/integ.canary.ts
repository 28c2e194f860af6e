import { ExpectedResult } from '@aws-cdk/integ-tests-alpha';
import { CfnParameter, Duration, Stack } from 'aws-cdk-lib';
import { Deployment, HelloFargateService } from '../src';
import { expectStatus, newApp, newTest } from './support';

/**
 * Updates the stack with a new version after the first one responds. `/health` must respond while traffic shifts, the
 * update must complete, and then the new version must respond.
 */
const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceCanary');
const version = new CfnParameter(stack, 'Version', { default: 'first' });
const hello = new HelloFargateService(stack, 'Hello', {
  environment: { COMMIT: version.valueAsString },
  deployment: Deployment.canary({ percent: 50, canaryBakeTime: Duration.minutes(1), bakeTime: Duration.minutes(1) }),
});

const test = newTest(app, 'Canary', stack);
const expectVersion = (commit: string) => test.assertions
  .httpApiCall(`${hello.url}/info?version=${commit}`)
  .expect(ExpectedResult.objectLike({ status: 200, body: { commit } }));

expectStatus(test, `${hello.url}/health`, 200)
  .next(expectVersion('first'))
  .next(test.assertions.awsApiCall('CloudFormation', 'updateStack', {
    StackName: stack.stackName,
    UsePreviousTemplate: true,
    Capabilities: ['CAPABILITY_IAM'],
    Parameters: [
      { ParameterKey: version.logicalId, ParameterValue: 'second' },
      { ParameterKey: 'BootstrapVersion', UsePreviousValue: true },
    ],
  }))
  .next(expectStatus(test, `${hello.url}/health?while=shifting`, 200))
  .next(test.assertions
    .awsApiCall('CloudFormation', 'describeStacks', { StackName: stack.stackName })
    .expect(ExpectedResult.objectLike({ Stacks: [{ StackStatus: 'UPDATE_COMPLETE' }] }))
    .waitForAssertions({ totalTimeout: Duration.minutes(30), interval: Duration.seconds(30) }))
  .next(expectVersion('second'));
