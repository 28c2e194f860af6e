import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { Assembly } from '../../../src/rehearsal/templates/assembly';
import { knownOnlyInAws, Resolver } from '../../../src/rehearsal/templates/intrinsics';

let directory: string;
let assembly: Assembly;

beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'intrinsics-test-'));
  const write = (file: string, content: unknown) =>
    fs.writeFileSync(path.join(directory, file), JSON.stringify(content));
  write('manifest.json', {
    artifacts: {
      A: {
        type: 'aws:cloudformation:stack',
        environment: 'aws://111122223333/eu-central-1',
        properties: { templateFile: 'a.json', stackName: 'first' },
      },
      B: {
        type: 'aws:cloudformation:stack',
        environment: 'aws://unknown-account/unknown-region',
        properties: { templateFile: 'b.json' },
      },
    },
  });
  write('a.json', {
    Resources: { Table: { Type: 'AWS::DynamoDB::Table' } },
    Parameters: {
      Size: { Type: 'Number', Default: 3 },
      Image: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/path/of/image' },
    },
    Mappings: { Zones: { 'eu-central-1': { name: 'Frankfurt' } } },
    Conditions: {
      Big: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'Size' }, '3'] }] },
      Either: { 'Fn::Or': [{ Condition: 'Big' }, { 'Fn::Equals': [1, '1'] }] },
    },
    Outputs: {
      Out: { Value: { 'Fn::GetAtt': ['Table', 'Arn'] }, Export: { Name: { 'Fn::Sub': '${AWS::StackName}:table' } } },
    },
  });
  write('b.json', { Resources: {} });
  assembly = Assembly.read(directory);
});

afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

test.each<[value: unknown, result: unknown]>([
  ['text', 'text'],
  [{ Ref: 'AWS::Region' }, 'eu-central-1'],
  [{ Ref: 'AWS::AccountId' }, '111122223333'],
  [{ Ref: 'Size' }, 3],
  [{ Ref: 'Image' }, '{{aws:A:Image}}'],
  [{ Ref: 'Table' }, '{{aws:A:Table}}'],
  [{ 'Fn::GetAtt': ['Table', 'Arn'] }, '{{aws:A:Table:Arn}}'],
  [{ 'Fn::GetAtt': 'Table.Arn' }, '{{aws:A:Table:Arn}}'],
  [{ 'Fn::Join': ['-', ['a', { Ref: 'AWS::Partition' }, { Ref: 'AWS::NoValue' }]] }, 'a-aws'],
  [
    { 'Fn::Sub': '${Table}/${Table.Arn}/${AWS::URLSuffix}/${!literal}' },
    '{{aws:A:Table}}/{{aws:A:Table:Arn}}/amazonaws.com/${literal}',
  ],
  [{ 'Fn::Sub': ['${x}${Size}', { x: { Ref: 'Size' } }] }, '33'],
  [{ 'Fn::Select': [1, { 'Fn::Split': [',', 'a,b,c'] }] }, 'b'],
  [{ 'Fn::Select': ['0', { 'Fn::GetAZs': '' }] }, 'eu-central-1a'],
  [{ 'Fn::Base64': 'a' }, 'YQ=='],
  [{ 'Fn::FindInMap': ['Zones', { Ref: 'AWS::Region' }, 'name'] }, 'Frankfurt'],
  [{ 'Fn::If': ['Big', 'big', 'small'] }, 'small'],
  [{ 'Fn::If': ['Either', 'yes', 'no'] }, 'yes'],
  [[{ Ref: 'AWS::NoValue' }, { a: { Ref: 'AWS::NoValue' }, b: { Ref: 'Size' } }], [{ b: 3 }]],
])('resolves %j', (value, result) => {
  expect(new Resolver(assembly).resolve(assembly.stack('A')!, value)).toEqual(result);
});

// Transforms run in AWS; the others are allowed only in the assertions of `Rules`.
const NOT_RESOLVED = ['Transform', 'Contains', 'EachMemberEquals', 'EachMemberIn', 'RefAll', 'ValueOf', 'ValueOfAll'];

test.each(['aws-cdk-lib', 'aws-cdk-lib-newest'])('knows every function that %s can write', (library) => {
  const root = path.dirname(require.resolve(`${library}/package.json`));
  const code = fs.readFileSync(path.join(root, 'core', 'lib', 'cfn-fn.js'), 'utf8');
  const names = new Set(Array.from(code.matchAll(/"Fn::(\w+)"/g), ([, name]) => name));
  expect(names.size).toBeGreaterThan(15);
  const unknown = [...names].filter((name) => {
    try { new Resolver(assembly).resolve(assembly.stack('A')!, { [`Fn::${name}`]: [] }); } catch (error) {
      return String(error).includes('cannot be rehearsed');
    }
    return false;
  });
  expect(NOT_RESOLVED).toEqual(expect.arrayContaining(unknown));
});

test('follows imports to the stack with the export', () => {
  const imported = { 'Fn::ImportValue': 'first:table' };
  expect(new Resolver(assembly).resolve(assembly.stack('B')!, imported)).toBe('{{aws:A:Table:Arn}}');
  expect(new Resolver(assembly).reference(assembly.stack('B')!, imported))
    .toMatchObject({ stack: { key: 'A' }, logicalId: 'Table', attribute: 'Arn' });
});

test.each([
  [{ StackName: 'first', OutputName: 'Out', Region: 'eu-central-1' }, '{{aws:A:Table:Arn}}', 'Table'],
  [{ StackName: 'first', OutputName: 'Out' }, '{{aws:B:output first.Out}}', undefined],
  [{ StackName: 'first', OutputName: 'Other', Region: 'eu-central-1' }, '{{aws:B:output first.Other}}', undefined],
  [{ StackName: 'elsewhere', OutputName: 'Out' }, '{{aws:B:output elsewhere.Out}}', undefined],
])('reads the output of another stack, in its own Region by default: %j', (output, result, logicalId) => {
  const [stack, value] = [assembly.stack('B')!, { 'Fn::GetStackOutput': output }];
  expect(new Resolver(assembly).resolve(stack, value)).toBe(result);
  expect(new Resolver(assembly).reference(stack, value)?.logicalId).toBe(logicalId);
});

test('resolves known attributes, and still follows references', () => {
  const resolver = new Resolver(assembly, ({ logicalId, attribute }) => `known ${logicalId} ${attribute}`);
  expect(resolver.resolve(assembly.stack('A')!, { 'Fn::GetAtt': ['Table', 'Arn'] })).toBe('known Table Arn');
  expect(resolver.reference(assembly.stack('A')!, { Ref: 'Table' })?.logicalId).toBe('Table');
  expect(resolver.reference(assembly.stack('A')!, 'arn:aws:other:app')).toBeUndefined();
});

test('finds the values that only AWS knows', () => {
  expect(knownOnlyInAws('a {{aws:A:Table}} b {{resolve:ssm:/x}}')).toEqual(['{{aws:A:Table}}', '{{resolve:ssm:/x}}']);
  expect(knownOnlyInAws('{{mustache}}')).toEqual([]);
});
