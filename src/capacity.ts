import { createHash } from 'crypto';
import * as ecs from 'aws-cdk-lib/aws-ecs';

/**
 * Which Fargate capacity runs the tasks.
 *
 * It is a strategy also where it is on demand only: CloudFormation replaces a service that changes from a launch type
 * to a strategy, and does not replace one that changes from strategy to strategy.
 */
export const ON_DEMAND: ecs.CapacityProviderStrategy[] = [{ capacityProvider: 'FARGATE', weight: 1 }];

/** ECS asks for a forced deployment when the strategy changes. The nonce changes exactly then. */
export function strategyNonce(strategy: ecs.CapacityProviderStrategy[]): string {
  return createHash('sha256').update(JSON.stringify(strategy)).digest('hex').slice(0, 16);
}
