import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { HelloFargateService } from '../src';
import { expectStatus, newApp, newTest } from './support';

/** Uses the VPC of another stack, with private subnets and a NAT gateway. */
const app = newApp();
const network = new Stack(app, 'HelloFargateServiceNetwork');
const vpc = new ec2.Vpc(network, 'Vpc', { maxAzs: 2, natGateways: 1 });
const stack = new Stack(app, 'HelloFargateServiceExistingVpc');
const hello = new HelloFargateService(stack, 'Hello', { vpc });

const test = newTest(app, 'ExistingVpc', network, stack);
expectStatus(test, `${hello.url}/health`, 200);
