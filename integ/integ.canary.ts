import { ExpectedResult } from '@aws-cdk/integ-tests-alpha';
import { CfnParameter, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Deployment, HelloFargateService } from '../src';
import { expectStatus, newApp, newTest } from './support';

/**
 * Updates the stack with a new version after the first one responds. `/health` must respond while traffic shifts, the
 * update must complete, and then the new version must respond.
 *
 * The third version is healthy, but answers all other requests with 500. Its share of the traffic must roll it back,
 * and then the second version must respond.
 */
const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceCanary');
const version = new CfnParameter(stack, 'Version', { default: 'first' });
const nodeOptions = new CfnParameter(stack, 'NodeOptions', { default: '--no-deprecation' });
const hello = new HelloFargateService(stack, 'Hello', {
  environment: { COMMIT: version.valueAsString, NODE_OPTIONS: nodeOptions.valueAsString },
  // The rollback needs three minutes of failures.
  deployment: Deployment.canary({ percent: 10, canaryBakeTime: Duration.minutes(10), bakeTime: Duration.minutes(1) }),
});

/** Sends two requests a second, a minute long, every minute: the canary gets 12 of them. */
const clients = new lambda.Function(stack, 'Clients', {
  runtime: lambda.Runtime.NODEJS_22_X,
  handler: 'index.handler',
  code: lambda.Code.fromInline(`exports.handler = async ({ url }) => {
  for (let i = 0; i < 110; i++) {
    await fetch(url).then((response) => response.text(), console.error);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
};`),
  timeout: Duration.minutes(3),
  logGroup: new logs.LogGroup(stack, 'ClientsLog', {
    retention: logs.RetentionDays.ONE_DAY, removalPolicy: RemovalPolicy.DESTROY,
  }),
});
new events.Rule(stack, 'EveryMinute', {
  schedule: events.Schedule.rate(Duration.minutes(1)),
  targets: [new targets.LambdaFunction(clients, {
    event: events.RuleTargetInput.fromObject({ url: `${hello.url}/info` }),
    retryAttempts: 0,
  })],
});

/** Overwrites the status of each response, except that of the health check. */
const FAIL = `import { ServerResponse } from 'node:http';
const { writeHead } = ServerResponse.prototype;
ServerResponse.prototype.writeHead = function (status, ...rest) {
  return writeHead.call(this, this.req.url.startsWith('/health') ? status : 500, ...rest);
};`;

const test = newTest(app, 'Canary', stack);
const expectVersion = (commit: string, after = commit) => test.assertions
  .httpApiCall(`${hello.url}/info?version=${after}`)
  .expect(ExpectedResult.objectLike({ status: 200, body: { commit } }));
const deploy = (commit: string, options?: string) => test.assertions.awsApiCall('CloudFormation', 'updateStack', {
  StackName: stack.stackName,
  UsePreviousTemplate: true,
  Capabilities: ['CAPABILITY_IAM'],
  Parameters: [
    { ParameterKey: version.logicalId, ParameterValue: commit },
    options === undefined
      ? { ParameterKey: nodeOptions.logicalId, UsePreviousValue: true }
      : { ParameterKey: nodeOptions.logicalId, ParameterValue: options },
    { ParameterKey: 'BootstrapVersion', UsePreviousValue: true },
  ],
});
const expectStackStatus = (status: string) => test.assertions
  .awsApiCall('CloudFormation', 'describeStacks', { StackName: stack.stackName })
  .expect(ExpectedResult.objectLike({ Stacks: [{ StackStatus: status }] }))
  .waitForAssertions({ totalTimeout: Duration.minutes(55), interval: Duration.seconds(30) });

expectStatus(test, `${hello.url}/health`, 200)
  .next(expectVersion('first'))
  .next(deploy('second'))
  .next(expectStatus(test, `${hello.url}/health?while=shifting`, 200))
  .next(expectStackStatus('UPDATE_COMPLETE'))
  .next(expectVersion('second'))
  .next(deploy('bad', `--import=data:text/javascript,${encodeURIComponent(FAIL)}`))
  .next(expectStackStatus('UPDATE_ROLLBACK_COMPLETE'))
  .next(expectVersion('second', 'bad'));
