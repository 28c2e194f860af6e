import {
  Aws,
  Duration,
  Stack,
  Token,
  aws_certificatemanager as acm,
  aws_ec2 as ec2,
  aws_elasticloadbalancingv2 as elbv2,
  aws_iam as iam,
  aws_s3 as s3,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { IngressContext } from './ingress-type';
import { TargetGroupOptions, TargetGroups, validateTargetGroup } from './target-group';
import { internalSubnets, subnetCounts } from '../network/network';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** Options of every load balancer that the construct creates. */
export interface LoadBalancerOptions extends TargetGroupOptions {
  /**
   * Whether to log each request to an S3 bucket.
   *
   * Storage costs $0.023 per GB and month (https://aws.amazon.com/s3/pricing/, us-east-1, 2026-09); delivery is free.
   *
   * @default - true if `accessLogsBucket` is set or with `Preset.PRODUCTION`, otherwise false
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
   */
  readonly accessLogs?: boolean;

  /**
   * Existing bucket for the access logs. An error if `accessLogs` is false.
   *
   * It must be in the Region of the load balancer and must not use a KMS key, which load balancers do not support. The
   * construct amends the policy of a bucket in this app. The policy of an imported bucket must already allow delivery.
   *
   * @default - with `accessLogs`, a bucket is created that keeps logs for 90 days and is retained when the stack is
   * deleted
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
   */
  readonly accessLogsBucket?: s3.IBucket;

  /**
   * Whether the load balancer has deletion protection. Turn it off in a separate deployment before you delete the
   * stack, or before a change that replaces the load balancer.
   *
   * @default - true with `Preset.PRODUCTION`, otherwise false
   */
  readonly deletionProtection?: boolean;

  /**
   * Idle timeout for client connections: 1 to 4000 seconds. Tokens are not supported.
   *
   * The load balancer also closes connections to tasks after this time. The construct sets the environment variable
   * `KEEP_ALIVE_TIMEOUT_MS` to 5 seconds more, so that the app does not close connections first, which causes 502
   * responses.
   *
   * @default Duration.seconds(60)
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
   */
  readonly idleTimeout?: Duration;
}

/** The parts of a load balancer that the construct creates. */
export interface LoadBalancerParts {
  readonly loadBalancer: elbv2.ApplicationLoadBalancer;
  readonly securityGroup: ec2.SecurityGroup;
  readonly targetGroups: TargetGroups;
}

/** The VPC in which a load balancer is created. */
export interface LoadBalancerPlacement {
  /** The factory call of the ingress, for error messages. */
  readonly ingressName: string;
  /** The user's VPC, if there is one. */
  readonly vpc?: ec2.IVpc;
  readonly internetFacing: boolean;
  /** The Region, if it is known. */
  readonly region: string | undefined;
}

export function validateLoadBalancer(
  validation: Validation, options: LoadBalancerOptions, placement: LoadBalancerPlacement,
): void {
  validateTargetGroup(validation, options);
  validation.wholeSeconds('ingress.idleTimeout', options.idleTimeout, [1, 4000], 'the idle timeout of a load balancer');
  validateAccessLogs(validation, options, placement.region);
  validateSubnets(validation, placement);
}

function validateAccessLogs(
  validation: Validation, { accessLogs, accessLogsBucket }: LoadBalancerOptions, region: string | undefined,
): void {
  if (!accessLogsBucket) { return; }
  const bucket = show(accessLogsBucket.node.path);
  if (accessLogs === false) {
    validation.refuse('ingress.accessLogsBucket', bucket, 'accessLogs is false, so it would be ignored',
      'leave one of the two out');
  }
  if (accessLogsBucket.encryptionKey) {
    validation.refuse('ingress.accessLogsBucket', bucket,
      'it is encrypted with a KMS key, which load balancers do not support',
      'use a bucket with s3.BucketEncryption.S3_MANAGED');
  }
  const bucketRegion = accessLogsBucket.env.region;
  if (region && !Token.isUnresolved(bucketRegion) && bucketRegion !== region) {
    // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    validation.refuse('ingress.accessLogsBucket', bucket,
      `it is in ${bucketRegion}, and the load balancer in ${region}`, 'use a bucket in the same Region');
  }
}

/** The Region of a stack, if it is known. */
export function regionOf(scope: Construct): string | undefined {
  const { region } = Stack.of(scope);
  return Token.isUnresolved(region) ? undefined : region;
}

/**
 * The Region of a certificate, if it is known. The Region of an imported certificate is only in its ARN. A certificate
 * in IAM has none.
 */
export function certificateRegion({ certificateArn, env }: acm.ICertificate): string | undefined {
  const region = Token.isUnresolved(certificateArn) ? env.region : certificateArn.split(':')[3];
  return Token.isUnresolved(region) ? undefined : region || undefined;
}

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html */
export function validateCertificateRegions(
  validation: Validation, prop: string, certificates: acm.ICertificate[], region: string | undefined,
): void {
  for (const certificate of certificates) {
    const itsRegion = certificateRegion(certificate);
    if (region && itsRegion && itsRegion !== region) {
      validation.refuse(prop, show(certificate.node.path),
        `it is in ${itsRegion}, and the load balancer in ${region}`, `use a certificate in ${region}`);
    }
  }
}

