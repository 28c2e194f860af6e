import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Stack, Stage, Token, aws_ecr_assets as assets, aws_ecs as ecs } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { show, Validation } from '../validation';

/** Options for `ServiceImage.fromDirectory`. */
export interface DirectoryImageOptions {
  /**
   * Path of the Dockerfile, relative to the directory.
   *
   * @default 'Dockerfile'
   */
  readonly file?: string;

  /**
   * Build arguments (`docker build --build-arg`). Do not pass secrets: the image history contains them.
   *
   * @default - no build arguments
   */
  readonly buildArgs?: { [name: string]: string };

  /**
   * Stage of the Dockerfile to build.
   *
   * @default - the last stage
   */
  readonly target?: string;

  /**
   * Secrets that `RUN --mount=type=secret` of the Dockerfile reads: `DockerBuildSecret.fromSrc('token.txt')` by its ID.
   * They are not in the image. Requires BuildKit.
   *
   * @default - no build secrets
   */
  readonly buildSecrets?: { [id: string]: string };

  /**
   * SSH agent or keys for `RUN --mount=type=ssh`: `default`, or `ID=PATH`. Requires BuildKit.
   *
   * @default - none
   */
  readonly buildSsh?: string;

  /**
   * Further build contexts by name: a directory, a URL or an image. Requires BuildKit.
   *
   * Changes to files in such a directory do not change the hash of the image, and so do not deploy it. Add a hash or
   * version of them to `buildArgs`.
   *
   * @default - only the directory
   * @see https://docs.docker.com/build/concepts/context/
   */
  readonly buildContexts?: { [name: string]: string };

  /**
   * Files of the directory that are left out of the build context, in addition to those of .dockerignore and to the
   * output directory of the app. Patterns like those in .dockerignore.
   *
   * @default - only these
   */
  readonly exclude?: string[];

  /**
   * Where the build reads cached layers from, for example `{ type: 'gha' }`. Must not be set with `cacheDisabled`.
   *
   * @default - the local cache
   * @see https://docs.docker.com/build/cache/backends/
   */
  readonly cacheFrom?: assets.DockerCacheOption[];

  /**
   * Where the build writes its layers to.
   *
   * @default - the local cache
   * @see https://docs.docker.com/build/cache/backends/
   */
  readonly cacheTo?: assets.DockerCacheOption;

  /**
   * Whether the build ignores cached layers (`docker build --no-cache`).
   *
   * @default false
   */
  readonly cacheDisabled?: boolean;

  /**
   * Name of the image asset, which the AppStagingSynthesizer makes the name of its ECR repository: 2 to 128 lowercase
   * letters, digits, and the separators - _ . /
   *
   * @default - derived from the directory and the options
   */
  readonly assetName?: string;
}

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html */
const ASSET_NAME = /^(?=.{2,128}$)[a-z0-9]+((\.|_|__|-+|\/)[a-z0-9]+)*$/;

/**
 * A container image that is built from a directory, for the CPU architecture of the service.
 *
 * `ecs.ContainerImage.fromAsset` builds for the machine that runs `cdk deploy` unless a platform is set. If that
 * machine has another architecture than the service, the task stops with "exec format error".
 *
 * CDK builds the image with Docker (or the tool in `CDK_DOCKER`) during deployment, not during synthesis, and pushes it
 * to the ECR repository of the bootstrap stack: $0.10 per GB-month (https://aws.amazon.com/ecr/pricing/, 2026-09).
 *
 * @example
 * new HelloFargateService(this, 'Shop', {
 *   image: ServiceImage.fromDirectory('shop', { buildArgs: { COMMIT: '4f2a9c1' } }),
 * });
 */
export class ServiceImage extends ecs.ContainerImage {
  /**
   * Builds an image from a directory with a Dockerfile. A missing Dockerfile is an error.
   *
   * The output directory of the app (`cdk.out`) is left out of the build context.
   *
   * @param directory the build context; a relative path is relative to the directory in which `cdk` runs
   * @param options Dockerfile, build arguments and other options of the build
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
      assetName: this.assetName(),
      ...this.options,
      exclude: [...this.options.exclude ?? [], ...this.outputDirectory(scope)],
      platform: assets.Platform.custom(dockerPlatform(cpuArchitecture)),
    }).bind(scope, containerDefinition);
  }

  /**
   * The AppStagingSynthesizer requires a name, and creates a repository for each. Services and stacks that use the same
   * directory share the image, so the name depends only on the directory and the options.
   */
  private assetName(): string {
    if (this.directory === EXAMPLE_APP.directory) { return 'hello-fargate-service-example-app'; }
    const text = JSON.stringify([path.relative(process.cwd(), this.directory), this.options]);
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 8);
    const words = path.basename(path.resolve(this.directory)).toLowerCase().match(/[a-z0-9]+/g) ?? [];
    return [...words, hash].join('-').slice(-128).replace(/^-/, '');
  }

  /**
   * The output directory of the app, as a pattern, if it is in the build context: it would be copied into itself. CDK's
   * own pattern for it is an absolute path, which matches nothing.
   */
  private outputDirectory(scope: Construct): string[] {
    const { root } = scope.node;
    if (!Stage.isStage(root)) { return []; }
    const relative = path.relative(this.directory, root.outdir);
    return relative === '' || relative.startsWith('..') || path.isAbsolute(relative) ? [] : [relative];
  }

  /** @internal */
  public _validate(validation: Validation, prop: string): void {
    const { assetName, cacheDisabled, cacheFrom } = this.options;
    if (assetName !== undefined && !ASSET_NAME.test(assetName)) {
      validation.refuse(`${prop}.assetName`, show(assetName),
        'it has 2 to 128 lowercase letters, digits, and the separators - _ . /', 'rename it');
    }
    if (cacheDisabled && cacheFrom) {
      validation.refuse(`${prop}.cacheFrom`, show(cacheFrom), 'cacheDisabled is true, so it would be ignored',
        'leave one of the two out');
    }
    const dockerfile = path.join(this.directory, this.options.file ?? 'Dockerfile');
    if (!fs.existsSync(dockerfile)) {
      validation.refuse(prop, show(this.directory), `there is no file ${dockerfile}`,
        'pass the directory of the Dockerfile, and its name as `file` if it is not Dockerfile');
    }
  }
}

