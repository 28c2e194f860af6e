import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { NotesStack } from '../../examples/database-and-cache/lib/notes-stack';
import { closureOf, idsOf, Resources } from '../support/closure';
import { only } from '../support/synth';

// Fails if a resource waits for itself.
const template = Template.fromStack(new NotesStack(new App(), 'Notes'));
const resources: Resources = template.toJSON().Resources;
const [service] = idsOf(resources, 'ECS::Service');
const [migration] = Object.keys(resources).filter((id) => resources[id].Type === 'Custom::Migration');

test('the service waits for the migration of its task definition', () => {
  expect(closureOf(resources, service)).toContain(migration);
  expect(resources[migration].Properties!.TaskDefinition).toEqual(resources[service].Properties!.TaskDefinition);
});

test('the migration waits for the database, and for what its task needs', () => {
  const before = closureOf(resources, migration);
  const needed = ['RDS::DBInstance', 'EC2::SecurityGroupIngress', 'Logs::LogGroup', 'EC2::NatGateway', 'IAM::Policy'];
  for (const type of needed) { expect([...before].map((id) => resources[id].Type)).toContain(`AWS::${type}`); }
  const { ExecutionRoleArn, TaskRoleArn } = only(template, 'AWS::ECS::TaskDefinition');
  for (const { 'Fn::GetAtt': [role] } of [ExecutionRoleArn, TaskRoleArn]) {
    const policies = idsOf(resources, 'IAM::Policy', { Roles: [{ Ref: role }] });
    for (const policy of policies) { expect(before).toContain(policy); }
  }
});

test('database and cache are encrypted, and accept only the tasks and the rotation', () => {
  template.hasResourceProperties('AWS::RDS::DBCluster', { StorageEncrypted: true, DeletionProtection: true });
  expect(only(template, 'AWS::RDS::DBInstance')).toMatchObject({ PubliclyAccessible: false });
  template.resourceCountIs('AWS::SecretsManager::RotationSchedule', 1);
  const rules = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'))
    .filter(({ Properties: { ToPort } }) => ToPort === 6379 || typeof ToPort === 'object');
  expect(rules).toHaveLength(3);
  for (const { Properties } of rules) { expect(Properties).toHaveProperty('SourceSecurityGroupId'); }

  const { SecurityGroupIds } = only(template, 'AWS::ElastiCache::ServerlessCache');
  const groups = [SecurityGroupIds, only(template, 'AWS::RDS::DBCluster').VpcSecurityGroupIds].flat();
  expect(groups).toHaveLength(2);
  for (const { 'Fn::GetAtt': [group] } of groups) {
    expect(resources[group].Properties).not.toHaveProperty('SecurityGroupIngress');
  }
});
