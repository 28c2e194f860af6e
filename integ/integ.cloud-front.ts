import { Stack } from 'aws-cdk-lib';
import { HelloFargateService, Ingress } from '../src';
import { expectStatus, newApp, newTest } from './support';

const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceCloudFront');
const hello = new HelloFargateService(stack, 'Hello', { ingress: Ingress.cloudFront() });

const test = newTest(app, 'CloudFront', stack);
expectStatus(test, `${hello.url}/health`, 200);
