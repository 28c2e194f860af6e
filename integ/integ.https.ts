import { Stack } from 'aws-cdk-lib';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { HelloFargateService, Ingress } from '../src';
import { expectStatus, newApp, newTest } from './support';

/**
 * Needs your own public hosted zone: set HOSTED_ZONE_ID and HOSTED_ZONE_NAME. The snapshot has placeholders for them.
 */
const app = newApp();
const stack = new Stack(app, 'HelloFargateServiceHttps');
const domainZone = route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
  hostedZoneId: process.env.HOSTED_ZONE_ID ?? 'Z0123456789ABCDEFGHIJ',
  zoneName: process.env.HOSTED_ZONE_NAME ?? 'example.com',
});
const hello = new HelloFargateService(stack, 'Hello', {
  ingress: Ingress.https({ domainName: `hello-fargate-service.${domainZone.zoneName}`, domainZone }),
});

const test = newTest(app, 'Https', stack);
expectStatus(test, `${hello.url}/health`, 200);
