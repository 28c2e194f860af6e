import * as fs from 'node:fs';
import * as path from 'node:path';
import { Duration, Lazy, SecretValue } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { containerOf, environmentOf, newStack, only, statementsOf, templateOf } from '../support/synth';

const OWN_IMAGE = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');

describe('size', () => {
  test('is 0.25 vCPU and 512 MiB on ARM64 by default', () => {
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

  test('can be configured', () => {
    const template = templateOf({ cpu: 1024, memoryLimitMiB: 4096, architecture: ecs.CpuArchitecture.X86_64 });

    expect(only(template, 'AWS::ECS::TaskDefinition')).toMatchObject({
      Cpu: '1024',
      Memory: '4096',
      RuntimePlatform: { CpuArchitecture: 'X86_64' },
    });
    expect(containerOf(template).Memory).toBe(4096);
  });

  test.each([
    [256, 512], [512, 1024], [1024, 2048], [2048, 4096], [4096, 8192], [8192, 16384], [16384, 32768],
  ])('with cpu %i has the smallest supported memory by default, %i MiB', (cpu, memory) => {
    expect(only(templateOf({ cpu }), 'AWS::ECS::TaskDefinition').Memory).toBe(String(memory));
  });

  test('accepts tokens', () => {
    const number = (value: number) => Lazy.number({ produce: () => value });
    const template = templateOf({ cpu: number(300), memoryLimitMiB: number(700) });

    expect(only(template, 'AWS::ECS::TaskDefinition')).toMatchObject({ Cpu: '300', Memory: '700' });
  });
});

describe('the example app', () => {
  test('runs as a non-root user, without capabilities, on a read-only root filesystem with a writable /tmp', () => {
    const template = templateOf();

    expect(containerOf(template)).toMatchObject({
      User: '1000:1000',
      ReadonlyRootFilesystem: true,
      MountPoints: [{ SourceVolume: 'tmp', ContainerPath: '/tmp', ReadOnly: false }],
      LinuxParameters: { InitProcessEnabled: true, Capabilities: { Drop: ['ALL'] } },
    });
    expect(only(template, 'AWS::ECS::TaskDefinition').Volumes).toEqual([{ Name: 'tmp' }]);
  });

  test('has a container health check without a shell or curl', () => {
    const { Command } = containerOf(templateOf()).HealthCheck;

    expect(Command[0]).toBe('CMD');
    expect(Command[1]).toBe('node');
  });

  test('keeps the command and entry point of its image', () => {
    const container = containerOf(templateOf());

    expect(container).not.toHaveProperty('Command');
    expect(container).not.toHaveProperty('EntryPoint');
  });

  test('can have a writable root filesystem', () => {
    const template = templateOf({ readonlyRootFilesystem: false });

    expect(containerOf(template).ReadonlyRootFilesystem).toBe(false);
    expect(only(template, 'AWS::ECS::TaskDefinition')).not.toHaveProperty('Volumes');
  });
});

describe('an own image', () => {
  test('keeps its user, writable root filesystem and capabilities, and has no container health check', () => {
    const container = containerOf(templateOf({ image: OWN_IMAGE }));

    expect(container.Image).toBe('public.ecr.aws/nginx/nginx:1.29');
    expect(container.ReadonlyRootFilesystem).toBe(false);
    expect(container).not.toHaveProperty('User');
    expect(container).not.toHaveProperty('HealthCheck');
    expect(container).not.toHaveProperty('MountPoints');
    expect(container.LinuxParameters.Capabilities).not.toHaveProperty('Drop');
    expect(container.LinuxParameters.InitProcessEnabled).toBe(true);
  });

  test('uses the configured user, read-only root filesystem, command and entry point', () => {
    const template = templateOf({
      image: OWN_IMAGE,
      user: '101',
      readonlyRootFilesystem: true,
      command: ['serve'],
      entryPoint: ['/app'],
    });

    expect(containerOf(template)).toMatchObject({
      User: '101',
      ReadonlyRootFilesystem: true,
      MountPoints: [{ ContainerPath: '/tmp' }],
      Command: ['serve'],
      EntryPoint: ['/app'],
    });
  });
});

describe('ECS Exec', () => {
  test('is disabled by default', () => {
    expect(only(templateOf(), 'AWS::ECS::Service').EnableExecuteCommand).toBeUndefined();
  });

  test('makes the root filesystem of the example app writable for its agent', () => {
    const template = templateOf({ enableExecuteCommand: true });

    expect(only(template, 'AWS::ECS::Service').EnableExecuteCommand).toBe(true);
    // The agent runs in the container, and no page says what it needs.
    expect(containerOf(template).ReadonlyRootFilesystem).toBe(false);
    expect(containerOf(template).LinuxParameters.Capabilities).not.toHaveProperty('Drop');
    expect(containerOf(template).ReadonlyRootFilesystem).toBe(false);
  });
});

describe('container port', () => {
  test('is 8080 by default, and is passed to the container', () => {
    const template = templateOf({ image: OWN_IMAGE });

    expect(containerOf(template).PortMappings).toEqual([{ Name: 'http', ContainerPort: 8080, Protocol: 'tcp' }]);
    expect(environmentOf(template).PORT).toBe('8080');
    expect(only(template, 'AWS::ECS::Service').LoadBalancers[0])
      .toMatchObject({ ContainerName: 'app', ContainerPort: 8080 });
  });

  test('can be configured, for the container, the load balancer and the security group', () => {
    const template = templateOf({ containerPort: 3000 });

    expect(containerOf(template).PortMappings).toEqual([{ Name: 'http', ContainerPort: 3000, Protocol: 'tcp' }]);
    expect(environmentOf(template).PORT).toBe('3000');
    expect(only(template, 'AWS::ECS::Service').LoadBalancers[0].ContainerPort).toBe(3000);
    expect(only(template, 'AWS::EC2::SecurityGroupIngress')).toMatchObject({ FromPort: 3000, ToPort: 3000 });
  });
});

describe('environment', () => {
  test('has only the variables that the construct sets by default', () => {
    const template = templateOf({ image: OWN_IMAGE });

    expect(environmentOf(template)).toEqual({
      KEEP_ALIVE_TIMEOUT_MS: '65000', PORT: '8080', SHUTDOWN_DELAY_MS: '10000', SHUTDOWN_TIMEOUT_MS: '40000',
    });
    expect(containerOf(template)).not.toHaveProperty('Secrets');
  });

  test('has none of the variables that the example app has with the same value, and all others', () => {
    const dockerfile = fs.readFileSync(path.join(__dirname, '..', '..', 'example-app', 'Dockerfile'), 'utf8');
    const ofImage = /^ENV (PORT=.*)$/m.exec(dockerfile)![1].split(' ').map((variable) => variable.split('='));

    expect(Object.fromEntries(ofImage)).toEqual(environmentOf(templateOf({ image: OWN_IMAGE })));
    expect(containerOf(templateOf())).not.toHaveProperty('Environment');
    expect(environmentOf(templateOf({ stopTimeout: Duration.seconds(60), environment: { LOG_LEVEL: 'debug' } })))
      .toEqual({ SHUTDOWN_TIMEOUT_MS: '55000', LOG_LEVEL: 'debug' });
  });

  test('accepts a variable of the construct with the same value', () => {
    const environment = { LOG_LEVEL: 'debug', PORT: '8080' };

    expect(environmentOf(templateOf({ environment }))).toMatchObject(environment);
  });
});

describe('secrets', () => {
  test('can be read by the execution role, which can read no others', () => {
    // GIVEN
    const stack = newStack();
    const password = new secretsmanager.Secret(stack, 'Password', {
      secretStringValue: SecretValue.unsafePlainText('x'),
    });
    const parameter = ssm.StringParameter
      .fromSecureStringParameterAttributes(stack, 'Parameter', { parameterName: '/app/key' });

    // WHEN
    const template = templateOf({
      secrets: { PASSWORD: ecs.Secret.fromSecretsManager(password), KEY: ecs.Secret.fromSsmParameter(parameter) },
    }, stack);

    // THEN
    expect(containerOf(template).Secrets.map(({ Name }: { Name: string }) => Name)).toEqual(['PASSWORD', 'KEY']);
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

describe('the execution role', () => {
  const secretsOf = (count: number, newSecret: (i: number) => ecs.Secret) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`SECRET_${i}`, newSecret(i)]));

  function policySizesOf(template: Template): number[] {
    return Object.values(template.findResources('AWS::IAM::ManagedPolicy'))
      .map(({ Properties }) => JSON.stringify(Properties.PolicyDocument))
      // Replaces references to ARNs by strings of the length of an ARN.
      .map((document) => document.replace(/\{"(Ref|Fn::GetAtt)":(\[[^\]]*\]|"[^"]*")\}/g, `"${'x'.repeat(100)}"`))
      .map((document) => document.length);
  }

  test('has policies within the size limit of IAM with many secrets', () => {
    const stack = newStack();
    const secrets = secretsOf(60, (i) => {
      const id = `SecretOfAServiceWithALongName${i}`;
      const encryptionKey = new kms.Key(stack, `Key${id}`);
      return ecs.Secret.fromSecretsManager(new secretsmanager.Secret(stack, id, { encryptionKey }));
    });
    const template = templateOf({ secrets }, stack);
    const sizes = policySizesOf(template);

    const policies = JSON.stringify(template.findResources('AWS::IAM::ManagedPolicy'));
    expect(policies.match(/secretsmanager:GetSecretValue/g)).toHaveLength(60);
    sizes.forEach((size) => expect(size).toBeLessThanOrEqual(6144));
    expect(sizes.length).toBeLessThanOrEqual(10);
  });

  test('has one statement for any number of fields of a secret', () => {
    const stack = newStack();
    const secret = new secretsmanager.Secret(stack, 'Secret');
    const secrets = secretsOf(200, (i) => ecs.Secret.fromSecretsManager(secret, `field${i}`));
    const template = templateOf({ secrets }, stack);

    template.resourceCountIs('AWS::IAM::ManagedPolicy', 1);
    expect(containerOf(template).Secrets).toHaveLength(200);
  });

  test('fails with more secrets than its policies can allow', () => {
    const stack = newStack();
    const newSecret = (i: number) => new secretsmanager.Secret(stack, `Secret${i}`);
    const secrets = secretsOf(160, (i) => ecs.Secret.fromSecretsManager(newSecret(i)));

    expect(() => templateOf({ secrets }, stack)).toThrow(new RegExp(
      '^Stack/Hello: secrets is 160 secrets, but the policies of the execution role have room for 147; '
      + 'keep several values in one secret'));
  });
});

describe('shutdown', () => {
  test('has delay < timeout < stopTimeout, and keeps connections open for longer than the load balancer', () => {
    const template = templateOf({ image: OWN_IMAGE });
    const environment = environmentOf(template);
    const idleTimeout = only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').LoadBalancerAttributes
      .find(({ Key }: { Key: string }) => Key === 'idle_timeout.timeout_seconds').Value;

    expect(environment).toMatchObject({
      SHUTDOWN_DELAY_MS: '10000',
      SHUTDOWN_TIMEOUT_MS: '40000',
      KEEP_ALIVE_TIMEOUT_MS: '65000',
    });
    expect(containerOf(template).StopTimeout).toBe(45);
    expect(Number(environment.KEEP_ALIVE_TIMEOUT_MS)).toBeGreaterThan(Number(idleTimeout) * 1000);
  });

  test('depends on stopTimeout', () => {
    const template = templateOf({ image: OWN_IMAGE, stopTimeout: Duration.seconds(120) });

    expect(containerOf(template).StopTimeout).toBe(120);
    expect(environmentOf(template)).toMatchObject({ SHUTDOWN_DELAY_MS: '10000', SHUTDOWN_TIMEOUT_MS: '115000' });
  });
});

describe('logs', () => {
  test('are kept for a month, deleted with the stack, and written in non-blocking mode', () => {
    const template = templateOf();

    template.hasResource('AWS::Logs::LogGroup', {
      Properties: { RetentionInDays: 30 },
      DeletionPolicy: 'Delete',
      UpdateReplacePolicy: 'Delete',
    });
    expect(containerOf(template).LogConfiguration).toMatchObject({
      LogDriver: 'awslogs',
      Options: { 'awslogs-stream-prefix': 'service', 'mode': 'non-blocking' },
    });
  });

  test('can be kept longer', () => {
    const template = templateOf({ logRetention: logs.RetentionDays.ONE_YEAR });

    expect(only(template, 'AWS::Logs::LogGroup').RetentionInDays).toBe(365);
  });
});

describe('ephemeral storage', () => {
  test('is the 20 GiB of Fargate by default, and can be configured', () => {
    const { EphemeralStorage } = only(templateOf({ ephemeralStorageGiB: 50 }), 'AWS::ECS::TaskDefinition');

    expect(only(templateOf(), 'AWS::ECS::TaskDefinition')).not.toHaveProperty('EphemeralStorage');
    expect(EphemeralStorage).toEqual({ SizeInGiB: 50 });
  });

  test.each([20, 201, 30.5])('fails with %s GiB', (ephemeralStorageGiB) => {
    expect(() => templateOf({ ephemeralStorageGiB }))
      .toThrow(/ephemeralStorageGiB is .*, but storage above the 20 GiB .* is a whole number from 21 to 200/);
  });
});

test('roles allow no actions on all resources except those that do not support resources', () => {
  expect(statementsOf(templateOf()).filter(({ Resource }) => Resource === '*').map(({ Action }) => Action))
    .toEqual(['ecr:GetAuthorizationToken']);
});
