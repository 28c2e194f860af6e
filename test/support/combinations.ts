import { App, Environment, Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { Egress, HelloFargateService, Ingress } from '../../src/index';

/** Every way in, out, kind of VPC and kind of environment, and whether they go together. */
export interface Combination {
  readonly name: string;
  /** The error that it is refused with, if it is. */
  readonly refused?: RegExp;
  /** @returns the stacks that it consists of */
  make(app: App): Stack[];
}

const ENVIRONMENTS: { [name: string]: Environment | undefined } = {
  anywhere: undefined,
  eu: { account: '123456789012', region: 'eu-central-1' },
};

const EGRESSES: { [name: string]: () => Egress | undefined } = {
  default: () => undefined,
  publicIp: () => Egress.publicIp(),
  natGateway: () => Egress.natGateway(),
  vpcEndpoints: () => Egress.vpcEndpoints(),
};

const VPCS: { [name: string]: (stack: Stack) => ec2.IVpc | undefined } = {
  made: () => undefined,
  own: (stack) => new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, restrictDefaultSecurityGroup: false }),
  imported: (stack) => ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-12345678',
    vpcCidrBlock: '10.9.0.0/16',
    availabilityZones: ['eu-central-1a', 'eu-central-1b'],
    publicSubnetIds: ['subnet-11111111', 'subnet-22222222'],
    publicSubnetRouteTableIds: ['rtb-11111111', 'rtb-22222222'],
    privateSubnetIds: ['subnet-33333333', 'subnet-44444444'],
    privateSubnetRouteTableIds: ['rtb-33333333', 'rtb-44444444'],
  }),
};

const certificate = (stack: Stack, region = 'eu-central-1') =>
  acm.Certificate.fromCertificateArn(stack, 'Certificate', `arn:aws:acm:${region}:123456789012:certificate/00000000-0000-0000-0000-000000000000`);

const INGRESSES: { [name: string]: (stack: Stack) => Ingress } = {
  http: () => Ingress.http(),
  httpInternal: () => Ingress.http({ internetFacing: false, accessLogs: true }),
  https: (stack) => Ingress.https({
    domainName: 'hello.example.com',
    domainZone: route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z0123456789ABCDEFGHIJ', zoneName: 'example.com' }),
    accessLogs: true,
    deletionProtection: true,
    webAclArn: 'arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/acl/00000000-0000-0000-0000-000000000000',
  }),
  httpsInternal: (stack) => Ingress.httpsWithCertificates([certificate(stack)], { internetFacing: false, sessionStickiness: {} }),
  cloudFront: () => Ingress.cloudFront({ staticPathPatterns: ['/assets/*'] }),
  cloudFrontWithDomain: (stack) => Ingress.cloudFront({ domainName: 'hello.example.com', certificate: certificate(stack, 'us-east-1') }),
  sharedListener: (stack) => Ingress.sharedListener(elbv2.ApplicationListener.fromApplicationListenerAttributes(stack, 'Listener', {
    listenerArn: 'arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/theirs/0123456789abcdef/0123456789abcdef',
    securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'ListenerGroup', 'sg-12345678'),
  }), { hostHeaders: ['hello.example.com'], pathPatterns: ['/*'] }),
  httpApi: () => Ingress.httpApi(),
};

/** The whole table: ingress × egress × VPC × environment. */
export function combinations(): Combination[] {
  return Object.entries(INGRESSES).flatMap(([ingress, newIngress]) =>
    Object.entries(EGRESSES).flatMap(([egress, newEgress]) =>
      Object.entries(VPCS).flatMap(([vpc, newVpc]) =>
        Object.entries(ENVIRONMENTS).map(([environment, env]) => ({
          name: [ingress, egress, vpc, environment].join('-'),
          refused: refusalOf(ingress, egress, vpc),
          make(app: App) {
            const stack = new Stack(app, [ingress, egress, vpc, environment].join('-'), { env });
            new HelloFargateService(stack, 'Hello', { ingress: newIngress(stack), egress: newEgress(), vpc: newVpc(stack) });
            return [stack];
          },
        })))));
}

function refusalOf(ingress: string, egress: string, vpc: string): RegExp | undefined {
  if (vpc !== 'made' && egress !== 'default') { return /egress is Egress\..*, but the VPC .* has its own outbound access; /; }
  if (vpc === 'made' && ingress === 'sharedListener') { return /vpc is not set, but the tasks must be in the VPC of the listener's load balancer; /; }
  return undefined;
}
