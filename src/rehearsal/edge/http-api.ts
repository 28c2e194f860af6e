import * as http from 'node:http';
import { Duplex } from 'node:stream';
import { Failure, LoadBalancer, passedOn, traceId } from './load-balancer';
import { ListenerRuleSpec, ListenerSpec, LoadBalancerSpec, Action, Condition } from '../model';
import { Assembly, Stack } from '../templates/assembly';
import { Resolver } from '../templates/intrinsics';
import { keyOf } from '../templates/service';

/*
 * A stand-in for an HTTP API of API Gateway whose private integrations lead to tasks in Cloud Map.
 *
 * Documented: which route is taken (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html), that the
 * name of a stage is part of the path for the app (…/http-api-develop-integrations-private.html), 30 s and 10 MB at most
 * (…/http-api-quotas.html), JSON bodies of its own answers. Assumed: that healthy tasks take turns, which headers the app gets (Forwarded,
 * Via, X-Amzn-Trace-Id, and the Host that was asked for), and that connections to tasks are kept open.
 * Left out: authorizers, CORS, throttling, parameter mapping, and routes to Lambda functions, which answer 503.
 */

const MAX_BYTES = 10 * 1024 * 1024;

export class HttpApi extends LoadBalancer {
  protected answer(listener: ListenerSpec, request: http.IncomingMessage, response: http.ServerResponse): void {
    if (Number(request.headers['content-length'] ?? 0) > MAX_BYTES) {
      this.answerItself(request, response, 413, '{"message":"Request Entity Too Large"}');
    } else {
      super.answer(listener, request, response);
    }
  }

  /** It has no WebSockets; those are another kind of API. */
  protected upgrade(_listener: ListenerSpec, _request: http.IncomingMessage, socket: Duplex): void {
    socket.on('error', () => {});
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  }

  protected forwardedHeaders(listener: ListenerSpec, request: http.IncomingMessage): string[] {
    const set: { [name: string]: string } = {
      'Forwarded': `by=127.0.0.1;for=${request.socket.remoteAddress};host=${request.headers.host};proto=${listener.protocol.toLowerCase()}`,
      'Via': 'HTTP/1.1 AmazonAPIGateway',
      'X-Amzn-Trace-Id': traceId(request.headers['x-amzn-trace-id']),
    };
    const replaced = Object.keys(set).map((name) => name.toLowerCase());
    const headers = passedOn(request.rawHeaders, request.headers.connection, request.headers['transfer-encoding'] !== undefined);
    const kept = headers.flatMap((name, index) => index % 2 === 0 && !replaced.includes(name.toLowerCase()) ? [name, headers[index + 1]] : []);
    return [...kept, ...Object.entries(set).flat()];
  }

  /** Whatever has gone wrong behind it. */
  protected answerFailure(request: http.IncomingMessage, response: http.ServerResponse, _failure: Failure): void {
    this.answerItself(request, response, 503, '{"message":"Service Unavailable"}');
  }

  protected answerItself(request: http.IncomingMessage, response: http.ServerResponse, status: number, body: string): void {
    request.resume();
    response.writeHead(status, { 'Content-Type': 'application/json', 'Apigw-Requestid': 'rehearsal', 'Content-Length': Buffer.byteLength(body) });
    response.end(body);
  }
}

