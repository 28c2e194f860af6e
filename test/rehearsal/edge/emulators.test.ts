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
import { newHttpApi } from '../../../src/rehearsal/edge/http-api';
import { rehearse } from '../../../src/rehearsal/rehearse';
import { Report } from '../../../src/rehearsal/report/report';
import { Assembly } from '../../../src/rehearsal/templates/assembly';
import { readEdge } from '../../../src/rehearsal/templates/edge';
import { Resolver } from '../../../src/rehearsal/templates/intrinsics';
import { PublicNames } from '../../../src/rehearsal/templates/public-names';
import { readServices } from '../../../src/rehearsal/templates/services';
import { hostedZone } from '../../support/fixtures';
import { APP, FixtureService, synthesize } from '../../support/rehearsal/fixture';

/*
 * Services behind an HTTP API, CloudFront or a load balancer outside the assembly. Integ tests send the requests.
 */

let temporary: string;

beforeAll(() => {
  temporary = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'emulators-test-')));
  fs.chmodSync(temporary, 0o755);
  jest.spyOn(os, 'tmpdir').mockReturnValue(temporary);
});

afterAll(() => fs.rmSync(temporary, { recursive: true, force: true }));

async function run(build: (app: App, stack: Stack) => void): Promise<{ passed: boolean; text: string }> {
  let text = '';
  const report = new Report({ write: (more) => { text += more; } });
  const directory = synthesize((app) => build(app, new Stack(app, 'Shop')));
  const options = { directory, once: true, quick: true, port: 0, minHealthySeconds: 0.5 };
  const passed = await rehearse(options, report, new AbortController().signal);
  return { passed, text };
}

/** The outcome of the assertion whose line contains a text. */
function outcomeOf(output: string, part: string): string {
  return output.split('\n')
    .filter((line) => /^ {2}(ok {2}|FAIL|skip) assertion: /.test(line) && line.includes(part))
    .map((line) => line.slice(2, 6).trim())
    .join();
}

/** An app that responds with the request. */
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
  readonly environment?: Record<string, string>;
  readonly healthCheck?: ecs.HealthCheck;
  readonly routeKey?: apigatewayv2.HttpRouteKey;
}

const REQUEST_HEALTH =
  "fetch('http://localhost:8080/health').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))";
const CONTAINER_HEALTH_CHECK: ecs.HealthCheck = {
  command: ['CMD', 'node', '-e', REQUEST_HEALTH],
  interval: Duration.seconds(5),
  startPeriod: Duration.seconds(10),
};

class HttpApiIntegration extends integrations.HttpServiceDiscoveryIntegration {}

/** A service in Cloud Map behind an HTTP API. */
function addHttpApi(stack: Stack, props: HttpApiProps): apigatewayv2.HttpApi {
  const vpc = new ec2.Vpc(stack, 'Vpc', { natGateways: 0, maxAzs: 2, restrictDefaultSecurityGroup: false });
  const runtimePlatform = { cpuArchitecture: ecs.CpuArchitecture.ARM64 };
  const taskDefinition = new ecs.FargateTaskDefinition(stack, 'Task', { runtimePlatform });
  const container = taskDefinition.addContainer('app', {
    image: ecs.ContainerImage.fromAsset(APP, { platform: Platform.LINUX_ARM64 }),
    portMappings: [{ containerPort: 8080 }],
    environment: { PORT: '8080', ...props.environment },
    stopTimeout: Duration.seconds(2),
    healthCheck: props.healthCheck,
    ...props.echo ? ECHO : {},
  });
  const cluster = new ecs.Cluster(stack, 'Cluster', { vpc });
  const service = new ecs.FargateService(stack, 'Service', {
    cluster, taskDefinition, desiredCount: 1, minHealthyPercent: 100,
  });
  const discovery = service.enableCloudMap({
    cloudMapNamespace: new cloudmap.PrivateDnsNamespace(stack, 'Namespace', { vpc, name: 'shop.internal' }),
    dnsRecordType: cloudmap.DnsRecordType.SRV,
    container,
    containerPort: 8080,
  });
  const httpApi = new apigatewayv2.HttpApi(stack, 'Api');
  const vpcLink = new apigatewayv2.VpcLink(stack, 'Link', { vpc, subnets: { subnets: vpc.publicSubnets } });
  new apigatewayv2.HttpRoute(stack, 'Route', {
    httpApi,
    routeKey: props.routeKey ?? apigatewayv2.HttpRouteKey.DEFAULT,
    integration: new HttpApiIntegration('Tasks', discovery, { vpcLink }),
  });
  return httpApi;
}

