import { createHash } from 'crypto';
import { Duration, Fn, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { BoundIngress, IngressContext, IngressType } from './ingress-type';
import { TargetGroupOptions, TargetGroups, validateTargetGroup } from './target-group';
import { sharedVpcOf } from '../network/network';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** What a shared listener sends to the service: requests that fit a path and a host, of those that are given. */
export interface SharedListenerIngressOptions extends TargetGroupOptions {
  /**
   * The paths, like `/shop` and `/shop/*`. The service gets them whole.
   *
   * @default - every path of `hostHeaders`
   */
  readonly pathPatterns?: string[];

  /**
   * The hosts, like `shop.example.com`.
   *
   * @default - every host that has `pathPatterns`
   */
  readonly hostHeaders?: string[];

  /**
   * The place of the rule among those of the listener, 1 to 50000; of the rules that fit a request, the lowest counts.
   *
   * @default - worked out from path and host, the more exact one first, and from the name of the service, so that it stays the same;
   * unlike that of every other service of this app
   */
  readonly priority?: number;

  /**
   * The idle time-out of the load balancer that the listener belongs to.
   *
   * @default Duration.seconds(60)
   */
  readonly idleTimeout?: Duration;

  /**
   * The address at which the service answers, for its attribute `url`.
   *
   * @default - the first host without a wildcard, else the name of the load balancer, which an imported listener does not tell
   */
  readonly url?: string;
}

/** A load balancer takes five values in the conditions of a rule. */
const MAX_CONDITION_VALUES = 5;

/** A rule of a listener that stands somewhere else. */
export class SharedListenerIngress implements IngressType {
  public readonly name = 'Ingress.sharedListener';
  public readonly checksHealth = true;
  public readonly hasOwnListener = false;
  public readonly isPublicWithoutTls = false;
  public readonly idleTimeout: Duration;

  constructor(private readonly listener: elbv2.IApplicationListener, private readonly options: SharedListenerIngressOptions) {
    this.idleTimeout = options.idleTimeout ?? DEFAULTS.idleTimeout;
  }

  public validate(validation: Validation, scope: Construct, vpc: ec2.IVpc | undefined): void {
    const { pathPatterns = [], hostHeaders = [], priority } = this.options;
    validateTargetGroup(validation, this.options);
    validation.wholeSeconds('ingress.idleTimeout', this.options.idleTimeout, 1, 4000, 'the idle time-out of a load balancer');
    validation.wholeNumber('ingress.priority', priority, 1, 50_000, 'a priority');
    if (pathPatterns.length + hostHeaders.length === 0) {
      validation.refuse('ingress.pathPatterns', '[]', 'a rule needs a path or a host', 'say which requests are for this service; /* is every path');
    }
    if (pathPatterns.length + hostHeaders.length > MAX_CONDITION_VALUES) {
      validation.refuse('ingress.pathPatterns', `${pathPatterns.length} paths and ${hostHeaders.length} hosts`, `a rule of a load balancer has at most ${MAX_CONDITION_VALUES} of both`,
        'use wildcards, or further rules through the attribute targetGroup');
    }
    for (const path of pathPatterns) {
      if (!Token.isUnresolved(path) && !/^[/*?][A-Za-z0-9_\-.$/~"'@:+&*?]{0,127}$/.test(path)) {
        validation.refuse('ingress.pathPatterns', show(path), 'a path starts with / and has at most 128 letters, digits and _-.$/~"\'@:+&*?', 'write it like /shop/*');
      }
    }
    for (const host of hostHeaders) {
      if (!Token.isUnresolved(host) && !/^[A-Za-z0-9*?.-]{1,128}$/.test(host)) {
        validation.refuse('ingress.hostHeaders', show(host), 'a host has at most 128 letters, digits and -.*?', 'write it like shop.example.com');
      }
    }
    const taken = priority !== undefined && takenPriorities(scope, this.listener).get(priority);
    if (taken) {
      validation.refuse('ingress.priority', String(priority), `${taken} has it already on this listener`, 'give another one, or leave it out');
    }
    this.validateVpc(validation, scope, vpc);
    if (!this.url()) {
      validation.refuse('ingress.url', 'not given', 'an imported listener does not tell the address of its load balancer', 'set it, or a host without a wildcard');
    }
  }

  /** The tasks must stand where the load balancer does; of an imported listener nobody knows where that is. */
  private validateVpc(validation: Validation, scope: Construct, vpc: ec2.IVpc | undefined): void {
    const theirs = this.loadBalancer()?.vpc;
    if (!vpc && theirs !== undefined && theirs === sharedVpcOf(scope)) { return; }
    if (!vpc) {
      validation.refuse('vpc', 'not given', 'the tasks must stand in the VPC of the listener\'s load balancer', 'give that vpc, or a cluster in it');
    } else if (theirs && theirs !== vpc && theirs.vpcId !== vpc.vpcId) {
      validation.refuse('vpc', show(vpc.node.path), `the listener's load balancer stands in ${theirs.node.path}`, 'give that vpc, or a cluster in it');
    }
  }

  public bind(scope: Construct, context: IngressContext): BoundIngress {
    const targetGroups = new TargetGroups(new Construct(scope, 'SharedListener'), context, this.options);
    const { pathPatterns, hostHeaders } = this.options;
    targetGroups.addRule('ListenerRule', {
      listener: this.listener,
      priority: this.priority(scope),
      conditions: [
        ...pathPatterns?.length ? [elbv2.ListenerCondition.pathPatterns(pathPatterns)] : [],
        ...hostHeaders?.length ? [elbv2.ListenerCondition.hostHeaders(hostHeaders)] : [],
      ],
    });
    return { url: this.url()!, ...targetGroups.bound(this.loadBalancerFullName()) };
  }

  /** As metrics name it. The ARN of a listener has it: `…:listener/app/NAME/ID/LISTENER`. */
  private loadBalancerFullName(): string {
    const loadBalancer = this.loadBalancer();
    if (loadBalancer instanceof elbv2.ApplicationLoadBalancer) { return loadBalancer.loadBalancerFullName; }
    const parts = Fn.split('/', this.listener.listenerArn, 5);
    return Fn.join('/', [1, 2, 3].map((i) => Fn.select(i, parts)));
  }

  /**
   * Exact rules go before catch-alls, so that `/*` does not take what is meant for `/shop`; within the same exactness the name of the
   * service decides, and the next free number where two meet.
   */
  private priority(scope: Construct): number {
    const taken = takenPriorities(scope, this.listener);
    const { pathPatterns = [], hostHeaders = [] } = this.options;
    let { priority } = this.options;
    if (priority === undefined) {
      const letters = (patterns: string[]) => Math.min(...patterns.map((pattern) => pattern.replace(/[*?]/g, '').length));
      const exactness = Math.min(99, (hostHeaders.length > 0 ? 50 : 0) + (pathPatterns.length > 0 ? Math.min(49, letters(pathPatterns)) : 0));
      const band = (99 - exactness) * BAND + FIRST_BAND;
      priority = band + createHash('sha256').update(scope.node.path).digest().readUInt32BE() % BAND;
      for (let i = 0; i < BAND && taken.has(priority); i++) { priority = band + (priority - band + 1) % BAND; }
    }
    taken.set(priority, scope.node.scope!.node.path);
    return priority;
  }

  private url(): string | undefined {
    const host = this.options.hostHeaders?.find((header) => !/[*?]/.test(header)) ?? this.loadBalancer()?.loadBalancerDnsName;
    const { protocol, port } = (this.listener.node.defaultChild ?? {}) as Partial<elbv2.CfnListener>;
    const scheme = protocol === 'HTTP' ? 'http' : 'https';
    const isUsual = port === undefined || port === (scheme === 'http' ? 80 : 443);
    return this.options.url ?? (host && `${scheme}://${host}${isUsual ? '' : `:${port}`}`);
  }

  private loadBalancer(): elbv2.IApplicationLoadBalancer | undefined {
    return this.listener instanceof elbv2.ApplicationListener ? this.listener.loadBalancer : undefined;
  }
}

/** Numbers for each of 100 degrees of exactness: 1000 to 40999, which leaves room before and after for rules of the user. */
const BAND = 400;
const FIRST_BAND = 1000;

const TAKEN = Symbol.for('hello-fargate-service.takenPriorities');

/** Which service has which priority of a listener, in the whole app: a listener may be imported into several stacks. */
function takenPriorities(scope: Construct, listener: elbv2.IApplicationListener): Map<number, string> {
  const root = scope.node.root as unknown as { [TAKEN]?: Map<string, Map<number, string>> };
  const byListener = root[TAKEN] ??= new Map();
  const arn = Stack.of(listener).resolve(listener.listenerArn);
  const key = typeof arn === 'string' ? arn : listener.node.path;
  if (!byListener.has(key)) { byListener.set(key, new Map()); }
  return byListener.get(key)!;
}
