import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as rds from 'aws-cdk-lib/aws-rds';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Egress, HelloFargateService, HelloFargateServiceProps, SidecarOptions } from '../src';
import { importedVpc } from './support/fixtures';
import { newStack, only, statementsOf } from './support/synth';

const IMAGE = ecs.ContainerImage.fromRegistry('public.ecr.aws/aws-observability/aws-otel-collector:v0.43.0');
const HEALTH_CHECK: ecs.HealthCheck = { command: ['CMD', '/healthcheck'] };
const { START, HEALTHY, COMPLETE, SUCCESS } = ecs.ContainerDependencyCondition;

type Action = (hello: HelloFargateService, stack: Stack) => void;

/** The template of a stack with a service, after an action on the service. */
function after(act: Action, props: HelloFargateServiceProps = {}): Template {
  const stack = newStack();
  act(new HelloFargateService(stack, 'Hello', props), stack);
  return Template.fromStack(stack);
}

const ecrImageOf = (stack: Stack) =>
  ecs.ContainerImage.fromEcrRepository(ecr.Repository.fromRepositoryName(stack, 'Repository', 'otel'));
const tokenOf = (stack: Stack) =>
  ecs.Secret.fromSecretsManager(secretsmanager.Secret.fromSecretNameV2(stack, 'Token', 'token'));
const containersOf = (template: Template): any[] => only(template, 'AWS::ECS::TaskDefinition').ContainerDefinitions;