describe('behind an HTTP API', () => {
  test('serves requests to its URLs that match a route, and returns 404 for others', async () => {
    const { passed, text } = await run((app, stack) => {
      const routeKey = apigatewayv2.HttpRouteKey.with('/{proxy+}', apigatewayv2.HttpMethod.GET);
      const api = addHttpApi(stack, { echo: true, routeKey, healthCheck: CONTAINER_HEALTH_CHECK });
      const { assertions } = new IntegTest(app, 'Test', { testCases: [stack] });
      assertions.httpApiCall(`${api.apiEndpoint}/health`)
        .expect(ExpectedResult.objectLike({ status: 200, body: 'health' }));
      assertions.httpApiCall(`${api.url!}info`)
        .expect(ExpectedResult.objectLike({ body: { headers: { via: 'HTTP/1.1 AmazonAPIGateway' } } }));
      assertions.httpApiCall(`${api.apiEndpoint}/health`, { method: 'POST' })
        .expect(ExpectedResult.objectLike({ status: 404, body: { message: 'Not Found' } }));
    });
    expect(text).toContain('Shop/Api is an HTTP API of API Gateway: its emulator has its routes');
    expect(text).toMatch(/health check +node -e .* in the container, every 5 s/);
    expect(text).toMatch(/ok {3}task 1 at \S+:8080 is healthy/);
    expect(outcomeOf(text, '"body":"health"')).toBe('ok');
    expect(outcomeOf(text, 'AmazonAPIGateway')).toBe('ok');
    expect(outcomeOf(text, 'Not Found')).toBe('ok');
    expect(passed).toBe(true);
  });

  test('selects the most specific route by path and method, with or without the name of a stage', async () => {
    const { text } = await run((app, stack) => {
      const routeKey = apigatewayv2.HttpRouteKey.with('/{proxy+}', apigatewayv2.HttpMethod.ANY);
      const api = addHttpApi(stack, { echo: true, routeKey });
      // Integrations other than Cloud Map are not emulated, so their routes return 503.
      const integration = new integrations.HttpUrlIntegration('Elsewhere', 'https://example.com');
      api.addRoutes({ path: '/exact', integration });
      // Later in the template than the shorter route.
      const files = apigatewayv2.HttpRouteKey.with('/files/{proxy+}', apigatewayv2.HttpMethod.ANY);
      new apigatewayv2.HttpRoute(stack, 'Route2', { httpApi: api, routeKey: files, integration });
      api.addRoutes({ path: '/pets/{id}', methods: [apigatewayv2.HttpMethod.GET], integration });
      api.addStage('Live', { stageName: 'live' });
      const { assertions } = new IntegTest(app, 'Test', { testCases: [stack] });
      const elsewhere = ExpectedResult.objectLike({ status: 503, body: { message: 'Service Unavailable' } });
      for (const url of ['/exact', '/live/exact', '/files/a/b', '/pets/7']) {
        assertions.httpApiCall(`${api.apiEndpoint}${url}`).expect(elsewhere);
      }
      for (const url of ['/exact/more', '/live/more', '/a/b/c', '/pets/7/name']) {
        assertions.httpApiCall(`${api.apiEndpoint}${url}`)
          .expect(ExpectedResult.objectLike({ status: 200, body: { url } }));
      }
      assertions.httpApiCall(`${api.apiEndpoint}/pets/7`, { method: 'POST' })
        .expect(ExpectedResult.objectLike({ status: 200 }));
    });
    expect(text.match(/FAIL assertion[^]*/g)).toBeNull();
    expect(text.match(/ok {3}assertion/g)).toHaveLength(9);
  });

  test('rejects a body of more than 10 MB, and WebSockets', async () => {
    const defaultAction = { type: 'forward' as const, targetGroups: [] };
    const listener = { name: 'api', port: 443, protocol: 'HTTPS' as const, rules: [], defaultAction };
    const spec = { key: 'api', name: 'api', notes: [], idleTimeoutSeconds: 30, listeners: [listener] };
    const api = newHttpApi(spec, new Map());
    await api.listen(0);
    const statusOf = async (headers: http.OutgoingHttpHeaders) => new Promise((resolve, reject) => {
      const options = { method: 'POST', agent: false, headers };
      const request = http.request(`${api.url(listener)}/`, options, (response) => {
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

  test('reports the container health check that fails', async () => {
    const healthCheck = { ...CONTAINER_HEALTH_CHECK, startPeriod: Duration.seconds(0), retries: 2 };
    const { passed, text } = await run((_app, stack) =>
      addHttpApi(stack, { environment: { HEALTH_STATUS: '500' }, healthCheck }));
    expect(text).toMatch(/FAIL task 1 .* is not healthy \(its container health check, node -e .*, failed, so ECS/);
    expect(passed).toBe(false);
  });

  test('without a container health check, a task is healthy as soon as it listens', async () => {
    const { text } = await run((_app, stack) => addHttpApi(stack, { environment: { FAULT: 'answers probes only' } }));
    expect(text).toContain('none: a task is healthy as soon as it runs');
    expect(text).toMatch(/ok {3}task 1 at \S+:8080 is healthy/);
  });
});

test('CloudFront forwards requests by its behaviors, also for an alias of its domain name', async () => {
  const { passed, text } = await run((app, stack) => {
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
    const target = route53.RecordTarget.fromAlias(new targets.CloudFrontTarget(distribution));
    new route53.ARecord(stack, 'Record', { zone: hostedZone(stack), recordName: 'shop.example.com', target });
    const { assertions } = new IntegTest(app, 'Test', { testCases: [stack] });
    const cdn = `https://${distribution.distributionDomainName}`;
    const cookie = { headers: { cookie: 'one=1' } };
    assertions.httpApiCall(`${cdn}/health`).expect(ExpectedResult.objectLike({ status: 200, body: 'health' }));
    assertions.httpApiCall(`${cdn}/x?q=1`, cookie)
      .expect(ExpectedResult.objectLike({ body: { url: '/x?q=1', headers: { 'cookie': 'one=1', 'x-from': 'cdn' } } }));
    const withoutPolicy = { 'user-agent': 'Amazon CloudFront', 'host': 'origin.invalid' };
    assertions.httpApiCall(`${cdn}/assets/x?q=1`, cookie)
      .expect(ExpectedResult.objectLike({ body: { url: '/assets/x', cookie: 'none', headers: withoutPolicy } }));
    const http80 = `http://${distribution.distributionDomainName}`;
    assertions.httpApiCall(`${http80}/assets/x`)
      .expect(ExpectedResult.objectLike({ status: 200, body: { url: '/assets/x' } }));
    assertions.httpApiCall(`${http80}/x?q=1`, { redirect: 'manual' } as object)
      .expect(ExpectedResult.objectLike({ status: 301 }));
    assertions.httpApiCall(`${http80}/secret/x`).expect(ExpectedResult.objectLike({ body: 'HTTPS only\n' }));
    assertions.httpApiCall(`${cdn}/other/x`).expect(ExpectedResult.objectLike({ status: 502 }));
    assertions.httpApiCall(`${cdn}/assets/x`, { method: 'DELETE' }).expect(ExpectedResult.objectLike({ status: 403 }));
    assertions.httpApiCall('https://shop.example.com/health').expect(ExpectedResult.objectLike({ status: 200 }));
  });
  expect(text).toContain('Shop/Distribution is CloudFront: its emulator forwards requests by its behaviors');
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

describe('an app that redirects HTTP to HTTPS', () => {
  const ALL_AND_CLOUDFRONT = cloudfront.OriginRequestPolicy.ALL_VIEWER_AND_CLOUDFRONT_2022;
  const rehearseRedirects = async (header: string, originRequestPolicy?: cloudfront.IOriginRequestPolicy) =>
    run((_app, stack) => {
      const command = ['-e', `
        process.on('SIGTERM', () => process.exit());
        require('http').createServer(({ url, headers }, response) => {
          const isSecure = url === '/health' || headers['${header}'] === 'https';
          response.writeHead(isSecure ? 200 : 301, isSecure ? {} : { Location: 'https://' + headers.host + url }).end();
        }).listen(8080);`];
      const { loadBalancer } = new FixtureService(stack, 'Web', { container: { ...ECHO, command } });
      const protocolPolicy = cloudfront.OriginProtocolPolicy.HTTP_ONLY;
      new cloudfront.Distribution(stack, 'Distribution', {
        defaultBehavior: {
          origin: new origins.LoadBalancerV2Origin(loadBalancer, { protocolPolicy }),
          viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
          cachePolicy: cloudfront.CachePolicy.CACHING_DISABLED,
          originRequestPolicy,
        },
      });
    });

  test.each([
    ['X-Forwarded-Proto, which is http', 'x-forwarded-proto', ALL_AND_CLOUDFRONT],
    ['a header that is not added', 'cloudfront-forwarded-proto', cloudfront.OriginRequestPolicy.ALL_VIEWER],
  ])('fails behind CloudFront if it trusts %s', async (_what, header, policy) => {
    const { passed, text } = await rehearseRedirects(header, policy);

    expect(text).toMatch(/FAIL GET \/ over HTTPS through Shop\/Distribution does not loop \(the app redirects it to/);
    expect(text).toContain('trust CloudFront-Forwarded-Proto');
    expect(text).toMatch(/ok {3}GET \/health over HTTPS through Shop\/Distribution does not loop/);
    expect(passed).toBe(false);
  });

  test('passes behind CloudFront if it trusts CloudFront-Forwarded-Proto', async () => {
    const { passed, text } = await rehearseRedirects('cloudfront-forwarded-proto', ALL_AND_CLOUDFRONT);

    expect(text).toMatch(/ok {3}GET \/ over HTTPS through Shop\/Distribution does not loop/);
    expect(passed).toBe(true);
  });
});

test('reads what is in front of which service, with its timeouts', () => {
  const directory = synthesize((app) => {
    const stack = new Stack(app, 'Shop');
    addHttpApi(stack, {});
    for (const child of stack.node.findAll()) {
      if (child instanceof apigatewayv2.CfnIntegration) { child.timeoutInMillis = 2500; }
    }
    const defaultIntegration = new integrations.HttpUrlIntegration('Elsewhere', 'https://example.com');
    new apigatewayv2.HttpApi(stack, 'OtherApi', { defaultIntegration });
    const { loadBalancer } = new FixtureService(stack, 'Web');
    const origin = origins.VpcOrigin.withApplicationLoadBalancer(loadBalancer, {
      domainName: 'origin.example.com',
      protocolPolicy: cloudfront.OriginProtocolPolicy.HTTP_ONLY,
      readTimeout: Duration.seconds(50),
    });
    new cloudfront.Distribution(stack, 'Distribution', { defaultBehavior: { origin } });
  });
  const assembly = Assembly.read(directory);
  const resolver = new Resolver(assembly, new PublicNames(assembly).known);
  const targetGroups = readServices(assembly, resolver).services
    .flatMap(({ registrations }) => registrations.map(({ targetGroup }) => targetGroup));
  const { httpApis, cloudFronts, loadBalancers } = readEdge(assembly, resolver, targetGroups);
  expect(httpApis).toEqual([expect.objectContaining({ name: 'Shop/Api', idleTimeoutSeconds: 2.5 })]);
  expect(httpApis[0].listeners[0].rules).toHaveLength(1);
  expect(cloudFronts).toEqual([expect.objectContaining({ name: 'Shop/Distribution', idleTimeoutSeconds: 50 })]);
  expect(cloudFronts[0].behaviors.get('0')!.origin).toMatchObject({ key: loadBalancers[0].key, port: 80 });
});

test('emulates a listener outside the assembly with the rules that are in it, and reports that', async () => {
  const { passed, text } = await run((_app, stack) => {
    const web = new FixtureService(stack, 'Web');
    const arn = 'arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/shared/50dc6c49/f2f7dc8e';
    for (const child of web.node.findAll()) {
      if (child instanceof elbv2.CfnListenerRule) { child.listenerArn = arn; }
    }
  });
  expect(text).toMatch(/Listener arn:aws:\S+ is not in this assembly. Its emulator has the rules/);
  expect(text).toMatch(/ok {3}GET http:\/\/127\.0\.0\.1:\d+\/health answered 200/);
  expect(passed).toBe(true);
});

test('fails if nothing leads to a service', async () => {
  await expect(run((_app, stack) => {
    const web = new FixtureService(stack, 'Web');
    for (const child of web.node.findAll()) {
      if (child instanceof elbv2.CfnListenerRule) {
        child.actions = [{ type: 'fixed-response', fixedResponseConfig: { statusCode: '404' } }];
      }
    }
  })).rejects.toThrow(/no listener in this assembly forwards requests to Shop\/Web\/Targets/);
});
