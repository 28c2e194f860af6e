import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import {
  App, DefaultStackSynthesizer, DockerBuildSecret, DockerImageAssetLocation, DockerImageAssetSource, Stack, Stage,
} from 'aws-cdk-lib';
import * as assets from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Node } from 'constructs';
import { DirectoryImageOptions, HelloFargateService, HelloFargateServiceProps, ServiceImage } from '../../src/index';
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

test('builds a directory with all options of a build', () => {
  const image = ServiceImage.fromDirectory(IMAGE_DIRECTORY, {
    buildSecrets: { token: DockerBuildSecret.fromSrc('token.txt') },
    buildSsh: 'default',
    buildContexts: { library: '../library' },
    cacheFrom: [{ type: 'gha' }],
    cacheTo: { type: 'gha', params: { mode: 'max' } },
    assetName: 'shop/web',
  });

  expect(imageSourcesWith({ image })).toEqual([
    expect.objectContaining({
      dockerBuildSecrets: { token: 'src=token.txt' },
      dockerBuildSsh: 'default',
      dockerBuildContexts: { library: '../library' },
      cacheFrom: [{ type: 'gha' }],
      cacheTo: { type: 'gha', params: { mode: 'max' } },
    }),
  ]);
  expect(imageSourcesWith({ image: ServiceImage.fromDirectory(IMAGE_DIRECTORY, { cacheDisabled: true }) })).toEqual([
    expect.objectContaining({ cacheDisabled: true }),
  ]);
});

test.each<[string, DirectoryImageOptions, RegExp]>([
  ['an asset name with capitals', { assetName: 'Shop' },
    /image\.assetName is "Shop", but it has 2 to 128 lowercase letters, .*; rename it/],
  ['a cache that is disabled', { cacheDisabled: true, cacheFrom: [{ type: 'gha' }] },
    /image\.cacheFrom is \[\{"type":"gha"\}\], but cacheDisabled is true, so it would be ignored; leave one/],
])('fails with %s', (_, options, message) => {
  expect(() => imageSourcesWith({ image: ServiceImage.fromDirectory(IMAGE_DIRECTORY, options) })).toThrow(message);
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

/** Like the AppStagingSynthesizer, which creates an ECR repository for the name of each image asset. */
class StagingSynthesizer extends DefaultStackSynthesizer {
  public readonly assetNames = new Array<string>();

  public addDockerImageAsset(asset: DockerImageAssetSource): DockerImageAssetLocation {
    const { assetName } = asset;
    if (!assetName) { throw new Error('assets must include an assetName'); }
    this.assetNames.push(assetName);
    return super.addDockerImageAsset(asset);
  }
}

test('names each image as the AppStagingSynthesizer requires', () => {
  const synthesizer = new StagingSynthesizer();
  const stack = newStack({ synthesizer });
  const parent = fs.mkdtempSync(path.join(os.tmpdir(), 'images-'));
  new HelloFargateService(stack, 'Hello');
  const directories = ['Größe_2', '___', `Long${'er'.repeat(100)}`].map((name) => path.join(parent, name));
  directories.forEach((directory) => fs.cpSync(IMAGE_DIRECTORY, directory, { recursive: true }));
  [IMAGE_DIRECTORY, ...directories].forEach((directory, i) => {
    const image = ServiceImage.fromDirectory(directory);
    new HelloFargateService(stack, `Hello${i}`, { image }).addSidecar('agent', { image });
  });
  fs.rmSync(parent, { recursive: true });

  expect(new Set(synthesizer.assetNames).size).toBe(5);
  // https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
  synthesizer.assetNames.forEach((name) => expect(name).toMatch(/^[a-z0-9]+([._-][a-z0-9]+)*$/));
  expect(Math.max(...synthesizer.assetNames.map(({ length }) => length))).toBeLessThanOrEqual(128);
});

describe('a build context that contains the output directory', () => {
  const context = fs.mkdtempSync(path.join(os.tmpdir(), 'context-'));
  afterAll(() => fs.rmSync(context, { recursive: true }));

  test.each([
    ['cdk.out', (app: App) => app],
    ['infra/cdk.out', (app: App) => new Stage(app, 'Prod')],
  ])('is copied without %s and excluded files', (out, scopeOf) => {
    fs.mkdirSync(path.join(context, 'apps', 'shop'), { recursive: true });
    fs.writeFileSync(path.join(context, 'apps', 'shop', 'Dockerfile'), 'FROM scratch');
    fs.writeFileSync(path.join(context, '.dockerignore'), '*.log');
    fs.writeFileSync(path.join(context, 'apps', 'shop', 'notes.md'), 'not for the image');
    fs.mkdirSync(path.join(context, out), { recursive: true });
    fs.writeFileSync(path.join(context, out, 'earlier.json'), '{}');
    const postCliContext = { 'aws:cdk:disable-asset-staging': false };
    const app = new App({ outdir: path.join(context, out), postCliContext });
    new HelloFargateService(new Stack(scopeOf(app), 'Stack'), 'Hello', {
      image: ServiceImage.fromDirectory(context, { file: 'apps/shop/Dockerfile', exclude: ['**/*.md'] }),
    });
    const { directory } = app.synth();

    const copies = fs.readdirSync(directory).filter((name) => name.startsWith('asset.'))
      .map((name) => path.join(directory, name))
      .filter((copy) => fs.existsSync(path.join(copy, 'apps', 'shop', 'Dockerfile')));
    expect(copies).toHaveLength(1);
    expect(fs.readdirSync(path.join(copies[0], 'apps', 'shop'))).toEqual(['Dockerfile']);
    expect(fs.readdirSync(path.join(copies[0], path.dirname(out)))).not.toContain('cdk.out');
    fs.rmSync(path.join(context, out), { recursive: true });
  });
});

test('the constructs of the app are not searched for each service', () => {
  const findAll = jest.spyOn(Node.prototype, 'findAll');
  const searches = (image?: ecs.ContainerImage) => {
    const stack = newStack();
    findAll.mockClear();
    new HelloFargateService(stack, 'Hello', { image });
    // CDK itself searches the scope of a construct for its resources.
    return findAll.mock.contexts.filter((node: unknown) => node === stack.node.root.node || node === stack.node).length;
  };

  expect(searches()).toBe(0);
  expect(searches(ServiceImage.fromDirectory(IMAGE_DIRECTORY))).toBe(0);
  expect(searches(ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29'))).toBe(0);
  const platform = assets.Platform.LINUX_ARM64;
  expect(searches(ecs.ContainerImage.fromAsset(IMAGE_DIRECTORY, { platform }))).toBe(0);
  findAll.mockRestore();
});
