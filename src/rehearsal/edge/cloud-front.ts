import { randomBytes } from 'node:crypto';
import * as http from 'node:http';
import { decide } from './listener-rules';
import { Failure, LoadBalancer, passedOn, ruleRequestOf } from './load-balancer';
import { Target } from './target-group';
import { ListenerSpec, LoadBalancerSpec, Action } from '../model';
import { Assembly } from '../templates/assembly';
import { Resolver } from '../templates/intrinsics';
import { keyOf } from '../templates/service';

/*
 * A stand-in for CloudFront: passes requests through to the stand-in for the load balancer, or HTTP API, that is its origin.
 *
 * Documented: the order of behaviors and their path patterns (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html),
 * methods that are not allowed answer 403, the redirect to HTTPS, and the headers, cookies and query that reach the origin without an origin
 * request policy (…/RequestAndResponseBehaviorCustomOrigin.html, …/controlling-origin-requests.html).
 * Assumed: a cache policy or origin request policy of one's own lets everything through.
 * Left out: the cache itself, compression, response headers policies, functions, error pages, web ACLs, and origins of other kinds, which answer 502.
 */

/** https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html and …-origin-request-policies.html */
const POLICIES: { readonly [id: string]: 'nothing' | 'all' | 'all but Host' } = {
  '658327ea-f89d-4fab-a63d-7e88639e58f6': 'nothing', // CachingOptimized
  'b2884449-e4de-46a7-ac36-70bc7f1ddd6d': 'nothing', // CachingOptimizedForUncompressedObjects
  '4135ea2d-6df8-44a3-9df3-4b5a84be39ad': 'nothing', // CachingDisabled
  '216adef6-5c7f-47e4-b989-5492eafa07d3': 'all', // AllViewer
  'b689b0a8-53d0-40ab-baf2-68738e2966ac': 'all but Host', // AllViewerExceptHostHeader
};

interface Behavior {
  readonly origin?: Origin;
  readonly methods: readonly string[];
  readonly passes: 'nothing' | 'all' | 'all but Host';
}

interface Origin {
  /** Of the load balancer or HTTP API. */
  readonly key: string;
  readonly port: number;
  readonly headers: { readonly [name: string]: string };
}

export interface CloudFrontSpec extends LoadBalancerSpec {
  /** By the key that the actions of its rules have in place of a target group. */
  readonly behaviors: ReadonlyMap<string, Behavior>;
}

export class CloudFront extends LoadBalancer {
  /** @param origins what may be behind it */
  constructor(private readonly cloudFront: CloudFrontSpec, private readonly origins: readonly LoadBalancer[]) {
    super(cloudFront, new Map());
  }

  protected answer(listener: ListenerSpec, request: http.IncomingMessage, response: http.ServerResponse): void {
    const behavior = this.behaviorFor(listener, request);
    if (behavior && !behavior.methods.includes(request.method ?? 'GET')) {
      this.answerItself(request, response, 403, 'This distribution is not configured to allow the HTTP request method that was used for this request.\n');
    } else {
      if (behavior?.passes === 'nothing') { request.url = request.url?.split('?')[0]; }
      super.answer(listener, request, response);
    }
  }

  protected pick(action: Action & { type: 'forward' }): Target | undefined {
    const origin = this.cloudFront.behaviors.get(action.targetGroups[0].key)?.origin;
    const standIn = this.origins.find(({ spec }) => spec.key === origin?.key);
    const listener = standIn?.spec.listeners.find(({ port }) => port === origin?.port);
    if (!standIn || !listener) { return undefined; }
    const { hostname, port } = new URL(standIn.url(listener));
    return new Target('origin', hostname, Number(port));
  }

  protected forwardedHeaders(listener: ListenerSpec, request: http.IncomingMessage): string[] {
    const behavior = this.behaviorFor(listener, request);
    const set: { [name: string]: string | undefined } = {
      'X-Forwarded-For': [request.headers['x-forwarded-for'] ?? [], request.socket.remoteAddress ?? '127.0.0.1'].flat().join(', '),
      'Via': '1.1 rehearsal.cloudfront.net (CloudFront)',
      'X-Amz-Cf-Id': randomBytes(24).toString('base64url'),
      ...behavior?.origin?.headers,
    };
    if (behavior?.passes !== 'all') { set.Host = 'origin.invalid'; }
    if (behavior?.passes === 'nothing') { set['User-Agent'] = 'Amazon CloudFront'; }
    const headers = passedOn(request.rawHeaders, request.headers.connection, request.headers['transfer-encoding'] !== undefined);
    const replaced = Object.keys(set).map((name) => name.toLowerCase());
    const dropped = behavior?.passes === 'nothing' ? ['cookie', 'authorization', 'referer', 'accept', 'accept-language', 'accept-charset', 'origin'] : [];
    const kept = headers.flatMap((name, index) =>
      index % 2 === 0 && ![...replaced, ...dropped].includes(name.toLowerCase()) ? [name, headers[index + 1]] : []);
    return [...kept, ...Object.entries(set).filter(([, value]) => value !== undefined)].flat() as string[];
  }

  protected answerFailure(request: http.IncomingMessage, response: http.ServerResponse, failure: Failure): void {
    // No stand-in behind it: an origin of another kind.
    const status = failure === 503 ? 502 : failure;
    this.answerItself(request, response, status, `${status} ERROR: the origin did not answer\n`);
  }

