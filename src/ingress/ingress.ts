import { aws_certificatemanager as acm, aws_elasticloadbalancingv2 as elbv2 } from 'aws-cdk-lib';
import { CloudFrontIngress, CloudFrontIngressOptions } from './cloud-front';
import { HealthCheckOptions } from './health-check';
import { HttpApiIngress, HttpApiIngressOptions } from './http-api';
import { IngressType } from './ingress-type';
import {
  HttpIngressOptions, HttpsIngressOptions, HttpsWithCertificatesIngressOptions, LoadBalancerIngress,
} from './load-balancer-ingress';
import { SharedListenerIngress, SharedListenerIngressOptions } from './shared-listener';
import { PresetDefaults } from '../preset';
import { Validation } from '../validation';

/** How requests reach the tasks, and how their health is checked. */
export interface IngressOptions {
  /**
   * How requests reach the tasks: a load balancer, CloudFront, a listener that services share, or API Gateway.
   *
   * Required with `Preset.PRODUCTION`, which does not accept a public load balancer without TLS.
   *
   * @default Ingress.http()
   */
  readonly ingress?: Ingress;

  /**
   * Health check of the load balancer. Must not be set with `Ingress.httpApi`, which has no load balancer.
   *
   * @default - `GET /health` every 30 seconds (every 10 seconds if tasks can run on Spot);
   * a response with status 200 within 5 seconds is healthy
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
   */
  readonly healthCheck?: HealthCheckOptions;
}

/**
 * How requests reach the tasks.
 *
 * The price is for a service without traffic, in us-east-1 (2026-09).
 *
 * | | HTTPS | load balancer | $ a month |
 * |---|---|---|---|
 * | `http` | no | its own, public or internal | 16.43, plus 7.30 for two public IPv4 addresses if public |
 * | `https`, `httpsWithCertificates` | yes, needs a domain | its own, public or internal | the same |
 * | `cloudFront` | yes, works without a domain | its own, internal | 16.43 |
 * | `sharedListener` | depends on the listener | shared with other services | 0 |
 * | `httpApi` | yes, works without a domain | none | 0.50 for the DNS namespace |
 *
 * @see https://aws.amazon.com/elasticloadbalancing/pricing/
 * @see https://aws.amazon.com/vpc/pricing/
 */
export class Ingress {
  /**
   * Creates an Application Load Balancer that listens for HTTP on port 80.
   *
   * Traffic is not encrypted: use it for evaluation, or internally within a VPC.
   *
   * @param options who can reach the load balancer, access logs, timeouts and AWS WAF
   */
  public static http(options: HttpIngressOptions = {}): Ingress {
    return new Ingress(new LoadBalancerIngress('Ingress.http', options));
  }

  /**
   * Creates an Application Load Balancer that listens for HTTPS on port 443, for a domain in Route 53.
   *
   * Also creates the certificate, the alias records and a permanent redirect from port 80. The first deployment
   * waits a few minutes until ACM has validated the certificate by DNS.
   *
   * @param options the domain name and its hosted zone, TLS settings, and the options of `Ingress.http`
   */
  public static https(options: HttpsIngressOptions): Ingress {
    return new Ingress(new LoadBalancerIngress('Ingress.https', options, { domain: options }));
  }

  /**
   * Creates an Application Load Balancer that listens for HTTPS on port 443 with existing certificates.
   *
   * Use it if DNS is not in Route 53: you create the DNS records. Port 80 redirects to port 443 permanently.
   *
   * @param certificates at least one, in the Region of the load balancer; the first is the default, the others are
   * selected by SNI
   * @param options the domain name, TLS settings, and the options of `Ingress.http`
   */
  public static httpsWithCertificates(
    certificates: acm.ICertificate[], options: HttpsWithCertificatesIngressOptions = {},
  ): Ingress {
    const tls = { certificates, domainName: options.domainName };
    return new Ingress(new LoadBalancerIngress('Ingress.httpsWithCertificates', options, tls));
  }

  /**
   * Creates a CloudFront distribution in front of an internal Application Load Balancer.
   *
   * HTTPS works without a domain, and there is no public load balancer and no charge for its IPv4 addresses. Only
   * `staticPathPatterns` are cached. Requests cost $0.0100 per 10,000 and data transfer out starts at $0.085 per GB,
   * beyond the free 10 million requests and 1 TB a month (https://aws.amazon.com/cloudfront/pricing/, 2026-09).
   *
   * It is an error in the Regions of China and other partitions than `aws`.
   *
   * @param options a domain name of your own, caching, AWS WAF, and options of the load balancer
   */
  public static cloudFront(options: CloudFrontIngressOptions = {}): Ingress {
    return new Ingress(new CloudFrontIngress(options));
  }

  /**
   * Adds a rule to an existing listener, which several services can share, for some hosts or paths.
   *
   * The rule and the security group rules are created in the service's stack. The security group of an imported
   * listener's load balancer must already allow outbound traffic to the tasks.
   *
   * @param listener a listener of this app, or an imported one
   * (`elbv2.ApplicationListener.fromApplicationListenerAttributes`)
   * @param options the hosts and paths to route to the service, and the priority of the rule
   */
  public static sharedListener(
    listener: elbv2.IApplicationListener, options: SharedListenerIngressOptions,
  ): Ingress {
    return new Ingress(new SharedListenerIngress(listener, options));
  }

  /**
   * Creates an API Gateway HTTP API instead of a load balancer, with a VPC link and service discovery by AWS Cloud Map.
   *
   * HTTPS works without a domain. Requests cost $1.00 per million (https://aws.amazon.com/api-gateway/pricing/,
   * 2026-09). Limits: 29 seconds, 10 MB payload, no AWS WAF. No load balancer checks `/health`, so your own image
   * needs a `containerHealthCheck`.
   *
   * Experimental: its templates are tested, but it has not yet been deployed to AWS.
   *
   * @experimental
   * @param options the timeout of requests
   * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
   */
  public static httpApi(options: HttpApiIngressOptions = {}): Ingress {
    return new Ingress(new HttpApiIngress(options));
  }

  /** @internal */
  public readonly _type: IngressType;

  private constructor(type: IngressType) {
    this._type = type;
  }
}

/** The type of the ingress, or that of the default ingress. */
export function ingressOf({ ingress = Ingress.http() }: IngressOptions): IngressType {
  return ingress._type;
}

/** Validates that the ingress, the health check and the preset fit together. */
export function validateIngress(
  validation: Validation, props: IngressOptions, { requireTls }: Pick<PresetDefaults, 'requireTls'>,
): void {
  const { name, hasLoadBalancer, isPublicWithoutTls } = ingressOf(props);
  if (props.healthCheck && !hasLoadBalancer) {
    validation.refuse('healthCheck', 'set', `${name} has no load balancer that would use it`,
      'leave it out and set containerHealthCheck instead');
  }
  if (!requireTls) { return; }
  if (!props.ingress) {
    validation.refuse('ingress', 'not set', 'Preset.PRODUCTION requires TLS',
      'set it to Ingress.https, Ingress.cloudFront or another type with TLS');
  } else if (isPublicWithoutTls) {
    validation.refuse('ingress', name, 'Preset.PRODUCTION requires TLS for a public load balancer',
      'use Ingress.https or Ingress.cloudFront, or set internetFacing to false');
  }
}
