import { IntegTest } from '@aws-cdk/integ-tests-alpha';
import { Stack } from 'aws-cdk-lib';
import { HelloFargateService } from '../src';
import { expectStatus, newApp } from './support';

const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceDefault');
const hello = new HelloFargateService(stack, 'Hello');

const test = new IntegTest(app, 'Default', { testCases: [stack] });
expectStatus(test, `${hello.url}/health`, 200);
expectStatus(test, `${hello.url}/`, 200);
expectStatus(test, `${hello.url}/api/hello`, 200);
