import * as fs from 'node:fs';
import * as http from 'node:http';
import os from 'node:os';
import * as path from 'node:path';
import { ExpectedResult, IntegTest } from '@aws-cdk/integ-tests-alpha';
import { App, Duration, Stack } from 'aws-cdk-lib';
import * as apigatewayv2 from 'aws-cdk-lib/aws-apigatewayv2';
import * as integrations from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as targets from 'aws-cdk-lib/aws-route53-targets';
import * as cloudmap from 'aws-cdk-lib/aws-servicediscovery';
import { readCloudFronts } from '../../../src/rehearsal/edge/cloud-front';
import { HttpApi, readHttpApis } from '../../../src/rehearsal/edge/http-api';
import { PublicNames } from '../../../src/rehearsal/edge/public-names';
import { rehearse } from '../../../src/rehearsal/rehearse';
import { Report } from '../../../src/rehearsal/report';
import { Assembly } from '../../../src/rehearsal/templates/assembly';
import { Resolver } from '../../../src/rehearsal/templates/intrinsics';
import { readLoadBalancers, readServices } from '../../../src/rehearsal/templates/service';
import { APP, FixtureService, synthesise } from '../../support/rehearsal/fixture';

/*
 * Services behind other things than a load balancer of their assembly, each asked by the assertions of an integ test.
 */

let temporary: string;

beforeAll(() => {
  temporary = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'stand-ins-test-')));
  fs.chmodSync(temporary, 0o755);
  jest.spyOn(os, 'tmpdir').mockReturnValue(temporary);
});

afterAll(() => fs.rmSync(temporary, { recursive: true, force: true }));

async function perform(build: (app: App, stack: Stack) => void): Promise<{ passed: boolean; text: string }> {
  let text = '';
  const report = new Report({ write: (more) => { text += more; } });
  const directory = synthesise((app) => build(app, new Stack(app, 'Shop')));
  const passed = await rehearse({ directory, once: true, quick: true, port: 0, patienceSeconds: 0.5 }, report, new AbortController().signal);
  return { passed, text };
}

/** Which outcome the assertion has whose expectation holds a text. */
function outcomeOf(text: string, part: string): string {
  return text.split('\n').filter((line) => /^ {2}(ok {2}|FAIL|skip) assertion: /.test(line) && line.includes(part)).map((line) => line.slice(2, 6).trim()).join();
}

/** An app that answers what it was asked. */
const ECHO = {
  entryPoint: ['node'],
  command: ['-e', `
    process.on('SIGTERM', () => process.exit());
    require('http').createServer(({ url, headers }, response) => {
      response.setHeader('Content-Type', url === '/health' ? 'text/plain' : 'application/json');
      response.end(url === '/health' ? 'health' : JSON.stringify({ url, headers, cookie: headers.cookie ?? 'none' }));
    }).listen(8080);`],
};

interface HttpApiProps {
  readonly echo?: boolean;
  readonly environment?: { [name: string]: string };
  readonly healthCheck?: ecs.HealthCheck;
  readonly routeKey?: apigatewayv2.HttpRouteKey;
}

const ASKS_ITSELF: ecs.HealthCheck = {
  command: ['CMD', 'node', '-e', "fetch('http://localhost:8080/health').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"],
  interval: Duration.seconds(5),
  startPeriod: Duration.seconds(10),
};

class HttpApiIntegration extends integrations.HttpServiceDiscoveryIntegration {}

/** A service in Cloud Map behind an HTTP API. */
function newHttpApi(stack: Stack, props: HttpApiProps): apigatewayv2.HttpApi {
  const vpc = new ec2.Vpc(stack, 'Vpc', { natGateways: 0, maxAzs: 2, restrictDefaultSecurityGroup: false });
  const taskDefinition = new ecs.FargateTaskDefinition(stack, 'Task', { runtimePlatform: { cpuArchitecture: ecs.CpuArchitecture.ARM64 } });
  const container = taskDefinition.addContainer('app', {
    image: ecs.ContainerImage.fromAsset(APP, { platform: Platform.LINUX_ARM64 }),
    portMappings: [{ containerPort: 8080 }],
    environment: { PORT: '8080', ...props.environment },
    stopTimeout: Duration.seconds(2),
    healthCheck: props.healthCheck,
    ...props.echo ? ECHO : {},
  });
  const cluster = new ecs.Cluster(stack, 'Cluster', { vpc });
  const service = new ecs.FargateService(stack, 'Service', { cluster, taskDefinition, desiredCount: 1, minHealthyPercent: 100 });
  const discovery = service.enableCloudMap({
    cloudMapNamespace: new cloudmap.PrivateDnsNamespace(stack, 'Namespace', { vpc, name: 'shop.internal' }),
    dnsRecordType: cloudmap.DnsRecordType.SRV,
    container,
    containerPort: 8080,
  });
  const httpApi = new apigatewayv2.HttpApi(stack, 'Api');
  new apigatewayv2.HttpRoute(stack, 'Route', {
    httpApi,
    routeKey: props.routeKey ?? apigatewayv2.HttpRouteKey.DEFAULT,
    integration: new HttpApiIntegration('Tasks', discovery, { vpcLink: new apigatewayv2.VpcLink(stack, 'Link', { vpc, subnets: { subnets: vpc.publicSubnets } }) }),
  });
  return httpApi;
}