describe('addSidecar', () => {
  test('takes memory from the app container, logs to the same log group, and is not essential', () => {
    const [app, sidecar] = containersOf(after((hello) => hello.addSidecar('otel', { image: IMAGE })));

    expect(sidecar).toMatchObject({
      Name: 'otel',
      Memory: 128,
      Essential: false,
      LogConfiguration: { Options: { 'awslogs-stream-prefix': 'otel', 'mode': 'non-blocking' } },
    });
    expect(sidecar.LogConfiguration.Options['awslogs-group']).toEqual(app.LogConfiguration.Options['awslogs-group']);
    expect(sidecar).not.toHaveProperty('DependsOn');
    expect(app).not.toHaveProperty('DependsOn');
    expect(app.Memory).toBe(512 - 128);
  });

  test('uses the configured options', () => {
    const options: SidecarOptions = {
      image: IMAGE,
      memoryLimitMiB: 64,
      cpu: 32,
      essential: true,
      command: ['--config=/x'],
      environment: { A: '1' },
      user: '10',
      readonlyRootFilesystem: true,
      healthCheck: HEALTH_CHECK,
    };
    const [app, sidecar] = containersOf(after((hello, stack) =>
      hello.addSidecar('otel', { ...options, secrets: { TOKEN: tokenOf(stack) } })));

    expect(app.Memory).toBe(448);
    expect(sidecar).toMatchObject({
      Memory: 64,
      Cpu: 32,
      Essential: true,
      Command: ['--config=/x'],
      Environment: [{ Name: 'A', Value: '1' }],
      User: '10',
      ReadonlyRootFilesystem: true,
      HealthCheck: { Command: ['CMD', '/healthcheck'] },
      Secrets: [{ Name: 'TOKEN' }],
    });
  });

  test('starts the app container after the dependency conditions are met', () => {
    const [app] = containersOf(after((hello) => {
      hello.addSidecar('proxy', { image: IMAGE, dependencyCondition: START });
      hello.addSidecar('otel', { image: IMAGE, dependencyCondition: HEALTHY, healthCheck: HEALTH_CHECK });
      hello.addSidecar('migration', { image: IMAGE, dependencyCondition: SUCCESS, memoryLimitMiB: 64 });
    }));

    expect(app.DependsOn).toEqual([
      { ContainerName: 'proxy', Condition: 'START' },
      { ContainerName: 'otel', Condition: 'HEALTHY' },
      { ContainerName: 'migration', Condition: 'SUCCESS' },
    ]);
    expect(app.Memory).toBe(512 - 128 - 128 - 64);
  });

  test('creates the VPC endpoint that its secrets need', () => {
    const endpointsAfter = (act: Action) =>
      JSON.stringify(after(act, { egress: Egress.vpcEndpoints() }).findResources('AWS::EC2::VPCEndpoint'));
    const secretsOf = (stack: Stack) => ({ TOKEN: tokenOf(stack) });

    expect(endpointsAfter(() => {})).not.toContain('.secretsmanager');
    expect(endpointsAfter((hello, stack) => {
      hello.addSidecar('otel', { image: ecrImageOf(stack), secrets: secretsOf(stack) });
    })).toContain('.secretsmanager');
    expect(endpointsAfter((hello, stack) => {
      hello.connectTo(hello, { secrets: secretsOf(stack), port: 80 });
    })).toContain('.secretsmanager');
  });

  test('requires an image in ECR with Egress.vpcEndpoints', () => {
    const isolated = (imageOf: (stack: Stack) => ecs.ContainerImage) => () =>
      after((hello, stack) => hello.addSidecar('otel', { image: imageOf(stack) }), { egress: Egress.vpcEndpoints() });

    expect(isolated(ecrImageOf)).not.toThrow();
    expect(isolated(() => IMAGE)).toThrow(new RegExp('Stack/Hello: addSidecar\\.image is ".*", but with '
      + 'Egress\\.vpcEndpoints isolated subnets cannot reach its registry; push the image to ECR'));
  });

  test.each<[string, string, Partial<SidecarOptions>, RegExp]>([
    ['the name of the app container', 'app', {},
      /Stack\/Hello: addSidecar\.name is "app", but the task already has a container with that name; choose another/],
    ['a name with a space', 'a b', {}, /addSidecar\.name is "a b", but the name of a container/],
    ['memory of 0', 'otel', { memoryLimitMiB: 0 },
      /addSidecar\.memoryLimitMiB is 0, but it is a whole number from 6/],
    ['fractional memory', 'otel', { memoryLimitMiB: 64.5 }, /addSidecar\.memoryLimitMiB is 64\.5/],
    ['all memory of the task', 'otel', { memoryLimitMiB: 512 },
      /memoryLimitMiB is 512, but the task has 512 MiB left, .*; lower it, or increase memoryLimitMiB of the service/],
    ['HEALTHY without a health check', 'otel', { dependencyCondition: HEALTHY },
      /addSidecar\.dependencyCondition is "HEALTHY", but the sidecar has no healthCheck; set healthCheck, or /],
    ['COMPLETE if it is essential', 'otel', { dependencyCondition: COMPLETE, essential: true },
      /addSidecar\.dependencyCondition is "COMPLETE", but the task stops when an essential container exits; leave/],
    ['SUCCESS if it is essential', 'otel', { dependencyCondition: SUCCESS, essential: true },
      /addSidecar\.dependencyCondition is "SUCCESS", but the task stops when an essential container exits/],
  ])('fails with %s', (_what, name, options, message) => {
    expect(() => after((hello) => hello.addSidecar(name, { image: IMAGE, ...options }))).toThrow(message);
  });
});

test('containers that are added with CDK take memory from the app container too', () => {
  const logging = ecs.LogDrivers.awsLogs({ streamPrefix: 'x' });
  const added = after((hello) =>
    hello.taskDefinition.addContainer('theirs', { image: IMAGE, memoryReservationMiB: 100, logging }));
  const withRouter = after(() => {}, { logDriver: ecs.LogDrivers.firelens({ options: { Name: 'null' } }) });
  const memoryOf = (template: Template) => containersOf(template)
    .map(({ Name, Memory, MemoryReservation }) => [Name, Memory ?? MemoryReservation]);

  expect(memoryOf(added)).toEqual([['app', 412], ['theirs', 100]]);
  expect(memoryOf(withRouter)).toEqual([['app', 462], ['log-router', 50]]);
  expect(containersOf(withRouter)[0].LogConfiguration)
    .toEqual({ LogDriver: 'awsfirelens', Options: { Name: 'null' } });
});

