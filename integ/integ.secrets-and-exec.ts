import { ExpectedResult, Match } from '@aws-cdk/integ-tests-alpha';
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { HelloFargateService } from '../src';
import { expectStatus, newApp, newTest } from './support';

/**
 * A task that may not read its secrets does not start, so a response shows that it may. ECS Exec works where its agent
 * runs (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html).
 */
const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceSecretsAndExec');
const secret = new secretsmanager.Secret(stack, 'Password', { removalPolicy: RemovalPolicy.DESTROY });
const parameter = new ssm.StringParameter(stack, 'Greeting', { stringValue: 'hello' });
const hello = new HelloFargateService(stack, 'Hello', {
  secrets: { PASSWORD: ecs.Secret.fromSecretsManager(secret), GREETING: ecs.Secret.fromSsmParameter(parameter) },
  enableExecuteCommand: true,
});

const test = newTest(app, 'SecretsAndExec', stack);
const cluster = hello.cluster.clusterName;
const tasks = test.assertions.awsApiCall('ECS', 'listTasks', { cluster, serviceName: hello.service.serviceName });
expectStatus(test, `${hello.url}/health`, 200)
  .next(tasks)
  .next(test.assertions
    .awsApiCall('ECS', 'describeTasks', { cluster, tasks: [tasks.getAttString('taskArns.0')] })
    .expect(ExpectedResult.objectLike({
      tasks: [{
        enableExecuteCommand: true,
        containers: Match.arrayWith([Match.objectLike({
          managedAgents: [{ name: 'ExecuteCommandAgent', lastStatus: 'RUNNING' }],
        })]),
      }],
    }))
    .waitForAssertions({ totalTimeout: Duration.minutes(5), interval: Duration.seconds(15) }));
