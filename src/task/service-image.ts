import * as fs from 'fs';
import * as path from 'path';
import { Stack, Token } from 'aws-cdk-lib';
import * as assets from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import { show, Validation } from '../validation';

/** How `ServiceImage.fromDirectory` builds the image. */
export interface DirectoryImageOptions {
  /**
   * Path of the Dockerfile, relative to the directory.
   *
   * @default 'Dockerfile'
   */
  readonly file?: string;

  /**
   * Build arguments (`docker build --build-arg`). They are kept in the image's history: no secrets.
   *
   * @default - no build arguments
   */
  readonly buildArgs?: { [name: string]: string };

  /**
   * The stage of the Dockerfile to build.
   *
   * @default - the last one
   */
  readonly target?: string;
}

/**
 * A container image that is built from a directory, for the CPU architecture of the service that runs it.
 *
 * `ecs.ContainerImage.fromAsset` builds for the machine that runs `cdk deploy`, and the task then
 * dies with "exec format error" when that machine is not of the service's architecture. This one cannot.
 *
 * CDK builds it with Docker (or what `CDK_DOCKER` names) when the app is deployed, not when it is
 * synthesised, and pushes it to the ECR repository of the bootstrap stack: $0.10 a GB and month (us-east-1, 2026-09).
 *
 * @example
 * new HelloFargateService(this, 'Shop', {
 *   image: ServiceImage.fromDirectory('shop', { buildArgs: { COMMIT: '4f2a9c1' } }),
 * });
 */
export class ServiceImage extends ecs.ContainerImage {
  /**
   * An image that is built from a directory with a Dockerfile.
   *
   * @param directory the build context; a relative path is relative to where `cdk` runs. One without the Dockerfile is refused.
   * @param options how it is built
   */
  public static fromDirectory(directory: string, options: DirectoryImageOptions = {}): ServiceImage {
    return new ServiceImage(directory, options);
  }

  private constructor(private readonly directory: string, private readonly options: DirectoryImageOptions) {
    super();
  }

  public bind(scope: Construct, containerDefinition: ecs.ContainerDefinition): ecs.ContainerImageConfig {
    const { runtimePlatform } = containerDefinition.taskDefinition.node.defaultChild as ecs.CfnTaskDefinition;
    const { cpuArchitecture } = Stack.of(scope).resolve(runtimePlatform) ?? {};
    return ecs.ContainerImage.fromAsset(this.directory, {
      ...this.options,
      platform: assets.Platform.custom(dockerPlatform(cpuArchitecture)),
    }).bind(scope, containerDefinition);
  }

  /** @internal */
  public _validate(validation: Validation): void {
    const dockerfile = path.join(this.directory, this.options.file ?? 'Dockerfile');
    if (!fs.existsSync(dockerfile)) {
      validation.refuse('image', show(this.directory), `there is no file ${dockerfile}`,
        'give the directory of the Dockerfile, and its name as `file` if it has another');
    }
  }
}

/** What the shipped example app needs of its task. The Dockerfile in `example-app` says the same. */
export const EXAMPLE_APP = {
  directory: path.join(__dirname, '..', '..', 'example-app'),
  user: '1000:1000',
  healthCheckCommand: ['CMD', 'node', '/app/health-check.js'],
  /** What it answers with 200. */
  paths: ['/health', '/', '/api/hello', '/info'],
} as const;

/** Refuses an image that is known to be built for another architecture than the tasks run on. */
export function validateImage(validation: Validation, image: ecs.ContainerImage | undefined, architecture: ecs.CpuArchitecture): void {
  if (image instanceof ServiceImage) {
    image._validate(validation);
  } else if (image instanceof ecs.AssetImage) {
    // CDK keeps the platform in a private field. Where a later version does not, nothing is refused that used to work.
    const { props } = image as unknown as { props?: ecs.AssetImageProps };
    if (props) { refusePlatform(validation, props.platform?.platform, architecture); }
  }
}

/**
 * The same for `ecs.ContainerImage.fromDockerImageAsset`, which hides its asset until it is bound:
 * the asset is found again by the image's name, and its platform in the asset manifest of its stack.
 */
export function validateBoundImage(validation: Validation, container: ecs.ContainerDefinition, architecture: ecs.CpuArchitecture): void {
  const asset = container.node.root.node.findAll()
    .find((node): node is assets.DockerImageAsset => node instanceof assets.DockerImageAsset && node.imageUri === container.imageName);
  if (!asset || container.node.tryFindChild('AssetImage') === asset) { return; }
  const { assetManifest } = Stack.of(asset).synthesizer as unknown as {
    assetManifest?: { dockerImages?: { [hash: string]: { source?: { platform?: string } } } };
  };
  const source = assetManifest?.dockerImages?.[asset.assetHash]?.source;
  if (source) { refusePlatform(validation, source.platform, architecture); }
}

function refusePlatform(validation: Validation, platform: string | undefined, architecture: ecs.CpuArchitecture): void {
  const wanted = dockerPlatform(architecture._cpuArchitecture);
  // An ARM64 image may carry its variant: linux/arm64/v8.
  if (platform === wanted || platform?.startsWith(`${wanted}/`) || Token.isUnresolved(platform)) { return; }
  validation.refuse('image', platform ? `an asset for ${platform}` : 'an asset without a platform, which is built for the machine that deploys it',
    `the tasks run on ${wanted} and would stop with "exec format error"`,
    'use ServiceImage.fromDirectory, which builds for the architecture of the service, or set the platform of the asset');
}

function dockerPlatform(cpuArchitecture: string | undefined): string {
  return cpuArchitecture === ecs.CpuArchitecture.ARM64._cpuArchitecture ? 'linux/arm64' : 'linux/amd64';
}
