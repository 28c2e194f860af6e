import { ExpectedResult, IApiCall, IntegTest } from '@aws-cdk/integ-tests-alpha';
import { App, Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { HelloFargateService } from '../src';

/** An app whose snapshot does not depend on the machine that creates it. */
export function newApp(): App {
  return new App({
    treeMetadata: false,
    analyticsReporting: false,
    context: { 'aws:cdk:disable-creation-stack-traces': true },
  });
}

/** An integration test. An update may replace task definitions, which are immutable, and no other resource. */
export function newTest(app: App, id: string, ...testCases: Stack[]): IntegTest {
  return new IntegTest(app, id, { testCases, allowDestroy: ['AWS::ECS::TaskDefinition'] });
}

/** Asserts that a URL returns a status. Waits up to ten minutes for the new service to respond. */
export function expectStatus(test: IntegTest, url: string, status: number): IApiCall {
  return test.assertions
    .httpApiCall(url)
    .expect(ExpectedResult.objectLike({ status }))
    .waitForAssertions({ totalTimeout: Duration.minutes(10), interval: Duration.seconds(15) });
}

/**
 * Asserts the status with a Lambda function in the VPC, for a service that the internet cannot reach.
 *
 * The function has the URL in its environment: a payload with a token would not be JSON when the assertion decodes it.
 */
export function expectStatusInside(test: IntegTest, hello: HelloFargateService, path: string, status: number): void {
  const stack = Stack.of(hello);
  const client = new lambda.Function(stack, 'Client', {
    runtime: lambda.Runtime.NODEJS_22_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline(
      'exports.handler = async ({ path }) => ({ status: (await fetch(process.env.URL + path)).status });',
    ),
    environment: { URL: hello.url },
    timeout: Duration.seconds(30),
    vpc: hello.vpc,
    vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
    allowPublicSubnet: true,
  });
  test.assertions
    .invokeFunction({ functionName: client.functionName, payload: JSON.stringify({ path }) })
    .expect(ExpectedResult.objectLike({ Payload: JSON.stringify({ status }) }))
    .waitForAssertions({ totalTimeout: Duration.minutes(10), interval: Duration.seconds(15) });
}
