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
import {
  forwardAll, LoadBalancerOptions, newLoadBalancer, NOT_FOUND, validateLoadBalancer, validateWebAcl,
} from './load-balancer';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** Options of `Ingress.cloudFront`. */
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
  public readonly isPublicWithoutTls = false;
  public readonly idleTimeout: Duration;

  constructor(public readonly options: CloudFrontIngressOptions) {
    this.idleTimeout = options.idleTimeout ?? DEFAULTS.idleTimeout;
  }

  public validate(validation: Validation, _scope: Construct, vpc: ec2.IVpc | undefined): void {
    validateLoadBalancer(validation, this.options, { ingressName: this.name, vpc, internetFacing: false });
    validateWebAcl(validation, this.options.webAclArn, 'global');
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
    const options = { ...this.options, internetFacing: false };
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
    const { domainName, domainZone: zone } = this.options;
    if (zone) {
      const target = route53.RecordTarget.fromAlias(new targets.CloudFrontTarget(distribution));
      const record = { zone, recordName: domainName, target };
      new route53.ARecord(scope, 'AliasRecord', record);
      new route53.AaaaRecord(scope, 'AliasRecordIpv6', record);
    }
    return {
      url: `https://${domainName ?? distribution.distributionDomainName}`,
      loadBalancer,
      listener,
      distribution,
      ...targetGroups.bound(loadBalancer.loadBalancerFullName),
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
    // The maximum of both timeouts without a quota increase.
    const maxTimeout = 60;
    const idleTimeout = this.idleTimeout.isUnresolved() ? maxTimeout : this.idleTimeout.toSeconds();
    return origins.VpcOrigin.withVpcOrigin(vpcOrigin, {
      domainName: loadBalancer.loadBalancerDnsName,
      readTimeout: Duration.seconds(maxTimeout),
      keepaliveTimeout: Duration.seconds(Math.min(maxTimeout, idleTimeout)),
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
        originRequestPolicy: cloudfront.OriginRequestPolicy.ALL_VIEWER,
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
      'create it in a stack in us-east-1, with crossRegionReferences: true on both stacks, or import it by its ARN');
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

/** The Region of a certificate, if it is known. The Region of an imported certificate is only in its ARN. */
function certificateRegion({ certificateArn, env }: acm.ICertificate): string | undefined {
  const region = Token.isUnresolved(certificateArn) ? env.region : certificateArn.split(':')[3];
  return Token.isUnresolved(region) ? undefined : region;
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
  return lookUp.getResponseField('PrefixLists.0.PrefixListId');
}
