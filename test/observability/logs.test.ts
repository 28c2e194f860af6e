import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { HelloFargateService, HelloFargateServiceProps, Ingress, Preset } from '../../src/index';
import { NOTIFIED } from '../support/fixtures';
import { newStack, only, templateOf } from '../support/synth';

const PRODUCTION: HelloFargateServiceProps = {
  preset: Preset.PRODUCTION, ingress: Ingress.cloudFront(), alarms: NOTIFIED,
};

/** The log group of the service, out of all log groups. */
function logGroupOf(template: Template): any {
  const [group] = Object.entries(template.findResources('AWS::Logs::LogGroup'))
    .filter(([id]) => /HelloTask\w*LogGroup/.test(id))
    .map(([, resource]) => resource);
  return group;
}

describe('the log group', () => {
  test('has the standard class and no key, and is deleted with the stack by default', () => {
    expect(logGroupOf(templateOf())).toEqual({
      Type: 'AWS::Logs::LogGroup',
      Properties: { RetentionInDays: 30 },
      DeletionPolicy: 'Delete',
      UpdateReplacePolicy: 'Delete',
    });
    templateOf().resourceCountIs('AWS::KMS::Key', 0);
  });

  test('can have another class and be retained', () => {
    const group = logGroupOf(
      templateOf({ logGroupClass: logs.LogGroupClass.INFREQUENT_ACCESS, logRemovalPolicy: RemovalPolicy.RETAIN }),
    );

    expect(group.Properties.LogGroupClass).toBe('INFREQUENT_ACCESS');
    expect([group.DeletionPolicy, group.UpdateReplacePolicy]).toEqual(['Retain', 'Retain']);
  });

  test('has another logical ID for another class, because the class cannot be changed', () => {
    const ids = (props: HelloFargateServiceProps) =>
      Object.keys(templateOf(props).findResources('AWS::Logs::LogGroup'));

    expect(ids({ logGroupClass: logs.LogGroupClass.STANDARD })).toEqual(ids({}));
    expect(ids({ logGroupClass: logs.LogGroupClass.INFREQUENT_ACCESS })).not.toEqual(ids({}));
  });

  test('allows CloudWatch Logs to use its key, only for log groups in this account and Region', () => {
    const template = templateOf({ encryptLogs: true });
    const [[id, key]] = Object.entries(template.findResources('AWS::KMS::Key'));

    expect(logGroupOf(template).Properties.KmsKeyId).toEqual({ 'Fn::GetAtt': [id, 'Arn'] });
    expect(key).toMatchObject({ Properties: { EnableKeyRotation: true }, DeletionPolicy: 'Delete' });
    expect(key.Properties.KeyPolicy.Statement).toContainEqual({
      Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
      Effect: 'Allow',
      Principal: { Service: { 'Fn::Join': ['', ['logs.', { Ref: 'AWS::Region' }, '.', { Ref: 'AWS::URLSuffix' }]] } },
      Resource: '*',
      Condition: {
        ArnLike: {
          'kms:EncryptionContext:aws:logs:arn': {
            'Fn::Join': [
              '',
              [
                'arn:',
                { Ref: 'AWS::Partition' },
                ':logs:',
                { Ref: 'AWS::Region' },
                ':',
                { Ref: 'AWS::AccountId' },
                ':log-group:*',
              ],
            ],
          },
        },
      },
    });
  });

  test('retains its key if it is retained itself', () => {
    const template = templateOf({ encryptLogs: true, logRemovalPolicy: RemovalPolicy.RETAIN });

    expect(Object.values(template.findResources('AWS::KMS::Key'))[0].DeletionPolicy).toBe('Retain');
  });

  test('uses an existing key, and allows CloudWatch Logs to use it', () => {
    const stack = newStack();
    const key = new kms.Key(stack, 'Mine');
    const template = templateOf({ logEncryptionKey: key }, stack);

    expect(logGroupOf(template).Properties.KmsKeyId).toEqual(stack.resolve(key.keyArn));
    expect(JSON.stringify(only(template, 'AWS::KMS::Key').KeyPolicy)).toContain('kms:EncryptionContext:aws:logs:arn');
  });

  test('uses an imported key without changing its policy', () => {
    const stack = newStack();
    const arn = 'arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000';
    const template = templateOf({ logEncryptionKey: kms.Key.fromKeyArn(stack, 'Imported', arn) }, stack);

    expect(logGroupOf(template).Properties.KmsKeyId).toBe(arn);
    expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
  });

  test('is encrypted and retained with PRODUCTION by default', () => {
    const kept = logGroupOf(templateOf(PRODUCTION));
    const not = logGroupOf(templateOf({ ...PRODUCTION, encryptLogs: false, logRemovalPolicy: RemovalPolicy.DESTROY }));

    expect(kept).toMatchObject({ DeletionPolicy: 'Retain', Properties: { KmsKeyId: expect.anything() } });
    expect(not.DeletionPolicy).toBe('Delete');
    expect(not.Properties).not.toHaveProperty('KmsKeyId');
  });
});

