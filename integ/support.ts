import { ExpectedResult, IApiCall, IntegTest } from '@aws-cdk/integ-tests-alpha';
import { App, Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { HelloFargateService } from '../src';

/** An app whose snapshot holds nothing of the machine that wrote it. */
export function newApp(): App {
  return new App({
    treeMetadata: false,
    analyticsReporting: false,
    context: { 'aws:cdk:disable-creation-stack-traces': true },
  });
}

/** A scenario. A new revision of a task definition replaces the old one; nothing else may go unnoticed. */
export function newTest(app: App, id: string, ...testCases: Stack[]): IntegTest {
  return new IntegTest(app, id, { testCases, allowDestroy: ['AWS::ECS::TaskDefinition'] });
}

/** Asserts that a URL answers with a status; waits up to ten minutes, as a service has just been created. */
export function expectStatus(test: IntegTest, url: string, status: number): IApiCall {
  return test.assertions
    .httpApiCall(url)
    .expect(ExpectedResult.objectLike({ status }))
    .waitForAssertions({ totalTimeout: Duration.minutes(10), interval: Duration.seconds(15) });
}

/** Asserts the same from inside the VPC, for what cannot be reached from outside: a function in it asks. */
export function expectStatusInside(test: IntegTest, hello: HelloFargateService, path: string, status: number): void {
  const stack = Stack.of(hello);
  const client = new lambda.Function(stack, 'Client', {
    runtime: lambda.Runtime.NODEJS_22_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline('exports.handler = async ({ url }) => ({ status: (await fetch(url)).status });'),
    timeout: Duration.seconds(30),
    vpc: hello.vpc,
    vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
    allowPublicSubnet: true,
  });
  test.assertions
    .invokeFunction({ functionName: client.functionName, payload: stack.toJsonString({ url: `${hello.url}${path}` }) })
    .expect(ExpectedResult.objectLike({ Payload: JSON.stringify({ status }) }))
    .waitForAssertions({ totalTimeout: Duration.minutes(10), interval: Duration.seconds(15) });
}
