import * as fs from 'node:fs';
import * as path from 'node:path';
import * as fc from 'fast-check';
import { CannotRun } from '../../src/rehearsal/cannot-run';
import { Assembly } from '../../src/rehearsal/templates/assembly';
import { readEdge, skipWithoutListener } from '../../src/rehearsal/templates/edge';
import { Resolver } from '../../src/rehearsal/templates/intrinsics';
import { PublicNames } from '../../src/rehearsal/templates/public-names';
import { readServices } from '../../src/rehearsal/templates/services';
import { useTemporaryDirectory } from '../support/rehearsal/temporary-directory';
import { readJson } from '../support/synth';

/*
 * Minimal assemblies, as other tools and other people write them, and what the rehearsal must read in each.
 */

type Properties = Record<string, unknown>;

interface Template {
  readonly Parameters?: object;
  readonly Conditions?: object;
  readonly Mappings?: object;
  readonly Resources: Record<string, object>;
}

const temporaryDirectory = useTemporaryDirectory();

function assemblyOf(template: Template): Assembly {
  const directory = fs.mkdtempSync(path.join(temporaryDirectory(), 'assembly-'));
  fs.writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify({
    artifacts: { Shop: { type: 'aws:cloudformation:stack', properties: { templateFile: 'shop.json' } } },
  }));
  fs.writeFileSync(path.join(directory, 'shop.json'), JSON.stringify(template));
  return Assembly.read(directory);
}

function read(template: Template, wanted?: string) {
  const assembly = assemblyOf(template);
  return readServices(assembly, new Resolver(assembly), wanted);
}

const targetGroup = (properties: object = {}) => ({
  Type: 'AWS::ElasticLoadBalancingV2::TargetGroup', Properties: { Protocol: 'HTTP', ...properties },
});
const container = (name: string, properties: object = {}) => ({ Name: name, Image: `${name}:1`, ...properties });
const taskDefinition = (containers: object[] = [container('web')], properties: object = {}) => ({
  Type: 'AWS::ECS::TaskDefinition', Properties: { ContainerDefinitions: containers, ...properties },
});
const registration = (properties: object = {}) => ({
  ContainerName: 'web', ContainerPort: 80, TargetGroupArn: { Ref: 'Group' }, ...properties,
});
const service = (properties: object = {}) => ({
  Type: 'AWS::ECS::Service',
  Properties: { TaskDefinition: { Ref: 'Task' }, LoadBalancers: [registration()], ...properties },
});

/** The usual service, with other resources, parameters and conditions. */
function shop(resources: Record<string, object> = {}, rest: Omit<Template, 'Resources'> = {}): Template {
  return { ...rest, Resources: { Group: targetGroup(), Task: taskDefinition(), Service: service(), ...resources } };
}

/** The only service, which must be read. */
function only(template: Template, wanted?: string) {
  const { services, skippedServices } = read(template, wanted);
  expect(skippedServices).toEqual([]);
  expect(services).toHaveLength(1);
  return services[0];
}

test('the usual service is read', () => {
  expect(only(shop())).toMatchObject({ desiredCount: 1, usesSpot: false, registrations: [{ port: 80 }] });
});

test('a second container with its own target group is registered too', () => {
  const { registrations, container: { name }, sidecars } = only(shop({
    Admin: targetGroup({ HealthCheckPath: '/admin' }),
    Task: taskDefinition([container('web'), container('admin')]),
    Service: service({
      LoadBalancers: [
        registration(),
        registration({ ContainerName: 'admin', ContainerPort: 8000, TargetGroupArn: { Ref: 'Admin' } }),
      ],
    }),
  }));

  expect(name).toBe('web');
  expect(sidecars.map((sidecar) => sidecar.name)).toEqual(['admin']);
  expect(registrations.map(({ port, containerName, targetGroup: { healthCheck } }) =>
    [containerName, port, healthCheck.path])).toEqual([['web', 80, '/'], ['admin', 8000, '/admin']]);
});

