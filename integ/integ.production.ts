import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Alarms, HelloFargateService, Ingress, Preset } from '../src';
import { expectStatus, newApp, newTest } from './support';

/** Uses the whole preset except deletion protection and log retention, so the test deletes all its resources. */
const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceProduction');
const accessLogsBucket = new s3.Bucket(stack, 'AccessLogs', {
  enforceSSL: true,
  blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
  removalPolicy: RemovalPolicy.DESTROY,
  autoDeleteObjects: true,
});
const hello = new HelloFargateService(stack, 'Hello', {
  preset: Preset.PRODUCTION,
  ingress: Ingress.cloudFront({ deletionProtection: false, accessLogsBucket }),
  // No address gets an email: the topic has no subscription.
  alarms: Alarms.recommended({ topics: [new sns.Topic(stack, 'Topic', { enforceSSL: true })] }),
  logRemovalPolicy: RemovalPolicy.DESTROY,
});

const test = newTest(app, 'Production', stack);
expectStatus(test, `${hello.url}/health`, 200);
