import { ExpectedResult } from '@aws-cdk/integ-tests-alpha';
import { Duration, Stack } from 'aws-cdk-lib';
import { HelloFargateService } from '../src';
import { expectStatus, newApp, newTest } from './support';

const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceDefault');
const hello = new HelloFargateService(stack, 'Hello');

const test = newTest(app, 'Default', stack);
test.assertions
  .httpApiCall(`${hello.url}/health`)
  .expect(ExpectedResult.objectLike({ status: 200, body: { status: 'ok' } }))
  .waitForAssertions({ totalTimeout: Duration.minutes(10), interval: Duration.seconds(15) });
expectStatus(test, `${hello.url}/`, 200);
expectStatus(test, `${hello.url}/api/hello`, 200);
