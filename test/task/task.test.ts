import { Duration, Lazy, SecretValue } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { containerOf, environmentOf, newStack, only, statementsOf, templateOf } from '../support/synth';

const OWN_IMAGE = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');

describe('size', () => {
  test('is a quarter vCPU and 512 MiB on ARM64 by default', () => {
    const template = templateOf();

    expect(only(template, 'AWS::ECS::TaskDefinition')).toMatchObject({
      Cpu: '256',
      Memory: '512',
      NetworkMode: 'awsvpc',
      RequiresCompatibilities: ['FARGATE'],
      RuntimePlatform: { CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' },
    });
    expect(containerOf(template).Memory).toBe(512);
  });

  test('can be set', () => {
    const template = templateOf({ cpu: 1024, memoryLimitMiB: 4096, architecture: ecs.CpuArchitecture.X86_64 });

    expect(only(template, 'AWS::ECS::TaskDefinition')).toMatchObject({
      Cpu: '1024',
      Memory: '4096',
      RuntimePlatform: { CpuArchitecture: 'X86_64' },
    });
    expect(containerOf(template).Memory).toBe(4096);
  });

  test.each([[256, 512], [512, 1024], [1024, 2048], [2048, 4096], [4096, 8192], [8192, 16384], [16384, 32768]])(
    'with cpu %i alone has the smallest memory that goes with it, %i MiB', (cpu, memory) => {
      expect(only(templateOf({ cpu }), 'AWS::ECS::TaskDefinition').Memory).toBe(String(memory));
    });

  test('can be a token', () => {
    const number = (value: number) => Lazy.number({ produce: () => value });

    expect(only(templateOf({ cpu: number(300), memoryLimitMiB: number(700) }), 'AWS::ECS::TaskDefinition')).toMatchObject({ Cpu: '300', Memory: '700' });
  });
});

describe('the example app', () => {
  test('runs as a user of its own on a read-only root with a writable /tmp and no capabilities', () => {
    const template = templateOf();

    expect(containerOf(template)).toMatchObject({
      User: '1000:1000',
      ReadonlyRootFilesystem: true,
      MountPoints: [{ SourceVolume: 'tmp', ContainerPath: '/tmp', ReadOnly: false }],
      LinuxParameters: { InitProcessEnabled: true, Capabilities: { Drop: ['ALL'] } },
    });
    expect(only(template, 'AWS::ECS::TaskDefinition').Volumes).toEqual([{ Name: 'tmp' }]);
  });

  test('is checked in its container without a shell or curl', () => {
    const { Command } = containerOf(templateOf()).HealthCheck;

    expect(Command[0]).toBe('CMD');
    expect(Command[1]).toBe('node');
  });

  test('keeps the command and entry point of its image', () => {
    const container = containerOf(templateOf());

    expect(container).not.toHaveProperty('Command');
    expect(container).not.toHaveProperty('EntryPoint');
  });
});

describe('an own image', () => {
  test('keeps its user, its writable root and its capabilities, and has no container health check', () => {
    const template = templateOf({ image: OWN_IMAGE });
    const container = containerOf(template);

    expect(container.Image).toBe('public.ecr.aws/nginx/nginx:1.29');
    expect(container.ReadonlyRootFilesystem).toBe(false);
    expect(container).not.toHaveProperty('User');
    expect(container).not.toHaveProperty('HealthCheck');
    expect(container).not.toHaveProperty('MountPoints');
    expect(container.LinuxParameters.Capabilities).not.toHaveProperty('Drop');
    expect(container.LinuxParameters.InitProcessEnabled).toBe(true);
  });

  test('is given user, read-only root, command and entry point when told', () => {
    const template = templateOf({ image: OWN_IMAGE, user: '101', readonlyRootFilesystem: true, command: ['serve'], entryPoint: ['/app'] });

    expect(containerOf(template)).toMatchObject({
      User: '101',
      ReadonlyRootFilesystem: true,
      MountPoints: [{ ContainerPath: '/tmp' }],
      Command: ['serve'],
      EntryPoint: ['/app'],
    });
  });
});

test('the root filesystem of the example app can be made writable', () => {
  const template = templateOf({ readonlyRootFilesystem: false });

  expect(containerOf(template).ReadonlyRootFilesystem).toBe(false);
  expect(only(template, 'AWS::ECS::TaskDefinition')).not.toHaveProperty('Volumes');
});

describe('ECS Exec', () => {
  test('is off by default', () => {
    expect(only(templateOf(), 'AWS::ECS::Service').EnableExecuteCommand).toBeUndefined();
  });

  test('makes the root filesystem of the example app writable, for its agent', () => {
    const template = templateOf({ enableExecuteCommand: true });

    expect(only(template, 'AWS::ECS::Service').EnableExecuteCommand).toBe(true);
    expect(containerOf(template).ReadonlyRootFilesystem).toBe(false);
  });
});

describe('port', () => {
  test('is 8080 by default, and told to the container', () => {
    const template = templateOf();

    expect(containerOf(template).PortMappings).toEqual([{ Name: 'http', ContainerPort: 8080, Protocol: 'tcp' }]);
    expect(environmentOf(template).PORT).toBe('8080');
    expect(only(template, 'AWS::ECS::Service').LoadBalancers[0]).toMatchObject({ ContainerName: 'app', ContainerPort: 8080 });
  });

  test('can be set, in all the places that need it', () => {
    const template = templateOf({ containerPort: 3000 });

    expect(containerOf(template).PortMappings).toEqual([{ Name: 'http', ContainerPort: 3000, Protocol: 'tcp' }]);
    expect(environmentOf(template).PORT).toBe('3000');
    expect(only(template, 'AWS::ECS::Service').LoadBalancers[0].ContainerPort).toBe(3000);
    expect(only(template, 'AWS::EC2::SecurityGroupIngress')).toMatchObject({ FromPort: 3000, ToPort: 3000 });
  });
});

describe('environment and secrets', () => {
  test('are only what the construct sets, by default', () => {
    const template = templateOf();

    expect(Object.keys(environmentOf(template)).sort()).toEqual(['KEEP_ALIVE_TIMEOUT_MS', 'PORT', 'SHUTDOWN_DELAY_MS', 'SHUTDOWN_TIMEOUT_MS']);
    expect(containerOf(template)).not.toHaveProperty('Secrets');
  });

  test('can be set, and a name of the construct may be said again with the same value', () => {
    expect(environmentOf(templateOf({ environment: { LOG_LEVEL: 'debug', PORT: '8080' } }))).toMatchObject({ LOG_LEVEL: 'debug', PORT: '8080' });
  });

  test('secrets are read by the execution role, and only these', () => {
    // GIVEN
    const stack = newStack();
    const password = new secretsmanager.Secret(stack, 'Password', { secretStringValue: SecretValue.unsafePlainText('x') });
    const parameter = ssm.StringParameter.fromSecureStringParameterAttributes(stack, 'Parameter', { parameterName: '/app/key' });

    // WHEN
    const template = templateOf({
      secrets: { PASSWORD: ecs.Secret.fromSecretsManager(password), KEY: ecs.Secret.fromSsmParameter(parameter) },
    }, stack);

    // THEN
    expect(containerOf(template).Secrets.map((secret: { Name: string }) => secret.Name)).toEqual(['PASSWORD', 'KEY']);
    template.hasResourceProperties('AWS::IAM::ManagedPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
            Resource: { Ref: stack.getLogicalId(password.node.defaultChild as secretsmanager.CfnSecret) },
          }),
          Match.objectLike({ Action: Match.arrayWith(['ssm:GetParameters']), Resource: Match.not('*') }),
        ]),
      },
    });
  });
});