describe('connectTo', () => {
  const newDatabase = (stack: Stack, vpc: ec2.IVpc) => new rds.DatabaseCluster(stack, 'Database', {
    engine: rds.DatabaseClusterEngine.auroraPostgres({ version: rds.AuroraPostgresEngineVersion.VER_17_4 }),
    writer: rds.ClusterInstance.serverlessV2('writer'),
    vpc,
    vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
  });

  test('allows traffic from the tasks to a database, and adds the connection details to the container', () => {
    const template = after((hello, stack) => {
      const database = newDatabase(stack, hello.vpc);
      hello.connectTo(database, {
        environment: { DATABASE_HOST: database.clusterEndpoint.hostname },
        secrets: { DATABASE_PASSWORD: ecs.Secret.fromSecretsManager(database.secret!, 'password') },
      });
    });
    const [databaseGroup] = Object.keys(template.findResources('AWS::EC2::SecurityGroup', {
      Properties: { GroupDescription: Match.stringLikeRegexp('RDS') },
    }));
    const rules = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'))
      .map(({ Properties }) => Properties)
      .filter(({ GroupId }) => GroupId['Fn::GetAtt'][0] === databaseGroup);
    const ofDatabase = (attribute: string) => ({ 'Fn::GetAtt': [expect.stringMatching(/^Database/), attribute] });
    const [{ Environment, Secrets }] = containersOf(template);

    expect(rules).toEqual([expect.objectContaining({
      SourceSecurityGroupId: { 'Fn::GetAtt': [expect.stringMatching(/^HelloSecurityGroup/), 'GroupId'] },
      FromPort: ofDatabase('Endpoint.Port'),
    })]);
    expect(Environment).toContainEqual({ Name: 'DATABASE_HOST', Value: ofDatabase('Endpoint.Address') });
    expect(Secrets).toEqual([expect.objectContaining({ Name: 'DATABASE_PASSWORD' })]);
  });

  test('creates no dependency cycle with a database in another stack', () => {
    const app = new App();
    const data = new Stack(app, 'Data');
    const vpc = new ec2.Vpc(data, 'Vpc', { maxAzs: 2 });
    const database = newDatabase(data, vpc);
    const stack = new Stack(app, 'Stack');
    const hello = new HelloFargateService(stack, 'Hello', { vpc });
    hello.connectTo(database, { environment: { DATABASE_HOST: database.clusterEndpoint.hostname } });

    expect(() => app.synth()).not.toThrow();
    Template.fromStack(stack)
      .hasResourceProperties('AWS::EC2::SecurityGroupIngress', { SourceSecurityGroupId: Match.anyValue() });
  });

  test('adds no warnings', () => {
    const stack = newStack();
    const hello = new HelloFargateService(stack, 'Hello');
    hello.connectTo(newDatabase(stack, hello.vpc));

    expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
  });

  test('accepts a port, and another service', () => {
    const template = after((hello, stack) =>
      hello.connectTo(new HelloFargateService(stack, 'World'), { port: 8080 }));

    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      FromPort: 8080,
      GroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^WorldSecurityGroup'), 'GroupId'] },
      SourceSecurityGroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^HelloSecurityGroup'), 'GroupId'] },
    });
  });

  test.each<[string, Action, RegExp]>([
    ['no port', (hello, stack) => hello.connectTo(new HelloFargateService(stack, 'World')),
      /Stack\/Hello: connectTo\.port is not set, but the target has no default port; set the port/],
    ['a port above 65535', (hello) => hello.connectTo(hello, { port: 65536 }), /connectTo\.port is 65536/],
    ['a variable that the construct sets',
      (hello) => hello.connectTo(hello, { port: 80, environment: { PORT: '1' } }),
      /connectTo\.environment\.PORT is "1", but the container already has a variable with that name/],
    ['a variable that exists', (hello) => {
      hello.connectTo(hello, { port: 80, environment: { A: '1' } });
      hello.connectTo(hello, { port: 80, environment: { A: '2' } });
    }, /connectTo\.environment\.A is "2"/],
    ['a secret and a variable with the same name',
      (hello, stack) => hello.connectTo(hello, { port: 80, environment: { A: '1' }, secrets: { A: tokenOf(stack) } }),
      /connectTo\.secrets\.A is a secret, but the container already has a variable with that name/],
    ['an invalid variable name', (hello) => hello.connectTo(hello, { port: 80, environment: { '1A': '1' } }),
      /connectTo\.environment is "1A"/],
    ['a target without a security group',
      (hello) => hello.connectTo({ connections: new ec2.Connections() }, { port: 80 }),
      /connectTo\.other is without a security group/],
  ])('fails with %s', (_what, act, message) => {
    expect(() => after(act)).toThrow(message);
  });
});

