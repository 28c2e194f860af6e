import * as fs from 'node:fs';
import * as path from 'node:path';
import { CannotRun } from '../cannot-run';
import { DockerImageSource } from '../model';

/*
 * Reads a cloud assembly, which is what `cdk synth` leaves in cdk.out: its stacks, those of its stages and
 * nested stacks, and the assets that go with them. It interprets nothing; `intrinsics.ts` and `service.ts` do.
 */

/** A resource as it stands in a template. What is in its properties is CloudFormation's business. */
export interface CfnResource {
  readonly Type: string;
  readonly Properties?: { readonly [name: string]: any };
  readonly Metadata?: { readonly [name: string]: any };
  readonly DependsOn?: string | string[];
}

export interface CfnTemplate {
  readonly Resources?: { readonly [logicalId: string]: CfnResource };
  readonly Parameters?: { readonly [name: string]: { readonly Type: string; readonly Default?: unknown } };
  readonly Outputs?: { readonly [name: string]: { readonly Value: unknown; readonly Export?: { readonly Name: unknown } } };
  readonly Mappings?: { readonly [name: string]: any };
  readonly Conditions?: { readonly [name: string]: unknown };
}

interface AssetManifest {
  readonly files?: { readonly [hash: string]: { readonly source: { readonly path?: string } } };
  readonly dockerImages?: { readonly [hash: string]: { readonly source: Omit<DockerImageSource, 'workingDirectory'> } };
}

/** What `@aws-cdk/integ-tests-alpha` writes next to the manifest. */
interface IntegManifest {
  readonly testCases?: { readonly [name: string]: { readonly assertionStackName?: string } };
}

interface Manifest {
  readonly artifacts?: {
    readonly [id: string]: {
      readonly type: string;
      readonly environment?: string;
      readonly properties?: { readonly [name: string]: any };
      readonly dependencies?: readonly string[];
      readonly metadata?: ConstructMetadata;
      readonly additionalMetadataFile?: string;
    };
  };
}

interface ConstructMetadata {
  readonly [constructPath: string]: ReadonlyArray<{ readonly type: string; readonly data?: unknown }>;
}

export interface StackProps {
  /** Unique in the assembly: the id of its artifact, for a nested stack with its logical id behind. */
  readonly key: string;
  readonly name: string;
  readonly directory: string;
  readonly template: CfnTemplate;
  readonly assets: AssetManifest;
  /** As in `aws://ACCOUNT/REGION`, where the app says so. */
  readonly account?: string;
  readonly region?: string;
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
  /** By the logical id of their AWS::CloudFormation::Stack. */
  public readonly nested = new Map<string, Stack>();

