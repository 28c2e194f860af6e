import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as ecsPatterns from 'aws-cdk-lib/aws-ecs-patterns';
import { HelloFargateService, Alarms, ServiceImage } from '../../src/index';
import { EXAMPLE_APP } from '../../src/task/service-image';
import { readBlock } from '../../tools/generated-blocks';
import { result, tables } from '../../tools/security';
import { CONTROLS } from '../../tools/security-controls';
import { ACCEPTED, countByPack, Finding, findingsIn, findingsOf } from '../../tools/security-nag';
import { PRODUCTION, SERVICES, templateOf } from '../../tools/security-services';
import { tooWide } from '../support/iam';

test.each(Object.entries(tables()))(
  'the table "%s" in SECURITY.md is current; `npx projen tables` writes it',
  (marker, table) => {
    expect(readBlock('SECURITY.md', marker)).toBe(table);
  },
);

describe('cdk-nag', () => {
  const isAccepted = ({ rule, path: found }: Finding) =>
    ACCEPTED.some((accepted) => accepted.rules.includes(rule) && accepted.path.test(found));

  test.each(PRODUCTION)('finds only what is accepted with a reason, in %s', (service) => {
    expect(findingsOf(service).filter((finding) => !isAccepted(finding))).toEqual([]);
  });

  test('finds everything that is accepted', () => {
    const findings = PRODUCTION.flatMap(findingsOf);
    const stale = ACCEPTED.flatMap((accepted) => accepted.rules.filter((rule) =>
      !findings.some((finding) => finding.rule === rule && accepted.path.test(finding.path))));

    expect(stale).toEqual([]);
  });

  test('finds less in STANDARD than in a service of aws-ecs-patterns for the same app, and more in no pack', () => {
    const standard = countByPack(findingsOf('STANDARD'));
    const patterns = countByPack(findingsIn((stack) => {
      new ecsPatterns.ApplicationLoadBalancedFargateService(stack, 'Hello', {
        runtimePlatform: { cpuArchitecture: ecs.CpuArchitecture.ARM64 },
        taskImageOptions: {
          image: ServiceImage.fromDirectory(EXAMPLE_APP.directory),
          containerPort: 8080,
          environment: { PORT: '8080' },
        },
      });
    }));

    standard.forEach((count, i) => expect(count).toBeLessThanOrEqual(patterns[i]));
    expect(sum(standard)).toBeLessThan(sum(patterns));
  });

  test('finds no more in the default service, and one more error for each alarm without subscribers', () => {
    const findings = findingsIn((stack) => {
      new HelloFargateService(stack, 'Hello', { alarms: Alarms.recommended() });
    });
    const byDefault = findingsIn((stack) => { new HelloFargateService(stack, 'Hello'); });

    expect(byDefault).toEqual(findingsOf('STANDARD'));
    const isOther = ({ rule }: Finding) => rule !== 'CloudWatchAlarmAction';

    expect(findings.filter(isOther)).toEqual(findingsOf('STANDARD').filter(isOther));
    expect(findings.filter((finding) => !isOther(finding))).toHaveLength(2 * 6); // six alarms, in two of the packs
  });
});

describe('Security Hub', () => {
  test.each(CONTROLS.map((control) => [control.id, control] as const))(
    '%s applies to a service, and has a reason if and only if it fails',
    (_id, control) => {
      const results = Object.keys(SERVICES).map((service) => result(control, templateOf(service)));

      expect(results.some((passes) => passes !== undefined)).toBe(true);
      expect(results.includes(false)).toBe(control.reason !== undefined);
    },
  );
});

describe('IAM', () => {
  const wide = (statement: object, type = 'AWS::IAM::Policy') => tooWide({
    Resources: { Wide: { Type: type, Properties: { PolicyDocument: { Statement: [statement] } } } },
  });

  test.each<[string, object]>([
    ['all resources', { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }],
    ['all actions of a service', { Effect: 'Allow', Action: ['s3:*'], Resource: 'arn:aws:s3:::bucket' }],
    ['a pattern of resources', {
      Effect: 'Allow',
      Action: 'sqs:SendMessage',
      Resource: ['arn:aws:sqs:eu-central-1:123456789012:shop-*'],
    }],
    ['all log groups', {
      Effect: 'Allow',
      Action: 'logs:PutLogEvents',
      Resource: {
        'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':logs:eu-central-1:123456789012:log-group:*']],
      },
    }],
    ['an exclusion', { Effect: 'Allow', NotAction: 'iam:*', Resource: 'arn:aws:s3:::bucket' }],
  ])('%s is found', (_what, statement) => {
    expect(wide(statement)).toHaveLength(1);
  });

  test('denied actions, the objects of one bucket, and wildcards that AWS requires are not found', () => {
    expect(wide({ Effect: 'Deny', Action: 's3:*', Resource: '*' })).toEqual([]);
    expect(wide({
      Effect: 'Allow',
      Action: 's3:GetObject',
      Resource: { 'Fn::Join': ['', [{ 'Fn::GetAtt': ['Bucket', 'Arn'] }, '/*']] },
    })).toEqual([]);
    expect(wide({ Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' })).toEqual([]);
  });

  test('a public topic and a public role are found', () => {
    const topic = { Effect: 'Allow', Action: 'sns:Publish', Principal: '*', Resource: { Ref: 'Topic' } };
    const role = { Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: '*' } }] };

    expect(wide(topic, 'AWS::SNS::TopicPolicy')).toEqual(['Wide: anyone may sns:Publish']);
    expect(tooWide({ Resources: { Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: role } } } }))
      .toEqual(['Role: anyone may sts:AssumeRole']);
  });
});

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
