import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { HealthCheckOptions } from './health-check';
import { DEFAULTS } from './preset';

export interface IngressProps {
  readonly vpc: ec2.IVpc;
  readonly healthCheck: Required<HealthCheckOptions>;
}

/** An internet-facing load balancer on port 80, whose one rule forwards to the target group. */
export class HttpIngress extends Construct {
  public readonly loadBalancer: elbv2.ApplicationLoadBalancer;
  public readonly listener: elbv2.ApplicationListener;
  public readonly targetGroup: elbv2.ApplicationTargetGroup;
  public readonly url: string;

  constructor(scope: Construct, id: string, props: IngressProps) {
    super(scope, id);
    const { gracePeriod: _ofTheService, ...healthCheck } = props.healthCheck;
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
      healthCheck,
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