  protected answerItself(
    request: http.IncomingMessage, response: http.ServerResponse, status: number, body: string, headers: http.OutgoingHttpHeaders = {},
  ): void {
    super.answerItself(request, response, status, body, { 'Server': 'CloudFront', 'X-Cache': 'Error from cloudfront', ...headers });
  }

  private behaviorFor(listener: ListenerSpec, request: http.IncomingMessage): Behavior | undefined {
    const action = decide(listener, ruleRequestOf(listener, request));
    return action.type === 'forward' ? this.cloudFront.behaviors.get(action.targetGroups[0].key) : undefined;
  }
}

/** The distributions of which one of the stand-ins is an origin. */
export function readCloudFronts(assembly: Assembly, resolver: Resolver, standIns: readonly LoadBalancerSpec[]): CloudFrontSpec[] {
  return assembly.ofType('AWS::CloudFront::Distribution').flatMap(({ stack, logicalId, resource: { Properties = {} } }): CloudFrontSpec[] => {
    const raw = Properties.DistributionConfig ?? {};
    const config = resolver.resolve(stack, raw);
    const origins = new Map<string, Origin>((raw.Origins ?? []).flatMap((rawOrigin: any, index: number): Array<[string, Origin]> => {
      const origin = config.Origins[index];
      const vpcOrigin = resolver.reference(stack, rawOrigin.VpcOriginConfig?.VpcOriginId);
      const endpoint = vpcOrigin?.stack.template.Resources?.[vpcOrigin.logicalId].Properties?.VpcOriginEndpointConfig;
      const behind = endpoint && vpcOrigin ? resolver.reference(vpcOrigin.stack, endpoint.Arn) : originReference(resolver, stack, rawOrigin.DomainName);
      const standIn = behind && standIns.find(({ key }) => key === keyOf(behind));
      if (!standIn) { return []; }
      const ports = endpoint ?? origin.CustomOriginConfig ?? {};
      const secure = ports.OriginProtocolPolicy === 'https-only' || ports.OriginProtocolPolicy === 'match-viewer';
      return [[origin.Id, {
        key: standIn.key,
        port: Number(secure ? ports.HTTPSPort ?? 443 : ports.HTTPPort ?? 80),
        headers: Object.fromEntries((origin.OriginCustomHeaders ?? []).map((header: any) => [header.HeaderName, header.HeaderValue])),
      }]];
    }));
    if (origins.size === 0) { return []; }

    const name = stack.displayName(logicalId);
    const behaviors = new Map<string, Behavior>();
    const conditionsOf = (pattern: string | undefined) => pattern === undefined ? [] :
      [{ field: 'path-pattern' as const, values: [pattern.startsWith('/') || pattern.startsWith('*') ? pattern : `/${pattern}`] }];
    const entries = [...config.CacheBehaviors ?? [], config.DefaultCacheBehavior ?? {}].map((behavior: any, index) => {
      const policy = behavior.OriginRequestPolicyId ?? behavior.CachePolicyId;
      behaviors.set(String(index), {
        origin: origins.get(behavior.TargetOriginId),
        methods: behavior.AllowedMethods ?? ['GET', 'HEAD'],
        passes: POLICIES[policy] ?? 'all',
      });
      return { index, viewers: behavior.ViewerProtocolPolicy, conditions: conditionsOf(behavior.PathPattern) };
    });
    const listener = (protocol: 'HTTP' | 'HTTPS', port: number): ListenerSpec => {
      const rules = entries.map(({ index, viewers, conditions }) => {
        const action: Action = protocol === 'HTTPS' || viewers === 'allow-all' ? { type: 'forward', targetGroups: [{ key: String(index), weight: 1 }] }
          : viewers === 'https-only' ? { type: 'fixed-response', statusCode: 403, contentType: 'text/plain', body: 'HTTPS only\n' }
            : { type: 'redirect', statusCode: 301, location: ({ host, path, query }) => `https://${host}${path}${query && `?${query}`}` };
        return { priority: index, conditions, action };
      });
      return { name: `${name}, ${protocol}`, port, protocol, rules: rules.slice(0, -1), defaultAction: rules.at(-1)!.action };
    };
    const timeouts = (config.Origins as any[])
      .map((origin) => Number((origin.VpcOriginConfig ?? origin.CustomOriginConfig)?.OriginReadTimeout ?? 30));
    return [{
      key: keyOf({ stack, logicalId }),
      name,
      notes: [`${name} is CloudFront: its stand-in passes requests on by its behaviors, and caches nothing.`],
      idleTimeoutSeconds: Math.max(...timeouts),
      dropInvalidHeaderFields: false,
      xForwardedFor: 'append',
      listeners: [listener('HTTP', 80), listener('HTTPS', 443)],
      behaviors,
    }];
  });
}

/** The load balancer or HTTP API whose name an origin has, which may stand in the middle of a text. */
function originReference(resolver: Resolver, stack: Parameters<Resolver['reference']>[0], domainName: unknown) {
  const [mentioned] = /\{"(?:Fn::GetAtt|Ref)":(?:\[[^\]]+\]|"[^"]+")\}/.exec(JSON.stringify(domainName ?? '')) ?? [];
  return resolver.reference(stack, domainName) ?? (mentioned ? resolver.reference(stack, JSON.parse(mentioned)) : undefined);
}
