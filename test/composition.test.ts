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

/** A stack with a service, and what is done with it after it is made. */
function after(act: (hello: HelloFargateService, stack: Stack) => void, props: HelloFargateServiceProps = {}): Template {
  const stack = newStack();
  act(new HelloFargateService(stack, 'Hello', props), stack);
  return Template.fromStack(stack);
}
const inEcr = (stack: Stack) => ecs.ContainerImage.fromEcrRepository(ecr.Repository.fromRepositoryName(stack, 'Repository', 'otel'));
const containersOf = (template: Template): any[] => only(template, 'AWS::ECS::TaskDefinition').ContainerDefinitions;

describe('addSidecar', () => {
  test('takes its memory from the app, logs beside it, and may exit', () => {
    const [app, sidecar] = containersOf(after((hello) => hello.addSidecar('otel', { image: IMAGE })));

    expect(sidecar).toMatchObject({ Name: 'otel', Memory: 128, Essential: false, LogConfiguration: { Options: { 'awslogs-stream-prefix': 'otel', 'mode': 'non-blocking' } } });
    expect(sidecar.LogConfiguration.Options['awslogs-group']).toEqual(app.LogConfiguration.Options['awslogs-group']);
    expect(app.Memory).toBe(512 - 128);
  });

  test('takes what it is told', () => {
    const options: SidecarOptions = {
      image: IMAGE,
      memoryLimitMiB: 64,
      cpu: 32,
      essential: true,
      command: ['--config=/x'],
      environment: { A: '1' },
      user: '10',
      readonlyRootFilesystem: true,
      healthCheck: { command: ['CMD', '/healthcheck'] },
    };
    const [app, sidecar] = containersOf(after((hello, stack) => hello.addSidecar('otel', {
      ...options, secrets: { TOKEN: ecs.Secret.fromSecretsManager(secretsmanager.Secret.fromSecretNameV2(stack, 'Token', 'token')) },
    })));

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

  test('starts first, and is healthy first where it can say so', () => {
    const template = after((hello) => {
      hello.addSidecar('proxy', { image: IMAGE, startFirst: true });
      hello.addSidecar('otel', { image: IMAGE, startFirst: true, healthCheck: { command: ['CMD', '/healthcheck'] } });
    });

    expect(containersOf(template)[0].DependsOn).toEqual([{ ContainerName: 'proxy', Condition: 'START' }, { ContainerName: 'otel', Condition: 'HEALTHY' }]);
    expect(containersOf(template)[0].Memory).toBe(256);
  });

  test('has the endpoint that its secrets need', () => {
    const endpoints = (act: (hello: HelloFargateService, stack: Stack) => void) =>
      JSON.stringify(after(act, { egress: Egress.vpcEndpoints() }).findResources('AWS::EC2::VPCEndpoint'));
    const secrets = (stack: Stack) => ({ TOKEN: ecs.Secret.fromSecretsManager(secretsmanager.Secret.fromSecretNameV2(stack, 'Token', 'token')) });

    expect(endpoints(() => {})).not.toContain('.secretsmanager');
    expect(endpoints((hello, stack) => hello.addSidecar('otel', { image: inEcr(stack), secrets: secrets(stack) }))).toContain('.secretsmanager');
    expect(endpoints((hello, stack) => hello.connectTo(hello, { secrets: secrets(stack), port: 80 }))).toContain('.secretsmanager');
  });

  test('is of an image in ECR where tasks reach nothing else', () => {
    const isolated = (image: (stack: Stack) => ecs.ContainerImage) => () => after((hello, stack) => hello.addSidecar('otel', { image: image(stack) }), { egress: Egress.vpcEndpoints() });

    expect(isolated(inEcr)).not.toThrow();
    expect(isolated(() => IMAGE)).toThrow(/Stack\/Hello: addSidecar\.image is ".*", but with Egress\.vpcEndpoints\(\) its registry is not reached from isolated subnets; push the image to ECR/);
  });

  test.each<[string, string, Partial<SidecarOptions>, RegExp]>([
    ['the name of the app', 'app', {}, /Stack\/Hello: addSidecar\.name is "app", but the task has a container of that name; choose another/],
    ['a name with a space', 'a b', {}, /addSidecar\.name is "a b", but the name of a container/],
    ['no memory', 'otel', { memoryLimitMiB: 0 }, /addSidecar\.memoryLimitMiB is 0, but it is a whole number from 6/],
    ['half a MiB', 'otel', { memoryLimitMiB: 64.5 }, /addSidecar\.memoryLimitMiB is 64\.5/],
    ['all memory', 'otel', { memoryLimitMiB: 512 }, /addSidecar\.memoryLimitMiB is 512, but the task has 512 MiB left, .*; lower it, or raise memoryLimitMiB of the service/],
  ])('fails with %s', (_what, name, options, message) => {
    expect(() => after((hello) => hello.addSidecar(name, { image: IMAGE, ...options }))).toThrow(message);
  });
});

test('containers that are added without us take their memory from the app too', () => {
  const template = after((hello) => hello.taskDefinition.addContainer('theirs', { image: IMAGE, memoryReservationMiB: 100, logging: ecs.LogDrivers.awsLogs({ streamPrefix: 'x' }) }));
  const router = after(() => {}, { logDriver: ecs.LogDrivers.firelens({ options: { Name: 'null' } }) });
  const memoryOf = (of: Template) => containersOf(of).map(({ Name, Memory, MemoryReservation }) => [Name, Memory ?? MemoryReservation]);

  expect(memoryOf(template)).toEqual([['app', 412], ['theirs', 100]]);
  expect(memoryOf(router)).toEqual([['app', 462], ['log-router', 50]]);
  expect(containersOf(router)[0].LogConfiguration).toEqual({ LogDriver: 'awsfirelens', Options: { Name: 'null' } });
});

describe('connectTo', () => {
  const database = (stack: Stack, vpc: ec2.IVpc) => new rds.DatabaseCluster(stack, 'Database', {
    engine: rds.DatabaseClusterEngine.auroraPostgres({ version: rds.AuroraPostgresEngineVersion.VER_17_4 }),
    writer: rds.ClusterInstance.serverlessV2('writer'),
    vpc,
    vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
  });

  test('opens the security group of a database to the tasks alone, and tells the container', () => {
    const template = after((hello, stack) => {
      const db = database(stack, hello.vpc);
      hello.connectTo(db, {
        environment: { DATABASE_HOST: db.clusterEndpoint.hostname },
        secrets: { DATABASE_PASSWORD: ecs.Secret.fromSecretsManager(db.secret!, 'password') },
      });
    });
    const [group] = Object.keys(template.findResources('AWS::EC2::SecurityGroup', { Properties: { GroupDescription: Match.stringLikeRegexp('RDS') } }));
    const ingress = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).map(({ Properties }) => Properties)
      .filter(({ GroupId }) => GroupId['Fn::GetAtt'][0] === group);

    expect(ingress).toEqual([expect.objectContaining({ SourceSecurityGroupId: { 'Fn::GetAtt': [expect.stringMatching(/^HelloSecurityGroup/), 'GroupId'] } })]);
    expect(ingress[0].FromPort).toEqual({ 'Fn::GetAtt': [expect.stringMatching(/^Database/), 'Endpoint.Port'] });
    expect(containersOf(template)[0].Environment).toContainEqual({ Name: 'DATABASE_HOST', Value: { 'Fn::GetAtt': [expect.stringMatching(/^Database/), 'Endpoint.Address'] } });
    expect(containersOf(template)[0].Secrets).toEqual([expect.objectContaining({ Name: 'DATABASE_PASSWORD' })]);
  });

  test('a database of another stack makes no cycle', () => {
    const app = new App();
    const data = new Stack(app, 'Data');
    const vpc = new ec2.Vpc(data, 'Vpc', { maxAzs: 2 });
    const db = database(data, vpc);
    const stack = new Stack(app, 'Stack');
    const hello = new HelloFargateService(stack, 'Hello', { vpc });
    hello.connectTo(db, { environment: { DATABASE_HOST: db.clusterEndpoint.hostname } });

    expect(() => app.synth()).not.toThrow();
    Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroupIngress', { SourceSecurityGroupId: Match.anyValue() });
  });

  test('warns of nothing', () => {
    const stack = newStack();
    const hello = new HelloFargateService(stack, 'Hello');
    hello.connectTo(database(stack, hello.vpc));

    expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
  });

  test('takes another port, and another service', () => {
    const template = after((hello, stack) => hello.connectTo(new HelloFargateService(stack, 'World'), { port: 8080 }));

    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      FromPort: 8080,
      GroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^WorldSecurityGroup'), 'GroupId'] },
      SourceSecurityGroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^HelloSecurityGroup'), 'GroupId'] },
    });
  });

  test.each<[string, (hello: HelloFargateService, stack: Stack) => void, RegExp]>([
    ['no port', (hello, stack) => hello.connectTo(new HelloFargateService(stack, 'World')), /Stack\/Hello: connectTo\.port is not given, but what you connect to has no default port; give the port/],
    ['a port above 65535', (hello) => hello.connectTo(hello, { port: 65536 }), /connectTo\.port is 65536/],
    ['a variable of the contract', (hello) => hello.connectTo(hello, { port: 80, environment: { PORT: '1' } }), /connectTo\.environment\.PORT is "1", but the container has that name already/],
    ['the same name twice', (hello) => {
      hello.connectTo(hello, { port: 80, environment: { A: '1' } });
      hello.connectTo(hello, { port: 80, environment: { A: '2' } });
    }, /connectTo\.environment\.A is "2"/],
    ['a bad name', (hello) => hello.connectTo(hello, { port: 80, environment: { '1A': '1' } }), /connectTo\.environment is "1A"/],
    ['nothing that could be opened', (hello) => hello.connectTo({ connections: new ec2.Connections() }, { port: 80 }), /connectTo\.other is without a security group/],
  ])('fails with %s', (_what, act, message) => {
    expect(() => after(act)).toThrow(message);
  });
});