describe('a service without ingress', () => {
  const LoadBalancers = undefined;
  const HealthCheck = { Command: ['CMD', 'true'], Interval: 7, Retries: 4 };

  test('is read, with the health of its first essential container', () => {
    const containers = [container('log', { Essential: false }), container('web', { HealthCheck })];
    const { container: { name }, registrations } = only(shop({
      Service: service({ LoadBalancers }), Task: taskDefinition(containers),
    }));

    expect(name).toBe('web');
    expect(registrations).toMatchObject([{
      targetGroup: {
        name: 'Shop/Service',
        healthCheck: { inContainer: { command: ['CMD', 'true'] }, intervalSeconds: 7, unhealthyThreshold: 4 },
      },
    }]);
  });

  test('is healthy while it runs if it has no health check', () => {
    const { registrations } = only(shop({ Service: service({ LoadBalancers }) }));
    expect(registrations[0].targetGroup.healthCheck.inContainer).toBe('none');
  });

  test('has no emulator in front', () => {
    const assembly = assemblyOf(shop({ Service: service({ LoadBalancers }) }));
    const resolver = new Resolver(assembly);
    const { services: [{ registrations: [own] }] } = readServices(assembly, resolver);
    expect(own.port).toBeUndefined();
    expect(readEdge(assembly, resolver, [own.targetGroup]))
      .toEqual({ cloudFronts: [], httpApis: [], loadBalancers: [] });
  });
});

test('a target group without a listener is named as not rehearsed, and does not stop another service', () => {
  const assembly = assemblyOf(shop({ Other: service({ LoadBalancers: undefined }) }));
  const resolver = new Resolver(assembly);
  const all = readServices(assembly, resolver);
  const { services, skippedServices } = skipWithoutListener(all, readEdge(assembly, resolver, []));

  expect(services.map(({ name }) => name)).toEqual(['Shop/Other']);
  expect(skippedServices).toEqual([
    { name: 'Shop/Service', reason: expect.stringMatching(/^no listener .* Shop\/Group:/) },
  ]);
});

test('scheduled tasks are named as not rehearsed, unless a service is selected', () => {
  const EcsParameters = { TaskDefinitionArn: { Ref: 'Task' } };
  const template = shop({
    Nightly: { Type: 'AWS::Events::Rule', Properties: { Targets: [{ EcsParameters }] } },
    Hourly: { Type: 'AWS::Scheduler::Schedule', Properties: { Target: { EcsParameters } } },
    Other: { Type: 'AWS::Events::Rule', Properties: { Targets: [{ Arn: 'arn' }] } },
  });

  expect(read(template).skippedServices).toEqual(['Nightly', 'Hourly'].map((name) => ({
    name: `Shop/${name}`, reason: 'it is a scheduled task, which runs and ends: only services are rehearsed',
  })));
  expect(read(template, 'Service').skippedServices).toEqual([]);
  const { Service: _, ...Resources } = template.Resources;
  expect(() => read({ Resources })).toThrow(/: Shop\/Nightly, Shop\/Hourly are scheduled tasks, which run and end/);
});

describe('a Network Load Balancer', () => {
  const network = (group: object) => shop({
    Group: targetGroup(group),
    LoadBalancer: { Type: 'AWS::ElasticLoadBalancingV2::LoadBalancer', Properties: { Type: 'network' } },
    Listener: {
      Type: 'AWS::ElasticLoadBalancingV2::Listener',
      Properties: {
        Protocol: 'TLS',
        Port: 443,
        LoadBalancerArn: { Ref: 'LoadBalancer' },
        DefaultActions: [{ Type: 'forward', TargetGroupArn: { Ref: 'Group' } }],
      },
    },
  });

  test.each([
    [{ Protocol: 'TCP' }, { protocol: 'TCP', timeoutSeconds: 10 }],
    [{ Protocol: 'TCP', HealthCheckProtocol: 'HTTP' }, { protocol: 'HTTP', path: '/', timeoutSeconds: 6 }],
    [{ Protocol: 'HTTP' }, { protocol: 'HTTP', path: '/', timeoutSeconds: 5 }],
  ])('has the health checks of the target group %j', (group, expected) => {
    expect(only(network(group)).registrations[0].targetGroup.healthCheck).toMatchObject(expected);
  });

  test('is read with its listeners', () => {
    const assembly = assemblyOf(network({ Protocol: 'TCP' }));
    const resolver = new Resolver(assembly);
    const { services: [{ registrations }] } = readServices(assembly, resolver);
    const { loadBalancers } = readEdge(assembly, resolver, registrations.map((registered) => registered.targetGroup));
    expect(loadBalancers).toMatchObject([{ type: 'network', listeners: [{ protocol: 'TLS', port: 443 }] }]);
  });

  test.each(['UDP', 'TLS', 'TCP_UDP'])('with a target group of protocol %s is named as not rehearsed', (Protocol) => {
    const reason = expect.stringMatching(new RegExp(`is ${Protocol}: only HTTP and TCP`));
    expect(tryRead(network({ Protocol })).skippedServices).toEqual([{ name: 'Shop/Service', reason }]);
  });
});

