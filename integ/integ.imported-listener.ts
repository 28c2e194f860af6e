import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { HelloFargateService, Ingress } from '../src';
import { expectStatus, newApp, newTest } from './support';

/** Imports the listener of another stack by its ARN and security group. */
const app = newApp();
const sharing = new Stack(app, 'HelloFargateServiceSharing');
const vpc = new ec2.Vpc(sharing, 'Vpc', {
  maxAzs: 2,
  natGateways: 0,
  subnetConfiguration: [{ name: 'public', subnetType: ec2.SubnetType.PUBLIC }],
});
const loadBalancer = new elbv2.ApplicationLoadBalancer(sharing, 'LoadBalancer', { vpc, internetFacing: true });
const listener = loadBalancer.addListener('Listener', {
  port: 80,
  defaultAction: elbv2.ListenerAction.fixedResponse(404),
});
// CDK adds no outbound rule for the tasks to the security group of an imported listener.
loadBalancer.connections.allowToAnyIpv4(ec2.Port.tcp(8080));

const stack = new Stack(app, 'HelloFargateServiceImportedListener');
const { securityGroupId } = loadBalancer.connections.securityGroups[0];
const imported = elbv2.ApplicationListener.fromApplicationListenerAttributes(stack, 'Listener', {
  listenerArn: listener.listenerArn,
  securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'ListenerGroup', securityGroupId),
});
const hello = new HelloFargateService(stack, 'Hello', {
  vpc,
  ingress: Ingress.sharedListener(imported, {
    pathPatterns: ['/*'],
    url: `http://${loadBalancer.loadBalancerDnsName}`,
  }),
});

const test = newTest(app, 'ImportedListener', sharing, stack);
expectStatus(test, `${hello.url}/health`, 200);
