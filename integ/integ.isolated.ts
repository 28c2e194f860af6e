import { Stack } from 'aws-cdk-lib';
import { Egress, HelloFargateService } from '../src';
import { expectStatus, newApp, newTest } from './support';

const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceIsolated');
const hello = new HelloFargateService(stack, 'Hello', { egress: Egress.vpcEndpoints() });

const test = newTest(app, 'Isolated', stack);
expectStatus(test, `${hello.url}/health`, 200);
