import { Stack } from 'aws-cdk-lib';
import { AwsSolutionsChecks, HIPAASecurityChecks, NagPack, NIST80053R5Checks, PCIDSS321Checks } from 'cdk-nag';
import { SERVICES, stackWith } from './security-services';
import { memoize } from '../test/support/synth';

/** The errors that cdk-nag finds, and those that remain in production with the reason. */

export const PACKS: Record<string, () => NagPack> = {
  'AwsSolutions': () => new AwsSolutionsChecks(),
  'NIST 800-53 r5': () => new NIST80053R5Checks(),
  'HIPAA': () => new HIPAASecurityChecks(),
  'PCI DSS 3.2.1': () => new PCIDSS321Checks(),
};

/** An error of a pack. */
export interface Finding {
  readonly pack: string;
  /** The rule without the name of the pack. */
  readonly rule: string;
  readonly path: string;
}

export function findingsIn(addService: (stack: Stack) => void): Finding[] {
  const stack = stackWith(addService);
  return Object.entries(PACKS).flatMap(([pack, newPack]) => newPack().validateScope(stack).violations
    .filter(({ severity }) => severity === 'error')
    .flatMap(({ ruleName, violatingResources }) => violatingResources.map(({ constructPath }) => ({
      pack,
      rule: ruleName.slice(ruleName.indexOf('-') + 1),
      path: constructPath!.replace(/^Stack\//, ''),
    }))));
}

/** The findings in one of the services, by its name. */
export const findingsOf = memoize((service: string) => findingsIn(SERVICES[service]));

/** The number of findings of each pack. */
export function countByPack(findings: Finding[]): number[] {
  return Object.keys(PACKS).map((name) => findings.filter(({ pack }) => pack === name).length);
}

/** Findings that remain in production. */
interface Accepted {
  readonly rules: string[];
  readonly path: RegExp;
  readonly resource: string;
  readonly reason: string;
}

export const ACCEPTED: Accepted[] = [
  {
    rules: ['IAM5[Resource::*]'],
    path: /ExecutionRole|OriginFacingPrefixList/,
    resource: 'execution role; lookup of CloudFront\'s prefix list',
    reason: '`ecr:GetAuthorizationToken` and `ec2:DescribeManagedPrefixLists` do not support specific resources. '
      + 'A test checks that no other statement uses `*`.',
  },
  {
    rules: ['IAMNoInlinePolicy'],
    path: /OriginFacingPrefixList|FlowLog/,
    resource: 'lookup of CloudFront\'s prefix list; flow logs',
    reason: 'CDK creates an inline policy for grants: it belongs to one role and is deleted with it.',
  },
  {
    rules: ['EC23'],
    path: /^Hello\/Ingress\/\w+\/SecurityGroup\//,
    resource: 'load balancer',
    reason: 'A public service accepts traffic from the internet on ports 80 and 443. `allowFrom` restricts it.',
  },
  {
    rules: ['VPCNoUnrestrictedRouteToIGW'],
    path: /publicSubnet\d\/DefaultRoute$/,
    resource: 'public subnets',
    reason: 'The load balancer, the NAT gateways and CloudFront\'s VPC origin need an internet gateway. '
      + 'Tasks run in private subnets.',
  },
  {
    rules: ['ALBWAFEnabled'],
    path: /LoadBalancer\/Resource$/,
    resource: 'load balancer',
    reason: 'A web ACL costs $5 a month and needs rules that fit your app: `webAclArn`.',
  },
  {
    rules: ['ELBv2ACMCertificateRequired'],
    path: /LoadBalancer\/Listener\//,
    resource: 'listener on port 80',
    reason: 'It redirects to HTTPS. Behind CloudFront it is internal, and only CloudFront can reach it.',
  },
  {
    rules: ['ALBHttpToHttpsRedirection'],
    path: /CloudFront\/LoadBalancer\/Listener\//,
    resource: 'listener behind CloudFront',
    reason: 'CloudFront redirects. Without a domain, the load balancer has no certificate, '
      + 'so traffic in the VPC is HTTP.',
  },
  {
    rules: [
      'S1',
      'S3BucketLoggingEnabled',
      'S3BucketReplicationEnabled',
      'S3BucketVersioningEnabled',
      'S3DefaultEncryptionKMS',
    ],
    path: /AccessLogs\//,
    resource: 'access log bucket',
    reason: 'It is itself the log destination. Load balancers cannot write to KMS-encrypted buckets. Lines are written '
      + 'once and deleted after 90 days. `accessLogsBucket` uses your own bucket.',
  },
  {
    rules: ['CloudWatchAlarmAction'],
    path: /^Hello\/RollbackOn/,
    resource: 'rollback alarms',
    reason: 'ECS monitors them during a deployment and rolls it back. `alarms` notifies you of rollbacks.',
  },
  {
    rules: ['CloudWatchLogGroupEncrypted'],
    path: /FlowLogGroup/,
    resource: 'flow logs',
    reason: 'CloudWatch Logs encrypts them with an AWS owned key. They contain addresses and ports, and no payload.',
  },
  {
    rules: [
      'L1',
      'LambdaConcurrency',
      'LambdaDLQ',
      'LambdaInsideVPC',
    ],
    path: /^AWS679f53fac002430cb0da5b7982bd2287\//,
    resource: 'lookup of CloudFront\'s prefix list',
    reason: 'A Lambda function of CDK, used only during deployment. With `originFacingPrefixListId` it is not created.',
  },
  {
    rules: ['CFR3'],
    path: /Distribution/,
    resource: 'distribution',
    reason: 'The access logs of the load balancer have each request that reaches the app.',
  },
  {
    rules: ['CFR4'],
    path: /Distribution/,
    resource: 'distribution',
    reason: 'The default domain name of CloudFront has a fixed TLS policy. '
      + 'With a domain name of your own it is TLS 1.2 (2021) or newer.',
  },
];
