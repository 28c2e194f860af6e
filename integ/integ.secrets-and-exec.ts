import { ExpectedResult } from '@aws-cdk/integ-tests-alpha';
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { HelloFargateService } from '../src';
import { expectStatus, newApp, newTest } from './support';

/** A task that may not read its secrets does not start, so a response shows that it may. */
const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceSecretsAndExec');
const secret = new secretsmanager.Secret(stack, 'Password', { removalPolicy: RemovalPolicy.DESTROY });
const parameter = new ssm.StringParameter(stack, 'Greeting', { stringValue: 'hello' });
const hello = new HelloFargateService(stack, 'Hello', {
  secrets: { PASSWORD: ecs.Secret.fromSecretsManager(secret), GREETING: ecs.Secret.fromSsmParameter(parameter) },
  enableExecuteCommand: true,
});

const test = newTest(app, 'SecretsAndExec', stack);
expectStatus(test, `${hello.url}/health`, 200);
test.assertions
  .awsApiCall('ECS', 'describeServices', { cluster: hello.cluster.clusterName, services: [hello.service.serviceName] })
  .expect(ExpectedResult.objectLike({ services: [{ enableExecuteCommand: true }] }));
