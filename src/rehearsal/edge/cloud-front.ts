import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Emulator } from './emulator';
import { appendClient, clientOf, requestHeaders } from './headers';
import { HttpEmulator } from './http-emulator';
import { Target } from './target-group';
import { Action, CloudFrontBehavior, CloudFrontSpec, ListenerSpec } from '../model';

/*
 * An emulator of CloudFront: forwards requests to the emulator of its origin, a load balancer or an HTTP API.
 *
 * Documented below https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/:
 * - the order of behaviors and their path patterns: DownloadDistValuesCacheBehavior
 * - 403 for methods that are not allowed, and the redirect to HTTPS
 * - headers, cookies and query strings that reach the origin without an origin request policy:
 *   RequestAndResponseBehaviorCustomOrigin, controlling-origin-requests
 * - headers that an origin request policy adds: using-managed-origin-request-policies, adding-cloudfront-headers
 *
 * Assumed: custom cache policies and origin request policies forward everything.
 *
 * Left out: the cache, compression, headers on the location and the device of the viewer, response headers policies,
 * functions, error pages, web ACLs, and other types of origins, which return 502.
 */

const METHOD_NOT_ALLOWED =
  'This distribution is not configured to allow the HTTP request method that was used for this request.\n';

/** Headers that CloudFront removes unless a policy forwards them. */
const REMOVED_HEADERS = ['cookie', 'authorization', 'referer', 'accept', 'accept-language', 'accept-charset', 'origin'];

/** @param origins the emulators that may be an origin */
export function newCloudFront(spec: CloudFrontSpec, origins: readonly Emulator[]): Emulator {
  const behaviorFor = (action: Action): CloudFrontBehavior | undefined =>
    action.type === 'forward' ? spec.behaviors.get(action.targetGroups[0].key) : undefined;
  return new HttpEmulator(spec, {
    acceptsWebSockets: true,
    ownHeaders: { 'Content-Type': 'text/plain', 'Server': 'CloudFront', 'X-Cache': 'Error from cloudfront' },
    reject: ({ method = 'GET' }, action) => behaviorFor(action)?.methods.includes(method) === false
      ? { status: 403, body: METHOD_NOT_ALLOWED }
      : undefined,
    pickTarget: (action) => {
      const origin = behaviorFor(action)?.origin;
      const emulator = origins.find((candidate) => candidate.spec.key === origin?.key);
      const listener = emulator?.spec.listeners.find(({ port }) => port === origin?.port);
      if (!emulator || !listener) { return undefined; }
      const { hostname, port } = new URL(emulator.url(listener));
      return new Target('origin', hostname, Number(port));
    },
    outgoing: (request, listener, action) => {
      const behavior = behaviorFor(action);
      const changes: Record<string, string | undefined> = {
        'X-Forwarded-For': appendClient(request),
        'Via': '1.1 rehearsal.cloudfront.net (CloudFront)',
        'X-Amz-Cf-Id': randomBytes(24).toString('base64url'),
        ...behavior?.addsCloudFrontHeaders ? viewerHeaders(request, listener) : {},
        ...behavior?.origin?.headers,
      };
      if (behavior?.forwards !== 'all') { changes.Host = 'origin.invalid'; }
      if (behavior?.forwards !== 'nothing') { return { headers: requestHeaders(request, changes) }; }
      changes['User-Agent'] = 'Amazon CloudFront';
      return {
        path: request.url?.split('?')[0],
        headers: requestHeaders(request, changes, (name) => REMOVED_HEADERS.includes(name.toLowerCase())),
      };
    },
    gatewayError: (error) => {
      // 503 means that the origin has no emulator.
      const status = error === 503 ? 502 : error;
      return { status, body: `${status} ERROR: the origin did not respond\n` };
    },
  });
}

function viewerHeaders(request: IncomingMessage, { protocol }: ListenerSpec): Record<string, string> {
  return {
    'CloudFront-Forwarded-Proto': protocol.toLowerCase(),
    'CloudFront-Viewer-Address': `${clientOf(request)}:${request.socket.remotePort}`,
    'CloudFront-Viewer-Http-Version': request.httpVersion,
    ...protocol === 'HTTPS' ? { 'CloudFront-Viewer-TLS': 'TLSv1.3:TLS_AES_128_GCM_SHA256:fullHandshake' } : {},
  };
}
