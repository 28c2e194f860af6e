import { Assembly, Stack } from './assembly';
import { keyOf, Resolver, ResourceReference } from './intrinsics';
import { list, number, Properties, record, records, text, texts } from './values';
import {
  Action, CloudFrontBehavior, CloudFrontOrigin, CloudFrontSpec, Condition, EmulatorSpec, ListenerSpec,
} from '../model';

/*
 * Reads CloudFront distributions in front of load balancers and HTTP APIs.
 */

/**
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
 */
const MANAGED_POLICIES: Record<string, CloudFrontBehavior['forwards']> = {
  '658327ea-f89d-4fab-a63d-7e88639e58f6': 'nothing', // CachingOptimized
  'b2884449-e4de-46a7-ac36-70bc7f1ddd6d': 'nothing', // CachingOptimizedForUncompressedObjects
  '4135ea2d-6df8-44a3-9df3-4b5a84be39ad': 'nothing', // CachingDisabled
  '216adef6-5c7f-47e4-b989-5492eafa07d3': 'all', // AllViewer
  '33f36d7e-f396-46d9-90e0-52428a34d9dc': 'all', // AllViewerAndCloudFrontHeaders-2022-06
  'b689b0a8-53d0-40ab-baf2-68738e2966ac': 'all but Host', // AllViewerExceptHostHeader
};

const WITH_CLOUDFRONT_HEADERS = ['33f36d7e-f396-46d9-90e0-52428a34d9dc'];

/** A behavior of the distribution and how it applies to requests. */
interface Behavior {
  readonly behavior: CloudFrontBehavior;
  readonly conditions: readonly Condition[];
  readonly viewerProtocolPolicy: unknown;
}

/** The distributions that have one of the load balancers or HTTP APIs as an origin. */
export function readCloudFronts(
  assembly: Assembly, resolver: Resolver, emulated: readonly EmulatorSpec[],
): CloudFrontSpec[] {
  return assembly.ofType('AWS::CloudFront::Distribution').flatMap(({ stack, logicalId }): CloudFrontSpec[] => {
    const config = record(resolver.properties({ stack, logicalId }).DistributionConfig);
    const origins = readOrigins(resolver, { stack, logicalId }, emulated);
    if (origins.size === 0) { return []; }

    const name = stack.displayName(logicalId);
    const behaviors = [...list(config.CacheBehaviors), config.DefaultCacheBehavior]
      .map((behavior) => readBehavior(record(behavior), origins));
    return [{
      key: keyOf({ stack, logicalId }),
      name,
      notes: [`${name} is CloudFront: its emulator forwards requests by its behaviors, and caches nothing.`],
      idleTimeoutSeconds: Math.max(...records(config.Origins).map(readTimeout)),
      listeners: [toListener(name, 'HTTP', behaviors), toListener(name, 'HTTPS', behaviors)],
      behaviors: new Map(behaviors.map(({ behavior }, index) => [String(index), behavior])),
    }];
  });
}

/** The origins that are emulated, by ID. */
function readOrigins(
  resolver: Resolver, { stack, logicalId }: ResourceReference, emulated: readonly EmulatorSpec[],
): Map<string, CloudFrontOrigin> {
  const raw = records(record(stack.properties(logicalId).DistributionConfig).Origins);
  const resolved = records(record(resolver.properties({ stack, logicalId }).DistributionConfig).Origins);
  const origins = new Map<string, CloudFrontOrigin>();
  for (const [index, rawOrigin] of raw.entries()) {
    const origin = resolved[index];
    const endpoint = readVpcEndpoint(resolver, stack, rawOrigin);
    const reference = endpoint ? endpoint.reference : originReference(resolver, stack, rawOrigin.DomainName);
    const emulator = reference && emulated.find(({ key }) => key === keyOf(reference));
    if (!emulator) { continue; }
    const config = endpoint?.config ?? record(origin.CustomOriginConfig);
    const isHttps = ['https-only', 'match-viewer'].includes(String(config.OriginProtocolPolicy));
    origins.set(text(origin.Id, ''), {
      key: emulator.key,
      port: isHttps ? number(config.HTTPSPort, 443) : number(config.HTTPPort, 80),
      headers: Object.fromEntries(records(origin.OriginCustomHeaders)
        .map(({ HeaderName, HeaderValue }) => [text(HeaderName, ''), text(HeaderValue, '')])),
    });
  }
  return origins;
}

