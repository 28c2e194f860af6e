export { Alarms } from './alarms';
export type { RecommendedAlarmsOptions } from './alarms';
export { Capacity } from './capacity';
export type { SpotCapacityOptions } from './capacity';
export type { ConnectionOptions } from './connection';
export { CostEstimate } from './cost';
export type { CostLineItem, CostUsage } from './cost';
export { Deployment } from './deployment';
export type {
  BlueGreenDeploymentOptions, CanaryDeploymentOptions, DeploymentOptions, LinearDeploymentOptions, RollingDeploymentOptions, TestTrafficHeader,
  TrafficShiftingOptions,
} from './deployment';
export type { HealthCheckOptions } from './health-check';
export * from './hello-fargate-service';
export { Ingress } from './ingress';
export type { CloudFrontDomainOptions, CloudFrontIngressOptions } from './ingress/cloud-front';
export type { HttpApiIngressOptions } from './ingress/http-api';
export type {
  CertificatesIngressOptions, HttpIngressOptions, HttpsIngressOptions, LoadBalancerOptions, ReachableLoadBalancerOptions,
} from './ingress/load-balancer';
export type { SharedListenerOptions } from './ingress/shared-listener';
export type { SessionStickinessOptions, TargetGroupOptions } from './ingress/target-group';
export { Egress } from './network';
export type { NatGatewayOptions } from './network';
export { CpuScaling } from './scaling';
export type { ScalingOptions, ScalingSchedule } from './scaling';
export { Preset } from './preset';
export { ServiceImage } from './service-image';
export type { ServiceImageOptions } from './service-image';
export type { SidecarOptions } from './sidecar';
