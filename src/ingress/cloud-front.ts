import {
  Duration,
  Stack,
  Token,
  aws_certificatemanager as acm,
  aws_cloudfront as cloudfront,
  aws_cloudfront_origins as origins,
  aws_ec2 as ec2,
  aws_elasticloadbalancingv2 as elbv2,
  aws_iam as iam,
  aws_route53 as route53,
  aws_route53_targets as targets,
  custom_resources as customResources,
  region_info,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { addAliasRecords } from './alias-records';
import { BoundIngress, IngressContext, IngressType } from './ingress-type';
import {
  certificateRegion, forwardAll, LoadBalancerOptions, newLoadBalancer, NOT_FOUND, regionOf, validateLoadBalancer,
  validateWebAcl,
} from './load-balancer';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/**
 * The quota for a response from an origin, in seconds.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
 */
const MAX_READ_TIMEOUT = 120;
/** By how many seconds CloudFront closes idle connections before the load balancer does. */
const KEEP_ALIVE_MARGIN = 5;

/**
 * Options of `Ingress.cloudFront`.
 *
 * The app receives the protocol of the client in the header `CloudFront-Forwarded-Proto`: behind CloudFront, the load
 * balancer sets `X-Forwarded-Proto` to http. Requests for `staticPathPatterns` do not have this header.
 *
 * CloudFront waits for a response as long as the load balancer does (`idleTimeout`), but at most 120 seconds.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html
 */
export interface CloudFrontIngressOptions extends LoadBalancerOptions {
  /**
   * Domain name of the service. Needs `certificate`.
   *
   * @default - the domain name of the distribution, which ends with .cloudfront.net
   */
  readonly domainName?: string;

  /**
   * Public hosted zone in Route 53, for the alias records of `domainName`. An error without `domainName`.
   *
   * @default - you create the DNS record of `domainName`
   */
  readonly domainZone?: route53.IHostedZone;

  /**
   * Certificate for `domainName`, and required with it. CloudFront only accepts certificates in us-east-1.
   *
   * @default - the certificate of CloudFront for .cloudfront.net
   * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html
   */
  readonly certificate?: acm.ICertificate;

  /**
   * Paths whose responses are the same for all clients and can be cached, like `/assets/*`. Each starts with / and has
   * at most 255 characters. CloudFront does not forward cookies and query strings for them.
   *
   * @default - nothing is cached
   */
  readonly staticPathPatterns?: string[];

  /**
   * ARN of an AWS WAF web ACL with scope CLOUDFRONT, which must be in us-east-1.
   *
   * A web ACL costs $5.00 a month, a rule $1.00 a month, and requests $0.60 per million
   * (https://aws.amazon.com/waf/pricing/, 2026-09).
   *
   * @default - no web ACL
   */
  readonly webAclArn?: string;

  /**
   * ID of the managed prefix list `com.amazonaws.global.cloudfront.origin-facing` in the Region of the service. The
   * load balancer accepts connections only from these addresses.
   *
   * @default - looked up during deployment by a custom resource with a Lambda function
   * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/LocationsOfEdgeServers.html
   */
  readonly originFacingPrefixListId?: string;
}

/** A CloudFront distribution in front of an internal load balancer that only CloudFront can connect to. */
export class CloudFrontIngress implements IngressType {
  public readonly name = 'Ingress.cloudFront';
  public readonly hasLoadBalancer = true;
  public readonly hasOwnListener = true;
  public readonly hasStickySessions: boolean;
  public readonly isPublicWithoutTls = false;
  public readonly idleTimeout: Duration;

  constructor(public readonly options: CloudFrontIngressOptions) {
    this.idleTimeout = options.idleTimeout ?? DEFAULTS.idleTimeout;
    this.hasStickySessions = options.sessionStickiness !== undefined;
  }

  public validate(validation: Validation, scope: Construct, vpc: ec2.IVpc | undefined): void {
    const region = regionOf(scope);
    validatePartition(validation, region);
    validateLoadBalancer(validation, this.options, { ingressName: this.name, vpc, internetFacing: false, region });
    validateWebAcl(validation, this.options.webAclArn, 'global', 'us-east-1');
    if (vpc instanceof ec2.Vpc && internetGatewaysOf(vpc).length === 0) {
      validation.refuse('vpc', show(vpc.node.path),
        'it has no internet gateway, which CloudFront requires for an origin in a VPC',
        'attach one, which needs no route, or add a public subnet');
    }
    validateDomain(validation, this.options);
    validatePathPatterns(validation, this.options.staticPathPatterns ?? []);
    validatePrefixListId(validation, this.options.originFacingPrefixListId);
  }

  public bind(scope: Construct, context: IngressContext): BoundIngress {
    // Not the scope of an internal load balancer, which keeps its clients until the tasks have moved.
    const options = { ...this.options, internetFacing: false, scopeId: 'CloudFront' };
    const { loadBalancer, securityGroup, targetGroups } = newLoadBalancer(scope, context, options);
    // Only one rule: the prefix list counts as 55 of the 60 rules that a security group can have by default.
    const prefixListId = this.options.originFacingPrefixListId ?? lookUpPrefixList(scope);
    securityGroup.addIngressRule(ec2.Peer.prefixList(prefixListId), ec2.Port.tcp(80), 'HTTP from CloudFront');
    const listener = loadBalancer.addListener('Listener', {
      port: 80,
      protocol: elbv2.ApplicationProtocol.HTTP,
      open: false,
      defaultAction: NOT_FOUND,
    });
    forwardAll('ListenerRule', listener, targetGroups);

    const origin = this.newOrigin(scope, context.network.vpc, loadBalancer);
    const distribution = this.newDistribution(scope, origin);
    const { domainName, domainZone } = this.options;
    const bound = targetGroups.bound(loadBalancer.loadBalancerFullName);
    return {
      url: `https://${domainName ?? distribution.distributionDomainName}`,
      loadBalancer,
      listener,
      distribution,
      ...bound,
      attach: (service, container) => {
        bound.attach(service, container);
        if (domainName === undefined || !domainZone) { return; }
        // Creating a distribution takes minutes. The tasks serve the old load balancer until the records can change.
        service.node.addDependency(distribution);
        const target = new targets.CloudFrontTarget(distribution);
        addAliasRecords(scope, service.node.defaultChild!, {
          domainName, domainZone, target, ipv4: true, ipv6: true,
        });
      },
    };
  }

  private newOrigin(
    scope: Construct, vpc: ec2.IVpc, loadBalancer: elbv2.ApplicationLoadBalancer,
  ): cloudfront.IOrigin {
    const vpcOrigin = new cloudfront.VpcOrigin(scope, 'VpcOrigin', {
      endpoint: cloudfront.VpcOriginEndpoint.applicationLoadBalancer(loadBalancer),
      protocolPolicy: cloudfront.OriginProtocolPolicy.HTTP_ONLY,
      httpPort: 80,
    });
    // CloudFront connects through the internet gateway of the VPC. A dependency on the VPC would not wait until the
    // gateway is attached.
    vpcOrigin.node.addDependency(...internetGatewaysOf(vpc));
    // A VPC origin in use cannot be updated (status 409), not even its tags, and it would inherit the tags of the app.
    (vpcOrigin.node.defaultChild as cloudfront.CfnVpcOrigin).addPropertyDeletionOverride('Tags');
    const idleTimeout = this.idleTimeout.isUnresolved() ? 60 : this.idleTimeout.toSeconds();
    return origins.VpcOrigin.withVpcOrigin(vpcOrigin, {
      domainName: loadBalancer.loadBalancerDnsName,
      // CloudFront repeats a GET request that times out, so the load balancer should time out first.
      readTimeout: Duration.seconds(Math.min(Math.max(60, idleTimeout), MAX_READ_TIMEOUT)),
      // If the load balancer closed a connection first, a request on its way would fail with 502.
      keepaliveTimeout: Duration.seconds(Math.max(1, Math.min(60, idleTimeout - KEEP_ALIVE_MARGIN))),
    });
  }

  private newDistribution(scope: Construct, origin: cloudfront.IOrigin): cloudfront.Distribution {
    const { domainName, certificate, staticPathPatterns = [], webAclArn } = this.options;
    const common = {
      origin,
      viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      responseHeadersPolicy: cloudfront.ResponseHeadersPolicy.SECURITY_HEADERS,
    };
    const cached = { ...common, cachePolicy: cloudfront.CachePolicy.CACHING_OPTIMIZED };
    return new cloudfront.Distribution(scope, 'Distribution', {
      comment: scope.node.path.slice(0, 128),
      defaultBehavior: {
        ...common,
        allowedMethods: cloudfront.AllowedMethods.ALLOW_ALL,
        cachePolicy: cloudfront.CachePolicy.CACHING_DISABLED,
        // The load balancer sets X-Forwarded-Proto to http, so the app needs CloudFront-Forwarded-Proto.
        originRequestPolicy: cloudfront.OriginRequestPolicy.ALL_VIEWER_AND_CLOUDFRONT_2022,
      },
      additionalBehaviors: Object.fromEntries(staticPathPatterns.map((pattern) => [pattern, cached])),
      httpVersion: cloudfront.HttpVersion.HTTP2_AND_3,
      domainNames: domainName === undefined ? undefined : [domainName],
      certificate,
      minimumProtocolVersion: domainName === undefined ? undefined : cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
      webAclId: webAclArn,
    });
  }
}

/**
 * CloudFront in China has no ACM certificates and no default domain
 * (https://docs.amazonaws.cn/en_us/aws/latest/userguide/cloudfront.html). The other partitions have no CloudFront
 * (https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/setting-up-cloudfront.html).
 */
function validatePartition(validation: Validation, region: string | undefined): void {
  const partition = region && region_info.RegionInfo.get(region).partition;
  if (partition && partition !== 'aws') {
    validation.refuse('ingress', `Ingress.cloudFront in ${region}`,
      `the partition ${partition} has no CloudFront with the features that it needs`, 'use Ingress.https');
  }
}

function validateDomain(validation: Validation, options: CloudFrontIngressOptions): void {
  const { domainName, domainZone, certificate } = options;
  validation.domainName('ingress.domainName', domainName);
  validation.notEmpty('ingress.staticPathPatterns', options.staticPathPatterns, 'leave it out');
  if (domainName !== undefined && !certificate) {
    validation.refuse('ingress.domainName', show(domainName), 'CloudFront needs a certificate for a domain name',
      'set certificate to one in us-east-1');
  }
  if (domainName === undefined && certificate) {
    validation.refuse('ingress.certificate', show(certificate.node.path),
      'without domainName it would be ignored', 'set domainName, or leave certificate out');
  }
  if (domainName === undefined && domainZone) {
    validation.refuse('ingress.domainZone', show(domainZone.node.path),
      'without domainName no record would be created', 'set domainName and certificate, or leave domainZone out');
  }
  const region = certificate && certificateRegion(certificate);
  if (region && region !== 'us-east-1') {
    validation.refuse('ingress.certificate', `in ${region}`, 'CloudFront accepts only certificates in us-east-1',
      'create it in a stack in us-east-1, with crossRegionReferences in both stacks, or import it by its ARN');
  }
}

function validatePathPatterns(validation: Validation, patterns: string[]): void {
  for (const pattern of patterns) {
    if (!Token.isUnresolved(pattern) && !/^\/\S{1,254}$/.test(pattern)) {
      validation.refuse('ingress.staticPathPatterns', show(pattern),
        'a pattern starts with / and has at most 255 characters', 'set a pattern like /assets/*');
    }
  }
}

function validatePrefixListId(validation: Validation, id: string | undefined): void {
  if (id !== undefined && !Token.isUnresolved(id) && !/^pl-[0-9a-f]+$/.test(id)) {
    validation.refuse('ingress.originFacingPrefixListId', show(id), 'it is not the ID of a prefix list',
      'set an ID like pl-3b927c52, or leave it out');
  }
}

/**
 * The internet gateways that are attached to a VPC in the stack that creates it. The gateway may be the user's own and
 * needs no route (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html).
 */
function internetGatewaysOf(vpc: ec2.IVpc): ec2.CfnVPCGatewayAttachment[] {
  return Stack.of(vpc).node.findAll()
    .filter((child): child is ec2.CfnVPCGatewayAttachment => child instanceof ec2.CfnVPCGatewayAttachment)
    .filter(({ vpcId, internetGatewayId }) => vpcId === vpc.vpcId && internetGatewayId !== undefined);
}

/** Looks up the prefix list during deployment, because CDK's own lookup needs stacks with a known Region. */
function lookUpPrefixList(scope: Construct): string {
  const call: customResources.AwsSdkCall = {
    service: 'EC2',
    action: 'describeManagedPrefixLists',
    parameters: {
      Filters: [{ Name: 'prefix-list-name', Values: ['com.amazonaws.global.cloudfront.origin-facing'] }],
    },
    physicalResourceId: customResources.PhysicalResourceId.of('cloudfront-origin-facing'),
    outputPaths: ['PrefixLists.0.PrefixListId'],
  };
  const lookUp = new customResources.AwsCustomResource(scope, 'OriginFacingPrefixList', {
    onUpdate: call,
    installLatestAwsSdk: false,
    policy: customResources.AwsCustomResourcePolicy.fromSdkCalls({
      // Describe actions of EC2 cannot be restricted to a resource.
      resources: customResources.AwsCustomResourcePolicy.ANY_RESOURCE,
    }),
  });
  // The function would create a log group that stays when the stack is deleted. The stack's events have its errors.
  const role = (lookUp.grantPrincipal as iam.Role).node.defaultChild as iam.CfnRole;
  role.managedPolicyArns = [];
  return lookUp.getResponseField('PrefixLists.0.PrefixListId');
}
