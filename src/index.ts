export * from './hello-fargate-service';
export type { HealthCheckOptions } from './ingress';
export { ServiceImage } from './service-image';
export type { ServiceImageOptions } from './service-image';