/** What the example app needs from its task. It must match the Dockerfile in `example-app`. */
export const EXAMPLE_APP = {
  directory: path.join(__dirname, '..', '..', 'example-app'),
  user: '1000:1000',
  /** Variables of the image: what the construct would set by default. */
  environment: {
    PORT: '8080',
    KEEP_ALIVE_TIMEOUT_MS: '65000',
    SHUTDOWN_DELAY_MS: '10000',
    SHUTDOWN_TIMEOUT_MS: '40000',
  } as Readonly<Record<string, string>>,
  healthCheckCommand: ['CMD', 'node', '/app/health-check.js'],
  /** Paths that return 200. */
  paths: ['/health', '/', '/api/hello', '/info'],
} as const;

/** Validates that Fargate has the architecture. */
export function validateArchitecture(validation: Validation, architecture: ecs.CpuArchitecture): void {
  const { ARM64, X86_64 } = ecs.CpuArchitecture;
  if (![ARM64, X86_64].some((known) => known._cpuArchitecture === architecture._cpuArchitecture)) {
    validation.refuse('architecture', show(architecture._cpuArchitecture), 'Fargate has ARM64 and X86_64',
      'set ecs.CpuArchitecture.ARM64 or X86_64');
  }
}

/** Which image, for which tasks. */
export interface ImageContext {
  /** The prop or option of the image, for error messages. */
  readonly prop: string;
  readonly architecture: ecs.CpuArchitecture;
}

/** Validates that the image exists and is built for the architecture, as far as that is known. */
export function validateImage(
  validation: Validation, image: ecs.ContainerImage | undefined, context: ImageContext,
): void {
  if (image instanceof ServiceImage) {
    image._validate(validation, context.prop);
  } else if (image instanceof ecs.AssetImage) {
    // A private field. If a later CDK version renames it, the image is accepted.
    const { props } = image as unknown as { props?: ecs.AssetImageProps };
    if (props) { validatePlatform(validation, props.platform?.platform, context); }
  }
}

/**
 * Validates an image from `ecs.ContainerImage.fromDockerImageAsset`, whose asset is private. After the image is bound,
 * the asset is found by its image URI, and the platform in the asset manifest of its stack. For a nested stack that is
 * the manifest of the stack that contains it.
 */
export function validateBoundImage(
  validation: Validation, image: ecs.ContainerImage, container: ecs.ContainerDefinition, context: ImageContext,
): void {
  // The time to search all constructs of the app for each service grows with the square of their number.
  const isValidated = container.node.tryFindChild('AssetImage') !== undefined || image instanceof ServiceImage;
  if (isValidated || !Token.isUnresolved(container.imageName)) { return; }
  const asset = container.node.root.node.findAll().find((node): node is assets.DockerImageAsset =>
    node instanceof assets.DockerImageAsset && node.imageUri === container.imageName);
  if (!asset) { return; }
  const { assetManifest } = outermostStack(asset).synthesizer as unknown as {
    assetManifest?: { dockerImages?: Record<string, { source?: { platform?: string } }> };
  };
  // The key ends with the hash, after the asset name if there is one.
  const images = Object.entries(assetManifest?.dockerImages ?? {});
  const source = images.find(([key]) => key.endsWith(asset.assetHash))?.[1].source;
  if (source) { validatePlatform(validation, source.platform, context); }
}

function outermostStack(construct: Construct): Stack {
  const stack = Stack.of(construct);
  return stack.nestedStackParent ? outermostStack(stack.nestedStackParent) : stack;
}

function validatePlatform(
  validation: Validation, platform: string | undefined, { prop, architecture }: ImageContext,
): void {
  const required = dockerPlatform(architecture._cpuArchitecture);
  // An ARM64 platform may include its variant: linux/arm64/v8.
  if (platform === required || platform?.startsWith(`${required}/`) || Token.isUnresolved(platform)) { return; }
  const asset = platform
    ? `an asset for ${platform}`
    : 'an asset without a platform, which is built for the machine that deploys it';
  validation.refuse(prop, asset, `the tasks run on ${required} and would stop with "exec format error"`,
    'use ServiceImage.fromDirectory, which builds for the architecture of the service, '
    + 'or set the platform of the asset');
}

function dockerPlatform(cpuArchitecture: string | undefined): string {
  return cpuArchitecture === ecs.CpuArchitecture.ARM64._cpuArchitecture ? 'linux/arm64' : 'linux/amd64';
}
