import * as path from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import * as assets from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { HelloFargateService, HelloFargateServiceProps, ServiceImage } from '../../src/index';
import { newStack, readJson } from '../support/synth';

const IMAGE_DIRECTORY = path.join(__dirname, '..', 'support', 'fixtures', 'image');
const { ARM64, X86_64 } = ecs.CpuArchitecture;

/** The sources of the image assets of a stack, as CDK builds them. */
function imageSourcesOf(stack: Stack): Record<string, unknown>[] {
  const assembly = (stack.node.root as App).synth();
  const { dockerImages } = readJson(path.join(assembly.directory, `${stack.artifactId}.assets.json`));
  return Object.values<{ source: Record<string, unknown> }>(dockerImages).map((image) => image.source);
}

function imageSourcesWith(props: HelloFargateServiceProps) {
  const stack = newStack();
  new HelloFargateService(stack, 'Hello', props);
  return imageSourcesOf(stack);
}

test.each([
  [ARM64, 'linux/arm64'],
  [X86_64, 'linux/amd64'],
])('builds the example app for the architecture of the tasks', (architecture, platform) => {
  expect(imageSourcesWith({ architecture })).toEqual([expect.objectContaining({ platform })]);
});

test.each([
  [undefined, 'linux/arm64'],
  [X86_64, 'linux/amd64'],
])('builds a directory for the architecture of the tasks', (architecture, platform) => {
  const image = ServiceImage.fromDirectory(IMAGE_DIRECTORY);

  expect(imageSourcesWith({ architecture, image })).toEqual([expect.objectContaining({ platform })]);
});

test('builds a directory with the given Dockerfile, build arguments and stage', () => {
  const image = ServiceImage.fromDirectory(IMAGE_DIRECTORY, {
    file: 'Dockerfile',
    buildArgs: { COMMIT: '4f2a9c1' },
    target: 'slim',
  });

  expect(imageSourcesWith({ image })).toEqual([
    expect.objectContaining({
      dockerFile: 'Dockerfile',
      dockerBuildArgs: { COMMIT: '4f2a9c1' },
      dockerBuildTarget: 'slim',
    }),
  ]);
});

test('uses the image in the ECR repository of the bootstrap stack', () => {
  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello');

  expect(JSON.stringify(stack.resolve(hello.container.imageName))).toContain('.dkr.ecr.');
});

test.each([
  ['linux/arm64', undefined],
  ['linux/arm64/v8', undefined],
  ['linux/amd64', X86_64],
])('accepts an asset for %s if the tasks run on it', (name, architecture) => {
  const platform = assets.Platform.custom(name);
  const stack = newStack();
  const asset = new assets.DockerImageAsset(stack, 'Asset', { directory: IMAGE_DIRECTORY, platform });
  const images = [
    ecs.ContainerImage.fromAsset(IMAGE_DIRECTORY, { platform }),
    ecs.ContainerImage.fromDockerImageAsset(asset),
  ];

  images.forEach((image, i) => {
    expect(() => new HelloFargateService(stack, `Hello${i}`, { architecture, image })).not.toThrow();
  });
});

test('does not build an image from a registry', () => {
  const image = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');

  expect(imageSourcesWith({ image })).toEqual([]);
});
