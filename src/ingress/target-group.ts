import { Duration, Token, aws_ecs as ecs, aws_elasticloadbalancingv2 as elbv2 } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { BoundIngress, IngressContext } from './ingress-type';
import { prioritiesInUse } from './rule-priority';
import { TargetMetrics } from './target-metrics';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** Session stickiness: all requests of a client are routed to the same task, while it is healthy. */
export interface SessionStickinessOptions {
  /**
   * How long a client is routed to the same task: 1 second to 7 days.
   *
   * @default Duration.days(1)
   */
  readonly cookieDuration?: Duration;

  /**
   * Name of a cookie that the app sets, for application-based stickiness. AWSALB, AWSALBAPP and AWSALBTG are reserved.
   *
   * @default - a cookie of the load balancer, for duration-based stickiness
   */
  readonly cookieName?: string;
}

/** Options of every ingress with a target group. */
export interface TargetGroupOptions {
  /**
   * Routes all requests of a client to the same task.
   *
   * Sessions that are kept in a task are lost in each deployment. Prefer a session store, such as a cache. Must not be
   * set if traffic shifts between two target groups, or if `prepareTrafficShifting` is true.
   *
   * @default - each request is routed to the next task (round robin)
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
   */
  readonly sessionStickiness?: SessionStickinessOptions;

  /**
   * How the load balancer chooses a task for a request. Least outstanding requests helps when requests differ in
   * cost or tasks are small: a busy task gets fewer of them.
   *
   * @default elbv2.TargetGroupLoadBalancingAlgorithmType.ROUND_ROBIN
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
   */
  readonly loadBalancingAlgorithmType?: elbv2.TargetGroupLoadBalancingAlgorithmType;
}

export function validateTargetGroup(validation: Validation, { sessionStickiness = {} }: TargetGroupOptions): void {
  const { cookieDuration, cookieName } = sessionStickiness;
  validation.refuseToken('ingress.sessionStickiness.cookieDuration', cookieDuration,
    'AWS CDK compares it with its limits');
  validation.wholeSeconds('ingress.sessionStickiness.cookieDuration', cookieDuration, [1, 604_800],
    'the duration of stickiness');
  if (cookieName === undefined || Token.isUnresolved(cookieName)) { return; }
  if (cookieName === '' || /^AWSALB(APP|TG)?$/.test(cookieName)) {
    validation.refuse('ingress.sessionStickiness.cookieName', show(cookieName),
      'it must not be empty, and AWSALB, AWSALBAPP and AWSALBTG are reserved for the load balancer',
      'set it to the name of a cookie that your app sets');
  }
}

/** A listener rule without its action. */
export interface RuleProps {
  readonly listener: elbv2.IApplicationListener;
  readonly priority: number;
  readonly conditions: elbv2.ListenerCondition[];
}

/** The target group of the service, with a second one if traffic shifts between two versions. */
export class TargetGroups {
  public readonly targetGroup: elbv2.ApplicationTargetGroup;
  public readonly alternateTargetGroup?: elbv2.ApplicationTargetGroup;
  private readonly trafficShifting: IngressContext['trafficShifting'];
  private readonly owner: string;
  private rule?: elbv2.ApplicationListenerRule;
  private testRule?: elbv2.ApplicationListenerRule;

  constructor(public readonly scope: Construct, context: IngressContext, options: TargetGroupOptions) {
    const { gracePeriod: _ofService, ...healthCheck } = context.healthCheck;
    const stickiness = options.sessionStickiness;
    const props: elbv2.ApplicationTargetGroupProps = {
      vpc: context.network.vpc,
      targetType: elbv2.TargetType.IP,
      protocol: elbv2.ApplicationProtocol.HTTP,
      // ECS registers each task with its own port. This port is unused, and constant because a change replaces the
      // group.
      port: 80,
      deregistrationDelay: DEFAULTS.deregistrationDelay,
      healthCheck,
      stickinessCookieDuration: stickiness && (stickiness.cookieDuration ?? DEFAULTS.stickinessCookieDuration),
      stickinessCookieName: stickiness?.cookieName,
      loadBalancingAlgorithmType: options.loadBalancingAlgorithmType,
    };
    this.trafficShifting = context.trafficShifting;
    this.owner = context.servicePath;
    this.targetGroup = new elbv2.ApplicationTargetGroup(scope, 'TargetGroup', props);
    if (this.trafficShifting) {
      this.alternateTargetGroup = new elbv2.ApplicationTargetGroup(scope, 'AlternateTargetGroup', props);
    }
  }

  /**
   * Adds the listener rule that forwards requests to the tasks.
   *
   * With traffic shifting, ECS writes the current weights into the rule. Any change of the rule in the template would
   * reset them and could route traffic to a target group without tasks (https://github.com/aws/aws-cdk/issues/36649).
   * So the rule is identical for all strategies, and has no tags, which newer CDK versions would add.
   */
  public addRule(id: string, props: RuleProps): void {
    this.reserve(props.listener, props.priority);
    if (!this.alternateTargetGroup) {
      const action = elbv2.ListenerAction.forward([this.targetGroup]);
      this.rule = new elbv2.ApplicationListenerRule(this.scope, id, { ...props, action });
      return;
    }
    const action = elbv2.ListenerAction.weightedForward([
      { targetGroup: this.targetGroup, weight: 1 },
      { targetGroup: this.alternateTargetGroup, weight: 0 },
    ]);
    this.rule = withoutTags(new elbv2.ApplicationListenerRule(this.scope, id, { ...props, action }));
    const header = this.trafficShifting?.testTrafficHeader;
    if (header) {
      this.reserve(props.listener, props.priority - 1);
      this.testRule = withoutTags(new elbv2.ApplicationListenerRule(this.scope, `Test${id}`, {
        ...props,
        priority: props.priority - 1,
        conditions: [...props.conditions, elbv2.ListenerCondition.httpHeader(header.name, [header.value])],
        action,
      }));
    }
  }

  /** So that no other service of the app uses the priority. */
  private reserve(listener: elbv2.IApplicationListener, priority: number): void {
    prioritiesInUse(listener).set(priority, this.owner);
  }

  /** The part of the bound ingress that target groups are responsible for. */
  public bound(
    loadBalancerFullName: string,
  ): Pick<BoundIngress, 'targetGroup' | 'alternateTargetGroup' | 'metrics' | 'attach'> {
    const { targetGroup, alternateTargetGroup } = this;
    const targetGroups = alternateTargetGroup ? [targetGroup, alternateTargetGroup] : [targetGroup];
    return {
      targetGroup,
      alternateTargetGroup,
      metrics: new TargetMetrics(loadBalancerFullName, targetGroups),
      attach: (service, { containerName, containerPort }) => {
        const target = { containerName, containerPort, alternateTarget: this.alternateTarget() };
        targetGroup.addTarget(service.loadBalancerTarget(target));
      },
    };
  }

  private alternateTarget(): ecs.AlternateTarget | undefined {
    return this.alternateTargetGroup && new ecs.AlternateTarget('TrafficShifting', {
      alternateTargetGroup: this.alternateTargetGroup,
      productionListener: ecs.ListenerRuleConfiguration.applicationListenerRule(this.rule!),
      testListener: this.testRule && ecs.ListenerRuleConfiguration.applicationListenerRule(this.testRule),
    });
  }
}

function withoutTags(rule: elbv2.ApplicationListenerRule): elbv2.ApplicationListenerRule {
  (rule.node.defaultChild as elbv2.CfnListenerRule).addPropertyDeletionOverride('Tags');
  return rule;
}
