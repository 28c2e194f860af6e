import * as path from 'path';
import { App, Stack } from 'aws-cdk-lib';
import * as assets from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { HelloFargateService, HelloFargateServiceProps, ServiceImage } from '../../src/index';
import { newStack, readJson } from '../support/synth';

const IMAGE_DIRECTORY = path.join(__dirname, '..', 'support', 'fixtures', 'image');

/** What CDK is told to build: the sources of the image assets of a stack. */
function imagesOf(stack: Stack): { [name: string]: unknown }[] {
  const assembly = (stack.node.root as App).synth();
  const { dockerImages } = readJson(path.join(assembly.directory, `${stack.artifactId}.assets.json`));
  return Object.values<{ source: { [name: string]: unknown } }>(dockerImages).map((image) => image.source);
}

function imagesWith(props: HelloFargateServiceProps) {
  const stack = newStack();
  new HelloFargateService(stack, 'Hello', props);
  return imagesOf(stack);
}

test.each([
  [ecs.CpuArchitecture.ARM64, 'linux/arm64'],
  [ecs.CpuArchitecture.X86_64, 'linux/amd64'],
])('the example app is built for the architecture of the tasks', (architecture, platform) => {
  expect(imagesWith({ architecture })).toEqual([expect.objectContaining({ platform })]);
});

test.each([
  [undefined, 'linux/arm64'],
  [ecs.CpuArchitecture.X86_64, 'linux/amd64'],
])('a directory is built for the architecture of the tasks', (architecture, platform) => {
  expect(imagesWith({ architecture, image: ServiceImage.fromDirectory(IMAGE_DIRECTORY) })).toEqual([expect.objectContaining({ platform })]);
});

test('a directory is built as told', () => {
  const image = ServiceImage.fromDirectory(IMAGE_DIRECTORY, { file: 'Dockerfile', buildArgs: { COMMIT: '4f2a9c1' }, target: 'slim' });

  expect(imagesWith({ image })).toEqual([
    expect.objectContaining({ dockerFile: 'Dockerfile', dockerBuildArgs: { COMMIT: '4f2a9c1' }, dockerBuildTarget: 'slim' }),
  ]);
});

test('the task may pull the image that was built', () => {
  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello');

  expect(JSON.stringify(stack.resolve(hello.container.imageName))).toContain('.dkr.ecr.');
});

test.each([
  ['linux/arm64', undefined],
  ['linux/arm64/v8', undefined],
  ['linux/amd64', ecs.CpuArchitecture.X86_64],
])('an asset for %s is taken where the tasks run on it', (platform, architecture) => {
  const image = () => ecs.ContainerImage.fromAsset(IMAGE_DIRECTORY, { platform: assets.Platform.custom(platform) });
  const stack = newStack();
  const asset = new assets.DockerImageAsset(stack, 'Asset', { directory: IMAGE_DIRECTORY, platform: assets.Platform.custom(platform) });

  expect(() => new HelloFargateService(stack, 'A', { architecture, image: image() })).not.toThrow();
  expect(() => new HelloFargateService(stack, 'B', { architecture, image: ecs.ContainerImage.fromDockerImageAsset(asset) })).not.toThrow();
});

test('an image of a registry is taken as it is', () => {
  expect(imagesWith({ image: ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29') })).toEqual([]);
});
