import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { CloudFrontIngress, CloudFrontIngressOptions } from './cloud-front';
import { HttpApiIngress, HttpApiIngressOptions } from './http-api';
import { IngressType } from './ingress-type';
import { HttpsWithCertificatesIngressOptions, HttpIngressOptions, HttpsIngressOptions, LoadBalancerIngress } from './load-balancer';
import { SharedListenerIngress, SharedListenerIngressOptions } from './shared-listener';

/**
 * How requests reach the tasks.
 *
 * | | HTTPS | load balancer | at rest, $ a month (us-east-1, 2026-09) |
 * |---|---|---|---|
 * | `http` | no | its own, public or internal | 16.43, and 7.30 for two public IPv4 addresses if public |
 * | `https`, `httpsWithCertificates` | yes, with a domain | its own, public or internal | the same |
 * | `cloudFront` | yes, also without a domain | its own, internal | 16.43 |
 * | `sharedListener` | as the listener does | another's | nothing |
 * | `httpApi` | yes, without a domain | none | 0.50 for the DNS namespace |
 */
export class Ingress {
  /**
   * A load balancer of its own on port 80. Traffic is not encrypted: for trying things out, and inside a VPC.
   */
  public static http(options: HttpIngressOptions = {}): Ingress {
    return new Ingress(new LoadBalancerIngress('Ingress.http', options));
  }

  /**
   * A load balancer of its own on port 443 under a name of yours: certificate, alias records and the permanent redirect
   * from port 80 are made. The first deployment waits until the certificate is validated by DNS, some minutes.
   */
  public static https(options: HttpsIngressOptions): Ingress {
    return new Ingress(new LoadBalancerIngress('Ingress.https', options, { name: options }));
  }

  /**
   * The same with certificates that you have, for DNS that is not in Route 53.
   *
   * @param certificates the first one is the default; the listener picks among them by the name that is asked for (SNI)
   * @param options of the load balancer
   */
  public static httpsWithCertificates(certificates: acm.ICertificate[], options: HttpsWithCertificatesIngressOptions = {}): Ingress {
    return new Ingress(new LoadBalancerIngress('Ingress.httpsWithCertificates', options, { certificates, domainName: options.domainName }));
  }

  /**
   * CloudFront in front of an internal load balancer: HTTPS without owning a domain, no public load balancer and none of its IPv4
   * addresses. Nothing is cached but `staticPathPatterns`. Requests cost $0.0100 for 10,000 and transfer out from $0.085 a GB, beyond
   * 10 million and 1 TB a month that are free (https://aws.amazon.com/cloudfront/pricing/, 2026-09).
   */
  public static cloudFront(options: CloudFrontIngressOptions = {}): Ingress {
    return new Ingress(new CloudFrontIngress(options));
  }

  /**
   * A listener that is there already, and shared with other services: a rule of it sends some paths or hosts here.
   *
   * The rule, and what opens the security groups, stand in the stack of the service. An imported listener's load balancer must
   * allow traffic out to the tasks by itself.
   *
   * @param listener of this app, of another stack of it, or imported (`elbv2.ApplicationListener.fromApplicationListenerAttributes`)
   * @param options what it sends here
   */
  public static sharedListener(listener: elbv2.IApplicationListener, options: SharedListenerIngressOptions): Ingress {
    return new Ingress(new SharedListenerIngress(listener, options));
  }

  /**
   * No load balancer: an API Gateway HTTP API, a VPC link, and Cloud Map, which knows the tasks. HTTPS without a domain, $1.00 a million
   * requests (https://aws.amazon.com/api-gateway/pricing/, 2026-09).
   *
   * Experimental: it has been synthesised, and not been seen in an account yet. A request has at most 29 s and 10 MB, and there is no
   * web ACL. Nothing asks for `/health` from outside, so the container must have a health check of its own.
   */
  public static httpApi(options: HttpApiIngressOptions = {}): Ingress {
    return new Ingress(new HttpApiIngress(options));
  }

  /** @internal */
  public readonly _type: IngressType;

  private constructor(kind: IngressType) {
    this._type = kind;
  }
}
