export { Capacity } from './capacity';
export type { SpotCapacityOptions } from './capacity';
export * from './hello-fargate-service';
export type { HealthCheckOptions } from './health-check';
export { ServiceImage } from './service-image';
export type { ServiceImageOptions } from './service-image';