describe('events of the service', () => {
  test('are not logged by default', () => {
    templateOf().resourceCountIs('AWS::Events::Rule', 0);
    templateOf().resourceCountIs('AWS::Logs::ResourcePolicy', 0);
  });

  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello', { logServiceEvents: true });
  const template = Template.fromStack(stack);
  const rules = Object.values(template.findResources('AWS::Events::Rule')).map(({ Properties }) => Properties);

  test('are those of this service and of its stopped tasks', () => {
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html
    expect(rules.map(({ EventPattern }) => EventPattern)).toEqual([
      {
        'source': ['aws.ecs'],
        'detail-type': ['ECS Service Action', 'ECS Deployment State Change'],
        'resources': [stack.resolve(hello.service.serviceArn)],
      },
      {
        'source': ['aws.ecs'],
        'detail-type': ['ECS Task State Change'],
        'detail': {
          clusterArn: [stack.resolve(hello.cluster.clusterArn)],
          group: [{ 'Fn::Join': ['', ['service:', stack.resolve(hello.service.serviceName)]] }],
          lastStatus: ['STOPPED'],
        },
      },
    ]);
  });

  test('are written to the log group of the service, which allows only EventBridge to write', () => {
    const arn = {
      'Fn::Join': [
        '',
        [
          'arn:',
          { Ref: 'AWS::Partition' },
          ':logs:',
          { Ref: 'AWS::Region' },
          ':',
          { Ref: 'AWS::AccountId' },
          ':log-group:',
          stack.resolve(hello.logGroup.logGroupName),
        ],
      ],
    };

    rules.forEach(({ Targets }) => expect(Targets).toEqual([{ Arn: arn, Id: 'Target0' }]));
    const policy = only(template, 'AWS::Logs::ResourcePolicy').PolicyDocument;
    // The policy is a string that contains references.
    expect(JSON.stringify(policy)).toMatch(/\[\\"logs:CreateLogStream\\",\\"logs:PutLogEvents\\"\]/);
    expect(JSON.stringify(policy)).toMatch(
      /"Service\\":\[\\"events\.amazonaws\.com\\",\\"delivery\.logs\.amazonaws\.com\\"\]/,
    );
    expect(JSON.stringify(policy)).toContain(JSON.stringify(stack.resolve(hello.logGroup.logGroupArn)));
    expect(JSON.stringify(policy).match(/Effect/g)).toHaveLength(1);
  });

  test('do not need a Lambda function', () => {
    const types = (of: Template) => Object.values<{ Type: string }>(of.toJSON().Resources).map(({ Type }) => Type);
    const added = types(template);
    types(templateOf()).forEach((type) => added.splice(added.indexOf(type), 1));

    expect(added.sort()).toEqual(['AWS::Events::Rule', 'AWS::Events::Rule', 'AWS::Logs::ResourcePolicy']);
  });
});

