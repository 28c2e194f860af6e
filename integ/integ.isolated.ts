import { IntegTest } from '@aws-cdk/integ-tests-alpha';
import { Stack } from 'aws-cdk-lib';
import { Egress, HelloFargateService } from '../src';
import { expectStatus, newApp } from './support';

const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceIsolated');
const hello = new HelloFargateService(stack, 'Hello', { egress: Egress.vpcEndpoints() });

const test = new IntegTest(app, 'Isolated', { testCases: [stack] });
expectStatus(test, `${hello.url}/health`, 200);
