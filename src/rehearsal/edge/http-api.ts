import { Emulator } from './emulator';
import { clientOf, requestHeaders, traceId } from './headers';
import { HttpEmulator } from './http-emulator';
import { pickByWeight, TargetGroup } from './target-group';
import { HttpApiSpec, ResourceKey } from '../model';

/*
 * An emulator of an HTTP API of API Gateway whose private integrations lead to tasks in Cloud Map.
 *
 * Documented below https://docs.aws.amazon.com/apigateway/latest/developerguide/:
 * - the selection of routes: http-api-develop-routes
 * - the name of the stage as a part of the path that the app gets: http-api-develop-integrations-private
 * - the limits of 30 s and 10 MB: http-api-quotas
 * - JSON bodies of its own responses
 *
 * Assumed: healthy tasks take turns, the app gets Forwarded, Via, X-Amzn-Trace-Id and the original Host, and
 * connections to tasks are kept open.
 *
 * Left out: authorizers, CORS, throttling, parameter mapping, and routes to Lambda functions, which return 503.
 */

const MAX_BYTES = 10 * 1024 * 1024;

/** @param targetGroups services of Cloud Map, by key */
export function newHttpApi(spec: HttpApiSpec, targetGroups: ReadonlyMap<ResourceKey, TargetGroup>): Emulator {
  return new HttpEmulator(spec, {
    // WebSocket APIs are another type of API.
    acceptsWebSockets: false,
    ownHeaders: { 'Content-Type': 'application/json', 'Apigw-Requestid': 'rehearsal' },
    reject: ({ headers }) => Number(headers['content-length'] ?? 0) > MAX_BYTES
      ? { status: 413, body: '{"message":"Request Entity Too Large"}' }
      : undefined,
    pickTarget: pickByWeight(targetGroups),
    outgoing: (request, { protocol }) => ({
      headers: requestHeaders(request, {
        'Forwarded':
          `by=127.0.0.1;for=${clientOf(request)};host=${request.headers.host};proto=${protocol.toLowerCase()}`,
        'Via': 'HTTP/1.1 AmazonAPIGateway',
        'X-Amzn-Trace-Id': traceId(request),
      }),
    }),
    gatewayError: () => ({ status: 503, body: '{"message":"Service Unavailable"}' }),
  });
}
