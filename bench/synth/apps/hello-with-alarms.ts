import { Stack } from 'aws-cdk-lib';
import { Alarms, HelloFargateService } from '../../../src/index';

export function add(stack: Stack, id: string): void {
  new HelloFargateService(stack, id, { alarms: Alarms.recommended() });
}
