import { Stack } from 'aws-cdk-lib';
import { HelloFargateService, Ingress } from '../src';
import { expectStatus, newApp, newTest } from './support';

/** The first service answers /health and what nobody else does; two others have a path each, of the same listener. */
const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceSharedListener');
const hello = new HelloFargateService(stack, 'Hello');
new HelloFargateService(stack, 'Info', { ingress: Ingress.sharedListener(hello.listener!, { pathPatterns: ['/info'] }) });
new HelloFargateService(stack, 'Api', { ingress: Ingress.sharedListener(hello.listener!, { pathPatterns: ['/api/*'] }) });

const test = newTest(app, 'SharedListener', stack);
expectStatus(test, `${hello.url}/health`, 200);
expectStatus(test, `${hello.url}/info`, 200);
expectStatus(test, `${hello.url}/api/hello`, 200);
