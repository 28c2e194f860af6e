import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { HelloFargateService, Ingress } from '../src';
import { expectStatus, newApp, newTest } from './support';

/** The load balancer of another stack, of which only the ARN of the listener and the security group are known. */
const app = newApp();
const sharing = new Stack(app, 'HelloFargateServiceSharing');
const vpc = new ec2.Vpc(sharing, 'Vpc', { maxAzs: 2, natGateways: 0, subnetConfiguration: [{ name: 'public', subnetType: ec2.SubnetType.PUBLIC }] });
const loadBalancer = new elbv2.ApplicationLoadBalancer(sharing, 'LoadBalancer', { vpc, internetFacing: true });
const listener = loadBalancer.addListener('Listener', { port: 80, defaultAction: elbv2.ListenerAction.fixedResponse(404) });
// An imported listener gets no rule that lets its load balancer out to the tasks.
loadBalancer.connections.allowToAnyIpv4(ec2.Port.tcp(8080));

const stack = new Stack(app, 'HelloFargateServiceImportedListener');
const hello = new HelloFargateService(stack, 'Hello', {
  vpc,
  ingress: Ingress.sharedListener(elbv2.ApplicationListener.fromApplicationListenerAttributes(stack, 'Listener', {
    listenerArn: listener.listenerArn,
    securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'ListenerGroup', loadBalancer.connections.securityGroups[0].securityGroupId),
  }), { pathPatterns: ['/*'], url: `http://${loadBalancer.loadBalancerDnsName}` }),
});

const test = newTest(app, 'ImportedListener', sharing, stack);
expectStatus(test, `${hello.url}/health`, 200);
