import { Stack } from 'aws-cdk-lib';
import { HelloFargateService } from '../../../src/index';

export function add(stack: Stack, id: string): void {
  new HelloFargateService(stack, id);
}
