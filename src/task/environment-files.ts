import * as fs from 'node:fs';
import { Stack, Token, aws_ecs as ecs, aws_iam as iam } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { show, Validation } from '../validation';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-taskdefinition-environmentfile.html */
const MAX_FILES = 10;

export function validateEnvironmentFiles(validation: Validation, files: readonly ecs.EnvironmentFile[] = []): void {
  if (files.length > MAX_FILES) {
    validation.refuse('environmentFiles', `${files.length} files`, `ECS reads at most ${MAX_FILES}`,
      'merge some of them');
  }
  files.forEach((file, i) => validateFile(validation, `environmentFiles[${i}]`, file));
}

function validateFile(validation: Validation, prop: string, file: ecs.EnvironmentFile): void {
  const isLocal = file instanceof ecs.AssetEnvironmentFile;
  // `key` is a private field. If a later CDK version renames it, the file is accepted.
  const name = isLocal ? file.path : (file as unknown as { readonly key?: string }).key;
  if (name === undefined || Token.isUnresolved(name)) { return; }
  if (!name.endsWith('.env')) {
    validation.refuse(prop, show(name), 'ECS reads only files whose name ends with .env', 'rename the file');
  } else if (isLocal && !fs.existsSync(name)) {
    validation.refuse(prop, show(name), 'there is no such file', 'set the path relative to the directory of cdk.json');
  }
}

/** An environment file in a scope of its own: CDK gives all files of a container the same ID. */
class ScopedFile extends ecs.EnvironmentFile {
  constructor(private readonly file: ecs.EnvironmentFile, private readonly id: string) {
    super();
  }

  public bind(scope: Construct): ecs.EnvironmentFileConfig {
    return this.file.bind(new Construct(scope, this.id));
  }
}

export function scopedFiles(files: readonly ecs.EnvironmentFile[] | undefined): ecs.EnvironmentFile[] | undefined {
  return files?.map((file, i) => new ScopedFile(file, `EnvironmentFile${i}`));
}

/**
 * Allows ECS to read the environment files of a container, which CDK does not.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
 */
export function grantEnvironmentFiles(role: iam.IRole, container: ecs.ContainerDefinition): void {
  const { partition } = Stack.of(container);
  for (const { s3Location } of container.environmentFiles ?? []) {
    const bucketArn = `arn:${partition}:s3:::${s3Location.bucketName}`;
    role.addToPrincipalPolicy(new iam.PolicyStatement({
      actions: ['s3:GetObject'],
      resources: [`${bucketArn}/${s3Location.objectKey}`],
    }));
    role.addToPrincipalPolicy(new iam.PolicyStatement({ actions: ['s3:GetBucketLocation'], resources: [bucketArn] }));
  }
}
