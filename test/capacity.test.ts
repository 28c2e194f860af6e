import { Duration } from 'aws-cdk-lib';
import { Capacity, HelloFargateServiceProps } from '../src';
import { containerOf, environmentOf, only, templateOf } from './support/synth';

const serviceWith = (props: HelloFargateServiceProps) => only(templateOf(props), 'AWS::ECS::Service');
const nonceWith = (capacity?: Capacity) => serviceWith({ capacity }).ForceNewDeployment.ForceNewDeploymentNonce;

describe('capacity provider strategy', () => {
  test('uses On-Demand capacity by default', () => {
    expect(serviceWith({}).CapacityProviderStrategy).toEqual([{ CapacityProvider: 'FARGATE', Weight: 1 }]);
    expect(serviceWith({ capacity: Capacity.onDemand() })).toEqual(serviceWith({}));
  });

  test('keeps one task on On-Demand capacity with Spot', () => {
    expect(serviceWith({ capacity: Capacity.spot() }).CapacityProviderStrategy).toEqual([
      { CapacityProvider: 'FARGATE', Base: 1, Weight: 0 },
      { CapacityProvider: 'FARGATE_SPOT', Weight: 1 },
    ]);
  });

  test('keeps the configured number of tasks on On-Demand capacity with Spot', () => {
    const { CapacityProviderStrategy } = serviceWith({ capacity: Capacity.spot({ onDemandBase: 3 }), desiredCount: 4 });

    expect(CapacityProviderStrategy[0].Base).toBe(3);
  });

  test('can use Spot only', () => {
    expect(serviceWith({ capacity: Capacity.spot({ onDemandBase: 0 }), desiredCount: 1 }).CapacityProviderStrategy)
      .toEqual([{ CapacityProvider: 'FARGATE_SPOT', Weight: 1 }]);
  });

  test('has its capacity providers in the cluster', () => {
    const template = templateOf({ capacity: Capacity.spot() });

    expect(only(template, 'AWS::ECS::ClusterCapacityProviderAssociations').CapacityProviders)
      .toEqual(['FARGATE', 'FARGATE_SPOT']);
  });

  test('forces a deployment when it changes, and only then', () => {
    expect(nonceWith()).toBe(nonceWith(Capacity.onDemand()));
    expect(nonceWith(Capacity.spot())).toBe(nonceWith(Capacity.spot({ onDemandBase: 1 })));
    const nonces = [nonceWith(), nonceWith(Capacity.spot()), nonceWith(Capacity.spot({ onDemandBase: 0 }))];
    expect(new Set(nonces).size).toBe(3);
  });
});

describe('shutdown on Spot', () => {
  test('takes until a faster health check has taken the task out of rotation', () => {
    const template = templateOf({ capacity: Capacity.spot() });
    const targetGroup = only(template, 'AWS::ElasticLoadBalancingV2::TargetGroup');
    const environment = environmentOf(template);

    expect(targetGroup.HealthCheckIntervalSeconds).toBe(10);
    expect(environment).toMatchObject({ SHUTDOWN_DELAY_MS: '30000', SHUTDOWN_TIMEOUT_MS: '60000' });
    expect(containerOf(template).StopTimeout).toBe(65);
    const { HealthCheckIntervalSeconds, UnhealthyThresholdCount, HealthCheckTimeoutSeconds } = targetGroup;
    expect(Number(environment.SHUTDOWN_DELAY_MS))
      .toBeGreaterThan(1000 * (HealthCheckIntervalSeconds * UnhealthyThresholdCount + HealthCheckTimeoutSeconds));
  });

  test('depends on the health check', () => {
    const template = templateOf({
      capacity: Capacity.spot(),
      healthCheck: { interval: Duration.seconds(5), timeout: Duration.seconds(2), unhealthyThresholdCount: 3 },
    });

    expect(environmentOf(template)).toMatchObject({ SHUTDOWN_DELAY_MS: '22000', SHUTDOWN_TIMEOUT_MS: '52000' });
    expect(containerOf(template).StopTimeout).toBe(57);
  });

  test('does not change the health check on On-Demand capacity', () => {
    const template = templateOf({ capacity: Capacity.onDemand() });

    expect(only(template, 'AWS::ElasticLoadBalancingV2::TargetGroup').HealthCheckIntervalSeconds).toBe(30);
  });
});
