import * as fs from 'node:fs';
import * as path from 'node:path';
import { CfnResource, Duration, Fn, Lazy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as assets from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as ts from 'typescript';
import {
  Alarms, Capacity, HelloFargateService, HelloFargateServiceProps, Ingress, Preset, ServiceImage,
} from '../src';
import { importedVpc } from './support/fixtures';
import { newStack, templateOf } from './support/synth';

const IMAGE_DIRECTORY = path.join(__dirname, 'support', 'fixtures', 'image');
const OWN_IMAGE = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');
const CLUSTER_ARN = 'arn:aws:ecs:us-east-1:123456789012:cluster/existing';
const { X86_64 } = ecs.CpuArchitecture;
const { LINUX_AMD64, LINUX_ARM64 } = assets.Platform;

const seconds = (value: number) => Duration.seconds(value);
const tokenOf = (value: number) => Lazy.number({ produce: () => value });
const assetFor = (platform?: assets.Platform) => ecs.ContainerImage.fromAsset(IMAGE_DIRECTORY, { platform });
const secretOf = (stack: Stack, id = 'Secret') =>
  ecs.Secret.fromSecretsManager(secretsmanager.Secret.fromSecretNameV2(stack, id, id));
const topicsOf = (stack: Stack, count: number) =>
  Array.from({ length: count }, (_, i) => new sns.Topic(stack, `Topic${i}`));
const vpcOf = (stack: Stack, zones: string[], id = 'Vpc') => ec2.Vpc.fromVpcAttributes(stack, id, {
  vpcId: `vpc-${id}`,
  availabilityZones: zones,
  publicSubnetIds: zones.map((zone) => `subnet-${zone}`),
});
const privateVpcOf = (stack: Stack) => importedVpc(stack, { withPublicSubnets: false, withPrivateSubnets: true });
const clusterOf = (stack: Stack, vpc: ec2.IVpc) =>
  ecs.Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'existing', vpc });

type Props = HelloFargateServiceProps | ((stack: Stack) => HelloFargateServiceProps);
type Invalid = [what: string, props: Props, prop: string, message: RegExp];

const SIZE: Invalid[] = [
  ['a CPU size that Fargate does not support', { cpu: 300 },
    'cpu', /is 300, but Fargate supports 256, 512, .*; set one of them/],
  ['a fractional CPU size', { cpu: 256.5 }, 'cpu', /is 256\.5, but Fargate supports/],
  ['a CPU size of 0', { cpu: 0 }, 'cpu', /is 0, but Fargate supports/],
  ['a CPU size of NaN', { cpu: NaN }, 'cpu', /is NaN, but Fargate supports/],
  ['memory that no CPU size supports', { memoryLimitMiB: 1536 },
    'memoryLimitMiB', /is 1536, but with cpu 256 Fargate supports 512, 1024, 2048 MiB; set one of these$/],
  ['memory that another CPU size supports', { memoryLimitMiB: 4096 },
    'memoryLimitMiB', /is 4096, .*; set one of these, or cpu to 512 or 1024 or 2048$/],
  ['memory below the minimum of the CPU size', { cpu: 1024, memoryLimitMiB: 512 },
    'memoryLimitMiB', /with cpu 1024 Fargate supports 2048 to 8192 in steps of 1024 MiB; .* cpu to 256$/],
  ['negative memory', { memoryLimitMiB: -512 }, 'memoryLimitMiB', /is -512, but/],
  ['a token as CPU size without memory', { cpu: tokenOf(256) }, 'cpu', /is a token, .*; set memoryLimitMiB too$/],
  ['an architecture that Fargate does not support', { architecture: ecs.CpuArchitecture.of('RISCV') },
    'architecture', /is "RISCV", but Fargate has ARM64 and X86_64/],
];

