import { Duration, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { HealthCheckOptions } from '../health-check';
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

export function newTargetGroup(
  scope: Construct, vpc: ec2.IVpc, healthCheckOptions: Required<HealthCheckOptions>, options: TargetGroupOptions,
): elbv2.ApplicationTargetGroup {
  const { gracePeriod: _ofTheService, ...healthCheck } = healthCheckOptions;
  const stickiness = options.sessionStickiness;
  return new elbv2.ApplicationTargetGroup(scope, 'TargetGroup', {
    vpc,
    targetType: elbv2.TargetType.IP,
    protocol: elbv2.ApplicationProtocol.HTTP,
    // ECS registers each task with its own port. This one is never used, and as it never changes, neither does the group.
    port: 80,
    deregistrationDelay: DEFAULTS.deregistrationDelay,
    healthCheck,
    stickinessCookieDuration: stickiness && (stickiness.cookieDuration ?? Duration.days(1)),
    stickinessCookieName: stickiness?.cookieName,
  });
}

export function register(targetGroup: elbv2.ApplicationTargetGroup, service: ecs.FargateService, container: ecs.ContainerDefinition): void {
  targetGroup.addTarget(service.loadBalancerTarget({ containerName: container.containerName, containerPort: container.containerPort }));
}
