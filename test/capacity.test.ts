import { Duration } from 'aws-cdk-lib';
import { Capacity, HelloFargateServiceProps } from '../src';
import { containerOf, environmentOf, only, templateOf } from './support/synth';

const serviceWith = (props: HelloFargateServiceProps) => only(templateOf(props), 'AWS::ECS::Service');
const nonceWith = (capacity?: Capacity) => serviceWith({ capacity }).ForceNewDeployment.ForceNewDeploymentNonce;

describe('strategy', () => {
  test('is on demand by default', () => {
    expect(serviceWith({}).CapacityProviderStrategy).toEqual([{ CapacityProvider: 'FARGATE', Weight: 1 }]);
    expect(serviceWith({ capacity: Capacity.onDemand() })).toEqual(serviceWith({}));
  });

  test('with Spot keeps one task on demand', () => {
    expect(serviceWith({ capacity: Capacity.spot() }).CapacityProviderStrategy).toEqual([
      { CapacityProvider: 'FARGATE', Base: 1, Weight: 0 },
      { CapacityProvider: 'FARGATE_SPOT', Weight: 1 },
    ]);
  });

  test('with Spot keeps as many tasks on demand as told', () => {
    expect(serviceWith({ capacity: Capacity.spot({ onDemandBase: 3 }), desiredCount: 4 }).CapacityProviderStrategy[0].Base).toBe(3);
  });

  test('can be Spot only', () => {
    expect(serviceWith({ capacity: Capacity.spot({ onDemandBase: 0 }), desiredCount: 1 }).CapacityProviderStrategy)
      .toEqual([{ CapacityProvider: 'FARGATE_SPOT', Weight: 1 }]);
  });

  test('finds its providers in the cluster', () => {
    expect(only(templateOf({ capacity: Capacity.spot() }), 'AWS::ECS::ClusterCapacityProviderAssociations').CapacityProviders)
      .toEqual(['FARGATE', 'FARGATE_SPOT']);
  });

  test('is deployed anew when it changes, and only then', () => {
    expect(nonceWith()).toBe(nonceWith(Capacity.onDemand()));
    expect(nonceWith(Capacity.spot())).toBe(nonceWith(Capacity.spot({ onDemandBase: 1 })));
    expect(new Set([nonceWith(), nonceWith(Capacity.spot()), nonceWith(Capacity.spot({ onDemandBase: 0 }))]).size).toBe(3);
  });
});

describe('the shutdown on Spot', () => {
  test('lasts until the health check, which is faster, has taken the task out of rotation', () => {
    const template = templateOf({ capacity: Capacity.spot() });
    const targetGroup = only(template, 'AWS::ElasticLoadBalancingV2::TargetGroup');
    const environment = environmentOf(template);

    expect(targetGroup.HealthCheckIntervalSeconds).toBe(10);
    expect(environment).toMatchObject({ SHUTDOWN_DELAY_MS: '30000', SHUTDOWN_TIMEOUT_MS: '60000' });
    expect(containerOf(template).StopTimeout).toBe(65);
    expect(Number(environment.SHUTDOWN_DELAY_MS)).toBeGreaterThan(
      1000 * (targetGroup.HealthCheckIntervalSeconds * targetGroup.UnhealthyThresholdCount + targetGroup.HealthCheckTimeoutSeconds));
  });

  test('follows the health check', () => {
    const template = templateOf({
      capacity: Capacity.spot(),
      healthCheck: { interval: Duration.seconds(5), timeout: Duration.seconds(2), unhealthyThresholdCount: 3 },
    });

    expect(environmentOf(template)).toMatchObject({ SHUTDOWN_DELAY_MS: '22000', SHUTDOWN_TIMEOUT_MS: '52000' });
    expect(containerOf(template).StopTimeout).toBe(57);
  });

  test('leaves a health check on demand as it is', () => {
    expect(only(templateOf({ capacity: Capacity.onDemand() }), 'AWS::ElasticLoadBalancingV2::TargetGroup').HealthCheckIntervalSeconds).toBe(30);
  });
});