describe('runTaskCommand', () => {
  const commandOf = (command: string[], props?: HelloFargateServiceProps) => {
    const template = after((hello, stack) => new CfnOutput(stack, 'Migrate', { value: hello.runTaskCommand(command) }), props);
    const { Value } = template.toJSON().Outputs.Migrate;
    return (Value['Fn::Join'][1] as unknown[]).map((part) => typeof part === 'string' ? part : `<${JSON.stringify(part).match(/"(?:Ref|Fn::GetAtt)":\[?"([^"]*)/)![1]}>`).join('');
  };

  test('runs the deployed task definition where the service runs', () => {
    expect(commandOf(['node', 'migrate.js'])).toBe('aws ecs run-task --region <AWS::Region> --cluster <HelloFargateNetworkClusterB8CFED4E>'
      + ' --task-definition <HelloTaskTaskDefinition91E3669F> --capacity-provider-strategy capacityProvider=FARGATE,weight=1'
      + ' --network-configuration \'awsvpcConfiguration={subnets=[<HelloFargateNetworkVpcpublicSubnet1Subnet1FB81AB9>,<HelloFargateNetworkVpcpublicSubnet2Subnet782B6895>],'
      + 'securityGroups=[<HelloSecurityGroup2CD05535>],assignPublicIp=ENABLED}\''
      + ' --overrides \'{"containerOverrides":[{"name":"app","command":["node","migrate.js"]}]}\'');
  });

  test('without a public address where the tasks have none, and quoted for a shell', () => {
    const command = commandOf(['sh', '-c', 'echo \'done\''], { egress: Egress.natGateway() });

    expect(command).toContain('assignPublicIp=DISABLED');
    expect(command).toContain('["sh","-c","echo \'\\\'\'done\'\\\'\'"]');
  });

  test('fails with nothing to run', () => {
    expect(() => commandOf([])).toThrow(/Stack\/Hello: runTaskCommand\.command is \[\]/);
  });
});

