import * as fs from 'node:fs';
import * as path from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { GitHubRolesStack } from '../../examples/ci-cd/lib/github-roles-stack';
import { only } from '../support/synth';

const template = Template.fromStack(new GitHubRolesStack(new App(), 'GitHubRoles', {
  repository: 'example/shop',
  environment: 'production',
  env: { account: '111122223333', region: 'eu-central-1' },
}));

const text = (arn: { 'Fn::Join': [string, unknown[]] }): string => JSON.stringify(arn['Fn::Join'][1])
  .replace(/\["arn:",\{"Ref":"AWS::Partition"\},"(.*)"\]/, 'arn:aws$1');

/** What each role trusts, and which roles it may assume. */
const roles = Object.entries(template.findResources('AWS::IAM::Role'));
const ROLES = Object.fromEntries(roles.map(([id, { Properties }]) => {
  const [trust] = Properties.AssumeRolePolicyDocument.Statement;
  const policies = Object.values(template.findResources('AWS::IAM::Policy'))
    .filter((policy) => JSON.stringify(policy.Properties.Roles) === JSON.stringify([{ Ref: id }]));
  return [id.replace(/[0-9A-F]{8}$/, ''), { properties: Properties, trust, policies }];
}));

test.each([
  ['Deploy', 'repo:example/shop:environment:production', ['deploy', 'file-publishing', 'image-publishing', 'lookup']],
  ['Diff', 'repo:example/shop:pull_request', ['lookup']],
])('the role %s trusts only %s, and may assume only roles of the bootstrap', (name, subject, kinds) => {
  const { properties, trust, policies } = ROLES[name];
  expect(trust).toEqual({
    Effect: 'Allow',
    Action: 'sts:AssumeRoleWithWebIdentity',
    Principal: { Federated: expect.anything() },
    Condition: {
      StringEquals: {
        'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com',
        'token.actions.githubusercontent.com:sub': subject,
      },
    },
  });
  expect(Object.keys(properties).sort()).toEqual(['AssumeRolePolicyDocument', 'MaxSessionDuration']);
  expect(policies).toHaveLength(1);
  const [{ Properties: { PolicyDocument: { Statement: statements } } }] = policies;
  expect(statements).toHaveLength(1);
  expect(statements[0]).toMatchObject({ Effect: 'Allow', Action: 'sts:AssumeRole' });
  expect([statements[0].Resource].flat().map(text)).toEqual(kinds.map((kind) =>
    `arn:aws:iam::111122223333:role/cdk-hnb659fds-${kind}-role-111122223333-eu-central-1`));
});

test('the roles exist in the bootstrap template of the CDK CLI, by their names', () => {
  const cli = path.dirname(require.resolve('aws-cdk/package.json'));
  const bootstrap = fs.readFileSync(path.join(cli, 'lib', 'api', 'bootstrap', 'bootstrap-template.yaml'), 'utf8');
  const names = Array.from(bootstrap.matchAll(/RoleName:\s+Fn::Sub: (\S+)/g), ([, name]) => name);

  expect(bootstrap).toMatch(/Qualifier:[^]*?Default: hnb659fds/);
  expect(names).toEqual(expect.arrayContaining(['deploy', 'file-publishing', 'image-publishing', 'lookup']
    .map((kind) => `cdk-\${Qualifier}-${kind}-role-\${AWS::AccountId}-\${AWS::Region}`)));
});

test('there is one provider, for the audience of AWS STS', () => {
  expect(only(template, 'AWS::IAM::OIDCProvider')).toMatchObject({
    Url: 'https://token.actions.githubusercontent.com', ClientIdList: ['sts.amazonaws.com'],
  });
});
