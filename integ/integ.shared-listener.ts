import { Stack } from 'aws-cdk-lib';
import { HelloFargateService, Ingress } from '../src';
import { expectStatus, newApp, newTest } from './support';

/** Two services share the listener of a third one, each with its own path. */
const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceSharedListener');
const hello = new HelloFargateService(stack, 'Hello');
const behind = (path: string) => Ingress.sharedListener(hello.listener!, { pathPatterns: [path] });
new HelloFargateService(stack, 'Info', { ingress: behind('/info') });
new HelloFargateService(stack, 'Api', { ingress: behind('/api/*') });

const test = newTest(app, 'SharedListener', stack);
expectStatus(test, `${hello.url}/health`, 200);
expectStatus(test, `${hello.url}/info`, 200);
expectStatus(test, `${hello.url}/api/hello`, 200);