describe('runTaskCommand', () => {
  /** The command, with `<ID>` in place of a reference to a resource. */
  function commandWith(command: string[], props?: HelloFargateServiceProps): string {
    const template = after((hello, stack) => {
      new CfnOutput(stack, 'Migrate', { value: hello.runTaskCommand(command) });
    }, props);
    const parts: unknown[] = template.toJSON().Outputs.Migrate.Value['Fn::Join'][1];
    const idOf = (reference: unknown) => JSON.stringify(reference).match(/"(?:Ref|Fn::GetAtt)":\[?"([^"]*)/)![1];
    return parts.map((part) => typeof part === 'string' ? part : `<${idOf(part)}>`).join('');
  }

  test('runs the deployed task definition in the network of the service', () => {
    expect(commandWith(['node', 'migrate.js'])).toBe('aws ecs run-task --region <AWS::Region>'
      + ' --cluster <HelloFargateNetworkClusterB8CFED4E> --task-definition <HelloTaskTaskDefinition91E3669F>'
      + ' --capacity-provider-strategy capacityProvider=FARGATE,weight=1'
      + ' --network-configuration \'awsvpcConfiguration={subnets=[<HelloFargateNetworkVpcpublicSubnet1Subnet1FB81AB9>,'
      + '<HelloFargateNetworkVpcpublicSubnet2Subnet782B6895>],'
      + 'securityGroups=[<HelloSecurityGroup2CD05535>],assignPublicIp=ENABLED}\''
      + ' --overrides \'{"containerOverrides":[{"name":"app","command":["node","migrate.js"]}]}\'');
  });

  test('assigns no public address if the tasks have none', () => {
    expect(commandWith(['true'], { egress: Egress.natGateway() })).toContain('assignPublicIp=DISABLED');
  });

  test('quotes the command for a shell', () => {
    expect(commandWith(['sh', '-c', 'echo \'done\''])).toContain('["sh","-c","echo \'\\\'\'done\'\\\'\'"]');
  });

  test('fails with an empty command', () => {
    expect(() => commandWith([])).toThrow(/Stack\/Hello: runTaskCommand\.command is \[\]/);
  });
});

