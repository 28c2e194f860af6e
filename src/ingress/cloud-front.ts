import { Duration, Stack, Token } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as targets from 'aws-cdk-lib/aws-route53-targets';
import * as customResources from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { BoundIngress, IngressContext, IngressType } from './ingress-type';
import { forwardAll, LoadBalancerOptions, newLoadBalancer, NOT_FOUND, validateLoadBalancer, validateWebAcl } from './load-balancer';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** A name of your own for CloudFront. */
export interface CloudFrontDomainOptions {
  /** The name under which the service is called. */
  readonly domainName: string;

  /** A certificate for that name. It must be in us-east-1, as CloudFront reads certificates nowhere else. */
  readonly certificate: acm.ICertificate;

  /**
   * The public hosted zone in Route 53 that gets the alias records.
   *
   * @default - the records are yours to make
   */
  readonly domainZone?: route53.IHostedZone;
}

/** `Ingress.cloudFront`. */
export interface CloudFrontIngressOptions extends LoadBalancerOptions {
  /**
   * A name of your own.
   *
   * @default - the name that CloudFront gives, which ends with .cloudfront.net
   */
  readonly domain?: CloudFrontDomainOptions;

  /**
   * Paths whose answers are the same for everybody and may be cached, like `/assets/*`. Cookies and query are not sent to the app there.
   *
   * @default - nothing is cached
   */
  readonly staticPathPatterns?: string[];

  /**
   * The ARN of an AWS WAF web ACL of scope CLOUDFRONT, in us-east-1.
   *
   * @default - no web ACL
   */
  readonly webAclArn?: string;

  /**
   * The ID of the managed prefix list `com.amazonaws.global.cloudfront.origin-facing` in the region of the service, which alone may reach
   * the load balancer.
   *
   * @default - it is looked up while deploying, by a custom resource with a Lambda function
   */
  readonly originFacingPrefixListId?: string;
}

/** CloudFront, and behind it a load balancer that nothing but CloudFront reaches. */
export class CloudFrontIngress implements IngressType {
  public readonly name = 'Ingress.cloudFront';
  public readonly checksHealth = true;
  public readonly hasOwnListener = true;
  public readonly isPublicWithoutTls = false;
  public readonly idleTimeout: Duration;

  constructor(private readonly options: CloudFrontIngressOptions) {
    this.idleTimeout = options.idleTimeout ?? DEFAULTS.idleTimeout;
  }

  public validate(validation: Validation, _scope: Construct, vpc: ec2.IVpc | undefined): void {
    const { domain, staticPathPatterns, webAclArn, originFacingPrefixListId } = this.options;
    validateLoadBalancer(validation, this.name, this.options, vpc, false);
    validateWebAcl(validation, webAclArn, 'global');
    if (vpc instanceof ec2.Vpc && internetGatewaysOf(vpc).length === 0) {
      validation.refuse('vpc', show(vpc.node.path), 'it has no internet gateway, without which CloudFront takes no load balancer in it as an origin',
        'attach one, which needs no route, or give the VPC a public subnet');
    }
    if (domain) {
      const region = certificateRegion(domain.certificate);
      if (region && region !== 'us-east-1') {
        validation.refuse('ingress.domain.certificate', `one in ${region}`, 'CloudFront reads certificates in us-east-1 only',
          'make it in a stack of us-east-1, with crossRegionReferences: true on both stacks, or import it by its ARN');
      }
    }
    for (const pattern of staticPathPatterns ?? []) {
      if (!Token.isUnresolved(pattern) && !/^\/\S{1,254}$/.test(pattern)) {
        validation.refuse('ingress.staticPathPatterns', show(pattern), 'a pattern starts with / and has at most 255 characters', 'write it like /assets/*');
      }
    }
    if (originFacingPrefixListId !== undefined && !Token.isUnresolved(originFacingPrefixListId) && !/^pl-[0-9a-f]+$/.test(originFacingPrefixListId)) {
      validation.refuse('ingress.originFacingPrefixListId', show(originFacingPrefixListId), 'it is no ID of a prefix list', 'give one like pl-3b927c52, or leave it out');
    }
  }

  public bind(scope: Construct, context: IngressContext): BoundIngress {
    const { loadBalancer, securityGroup, targetGroups } = newLoadBalancer(scope, context, { ...this.options, internetFacing: false });
    // One rule only: the list counts as 55 rules, of the 60 that a security group has by default.
    securityGroup.addIngressRule(ec2.Peer.prefixList(this.options.originFacingPrefixListId ?? lookUpPrefixList(scope)), ec2.Port.tcp(80), 'HTTP from CloudFront');
    const listener = loadBalancer.addListener('Listener', {
      port: 80,
      protocol: elbv2.ApplicationProtocol.HTTP,
      open: false,
      defaultAction: NOT_FOUND,
    });
    forwardAll('ListenerRule', listener, targetGroups);

    const distribution = this.newDistribution(scope, context.network.vpc, loadBalancer);
    const { domain } = this.options;
    if (domain?.domainZone) {
      const record = {
        zone: domain.domainZone,
        recordName: domain.domainName,
        target: route53.RecordTarget.fromAlias(new targets.CloudFrontTarget(distribution)),
      };
      new route53.ARecord(scope, 'AliasRecord', record);
      new route53.AaaaRecord(scope, 'AliasRecordIpv6', record);
    }
    return {
      url: `https://${domain?.domainName ?? distribution.distributionDomainName}`,
      loadBalancer,
      listener,
      distribution,
      ...targetGroups.bound(loadBalancer.loadBalancerFullName),
    };
  }