function validateSubnets(validation: Validation, { ingressName, vpc, internetFacing }: LoadBalancerPlacement): void {
  if (!vpc) { return; }
  const subnets = internetFacing ? vpc.publicSubnets : vpc.selectSubnets(internalSubnets(vpc)).subnets;
  const zones = [...new Set(subnets.map((subnet) => subnet.availabilityZone))];
  // The number of subnets of a list token, and tokens of Availability Zones, are only known during deployment.
  const isListToken = subnets.some(({ subnetId }) => subnetId.startsWith('#{Token['));
  const mayDiffer = subnets.length >= 2 && zones.some((zone) => Token.isUnresolved(zone));
  if (zones.length >= 2 || isListToken || mayDiffer) { return; }
  const rule = (kind: string) => `${ingressName} needs ${kind} in two Availability Zones for its load balancer, `
    + `and it has ${subnetCounts(vpc)}`;
  if (internetFacing) {
    validation.refuse('vpc', show(vpc.node.path), rule('public subnets'),
      'use a VPC with public subnets in two Availability Zones, or set internetFacing of the ingress to false');
  } else {
    validation.refuse('vpc', show(vpc.node.path), rule('subnets'),
      'use a VPC with subnets in two Availability Zones');
  }
}

/** Validates that a web ACL has the scope, and the Region (if it is known), of what it is associated with. */
export function validateWebAcl(
  validation: Validation, arn: string | undefined, scope: 'regional' | 'global', region: string | undefined,
): void {
  if (arn === undefined || Token.isUnresolved(arn)) { return; }
  const isInScope = new RegExp(`^arn:[^:]+:wafv2:[^:]+:\\d{12}:${scope}/webacl/`).test(arn);
  const isInRegion = region === undefined || arn.split(':')[3] === region;
  if (isInScope && isInRegion) { return; }
  validation.refuse('ingress.webAclArn', show(arn),
    scope === 'global'
      ? 'CloudFront requires a web ACL with scope CLOUDFRONT, in us-east-1'
      : `a load balancer requires a web ACL with scope REGIONAL${region ? `, in ${region}` : ''}`,
    `set an ARN like arn:aws:wafv2:${region ?? 'us-east-1'}:123456789012:${scope}/webacl/name/id`);
}

export function newLoadBalancer(
  scope: Construct,
  context: IngressContext,
  options: LoadBalancerOptions & { scopeId: string; internetFacing: boolean; ipAddressType?: elbv2.IpAddressType },
): LoadBalancerParts {
  const { network: { vpc }, preset } = context;
  const { internetFacing, accessLogsBucket } = options;
  // The scheme of a load balancer cannot be changed, and a target group serves only one load balancer. With separate
  // IDs CloudFormation can create one load balancer before it deletes the other. The security group is separate too:
  // its rules change at once, and the old load balancer still has clients until the tasks have moved.
  const ownScope = new Construct(scope, options.scopeId);
  const securityGroup = new ec2.SecurityGroup(ownScope, 'SecurityGroup', {
    vpc,
    description: 'Load balancer: clients in, the tasks out',
    allowAllOutbound: false,
  });
  const subnets = internetFacing ? { subnetType: ec2.SubnetType.PUBLIC } : internalSubnets(vpc);
  const loadBalancer = new elbv2.ApplicationLoadBalancer(ownScope, 'LoadBalancer', {
    vpc,
    vpcSubnets: { ...subnets, onePerAz: true },
    internetFacing,
    ipAddressType: options.ipAddressType,
    securityGroup,
    idleTimeout: options.idleTimeout ?? DEFAULTS.idleTimeout,
    deletionProtection: options.deletionProtection ?? (preset.deletionProtection || undefined),
    dropInvalidHeaderFields: true,
    desyncMitigationMode: elbv2.DesyncMitigationMode.DEFENSIVE,
  });
  if (options.accessLogs ?? (accessLogsBucket !== undefined || preset.accessLogs)) {
    logAccess(loadBalancer, accessLogsBucket ?? newAccessLogsBucket(scope));
  }
  return { loadBalancer, securityGroup, targetGroups: new TargetGroups(ownScope, context, options) };
}

function newAccessLogsBucket(scope: Construct): s3.Bucket {
  return new s3.Bucket(scope, 'AccessLogs', {
    encryption: s3.BucketEncryption.S3_MANAGED,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    lifecycleRules: [{ expiration: DEFAULTS.accessLogsExpiration }],
  });
}

/**
 * CDK's `logAccessLogs` needs the Region, to look up an AWS account. This service principal delivers in every Region
 * (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html).
 */
function logAccess(loadBalancer: elbv2.ApplicationLoadBalancer, bucket: s3.IBucket): void {
  const { policyDependable } = bucket.addToResourcePolicy(new iam.PolicyStatement({
    actions: ['s3:PutObject'],
    principals: [new iam.ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')],
    resources: [bucket.arnForObjects(`AWSLogs/${Aws.ACCOUNT_ID}/*`)],
  }));
  loadBalancer.setAttribute('access_logs.s3.enabled', 'true');
  loadBalancer.setAttribute('access_logs.s3.bucket', bucket.bucketName);
  // The load balancer writes a test object when logging is enabled.
  if (policyDependable && Stack.of(bucket) === Stack.of(loadBalancer)) {
    loadBalancer.node.addDependency(policyDependable);
  }
}

/**
 * Forwards all requests that no earlier rule of a listener matches to the tasks.
 *
 * A rule instead of the default action, because traffic shifting needs a rule. It has the lowest priority, so users can
 * add rules before it.
 */
export function forwardAll(id: string, listener: elbv2.ApplicationListener, targetGroups: TargetGroups): void {
  const conditions = [elbv2.ListenerCondition.pathPatterns(['/*'])];
  targetGroups.addRule(id, { listener, priority: 50_000, conditions });
}

export const NOT_FOUND = elbv2.ListenerAction.fixedResponse(404, {
  contentType: 'text/plain',
  messageBody: 'not found',
});