describe('sessions of ECS Exec', () => {
  const sessions = { enableExecuteCommand: true };

  test('are encrypted and logged in a cluster that is made here', () => {
    const template = after(() => {}, sessions);
    const [[key, { Properties: { KeyPolicy } }]] = Object.entries(template.findResources('AWS::KMS::Key'));
    const [group] = Object.entries(template.findResources('AWS::Logs::LogGroup')).find(([id]) => /Sessions/.test(id))!;

    expect(only(template, 'AWS::ECS::Cluster').Configuration.ExecuteCommandConfiguration).toEqual({
      KmsKeyId: { 'Fn::GetAtt': [key, 'Arn'] }, Logging: 'OVERRIDE', LogConfiguration: { CloudWatchEncryptionEnabled: true, CloudWatchLogGroupName: { Ref: group } },
    });
    template.hasResourceProperties('AWS::Logs::LogGroup', { KmsKeyId: { 'Fn::GetAtt': [key, 'Arn'] }, RetentionInDays: 30 });
    expect(JSON.stringify(KeyPolicy)).toContain('kms:EncryptionContext:aws:logs:arn');
    expect(only(template, 'AWS::ECS::Service').EnableExecuteCommand).toBe(true);
  });

  test('may write nowhere else', () => {
    const statements = statementsOf(after(() => {}, sessions));
    const everywhere = statements.filter(({ Resource }) => Resource === '*').flatMap(({ Action }) => Action);

    expect(everywhere).toContain('ssmmessages:OpenDataChannel');
    expect(everywhere.filter((action) => !action.startsWith('ssmmessages:') && action !== 'ecr:GetAuthorizationToken')).toEqual([]);
  });

  test('two services share the key and the log group, and a third one without sessions has no part in them', () => {
    const stack = newStack();
    new HelloFargateService(stack, 'Quiet');
    new HelloFargateService(stack, 'Hello', sessions);
    new HelloFargateService(stack, 'World', sessions);
    const template = Template.fromStack(stack);

    template.resourceCountIs('AWS::KMS::Key', 1);
    expect(Object.keys(template.findResources('AWS::Logs::LogGroup')).filter((id) => /Sessions/.test(id))).toHaveLength(1);
    expect(Object.values(template.findResources('AWS::ECS::Service')).map(({ Properties }) => Properties.EnableExecuteCommand ?? false).sort()).toEqual([false, true, true]);
  });

  test('are as a cluster of the user says', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc');
    const cluster = new ecs.Cluster(stack, 'Cluster', {
      vpc,
      executeCommandConfiguration: {
        kmsKey: new kms.Key(stack, 'Key'),
        logging: ecs.ExecuteCommandLogging.OVERRIDE,
        logConfiguration: { cloudWatchLogGroup: new logs.LogGroup(stack, 'Theirs'), cloudWatchEncryptionEnabled: true },
      },
    });
    new HelloFargateService(stack, 'Hello', { ...sessions, cluster });
    const template = Template.fromStack(stack);

    template.resourceCountIs('AWS::KMS::Key', 1);
    expect(only(template, 'AWS::ECS::Service').EnableExecuteCommand).toBe(true);
    expect(JSON.stringify(template.findResources('AWS::IAM::Policy'))).toContain('ssmmessages:OpenDataChannel');
  });

  test('leave a cluster of the user that says nothing as it is', () => {
    const stack = newStack();
    new HelloFargateService(stack, 'Hello', { ...sessions, cluster: new ecs.Cluster(stack, 'Cluster', { vpc: new ec2.Vpc(stack, 'Vpc') }) });
    const template = Template.fromStack(stack);

    expect(only(template, 'AWS::ECS::Cluster') ?? {}).not.toHaveProperty('Configuration');
    template.resourceCountIs('AWS::KMS::Key', 0);
  });

  test('of an imported cluster are allowed by no more than the session itself', () => {
    const stack = newStack();
    const vpc = importedVpc(stack);
    const cluster = ecs.Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'theirs', vpc });
    new HelloFargateService(stack, 'Hello', { ...sessions, cluster });
    const template = Template.fromStack(stack);
    const [[, { Properties }]] = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([id]) => /TaskRole/.test(id));

    expect(only(template, 'AWS::ECS::Service').EnableExecuteCommand).toBe(true);
    expect(Properties.PolicyDocument.Statement.flatMap(({ Action }: { Action: string[] }) => Action)).toEqual([
      'ssmmessages:CreateControlChannel', 'ssmmessages:CreateDataChannel', 'ssmmessages:OpenControlChannel', 'ssmmessages:OpenDataChannel',
    ]);
  });
});

describe('ephemeralStorageGiB', () => {
  test('is what each task has, unless it is told', () => {
    expect(only(after(() => {}), 'AWS::ECS::TaskDefinition')).not.toHaveProperty('EphemeralStorage');
    expect(only(after(() => {}, { ephemeralStorageGiB: 50 }), 'AWS::ECS::TaskDefinition').EphemeralStorage).toEqual({ SizeInGiB: 50 });
  });

  test.each([20, 201, 30.5])('fails with %s', (ephemeralStorageGiB) => {
    expect(() => after(() => {}, { ephemeralStorageGiB })).toThrow(/ephemeralStorageGiB is .*, but more storage than the 20 GiB that each task has is a whole number from 21 to 200/);
  });
});