const IMAGE: Invalid[] = [
  ['a directory that does not exist', { image: ServiceImage.fromDirectory('/not/there') },
    'image', /is "\/not\/there", but there is no file \/not\/there\/Dockerfile/],
  ['a Dockerfile that does not exist', { image: ServiceImage.fromDirectory(IMAGE_DIRECTORY, { file: 'Other' }) },
    'image', /there is no file .*Other/],
  ['an asset for another platform', { image: assetFor(LINUX_AMD64) },
    'image', /an asset for linux\/amd64, but the tasks run on linux\/arm64 .*exec format error.*; use ServiceImage/],
  ['an asset without a platform', { image: assetFor() }, 'image', /an asset without a platform/],
  ['an asset for ARM64 on X86_64', { architecture: X86_64, image: assetFor(LINUX_ARM64) },
    'image', /an asset for linux\/arm64, but the tasks run on linux\/amd64/],
];

const CONTAINER: Invalid[] = [
  ['port 0', { containerPort: 0 }, 'containerPort', /is 0, but a port is a whole number from 1 to 65535/],
  ['a port above 65535', { containerPort: 65536 }, 'containerPort', /is 65536, but a port/],
  ['a fractional port', { containerPort: 80.5 }, 'containerPort', /is 80\.5, but a port/],
  ['a privileged port for the example app', { containerPort: 80 },
    'containerPort', /is 80, but the example app does not run as root.*; set 1024 or more/],
  ['another user for the example app', { user: '0' },
    'user', /is "0", but \/tmp of the example app belongs to 1000:1000/],
  ['an empty user', { user: '', image: OWN_IMAGE }, 'user', /is "", but an empty value would be ignored/],
  ['an empty command', { command: [] }, 'command', /is \[\], but an empty value would be ignored; leave it out/],
  ['an empty entry point', { entryPoint: [] }, 'entryPoint', /is \[\], but an empty value would be ignored/],
  ['a read-only root filesystem with ECS Exec', { readonlyRootFilesystem: true, enableExecuteCommand: true },
    'readonlyRootFilesystem', /is true, but the agent of ECS Exec .*; leave one of the two out/],
  ['a read-only root filesystem of an own image with ECS Exec',
    { image: OWN_IMAGE, readonlyRootFilesystem: true, enableExecuteCommand: true },
    'readonlyRootFilesystem', /ECS Exec/],
];

const SHUTDOWN: Invalid[] = [
  ['a stop timeout that is too short', { stopTimeout: seconds(19) },
    'stopTimeout', /is 19 seconds, but the app must serve for 10 s .* load balancer has .*; set 20 to 120 seconds$/],
  ['a stop timeout above the limit of Fargate', { stopTimeout: seconds(121) },
    'stopTimeout', /is 121 seconds, but .* from 1 to 120/],
  ['a stop timeout in fractions of a second', { stopTimeout: Duration.millis(30_500) },
    'stopTimeout', /is 30\.5 seconds, but .* whole number/],
  ['a token as stop timeout', { stopTimeout: Duration.seconds(tokenOf(30)) },
    'stopTimeout', /is a token, but the times of the shutdown/],
  ['a token in milliseconds as stop timeout', { stopTimeout: Duration.millis(tokenOf(30_000)) },
    'stopTimeout', /is a token, but the times of the shutdown/],
  ['a stop timeout that is too short for Spot', { capacity: Capacity.spot(), stopTimeout: seconds(39) },
    'stopTimeout', /is 39 seconds, but the app must serve for 30 s .* failed health checks have .*; lower interval/],
  ['a health check that is too slow for Spot', { capacity: Capacity.spot(), healthCheck: { interval: seconds(40) } },
    'healthCheck', /is too slow for Spot, with a stopTimeout of 125 seconds, but Fargate gives a task 120 s/],
  ['tokens in the health check on Spot',
    { capacity: Capacity.spot(), healthCheck: { unhealthyThresholdCount: tokenOf(2) } }, 'healthCheck', /is a token/],
];

