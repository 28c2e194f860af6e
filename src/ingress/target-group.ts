import { Duration, Token } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { BoundIngress, IngressContext } from './ingress-type';
import { TestTrafficHeader } from '../deployment/deployment';
import { TargetMetrics } from '../observability/service-metrics';
import { DEFAULTS } from '../preset';
import { show, Validation } from '../validation';

/** Requests of one client go to one task, while it is healthy. */
export interface SessionStickinessOptions {
  /**
   * How long a client stays with its task: 1 second to 7 days.
   *
   * @default Duration.days(1)
   */
  readonly cookieDuration?: Duration;

  /**
   * The name of a cookie that your app sets, which the client then stays with. Not AWSALB, AWSALBAPP or AWSALBTG.
   *
   * @default - a cookie of the load balancer
   */
  readonly cookieName?: string;
}

/** What every ingress with a target group can be told. */
export interface TargetGroupOptions {
  /**
   * Sends the requests of one client to one task. An app that needs this loses sessions with each deployment: a cache is better.
   *
   * @default - each request goes to the next task
   */
  readonly sessionStickiness?: SessionStickinessOptions;
}

export function validateTargetGroup(validation: Validation, options: TargetGroupOptions): void {
  const { cookieDuration, cookieName } = options.sessionStickiness ?? {};
  validation.wholeSeconds('ingress.sessionStickiness.cookieDuration', cookieDuration, 1, 604_800, 'the time that a client stays with a task');
  if (cookieName !== undefined && !Token.isUnresolved(cookieName) && (cookieName === '' || /^AWSALB(APP|TG)?$/.test(cookieName))) {
    validation.refuse('ingress.sessionStickiness.cookieName', show(cookieName), 'a cookie needs a name, and AWSALB, AWSALBAPP and AWSALBTG are the load balancer\'s',
      'give the name of a cookie that your app sets');
  }
}

/** A rule of a listener, without what it does. */
export interface RuleProps {
  readonly listener: elbv2.IApplicationListener;
  readonly priority: number;
  readonly conditions: elbv2.ListenerCondition[];
}

/** What requests are sent to: one target group, and a second one where traffic shifts between two versions. */
export class TargetGroups {
  public readonly targetGroup: elbv2.ApplicationTargetGroup;
  public readonly alternateTargetGroup?: elbv2.ApplicationTargetGroup;
  private readonly testTrafficHeader?: TestTrafficHeader;
  private rule?: elbv2.ApplicationListenerRule;
  private testRule?: elbv2.ApplicationListenerRule;

  constructor(
    public readonly scope: Construct,
    { network, healthCheck: { gracePeriod: _ofTheService, ...healthCheck }, deployment }: IngressContext,
    options: TargetGroupOptions,
  ) {
    this.testTrafficHeader = deployment._strategy.options.testTrafficHeader;
    const stickiness = options.sessionStickiness;
    const props: elbv2.ApplicationTargetGroupProps = {
      vpc: network.vpc,
      targetType: elbv2.TargetType.IP,
      protocol: elbv2.ApplicationProtocol.HTTP,
      // ECS registers each task with its own port. This one is never used, and as it never changes, neither does the group.
      port: 80,
      deregistrationDelay: DEFAULTS.deregistrationDelay,
      healthCheck,
      stickinessCookieDuration: stickiness && (stickiness.cookieDuration ?? Duration.days(1)),
      stickinessCookieName: stickiness?.cookieName,
    };
    this.targetGroup = new elbv2.ApplicationTargetGroup(scope, 'TargetGroup', props);
    if (deployment._hasAlternateTargetGroup) {
      this.alternateTargetGroup = new elbv2.ApplicationTargetGroup(scope, 'AlternateTargetGroup', props);
    }
  }

  /**
   * The rule that sends requests here.
   *
   * Once traffic shifts, ECS writes the live weights into it. Any change of it in the template would set them back, perhaps to a group
   * without tasks (https://github.com/aws/aws-cdk/issues/36649). So it is the same for every strategy, and has no tags, which newer
   * versions of CDK would add.
   */
  public addRule(id: string, props: RuleProps): void {
    if (!this.alternateTargetGroup) {
      this.rule = new elbv2.ApplicationListenerRule(this.scope, id, { ...props, action: elbv2.ListenerAction.forward([this.targetGroup]) });
      return;
    }
    const action = elbv2.ListenerAction.weightedForward([
      { targetGroup: this.targetGroup, weight: 1 },
      { targetGroup: this.alternateTargetGroup, weight: 0 },
    ]);
    this.rule = withoutTags(new elbv2.ApplicationListenerRule(this.scope, id, { ...props, action }));
    const header = this.testTrafficHeader;
    if (header) {
      this.testRule = withoutTags(new elbv2.ApplicationListenerRule(this.scope, `Test${id}`, {
        ...props,
        priority: props.priority - 1,
        conditions: [...props.conditions, elbv2.ListenerCondition.httpHeader(header.name, [header.value])],
        action,
      }));
    }
  }

  /** What a way in has made, as far as it lies here. */
  public bound(loadBalancerFullName: string): Pick<BoundIngress, 'targetGroup' | 'alternateTargetGroup' | 'metrics' | 'attach'> {
    const { targetGroup, alternateTargetGroup } = this;
    return {
      targetGroup,
      alternateTargetGroup,
      metrics: new TargetMetrics(loadBalancerFullName, alternateTargetGroup ? [targetGroup, alternateTargetGroup] : [targetGroup]),
      attach: (service, { containerName, containerPort }) =>
        targetGroup.addTarget(service.loadBalancerTarget({ containerName, containerPort, alternateTarget: this.alternateTarget() })),
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
