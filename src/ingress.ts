import { Duration, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { DEFAULTS } from './preset';
import { show, Validation } from './validation';

/** How the load balancer finds out whether a task can serve. */
export interface HealthCheckOptions {
  /**
   * The path that is asked for, with a query if need be. It must answer without credentials.
   *
   * @default '/health'
   */
  readonly path?: string;

  /**
   * Time from one probe to the next: 5 to 300 s, above the time-out.
   *
   * @default Duration.seconds(30)
   */
  readonly interval?: Duration;

  /**
   * Time without an answer after which a probe has failed: 2 to 120 s.
   *
   * @default Duration.seconds(5)
   */
  readonly timeout?: Duration;

  /**
   * Probes in a row that must pass before a target that has failed is used again: 2 to 10.
   *
   * @default 2
   */
  readonly healthyThresholdCount?: number;

  /**
   * Probes in a row that must fail before a target is left out and its task replaced: 2 to 10.
   *
   * @default 2
   */
  readonly unhealthyThresholdCount?: number;

  /**
   * The status codes that pass, from 200 to 499: one ('200'), a list ('200,204') or a range ('200-299').
   *
   * @default '200'
   */
  readonly healthyHttpCodes?: string;

  /**
   * Time after the start of a task in which failed probes do not count, for apps that are slow to start.
   *
   * @default Duration.seconds(60)
   */
  readonly gracePeriod?: Duration;
}

export interface IngressProps {
  readonly vpc: ec2.IVpc;
  readonly healthCheck?: HealthCheckOptions;
}

export function validateHealthCheck(validation: Validation, healthCheck: HealthCheckOptions = {}): void {
  const { path, interval, timeout, healthyHttpCodes } = healthCheck;
  if (path !== undefined && !Token.isUnresolved(path) && !/^\/[\x21-\x7e]{0,1023}$/.test(path)) {
    validation.refuse('healthCheck.path', show(path), 'a path starts with / and has at most 1024 visible ASCII characters', 'write it like /health');
  }
  validation.wholeSeconds('healthCheck.interval', interval, 5, 300, 'the time between two probes');
  validation.wholeSeconds('healthCheck.timeout', timeout, 2, 120, 'the time-out of a probe');
  const [probe, pause] = [timeout ?? DEFAULTS.healthCheck.timeout, interval ?? DEFAULTS.healthCheck.interval];
  if (!probe.isUnresolved() && !pause.isUnresolved() && probe.toMilliseconds() >= pause.toMilliseconds()) {
    validation.refuse('healthCheck.timeout', show(probe), `it must be below healthCheck.interval, which is ${pause.toMilliseconds() / 1000} seconds`,
      'shorten the timeout or lengthen the interval');
  }
  validation.wholeNumber('healthCheck.healthyThresholdCount', healthCheck.healthyThresholdCount, 2, 10, 'a threshold');
  validation.wholeNumber('healthCheck.unhealthyThresholdCount', healthCheck.unhealthyThresholdCount, 2, 10, 'a threshold');
  if (healthyHttpCodes !== undefined && !Token.isUnresolved(healthyHttpCodes)) {
    const codes = /^\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*$/.test(healthyHttpCodes) ? healthyHttpCodes.split(/[,-]/).map(Number) : [];
    if (codes.length === 0 || codes.some((code) => code < 200 || code > 499)) {
      validation.refuse('healthCheck.healthyHttpCodes', show(healthyHttpCodes), 'it lists codes and ranges from 200 to 499', 'write it like 200, 200,204 or 200-299');
    }
  }
  // The upper bound is that of the service's healthCheckGracePeriodSeconds, an Integer of CloudFormation.
  validation.wholeSeconds('healthCheck.gracePeriod', healthCheck.gracePeriod, 0, 2_147_483_647, 'the grace period');
}

/** An internet-facing load balancer on port 80, whose one rule forwards to the target group. */
export class HttpIngress extends Construct {
  public readonly loadBalancer: elbv2.ApplicationLoadBalancer;
  public readonly listener: elbv2.ApplicationListener;
  public readonly targetGroup: elbv2.ApplicationTargetGroup;
  public readonly url: string;

  constructor(scope: Construct, id: string, props: IngressProps) {
    super(scope, id);
    const healthCheck = { ...DEFAULTS.healthCheck, ...props.healthCheck };

    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      description: 'Load balancer: HTTP in, the tasks out',
      allowAllOutbound: false,
    });

    // A load balancer's scheme cannot change, and a target group serves one load balancer: an internal pair has other IDs.
    const internetFacing = new Construct(this, 'InternetFacing');
    this.loadBalancer = new elbv2.ApplicationLoadBalancer(internetFacing, 'LoadBalancer', {
      vpc: props.vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC, onePerAz: true },
      internetFacing: true,
      securityGroup,
      idleTimeout: DEFAULTS.idleTimeout,
      dropInvalidHeaderFields: true,
      desyncMitigationMode: elbv2.DesyncMitigationMode.DEFENSIVE,
    });
    this.listener = this.loadBalancer.addListener('Listener', {
      port: 80,
      protocol: elbv2.ApplicationProtocol.HTTP,
      defaultAction: elbv2.ListenerAction.fixedResponse(404, { contentType: 'text/plain', messageBody: 'not found' }),
    });

    this.targetGroup = new elbv2.ApplicationTargetGroup(internetFacing, 'TargetGroup', {
      vpc: props.vpc,
      targetType: elbv2.TargetType.IP,
      protocol: elbv2.ApplicationProtocol.HTTP,
      // ECS registers each task with its own port. This one is never used, and as it never changes, neither does the group.
      port: 80,
      deregistrationDelay: DEFAULTS.deregistrationDelay,
      healthCheck: {
        path: healthCheck.path,
        interval: healthCheck.interval,
        timeout: healthCheck.timeout,
        healthyThresholdCount: healthCheck.healthyThresholdCount,
        unhealthyThresholdCount: healthCheck.unhealthyThresholdCount,
        healthyHttpCodes: healthCheck.healthyHttpCodes,
      },
    });
    // A rule from the start, and the last one: rules of the user come before it, and a later change to
    // shifting traffic between two target groups needs a rule.
    new elbv2.ApplicationListenerRule(internetFacing, 'ListenerRule', {
      listener: this.listener,
      priority: 50_000,
      conditions: [elbv2.ListenerCondition.pathPatterns(['/*'])],
      action: elbv2.ListenerAction.forward([this.targetGroup]),
    });

    this.url = `http://${this.loadBalancer.loadBalancerDnsName}`;
  }
}