const CAPACITY: Invalid[] = [
  ['a negative On-Demand base', { capacity: Capacity.spot({ onDemandBase: -1 }) },
    'capacity.onDemandBase', /is -1, but the number of On-Demand tasks is a whole number from 0 to 100000/],
  ['a fractional On-Demand base', { capacity: Capacity.spot({ onDemandBase: 0.5 }) },
    'capacity.onDemandBase', /is 0\.5, but/],
  ['an On-Demand base that leaves no task to Spot', { capacity: Capacity.spot({ onDemandBase: 2 }) },
    'capacity.onDemandBase', /is 2, but the service has at most 2 tasks, so none would use Spot; lower/],
  ['a single task on Spot with the default On-Demand base', { capacity: Capacity.spot(), desiredCount: 1 },
    'capacity.onDemandBase', /is 1, but the service has at most 1 tasks/],
  ['a negative desired count', { desiredCount: -1 },
    'desiredCount', /is -1, but the number of tasks in a service is a whole number from 0 to 5000/],
  ['a fractional desired count', { desiredCount: 1.5 }, 'desiredCount', /is 1\.5, but/],
  ['a desired count above the limit of ECS', { desiredCount: 5001 }, 'desiredCount', /is 5001, but/],
];

const ENVIRONMENT: Invalid[] = [
  ['a variable name that starts with a digit', { environment: { '1ST': 'x' } },
    'environment', /is "1ST", but the name of an environment variable/],
  ['an empty variable name', { environment: { '': 'x' } }, 'environment', /is "", but the name/],
  ['a variable name with =', { environment: { 'A=B': 'x' } }, 'environment', /is "A=B", but the name/],
  ['another value for PORT', { environment: { PORT: '3000' } },
    'environment.PORT', /is "3000", but the construct sets it to 8080; set containerPort instead/],
  ['another value for a time of the shutdown', { environment: { SHUTDOWN_DELAY_MS: '0' } },
    'environment.SHUTDOWN_DELAY_MS', /is "0", but the construct sets it to 10000/],
  ['a secret for PORT', (stack) => ({ secrets: { PORT: secretOf(stack) } }),
    'secrets.PORT', /is a secret, but the construct sets it to 8080/],
  ['a secret with an invalid name', (stack) => ({ secrets: { 'A B': secretOf(stack) } }),
    'secrets', /is "A B", but the name/],
  ['a secret with the name of a variable',
    (stack) => ({ environment: { KEY: 'x' }, secrets: { KEY: secretOf(stack) } }),
    'secrets.KEY', /environment has that name too; keep one/],
];

