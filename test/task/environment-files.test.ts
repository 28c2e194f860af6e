import * as path from 'node:path';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { HelloFargateService } from '../../src/index';
import { ENVIRONMENT_FILE } from '../support/fixtures';
import { containerOf, newStack, templateOf } from '../support/synth';

const { EnvironmentFile } = ecs;

function filesIn(...keys: string[]) {
  const stack = newStack();
  const bucket = s3.Bucket.fromBucketName(stack, 'Bucket', 'shop');
  const environmentFiles = keys.map((key) => EnvironmentFile.fromBucket(bucket, key));
  return { stack, environmentFiles };
}

test('files in a bucket are read by the task execution role', () => {
  const { stack, environmentFiles } = filesIn('a.env', 'folder/b.env');
  const template = templateOf({ environmentFiles }, stack);

  expect(containerOf(template).EnvironmentFiles).toEqual(['a.env', 'folder/b.env'].map((key) => ({
    Type: 's3',
    Value: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:s3:::shop/${key}`]] },
  })));
  const statements = Object.values(template.findResources('AWS::IAM::ManagedPolicy'))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    .filter(({ Action }) => String(Action).startsWith('s3:'))
    .map(({ Action, Resource }) => [Action, Resource['Fn::Join'][1].at(-1)]);
  expect(statements).toEqual([
    ['s3:GetObject', ':s3:::shop/a.env'],
    ['s3:GetBucketLocation', ':s3:::shop'],
    ['s3:GetObject', ':s3:::shop/folder/b.env'],
  ]);
});

test('two local files are uploaded', () => {
  const other = EnvironmentFile.fromAsset(path.join(__dirname, '..', 'support', 'fixtures', 'other.env'));
  const container = containerOf(templateOf({ environmentFiles: [ENVIRONMENT_FILE, other] }));

  const keys = container.EnvironmentFiles.map((file: object) => JSON.stringify(file));
  expect(keys).toEqual([expect.stringMatching(/\.env"/), expect.stringMatching(/\.env"/)]);
  expect(keys[0]).not.toBe(keys[1]);
});

test.each<[string, ecs.EnvironmentFile[], RegExp]>([
  ['no file', [], /environmentFiles is \[\], but an empty value would be ignored; leave it out/],
  ['eleven files', filesIn(...'abcdefghijk'.split('').map((name) => `${name}.env`)).environmentFiles,
    /environmentFiles is 11 files, but ECS reads at most 10; merge some of them/],
  ['another name', filesIn('shop.txt').environmentFiles,
    /environmentFiles\[0\] is "shop\.txt", but ECS reads only files whose name ends with \.env; rename the file/],
  ['a local file of another name', [EnvironmentFile.fromAsset(__filename)],
    /environmentFiles\[0\] is ".*environment-files\.test\.ts", but ECS reads only files/],
  ['a missing file', [EnvironmentFile.fromAsset('missing.env')],
    /environmentFiles\[0\] is "missing\.env", but there is no such file/],
])('fails with %s', (_, environmentFiles, message) => {
  const stack = newStack();
  const before = stack.node.findAll().length;

  expect(() => new HelloFargateService(stack, 'Hello', { environmentFiles })).toThrow(message);
  expect(stack.node.findAll()).toHaveLength(before + 1);
});
