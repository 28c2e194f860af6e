import { randomBytes } from 'node:crypto';
import * as http from 'node:http';
import { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { CannotRun } from '../cannot-run';
import { decide } from './listener-rules';
import { Target, TargetGroup } from './target-group';
import { ListenerSpec, LoadBalancerSpec, Action, RuleRequest } from '../model';
import { leadsTo } from '../templates/service';

/*
 * A stand-in for an Application Load Balancer on the loopback interface of this machine.
 *
 * It follows AWS's documentation in what an app and its template can get wrong: listener rules and actions, health,
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html, the idle time-out, and the
 * answers of https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html.
 * It has no TLS, no HTTP/2, no stickiness, no authentication and no web ACL. It proves how things are wired, not that AWS would run them.
 *
 * ELB is https://docs.aws.amazon.com/elasticloadbalancing/latest/application here, ECS https://docs.aws.amazon.com/AmazonECS/latest/developerguide.
 *
 * | what it does                                                                | documented, or assumed                                   |
 * |-----------------------------------------------------------------------------|----------------------------------------------------------|
 * | rules by priority, their conditions, redirects, fixed answers               | ELB/rule-condition-types.html, rule-action-types.html    |
 * | weights of target groups                                                    | documented; that they take strict turns is assumed       |
 * | probes, thresholds, matcher, time-out; one probe makes a new target healthy | ELB/target-group-health-checks.html                      |
 * | all targets unhealthy: all get requests                                     | documented there                                         |
 * | round robin among healthy targets                                           | ELB/load-balancer-target-groups.html; the order assumed  |
 * | a deregistered target gets no new request, and finishes those under way     | ELB/edit-target-group-attributes.html (deregistration)   |
 * | that takes effect at once                                                   | assumed; the verdict also plays 2 s, which is an example |
 * | 502, 503 and 504, and when                                                  | ELB/load-balancer-troubleshooting.html                   |
 * | connections to targets are kept for the idle time-out                       | ELB/edit-load-balancer-attributes.html                   |
 * | a request on a kept connection that the target closes just then fails: 502  | documented with the 502 above                            |
 * | X-Forwarded-*, the trace ID, headers that are dropped                       | ELB/x-forwarded-headers.html, edit-load-balancer-…       |
 * | slow start, and its share of requests                                       | left out                                                 |
 * | on demand ECS deregisters a task before SIGTERM; on Spot it may not         | ECS/fargate-capacity-providers.html; the order assumed   |
 */

/** What a connection to a target may take: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html */
const CONNECT_TIMEOUT_MS = 10_000;

/** Headers that concern one connection only, and are not passed on. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

/** The status codes of a load balancer whose target did not answer. */
export type Failure = 502 | 503 | 504;

export class LoadBalancer {
  protected readonly servers = new Map<ListenerSpec, http.Server>();
  /** Keeps connections to targets open between requests, as a load balancer does. */
  private readonly agent = new http.Agent({ keepAlive: true });
  private weightTurn = 0;
  /** Is told what became of each request that went to a target; without a status where there was no whole answer. */
  public observe?: (outcome: { readonly target: Target; readonly sentAt: number; readonly status?: number }) => void;

  /**
   * @param spec what the template says
   * @param targetGroups by their key; one that is missing has no targets
   */
  constructor(public readonly spec: LoadBalancerSpec, protected readonly targetGroups: ReadonlyMap<string, TargetGroup>) {}

  /** @param port for the first listener that leads to targets; 0 is any that is free */
  public async listen(port: number): Promise<void> {
    const main = this.spec.listeners.find((listener) => [...this.targetGroups.keys()].some((key) => leadsTo(listener, key)))
      ?? this.spec.listeners.at(-1);
    for (const listener of this.spec.listeners) {
      const server = http.createServer((request, response) => this.answer(listener, request, response));
      server.on('upgrade', (request, socket, head) => this.upgrade(listener, request, socket, head));
      server.keepAliveTimeout = 1000 * this.spec.idleTimeoutSeconds;
      server.requestTimeout = 0;
      await listenOn(server, listener === main ? port : 0);
      this.servers.set(listener, server);
    }
  }

  /** Where the stand-in for a listener is reached. */
  public url(listener: ListenerSpec): string {
    return `http://127.0.0.1:${(this.servers.get(listener)!.address() as AddressInfo).port}`;
  }

  public async close(): Promise<void> {
    this.agent.destroy();
    await Promise.all([...this.servers.values()].map(async (server) => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    })));
  }

  protected answer(listener: ListenerSpec, request: http.IncomingMessage, response: http.ServerResponse): void {
    const ruleRequest = ruleRequestOf(listener, request);
    const action = decide(listener, ruleRequest);
    switch (action.type) {
      case 'fixed-response':
        return this.answerItself(request, response, action.statusCode, action.body, { 'Content-Type': action.contentType });
      case 'redirect':
        return this.answerItself(request, response, action.statusCode, '', { Location: action.location(ruleRequest) });
      case 'forward': {
        const target = this.pick(action);
        return target
          ? this.forward(listener, target, request, response)
          : this.answerFailure(request, response, 503);
      }
    }
  }

  private forward(listener: ListenerSpec, target: Target, request: http.IncomingMessage, response: http.ServerResponse): void {
    const idle = 1000 * this.spec.idleTimeoutSeconds;
    const sentAt = Date.now();
    const forwarded = this.requestTo(listener, target, request);
    let failure: Failure = 502;
    const connecting = setTimeout(() => {
      failure = 504;
      forwarded.destroy(new Error('connect timed out'));
    }, CONNECT_TIMEOUT_MS);
    forwarded.on('socket', (socket) => {
      if (socket.connecting) { socket.once('connect', () => clearTimeout(connecting)); } else { clearTimeout(connecting); }
    });
    forwarded.setTimeout(idle, () => {
      failure = 504;
      forwarded.destroy(new Error('idle for too long'));
    });
    forwarded.on('close', () => clearTimeout(connecting));
    forwarded.on('response', (answer) => {
      response.writeHead(answer.statusCode!, answer.statusMessage, passedOn(answer.rawHeaders, answer.headers.connection));
      answer.pipe(response);
      answer.on('end', () => this.observe?.({ target, sentAt, status: answer.statusCode }));
      // Half an answer must not look like a whole one.
      answer.on('error', () => {
        this.observe?.({ target, sentAt });
        response.destroy();
      });
    });
    forwarded.on('error', () => {
      this.observe?.({ target, sentAt });
      if (response.headersSent || response.destroyed) {
        response.destroy();
      } else {
        this.answerFailure(request, response, failure);
      }
    });
    response.on('close', () => { if (!response.writableFinished) { forwarded.destroy(); } });
    request.pipe(forwarded);
  }

  /** WebSockets: after the target has agreed, the two are connected. */
  protected upgrade(listener: ListenerSpec, request: http.IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {});
    const action = decide(listener, ruleRequestOf(listener, request));
    const target = action.type === 'forward' ? this.pick(action) : undefined;
    if (!target) {
      socket.end('HTTP/1.1 503 Service Temporarily Unavailable\r\nConnection: close\r\n\r\n');
      return;
    }
    const forwarded = this.requestTo(listener, target, request, ['Connection', 'Upgrade', 'Upgrade', String(request.headers.upgrade)]);
    const writeHead = (answer: http.IncomingMessage) => {
      const lines = answer.rawHeaders.flatMap((name, index, all) => index % 2 === 0 ? [`${name}: ${all[index + 1]}`] : []);
      socket.write(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n${lines.join('\r\n')}\r\n\r\n`);
    };
    forwarded.on('upgrade', (answer, upstream, upstreamHead) => {
      writeHead(answer);
      socket.write(upstreamHead);
      upstream.write(head);
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
      socket.pipe(upstream).pipe(socket);
    });
    forwarded.on('response', (answer) => {
      writeHead(answer);
      answer.pipe(socket);
    });
    forwarded.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n'));
    forwarded.end();
  }

  protected requestTo(listener: ListenerSpec, target: Target, request: http.IncomingMessage, more: string[] = []): http.ClientRequest {
    return http.request({
      host: target.host,
      port: target.port,
      method: request.method,
      path: request.url,
      agent: more.length > 0 ? false : this.agent,
      setHost: false,
      headers: [...this.forwardedHeaders(listener, request), ...more],
    } as http.RequestOptions);
  }

  protected forwardedHeaders(listener: ListenerSpec, request: http.IncomingMessage): string[] {
    const { xForwardedFor, dropInvalidHeaderFields } = this.spec;
    const client = request.socket.remoteAddress ?? '127.0.0.1';
    const set: { [name: string]: string | undefined } = {
      'X-Forwarded-Proto': listener.protocol.toLowerCase(),
      'X-Forwarded-Port': String(listener.port),
      'X-Amzn-Trace-Id': traceId(request.headers['x-amzn-trace-id']),
    };
    if (xForwardedFor === 'append') { set['X-Forwarded-For'] = [request.headers['x-forwarded-for'] ?? [], client].flat().join(', '); }
    if (xForwardedFor === 'remove') { set['X-Forwarded-For'] = undefined; }

    const replaced = Object.keys(set).map((name) => name.toLowerCase());
    const kept = passedOn(request.rawHeaders, request.headers.connection, request.headers['transfer-encoding'] !== undefined)
      .flatMap((name, index, all) => index % 2 === 0 ? [[name, all[index + 1]]] : [])
      .filter(([name]) => !replaced.includes(name.toLowerCase()))
      .filter(([name]) => !dropInvalidHeaderFields || /^[A-Za-z0-9-]+$/.test(name));
    return [...kept, ...Object.entries(set).filter(([, value]) => value !== undefined)].flat() as string[];
  }

  /** What a load balancer says when a target does not answer: 502 for what is no answer, 503 for no target, 504 for none in time. */
  protected answerFailure(request: http.IncomingMessage, response: http.ServerResponse, failure: Failure): void {
    this.answerItself(request, response, failure, { 502: '502 Bad Gateway', 503: '503 Service Temporarily Unavailable', 504: '504 Gateway Time-out' }[failure]);
  }

  protected answerItself(
    request: http.IncomingMessage, response: http.ServerResponse, status: number, body: string, headers: http.OutgoingHttpHeaders = {},
  ): void {
    request.resume();
    response.writeHead(status, { 'Server': 'awselb/2.0', 'Content-Type': 'text/plain', ...headers, 'Content-Length': Buffer.byteLength(body) });
    response.end(body);
  }

  /** Weighted target groups take turns, so that a rehearsal gives the same every time. */
  protected pick(action: Action & { type: 'forward' }): Target | undefined {
    const turns = action.targetGroups.flatMap(({ key, weight }) => Array<string>(weight).fill(key));
    return this.targetGroups.get(turns[this.weightTurn++ % turns.length])?.next();
  }
}

async function listenOn(server: http.Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(
      error.code === 'EADDRINUSE' ? new CannotRun(`port ${port} of 127.0.0.1 is in use: end what uses it, or give another with --port`)
        : error.code === 'EACCES' ? new CannotRun(`port ${port} needs more rights than you have: give --port 1024 or more`)
          : error));
    server.listen(port, '127.0.0.1', resolve);
  });
}

export function ruleRequestOf(listener: ListenerSpec, request: http.IncomingMessage): RuleRequest {
  const [path, ...query] = (request.url ?? '/').split('?');
  return {
    method: request.method ?? 'GET',
    protocol: listener.protocol,
    host: (request.headers.host ?? '').replace(/:\d+$/, ''),
    port: listener.port,
    path,
    query: query.join('?'),
    headers: request.headers,
    sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
  };
}

/** Raw headers, name and value in turn, without those of the connection that they came by. */
export function passedOn(rawHeaders: readonly string[], connection: string | undefined, chunked = false): string[] {
  const dropped = [...HOP_BY_HOP, ...(connection ?? '').toLowerCase().split(/\s*,\s*/)];
  const kept = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 && !dropped.includes(name.toLowerCase()) ? [name, rawHeaders[index + 1]] : []);
  // A body of unknown length is chunked on the next connection too.
  return chunked ? [...kept, 'Transfer-Encoding', 'chunked'] : kept;
}

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html */
export function traceId(given: string | string[] | undefined): string {
  const own = `1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')}`;
  const received = [given ?? []].flat().join(';');
  return received.includes('Root=') ? `Self=${own};${received.replace(/Self=[^;]*;?/, '')}` : [received, `Root=${own}`].filter(Boolean).join(';');
}
