import { Aws, Duration, Stack, Token } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as targets from 'aws-cdk-lib/aws-route53-targets';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as wafv2 from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { BoundIngress, IngressContext, IngressType } from './ingress-type';
import { TargetGroupOptions, TargetGroups, validateTargetGroup } from './target-group';
import { internalSubnets } from '../network/network';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** What every load balancer of our own can be told. */
export interface LoadBalancerOptions extends TargetGroupOptions {
  /**
   * Whether each request is logged to a bucket. Storage is $0.023 a GB and month (us-east-1, 2026-09).
   *
   * @default - true if `accessLogsBucket` is given or with `Preset.PRODUCTION`, else false
   */
  readonly accessLogs?: boolean;

  /**
   * Your bucket for the access logs, in the region of the load balancer and without a KMS key, which load balancers cannot use.
   * Its policy is amended if it is made in this app, else it is yours.
   *
   * @default - if `accessLogs` is on, a bucket is made that keeps them for 90 days, and is itself kept when the stack is deleted
   */
  readonly accessLogsBucket?: s3.IBucket;

  /**
   * Whether the load balancer refuses to be deleted. It must be switched off by a deployment before the stack can be deleted, or
   * before a change that replaces the load balancer.
   *
   * @default - true with `Preset.PRODUCTION`, else false
   */
  readonly deletionProtection?: boolean;

  /**
   * So long, the load balancer keeps a connection on which nothing is sent: 1 to 4000 s. The app is told to keep its own 5 s longer.
   *
   * @default Duration.seconds(60)
   */
  readonly idleTimeout?: Duration;
}

/** How a load balancer of our own is reached. */
export interface ReachableLoadBalancerOptions extends LoadBalancerOptions {
  /**
   * Whether the load balancer has public addresses ($3.65 a month for each zone), or is reached from the VPC and what is connected to it.
   *
   * A change replaces the load balancer, and not the service.
   *
   * @default true
   */
  readonly internetFacing?: boolean;

  /**
   * Who may reach the load balancer: address ranges, prefix lists or security groups. An internal one cannot be open to everybody.
   *
   * @default - everybody if `internetFacing`, else the address range of the VPC
   */
  readonly allowFrom?: ec2.IPeer[];

  /**
   * Whether the load balancer has IPv6 addresses too. The VPC must be yours, and its subnets must have IPv6 ranges.
   *
   * @default false
   */
  readonly dualStack?: boolean;

  /**
   * The ARN of a regional AWS WAF web ACL that is asked about each request. A web ACL is $5 a month, a rule $1, a million requests $0.60
   * (https://aws.amazon.com/waf/pricing/, 2026-09).
   *
   * @default - no web ACL
   */
  readonly webAclArn?: string;
}

/** `Ingress.http`. */
export interface HttpIngressOptions extends ReachableLoadBalancerOptions {}

/** `Ingress.https`. */
export interface HttpsIngressOptions extends ReachableLoadBalancerOptions {
  /** The name under which the service is called: that of `domainZone` or one below it. */
  readonly domainName: string;

  /** The public hosted zone in Route 53 that gets the alias record and the record that validates the certificate. */
  readonly domainZone: route53.IHostedZone;

  /**
   * More certificates, for more names. Their DNS records are yours.
   *
   * @default - only the certificate for `domainName`
   */
  readonly additionalCertificates?: acm.ICertificate[];

  /**
   * Which versions of TLS and which ciphers clients may use.
   *
   * @default elbv2.SslPolicy.TLS13_12_RES_PQ
   */
  readonly sslPolicy?: elbv2.SslPolicy;
}

/** `Ingress.httpsWithCertificates`. */
export interface HttpsWithCertificatesIngressOptions extends ReachableLoadBalancerOptions {
  /**
   * The name that clients call, for `url`. Its DNS record is yours.
   *
   * @default - `url` has the name of the load balancer, for which no certificate is valid
   */
  readonly domainName?: string;

  /**
   * Which versions of TLS and which ciphers clients may use.
   *
   * @default elbv2.SslPolicy.TLS13_12_RES_PQ
   */
  readonly sslPolicy?: elbv2.SslPolicy;
}

/** With which certificates the listener answers; without any it is HTTP. */
interface Tls {
  /** Certificate and record are made. */
  readonly name?: HttpsIngressOptions;
  /** Or they are the user's. */
  readonly certificates?: acm.ICertificate[];
  readonly domainName?: string;
}

