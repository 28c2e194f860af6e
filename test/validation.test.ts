import * as path from 'path';
import { CfnResource, Duration, Lazy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as assets from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Capacity, HelloFargateService, HelloFargateServiceProps, ServiceImage } from '../src';
import { newStack, templateOf } from './support/synth';

const IMAGE_DIRECTORY = path.join(__dirname, 'support', 'fixtures', 'image');
const OWN_IMAGE = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');

const seconds = (value: number) => Duration.seconds(value);
const secretOf = (stack: Stack) => ecs.Secret.fromSecretsManager(secretsmanager.Secret.fromSecretNameV2(stack, 'Secret', 'theirs'));
const vpcOf = (stack: Stack, zones: string[], id = 'Vpc', publicSubnetIds = zones.map((zone) => `subnet-${zone}`)) =>
  ec2.Vpc.fromVpcAttributes(stack, id, { vpcId: `vpc-${id}`, availabilityZones: zones, publicSubnetIds });

type Bad = [what: string, props: (stack: Stack) => HelloFargateServiceProps, prop: string, message: RegExp];

const BAD: Bad[] = [
  // size
  ['a CPU size that Fargate does not have', () => ({ cpu: 300 }), 'cpu', /is 300, but Fargate has 256, 512, .*; set one of them/],
  ['half a CPU unit', () => ({ cpu: 256.5 }), 'cpu', /is 256\.5, but Fargate has/],
  ['no CPU', () => ({ cpu: 0 }), 'cpu', /is 0, but Fargate has/],
  ['CPU that is no number', () => ({ cpu: NaN }), 'cpu', /is NaN, but Fargate has/],
  ['memory off the grid of the CPU', () => ({ memoryLimitMiB: 1536 }), 'memoryLimitMiB', /is 1536, but with cpu 256 Fargate has 512, 1024, 2048 MiB; set one of these$/],
  ['memory that another CPU has', () => ({ memoryLimitMiB: 4096 }), 'memoryLimitMiB', /is 4096, .*; set one of these, or cpu to 512 or 1024 or 2048$/],
  ['memory below the smallest of the CPU', () => ({ cpu: 1024, memoryLimitMiB: 512 }), 'memoryLimitMiB', /with cpu 1024 Fargate has 2048 to 8192 in steps of 1024 MiB; .* cpu to 256$/],
  ['negative memory', () => ({ memoryLimitMiB: -512 }), 'memoryLimitMiB', /is -512, but/],
  ['CPU as a token without memory', () => ({ cpu: Lazy.number({ produce: () => 256 }) }), 'cpu', /is a token, .*; set memoryLimitMiB too$/],
  ['an architecture that Fargate does not have', () => ({ architecture: ecs.CpuArchitecture.of('RISCV') }), 'architecture', /is "RISCV", but Fargate has ARM64 and X86_64/],
  // image
  ['a directory that is not there', () => ({ image: ServiceImage.fromDirectory('/not/there') }), 'image', /is "\/not\/there", but there is no file \/not\/there\/Dockerfile/],
  ['a Dockerfile that is not there', () => ({ image: ServiceImage.fromDirectory(IMAGE_DIRECTORY, { file: 'Other' }) }), 'image', /there is no file .*Other/],
  ['an asset for another platform', () => ({ image: ecs.ContainerImage.fromAsset(IMAGE_DIRECTORY, { platform: assets.Platform.LINUX_AMD64 }) }),
    'image', /an asset for linux\/amd64, but the tasks run on linux\/arm64 .*exec format error.*; use ServiceImage/],
  ['an asset without a platform', () => ({ image: ecs.ContainerImage.fromAsset(IMAGE_DIRECTORY) }), 'image', /an asset without a platform/],
  ['an asset for ARM64 on X86_64', () => ({
    architecture: ecs.CpuArchitecture.X86_64,
    image: ecs.ContainerImage.fromAsset(IMAGE_DIRECTORY, { platform: assets.Platform.LINUX_ARM64 }),
  }), 'image', /an asset for linux\/arm64, but the tasks run on linux\/amd64/],
  // container
  ['port 0', () => ({ containerPort: 0 }), 'containerPort', /is 0, but a port is a whole number from 1 to 65535/],
  ['a port above 65535', () => ({ containerPort: 65536 }), 'containerPort', /is 65536, but a port/],
  ['half a port', () => ({ containerPort: 80.5 }), 'containerPort', /is 80\.5, but a port/],
  ['a port of root for the example app', () => ({ containerPort: 80 }), 'containerPort', /is 80, but the example app is not root .*; set 1024 or more/],
  ['another user for the example app', () => ({ user: '0' }), 'user', /is "0", but the example app owns its \/tmp as 1000:1000/],
  ['an empty user', () => ({ user: '', image: OWN_IMAGE }), 'user', /is "", but an empty value would be ignored/],
  ['an empty command', () => ({ command: [] }), 'command', /is \[\], but an empty value would be ignored; leave it out/],
  ['an empty entry point', () => ({ entryPoint: [] }), 'entryPoint', /is \[\], but an empty value would be ignored/],
  ['a stop time-out too short to drain', () => ({ stopTimeout: seconds(19) }), 'stopTimeout', /is 19 seconds, but for 10 s after SIGTERM .* the load balancer has .*; set 20 to 120 seconds$/],
  ['a stop time-out above what Fargate gives', () => ({ stopTimeout: seconds(121) }), 'stopTimeout', /is 121 seconds, but .* from 1 to 120/],
  ['a stop time-out in fractions', () => ({ stopTimeout: Duration.millis(30_500) }), 'stopTimeout', /is 30\.5 seconds, but .* whole number/],
  ['a stop time-out as a token', () => ({ stopTimeout: Duration.seconds(Lazy.number({ produce: () => 30 })) }), 'stopTimeout', /is a token, but the times of the shutdown/],
  ['a stop time-out too short to drain on Spot', () => ({ capacity: Capacity.spot(), stopTimeout: seconds(39) }), 'stopTimeout', /is 39 seconds, but for 30 s after SIGTERM .* failed health checks have .*; lower interval/],
  ['a health check too slow to drain on Spot', () => ({ capacity: Capacity.spot(), healthCheck: { interval: seconds(40) } }), 'healthCheck', /is too slow for Spot, with a stopTimeout of 125 seconds, but Fargate gives 120 s/],
  ['a health check as tokens on Spot', () => ({ capacity: Capacity.spot(), healthCheck: { unhealthyThresholdCount: Lazy.number({ produce: () => 2 }) } }), 'healthCheck', /is a token/],
  // capacity
  ['a negative base', () => ({ capacity: Capacity.spot({ onDemandBase: -1 }) }), 'capacity.onDemandBase', /is -1, but the number of tasks on demand is a whole number from 0 to 100000/],
  ['half a task on demand', () => ({ capacity: Capacity.spot({ onDemandBase: 0.5 }) }), 'capacity.onDemandBase', /is 0\.5, but/],
  ['a base that leaves nothing to Spot', () => ({ capacity: Capacity.spot({ onDemandBase: 2 }) }), 'capacity.onDemandBase', /is 2, but there are at most 2 tasks, so that none would run on Spot; lower/],
  ['one task and Spot above a base of one', () => ({ capacity: Capacity.spot(), desiredCount: 1 }), 'capacity.onDemandBase', /is 1, but there are at most 1 tasks/],
  ['a read-only root with ECS Exec', () => ({ readonlyRootFilesystem: true, enableExecuteCommand: true }), 'readonlyRootFilesystem', /is true, but the agent of ECS Exec .*; leave one of the two out/],
  ['an own image with a read-only root and ECS Exec', () => ({ image: OWN_IMAGE, readonlyRootFilesystem: true, enableExecuteCommand: true }), 'readonlyRootFilesystem', /ECS Exec/],
  ['a stop time-out as a token', () => ({ stopTimeout: Duration.millis(Lazy.number({ produce: () => 30_000 })) }), 'stopTimeout', /is a token, but the times of the shutdown/],
  // environment and secrets
  ['a variable whose name starts with a digit', () => ({ environment: { '1ST': 'x' } }), 'environment', /is "1ST", but the name of an environment variable/],
  ['a variable without a name', () => ({ environment: { '': 'x' } }), 'environment', /is "", but the name/],
  ['a variable with = in its name', () => ({ environment: { 'A=B': 'x' } }), 'environment', /is "A=B", but the name/],
  ['another PORT', () => ({ environment: { PORT: '3000' } }), 'environment.PORT', /is "3000", but the construct sets it to 8080; set containerPort instead/],
  ['a time of the shutdown', () => ({ environment: { SHUTDOWN_DELAY_MS: '0' } }), 'environment.SHUTDOWN_DELAY_MS', /is "0", but the construct sets it to 10000/],
  ['PORT as a secret', (stack) => ({ secrets: { PORT: secretOf(stack) } }), 'secrets.PORT', /is a secret, but the construct sets it to 8080/],
  ['a secret with a bad name', (stack) => ({ secrets: { 'A B': secretOf(stack) } }), 'secrets', /is "A B", but the name/],
  ['a secret whose name environment has', (stack) => ({ environment: { KEY: 'x' }, secrets: { KEY: secretOf(stack) } }), 'secrets.KEY', /environment has that name too; keep one/],
  // health check
  ['a health path without a slash', () => ({ healthCheck: { path: 'health' } }), 'healthCheck.path', /is "health", but a path starts with \//],
  ['a health path that the example app has not', () => ({ healthCheck: { path: '/ready?full' } }), 'healthCheck.path', /is "\/ready\?full", but the example app answers \/health, \/, .*; leave it out, or give your own image/],
  ['an empty health path', () => ({ healthCheck: { path: '' } }), 'healthCheck.path', /is "", but a path starts with \//],
  ['a health path with a space', () => ({ healthCheck: { path: '/a b' } }), 'healthCheck.path', /is "\/a b", but a path/],
  ['a health path beyond 1024 characters', () => ({ healthCheck: { path: `/${'x'.repeat(1024)}` } }), 'healthCheck.path', /at most 1024/],
  ['an interval below 5 s', () => ({ healthCheck: { interval: seconds(4), timeout: seconds(2) } }), 'healthCheck.interval', /is 4 seconds, but .* from 5 to 300/],
  ['an interval above 300 s', () => ({ healthCheck: { interval: seconds(301) } }), 'healthCheck.interval', /is 301 seconds, but .* from 5 to 300/],
  ['a time-out below 2 s', () => ({ healthCheck: { timeout: seconds(1) } }), 'healthCheck.timeout', /is 1 seconds, but .* from 2 to 120/],
  ['a time-out as long as the interval', () => ({ healthCheck: { interval: seconds(10), timeout: seconds(10) } }), 'healthCheck.timeout', /is 10 seconds, but it must be below healthCheck\.interval, which is 10 seconds/],
  ['an interval as short as the default time-out', () => ({ healthCheck: { interval: seconds(5) } }), 'healthCheck.timeout', /is 5 seconds, but it must be below/],
  ['a threshold of 1', () => ({ healthCheck: { healthyThresholdCount: 1 } }), 'healthCheck.healthyThresholdCount', /is 1, but a threshold is a whole number from 2 to 10/],
  ['a threshold of 11', () => ({ healthCheck: { unhealthyThresholdCount: 11 } }), 'healthCheck.unhealthyThresholdCount', /is 11, but a threshold/],
  ['codes that are no codes', () => ({ healthCheck: { healthyHttpCodes: 'OK' } }), 'healthCheck.healthyHttpCodes', /is "OK", but it lists codes/],
  ['a code that a load balancer does not take for healthy', () => ({ healthCheck: { healthyHttpCodes: '200,503' } }), 'healthCheck.healthyHttpCodes', /from 200 to 499/],
  ['a grace period in fractions', () => ({ healthCheck: { gracePeriod: Duration.millis(500) } }), 'healthCheck.gracePeriod', /is 0\.5 seconds, but/],
  // count
  ['a negative count', () => ({ desiredCount: -1 }), 'desiredCount', /is -1, but the number of tasks in a service is a whole number from 0 to 5000/],
  ['half a task', () => ({ desiredCount: 1.5 }), 'desiredCount', /is 1\.5, but/],
  ['more tasks than ECS has for a service', () => ({ desiredCount: 5001 }), 'desiredCount', /is 5001, but/],
  // network
  ['subnets without a VPC', () => ({ vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC } }), 'vpcSubnets', /is "Public", but it would be ignored, as the VPC is made here/],
  ['a VPC with public subnets in one zone', (stack) => ({ vpc: vpcOf(stack, ['us-east-1a']) }), 'vpc', /needs public subnets in two zones for its load balancer, and it has 1 public, 0 private and 0 isolated/],
  ['a VPC without public subnets', (stack) => ({
    vpc: ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-1', availabilityZones: ['a', 'b'], privateSubnetIds: ['subnet-1', 'subnet-2'] }),
  }), 'vpc', /it has 0 public, 2 private and 0 isolated/],
  ['subnets that the VPC does not have', (stack) => ({ vpc: vpcOf(stack, ['a', 'b']), vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS } }), 'vpcSubnets', /is "Private", but the VPC Stack\/Vpc cannot select them/],
  ['a selection of no subnets', (stack) => ({ vpc: vpcOf(stack, ['a', 'b']), vpcSubnets: { subnets: [] } }), 'vpcSubnets', /selects no subnet/],
  ['a cluster in another VPC', (stack) => ({
    vpc: vpcOf(stack, ['a', 'b']),
    cluster: ecs.Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'theirs', vpc: vpcOf(stack, ['a', 'b'], 'Other') }),
  }), 'vpc', /is "Stack\/Vpc", but the cluster Stack\/Cluster stands in another VPC; give the cluster alone/],
  ['a cluster that was imported without its VPC', (stack) => ({
    cluster: ecs.Cluster.fromClusterArn(stack, 'Cluster', 'arn:aws:ecs:us-east-1:123456789012:cluster/theirs'),
  }), 'cluster', /imported without its VPC; import it with ecs\.Cluster\.fromClusterAttributes/],
];

