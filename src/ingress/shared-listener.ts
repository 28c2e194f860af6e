import { createHash } from 'node:crypto';
import { Duration, Fn, Stack, Stage, Token, aws_ec2 as ec2, aws_elasticloadbalancingv2 as elbv2 } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { BoundIngress, IngressContext, IngressType } from './ingress-type';
import { prioritiesInUse, priorityOf } from './rule-priority';
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
   * lowest number applies. No other service of this app may use it on the listener. The numbers 1 to 999 and 49000 to
   * 49998 are never computed.
   *
   * @default - from 1000 to 48999, computed from `hostHeaders` and `pathPatterns` alone: hosts without wildcards come
   * first, then hosts with wildcards, then all hosts, and longer paths before shorter ones. If two services of this app
   * get the same number on a listener, it is an error: set it for one of them
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
  public readonly hasStickySessions: boolean;
  public readonly isPublicWithoutTls = false;
  public readonly idleTimeout: Duration;
  public readonly pathPatterns: string[];
  public readonly hostHeaders: string[];

  constructor(
    private readonly listener: elbv2.IApplicationListener,
    public readonly options: SharedListenerIngressOptions,
  ) {
    this.idleTimeout = options.idleTimeout ?? DEFAULTS.idleTimeout;
    this.hasStickySessions = options.sessionStickiness !== undefined;
    this.pathPatterns = options.pathPatterns ?? [];
    this.hostHeaders = options.hostHeaders ?? [];
  }

  public validate(validation: Validation, scope: Construct, vpc: ec2.IVpc | undefined): void {
    const { idleTimeout, priority } = this.options;
    validateTargetGroup(validation, this.options);
    validation.wholeSeconds('ingress.idleTimeout', idleTimeout, [1, 4000], 'the idle timeout of a load balancer');
    this.validateConditions(validation);
    validation.wholeNumber('ingress.priority', priority, [1, 50_000], 'a priority');
    this.validatePriority(validation, scope);
    this.validateVpc(validation, scope, vpc);
    validation.notEmpty('ingress.url', this.options.url, 'leave it out, or set it like https://shop.example.com');
    if (!this.url()) {
      validation.refuse('ingress.url', 'not set', 'the DNS name of an imported listener\'s load balancer is unknown',
        'set it, or a host without a wildcard');
    }
  }

  private validatePriority(validation: Validation, scope: Construct): void {
    const { priority } = this.options;
    const number = priority ?? priorityOf(scope, this);
    const owner = prioritiesInUse(this.listener).get(number);
    if (!owner) { return; }
    const computed = priority === undefined;
    validation.refuse('ingress.priority', computed ? `${number}, computed from the hosts and paths` : String(number),
      `${owner} already uses it on this listener`,
      computed ? 'set priority of one of the two, for example from 1 to 999' : 'set another one, or leave it out');
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
    // A target group serves only one load balancer, so another load balancer needs another ID. ECS registers new tasks
    // with the new target group before it stops the old ones
    // (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html, loadBalancers).
    const ofLoadBalancer = new Construct(new Construct(scope, 'SharedListener'), this.loadBalancerId());
    const targetGroups = new TargetGroups(ofLoadBalancer, context, this.options);
    this.keepExports(scope);
    const conditions: elbv2.ListenerCondition[] = [];
    if (this.pathPatterns.length > 0) { conditions.push(elbv2.ListenerCondition.pathPatterns(this.pathPatterns)); }
    if (this.hostHeaders.length > 0) { conditions.push(elbv2.ListenerCondition.hostHeaders(this.hostHeaders)); }
    const priority = this.options.priority ?? priorityOf(scope, this);
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

  /**
   * An ID of the load balancer: a hash of its name in the ARN of an imported listener, or of its path. The path is
   * relative to the stage, so that the template is the same in all stages.
   */
  private loadBalancerId(): string {
    const { listener } = this;
    const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8).toUpperCase();
    const loadBalancer = this.loadBalancer();
    if (loadBalancer) {
      const { path } = loadBalancer.node;
      return hashOf(path.slice(Stage.of(loadBalancer)!.node.path.length));
    }
    if (!Token.isUnresolved(listener.listenerArn)) {
      return hashOf(listener.listenerArn.split('/').slice(1, 4).join('/'));
    }
    return hashOf(JSON.stringify(Stack.of(listener).resolve(listener.listenerArn)));
  }

  /**
   * If the owner of the load balancer changes from HTTP to HTTPS, its stack is deployed first, and cannot delete the
   * export that this stack still imports (https://github.com/aws/aws-cdk/issues/7602). So the ARNs of all listeners stay
   * exported.
   */
  private keepExports(scope: Construct): void {
    const loadBalancer = this.loadBalancer();
    if (!(loadBalancer instanceof elbv2.ApplicationLoadBalancer)) { return; }
    const stack = Stack.of(scope);
    for (const listener of loadBalancer.listeners) {
      const owner = Stack.of(listener);
      const imports = owner !== stack && owner.environment === stack.environment && !owner.nested;
      if (imports && !stack.nested) { owner.exportValue(listener.listenerArn); }
    }
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