/** The HTTP APIs that lead to one of the services of Cloud Map, given by their keys. */
export function readHttpApis(assembly: Assembly, resolver: Resolver, cloudMapServices: readonly string[]): LoadBalancerSpec[] {
  const integrations = assembly.ofType('AWS::ApiGatewayV2::Integration').map(({ stack, logicalId, resource: { Properties = {} } }) => {
    const service = resolver.reference(stack, Properties.IntegrationUri);
    return {
      key: keyOf({ stack, logicalId }),
      service: service && keyOf(service),
      timeoutSeconds: Number(resolver.resolve(stack, Properties.TimeoutInMillis) ?? 30_000) / 1000,
    };
  });
  return assembly.ofType('AWS::ApiGatewayV2::Api').flatMap(({ stack, logicalId }): LoadBalancerSpec[] => {
    const key = keyOf({ stack, logicalId });
    const ownedBy = (other: { stack: Stack; resource: { Properties?: any } }) => {
      const api = resolver.reference(other.stack, other.resource.Properties?.ApiId);
      return api !== undefined && keyOf(api) === key;
    };
    const stages: string[] = assembly.ofType('AWS::ApiGatewayV2::Stage').filter(ownedBy)
      .map((stage) => resolver.resolve(stage.stack, stage.resource.Properties?.StageName));
    const routes = assembly.ofType('AWS::ApiGatewayV2::Route').filter(ownedBy).map(({ stack: owner, resource: { Properties = {} } }) => {
      // integrations/{{aws:STACK:ID}}
      const [, stackKey, id] = /^integrations\/\{\{aws:([^:}]+):([^:}]+)\}\}$/.exec(resolver.resolve(owner, Properties.Target)) ?? [];
      return { routeKey: String(resolver.resolve(owner, Properties.RouteKey)), integration: integrations.find((one) => one.key === `${stackKey}:${id}`) };
    });
    const reached = routes.flatMap(({ integration }) => cloudMapServices.includes(integration?.service ?? '') ? [integration!] : []);
    if (reached.length === 0) { return []; }

    const rules = routes
      .map(({ routeKey, integration }) => readRoute(routeKey, stages, { type: 'forward', targetGroups: [{ key: integration?.service ?? '', weight: 1 }] }))
      .sort((one, other) => one.priority - other.priority);
    const name = stack.displayName(logicalId);
    return [{
      key,
      name,
      notes: [`${name} is an HTTP API of API Gateway: its stand-in has its routes, its time-out and its limit of 10 MB, and knows of tasks what Cloud Map would.`],
      idleTimeoutSeconds: Math.max(...reached.map(({ timeoutSeconds }) => timeoutSeconds)),
      dropInvalidHeaderFields: false,
      xForwardedFor: 'preserve',
      listeners: [{
        name,
        port: 443,
        protocol: 'HTTPS',
        rules,
        defaultAction: { type: 'fixed-response', statusCode: 404, contentType: 'application/json', body: '{"message":"Not Found"}' },
      }],
    }];
  });
}

/** `GET /pets/{id}`, `ANY /{proxy+}` or `$default`: the more exact, the earlier. */
function readRoute(routeKey: string, stages: readonly string[], action: Action): ListenerRuleSpec {
  const named = stages.filter((stage) => stage !== '$default').map(escape);
  const prefix = named.length === 0 ? '' : `(?:/(?:${named.join('|')}))${stages.includes('$default') ? '?' : ''}`;
  if (routeKey === '$default') {
    return { priority: 1000, conditions: [{ field: 'route', expression: new RegExp(`^${prefix}(?:/.*)?$`, 's') }], action };
  }
  const [method, path] = routeKey.split(' ');
  const pattern = path.replace(/\/$/, '').split('/').slice(1)
    .map((segment) => /^\{.*\+\}$/.test(segment) ? '/.+' : /^\{.*\}$/.test(segment) ? '/[^/]+' : `/${escape(segment)}`)
    .join('');
  const conditions: Condition[] = [
    { field: 'route', expression: new RegExp(`^${prefix}${pattern}/?$`, 's') },
    ...method === 'ANY' ? [] : [{ field: 'http-request-method' as const, values: [method] }],
  ];
  const greedy = path.includes('+}') ? 100 : 0;
  const variables = path.includes('{') ? 10 : 0;
  // Among greedy ones, the longer.
  return { priority: 500 + greedy + variables + (method === 'ANY' ? 1 : 0) - Math.min(99, path.split('/').length) * 2 * (greedy ? 1 : 0), conditions, action };
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