const HEALTH_CHECK: Invalid[] = [
  ['a health check path without a slash', { healthCheck: { path: 'health' } },
    'healthCheck.path', /is "health", but a path starts with \//],
  ['a health check path that the example app does not have', { healthCheck: { path: '/ready?full' } },
    'healthCheck.path', /is "\/ready\?full", but the example app responds only to \/health, \/, .*; leave it out/],
  ['an empty health check path', { healthCheck: { path: '' } }, 'healthCheck.path', /is "", but a path starts with \//],
  ['a health check path with a space', { healthCheck: { path: '/a b' } }, 'healthCheck.path', /is "\/a b", but a path/],
  ['a health check path above 1024 characters', { healthCheck: { path: `/${'x'.repeat(1024)}` } },
    'healthCheck.path', /at most 1024/],
  ['an interval below 5 s', { healthCheck: { interval: seconds(4), timeout: seconds(2) } },
    'healthCheck.interval', /is 4 seconds, but .* from 5 to 300/],
  ['an interval above 300 s', { healthCheck: { interval: seconds(301) } },
    'healthCheck.interval', /is 301 seconds, but .* from 5 to 300/],
  ['a timeout below 2 s', { healthCheck: { timeout: seconds(1) } },
    'healthCheck.timeout', /is 1 seconds, but .* from 2 to 120/],
  ['a timeout equal to the interval', { healthCheck: { interval: seconds(10), timeout: seconds(10) } },
    'healthCheck.timeout', /is 10 seconds, but it must be less than healthCheck\.interval, which is 10 seconds/],
  ['an interval equal to the default timeout', { healthCheck: { interval: seconds(5) } },
    'healthCheck.timeout', /is 5 seconds, but it must be less than/],
  ['a threshold of 1', { healthCheck: { healthyThresholdCount: 1 } },
    'healthCheck.healthyThresholdCount', /is 1, but a threshold is a whole number from 2 to 10/],
  ['a threshold of 11', { healthCheck: { unhealthyThresholdCount: 11 } },
    'healthCheck.unhealthyThresholdCount', /is 11, but a threshold/],
  ['healthy codes that are not status codes', { healthCheck: { healthyHttpCodes: 'OK' } },
    'healthCheck.healthyHttpCodes', /is "OK", but it must list codes/],
  ['a healthy code that load balancers do not support', { healthCheck: { healthyHttpCodes: '200,503' } },
    'healthCheck.healthyHttpCodes', /from 200 to 499/],
  ['a grace period in fractions of a second', { healthCheck: { gracePeriod: Duration.millis(500) } },
    'healthCheck.gracePeriod', /is 0\.5 seconds, but/],
];

const NETWORK: Invalid[] = [
  ['subnets without a VPC', { vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC } },
    'vpcSubnets', /is "Public", but it would be ignored, because the construct creates the VPC/],
  ['a VPC with public subnets in one Availability Zone', (stack) => ({ vpc: vpcOf(stack, ['us-east-1a']) }),
    'vpc', /needs public subnets in two Availability Zones .* and it has 1 public, 0 private and 0 isolated/],
  ['a VPC without public subnets', (stack) => ({ vpc: privateVpcOf(stack) }),
    'vpc', /it has 0 public, 2 private and 0 isolated/],
  ['subnets that the VPC does not have',
    (stack) => ({ vpc: vpcOf(stack, ['a', 'b']), vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS } }),
    'vpcSubnets', /is "Private", but the VPC Stack\/Vpc cannot select them/],
  ['an empty selection of subnets', (stack) => ({ vpc: vpcOf(stack, ['a', 'b']), vpcSubnets: { subnets: [] } }),
    'vpcSubnets', /selects no subnet/],
  ['a cluster in another VPC',
    (stack) => ({ vpc: vpcOf(stack, ['a', 'b']), cluster: clusterOf(stack, vpcOf(stack, ['a', 'b'], 'Other')) }),
    'vpc', /is "Stack\/Vpc", but the cluster Stack\/Cluster is in another VPC; pass only the cluster/],
  ['a cluster that was imported without its VPC',
    (stack) => ({ cluster: ecs.Cluster.fromClusterArn(stack, 'Cluster', CLUSTER_ARN) }),
    'cluster', /imported without its VPC; import it with ecs\.Cluster\.fromClusterAttributes/],
];

const LIMITS: Invalid[] = [
  ['all addresses by another name', {
    ingress: Ingress.http({ internetFacing: false, allowFrom: [ec2.Peer.ipv4('1.2.3.4/0')] }),
  }, 'ingress.allowFrom', /is "1\.2\.3\.4\/0", but an internal load balancer must not be open/],
  ['one public subnet in a zone that is a token', (stack) => ({ vpc: vpcOf(stack, [Fn.select(0, Fn.getAzs())]) }),
    'vpc', /needs public subnets in two Availability Zones .* 1 public/],
  ['a text of 239 characters for forceNewDeployment', { forceNewDeployment: 'x'.repeat(239) },
    'forceNewDeployment', /is 239 characters long, but it has at most 238/],
  ['200 secrets', (stack) => {
    const ids = Array.from({ length: 200 }, (_, i) => `S${i}`);
    return { secrets: Object.fromEntries(ids.map((id) => [id, secretOf(stack, id)])) };
  }, 'secrets', /is 200 secrets, but the policies of the execution role have room for 147/],
  ['six topics', (stack) => ({ alarms: Alarms.recommended({ topics: topicsOf(stack, 6) }) }),
    'alarms.topics', /is 6 topics, but an alarm has at most 5 actions/],
  ['five topics and emails',
    (stack) => ({ alarms: Alarms.recommended({ topics: topicsOf(stack, 5), emails: ['a@example.com'] }) }),
    'alarms.topics', /is 5 topics, .* one of which is the topic of emails/],
  ['a range of codes that is reversed', { healthCheck: { healthyHttpCodes: '300-200' } },
    'healthCheck.healthyHttpCodes', /is "300-200"/],
  ['a container health check that is too rare',
    { image: OWN_IMAGE, containerHealthCheck: { command: ['true'], interval: seconds(301) } },
    'containerHealthCheck.interval', /is 301 seconds, .* from 5 to 300/],
  ['a duration that CDK cannot convert', { stopTimeout: Duration.days(Infinity) },
    'stopTimeout', /is Infinity seconds/],
  ['a preset that is none', { preset: {} as Preset }, 'preset', /is \{\}, but it must be a Preset; set preset/],
  ['an image that is none', { image: {} as ecs.ContainerImage }, 'image', /is \{\}, but it must be an ecs\./],
];

