import { Duration } from 'aws-cdk-lib';
import * as apigatewayv2 from 'aws-cdk-lib/aws-apigatewayv2';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { HealthCheckOptions } from './health-check';
import { Deployment } from '../deployment/deployment';
import { Network } from '../network/network';
import { TargetMetrics } from '../observability/service-metrics';
import { PresetDefaults } from '../preset';
import { Validation } from '../validation';

/** One way in. `Ingress` has a factory for each. */
export interface IngressType {
  /** As the user writes it, for errors: `Ingress.http`. */
  readonly name: string;

  /** So long, an idle connection to a task is kept; the app must keep it longer. */
  readonly idleTimeout: Duration;

  /** Whether a load balancer checks the tasks. Otherwise only the container's own health check does. */
  readonly checksHealth: boolean;

  /** Whether the listener is the service's alone, so that it may have further rules. */
  readonly hasOwnListener: boolean;

  /** Whether everybody may send requests that are not encrypted. */
  readonly isPublicWithoutTls: boolean;

  /** Refuses what cannot be, before a resource exists. `vpc` is the user's; without it the VPC is made here. */
  validate(validation: Validation, scope: Construct, vpc: ec2.IVpc | undefined): void;

  /** Makes the resources up to, and not with, the service. */
  bind(scope: Construct, context: IngressContext): BoundIngress;
}

/** What a way in must know of the service. */
export interface IngressContext {
  readonly network: Network;
  readonly healthCheck: Required<HealthCheckOptions>;
  readonly deployment: Deployment;
  /** What a load balancer has that was not told otherwise. */
  readonly preset: Pick<PresetDefaults, 'accessLogs' | 'deletionProtection'>;
}

/** What a way in has made. */
export interface BoundIngress {
  readonly url: string;
  readonly loadBalancer?: elbv2.ApplicationLoadBalancer;
  readonly listener?: elbv2.ApplicationListener;
  readonly targetGroup?: elbv2.ApplicationTargetGroup;
  /** Where traffic can shift. */
  readonly alternateTargetGroup?: elbv2.ApplicationTargetGroup;
  /** What the load balancer counts of the service. */
  readonly metrics?: TargetMetrics;
  readonly distribution?: cloudfront.Distribution;
  readonly httpApi?: apigatewayv2.HttpApi;

  /** Sends the requests to the tasks of the service. */
  attach(service: ecs.FargateService, container: ecs.ContainerDefinition): void;
}
