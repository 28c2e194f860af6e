import { IntegTest } from '@aws-cdk/integ-tests-alpha';
import { Stack } from 'aws-cdk-lib';
import { HelloFargateService, Ingress } from '../src';
import { expectStatus, newApp } from './support';

const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceCloudFront');
const hello = new HelloFargateService(stack, 'Hello', { ingress: Ingress.cloudFront() });

const test = new IntegTest(app, 'CloudFront', { testCases: [stack] });
expectStatus(test, `${hello.url}/health`, 200);