  constructor(private readonly props: StackProps) {
    this.key = props.key;
    this.name = props.name;
    this.template = props.template;
    this.account = props.account;
    this.region = props.region;
    this.parent = props.parent;
    for (const [logicalId, resource] of this.ofType('AWS::CloudFormation::Stack')) {
      // The name of the template in S3 is its hash, whatever the URL around it.
      const file = this.fileAsset(/\w{64}\.json/.exec(JSON.stringify(resource.Properties?.TemplateURL ?? ''))?.[0] ?? '');
      if (!file) { continue; }
      this.nested.set(logicalId, new Stack({
        ...props,
        key: `${props.key}/${logicalId}`,
        name: `${props.name}/${logicalId}`,
        template: readJson(file),
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

  /** How the user knows a resource: by the path of its construct, without CDK's own last step. */
  public displayName(logicalId: string): string {
    const constructPath = this.props.constructPaths.get(logicalId) ?? this.template.Resources?.[logicalId]?.Metadata?.['aws:cdk:path'];
    return constructPath?.replace(/^\//, '').replace(/\/Resource$/, '').replace(/\/Service\/Service$/, '/Service') ?? `${this.name}/${logicalId}`;
  }

  /** The image whose tag is the hash of an asset of this stack, as CDK names them. */
  public dockerImage(imageUri: string): DockerImageSource | undefined {
    const hash = /:([0-9a-zA-Z._-]+)$/.exec(imageUri)?.[1] ?? '';
    const source = this.props.assets.dockerImages?.[hash]?.source;
    const directory = source?.directory && path.resolve(this.props.directory, source.directory);
    return source && { ...source, directory, workingDirectory: directory ?? this.props.directory };
  }

  /** Where the file or directory of a file asset stands, given the name that it would have in S3. */
  public fileAsset(objectKey: string): string | undefined {
    const source = this.props.assets.files?.[path.basename(objectKey).replace(/\.\w+$/, '')]?.source;
    return source?.path && path.resolve(this.props.directory, source.path);
  }
}

export class Assembly {
  /** Fails with a sentence when there is none. */
  public static read(directory: string): Assembly {
    if (!fs.existsSync(path.join(directory, 'manifest.json'))) {
      throw new CannotRun(`no cloud assembly in ${directory}: it has no manifest.json. Run \`cdk synth\` first, or give the directory that it writes to`);
    }
    return new Assembly(path.resolve(directory));
  }

  /** All stacks: those of stages and the nested ones too. */
  public readonly stacks: readonly Stack[];
  /** The integ tests of the assembly: name, and the stack that holds the assertions. */
  public readonly integTests: ReadonlyArray<{ readonly name: string; readonly stack: Stack }>;

  private constructor(public readonly directory: string) {
    this.stacks = readStacks(directory);

    const integFile = path.join(directory, 'integ.json');
    const integ: IntegManifest = fs.existsSync(integFile) ? readJson(integFile) : {};
    this.integTests = Object.entries(integ.testCases ?? {}).flatMap(([name, { assertionStackName }]) => {
      const stack = this.stacks.find((candidate) => candidate.name === assertionStackName || candidate.key === assertionStackName);
      return stack ? [{ name, stack }] : [];
    });
  }

  public stack(key: string): Stack | undefined {
    return this.stacks.find((stack) => stack.key === key);
  }

  public ofType(type: string): Array<{ readonly stack: Stack; readonly logicalId: string; readonly resource: CfnResource }> {
    return this.stacks.flatMap((stack) => stack.ofType(type).map(([logicalId, resource]) => ({ stack, logicalId, resource })));
  }
}

function readStacks(directory: string): Stack[] {
  const { artifacts = {} }: Manifest = readJson(path.join(directory, 'manifest.json'));
  return Object.entries(artifacts).flatMap(([id, artifact]) => {
    const properties = artifact.properties ?? {};
    // A stage is an assembly of its own in a directory below.
    if (artifact.type === 'cdk:cloud-assembly') { return readStacks(path.join(directory, properties.directoryName)); }
    if (artifact.type !== 'aws:cloudformation:stack') { return []; }

    const assetFile = (artifact.dependencies ?? [])
      .map((dependency) => artifacts[dependency])
      .find((dependency) => dependency?.type === 'cdk:asset-manifest')?.properties?.file;
    const metadata: ConstructMetadata = {
      ...artifact.metadata,
      ...(artifact.additionalMetadataFile ? readJson(path.join(directory, artifact.additionalMetadataFile)) : {}),
    };
    const [, account, region] = /^aws:\/\/([^/]+)\/(.+)$/.exec(artifact.environment ?? '') ?? [];
    const stack = new Stack({
      key: id,
      name: properties.stackName ?? id,
      directory,
      template: readJson(path.join(directory, properties.templateFile)),
      assets: assetFile ? readJson(path.join(directory, assetFile)) : {},
      account: account?.startsWith('unknown-') ? undefined : account,
      region: region?.startsWith('unknown-') ? undefined : region,
      constructPaths: new Map(Object.entries(metadata).flatMap(([constructPath, entries]) => entries
        .filter(({ type, data }) => type === 'aws:cdk:logicalId' && typeof data === 'string')
        .map(({ data }) => [data as string, constructPath]))),
    });
    return [stack, ...nestedStacks(stack)];
  });
}

function nestedStacks(stack: Stack): Stack[] {
  return [...stack.nested.values()].flatMap((nested) => [nested, ...nestedStacks(nested)]);
}

function readJson(file: string): any {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch {
    throw new CannotRun(`the cloud assembly is incomplete: it names ${file}, which is not there. Run \`cdk synth\` again`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new CannotRun(`${file} is not JSON. Run \`cdk synth\` again`);
  }
}
