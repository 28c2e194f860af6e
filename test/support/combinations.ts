import { App, Environment, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { hostedZone, importedCertificate, importedVpc, sharedListener } from './fixtures';
import { Egress, HelloFargateService, Ingress } from '../../src/index';

/** A combination of ingress, egress, VPC and environment. */
export interface Combination {
  readonly name: string;
  /** The error with which it fails, if it does. */
  readonly error?: RegExp;
  /** Adds the stack of the combination to an app. */
  addStack(app: App): Stack;
}

const ENVIRONMENTS: Record<string, Environment | undefined> = {
  anywhere: undefined,
  eu: { account: '123456789012', region: 'eu-central-1' },
};

const EGRESSES: Record<string, () => Egress | undefined> = {
  default: () => undefined,
  publicIp: () => Egress.publicIp(),
  natGateway: () => Egress.natGateway(),
  vpcEndpoints: () => Egress.vpcEndpoints(),
};

const VPCS: Record<string, (stack: Stack) => ec2.IVpc | undefined> = {
  created: () => undefined,
  own: (stack) => new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, restrictDefaultSecurityGroup: false }),
  imported: (stack) => importedVpc(stack, { withPrivateSubnets: true }),
};

const INGRESSES: Record<string, (stack: Stack) => Ingress> = {
  http: () => Ingress.http(),
  httpInternal: () => Ingress.http({ internetFacing: false, accessLogs: true }),
  https: (stack) => Ingress.https({
    domainName: 'hello.example.com',
    domainZone: hostedZone(stack),
    accessLogs: true,
    deletionProtection: true,
    webAclArn: 'arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/acl/00000000-0000-0000-0000-000000000000',
  }),
  httpsInternal: (stack) => Ingress.httpsWithCertificates([importedCertificate(stack)], {
    internetFacing: false,
    sessionStickiness: {},
  }),
  cloudFront: () => Ingress.cloudFront({ staticPathPatterns: ['/assets/*'] }),
  cloudFrontWithDomain: (stack) => Ingress.cloudFront({
    domainName: 'hello.example.com',
    certificate: importedCertificate(stack, 'Certificate', 'us-east-1'),
  }),
  sharedListener: (stack) => sharedListener(stack, {
    // Its own host: the listener is the same in all stacks of the app.
    hostHeaders: [`${stack.stackName.toLowerCase()}.example.com`],
    pathPatterns: ['/*'],
  }),
  httpApi: () => Ingress.httpApi(),
};

/** All combinations of ingress, egress, VPC and environment. @param id the ID of the services */
export function combinations(id = 'Hello'): Combination[] {
  return Object.keys(INGRESSES).flatMap((ingress) => Object.keys(EGRESSES).flatMap((egress) =>
    Object.keys(VPCS).flatMap((vpc) => Object.keys(ENVIRONMENTS).map((environment) => ({
      name: [ingress, egress, vpc, environment].join('-'),
      error: errorOf(ingress, egress, vpc),
      addStack(app: App) {
        const stack = new Stack(app, this.name, { env: ENVIRONMENTS[environment] });
        new HelloFargateService(stack, id, {
          ingress: INGRESSES[ingress](stack),
          egress: EGRESSES[egress](),
          vpc: VPCS[vpc](stack),
        });
        return stack;
      },
    })))));
}

function errorOf(ingress: string, egress: string, vpc: string): RegExp | undefined {
  if (vpc !== 'created' && egress !== 'default') {
    return /egress is Egress\..*, but the VPC .* has its own outbound access; /;
  }
  if (vpc === 'created' && ingress === 'sharedListener') {
    return /vpc is not set, but the tasks must be in the VPC of the listener's load balancer; /;
  }
  return undefined;
}