function readVpcEndpoint(
  resolver: Resolver, stack: Stack, origin: Properties,
): { readonly reference?: ResourceReference; readonly config: Properties } | undefined {
  const vpcOrigin = resolver.reference(stack, record(origin.VpcOriginConfig).VpcOriginId);
  const config = vpcOrigin?.stack.properties(vpcOrigin.logicalId).VpcOriginEndpointConfig;
  if (!vpcOrigin || !config) { return undefined; }
  return { reference: resolver.reference(vpcOrigin.stack, record(config).Arn), config: record(config) };
}

/** The load balancer or HTTP API whose domain name an origin has, possibly as a part of a join. */
function originReference(resolver: Resolver, stack: Stack, domainName: unknown): ResourceReference | undefined {
  const reference = resolver.reference(stack, domainName);
  if (reference) { return reference; }
  const json = JSON.stringify(domainName ?? '');
  const [intrinsic] = /\{"(?:Fn::GetAtt|Ref)":(?:\[[^\]]+\]|"[^"]+")\}/.exec(json) ?? [];
  return intrinsic ? resolver.reference(stack, JSON.parse(intrinsic)) : undefined;
}

function readBehavior(config: Properties, origins: ReadonlyMap<string, CloudFrontOrigin>): Behavior {
  const policy = text(config.OriginRequestPolicyId ?? config.CachePolicyId, '');
  const pattern = text(config.PathPattern);
  return {
    behavior: {
      origin: origins.get(text(config.TargetOriginId, '')),
      methods: texts(config.AllowedMethods) ?? ['GET', 'HEAD'],
      forwards: MANAGED_POLICIES[policy] ?? 'all',
      // Custom policies are assumed to forward everything.
      addsCloudFrontHeaders: WITH_CLOUDFRONT_HEADERS.includes(policy) || !(policy in MANAGED_POLICIES),
    },
    conditions: pattern === undefined ? [] : [{ field: 'path-pattern', values: [absolute(pattern)] }],
    viewerProtocolPolicy: config.ViewerProtocolPolicy,
  };
}

/** The leading slash of a path pattern is optional. */
function absolute(pattern: string): string {
  return /^[/*]/.test(pattern) ? pattern : `/${pattern}`;
}

function readTimeout(origin: Properties): number {
  return number(record(origin.VpcOriginConfig ?? origin.CustomOriginConfig).OriginReadTimeout, 30);
}

function toListener(name: string, protocol: 'HTTP' | 'HTTPS', behaviors: readonly Behavior[]): ListenerSpec {
  const rules = behaviors.map(({ conditions, viewerProtocolPolicy }, index) => {
    const forward: Action = { type: 'forward', targetGroups: [{ key: String(index), weight: 1 }] };
    return { conditions, action: protocol === 'HTTPS' ? forward : httpAction(viewerProtocolPolicy, forward) };
  });
  return {
    name: `${name}, ${protocol}`,
    port: protocol === 'HTTPS' ? 443 : 80,
    protocol,
    rules: rules.slice(0, -1),
    defaultAction: rules.at(-1)!.action,
  };
}

/** The action for requests over HTTP. */
function httpAction(viewerProtocolPolicy: unknown, forward: Action): Action {
  switch (viewerProtocolPolicy) {
    case 'allow-all':
      return forward;
    case 'https-only':
      return { type: 'fixed-response', statusCode: 403, contentType: 'text/plain', body: 'HTTPS only\n' };
    default:
      return { type: 'redirect', statusCode: 301, location: 'https://#{host}/#{path}', query: '#{query}' };
  }
}
