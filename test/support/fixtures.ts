import * as path from 'node:path';
import { Stack, Token } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { Alarms, HelloFargateServiceProps, Ingress, SharedListenerIngressOptions } from '../../src/index';

/** Resources that exist before the stack is deployed, with made-up ids. */

const ACCOUNT = '123456789012';

export const regionOf = (stack: Stack) => (Token.isUnresolved(stack.region) ? 'us-east-1' : stack.region);

/** Hexadecimal digits for an id: CDK and cfn-lint check the format of ids. */
const digits = (id: string, length: number) => Buffer.from(id).toString('hex').padEnd(length, '0').slice(0, length);

export interface ImportedVpcOptions {
  /** @default 'Vpc' */
  readonly id?: string;
  /**
   * Whether it has two public subnets.
   *
   * @default true
   */
  readonly withPublicSubnets?: boolean;
  /**
   * Whether it has two private subnets.
   *
   * @default false
   */
  readonly withPrivateSubnets?: boolean;
}

/** A VPC over two Availability Zones. */
export function importedVpc(stack: Stack, options: ImportedVpcOptions = {}): ec2.IVpc {
  const { id = 'Vpc', withPublicSubnets = true, withPrivateSubnets = false } = options;
  const subnetIds = (...numbers: number[]) => numbers.map((n) => `subnet-${digits(id, 7)}${n}`);
  const routeTableIds = (...numbers: number[]) => numbers.map((n) => `rtb-${digits(id, 7)}${n}`);
  return ec2.Vpc.fromVpcAttributes(stack, id, {
    vpcId: `vpc-${digits(id, 8)}`,
    vpcCidrBlock: '10.9.0.0/16',
    availabilityZones: ['a', 'b'].map((zone) => regionOf(stack) + zone),
    ...withPublicSubnets && { publicSubnetIds: subnetIds(1, 2), publicSubnetRouteTableIds: routeTableIds(1, 2) },
    ...withPrivateSubnets && { privateSubnetIds: subnetIds(3, 4), privateSubnetRouteTableIds: routeTableIds(3, 4) },
  });
}

/** A listener of the load balancer `app/shared/0123456789abcdef`, which has the security group `sg-12345678`. */
export function importedListener(stack: Stack, id = 'Listener'): elbv2.IApplicationListener {
  const loadBalancer = 'app/shared/0123456789abcdef';
  return elbv2.ApplicationListener.fromApplicationListenerAttributes(stack, id, {
    listenerArn: `arn:aws:elasticloadbalancing:${regionOf(stack)}:${ACCOUNT}:listener/${loadBalancer}/0123456789abcdef`,
    securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, `${id}Group`, 'sg-12345678'),
  });
}

/** The ingress of a service that shares an imported listener. */
export function sharedListener(
  stack: Stack,
  options: SharedListenerIngressOptions = { hostHeaders: ['hello.example.com'] },
): Ingress {
  return Ingress.sharedListener(importedListener(stack), options);
}

/** The props of a service that shares an imported listener, in the VPC of the listener's load balancer. */
export function sharedListenerProps(stack: Stack, options?: SharedListenerIngressOptions): HelloFargateServiceProps {
  return { vpc: importedVpc(stack), ingress: sharedListener(stack, options) };
}

/** The hosted zone `example.com`. */
/** A file with one variable. */
export const ENVIRONMENT_FILE = ecs.EnvironmentFile.fromAsset(path.join(__dirname, 'fixtures', 'shop.env'));

/** `Preset.PRODUCTION` requires recipients. */
export const NOTIFIED = Alarms.recommended({ emails: ['on-call@example.com'] });

export function hostedZone(stack: Stack): route53.IHostedZone {
  return route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
    hostedZoneId: 'Z0123456789ABCDEFGHIJ', zoneName: 'example.com',
  });
}

/** An ACM certificate. CloudFront takes only certificates of us-east-1. */
export function importedCertificate(stack: Stack, id = 'Certificate', region = regionOf(stack)): acm.ICertificate {
  const uuid = `00000000-0000-0000-0000-${digits(id, 12)}`;
  return acm.Certificate.fromCertificateArn(stack, id, `arn:aws:acm:${region}:${ACCOUNT}:certificate/${uuid}`);
}