describe('queries', () => {
  const queries = (props: HelloFargateServiceProps, stack: Stack = newStack()) =>
    Object.values(templateOf(props, stack).findResources('AWS::Logs::QueryDefinition')).map(
      ({ Properties }) => Properties,
    );

  test('are saved with a dashboard by default', () => {
    expect(queries({})).toEqual([]);
    expect(queries({ logInsightsQueries: true })).toHaveLength(3);
    expect(queries({ dashboard: true })).toHaveLength(3);
    expect(queries({ dashboard: true, logInsightsQueries: false })).toEqual([]);
  });

  test('are named after the stack and the service, and search its log group', () => {
    const saved = queries({ logInsightsQueries: true });

    expect(saved.map(({ Name }) => Name)).toEqual([
      'Stack/Hello/errors',
      'Stack/Hello/slowest paths',
      'Stack/Hello/one trace',
    ]);
    saved.forEach(({ LogGroupNames }) => expect(LogGroupNames).toEqual([{ Ref: 'HelloTaskLogGroup618D0418' }]));
  });

  test('use the fields of the example app\'s log lines', () => {
    expect(queries({ logInsightsQueries: true }).map(({ QueryString }) => QueryString.split('\n| '))).toEqual([
      [
        'fields @timestamp, level, message, path, status, traceId, @logStream',
        'filter @message like /(?i)"level": ?"(ERROR|FATAL|CRITICAL)"/',
        'sort @timestamp desc',
        'limit 100',
      ],
      [
        'filter ispresent(responseTime)',
        'stats count(*) as requests, pct(responseTime, 95) as p95, max(responseTime) as slowest by method, path',
        'sort p95 desc',
        'limit 50',
      ],
      [
        'fields @timestamp, level, message, status, responseTime, @logStream',
        'filter traceId = "1-00000000-000000000000000000000000"',
        'sort @timestamp asc',
        'limit 1000',
      ],
    ]);
  });

  test('find error lines of the example app and of other loggers', () => {
    const [errors] = queries({ logInsightsQueries: true });
    const [, pattern] = /like \/\(\?i\)(.*)\/\n/.exec(errors.QueryString)!;
    const finds = (line: object, space = '') =>
      new RegExp(pattern, 'i').test(JSON.stringify(line).replace(/":/g, `":${space}`));

    expect(finds({ level: 'ERROR', timestamp: '2026-11-23T00:00:00.000Z', message: 'GET / 500' })).toBe(true);
    expect(finds({ level: 'fatal' }, ' ')).toBe(true);
    expect(finds({ level: 'INFO', message: 'level ERROR' })).toBe(false);
  });
});

describe('Container Insights', () => {
  const clusterOf = (template: Template): any => Object.values(template.findResources('AWS::ECS::Cluster'))[0];
  const settings = (props: HelloFargateServiceProps) => clusterOf(templateOf(props)).Properties?.ClusterSettings;

  test('is disabled by default, and enabled with PRODUCTION', () => {
    expect(settings({})).toBeUndefined();
    expect(settings({ containerInsights: ecs.ContainerInsights.ENABLED })).toEqual([
      { Name: 'containerInsights', Value: 'enabled' },
    ]);
    expect(settings(PRODUCTION)).toEqual([{ Name: 'containerInsights', Value: 'enhanced' }]);
    expect(settings({ ...PRODUCTION, containerInsights: ecs.ContainerInsights.DISABLED })).toBeUndefined();
  });

  test('fails if two services of a stack have different settings, and names both', () => {
    const stack = newStack();
    new HelloFargateService(stack, 'First', { containerInsights: ecs.ContainerInsights.ENHANCED });

    expect(() => new HelloFargateService(stack, 'Second')).toThrow(
      'Stack/Second: containerInsights is disabled, but the services of a stack share one VPC, '
      + 'and Stack/First has enhanced; ',
    );
    expect(
      () => new HelloFargateService(stack, 'Third', { containerInsights: ecs.ContainerInsights.ENHANCED }),
    ).not.toThrow();
  });

  test('fails with an existing cluster, which PRODUCTION does not change', () => {
    const stack = newStack();
    const cluster = new ecs.Cluster(stack, 'Cluster');

    expect(() => templateOf({ cluster, containerInsights: ecs.ContainerInsights.ENABLED }, stack)).toThrow(
      new Error('Stack/Hello: containerInsights is "enabled", but it would be ignored, '
        + 'because the cluster Stack/Cluster is given; set containerInsightsV2 on that cluster'),
    );
    const other = newStack();
    expect(
      clusterOf(templateOf({ ...PRODUCTION, cluster: new ecs.Cluster(other, 'Cluster') }, other)).Properties
        ?.ClusterSettings,
    ).toBeUndefined();
  });
});

describe('fails with', () => {
  test('a key that would be ignored', () => {
    const stack = newStack();

    expect(() => templateOf({ logEncryptionKey: new kms.Key(stack, 'Mine'), encryptLogs: false }, stack)).toThrow(
      new Error('Stack/Hello: logEncryptionKey is "Stack/Mine", but encryptLogs is false, '
        + 'so the key would be ignored; leave one of the two out'),
    );
  });

  test('an unsupported removal policy', () => {
    expect(() => templateOf({ logRemovalPolicy: RemovalPolicy.SNAPSHOT })).toThrow(
      /logRemovalPolicy is "snapshot", but a log group is either deleted with the stack or kept/,
    );
  });
});
