import { Stack } from 'aws-cdk-lib';
import { HelloFargateService, Preset } from '../src';
import { expectStatus, newApp, newTest } from './support';

const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceDevelopment');
const hello = new HelloFargateService(stack, 'Hello', { preset: Preset.DEVELOPMENT });

const test = newTest(app, 'Development', stack);
expectStatus(test, `${hello.url}/health`, 200);