test.each(BAD)('fails with %s, before a resource exists', (_what, props, prop, message) => {
  // GIVEN
  const stack = newStack();
  const given = props(stack);
  const before = stack.node.findAll().filter(CfnResource.isCfnResource).length;

  // WHEN
  let error = new Error('nothing was refused');
  try {
    new HelloFargateService(stack, 'Hello', given);
  } catch (caught) {
    error = caught as Error;
  }

  // THEN: construct path: prop is value, but rule; fix
  expect(error.message).toMatch(message);
  expect(error.message.split('\n')).toHaveLength(1);
  expect(error.message.startsWith(`Stack/Hello: ${prop} is `)).toBe(true);
  expect(error.message).toMatch(/, but .+; .+[^.]$/);
  expect(stack.node.findAll().filter(CfnResource.isCfnResource)).toHaveLength(before);
});

test('fails with all that is wrong at once, a line each', () => {
  expect(() => templateOf({ cpu: 300, containerPort: 0, desiredCount: -1 }))
    .toThrow(/^Stack\/Hello: containerPort .*\n?/m);
  expect(() => templateOf({ cpu: 300, containerPort: 0, desiredCount: -1 }))
    .toThrow(/cpu is 300[^\n]*\n[^\n]*containerPort is 0[^\n]*\n[^\n]*desiredCount is -1[^\n]*$/);
});

test('fails with a Docker image asset for another platform, once it is bound', () => {
  const stack = newStack();
  const asset = new assets.DockerImageAsset(stack, 'Asset', { directory: IMAGE_DIRECTORY, platform: assets.Platform.LINUX_AMD64 });

  expect(() => new HelloFargateService(stack, 'Hello', { image: ecs.ContainerImage.fromDockerImageAsset(asset) }))
    .toThrow(/^Stack\/Hello: image is an asset for linux\/amd64, but the tasks run on linux\/arm64/);
});

test('lets tokens through, as their values are not known yet', () => {
  const text = (value: string) => Lazy.string({ produce: () => value });
  const number = (value: number) => Lazy.number({ produce: () => value });
  const duration = (value: number) => Duration.seconds(number(value));

  expect(() => templateOf({
    image: OWN_IMAGE,
    cpu: number(256),
    memoryLimitMiB: number(512),
    containerPort: number(8080),
    desiredCount: number(2),
    environment: { PORT: text('8080'), OTHER: text('x') },
    healthCheck: {
      path: text('/health'),
      gracePeriod: duration(60),
      healthyHttpCodes: text('200'),
      healthyThresholdCount: number(2),
      unhealthyThresholdCount: number(2),
    },
  })).not.toThrow();
});