test('Service Connect is noted', () => {
  const Service = service({ ServiceConnectConfiguration: { Enabled: true } });
  expect(only(shop({ Service })).notes).toEqual([expect.stringMatching(/^Service Connect of Shop\/Service is not/)]);
});

describe('values', () => {
  const Parameters = {
    Port: { Type: 'Number', Default: 8080 },
    Unknown: { Type: 'Number' },
    Ports: { Type: 'CommaDelimitedList', Default: '80, 8081' },
    UnknownList: { Type: 'CommaDelimitedList' },
    Stage: { Type: 'String', Default: 'prod' },
  };
  const Conditions = {
    IsUnknown: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'Unknown' }, '1'] }] },
    IsNever: { 'Fn::And': [{ Condition: 'IsUnknown' }, { Condition: 'IsTest' }] },
    IsAlways: { 'Fn::Or': [{ Condition: 'IsUnknown' }, { Condition: 'IsProd' }] },
    IsProd: { 'Fn::Equals': [{ Ref: 'Stage' }, 'prod'] },
    IsTest: { 'Fn::Not': [{ Condition: 'IsProd' }] },
  };
  const Arn = { 'Fn::GetAtt': ['Group', 'Arn'] };
  const Mappings = { Ports: { prod: { web: 9000 } } };

  test.each<[string, unknown, number]>([
    ['a parameter with a default', { Ref: 'Port' }, 8080],
    ['an item of a list parameter', { 'Fn::Select': [1, { Ref: 'Ports' }] }, 8081],
    ['a condition', { 'Fn::If': ['IsProd', 81, 82] }, 81],
    ['the other branch of a condition', { 'Fn::If': ['IsTest', 81, { Ref: 'Port' }] }, 8080],
    ['a mapping', { 'Fn::FindInMap': ['Ports', { Ref: 'Stage' }, 'web'] }, 9000],
    ['the default of a mapping', { 'Fn::FindInMap': ['Ports', 'beta', 'web', { DefaultValue: 83 }] }, 83],
    ['an item of a text that is split', { 'Fn::Select': [0, { 'Fn::Split': ['/', '84/tcp'] }] }, 84],
    ['a length', { 'Fn::Length': { Ref: 'Ports' } }, 2],
  ])('the container port is %s', (_, ContainerPort, expected) => {
    const resources = { Service: service({ LoadBalancers: [registration({ ContainerPort })] }) };
    expect(only(shop(resources, { Parameters, Conditions, Mappings })).registrations[0].port).toBe(expected);
  });

  test.each<[string, unknown]>([
    ['a parameter', { Ref: 'Unknown' }],
    ['an item of a list parameter', { 'Fn::Select': [0, { Ref: 'UnknownList' }] }],
    ['a split attribute', { 'Fn::Select': [0, { 'Fn::Split': [':', { 'Fn::GetAtt': ['Group', 'Arn'] }] }] }],
    ['a joined attribute', { 'Fn::Join': ['', [{ 'Fn::GetAtt': ['Group', 'Arn'] }, '1']] }],
  ])('a container port that only AWS knows is never a number: %s', (_, ContainerPort) => {
    const resources = { Service: service({ LoadBalancers: [registration({ ContainerPort })] }) };
    const { services, skippedServices } = tryRead(shop(resources, { Parameters, Conditions, Mappings }));

    expect(services).toEqual([]);
    expect(skippedServices).toEqual([{ name: 'Shop/Service', reason: expect.stringMatching(/container port .* AWS/) }]);
  });

  test('any other number that only AWS knows is not NaN', () => {
    const Group = targetGroup({ HealthCheckIntervalSeconds: { Ref: 'Unknown' } });
    const [{ reason }] = tryRead(shop({ Group }, { Parameters })).skippedServices;
    expect(reason).toBe('a template has "{{aws:Shop:Unknown}}", but a number is required there');
  });

  test('a desired count that only AWS knows is not 0', () => {
    const Service = service({ DesiredCount: { Ref: 'Unknown' } });
    const { skippedServices } = tryRead(shop({ Service }, { Parameters }));
    expect(skippedServices[0].reason).toMatch(/desired count .* AWS: the parameter Unknown has no default/);
  });

  test.each<[string, unknown, RegExp]>([
    ['Fn::Join of a list that only AWS knows', { 'Fn::Join': [',', { Ref: 'UnknownList' }] }, /^\{\{aws:/],
    ['Fn::Split of an attribute', { 'Fn::Join': ['', { 'Fn::Split': [':', Arn] }] }, /^\{\{aws:/],
    ['a part of a text with an attribute', {
      'Fn::Select': [2, { 'Fn::Split': ['/', { 'Fn::Join': ['', ['https://', Arn, '.example.com/path']] }] }],
    }, /^\{\{aws:Shop:Group:Arn\}\}\.example\.com$/],
    ['a later part of an attribute', { 'Fn::Select': [5, { 'Fn::Split': [':', Arn] }] },
      /^\{\{aws:Shop:Group:Arn\}\}$/],
    ['the unknown part of a text with an attribute', {
      'Fn::Select': [1, { 'Fn::Split': [':', { 'Fn::Sub': 'shop:${Group.Arn}' }] }],
    }, /^\{\{aws:Shop:Group:Arn\}\}$/],
    ['the known part of a text with an attribute', {
      'Fn::Select': [0, { 'Fn::Split': [':', { 'Fn::Sub': 'shop:${Group.Arn}' }] }],
    }, /^shop$/],
    ['Fn::If with a condition that only AWS knows', { 'Fn::If': ['IsUnknown', 'a', 'b'] },
      /^\{\{aws:Shop:Unknown\}\}$/],
    ['Fn::If with a condition that is false whatever AWS knows', { 'Fn::If': ['IsNever', 'a', 'b'] }, /^b$/],
    ['Fn::If with a condition that is true whatever AWS knows', { 'Fn::If': ['IsAlways', 'a', 'b'] }, /^a$/],
    ['Fn::Sub with an attribute', { 'Fn::Sub': 'a-${Group.Arn}-b' }, /^a-\{\{aws:Shop:Group:Arn\}\}-b$/],
    ['Fn::Base64 of an attribute', { 'Fn::Base64': { Ref: 'Group' } }, /^\{\{aws:/],
    ['Fn::ToJsonString', { 'Fn::ToJsonString': { port: { Ref: 'Port' } } }, /^\{"port":8080\}$/],
    ['Fn::Cidr', { 'Fn::Select': [1, { 'Fn::Cidr': ['10.0.0.0/16', 4, 8] }] }, /^10\.0\.1\.0\/24$/],
    ['Fn::GetAZs', { 'Fn::Select': [0, { 'Fn::GetAZs': '' }] }, /a$/],
    ['a number parameter', { Ref: 'Port' }, /^8080$/],
    ['a list parameter', { 'Fn::Join': ['|', { Ref: 'Ports' }] }, /^80\|8081$/],
  ])('an environment variable by %s', (_, Value, expected) => {
    const task = taskDefinition([container('web', { Environment: [{ Name: 'VALUE', Value }] })]);
    const { environment } = only(shop({ Task: task }, { Parameters, Conditions })).container;
    expect(environment.VALUE).toMatch(expected);
  });

  test.each(['Fn::ForEach::Loop', 'Fn::Transform', 'Fn::Unknown'])('%s is refused by its name', (name) => {
    const task = taskDefinition([container('web', { Environment: [{ Name: 'VALUE', Value: { [name]: [] } }] })]);
    expect(() => read(shop({ Task: task }))).toThrow(new RegExp(`${name}.*cannot be rehearsed`));
  });

  test('a resource whose condition is false is not there', () => {
    const other = { ...service({ TaskDefinition: { Ref: 'Missing' } }), Condition: 'IsTest' };
    expect(only(shop({ Other: other }, { Parameters, Conditions })).name).toBe('Shop/Service');
  });

  test('a resource whose condition only AWS knows may be there', () => {
    const Other = { ...service(), Condition: 'IsUnknown' };
    const { services } = read(shop({ Other }, { Parameters, Conditions }));
    expect(services.map(({ name }) => name)).toEqual(['Shop/Service', 'Shop/Other']);
  });
});

/** The services that are read, and those that are not, also if none is. */
function tryRead(template: Template) {
  try {
    return read(template);
  } catch (error) {
    if (!(error instanceof CannotRun)) { throw error; }
    const [, name, reason] = /^service (\S+) cannot be rehearsed: (.*)$/s.exec(error.message) ?? [];
    return { services: [], skippedServices: [{ name, reason }] };
  }
}

test.each<[string, Template, RegExp]>([
  ['EC2 capacity', shop({ Service: service({ LaunchType: 'EC2' }) }), /launch type is EC2/],
  ['a Windows task', shop({
    Task: taskDefinition([container('web')], {
      RuntimePlatform: { OperatingSystemFamily: 'WINDOWS_SERVER_2022_CORE' },
    }),
  }), /WINDOWS_SERVER_2022_CORE/],
  ['gRPC', shop({ Group: targetGroup({ ProtocolVersion: 'GRPC' }) }), /GRPC/],
  ['an external deployment controller', shop({ Service: service({ DeploymentController: { Type: 'EXTERNAL' } }) }),
    /deployment controller .* is EXTERNAL/],
  ['a task definition elsewhere', shop({ Service: service({ TaskDefinition: 'arn:aws:ecs:x:y:task-definition/z:1' }) }),
    /task definition .* is not in this assembly/],
  ['no tasks', shop({ Service: service({ DesiredCount: 0 }) }), /desired count .* is 0/],
])('%s is named as not rehearsed, and does not stop another service', (_, template, reason) => {
  expect(tryRead(template)).toEqual({
    services: [], skippedServices: [{ name: 'Shop/Service', reason: expect.stringMatching(reason) }],
  });

  const resources = {
    ...template.Resources,
    Good: service({
      TaskDefinition: { Ref: 'GoodTask' },
      LoadBalancers: [
        registration({ TargetGroupArn: { Ref: 'GoodGroup' } }),
      ],
    }),
    GoodTask: taskDefinition(),
    GoodGroup: targetGroup(),
  };
  const { services, skippedServices } = read({ ...template, Resources: resources });
  expect(services.map(({ name }) => name)).toEqual(['Shop/Good']);
  expect(skippedServices).toEqual([{ name: 'Shop/Service', reason: expect.stringMatching(reason) }]);
});

test.each(['shop', 'shop:3', 'arn:aws:ecs:eu-west-1:111122223333:task-definition/shop:3'])(
  'a task definition that is named by its family is found: %s', (TaskDefinition) => {
    const Task = taskDefinition([container('web')], { Family: 'shop' });
    expect(only(shop({ Task, Service: service({ TaskDefinition }) })).container.name).toBe('web');
  });

test.each<[object[], boolean]>([
  [[{ CapacityProvider: 'FARGATE_SPOT', Weight: 1 }], true],
  [[{ CapacityProvider: 'FARGATE', Weight: 1 }, { CapacityProvider: 'FARGATE_SPOT', Weight: 0 }], false],
  [[{ CapacityProvider: 'FARGATE', Weight: 1 }, { CapacityProvider: 'FARGATE_SPOT', Base: 1 }], true],
])('whether tasks run on Spot: %j', (CapacityProviderStrategy, usesSpot) => {
  expect(only(shop({ Service: service({ CapacityProviderStrategy }) })).usesSpot).toBe(usesSpot);
});

test.each(['Shop', 'Shop/', '/Shop', 'Service', 'Shop/Service'])('--service %s is a part of the path', (wanted) => {
  expect(only(shop(), wanted).name).toBe('Shop/Service');
});

/** An assembly of this repository, as CDK writes it: behind CloudFront, with a dashboard, alarms and nested names. */
const REAL = path.join(__dirname, '..', '..', 'integ', 'integ.production.ts.snapshot');

/** Every value in a JSON document, by its path. */
function pathsIn(value: unknown, prefix: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) { return [prefix]; }
  return [prefix, ...Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...prefix, key]))];
}