test('the policies of the execution role stay below what IAM takes, however many secrets there are', () => {
  const stack = newStack();
  const secrets = Object.fromEntries(Array.from({ length: 60 }, (_, i) => {
    const id = `SecretOfAServiceWithALongName${i}`;
    return [`SECRET_${i}`, ecs.Secret.fromSecretsManager(new secretsmanager.Secret(stack, id, { encryptionKey: new kms.Key(stack, `Key${id}`) }))];
  }));
  const documents = Object.values(templateOf({ secrets }, stack).findResources('AWS::IAM::ManagedPolicy'))
    .map(({ Properties: { PolicyDocument } }) => JSON.stringify(PolicyDocument)
      // An ARN where the template has a reference to one.
      .replace(/\{"(Ref|Fn::GetAtt)":(\[[^\]]*\]|"[^"]*")\}/g, `"${'x'.repeat(100)}"`));

  expect(documents.join().match(/secretsmanager:GetSecretValue/g)).toHaveLength(60);
  documents.forEach((document) => expect(document.length).toBeLessThanOrEqual(6144));
  expect(documents.length).toBeLessThanOrEqual(10);
});

test('as many fields of one secret as you like are one statement, and more secrets than a role can be granted are refused', () => {
  const stack = newStack();
  const secret = new secretsmanager.Secret(stack, 'Secret');
  const fields = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`FIELD_${i}`, ecs.Secret.fromSecretsManager(secret, `field${i}`)]));
  const template = templateOf({ secrets: fields }, stack);

  template.resourceCountIs('AWS::IAM::ManagedPolicy', 1);
  expect(containerOf(template).Secrets).toHaveLength(200);

  const other = newStack();
  const many = Object.fromEntries(Array.from({ length: 160 }, (_, i) => [`SECRET_${i}`, ecs.Secret.fromSecretsManager(new secretsmanager.Secret(other, `Secret${i}`))]));
  expect(() => templateOf({ secrets: many }, other))
    .toThrow(/^Stack\/Hello: secrets is more than 150 statements of IAM, .*, but the execution role takes 10 policies; keep several values in one secret/);
});

