import { Alarms, Ingress } from '../../src/index';
import { apiErrors, lostResources } from '../../tools/upgrade-safety';
import { templateOf } from '../support/synth';

const template = (props = {}) => templateOf(props).toJSON();

test('the same template loses nothing, and neither does a new revision of the task definition', () => {
  expect(lostResources(template(), template())).toEqual([]);
  expect(lostResources(template(), template({ cpu: 512 }))).toEqual([]);
  expect(lostResources(template(), template({ alarms: Alarms.recommended() }))).toEqual([]);
});

test('resources that are deleted or replaced are lost', () => {
  expect(lostResources(template({ alarms: Alarms.recommended() }), template()))
    .toContainEqual(expect.stringMatching(/^HelloAlarmsHighCpu\w+ \(AWS::CloudWatch::Alarm\): will destroy$/));
  expect(lostResources(template(), template({ ingress: Ingress.http({ internetFacing: false }) })))
    .toContainEqual(expect.stringMatching(/\(AWS::ElasticLoadBalancingV2::LoadBalancer\): will destroy$/));
  const renamed = template();
  const [group] = Object.values<any>(renamed.Resources).filter(({ Type }) => Type === 'AWS::EC2::SecurityGroup');
  group.Properties.GroupDescription = 'another one';
  expect(lostResources(template(), renamed))
    .toContainEqual(expect.stringMatching(/\(AWS::EC2::SecurityGroup\): will replace$/));
});

test('the errors of jsii-diff are incompatible changes, except for a stability that is no longer declared', () => {
  expect(apiErrors([
    'Updated assembly: hello-fargate-service@0.0.0',
    'API elements with incompatible changes:',
    'err  - PROP hello-fargate-service.TaskOptions.cpu: has been removed',
    'err  - CLASS hello-fargate-service.Alarms: stability was \'stable\', has been removed',
    'warn - PROP hello-fargate-service.TaskOptions.user: type changed',
  ].join('\n'))).toEqual(['PROP hello-fargate-service.TaskOptions.cpu: has been removed']);
});
