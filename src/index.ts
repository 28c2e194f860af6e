export { Alarms } from './observability/alarms';
export type { RecommendedAlarmsOptions } from './observability/alarms';
export { Capacity } from './capacity';
export type { SpotCapacityOptions } from './capacity';
export type { ConnectionOptions } from './task/connection';
export { CostEstimate } from './cost/estimate';
export type { CostLineItem, CostUsage } from './cost/estimate';
export { Deployment } from './deployment/deployment';
export type {
  BlueGreenDeploymentOptions, CanaryDeploymentOptions, DeploymentOptions, LinearDeploymentOptions, RollingDeploymentOptions, TestTrafficHeader,
  TrafficShiftingOptions,
} from './deployment/deployment';
export type { HealthCheckOptions } from './ingress/health-check';
export * from './hello-fargate-service';
export { Ingress } from './ingress/ingress';
export type { CloudFrontDomainOptions, CloudFrontIngressOptions } from './ingress/cloud-front';
export type { HttpApiIngressOptions } from './ingress/http-api';
export type {
  HttpsWithCertificatesIngressOptions, HttpIngressOptions, HttpsIngressOptions, LoadBalancerOptions, ReachableLoadBalancerOptions,
} from './ingress/load-balancer';
export type { SharedListenerIngressOptions } from './ingress/shared-listener';
export type { SessionStickinessOptions, TargetGroupOptions } from './ingress/target-group';
export { Egress } from './network/network';
export type { NatGatewayEgressOptions } from './network/network';
export { CpuScaling } from './scaling';
export type { ScalingOptions, ScalingSchedule } from './scaling';
export { Preset } from './preset';
export { ServiceImage } from './task/service-image';
export type { DirectoryImageOptions } from './task/service-image';
export type { SidecarOptions } from './task/sidecar';
