import * as http from 'node:http';
import * as net from 'node:net';
import { ContainerHealthCheckSpec, HealthCheckSpec, TargetGroupSpec } from '../model';
import { sleep } from '../sleep';
import { Task } from '../tasks/task';

/*
 * A stand-in for a target group: probes its targets as the template says, and picks the one that gets the next request. Follows
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
 */

export type TargetState = 'initial' | 'healthy' | 'unhealthy';

export interface Probe {
  /** The status code, where there was an answer. */
  readonly status?: number;
  /** Why there was none: ECONNREFUSED, ETIMEDOUT, … */
  readonly error?: string;
  readonly passed: boolean;
}

export class Target {
  public state: TargetState = 'initial';
  /** The last probe, and how many in a row came out like it. */
  public lastProbe?: Probe;
  public inARow = 0;

  /** @param task the one behind it, whose container health check counts where nobody asks over HTTP */
  constructor(
    public readonly name: string, public readonly host: string, public readonly port: number,
    public readonly task?: Pick<Task, 'checkContainerHealth' | 'exit'>,
  ) {}
}

export class TargetGroup {
  private readonly targets = new Map<Target, AbortController>();
  private turn = 0;

  /**
   * @param spec what the template says
   * @param pace how many times as often as the template says the targets are probed. Time-outs stay as they are.
   * @param changed is told when a target changes its state
   */
  constructor(
    public readonly spec: TargetGroupSpec,
    private readonly pace: number,
    private readonly changed: (target: Target, before: TargetState) => void = () => {},
  ) {}

  public register(target: Target): void {
    const registration = new AbortController();
    this.targets.set(target, registration);
    void this.watch(target, registration.signal);
  }

  /** The target gets no more requests and no more probes. Requests that are under way go on. */
  public deregister(target: Target): void {
    this.targets.get(target)?.abort();
    this.targets.delete(target);
  }

  public close(): void {
    [...this.targets.keys()].forEach((target) => this.deregister(target));
  }

  /** Round robin over the healthy targets; over the unhealthy ones when there are no others, because a load balancer fails open. */
  public next(): Target | undefined {
    const inState = (state: TargetState) => [...this.targets.keys()].filter((target) => target.state === state);
    const healthy = inState('healthy');
    const candidates = healthy.length > 0 ? healthy : inState('unhealthy');
    return candidates[this.turn++ % candidates.length];
  }

  private async watch(target: Target, signal: AbortSignal): Promise<void> {
    const { healthCheck } = this.spec;
    while (!signal.aborted) {
      const due = sleep(1000 * healthCheck.intervalSeconds / this.pace, signal);
      const probe = healthCheck.inContainer
        ? await checkInContainer(target, healthCheck.inContainer)
        : await probeOnce(target.host, healthCheck.port ?? target.port, healthCheck);
      if (signal.aborted) { return; }
      this.judge(target, probe);
      await due;
    }
  }

  private judge(target: Target, probe: Probe): void {
    const before = target.state;
    target.inARow = target.lastProbe?.passed === probe.passed ? target.inARow + 1 : 1;
    target.lastProbe = probe;
    // A new target is healthy after one probe that passes; one that has failed needs as many as the threshold says.
    const { healthyThreshold, unhealthyThreshold } = this.spec.healthCheck;
    if (probe.passed && target.inARow >= (before === 'initial' ? 1 : healthyThreshold)) { target.state = 'healthy'; }
    if (!probe.passed && target.inARow >= unhealthyThreshold) { target.state = 'unhealthy'; }
    if (target.state !== before) { this.changed(target, before); }
  }
}

/** What Cloud Map hears of a task: that its container health check passes, or no more than that it runs. */
async function checkInContainer({ host, port, task }: Target, check: ContainerHealthCheckSpec | 'none'): Promise<Probe> {
  const outcome = check === 'none' || !task ? 'skipped' : await task.checkContainerHealth(check);
  if (task?.exit) { return { error: 'exited', passed: false }; }
  // A task that runs is not yet one that listens. Where the check cannot be run here, what it would most likely ask is whether it does.
  return outcome === 'skipped' ? connectOnce(host, port) : { passed: outcome === 'passed', error: outcome === 'passed' ? undefined : outcome };
}

async function connectOnce(host: string, port: number): Promise<Probe> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: 1000 });
    const settle = (probe: Probe) => {
      socket.destroy();
      resolve(probe);
    };
    socket.on('connect', () => settle({ passed: true }));
    socket.on('timeout', () => settle({ error: 'ETIMEDOUT', passed: false }));
    socket.on('error', (error: NodeJS.ErrnoException) => settle({ error: error.code ?? error.message, passed: false }));
  });
}

async function probeOnce(host: string, port: number, healthCheck: HealthCheckSpec): Promise<Probe> {
  return new Promise((resolve) => {
    const request = http.get({
      host,
      port,
      path: healthCheck.path,
      agent: false,
      headers: { 'User-Agent': 'ELB-HealthChecker/2.0', 'Host': `${host}:${port}` },
    });
    // The time-out is for the whole answer: one that trickles in too slowly has failed too.
    const timeout = setTimeout(() => request.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })),
      1000 * healthCheck.timeoutSeconds);
    const fail = (error: NodeJS.ErrnoException) => {
      clearTimeout(timeout);
      resolve({ error: error.code ?? error.message, passed: false });
    };
    request.on('error', fail);
    request.on('response', (response) => {
      const status = response.statusCode!;
      response.on('error', fail);
      response.on('end', () => {
        clearTimeout(timeout);
        resolve({ status, passed: isSuccess(healthCheck.successCodes, status) });
      });
      response.resume();
    });
  });
}

/** Whether a status code is one of '200', '200,204' or '200-299'. */
export function isSuccess(successCodes: string, status: number): boolean {
  return successCodes.split(',').some((part) => {
    const [from, to = from] = part.split('-').map(Number);
    return status >= from && status <= to;
  });
}
