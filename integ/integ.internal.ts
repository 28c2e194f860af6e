import { IntegTest } from '@aws-cdk/integ-tests-alpha';
import { Stack } from 'aws-cdk-lib';
import { HelloFargateService, Ingress } from '../src';
import { expectStatusInside, newApp } from './support';

const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceInternal');
const hello = new HelloFargateService(stack, 'Hello', { ingress: Ingress.http({ internetFacing: false }) });

const test = new IntegTest(app, 'Internal', { testCases: [stack] });
expectStatusInside(test, hello, '/health', 200);
