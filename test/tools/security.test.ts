import * as fs from 'fs';
import * as path from 'path';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as ecsPatterns from 'aws-cdk-lib/aws-ecs-patterns';
import { HelloFargateService, Preset, ServiceImage } from '../../src/index';
import { EXAMPLE_APP } from '../../src/task/service-image';
import { ACCEPTED, CONTROLS, counts, findingsIn, findingsOf, PRODUCTION, tables, templateOf, verdict } from '../../tools/security';
import { tooWide } from '../support/iam';

const SECURITY = fs.readFileSync(path.join(__dirname, '..', '..', 'SECURITY.md'), 'utf8');

test.each(Object.entries(tables()))('the table %s in SECURITY.md is what is found', (mark, table) => {
  const [, printed] = new RegExp(`<!-- ${mark} -->\\n([^]*?)\\n<!-- /${mark} -->`).exec(SECURITY)!;

  expect(printed).toBe(table);
});

describe('cdk-nag', () => {
  const isAccepted = ({ rule, path: at }: { rule: string; path: string }) => ACCEPTED.some((each) => each.rules.includes(rule) && each.path.test(at));

  test.each(PRODUCTION)('finds nothing in %s but what is accepted with a reason', (service) => {
    expect(findingsOf(service).filter((finding) => !isAccepted(finding))).toEqual([]);
  });

  test('nothing is accepted that is not found any more', () => {
    const findings = PRODUCTION.flatMap(findingsOf);
    const stale = ACCEPTED.flatMap(({ rules, path: at }) =>
      rules.filter((rule) => !findings.some((finding) => finding.rule === rule && at.test(finding.path))));

    expect(stale).toEqual([]);
  });

  test('finds less in STANDARD than in what aws-ecs-patterns makes for the same app, and nowhere more', () => {
    const ours = counts(findingsOf('STANDARD'));
    const theirs = counts(findingsIn((stack) => {
      new ecsPatterns.ApplicationLoadBalancedFargateService(stack, 'Hello', {
        runtimePlatform: { cpuArchitecture: ecs.CpuArchitecture.ARM64 },
        taskImageOptions: { image: ServiceImage.fromDirectory(EXAMPLE_APP.directory), containerPort: 8080, environment: { PORT: '8080' } },
      });
    }));

    ours.forEach((count, i) => expect(count).toBeLessThanOrEqual(theirs[i]));
    expect(sum(ours)).toBeLessThan(sum(theirs));
  });

  test('finds of alarms without anybody to tell one each, and nothing else besides', () => {
    const silent = findingsIn((stack) => { new HelloFargateService(stack, 'Hello', { preset: Preset.STANDARD }); });
    const others = silent.filter(({ rule }) => rule !== 'CloudWatchAlarmAction');

    expect(others).toEqual(findingsOf('STANDARD').filter(({ rule }) => rule !== 'CloudWatchAlarmAction'));
    expect(silent.length - others.length).toBe(2 * 6); // six alarms, in two of the packs
  });
});

describe('Security Hub', () => {
  test.each(CONTROLS.map((control) => [control.id, control] as const))('%s applies, and has a reason exactly if it fails somewhere', (_id, control) => {
    const verdicts = ['DEVELOPMENT', 'STANDARD', ...PRODUCTION].map((service) => verdict(control, templateOf(service)));

    expect(verdicts.some((each) => each !== undefined)).toBe(true);
    expect(verdicts.includes(false)).toBe(control.why !== undefined);
  });
});

describe('IAM', () => {
  const wide = (statement: object, type = 'AWS::IAM::Policy') => tooWide({ Resources: { Wide: { Type: type, Properties: { PolicyDocument: { Statement: [statement] } } } } });

  test.each<[string, object]>([
    ['all resources', { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }],
    ['all actions of a service', { Effect: 'Allow', Action: ['s3:*'], Resource: 'arn:aws:s3:::bucket' }],
    ['a pattern of resources', { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: ['arn:aws:sqs:eu-central-1:123456789012:shop-*'] }],
    ['all log groups', { Effect: 'Allow', Action: 'logs:PutLogEvents', Resource: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':logs:eu-central-1:123456789012:log-group:*']] } }],
    ['an exclusion', { Effect: 'Allow', NotAction: 'iam:*', Resource: 'arn:aws:s3:::bucket' }],
  ])('%s would be found', (_what, statement) => {
    expect(wide(statement)).toHaveLength(1);
  });

  test('what is denied, objects of one bucket, and what AWS forces would not', () => {
    expect(wide({ Effect: 'Deny', Action: 's3:*', Resource: '*' })).toEqual([]);
    expect(wide({ Effect: 'Allow', Action: 's3:GetObject', Resource: { 'Fn::Join': ['', [{ 'Fn::GetAtt': ['Bucket', 'Arn'] }, '/*']] } })).toEqual([]);
    expect(wide({ Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' })).toEqual([]);
  });

  test('a topic for everybody, and a role for everybody, would be found', () => {
    expect(wide({ Effect: 'Allow', Action: 'sns:Publish', Principal: '*', Resource: { Ref: 'Topic' } }, 'AWS::SNS::TopicPolicy')).toEqual(['Wide: everybody may sns:Publish']);
    expect(tooWide({ Resources: { Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: { Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: '*' } }] } } } } }))
      .toEqual(['Role: everybody may sts:AssumeRole']);
  });
});

function sum(numbers: number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