test.each([
  ...LIMITS, ...SIZE, ...IMAGE, ...CONTAINER, ...SHUTDOWN, ...CAPACITY, ...ENVIRONMENT, ...HEALTH_CHECK, ...NETWORK,
])('fails with %s, before any resource is created', (_what, props, prop, message) => {
  // GIVEN
  const stack = newStack();
  const given = typeof props === 'function' ? props(stack) : props;
  const before = stack.node.findAll().filter(CfnResource.isCfnResource).length;

  // WHEN
  let error = new Error('no error');
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

test('reports all errors at once, one per line', () => {
  expect(() => templateOf({ cpu: 300, containerPort: 0, desiredCount: -1 }))
    .toThrow(/^Stack\/Hello: containerPort .*\n?/m);
  expect(() => templateOf({ cpu: 300, containerPort: 0, desiredCount: -1 }))
    .toThrow(/cpu is 300[^\n]*\n[^\n]*containerPort is 0[^\n]*\n[^\n]*desiredCount is -1[^\n]*$/);
});

test('fails with a Docker image asset for another platform, after it is bound', () => {
  const stack = newStack();
  const asset = new assets.DockerImageAsset(stack, 'Asset', { directory: IMAGE_DIRECTORY, platform: LINUX_AMD64 });

  expect(() => new HelloFargateService(stack, 'Hello', { image: ecs.ContainerImage.fromDockerImageAsset(asset) }))
    .toThrow(/^Stack\/Hello: image is an asset for linux\/amd64, but the tasks run on linux\/arm64/);
});

test('accepts tokens, whose values are known only during deployment', () => {
  const text = (value: string) => Lazy.string({ produce: () => value });

  expect(() => templateOf({
    image: OWN_IMAGE,
    cpu: tokenOf(256),
    memoryLimitMiB: tokenOf(512),
    containerPort: tokenOf(8080),
    desiredCount: tokenOf(2),
    environment: { PORT: text('8080'), OTHER: text('x') },
    healthCheck: {
      path: text('/health'),
      gracePeriod: Duration.seconds(tokenOf(60)),
      healthyHttpCodes: text('200'),
      healthyThresholdCount: tokenOf(2),
      unhealthyThresholdCount: tokenOf(2),
    },
  })).not.toThrow();
});

test('accepts a variable that is called like a property of every object', () => {
  expect(() => templateOf({ environment: { constructor: 'x' } })).not.toThrow();
});

/** All texts in the calls of `refuse`: the value, the rule and the fix. */
function textsOfErrors(): string[] {
  const sources = path.join(__dirname, '..', 'src');
  const files = fs.readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('rehearsal'));
  const texts: string[] = [];
  for (const file of files) {
    const text = fs.readFileSync(path.join(sources, file), 'utf8');
    const visit = (node: ts.Node, isError: boolean): void => {
      const isRefusal = ts.isCallExpression(node) && /(^|\.)refuse$/.test(node.expression.getText());
      if (isError && (ts.isStringLiteral(node) || ts.isTemplateLiteralToken(node))) { texts.push(node.text); }
      node.forEachChild((child) => visit(child, isError || isRefusal));
    };
    visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true), false);
  }
  return texts;
}

test('errors name props and values without the syntax of a language', () => {
  const texts = textsOfErrors();
  const syntax = /\(\)|[{}]|\[…\]|=>|\bnew [A-Z]\w+\(|\w: (true|false|\[|[A-Za-z]\w*\.\w)/;

  expect(texts.length).toBeGreaterThan(300);
  expect(texts.filter((text) => syntax.test(text))).toEqual([]);
});
