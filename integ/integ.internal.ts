import { Stack } from 'aws-cdk-lib';
import { HelloFargateService, Ingress } from '../src';
import { expectStatusInside, newApp, newTest } from './support';

const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceInternal');
const hello = new HelloFargateService(stack, 'Hello', { ingress: Ingress.http({ internetFacing: false }) });

const test = newTest(app, 'Internal', stack);
expectStatusInside(test, hello, '/health', 200);