describe('behind an HTTP API', () => {
  test('a service is reached by its names, and by its routes only', async () => {
    const { passed, text } = await perform((app, stack) => {
      const routeKey = apigatewayv2.HttpRouteKey.with('/{proxy+}', apigatewayv2.HttpMethod.GET);
      const api = newHttpApi(stack, { echo: true, routeKey, healthCheck: ASKS_ITSELF });
      const { assertions } = new IntegTest(app, 'Test', { testCases: [stack] });
      assertions.httpApiCall(`${api.apiEndpoint}/health`).expect(ExpectedResult.objectLike({ status: 200, body: 'health' }));
      assertions.httpApiCall(`${api.url!}info`).expect(ExpectedResult.objectLike({ body: { headers: { via: 'HTTP/1.1 AmazonAPIGateway' } } }));
      assertions.httpApiCall(`${api.apiEndpoint}/health`, { method: 'POST' })
        .expect(ExpectedResult.objectLike({ status: 404, body: { message: 'Not Found' } }));
    });
    expect(text).toContain('Shop/Api is an HTTP API of API Gateway: its stand-in has its routes');
    expect(text).toMatch(/health check +node -e .* in the container, every 5 s/);
    expect(text).toMatch(/ok {3}task 1 at \S+:8080 is healthy/);
    expect(outcomeOf(text, '"body":"health"')).toBe('ok');
    expect(outcomeOf(text, 'AmazonAPIGateway')).toBe('ok');
    expect(outcomeOf(text, 'Not Found')).toBe('ok');
    expect(passed).toBe(true);
  });

  test('the most exact route is taken, by its method, and with the name of a stage before it', async () => {
    const { text } = await perform((app, stack) => {
      const api = newHttpApi(stack, { echo: true, routeKey: apigatewayv2.HttpRouteKey.with('/{proxy+}', apigatewayv2.HttpMethod.ANY) });
      // Routes that lead elsewhere are not rehearsed, and so answer otherwise.
      const integration = new integrations.HttpUrlIntegration('Elsewhere', 'https://example.com');
      api.addRoutes({ path: '/exact', integration });
      // Later in the template than the shorter one.
      new apigatewayv2.HttpRoute(stack, 'Route2', {
        httpApi: api, routeKey: apigatewayv2.HttpRouteKey.with('/files/{proxy+}', apigatewayv2.HttpMethod.ANY), integration,
      });
      api.addRoutes({ path: '/pets/{id}', methods: [apigatewayv2.HttpMethod.GET], integration });
      api.addStage('Live', { stageName: 'live' });
      const { assertions } = new IntegTest(app, 'Test', { testCases: [stack] });
      const elsewhere = ExpectedResult.objectLike({ status: 503, body: { message: 'Service Unavailable' } });
      for (const url of ['/exact', '/live/exact', '/files/a/b', '/pets/7']) { assertions.httpApiCall(`${api.apiEndpoint}${url}`).expect(elsewhere); }
      for (const url of ['/exact/more', '/live/more', '/a/b/c', '/pets/7/name']) {
        assertions.httpApiCall(`${api.apiEndpoint}${url}`).expect(ExpectedResult.objectLike({ status: 200, body: { url } }));
      }
      assertions.httpApiCall(`${api.apiEndpoint}/pets/7`, { method: 'POST' }).expect(ExpectedResult.objectLike({ status: 200 }));
    });
    expect(text.match(/FAIL assertion[^]*/g)).toBeNull();
    expect(text.match(/ok {3}assertion/g)).toHaveLength(9);
  });

  test('a body of more than 10 MB, and a WebSocket, are refused', async () => {
    const listener = { name: 'api', port: 443, protocol: 'HTTPS' as const, rules: [], defaultAction: { type: 'forward' as const, targetGroups: [] } };
    const api = new HttpApi({ key: 'api', name: 'api', notes: [], idleTimeoutSeconds: 30, dropInvalidHeaderFields: false, xForwardedFor: 'preserve', listeners: [listener] }, new Map());
    await api.listen(0);
    const statusOf = async (headers: http.OutgoingHttpHeaders) => new Promise((resolve, reject) => {
      const request = http.request(`${api.url(listener)}/`, { method: 'POST', agent: false, headers }, (response) => {
        resolve(response.statusCode);
        request.destroy();
      }).on('error', reject);
      request.flushHeaders();
    });
    try {
      expect(await statusOf({ 'Content-Length': 10 * 1024 * 1024 + 1 })).toBe(413);
      expect(await statusOf({ 'Content-Length': 0 })).toBe(503);
      expect(await statusOf({ Connection: 'Upgrade', Upgrade: 'websocket' })).toBe(400);
    } finally {
      await api.close();
    }
  });

  test('a container health check that fails keeps the task out, and is named', async () => {
    const { passed, text } = await perform((_app, stack) =>
      newHttpApi(stack, { environment: { HEALTH_STATUS: '500' }, healthCheck: { ...ASKS_ITSELF, startPeriod: Duration.seconds(0), retries: 2 } }));
    expect(text).toMatch(/FAIL task 1 .* is not healthy \(its container health check, node -e .*, failed, so Cloud Map would not name the task/);
    expect(passed).toBe(false);
  });

  test('without a container health check, a task counts as soon as it listens, well or not', async () => {
    const { text } = await perform((_app, stack) => newHttpApi(stack, { environment: { FAULT: 'answers probes only' } }));
    expect(text).toContain('none: a task counts as well as soon as it runs');
    expect(text).toMatch(/ok {3}task 1 at \S+:8080 is healthy/);
  });
});

test('behind CloudFront, a service is reached over its behaviors, and by an alias of the domain', async () => {
  const { passed, text } = await perform((app, stack) => {
    const { loadBalancer } = new FixtureService(stack, 'Web', { container: ECHO });
    const origin = new origins.LoadBalancerV2Origin(loadBalancer, {
      protocolPolicy: cloudfront.OriginProtocolPolicy.HTTP_ONLY, customHeaders: { 'X-From': 'cdn' },
    });
    const distribution = new cloudfront.Distribution(stack, 'Distribution', {
      defaultBehavior: {
        origin,
        viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        cachePolicy: cloudfront.CachePolicy.CACHING_DISABLED,
        originRequestPolicy: cloudfront.OriginRequestPolicy.ALL_VIEWER,
        allowedMethods: cloudfront.AllowedMethods.ALLOW_ALL,
      },
      additionalBehaviors: {
        'assets/*': { origin },
        'secret/*': { origin, viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.HTTPS_ONLY },
        'other/*': { origin: new origins.HttpOrigin('example.com') },
      },
    });
    new cloudfront.Distribution(stack, 'Other', { defaultBehavior: { origin: new origins.HttpOrigin('example.com') } });
    const zone = route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z0123456789', zoneName: 'example.com' });
    new route53.ARecord(stack, 'Record', {
      zone, recordName: 'shop.example.com', target: route53.RecordTarget.fromAlias(new targets.CloudFrontTarget(distribution)),
    });
    const { assertions } = new IntegTest(app, 'Test', { testCases: [stack] });
    const cdn = `https://${distribution.distributionDomainName}`;
    const cookie = { headers: { cookie: 'one=1' } };
    assertions.httpApiCall(`${cdn}/health`).expect(ExpectedResult.objectLike({ status: 200, body: 'health' }));
    assertions.httpApiCall(`${cdn}/x?q=1`, cookie).expect(ExpectedResult.objectLike({ body: { url: '/x?q=1', headers: { 'cookie': 'one=1', 'x-from': 'cdn' } } }));
    assertions.httpApiCall(`${cdn}/assets/x?q=1`, cookie)
      .expect(ExpectedResult.objectLike({ body: { url: '/assets/x', cookie: 'none', headers: { 'user-agent': 'Amazon CloudFront', 'host': 'origin.invalid' } } }));
    const byHttp = `http://${distribution.distributionDomainName}`;
    assertions.httpApiCall(`${byHttp}/assets/x`).expect(ExpectedResult.objectLike({ status: 200, body: { url: '/assets/x' } }));
    assertions.httpApiCall(`${byHttp}/x?q=1`, { redirect: 'manual' } as object).expect(ExpectedResult.objectLike({ status: 301 }));
    assertions.httpApiCall(`${byHttp}/secret/x`).expect(ExpectedResult.objectLike({ body: 'HTTPS only\n' }));
    assertions.httpApiCall(`${cdn}/other/x`).expect(ExpectedResult.objectLike({ status: 502 }));
    assertions.httpApiCall(`${cdn}/assets/x`, { method: 'DELETE' }).expect(ExpectedResult.objectLike({ status: 403 }));
    assertions.httpApiCall('https://shop.example.com/health').expect(ExpectedResult.objectLike({ status: 200 }));
  });
  expect(text).toContain('Shop/Distribution is CloudFront: its stand-in passes requests on by its behaviors, and caches nothing');
  expect(outcomeOf(text, '"body":"health"')).toBe('ok');
  expect(outcomeOf(text, '/x?q=1"')).toBe('ok');
  expect(outcomeOf(text, 'Amazon CloudFront')).toBe('ok');
  expect(outcomeOf(text, '"status":403')).toBe('ok');
  expect(text).not.toContain('GET https://shop.example.com');
  expect(outcomeOf(text, '"status":301')).toBe('ok');
  expect(outcomeOf(text, 'HTTPS only')).toBe('ok');
  expect(outcomeOf(text, '"status":502')).toBe('ok');
  expect(text).not.toContain('Shop/Other');
  expect(text).toContain(', 0 failed in');
  expect(passed).toBe(true);
});

test('what stands before which service, and for how long it waits, is as in the template', () => {
  const directory = synthesise((app) => {
    const stack = new Stack(app, 'Shop');
    newHttpApi(stack, {});
    for (const child of stack.node.findAll()) {
      if (child instanceof apigatewayv2.CfnIntegration) { child.timeoutInMillis = 2500; }
    }
    new apigatewayv2.HttpApi(stack, 'OtherApi', { defaultIntegration: new integrations.HttpUrlIntegration('Elsewhere', 'https://example.com') });
    const { loadBalancer } = new FixtureService(stack, 'Web');
    new cloudfront.Distribution(stack, 'Distribution', {
      defaultBehavior: {
        origin: origins.VpcOrigin.withApplicationLoadBalancer(loadBalancer, {
          domainName: 'origin.example.com', protocolPolicy: cloudfront.OriginProtocolPolicy.HTTP_ONLY, readTimeout: Duration.seconds(50),
        }),
      },
    });
  });
  const assembly = Assembly.read(directory);
  const resolver = new Resolver(assembly, new PublicNames(assembly).known);
  const keys = readServices(assembly, resolver).flatMap(({ registrations }) => registrations.map(({ targetGroup }) => targetGroup));
  const apis = readHttpApis(assembly, resolver, keys.map(({ key }) => key));
  expect(apis.map(({ name, idleTimeoutSeconds, listeners: [{ rules }] }) => ({ name, idleTimeoutSeconds, routes: rules.length })))
    .toEqual([{ name: 'Shop/Api', idleTimeoutSeconds: 2.5, routes: 1 }]);
  const loadBalancers = readLoadBalancers(assembly, resolver, keys);
  const distributions = readCloudFronts(assembly, resolver, loadBalancers);
  expect(distributions.map(({ name, idleTimeoutSeconds }) => ({ name, idleTimeoutSeconds }))).toEqual([{ name: 'Shop/Distribution', idleTimeoutSeconds: 50 }]);
  expect(distributions[0].behaviors.get('0')!.origin).toMatchObject({ key: loadBalancers[0].key, port: 80 });
});

test('behind a listener from outside, the rules that are known lead to the service, and the stand-in is named as such', async () => {
  const { passed, text } = await perform((_app, stack) => {
    const web = new FixtureService(stack, 'Web');
    const arn = 'arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/shared/50dc6c495c0c9188/f2f7dc8efc522ab2';
    for (const child of web.node.findAll()) {
      if (child instanceof elbv2.CfnListenerRule) { child.listenerArn = arn; }
    }
  });
  expect(text).toMatch(/Listener arn:aws:\S+ is not in this assembly. Its stand-in has the rules that are/);
  expect(text).toMatch(/ok {3}GET http:\/\/127\.0\.0\.1:\d+\/health answered 200/);
  expect(passed).toBe(true);
});

test('a service to which nothing leads cannot be rehearsed', async () => {
  await expect(perform((_app, stack) => {
    const web = new FixtureService(stack, 'Web');
    for (const child of web.node.findAll()) {
      if (child instanceof elbv2.CfnListenerRule) { child.actions = [{ type: 'fixed-response', fixedResponseConfig: { statusCode: '404' } }]; }
    }
  })).rejects.toThrow(/nothing of this assembly leads to Shop\/Web\/Targets/);
});
