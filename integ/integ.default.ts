import { IntegTest } from '@aws-cdk/integ-tests-alpha';
import { App, Stack } from 'aws-cdk-lib';
import { HelloFargateService } from '../src';
import { expectStatus } from './assertions';

const app = new App();
const stack = new Stack(app, 'HelloFargateServiceDefault');
const hello = new HelloFargateService(stack, 'Hello');

const test = new IntegTest(app, 'Default', { testCases: [stack] });
expectStatus(test, `${hello.url}/health`, 200);
expectStatus(test, `${hello.url}/`, 200);
expectStatus(test, `${hello.url}/api/hello`, 200);