function mutate(document: Properties, place: string[], value: unknown): unknown {
  if (place.length === 0) { return value; }
  const copy = structuredClone(document);
  const [key, ...parents] = [...place].reverse();
  const parent = parents.reverse().reduce<Properties>((part, name) => part[name] as Properties, copy);
  parent[key] = value;
  return copy;
}

const NONSENSE = [undefined, null, [], {}, '', 'text', 0, -1, true, [null], { Ref: 'Missing' }, { 'Fn::GetAtt': [] },
  { 'Fn::Select': [9, []] }, { 'Fn::If': ['Missing', 1, 2] }, { 'Fn::Split': [] }, { 'Fn::Sub': [] }];

test('a mutated assembly is read, or refused with a sentence', () => {
  const stackFile = 'HelloFargateServiceProduction.template.json';
  const documents = Object.fromEntries(fs.readdirSync(REAL).filter((file) => /^manifest|^Hello.*json$/.test(file))
    .map((file) => [file, readJson(path.join(REAL, file))]));
  // It would have to match a stack of assertions.
  documents['manifest.json'].artifacts = Object.fromEntries(Object.entries(documents['manifest.json'].artifacts)
    .filter(([id]) => id.startsWith('HelloFargateServiceProduction')));
  // What the rehearsal reads of a template; other resources are skipped.
  const isRead = /ECS::|ElasticLoadBalancingV2::|CloudFront::|ScalableTarget/;
  const template = documents[stackFile];
  template.Resources = Object.fromEntries(Object.entries<{ Type: string }>(template.Resources)
    .filter(([, { Type }]) => isRead.test(Type)));
  const places = Object.entries(documents).flatMap(([file, document]) =>
    pathsIn(document).map((place) => [file, place] as const));
  const crashes = new Set<string>();
  const outcomes = { read: 0, refused: 0 };

  fc.assert(fc.property(fc.constantFrom(...places), fc.constantFrom(...NONSENSE), ([file, place], value) => {
    const directory = fs.mkdtempSync(path.join(temporaryDirectory(), 'mutated-'));
    for (const [name, document] of Object.entries(documents)) {
      const content = name === file ? mutate(document, place, value) : document;
      fs.writeFileSync(path.join(directory, name), JSON.stringify(content) ?? '');
    }
    try {
      const assembly = Assembly.read(directory);
      const resolver = new Resolver(assembly, new PublicNames(assembly).known);
      const { services } = readServices(assembly, resolver);
      readEdge(assembly, resolver, services.flatMap(({ registrations }) => registrations)
        .map((registered) => registered.targetGroup));
      outcomes.read++;
    } catch (error) {
      outcomes.refused++;
      if (!(error instanceof CannotRun)) {
        crashes.add(`${file} ${place.join('.')} = ${JSON.stringify(value)}: ${(error as Error).message}`);
      }
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  }), { seed: 15, numRuns: 600 });

  expect([...crashes]).toEqual([]);
  expect(outcomes.read).toBeGreaterThan(100);
  expect(outcomes.refused).toBeGreaterThan(50);
}, 120_000);
