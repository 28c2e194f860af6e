import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Alarms, HelloFargateService, Ingress, Preset } from '../src/index';
import { hostedZone } from '../test/support/fixtures';
import { memoize } from '../test/support/synth';

const alarms = (stack: Stack) => Alarms.recommended({
  topics: [sns.Topic.fromTopicArn(stack, 'OnCall', 'arn:aws:sns:us-east-1:123456789012:on-call')],
});

/** The services that are audited. Their alarms have subscribers. */
export const SERVICES: Record<string, (stack: Stack) => void> = {
  'DEVELOPMENT': (stack) => { new HelloFargateService(stack, 'Hello', { preset: Preset.DEVELOPMENT }); },
  'STANDARD': (stack) => { new HelloFargateService(stack, 'Hello', { alarms: alarms(stack) }); },
  'PRODUCTION, https': (stack) => {
    new HelloFargateService(stack, 'Hello', {
      preset: Preset.PRODUCTION,
      alarms: alarms(stack),
      ingress: Ingress.https({ domainName: 'hello.example.com', domainZone: hostedZone(stack) }),
    });
  },
  'PRODUCTION, cloudFront': (stack) => {
    new HelloFargateService(stack, 'Hello', {
      preset: Preset.PRODUCTION,
      alarms: alarms(stack),
      ingress: Ingress.cloudFront(),
    });
  },
};

export const PRODUCTION = Object.keys(SERVICES).filter((name) => name.startsWith('PRODUCTION'));

export function stackWith(addService: (stack: Stack) => void): Stack {
  const stack = new Stack(new App(), 'Stack', { env: { account: '123456789012', region: 'us-east-1' } });
  addService(stack);
  return stack;
}

/** The template of one of the services, by its name. */
export const templateOf = memoize((service: string) => Template.fromStack(stackWith(SERVICES[service])));
