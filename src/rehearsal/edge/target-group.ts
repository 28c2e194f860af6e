import * as http from 'node:http';
import * as net from 'node:net';
import { ContainerHealthCheckSpec, ForwardAction, HealthCheckSpec, ResourceKey, TargetGroupSpec } from '../model';
import { sleep } from '../sleep';
import { Task } from '../tasks/task';

/*
 * An emulator of a target group: probes its targets as the template defines, and picks the target of the next request.
 * Follows https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
 */

export type TargetState = 'initial' | 'healthy' | 'unhealthy';

export interface Probe {
  /** The status code, if there was a response. */
  readonly status?: number;
  /** The reason if there was none: ECONNREFUSED, ETIMEDOUT, … */
  readonly error?: string;
  readonly passed: boolean;
}

export class Target {
  public state: TargetState = 'initial';
  public lastProbe?: Probe;
  /** Number of consecutive probes with the result of the last one. */
  public inARow = 0;
  private readonly registeredAt = Date.now();

  /**
   * @param port undefined where nothing sends requests to the task
   * @param task for targets whose health is that of the container
   */
  constructor(
    public readonly name: string,
    public readonly host: string,
    public readonly port: number | undefined,
    public readonly task?: Pick<Task, 'checkContainerHealth' | 'exit' | 'exited' | 'secondsSinceStart'>,
  ) {}

  public get secondsSinceRegistration(): number {
    return (Date.now() - this.registeredAt) / 1000;
  }
}

export class TargetGroup {
  private readonly targets = new Map<Target, AbortController>();
  private turn = 0;

  /**
   * @param speedup by which the interval of the template's health checks is divided. Timeouts stay as they are.
   * @param onChange called when the state of a target changes
   */
  constructor(
    public readonly spec: TargetGroupSpec,
    private readonly speedup: number,
    private readonly onChange: (target: Target, previous: TargetState) => void = () => {},
  ) {}

  public register(target: Target): void {
    const registration = new AbortController();
    this.targets.set(target, registration);
    void this.watch(target, registration.signal);
  }

  /** Sends the target no more requests and probes. In-flight requests are completed. */
  public deregister(target: Target): void {
    this.targets.get(target)?.abort();
    this.targets.delete(target);
  }

  public close(): void {
    [...this.targets.keys()].forEach((target) => this.deregister(target));
  }

  /**
   * Round robin over the healthy targets. If there are none, over the unhealthy ones, because a load balancer fails
   * open.
   */
  public next(): Target | undefined {
    const inState = (state: TargetState) => [...this.targets.keys()].filter((target) => target.state === state);
    const healthy = inState('healthy');
    const candidates = healthy.length > 0 ? healthy : inState('unhealthy');
    return candidates[this.turn++ % candidates.length];
  }

  private async watch(target: Target, signal: AbortSignal): Promise<void> {
    const { healthCheck } = this.spec;
    while (!signal.aborted) {
      const due = sleep(1000 * healthCheck.intervalSeconds / this.speedup, signal);
      const probe = healthCheck.inContainer
        ? await checkInContainer(target, healthCheck.inContainer)
        : await probeOnce(target, healthCheck);
      if (signal.aborted) { return; }
      this.record(target, probe);
      await due;
    }
  }

  private record(target: Target, probe: Probe): void {
    const previous = target.state;
    target.inARow = target.lastProbe?.passed === probe.passed ? target.inARow + 1 : 1;
    target.lastProbe = probe;
    // A new target is healthy after one successful probe, whatever the threshold.
    const { healthyThreshold, unhealthyThreshold, intervalSeconds } = this.spec.healthCheck;
    if (probe.passed && target.inARow >= (previous === 'initial' ? 1 : healthyThreshold)) { target.state = 'healthy'; }
    // The speedup must not make a task that starts slowly unhealthy, because a load balancer without healthy targets
    // sends requests to unhealthy ones.
    const mayBeStarting = previous === 'initial'
      && target.secondsSinceRegistration < unhealthyThreshold * intervalSeconds;
    if (!probe.passed && target.inARow >= unhealthyThreshold && !mayBeStarting) { target.state = 'unhealthy'; }
    if (target.state !== previous) { this.onChange(target, previous); }
  }
}

/**
 * The target of a forward action. Weighted target groups take turns, so that every run gives the same result.
 *
 * @param targetGroups by key; one that is missing has no targets
 */
export function pickByWeight(
  targetGroups: ReadonlyMap<ResourceKey, TargetGroup>,
): (action: ForwardAction) => Target | undefined {
  let turn = 0;
  return (action) => {
    const turns = action.targetGroups.flatMap(({ key, weight }) => Array<ResourceKey>(weight).fill(key));
    return targetGroups.get(turns[turn++ % turns.length])?.next();
  };
}

/** Seconds after which a task that nothing probes is healthy: most faults show at startup. */
const MIN_RUNNING_SECONDS = 3;

/** Health without probes over the network: the container health check passes or, without one, the task runs. */
async function checkInContainer(
  { host, port, task }: Target, check: ContainerHealthCheckSpec | 'none',
): Promise<Probe> {
  const outcome = check === 'none' || !task ? 'skipped' : await task.checkContainerHealth(check);
  if (task?.exit) { return { error: 'exited', passed: false }; }
  if (outcome === 'passed') { return { passed: true }; }
  if (outcome !== 'skipped') { return { error: outcome, passed: false }; }
  // Where the check cannot run here, a task that listens, or runs, is assumed to pass it.
  return port === undefined ? keepsRunning(task) : connectOnce(host, port);
}

async function keepsRunning(task: Target['task']): Promise<Probe> {
  const seconds = task?.secondsSinceStart ?? 0;
  // A container that waits for another has not started.
  if (seconds === 0) { return { error: 'not started', passed: false }; }
  await Promise.race([task!.exited, sleep(Math.max(0, 1000 * (MIN_RUNNING_SECONDS - seconds)))]);
  return task!.exit ? { error: 'exited', passed: false } : { passed: true };
}

async function connectOnce(host: string, port: number, timeout = 1000): Promise<Probe> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout });
    socket.on('connect', () => {
      // A reset could end an app that does not handle it.
      socket.end().resume();
      resolve({ passed: true });
    });
    socket.on('timeout', () => {
      socket.destroy();
      resolve({ error: 'ETIMEDOUT', passed: false });
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve({ error: String(error.code), passed: false }));
  });
}

async function probeOnce(target: Target, healthCheck: HealthCheckSpec): Promise<Probe> {
  const { host } = target;
  const port = healthCheck.port ?? target.port!;
  if (healthCheck.protocol === 'TCP') { return connectOnce(host, port, 1000 * healthCheck.timeoutSeconds); }
  return new Promise((resolve) => {
    const request = http.get({
      host,
      port,
      path: healthCheck.path,
      agent: false,
      headers: { 'User-Agent': 'ELB-HealthChecker/2.0', 'Host': `${host}:${port}` },
    });
    // The timeout is for the complete response, not for its first byte.
    const timeout = setTimeout(() => {
      request.destroy(Object.assign(new Error('no response in time'), { code: 'ETIMEDOUT' }));
    }, 1000 * healthCheck.timeoutSeconds);
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
