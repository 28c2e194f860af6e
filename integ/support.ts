import { ExpectedResult, IntegTest } from '@aws-cdk/integ-tests-alpha';
import { App, Duration } from 'aws-cdk-lib';

/** An app whose snapshot holds nothing of the machine that wrote it. */
export function newApp(): App {
  return new App({
    treeMetadata: false,
    analyticsReporting: false,
    context: { 'aws:cdk:disable-creation-stack-traces': true },
  });
}

/** Asserts that a URL answers with a status; waits up to ten minutes, as a service has just been created. */
export function expectStatus(test: IntegTest, url: string, status: number): void {
  test.assertions
    .httpApiCall(url)
    .expect(ExpectedResult.objectLike({ status }))
    .waitForAssertions({ totalTimeout: Duration.minutes(10), interval: Duration.seconds(15) });
}
