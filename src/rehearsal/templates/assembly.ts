import * as fs from 'node:fs';
import * as path from 'node:path';
import type {
  ArtifactManifest, ArtifactType, AssemblyManifest, AssetManifest, AssetManifestProperties,
  AwsCloudFormationStackProperties, DockerImageAsset, IntegManifest, NestedCloudAssemblyProperties,
} from 'aws-cdk-lib/cloud-assembly-schema';
import { CannotRun } from '../cannot-run';
import { DockerImageSource } from '../model';
import { Properties, record, text } from './values';

/*
 * Reads a cloud assembly, the output of `cdk synth`: its stacks, those of its stages and nested stacks, and their
 * assets. Template values stay as they are; `intrinsics.ts` and the other readers interpret them.
 */

export interface CfnResource {
  readonly Type: string;
  readonly Properties?: Properties;
  readonly Metadata?: Properties;
  readonly DependsOn?: string | string[];
  readonly Condition?: string;
}

interface CfnOutput {
  readonly Value: unknown;
  readonly Export?: { readonly Name: unknown };
}

export interface CfnTemplate {
  readonly Resources?: Readonly<Record<string, CfnResource>>;
  readonly Parameters?: Readonly<Record<string, { readonly Type: string; readonly Default?: unknown }>>;
  readonly Outputs?: Readonly<Record<string, CfnOutput>>;
  readonly Mappings?: Properties;
  readonly Conditions?: Properties;
}

export interface StackProps {
  /** Unique in the assembly: the ID of its artifact, followed by its logical ID for a nested stack. */
  readonly key: string;
  readonly name: string;
  readonly directory: string;
  readonly template: CfnTemplate;
  readonly assets: Pick<AssetManifest, 'files' | 'dockerImages'>;
  /** Undefined if the stack is environment-agnostic. */
  readonly account?: string;
  readonly region?: string;
  /** By logical ID. */
  readonly constructPaths: ReadonlyMap<string, string>;
  readonly parent?: { readonly stack: Stack; readonly logicalId: string };
}

export class Stack {
  public readonly key: string;
  public readonly name: string;
  public readonly template: CfnTemplate;
  public readonly account?: string;
  public readonly region?: string;
  public readonly parent?: { readonly stack: Stack; readonly logicalId: string };
  /** By the logical ID of their AWS::CloudFormation::Stack. */
  public readonly nested = new Map<string, Stack>();

  constructor(private readonly props: StackProps) {
    this.key = props.key;
    this.name = props.name;
    this.template = props.template;
    this.account = props.account;
    this.region = props.region;
    this.parent = props.parent;
    for (const [logicalId, resource] of this.ofType('AWS::CloudFormation::Stack')) {
      // The file name in the URL is the hash of the asset.
      const url = JSON.stringify(resource.Properties?.TemplateURL ?? '');
      const file = this.fileAsset(/\w{64}\.json/.exec(url)?.[0] ?? '');
      if (!file) { continue; }
      this.nested.set(logicalId, new Stack({
        ...props,
        key: `${props.key}/${logicalId}`,
        name: `${props.name}/${logicalId}`,
        template: readJson(file) as CfnTemplate,
        parent: { stack: this, logicalId },
      }));
    }
  }

  public get resources(): Array<[logicalId: string, resource: CfnResource]> {
    return Object.entries(this.template.Resources ?? {});
  }

  public ofType(type: string): Array<[logicalId: string, resource: CfnResource]> {
    return this.resources.filter(([, resource]) => resource.Type === type);
  }

  public remove(logicalId: string): void {
    delete (this.template.Resources as Record<string, CfnResource>)[logicalId];
  }

  /** Properties of a resource, with their intrinsic functions; none if there is no such resource. */
  public properties(logicalId: string): Properties {
    return this.template.Resources?.[logicalId]?.Properties ?? {};
  }

