export { Capacity } from './capacity';
export type { CapacityOptions, SpotCapacityOptions } from './capacity';
export { CostEstimate } from './cost/estimate';
export type { CostLineItem, CostUsage } from './cost/estimate';
export { Deployment } from './deployment/deployment';
export type { ServiceDeploymentOptions } from './deployment/deployment';
export type {
  BlueGreenDeploymentOptions, CanaryDeploymentOptions, DeploymentOptions, LinearDeploymentOptions,
  RollingDeploymentOptions, TestTrafficHeader, TrafficShiftingOptions,
} from './deployment/deployment-options';
export { HelloFargateService } from './hello-fargate-service';
export type { CloudFrontIngressOptions } from './ingress/cloud-front';
export type { HealthCheckOptions } from './ingress/health-check';
export type { HttpApiIngressOptions } from './ingress/http-api';
export { Ingress } from './ingress/ingress';
export type { IngressOptions } from './ingress/ingress';
export type { LoadBalancerOptions } from './ingress/load-balancer';
export type {
  HttpIngressOptions, HttpsIngressOptions, HttpsWithCertificatesIngressOptions, ReachableLoadBalancerOptions,
} from './ingress/load-balancer-ingress';
export type { SharedListenerIngressOptions } from './ingress/shared-listener';
export type { SessionStickinessOptions, TargetGroupOptions } from './ingress/target-group';
export { Egress } from './network/egress';
export type { NatGatewayEgressOptions } from './network/egress';
export type { NetworkOptions } from './network/network';
export { Alarms } from './observability/alarms';
export type { MonitoringOptions, RecommendedAlarmsOptions } from './observability/alarms';
export type { LogOptions } from './observability/logs';
export { Preset } from './preset';
export type { HelloFargateServiceProps } from './props';
export { CpuScaling } from './scaling-options';
export type {
  ScalingOptions, ScalingSchedule, StepScalingOptions, TargetTrackingScalingOptions, TaskCountOptions,
} from './scaling-options';
export type { ConnectionOptions } from './task/connection';
export { ServiceImage } from './task/service-image';
export type { DirectoryImageOptions } from './task/service-image';
export type { SidecarOptions } from './task/sidecar';
export type { TaskOptions } from './task/task-options';