/** The parts that a load balancer of our own consists of. */
export interface LoadBalancerParts {
  readonly loadBalancer: elbv2.ApplicationLoadBalancer;
  readonly securityGroup: ec2.SecurityGroup;
  readonly targetGroups: TargetGroups;
}

export function validateLoadBalancer(
  validation: Validation, ingress: string, options: LoadBalancerOptions, vpc: ec2.IVpc | undefined, internetFacing: boolean,
): void {
  validateTargetGroup(validation, options);
  validation.wholeSeconds('ingress.idleTimeout', options.idleTimeout, 1, 4000, 'the idle time-out of a load balancer');
  if (options.accessLogs === false && options.accessLogsBucket) {
    validation.refuse('ingress.accessLogsBucket', show(options.accessLogsBucket.node.path), 'accessLogs is false, so that it would be ignored', 'leave one of the two out');
  }
  if (options.accessLogsBucket?.encryptionKey) {
    validation.refuse('ingress.accessLogsBucket', show(options.accessLogsBucket.node.path), 'it is encrypted with a KMS key, which load balancers cannot use',
      'give a bucket that S3 encrypts by itself: s3.BucketEncryption.S3_MANAGED');
  }
  if (!vpc) { return; }
  const subnets = internetFacing ? vpc.publicSubnets : vpc.selectSubnets(internalSubnets(vpc)).subnets;
  const zones = new Set(subnets.map((subnet) => subnet.availabilityZone));
  if (zones.size < 2 && ![...zones].some((zone) => Token.isUnresolved(zone))) {
    const has = `${vpc.publicSubnets.length} public, ${vpc.privateSubnets.length} private and ${vpc.isolatedSubnets.length} isolated subnets`;
    validation.refuse('vpc', show(vpc.node.path), `${ingress} needs ${internetFacing ? 'public ' : ''}subnets in two zones for its load balancer, and it has ${has}`,
      internetFacing ? 'give a VPC with public subnets in two zones, or an ingress with internetFacing: false' : 'give a VPC with subnets in two zones');
  }
}

export function newLoadBalancer(
  scope: Construct,
  context: IngressContext,
  options: LoadBalancerOptions & { internetFacing: boolean; dualStack?: boolean },
): LoadBalancerParts {
  const { network: { vpc }, preset } = context;
  const securityGroup = new ec2.SecurityGroup(scope, 'SecurityGroup', {
    vpc,
    description: 'Load balancer: clients in, the tasks out',
    allowAllOutbound: false,
  });

  // A load balancer's scheme cannot change, and a target group serves one load balancer. So the public and the internal
  // pair have IDs of their own, and CloudFormation can make one before it deletes the other.
  const schemeScope = new Construct(scope, options.internetFacing ? 'InternetFacing' : 'Internal');
  const loadBalancer = new elbv2.ApplicationLoadBalancer(schemeScope, 'LoadBalancer', {
    vpc,
    vpcSubnets: { ...(options.internetFacing ? { subnetType: ec2.SubnetType.PUBLIC } : internalSubnets(vpc)), onePerAz: true },
    internetFacing: options.internetFacing,
    ipAddressType: options.dualStack ? elbv2.IpAddressType.DUAL_STACK : undefined,
    securityGroup,
    idleTimeout: options.idleTimeout ?? DEFAULTS.idleTimeout,
    deletionProtection: options.deletionProtection ?? (preset.deletionProtection || undefined),
    dropInvalidHeaderFields: true,
    desyncMitigationMode: elbv2.DesyncMitigationMode.DEFENSIVE,
  });
  if (options.accessLogs ?? (options.accessLogsBucket !== undefined || preset.accessLogs)) {
    logAccess(scope, loadBalancer, options.accessLogsBucket);
  }
  return { loadBalancer, securityGroup, targetGroups: new TargetGroups(schemeScope, context, options) };
}

/**
 * CDK's own `logAccessLogs` wants to know the region, to look up an account of AWS. Load balancers in every region deliver as this
 * service principal: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
 */
