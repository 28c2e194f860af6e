import { App, NestedStack, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Egress, HelloFargateService, Ingress, Preset } from '../../src/index';
import { closureOf, connectivityOf, idsOf, Resources, usesOf } from '../support/closure';
import { combinations } from '../support/combinations';
import { NOTIFIED } from '../support/fixtures';
import { newStack } from '../support/synth';

const ACCEPTED = combinations().filter(({ error }) => !error);

const resourcesOf = (stack: Stack): Resources => Template.fromStack(stack).toJSON().Resources;

/** Uses that are not in the closure of their user: created too late, or deleted too early. */
const missingIn = (resources: Resources) => usesOf(resources)
  .filter(({ user, used }) => !closureOf(resources, user).has(used))
  .map(({ user, used }) => `${user} does not wait for ${used}`);

/**
 * Associations that do not wait for the internet gateway, and clusters that do. The cluster comes first: it makes ECS
 * create the service-linked role, without which the association fails.
 */
function racesIn(resources: Resources): string[] {
  const [network] = idsOf(resources, 'EC2::VPCGatewayAttachment');
  if (!network) { return []; }
  const waits = (id: string) => closureOf(resources, id).has(network);
  return [
    ...idsOf(resources, 'ECS::ClusterCapacityProviderAssociations').filter((id) => !waits(id)),
    ...idsOf(resources, 'ECS::Cluster').filter(waits),
  ];
}

describe('what a resource uses is created before it and deleted after it', () => {
  test.each(ACCEPTED.map((combination) => [combination.name, combination] as const))('%s', (_name, combination) => {
    const resources = resourcesOf(combination.addStack(new App({ treeMetadata: false })));

    expect(missingIn(resources)).toEqual([]);
    expect(racesIn(resources)).toEqual([]);
  });

  test.each<[string, (stack: Stack) => void]>([
    ['Preset.PRODUCTION', (stack) => {
      const props = { preset: Preset.PRODUCTION, ingress: Ingress.cloudFront(), alarms: NOTIFIED };
      new HelloFargateService(stack, 'Hello', props);
    }],
    ['a cluster with its own VPC', (stack) => {
      new HelloFargateService(stack, 'Hello', { cluster: new ecs.Cluster(stack, 'Cluster') });
    }],
    ['two services', (stack) => {
      const egress = Egress.natGateway({ count: 2 });
      ['First', 'Second'].forEach((id) => new HelloFargateService(stack, id, { egress }));
    }],
    ['public subnets of a VPC of the app', (stack) => {
      const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 });
      new HelloFargateService(stack, 'Hello', { vpc, vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC } });
    }],
    // The capacity providers of an imported cluster do not wait for the routes.
    ['an imported cluster', (stack) => {
      const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 });
      const cluster = ecs.Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'shared', vpc });
      new HelloFargateService(stack, 'Hello', { cluster });
    }],
    ['an imported cluster and imported objects of the private subnets of a VPC of the app', (stack) => {
      const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 });
      const subnets = vpc.privateSubnets.map(({ subnetId }, i) =>
        ec2.Subnet.fromSubnetId(stack, `Subnet${i}`, subnetId));
      const cluster = ecs.Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'shared', vpc });
      new HelloFargateService(stack, 'Hello', { cluster, vpcSubnets: { subnets } });
    }],
  ])('with %s', (_what, create) => {
    const stack = newStack();
    create(stack);

    expect(missingIn(resourcesOf(stack))).toEqual([]);
    expect(racesIn(resourcesOf(stack))).toEqual([]);
  });

  test('nested stacks can contain the VPC, the service, or both', () => {
    const stack = newStack();
    const [outer, nested] = [stack, new NestedStack(stack, 'Network')].map((scope) =>
      new ec2.Vpc(scope, 'Vpc', { maxAzs: 2 }));
    new HelloFargateService(stack, 'Hello', { vpc: nested });
    ['Outer', 'Nested'].forEach((id, i) =>
      new HelloFargateService(new NestedStack(stack, id), 'Hello', { vpc: [outer, nested][i] }));
    const resources = resourcesOf(stack);
    const idOf = (pattern: RegExp) => Object.keys(resources).find((id) => pattern.test(id))!;
    const waitsFor = (user: RegExp) => [...closureOf(resources, idOf(user))];

    expect(waitsFor(/^HelloService/)).toContain(idOf(/^NetworkNestedStack/));
    expect(waitsFor(/^NestedNestedStack/)).toContain(idOf(/^NetworkNestedStack/));
    expect(waitsFor(/^OuterNestedStack/)).toContain(idOf(/^VpcPrivateSubnet1DefaultRoute/));
  });

  test('the stack of the VPC is deployed before that of the service', () => {
    const app = new App();
    const vpc = new ec2.Vpc(new Stack(app, 'Network'), 'Vpc', { maxAzs: 2 });
    const stack = new Stack(app, 'Service');
    new HelloFargateService(stack, 'Hello', { vpc });
    app.synth();

    expect(stack.dependencies).toEqual([Stack.of(vpc)]);
  });
});

test('the routes and gateways of the tasks are found', () => {
  const typesFor = (egress: Egress) => {
    const stack = newStack();
    new HelloFargateService(stack, 'Hello', { egress });
    const resources = resourcesOf(stack);
    const [service] = idsOf(resources, 'ECS::Service');
    const [subnet] = resources[service].Properties!.NetworkConfiguration.AwsvpcConfiguration.Subnets;
    return connectivityOf(resources, subnet).map((id) => resources[id].Type.replace('AWS::EC2::', ''));
  };
  const publicTypes = ['SubnetRouteTableAssociation', 'Route', 'InternetGateway', 'VPCGatewayAttachment'];

  expect(typesFor(Egress.publicIp())).toEqual(publicTypes);
  expect(typesFor(Egress.natGateway()))
    .toEqual(['SubnetRouteTableAssociation', 'Route', 'NatGateway', ...publicTypes]);
  expect(typesFor(Egress.vpcEndpoints())).toEqual(['SubnetRouteTableAssociation']);
});
