import * as path from 'node:path';
import { NestedStack, Stack } from 'aws-cdk-lib';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { HelloFargateService, ServiceImage, SidecarOptions } from '../../src/index';
import { newStack } from '../support/synth';

const IMAGE_DIRECTORY = path.join(__dirname, '..', 'support', 'fixtures', 'image');
const REGISTRY_IMAGE = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');
const { LINUX_AMD64, LINUX_ARM64 } = Platform;

const secretsOf = (stack: Stack, name: string) => ({
  [name]: ecs.Secret.fromSecretsManager(secretsmanager.Secret.fromSecretNameV2(stack, 'Secret', 'existing')),
});
const dockerAsset = (scope: Stack, platform?: Platform) => ecs.ContainerImage.fromDockerImageAsset(
  new DockerImageAsset(scope, 'Asset', { directory: IMAGE_DIRECTORY, platform }));
const nested = (stack: Stack) => new NestedStack(new NestedStack(stack, 'Outer'), 'Nested');

type Options = (stack: Stack) => Partial<SidecarOptions>;

/** Options that `addSidecar` has in common with the props of the service, with values that no container can have. */
const INVALID: Record<string, [prop: string, options: Options]> = {
  'an asset for another platform': ['image', () =>
    ({ image: ecs.ContainerImage.fromAsset(IMAGE_DIRECTORY, { platform: LINUX_AMD64 }) })],
  'an asset without a platform': ['image', () => ({ image: ecs.ContainerImage.fromAsset(IMAGE_DIRECTORY) })],
  'a Docker image asset for another platform': ['image', (stack) => ({ image: dockerAsset(stack, LINUX_AMD64) })],
  'a Docker image asset in a nested stack': ['image', (stack) =>
    ({ image: dockerAsset(new NestedStack(stack, 'Nested'), LINUX_AMD64) })],
  'a Docker image asset without a platform in two nested stacks': ['image', (stack) =>
    ({ image: dockerAsset(nested(stack)) })],
  'a directory that does not exist': ['image', () => ({ image: ServiceImage.fromDirectory('/nowhere') })],
  'a variable name that is none': ['environment', () => ({ environment: { '1=': 'x' } })],
  'a secret with such a name': ['secrets', (stack) => ({ secrets: secretsOf(stack, 'a b') })],
  'a secret and a variable of one name': ['secrets.A', (stack) =>
    ({ secrets: secretsOf(stack, 'A'), environment: { A: '1' } })],
  'an empty command': ['command', () => ({ command: [] })],
  'an empty user': ['user', () => ({ user: '' })],
  'CPU units of 0.5': ['cpu', () => ({ cpu: 0.5 })],
  'negative CPU units': ['cpu', () => ({ cpu: -1 })],
  'more CPU units than the largest task has': ['cpu', () => ({ cpu: 16385 })],
};

describe.each(Object.entries(INVALID))('%s', (_what, [prop, options]) => {
  test('fails for the service', () => {
    const stack = newStack();

    expect(() => new HelloFargateService(stack, 'Hello', { image: REGISTRY_IMAGE, ...options(stack) }))
      .toThrow(`Stack/Hello: ${prop} is `);
  });

  test('fails for a sidecar', () => {
    const stack = newStack();
    const hello = new HelloFargateService(stack, 'Hello');

    expect(() => hello.addSidecar('agent', { image: REGISTRY_IMAGE, ...options(stack) }))
      .toThrow(`Stack/Hello: addSidecar.${prop} is `);
  });
});

test.each<[string, Options]>([
  ['an asset for the platform of the tasks', () =>
    ({ image: ecs.ContainerImage.fromAsset(IMAGE_DIRECTORY, { platform: LINUX_ARM64 }) })],
  ['a Docker image asset for it in a nested stack', (stack) => ({ image: dockerAsset(nested(stack), LINUX_ARM64) })],
  ['a directory', () => ({ image: ServiceImage.fromDirectory(IMAGE_DIRECTORY) })],
  ['all CPU units of the task', () => ({ cpu: 256 })],
])('a sidecar can have %s', (_what, options) => {
  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello');

  expect(() => hello.addSidecar('agent', { image: REGISTRY_IMAGE, ...options(stack) })).not.toThrow();
});

test('fails if two sidecars reserve more CPU units than the task has', () => {
  const hello = new HelloFargateService(newStack(), 'Hello');
  hello.addSidecar('one', { image: REGISTRY_IMAGE, cpu: 200 });

  expect(() => hello.addSidecar('two', { image: REGISTRY_IMAGE, cpu: 100 }))
    .toThrow(/addSidecar\.cpu is 100, but the CPU units .* a whole number from 0 to 56; set/);
});