  private newDistribution(scope: Construct, vpc: ec2.IVpc, loadBalancer: elbv2.ApplicationLoadBalancer): cloudfront.Distribution {
    const vpcOrigin = new cloudfront.VpcOrigin(scope, 'VpcOrigin', {
      endpoint: cloudfront.VpcOriginEndpoint.applicationLoadBalancer(loadBalancer),
      protocolPolicy: cloudfront.OriginProtocolPolicy.HTTP_ONLY,
      httpPort: 80,
    });
    // CloudFront reaches into the VPC by its internet gateway, though nothing else comes that way. What the VPC itself offers to depend
    // on is the gateway, which may not be attached yet.
    vpcOrigin.node.addDependency(...internetGatewaysOf(vpc));
    // A VPC origin that is in use cannot be updated, not even its tags (409), and tags of the app would reach it.
    (vpcOrigin.node.defaultChild as cloudfront.CfnVpcOrigin).addPropertyDeletionOverride('Tags');
    const origin = origins.VpcOrigin.withVpcOrigin(vpcOrigin, {
      domainName: loadBalancer.loadBalancerDnsName,
      // 60 s is the longest without a raised quota.
      readTimeout: Duration.seconds(60),
      keepaliveTimeout: Duration.seconds(Math.min(60, this.idleTimeout.isUnresolved() ? 60 : this.idleTimeout.toSeconds())),
    });
    const common = {
      origin,
      viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      responseHeadersPolicy: cloudfront.ResponseHeadersPolicy.SECURITY_HEADERS,
    };
    const { domain } = this.options;
    return new cloudfront.Distribution(scope, 'Distribution', {
      comment: scope.node.path.slice(0, 128),
      defaultBehavior: {
        ...common,
        allowedMethods: cloudfront.AllowedMethods.ALLOW_ALL,
        cachePolicy: cloudfront.CachePolicy.CACHING_DISABLED,
        originRequestPolicy: cloudfront.OriginRequestPolicy.ALL_VIEWER,
      },
      additionalBehaviors: Object.fromEntries((this.options.staticPathPatterns ?? []).map((pattern) => [pattern, {
        ...common,
        cachePolicy: cloudfront.CachePolicy.CACHING_OPTIMIZED,
      }])),
      httpVersion: cloudfront.HttpVersion.HTTP2_AND_3,
      domainNames: domain && [domain.domainName],
      certificate: domain?.certificate,
      minimumProtocolVersion: domain && cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
      webAclId: this.options.webAclArn,
    });
  }
}

/**
 * The internet gateways that are attached to a VPC by the stack that makes it, which may be the user's own, without a route.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html
 */
function internetGatewaysOf(vpc: ec2.IVpc): ec2.CfnVPCGatewayAttachment[] {
  return Stack.of(vpc).node.findAll()
    .filter((each): each is ec2.CfnVPCGatewayAttachment => each instanceof ec2.CfnVPCGatewayAttachment)
    .filter(({ vpcId, internetGatewayId }) => vpcId === vpc.vpcId && internetGatewayId !== undefined);
}

/** The region of a certificate, as far as it is known: an imported one says it in its ARN only. */
function certificateRegion(certificate: acm.ICertificate): string | undefined {
  const { certificateArn, env } = certificate;
  const region = Token.isUnresolved(certificateArn) ? env.region : certificateArn.split(':')[3];
  return Token.isUnresolved(region) ? undefined : region;
}

/** Works in stacks whose region is not known, where CDK's own lookup does not. */
function lookUpPrefixList(scope: Construct): string {
  const call: customResources.AwsSdkCall = {
    service: 'EC2',
    action: 'describeManagedPrefixLists',
    parameters: { Filters: [{ Name: 'prefix-list-name', Values: ['com.amazonaws.global.cloudfront.origin-facing'] }] },
    physicalResourceId: customResources.PhysicalResourceId.of('cloudfront-origin-facing'),
    outputPaths: ['PrefixLists.0.PrefixListId'],
  };
  const lookUp = new customResources.AwsCustomResource(scope, 'OriginFacingPrefixList', {
    onUpdate: call,
    installLatestAwsSdk: false,
    // Describe calls of EC2 cannot be limited to a resource.
    policy: customResources.AwsCustomResourcePolicy.fromSdkCalls({ resources: customResources.AwsCustomResourcePolicy.ANY_RESOURCE }),
  });
  return lookUp.getResponseField('PrefixLists.0.PrefixListId');
}