  /** The path of the construct of a resource, without the last component that CDK adds. */
  public displayName(logicalId: string): string {
    const constructPath = this.props.constructPaths.get(logicalId)
      ?? text(this.template.Resources?.[logicalId]?.Metadata?.['aws:cdk:path']);
    return constructPath
      ?.replace(/^\//, '')
      .replace(/\/Resource$/, '')
      .replace(/\/Service\/Service$/, '/Service') ?? `${this.name}/${logicalId}`;
  }

  /** The image asset that is pushed with the tag of the image. */
  public dockerImage(imageUri: string): DockerImageSource | undefined {
    const tag = /:([0-9a-zA-Z._-]+)$/.exec(imageUri)?.[1];
    const isPushedWithTag = ({ destinations }: Properties) =>
      Object.values(record(destinations)).some((destination) => record(destination).imageTag === tag);
    const image = Object.values(record(this.props.assets.dockerImages)).map(record).find(isPushedWithTag);
    if (!image) { return undefined; }
    const source = record(image.source) as DockerImageAsset['source'];
    const { directory } = source;
    if (directory !== undefined && typeof directory !== 'string') {
      throw new CannotRun(`the asset manifest of stack ${this.name} has no directory for the image with the tag ${tag}.`
        + ' Run `cdk synth` again');
    }
    const context = directory && path.resolve(this.props.directory, directory);
    return { ...source, directory: context, workingDirectory: context ?? this.props.directory };
  }

  /** The path of the file or directory of a file asset with an object key in S3. */
  public fileAsset(objectKey: string): string | undefined {
    const source = this.props.assets.files?.[path.basename(objectKey).replace(/\.\w+$/, '')]?.source;
    return source?.path && path.resolve(this.props.directory, source.path);
  }
}

export interface AssemblyResource {
  readonly stack: Stack;
  readonly logicalId: string;
  readonly resource: CfnResource;
}

/** Assemblies beside a directory that has none, and in both, as the user would write them: at most three. */
function assembliesNear(directory: string): string[] {
  const missing = path.resolve(directory);
  return [path.dirname(missing), missing]
    .flatMap((parent) => subdirectories(parent))
    .flatMap((child) => [child, path.join(child, 'cdk.out')])
    .filter(isAssembly)
    .slice(0, 3)
    .map((child) => path.relative('', child) || '.');
}

function subdirectories(directory: string): string[] {
  if (!fs.existsSync(directory) || !fs.statSync(directory).isDirectory()) { return []; }
  return fs.readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
    .map(({ name }) => path.join(directory, name));
}

/** A web app may have a manifest.json too. */
function isAssembly(directory: string): boolean {
  try {
    return 'artifacts' in record(JSON.parse(fs.readFileSync(path.join(directory, 'manifest.json'), 'utf8')));
  } catch {
    return false;
  }
}

export class Assembly {
  /** @throws CannotRun if the directory has no assembly */
  public static read(directory: string): Assembly {
    if (!fs.existsSync(path.join(directory, 'manifest.json'))) {
      const found = assembliesNear(directory);
      throw new CannotRun(`no cloud assembly in ${path.resolve(directory)}: it has no manifest.json. `
        + (found.length > 0 ? `Pass one of those nearby: ${found.join(', ')}`
          : 'Run `cdk synth` first, or pass its output directory'));
    }
    return new Assembly(path.resolve(directory));
  }

  /** All stacks, including those of stages and nested stacks. */
  public readonly stacks: readonly Stack[];
  /** The integ tests of the assembly, each with the stack of its assertions. */
  public readonly integTests: ReadonlyArray<{ readonly name: string; readonly stack: Stack }>;

  private constructor(public readonly directory: string) {
    this.stacks = readStacks(directory);

    const integFile = path.join(directory, 'integ.json');
    const { testCases = {} } = (fs.existsSync(integFile) ? readJson(integFile) : {}) as Partial<IntegManifest>;
    this.integTests = Object.entries(testCases).flatMap(([name, { assertionStackName }]) => {
      const stack = this.stacks.find((candidate) => [candidate.name, candidate.key].includes(assertionStackName ?? ''));
      return stack ? [{ name, stack }] : [];
    });
  }