describe('the shutdown', () => {
  test('has delay < time-out < stopTimeout, and keeps connections alive longer than the load balancer', () => {
    const template = templateOf();
    const environment = environmentOf(template);
    const idleTimeout = only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').LoadBalancerAttributes
      .find((attribute: { Key: string }) => attribute.Key === 'idle_timeout.timeout_seconds').Value;

    expect(environment).toMatchObject({ SHUTDOWN_DELAY_MS: '10000', SHUTDOWN_TIMEOUT_MS: '40000', KEEP_ALIVE_TIMEOUT_MS: '65000' });
    expect(containerOf(template).StopTimeout).toBe(45);
    expect(Number(environment.KEEP_ALIVE_TIMEOUT_MS)).toBeGreaterThan(Number(idleTimeout) * 1000);
  });

  test('follows stopTimeout', () => {
    const template = templateOf({ stopTimeout: Duration.seconds(120) });

    expect(containerOf(template).StopTimeout).toBe(120);
    expect(environmentOf(template)).toMatchObject({ SHUTDOWN_DELAY_MS: '10000', SHUTDOWN_TIMEOUT_MS: '115000' });
  });
});

describe('logs', () => {
  test('are kept for a month, deleted with the stack, and never hold the app up', () => {
    const template = templateOf();

    template.hasResource('AWS::Logs::LogGroup', { Properties: { RetentionInDays: 30 }, DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' });
    expect(containerOf(template).LogConfiguration).toMatchObject({
      LogDriver: 'awslogs',
      Options: { 'awslogs-stream-prefix': 'service', 'mode': 'non-blocking' },
    });
  });

  test('can be kept longer', () => {
    expect(only(templateOf({ logRetention: logs.RetentionDays.ONE_YEAR }), 'AWS::Logs::LogGroup').RetentionInDays).toBe(365);
  });
});

test('the roles allow nothing on every resource but what AWS forces', () => {
  expect(statementsOf(templateOf()).filter(({ Resource }) => Resource === '*').map(({ Action }) => Action))
    .toEqual(['ecr:GetAuthorizationToken']);
});