function logAccess(scope: Construct, loadBalancer: elbv2.ApplicationLoadBalancer, given: s3.IBucket | undefined): void {
  const bucket = given ?? new s3.Bucket(scope, 'AccessLogs', {
    encryption: s3.BucketEncryption.S3_MANAGED,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    lifecycleRules: [{ expiration: Duration.days(90) }],
  });
  const policy = bucket.addToResourcePolicy(new iam.PolicyStatement({
    actions: ['s3:PutObject'],
    principals: [new iam.ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')],
    resources: [bucket.arnForObjects(`AWSLogs/${Aws.ACCOUNT_ID}/*`)],
  }));
  loadBalancer.setAttribute('access_logs.s3.enabled', 'true');
  loadBalancer.setAttribute('access_logs.s3.bucket', bucket.bucketName);
  // The load balancer tries to write when logging is switched on.
  if (policy.policyDependable && Stack.of(bucket) === Stack.of(loadBalancer)) { loadBalancer.node.addDependency(policy.policyDependable); }
}

/** Sends all that reaches a listener, and that no earlier rule has taken, to the tasks. */
export function forwardAll(id: string, listener: elbv2.ApplicationListener, targetGroups: TargetGroups): void {
  // A rule from the start, and the last one: rules of the user come before it, and a later change to shifting traffic between
  // two target groups needs a rule.
  targetGroups.addRule(id, { listener, priority: 50_000, conditions: [elbv2.ListenerCondition.pathPatterns(['/*'])] });
}

export const NOT_FOUND = elbv2.ListenerAction.fixedResponse(404, { contentType: 'text/plain', messageBody: 'not found' });

/** Whether a peer is everybody. */
function isAnybody(peer: ec2.IPeer): boolean {
  return ['0.0.0.0/0', '::/0'].includes(peer.uniqueId);
}

/** A load balancer of the service's own: public or internal, HTTP or HTTPS. */
export class LoadBalancerIngress implements IngressType {
  public readonly idleTimeout: Duration;
  public readonly checksHealth = true;
  public readonly hasOwnListener = true;
  public readonly isPublicWithoutTls: boolean;
  private readonly internetFacing: boolean;

  constructor(
    public readonly name: string,
    private readonly options: ReachableLoadBalancerOptions & { sslPolicy?: elbv2.SslPolicy },
    private readonly tls?: Tls,
  ) {
    this.idleTimeout = options.idleTimeout ?? DEFAULTS.idleTimeout;
    this.internetFacing = options.internetFacing ?? true;
    this.isPublicWithoutTls = this.internetFacing && !tls;
  }

  public validate(validation: Validation, _scope: Construct, vpc: ec2.IVpc | undefined): void {
    validateLoadBalancer(validation, this.name, this.options, vpc, this.internetFacing);
    this.validateReach(validation, vpc);
    validateWebAcl(validation, this.options.webAclArn, 'regional');

    if (this.tls?.certificates?.length === 0) {
      validation.refuse('ingress.certificates', '[]', 'HTTPS needs a certificate', 'give one, or use Ingress.http');
    }
    if (this.tls?.name) {
      const { domainName, domainZone: { zoneName } } = this.tls.name;
      if (!Token.isUnresolved(domainName) && !Token.isUnresolved(zoneName) && domainName !== zoneName && !domainName.endsWith(`.${zoneName}`)) {
        validation.refuse('ingress.domainName', show(domainName), `it is not in the zone ${zoneName}`, `give ${zoneName}, a name that ends with .${zoneName}, or another domainZone`);
      }
    }
  }

  private validateReach(validation: Validation, vpc: ec2.IVpc | undefined): void {
    const { allowFrom, dualStack } = this.options;
    if (dualStack && !vpc) {
      validation.refuse('ingress.dualStack', 'true', 'the VPC that is made here has no IPv6', 'give a vpc that has');
    }
    if (allowFrom?.length === 0) {
      validation.refuse('ingress.allowFrom', '[]', 'nobody could reach the load balancer', 'list who may, or leave it out');
    }
    if (this.internetFacing) { return; }
    const anybody = allowFrom?.find(isAnybody);
    if (anybody) {
      validation.refuse('ingress.allowFrom', show(anybody.uniqueId), 'an internal load balancer is not for everybody', 'list the ranges or security groups of its clients');
    }
    if (vpc && !allowFrom && !hasRange(vpc)) {
      validation.refuse('vpc', show(vpc.node.path), 'it was imported without its address range, which is who may reach an internal load balancer',
        'set allowFrom of the ingress, or vpcCidrBlock where you import the VPC');
    }
  }

  public bind(scope: Construct, context: IngressContext): BoundIngress {
    const { loadBalancer, securityGroup, targetGroups } = newLoadBalancer(scope, context, {
      ...this.options,
      internetFacing: this.internetFacing,
    });
    for (const port of this.tls ? [443, 80] : [80]) {
      for (const peer of this.allowedPeers(context.network.vpc)) {
        securityGroup.addIngressRule(peer, ec2.Port.tcp(port), port === 443 ? 'HTTPS' : 'HTTP');
      }
    }

    const http = loadBalancer.addListener('Listener', {
      port: 80,
      protocol: elbv2.ApplicationProtocol.HTTP,
      open: false,
      defaultAction: this.tls ? elbv2.ListenerAction.redirect({ protocol: 'HTTPS', port: '443', permanent: true }) : NOT_FOUND,
    });
    // HTTPS has a listener of its own, so that it can be added to a service that runs: port 80 never changes hands.
    const listener = this.tls ? this.newHttpsListener(scope, loadBalancer, this.tls) : http;
    forwardAll(this.tls ? 'HttpsListenerRule' : 'ListenerRule', listener, targetGroups);

    if (this.options.webAclArn) {
      new wafv2.CfnWebACLAssociation(targetGroups.scope, 'WebAclAssociation', { resourceArn: loadBalancer.loadBalancerArn, webAclArn: this.options.webAclArn });
    }
    return {
      url: `${this.tls ? 'https' : 'http'}://${this.tls?.name?.domainName ?? this.tls?.domainName ?? loadBalancer.loadBalancerDnsName}`,
      loadBalancer,
      listener,
      ...targetGroups.bound(loadBalancer.loadBalancerFullName),
    };
  }

  private newHttpsListener(scope: Construct, loadBalancer: elbv2.ApplicationLoadBalancer, tls: Tls): elbv2.ApplicationListener {
    return loadBalancer.addListener('HttpsListener', {
      port: 443,
      protocol: elbv2.ApplicationProtocol.HTTPS,
      open: false,
      certificates: tls.name ? [this.named(scope, loadBalancer, tls.name), ...tls.name.additionalCertificates ?? []] : tls.certificates,
      sslPolicy: this.options.sslPolicy ?? elbv2.SslPolicy.TLS13_12_RES_PQ,
      defaultAction: NOT_FOUND,
    });
  }

  /** The certificate for a name, and the records that lead to the load balancer. */
  private named(scope: Construct, loadBalancer: elbv2.ApplicationLoadBalancer, name: HttpsIngressOptions): acm.Certificate {
    const { domainName, domainZone: zone } = name;
    const record = { zone, recordName: domainName, target: route53.RecordTarget.fromAlias(new targets.LoadBalancerTarget(loadBalancer)) };
    new route53.ARecord(scope, 'AliasRecord', record);
    if (name.dualStack) { new route53.AaaaRecord(scope, 'AliasRecordIpv6', record); }
    return new acm.Certificate(scope, 'Certificate', { domainName, validation: acm.CertificateValidation.fromDns(zone) });
  }

  private allowedPeers(vpc: ec2.IVpc): ec2.IPeer[] {
    if (this.options.allowFrom) { return this.options.allowFrom; }
    if (!this.internetFacing) { return [ec2.Peer.ipv4(vpc.vpcCidrBlock)]; }
    return this.options.dualStack ? [ec2.Peer.anyIpv4(), ec2.Peer.anyIpv6()] : [ec2.Peer.anyIpv4()];
  }
}

export function validateWebAcl(validation: Validation, arn: string | undefined, scope: 'regional' | 'global'): void {
  if (arn === undefined || Token.isUnresolved(arn)) { return; }
  if (!new RegExp(`^arn:[^:]+:wafv2:[^:]+:\\d{12}:${scope}/webacl/`).test(arn) || scope === 'global' && arn.split(':')[3] !== 'us-east-1') {
    validation.refuse('ingress.webAclArn', show(arn), scope === 'global' ? 'CloudFront takes a web ACL of scope CLOUDFRONT, in us-east-1' : 'a load balancer takes a web ACL of scope REGIONAL',
      `give an ARN like arn:aws:wafv2:us-east-1:123456789012:${scope}/webacl/name/id`);
  }
}

/** What was imported without its range throws when it is asked for it. */
function hasRange(vpc: ec2.IVpc): boolean {
  try {
    return vpc.vpcCidrBlock !== undefined;
  } catch {
    return false;
  }
}