  public stack(key: string): Stack | undefined {
    return this.stacks.find((stack) => stack.key === key);
  }

  public ofType(type: string): AssemblyResource[] {
    return this.stacks.flatMap((stack) =>
      stack.ofType(type).map(([logicalId, resource]) => ({ stack, logicalId, resource })));
  }
}

function readStacks(directory: string): Stack[] {
  const file = path.join(directory, 'manifest.json');
  const artifacts = record(record(readJson(file)).artifacts) as NonNullable<AssemblyManifest['artifacts']>;
  return Object.keys(artifacts).flatMap((id) => {
    try {
      return readArtifact(directory, id, artifacts);
    } catch (error) {
      if (error instanceof CannotRun) { throw error; }
      // It does not match the schema of cloud assemblies.
      throw new CannotRun(`${file} has an artifact ${id} that cannot be read (${(error as Error).message}).`
        + ' Run `cdk synth` again');
    }
  });
}

function readArtifact(
  directory: string, id: string, artifacts: NonNullable<AssemblyManifest['artifacts']>,
): readonly Stack[] {
  const artifact = artifacts[id];
  const type: `${ArtifactType}` = artifact.type;
  switch (type) {
    // A stage has an assembly of its own in a subdirectory.
    case 'cdk:cloud-assembly': {
      const { directoryName } = artifact.properties as NestedCloudAssemblyProperties;
      return readStacks(path.join(directory, directoryName));
    }
    case 'aws:cloudformation:stack': {
      const dependencies = (artifact.dependencies ?? []).map((dependency) => artifacts[dependency]);
      const stack = readStack(directory, id, artifact, dependencies);
      return [stack, ...nestedStacks(stack)];
    }
    default:
      return [];
  }
}

function readStack(directory: string, id: string, artifact: ArtifactManifest, dependencies: ArtifactManifest[]): Stack {
  const { stackName = id, templateFile } = artifact.properties as AwsCloudFormationStackProperties;
  const assets = dependencies.find((dependency) => String(dependency?.type) === 'cdk:asset-manifest')?.properties;
  const [, account, region] = /^aws:\/\/([^/]+)\/(.+)$/.exec(artifact.environment ?? '') ?? [];
  return new Stack({
    key: id,
    name: stackName,
    directory,
    template: readJson(path.join(directory, templateFile)) as CfnTemplate,
    assets: assets ? readJson(path.join(directory, (assets as AssetManifestProperties).file)) as AssetManifest : {},
    account: account?.startsWith('unknown-') ? undefined : account,
    region: region?.startsWith('unknown-') ? undefined : region,
    constructPaths: readConstructPaths(directory, artifact),
  });
}

function readConstructPaths(
  directory: string, { metadata, additionalMetadataFile }: ArtifactManifest,
): Map<string, string> {
  const additional = additionalMetadataFile ? readJson(path.join(directory, additionalMetadataFile)) : {};
  const constructs = { ...metadata, ...record(additional) as ArtifactManifest['metadata'] };
  return new Map(Object.entries(constructs).flatMap(([constructPath, entries]) => entries
    .filter(({ type, data }) => type === 'aws:cdk:logicalId' && typeof data === 'string')
    .map(({ data }) => [data as string, constructPath])));
}

function nestedStacks(stack: Stack): Stack[] {
  return [...stack.nested.values()].flatMap((nested) => [nested, ...nestedStacks(nested)]);
}

function readJson(file: string): unknown {
  let content: string;
  try {
    content = fs.readFileSync(file, 'utf8');
  } catch {
    throw new CannotRun(`the cloud assembly is incomplete: ${file} is missing. Run \`cdk synth\` again`);
  }
  try {
    return JSON.parse(content);
  } catch {
    throw new CannotRun(`${file} is not JSON. Run \`cdk synth\` again`);
  }
}