describe('ECS Exec sessions', () => {
  const sessions = { enableExecuteCommand: true };
  const actionsOf = (statements: Record<string, any>[]): string[] => statements.flatMap(({ Action }) => Action);

  test('are encrypted and logged in a cluster of the construct', () => {
    const template = after(() => {}, sessions);
    const [[keyId, { Properties: { KeyPolicy } }]] = Object.entries(template.findResources('AWS::KMS::Key'));
    const logGroupIds = Object.keys(template.findResources('AWS::Logs::LogGroup'));
    const KmsKeyId = { 'Fn::GetAtt': [keyId, 'Arn'] };

    expect(only(template, 'AWS::ECS::Cluster').Configuration.ExecuteCommandConfiguration).toEqual({
      KmsKeyId,
      Logging: 'OVERRIDE',
      LogConfiguration: {
        CloudWatchEncryptionEnabled: true,
        CloudWatchLogGroupName: { Ref: logGroupIds.find((id) => /Sessions/.test(id)) },
      },
    });
    template.hasResourceProperties('AWS::Logs::LogGroup', { KmsKeyId, RetentionInDays: 30 });
    expect(JSON.stringify(KeyPolicy)).toContain('kms:EncryptionContext:aws:logs:arn');
    expect(only(template, 'AWS::ECS::Service').EnableExecuteCommand).toBe(true);
  });

  test('can write to no other log group', () => {
    const statements = statementsOf(after(() => {}, sessions)).filter(({ Resource }) => Resource === '*');
    const actions = actionsOf(statements).filter((action) => action !== 'ecr:GetAuthorizationToken');

    expect(actions).toContain('ssmmessages:OpenDataChannel');
    expect(actions.filter((action) => !action.startsWith('ssmmessages:'))).toEqual([]);
  });

  test('share the key and the log group of the cluster, and do not affect a service without sessions', () => {
    const stack = newStack();
    new HelloFargateService(stack, 'Quiet');
    new HelloFargateService(stack, 'Hello', sessions);
    new HelloFargateService(stack, 'World', sessions);
    const template = Template.fromStack(stack);
    const logGroupIds = Object.keys(template.findResources('AWS::Logs::LogGroup'));
    const enabled = Object.values(template.findResources('AWS::ECS::Service'))
      .map(({ Properties }) => Properties.EnableExecuteCommand ?? false);

    template.resourceCountIs('AWS::KMS::Key', 1);
    expect(logGroupIds.filter((id) => /Sessions/.test(id))).toHaveLength(1);
    expect(enabled.sort()).toEqual([false, true, true]);
  });

  test('use the executeCommandConfiguration of a given cluster', () => {
    const stack = newStack();
    const cluster = new ecs.Cluster(stack, 'Cluster', {
      vpc: new ec2.Vpc(stack, 'Vpc'),
      executeCommandConfiguration: {
        kmsKey: new kms.Key(stack, 'Key'),
        logging: ecs.ExecuteCommandLogging.OVERRIDE,
        logConfiguration: {
          cloudWatchLogGroup: new logs.LogGroup(stack, 'Theirs'),
          cloudWatchEncryptionEnabled: true,
        },
      },
    });
    new HelloFargateService(stack, 'Hello', { ...sessions, cluster });
    const template = Template.fromStack(stack);

    template.resourceCountIs('AWS::KMS::Key', 1);
    expect(only(template, 'AWS::ECS::Service').EnableExecuteCommand).toBe(true);
    expect(JSON.stringify(template.findResources('AWS::IAM::Policy'))).toContain('ssmmessages:OpenDataChannel');
  });

  test('do not change a given cluster without a configuration', () => {
    const stack = newStack();
    const cluster = new ecs.Cluster(stack, 'Cluster', { vpc: new ec2.Vpc(stack, 'Vpc') });
    new HelloFargateService(stack, 'Hello', { ...sessions, cluster });
    const template = Template.fromStack(stack);

    expect(only(template, 'AWS::ECS::Cluster') ?? {}).not.toHaveProperty('Configuration');
    template.resourceCountIs('AWS::KMS::Key', 0);
  });

  test('of an imported cluster get only the permissions for the session itself', () => {
    const stack = newStack();
    const vpc = importedVpc(stack);
    const cluster = ecs.Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'theirs', vpc });
    new HelloFargateService(stack, 'Hello', { ...sessions, cluster });
    const template = Template.fromStack(stack);
    const [[, { Properties }]] = Object.entries(template.findResources('AWS::IAM::Policy'))
      .filter(([id]) => /TaskRole/.test(id));

    expect(only(template, 'AWS::ECS::Service').EnableExecuteCommand).toBe(true);
    expect(actionsOf(Properties.PolicyDocument.Statement)).toEqual([
      'ssmmessages:CreateControlChannel',
      'ssmmessages:CreateDataChannel',
      'ssmmessages:OpenControlChannel',
      'ssmmessages:OpenDataChannel',
    ]);
  });
});
