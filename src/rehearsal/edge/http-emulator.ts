import * as http from 'node:http';
import * as net from 'node:net';
import { Duplex } from 'node:stream';
import { Emulator } from './emulator';
import { clientOf, headerPairs, responseHeaders } from './headers';
import { decide, redirectLocation } from './listener-rules';
import { Target } from './target-group';
import { Action, EmulatorSpec, ForwardAction, ListenerSpec, RuleRequest } from '../model';

/*
 * An HTTP server on the loopback interface that emulates a load balancer, an HTTP API or CloudFront: it forwards
 * requests to targets by the rules of its listeners. A policy defines what is specific to one of them.
 */

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html */
const CONNECT_TIMEOUT_MS = 10_000;

/** Invalid response, no target, no response in time. */
export type GatewayError = 502 | 503 | 504;

/** A response that does not come from a target. */
export interface OwnResponse {
  readonly status: number;
  readonly body: string;
  readonly headers?: http.OutgoingHttpHeaders;
}

/** What a target receives. */
export interface OutgoingRequest {
  readonly path?: string;
  /** Names and values in turn. */
  readonly headers: string[];
}

export interface EmulatorPolicy {
  /** The listener on the port that the user chose; by default the last one. */
  readonly mainListener?: ListenerSpec;
  readonly acceptsWebSockets: boolean;
  /** Default headers of every response that does not come from a target. */
  readonly ownHeaders: http.OutgoingHttpHeaders;
  /** The response to a request that is rejected whatever its action. */
  readonly reject?: (request: http.IncomingMessage, action: Action) => OwnResponse | undefined;
  readonly pickTarget: (action: ForwardAction) => Target | undefined;
  readonly outgoing: (request: http.IncomingMessage, listener: ListenerSpec, action: ForwardAction) => OutgoingRequest;
  readonly gatewayError: (error: GatewayError) => OwnResponse;
}

export class HttpEmulator extends Emulator {
  private readonly agent = new http.Agent({ keepAlive: true });

  constructor(spec: EmulatorSpec, private readonly policy: EmulatorPolicy) {
    super(spec, policy.mainListener ?? spec.listeners.at(-1));
  }

  public async close(): Promise<void> {
    this.agent.destroy();
    await super.close();
  }

  protected newServer(listener: ListenerSpec): net.Server {
    const server = http.createServer((request, response) => this.handle(listener, request, response));
    server.on('upgrade', (request, socket, head) => this.upgrade(listener, request, socket, head));
    server.keepAliveTimeout = 1000 * this.spec.idleTimeoutSeconds;
    server.requestTimeout = 0;
    return server;
  }

  private handle(listener: ListenerSpec, request: http.IncomingMessage, response: http.ServerResponse): void {
    normalize(request, new URL(this.url(listener)).host);
    const ruleRequest = ruleRequestFor(listener, request);
    const action = decide(listener, ruleRequest);
    const rejection = this.policy.reject?.(request, action);
    if (rejection) {
      this.respond(request, response, rejection);
      return;
    }
    switch (action.type) {
      case 'fixed-response': {
        const { statusCode: status, body, contentType } = action;
        return this.respond(request, response, { status, body, headers: { 'Content-Type': contentType } });
      }
      case 'redirect': {
        const headers = { Location: redirectLocation(action, ruleRequest) };
        return this.respond(request, response, { status: action.statusCode, body: '', headers });
      }
      case 'forward': {
        const target = this.policy.pickTarget(action);
        return target
          ? this.forward(target, this.policy.outgoing(request, listener, action), request, response)
          : this.respond(request, response, this.policy.gatewayError(503));
      }
    }
  }

  private forward(
    target: Target, outgoing: OutgoingRequest, request: http.IncomingMessage, response: http.ServerResponse,
  ): void {
    const sentAt = Date.now();
    const notify = (status?: number) => this.notify({ target, sentAt, status });
    const forwarded = requestTo(target, request, { ...outgoing, agent: this.agent });

    let error: GatewayError = 502;
    const timeOut = (reason: string) => {
      error = 504;
      forwarded.destroy(new Error(reason));
    };
    const connecting = setTimeout(() => timeOut('connection timed out'), CONNECT_TIMEOUT_MS);
    forwarded.on('socket', (socket) => {
      if (socket.connecting) {
        socket.once('connect', () => clearTimeout(connecting));
      } else {
        clearTimeout(connecting);
      }
    });
    forwarded.setTimeout(1000 * this.spec.idleTimeoutSeconds, () => timeOut('idle timeout'));
    forwarded.on('close', () => clearTimeout(connecting));

    forwarded.on('response', (incoming) => {
      if (!isValid(incoming)) {
        forwarded.destroy(new Error('invalid response'));
        return;
      }
      response.writeHead(incoming.statusCode!, incoming.statusMessage, responseHeaders(incoming));
      incoming.pipe(response);
      incoming.on('end', () => notify(incoming.statusCode));
      // The client must not take a partial response for a complete one.
      incoming.on('error', () => {
        notify();
        response.destroy();
      });
    });
    const fail = () => {
      notify();
      if (response.headersSent || response.destroyed) {
        response.destroy();
      } else {
        this.respond(request, response, this.policy.gatewayError(error));
      }
    };
    forwarded.on('error', fail);
    // The target accepts an upgrade that was not requested.
    forwarded.on('upgrade', (_, upstream) => {
      upstream.destroy();
      fail();
    });
    response.on('close', () => { if (!response.writableFinished) { forwarded.destroy(); } });
    request.pipe(forwarded);
  }

