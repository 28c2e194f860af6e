import { createHash } from 'node:crypto';
import { Duration, Fn, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { BoundIngress, IngressContext, IngressType } from './ingress-type';
import { TargetGroupOptions, TargetGroups, validateTargetGroup } from './target-group';
import { sharedVpcOf } from '../network/network';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/**
 * Options of `Ingress.sharedListener`: the requests that are routed to the service. If both `pathPatterns` and
 * `hostHeaders` are set, a request must match both.
 */
export interface SharedListenerIngressOptions extends TargetGroupOptions {
  /**
   * Path patterns, like `/shop` and `/shop/*`. The service receives the unmodified path.
   *
   * Each is case-sensitive and has at most 128 characters: letters, digits, `_-.$/~"'@:+&` and the wildcards `*` and
   * `?`. Together with `hostHeaders`, 1 to 5 values.
   *
   * @default - all paths of `hostHeaders`
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
   */
  readonly pathPatterns?: string[];

  /**
   * Host names, like `shop.example.com` or `*.example.com`.
   *
   * Each is not case-sensitive and has at most 128 characters: letters, digits, `-.` and the wildcards `*` and `?`.
   * Together with `pathPatterns`, 1 to 5 values.
   *
   * @default - all hosts, for `pathPatterns`
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
   */
  readonly hostHeaders?: string[];

  /**
   * Priority of the rule among those of the listener, 1 to 50000: of all rules that match a request, the one with the
   * lowest number applies. No other service of this app may use it on the listener.
   *
   * @default - more specific patterns come first, then a hash of the construct path, so the priority is stable; it is
   * unique among the services of this app
   */
  readonly priority?: number;

  /**
   * Idle timeout of the load balancer that the listener belongs to, 1 to 4000 seconds. The construct does not change
   * it, but passes it on to the app, which must keep connections open for longer.
   *
   * @default Duration.seconds(60)
   */
  readonly idleTimeout?: Duration;

  /**
   * URL of the service with its scheme, like `https://shop.example.com`, for the `url` attribute.
   *
   * Required for an imported listener if no host is without wildcards, because the DNS name of its load balancer is
   * unknown.
   *
   * @default - the first of `hostHeaders` without wildcards, otherwise the DNS name of the load balancer
   */
  readonly url?: string;
}

/**
 * Quota of a listener rule:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
 */
const MAX_CONDITION_VALUES = 5;

const WILDCARDS = /[*?]/;

/** A rule on a listener that is created elsewhere. */
export class SharedListenerIngress implements IngressType {
  public readonly name = 'Ingress.sharedListener';
  public readonly hasLoadBalancer = true;
  public readonly hasOwnListener = false;
  public readonly isPublicWithoutTls = false;
  public readonly idleTimeout: Duration;
  private readonly pathPatterns: string[];
  private readonly hostHeaders: string[];

  constructor(
    private readonly listener: elbv2.IApplicationListener,
    public readonly options: SharedListenerIngressOptions,
  ) {
    this.idleTimeout = options.idleTimeout ?? DEFAULTS.idleTimeout;
    this.pathPatterns = options.pathPatterns ?? [];
    this.hostHeaders = options.hostHeaders ?? [];
  }

  public validate(validation: Validation, scope: Construct, vpc: ec2.IVpc | undefined): void {
    const { idleTimeout, priority } = this.options;
    validateTargetGroup(validation, this.options);
    validation.wholeSeconds('ingress.idleTimeout', idleTimeout, [1, 4000], 'the idle timeout of a load balancer');
    this.validateConditions(validation);
    validation.wholeNumber('ingress.priority', priority, [1, 50_000], 'a priority');
    const owner = priority !== undefined && prioritiesInUse(scope, this.listener).get(priority);
    if (owner) {
      validation.refuse('ingress.priority', String(priority), `${owner} already uses it on this listener`,
        'set another one, or leave it out');
    }
    this.validateVpc(validation, scope, vpc);
    validation.notEmpty('ingress.url', this.options.url, 'leave it out, or set it like https://shop.example.com');
    if (!this.url()) {
      validation.refuse('ingress.url', 'not set', 'the DNS name of an imported listener\'s load balancer is unknown',
        'set it, or a host without a wildcard');
    }
  }

  private validateConditions(validation: Validation): void {
    const { pathPatterns, hostHeaders } = this;
    const valueCount = pathPatterns.length + hostHeaders.length;
    if (valueCount === 0) {
      validation.refuse('ingress.pathPatterns', '[]', 'a rule needs a path or a host',
        'set the paths or hosts of the service; /* matches all paths');
    }
    if (valueCount > MAX_CONDITION_VALUES) {
      validation.refuse('ingress.pathPatterns', `${pathPatterns.length} paths and ${hostHeaders.length} hosts`,
        `a listener rule has at most ${MAX_CONDITION_VALUES} of both`,
        'use wildcards, or add more rules to the attribute targetGroup');
    }
    for (const path of pathPatterns) {
      if (!Token.isUnresolved(path) && !/^[/*?][A-Za-z0-9_\-.$/~"'@:+&*?]{0,127}$/.test(path)) {
        validation.refuse('ingress.pathPatterns', show(path),
          'a path starts with / and has at most 128 letters, digits and _-.$/~"\'@:+&*?', 'set a path like /shop/*');
      }
    }
    for (const host of hostHeaders) {
      if (!Token.isUnresolved(host) && !/^[A-Za-z0-9*?.-]{1,128}$/.test(host)) {
        validation.refuse('ingress.hostHeaders', show(host), 'a host has at most 128 letters, digits and -.*?',
          'set a host like shop.example.com');
      }
    }
  }

  /** The tasks must be in the VPC of the load balancer, which is unknown for an imported listener. */
  private validateVpc(validation: Validation, scope: Construct, vpc: ec2.IVpc | undefined): void {
    const listenerVpc = this.loadBalancer()?.vpc;
    if (!vpc && listenerVpc !== undefined && listenerVpc === sharedVpcOf(scope)) { return; }
    const fix = 'set vpc to that VPC, or cluster to one in it';
    if (!vpc) {
      validation.refuse('vpc', 'not set', 'the tasks must be in the VPC of the listener\'s load balancer', fix);
    } else if (listenerVpc && listenerVpc !== vpc && listenerVpc.vpcId !== vpc.vpcId) {
      validation.refuse('vpc', show(vpc.node.path),
        `the listener's load balancer is in ${listenerVpc.node.path}`, fix);
    }
  }

  public bind(scope: Construct, context: IngressContext): BoundIngress {
    const targetGroups = new TargetGroups(new Construct(scope, 'SharedListener'), context, this.options);
    const conditions: elbv2.ListenerCondition[] = [];
    if (this.pathPatterns.length > 0) { conditions.push(elbv2.ListenerCondition.pathPatterns(this.pathPatterns)); }
    if (this.hostHeaders.length > 0) { conditions.push(elbv2.ListenerCondition.hostHeaders(this.hostHeaders)); }
    const priority = this.reservePriority(scope);
    targetGroups.addRule('ListenerRule', { listener: this.listener, priority, conditions });
    return { url: this.url()!, ...targetGroups.bound(this.loadBalancerFullName()) };
  }

  /** The name in metrics. It is part of the ARN of a listener: `…:listener/app/NAME/ID/LISTENER`. */
  private loadBalancerFullName(): string {
    const loadBalancer = this.loadBalancer();
    if (loadBalancer instanceof elbv2.ApplicationLoadBalancer) { return loadBalancer.loadBalancerFullName; }
    const parts = Fn.split('/', this.listener.listenerArn, 5);
    return Fn.join('/', [1, 2, 3].map((i) => Fn.select(i, parts)));
  }

  private reservePriority(scope: Construct): number {
    const inUse = prioritiesInUse(scope, this.listener);
    const priority = this.options.priority ?? this.firstFreePriority(scope, inUse);
    inUse.set(priority, scope.node.scope!.node.path);
    return priority;
  }

  /**
   * More specific rules get lower numbers, so that `/*` does not match requests for `/shop`. Among equally specific
   * rules, a hash of the construct path decides, and the next free number if it is in use.
   */
  private firstFreePriority(scope: Construct, inUse: Map<number, string>): number {
    const first = (MAX_SPECIFICITY - this.specificity()) * BAND_SIZE + FIRST_PRIORITY;
    const hash = createHash('sha256').update(scope.node.path).digest().readUInt32BE();
    for (let i = 0; i < BAND_SIZE; i++) {
      const priority = first + (hash + i) % BAND_SIZE;
      if (!inUse.has(priority)) { return priority; }
    }
    return first + hash % BAND_SIZE;
  }

  /** A condition on hosts counts more than any path. Paths count by their shortest length without wildcards. */
  private specificity(): number {
    const { pathPatterns, hostHeaders } = this;
    const lengths = pathPatterns.map((pattern) => pattern.replace(/[*?]/g, '').length);
    const ofPaths = lengths.length > 0 ? Math.min(49, ...lengths) : 0;
    const ofHosts = hostHeaders.length > 0 ? 50 : 0;
    return Math.min(MAX_SPECIFICITY, ofHosts + ofPaths);
  }

  private url(): string | undefined {
    if (this.options.url) { return this.options.url; }
    const host = this.hostHeaders.find((header) => !WILDCARDS.test(header)) ?? this.loadBalancer()?.loadBalancerDnsName;
    if (!host) { return undefined; }
    const { protocol, port } = (this.listener.node.defaultChild ?? {}) as Partial<elbv2.CfnListener>;
    const scheme = protocol === 'HTTP' ? 'http' : 'https';
    const defaultPort = scheme === 'http' ? 80 : 443;
    return port === undefined || port === defaultPort ? `${scheme}://${host}` : `${scheme}://${host}:${port}`;
  }

  private loadBalancer(): elbv2.IApplicationLoadBalancer | undefined {
    return this.listener instanceof elbv2.ApplicationListener ? this.listener.loadBalancer : undefined;
  }
}

/** Priorities from 1000 to 40999, a band for each specificity. Users can add rules before and after them. */
const MAX_SPECIFICITY = 99;
const BAND_SIZE = 400;
const FIRST_PRIORITY = 1000;

const PRIORITIES = Symbol.for('hello-fargate-service.takenPriorities');

/** The priorities in use on a listener, with the services that use them. App-wide, as stacks can import a listener. */
function prioritiesInUse(scope: Construct, listener: elbv2.IApplicationListener): Map<number, string> {
  const root = scope.node.root as unknown as { [PRIORITIES]?: Map<string, Map<number, string>> };
  const byListener = root[PRIORITIES] ??= new Map();
  const arn = Stack.of(listener).resolve(listener.listenerArn);
  const key = typeof arn === 'string' ? arn : listener.node.path;
  if (!byListener.has(key)) { byListener.set(key, new Map()); }
  return byListener.get(key)!;
}
