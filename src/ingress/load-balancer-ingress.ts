import {
  Duration,
  Tags,
  Token,
  aws_certificatemanager as acm,
  aws_ec2 as ec2,
  aws_elasticloadbalancingv2 as elbv2,
  aws_route53 as route53,
  aws_route53_targets as targets,
  aws_wafv2 as wafv2,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { addAliasRecords } from './alias-records';
import { BoundIngress, IngressContext, IngressType } from './ingress-type';
import {
  forwardAll, LoadBalancerOptions, newLoadBalancer, NOT_FOUND, regionOf, validateCertificateRegions,
  validateLoadBalancer, validateWebAcl,
} from './load-balancer';
import { DEFAULTS } from '../preset';
import { isDefined, limited, show, Validation } from '../validation';

/** Options of a load balancer that clients connect to directly. */
export interface ReachableLoadBalancerOptions extends LoadBalancerOptions {
  /**
   * Whether the load balancer is reachable from the internet, or only from the VPC and connected networks.
   *
   * An internet-facing load balancer has one public IPv4 address for each Availability Zone, $3.65 a month each
   * (https://aws.amazon.com/vpc/pricing/, 2026-09). A change replaces the load balancer, but not the ECS service. The
   * alias records follow once the tasks are registered with the new load balancer; plan for errors of a minute or two,
   * until DNS has changed for all clients.
   *
   * @default true
   */
  readonly internetFacing?: boolean;

  /**
   * Peers that can connect to the load balancer: IP address ranges, prefix lists or security groups. The list must not
   * be empty, and the peers of an internal load balancer must not include all addresses.
   *
   * @default - all addresses if `internetFacing`, otherwise the address range of the VPC
   */
  readonly allowFrom?: ec2.IPeer[];

  /**
   * Which addresses the load balancer has. DUAL_STACK adds IPv6 addresses, and needs `vpc` with IPv6 address ranges for
   * its subnets. DUAL_STACK_WITHOUT_PUBLIC_IPV4, for clients with IPv6 only, saves the $3.65 a month for each public
   * IPv4 address; it needs `internetFacing`.
   *
   * @default elbv2.IpAddressType.IPV4
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
   */
  readonly ipAddressType?: elbv2.IpAddressType;

  /**
   * Port on which the load balancer listens, 1 to 65535. With TLS, port 80 redirects to it, so it must not be 80. After
   * a change, the old port no longer responds.
   *
   * @default - 80, or 443 with TLS
   */
  readonly listenerPort?: number;

  /**
   * ARN of an AWS WAF web ACL with scope REGIONAL, in the Region of the load balancer, that inspects all requests.
   *
   * A web ACL costs $5.00 a month, a rule $1.00 a month, and requests $0.60 per million
   * (https://aws.amazon.com/waf/pricing/, 2026-09).
   *
   * @default - no web ACL
   */
  readonly webAclArn?: string;
}

/** Options of `Ingress.http`. */
export interface HttpIngressOptions extends ReachableLoadBalancerOptions {}

/** Options of `Ingress.https`. */
export interface HttpsIngressOptions extends ReachableLoadBalancerOptions {
  /** Domain name of the service. It must be the name of `domainZone` or a subdomain of it. */
  readonly domainName: string;

  /** Public hosted zone in Route 53, for the alias records and the record that validates the certificate. */
  readonly domainZone: route53.IHostedZone;

  /**
   * Certificates in the Region of the load balancer for more domain names, selected by SNI. You create their DNS
   * records.
   *
   * @default - only the certificate for `domainName`
   */
  readonly additionalCertificates?: acm.ICertificate[];

  /**
   * Security policy: the TLS versions and ciphers that clients can use.
   *
   * @default elbv2.SslPolicy.TLS13_12_RES_PQ
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
   */
  readonly sslPolicy?: elbv2.SslPolicy;
}

/** Options of `Ingress.httpsWithCertificates`. */
export interface HttpsWithCertificatesIngressOptions extends ReachableLoadBalancerOptions {
  /**
   * Domain name of the service, used in `url`. You create its DNS record.
   *
   * @default - `url` has the DNS name of the load balancer, for which no certificate is valid
   */
  readonly domainName?: string;

  /**
   * Security policy: the TLS versions and ciphers that clients can use.
   *
   * @default elbv2.SslPolicy.TLS13_12_RES_PQ
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
   */
  readonly sslPolicy?: elbv2.SslPolicy;
}

/** Where the certificates of the HTTPS listener come from. */
interface Tls {
  /** The construct creates the certificate and the DNS records for this domain. */
  readonly domain?: HttpsIngressOptions;
  /** Existing certificates, if `domain` is not set. */
  readonly certificates?: acm.ICertificate[];
  readonly domainName?: string;
}

/** A load balancer of the service's own, public or internal, with HTTP or HTTPS. */
export class LoadBalancerIngress implements IngressType {
  public readonly idleTimeout: Duration;
  public readonly hasLoadBalancer = true;
  public readonly hasOwnListener = true;
  public readonly hasStickySessions: boolean;
  public readonly isPublicWithoutTls: boolean;
  private readonly internetFacing: boolean;

  /** @param tls not set for HTTP */
  constructor(
    public readonly name: string,
    public readonly options: ReachableLoadBalancerOptions & { sslPolicy?: elbv2.SslPolicy },
    private readonly tls?: Tls,
  ) {
    this.idleTimeout = options.idleTimeout ?? DEFAULTS.idleTimeout;
    this.hasStickySessions = options.sessionStickiness !== undefined;
    this.internetFacing = options.internetFacing ?? true;
    this.isPublicWithoutTls = this.internetFacing && !tls;
  }

  private get hasPublicIpv4(): boolean {
    return this.options.ipAddressType !== elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4;
  }

  private get hasIpv6(): boolean {
    const { IPV4 } = elbv2.IpAddressType;
    return (this.options.ipAddressType ?? IPV4) !== IPV4;
  }

  private get defaultPort(): number {
    return this.tls ? 443 : 80;
  }

  private get listenerPort(): number {
    return this.options.listenerPort ?? this.defaultPort;
  }

  public validate(validation: Validation, scope: Construct, vpc: ec2.IVpc | undefined): void {
    const { name: ingressName, internetFacing } = this;
    const region = regionOf(scope);
    validateLoadBalancer(validation, this.options, { ingressName, vpc, internetFacing, region });
    this.validateClients(validation, vpc);
    this.validatePort(validation);
    validateWebAcl(validation, this.options.webAclArn, 'regional', region);
    const { certificates = [], domain } = this.tls ?? {};
    validateCertificateRegions(validation, 'ingress.certificates', certificates, region);
    const { additionalCertificates = [] } = domain ?? {};
    validateCertificateRegions(validation, 'ingress.additionalCertificates', additionalCertificates, region);
    if (this.tls?.certificates?.length === 0) {
      validation.refuse('ingress.certificates', '[]', 'HTTPS needs a certificate', 'set one, or use Ingress.http');
    }
    validation.domainName('ingress.domainName', this.tls?.domain?.domainName ?? this.tls?.domainName);
    const additional = this.tls?.domain?.additionalCertificates;
    validation.notEmpty('ingress.additionalCertificates', additional, 'leave it out');
    if (this.tls?.domain) { validateDomain(validation, this.tls.domain); }
  }

  private validatePort(validation: Validation): void {
    const { listenerPort } = this.options;
    validation.wholeNumber('ingress.listenerPort', listenerPort, [1, 65_535], 'a port');
    validation.refuseToken('ingress.listenerPort', listenerPort, 'it is a part of the URL');
    if (this.tls && listenerPort === 80) {
      validation.refuse('ingress.listenerPort', '80', 'port 80 redirects to HTTPS',
        'set another port, or leave it out');
    }
  }

  private validateClients(validation: Validation, vpc: ec2.IVpc | undefined): void {
    const { allowFrom, ipAddressType } = this.options;
    if (this.hasIpv6 && !vpc) {
      validation.refuse('ingress.ipAddressType', show(ipAddressType), 'the VPC that the construct creates has no IPv6',
        'set vpc to one with IPv6');
    }
    if (!this.hasPublicIpv4 && !this.internetFacing) {
      validation.refuse('ingress.ipAddressType', show(ipAddressType), 'an internal load balancer has private addresses',
        'set elbv2.IpAddressType.DUAL_STACK');
    }
    if (allowFrom?.length === 0) {
      validation.refuse('ingress.allowFrom', '[]', 'no client could connect to the load balancer',
        'list the peers that can connect, or leave it out');
    }
    if (this.internetFacing) { return; }
    const anyAddress = allowFrom?.find(isAnyAddress);
    if (anyAddress) {
      validation.refuse('ingress.allowFrom', show(anyAddress.uniqueId),
        'an internal load balancer must not be open to all addresses',
        'list the address ranges or security groups of its clients');
    }
    if (vpc && !allowFrom && !isDefined(() => vpc.vpcCidrBlock)) {
      validation.refuse('vpc', show(vpc.node.path),
        'it was imported without its address range, which can connect to an internal load balancer by default',
        'set allowFrom of the ingress, or vpcCidrBlock where you import the VPC');
    }
  }

  public bind(scope: Construct, context: IngressContext): BoundIngress {
    const { internetFacing } = this;
    const scopeId = internetFacing ? 'InternetFacing' : 'Internal';
    const options = { ...this.options, internetFacing, scopeId };
    const { loadBalancer, securityGroup, targetGroups } = newLoadBalancer(scope, context, options);
    for (const open of this.tls ? [this.listenerPort, 80] : [this.listenerPort]) {
      for (const peer of this.allowedPeers(context.network.vpc)) {
        securityGroup.addIngressRule(peer, ec2.Port.tcp(open), this.tls && open !== 80 ? 'HTTPS' : 'HTTP');
      }
    }

    const port = String(this.listenerPort);
    const redirect = elbv2.ListenerAction.redirect({ protocol: 'HTTPS', port, permanent: true });
    const httpListener = loadBalancer.addListener('Listener', {
      port: this.tls ? 80 : this.listenerPort,
      protocol: elbv2.ApplicationProtocol.HTTP,
      open: false,
      defaultAction: this.tls ? redirect : NOT_FOUND,
    });
    // A second listener, so that HTTPS can be added to an existing service without replacing the listener of port 80.
    const listener = this.tls ? this.newHttpsListener(scope, loadBalancer, this.tls) : httpListener;
    forwardAll(this.tls ? 'HttpsListenerRule' : 'ListenerRule', listener, targetGroups);

    if (this.options.webAclArn) {
      new wafv2.CfnWebACLAssociation(targetGroups.scope, 'WebAclAssociation', {
        resourceArn: loadBalancer.loadBalancerArn,
        webAclArn: this.options.webAclArn,
      });
    }
    const bound = targetGroups.bound(loadBalancer.loadBalancerFullName);
    return {
      url: this.url(loadBalancer),
      loadBalancer,
      listener,
      ...bound,
      attach: (service, container) => {
        bound.attach(service, container);
        const domain = this.tls?.domain;
        if (!domain) { return; }
        const target = new targets.LoadBalancerTarget(loadBalancer);
        addAliasRecords(scope, service.node.defaultChild!, {
          ...domain, target, ipv4: this.hasPublicIpv4, ipv6: this.hasIpv6,
        });
      },
    };
  }

  private url(loadBalancer: elbv2.ApplicationLoadBalancer): string {
    const domainName = this.tls?.domain?.domainName ?? this.tls?.domainName ?? loadBalancer.loadBalancerDnsName;
    const port = this.listenerPort === this.defaultPort ? '' : `:${this.listenerPort}`;
    return `${this.tls ? 'https' : 'http'}://${domainName}${port}`;
  }

  private newHttpsListener(
    scope: Construct, loadBalancer: elbv2.ApplicationLoadBalancer, { domain, certificates }: Tls,
  ): elbv2.ApplicationListener {
    return loadBalancer.addListener('HttpsListener', {
      port: this.listenerPort,
      protocol: elbv2.ApplicationProtocol.HTTPS,
      open: false,
      certificates: domain
        ? [newCertificate(scope, domain), ...domain.additionalCertificates ?? []]
        : certificates,
      sslPolicy: this.options.sslPolicy ?? DEFAULTS.sslPolicy,
      defaultAction: NOT_FOUND,
    });
  }

  private allowedPeers(vpc: ec2.IVpc): ec2.IPeer[] {
    if (this.options.allowFrom) { return this.options.allowFrom; }
    if (!this.internetFacing) { return [ec2.Peer.ipv4(vpc.vpcCidrBlock)]; }
    return [...this.hasPublicIpv4 ? [ec2.Peer.anyIpv4()] : [], ...this.hasIpv6 ? [ec2.Peer.anyIpv6()] : []];
  }
}

function validateDomain(validation: Validation, { domainName, domainZone }: HttpsIngressOptions): void {
  const { zoneName } = domainZone;
  if (Token.isUnresolved(domainName) || Token.isUnresolved(zoneName)) { return; }
  if (domainName !== zoneName && !domainName.endsWith(`.${zoneName}`)) {
    validation.refuse('ingress.domainName', show(domainName), `it is not in the hosted zone ${zoneName}`,
      `set it to ${zoneName} or a name that ends with .${zoneName}, or use another domainZone`);
  }
}

function newCertificate(scope: Construct, { domainName, domainZone }: HttpsIngressOptions): acm.Certificate {
  const certificate = new acm.Certificate(scope, 'Certificate', {
    domainName,
    validation: acm.CertificateValidation.fromDns(domainZone),
  });
  // CDK sets it to the path, which may have characters that ACM refuses:
  // https://docs.aws.amazon.com/acm/latest/APIReference/API_Tag.html
  const { path } = certificate.node;
  const name = limited(path, 255, /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu);
  if (name !== path) { Tags.of(certificate).add('Name', name, { priority: 101 }); }
  return certificate;
}

function isAnyAddress(peer: ec2.IPeer): boolean {
  // Whatever the address is: 1.2.3.4/0 is all addresses too.
  return /\/0+$/.test(peer.uniqueId);
}