  /** Connects client and target once the target has accepted the WebSocket. */
  private upgrade(listener: ListenerSpec, request: http.IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {});
    normalize(request, new URL(this.url(listener)).host);
    // Node.js reads no chunks after a request for an upgrade.
    if (!this.policy.acceptsWebSockets || request.headers['transfer-encoding'] !== undefined) {
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      return;
    }
    const action = decide(listener, ruleRequestFor(listener, request));
    const target = action.type === 'forward' ? this.policy.pickTarget(action) : undefined;
    if (action.type !== 'forward' || !target) {
      socket.end('HTTP/1.1 503 Service Temporarily Unavailable\r\nConnection: close\r\n\r\n');
      return;
    }
    const { path, headers } = this.policy.outgoing(request, listener, action);
    const upgradeHeaders = ['Connection', 'Upgrade', 'Upgrade', String(request.headers.upgrade)];
    const forwarded = requestTo(target, request, { path, headers: [...headers, ...upgradeHeaders], agent: false });
    forwarded.on('upgrade', (incoming, upstream, upstreamHead) => {
      writeHead(socket, incoming, headerPairs(incoming.rawHeaders));
      socket.write(upstreamHead);
      socket.unpipe(forwarded);
      upstream.write(head);
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
      socket.pipe(upstream).pipe(socket);
    });
    // The target answers without an upgrade, for example to `Upgrade: h2c`. The body ends with the connection.
    forwarded.on('response', (incoming) => {
      if (!isValid(incoming)) {
        forwarded.destroy(new Error('invalid response'));
        return;
      }
      writeHead(socket, incoming, [...headerPairs(responseHeaders(incoming)), ['Connection', 'close']]);
      incoming.pipe(socket);
    });
    forwarded.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n'));
    if (request.headers['content-length'] === undefined) {
      forwarded.end();
    } else {
      forwarded.write(head);
      socket.pipe(forwarded, { end: false });
    }
  }

  private respond(
    request: http.IncomingMessage, response: http.ServerResponse, { status, body, headers }: OwnResponse,
  ): void {
    request.resume();
    response.writeHead(status, { ...this.policy.ownHeaders, ...headers, 'Content-Length': Buffer.byteLength(body) });
    response.end(body);
  }
}

function requestTo(
  { host, port }: Target,
  { method, url }: http.IncomingMessage,
  { path = url, headers, agent }: OutgoingRequest & { readonly agent: http.Agent | false },
): http.ClientRequest {
  // Node takes a flat list of headers, which its types lack.
  return http.request({ host, port, method, path, agent, setHost: false, headers } as unknown as http.RequestOptions);
}

/**
 * Gives a request the form that rules and targets expect. The host of an absolute target replaces the Host header; for
 * a request of HTTP/1.0 without that header, the load balancer adds one.
 * https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2,
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html
 */
function normalize(request: http.IncomingMessage, ownHost: string): void {
  const absolute = /^https?:\/\/([^/?#]+)(.*)$/i.exec(request.url ?? '');
  const host = absolute ? absolute[1] : request.headers.host ?? ownHost;
  if (absolute) { request.url = absolute[2].startsWith('/') ? absolute[2] : `/${absolute[2]}`; }
  if (host === request.headers.host) { return; }
  request.headers.host = host;
  const others = headerPairs(request.rawHeaders).filter(([name]) => name.toLowerCase() !== 'host');
  request.rawHeaders = [['Host', host], ...others].flat();
}

/** Whether it can be sent to the client: Node.js accepts more than it sends. */
function isValid({ statusCode = 0, statusMessage = '' }: http.IncomingMessage): boolean {
  const isPrintable = [...statusMessage].every((character) => character === '\t' || character >= ' ');
  return statusCode >= 200 && statusCode <= 999 && isPrintable;
}

function writeHead(
  socket: Duplex,
  { statusCode, statusMessage }: http.IncomingMessage,
  headers: ReadonlyArray<readonly [name: string, value: string]>,
): void {
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  socket.write(`HTTP/1.1 ${statusCode} ${statusMessage}\r\n${lines.join('\r\n')}\r\n\r\n`);
}

function ruleRequestFor(listener: ListenerSpec, request: http.IncomingMessage): RuleRequest {
  const [path, ...query] = (request.url ?? '/').split('?');
  return {
    method: request.method ?? 'GET',
    protocol: listener.protocol,
    host: (request.headers.host ?? '').replace(/:\d+$/, ''),
    port: listener.port,
    path,
    query: query.join('?'),
    headers: request.headers,
    sourceIp: clientOf(request),
  };
}
