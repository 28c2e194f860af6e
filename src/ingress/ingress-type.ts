import {
  Duration,
  aws_apigatewayv2 as apigatewayv2,
  aws_cloudfront as cloudfront,
  aws_ec2 as ec2,
  aws_ecs as ecs,
  aws_elasticloadbalancingv2 as elbv2,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { HealthCheckOptions } from './health-check';
import { TargetMetrics } from './target-metrics';
import { Network } from '../network/network';
import { PresetDefaults } from '../preset';
import { Validation } from '../validation';

/** Facts about an ingress that the rest of the construct depends on. */
export interface IngressTraits {
  /** The factory call that creates it, for error messages: `Ingress.http`. */
  readonly name: string;

  /** Idle timeout of connections to the tasks. The app must keep connections open for longer. */
  readonly idleTimeout: Duration;

  /** Whether a load balancer routes requests to the tasks and checks their health. */
  readonly hasLoadBalancer: boolean;

  /** Whether the listener belongs to this service, so that the construct can add more rules to it. */
  readonly hasOwnListener: boolean;

  /** Whether requests of a client are routed to the same task. */
  readonly hasStickySessions: boolean;

  /** Whether it accepts unencrypted requests from the internet. */
  readonly isPublicWithoutTls: boolean;
}

/** A type of ingress. `Ingress` has a factory method for each. */
export interface IngressType extends IngressTraits {
  /** The options of its factory method. */
  readonly options: object;

  /** Validates the options before any resource is created. `vpc` is the user's VPC, if there is one. */
  validate(validation: Validation, scope: Construct, vpc: ec2.IVpc | undefined): void;

  /** Creates the resources in front of the ECS service, which is created afterwards. */
  bind(scope: Construct, context: IngressContext): BoundIngress;
}

/** Facts about the service that an ingress needs. */
export interface IngressContext {
  /** The construct path of the service. */
  readonly servicePath: string;
  readonly network: Network;
  readonly healthCheck: Required<HealthCheckOptions>;
  /** Set if traffic shifts between two target groups, now or in a later deployment. */
  readonly trafficShifting?: TrafficShifting;
  /** Defaults for load balancers. */
  readonly preset: Pick<PresetDefaults, 'accessLogs' | 'deletionProtection'>;
}

export interface TrafficShifting {
  /** Requests with this header are routed to the new version before production traffic is. */
  readonly testTrafficHeader?: { readonly name: string; readonly value: string };
}

/** What an ingress has created. */
export interface BoundIngress {
  readonly url: string;
  readonly loadBalancer?: elbv2.ApplicationLoadBalancer;
  readonly listener?: elbv2.ApplicationListener;
  readonly targetGroup?: elbv2.ApplicationTargetGroup;
  /** The second target group for traffic shifting. */
  readonly alternateTargetGroup?: elbv2.ApplicationTargetGroup;
  /** The load balancer's metrics for this service. */
  readonly metrics?: TargetMetrics;
  readonly distribution?: cloudfront.Distribution;
  readonly httpApi?: apigatewayv2.HttpApi;

  /** Routes requests to the tasks of the service. */
  attach(service: ecs.FargateService, container: ecs.ContainerDefinition): void;
}
