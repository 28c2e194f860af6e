import { Probe, Target } from './edge/target-group';
import { describeProbe, HealthCheckSpec } from './model';
import { describeExit, ListenReport, Task } from './tasks/task';

/** How long after its start a task may be unhealthy, in seconds. */
export interface StartTimeouts {
  /** While the app does not listen: it may still be starting. */
  readonly untilListening: number;
  /** Once the app listens or answers. */
  readonly untilHealthy: number;
}

/** @returns why a target does not become healthy, and the likely cause; undefined while it may still become healthy */
export function explainUnhealthy(
  task: Task, target: Target, healthCheck: HealthCheckSpec, timeouts: StartTimeouts,
): string | undefined {
  const { lastProbe } = target;
  if (task.exit) { return explainExit(task, lastProbe); }
  // There is no complete probe yet, or too few have passed.
  if (!lastProbe || lastProbe.passed) { return undefined; }

  const mayBecomeHealthy = task.secondsSinceStart < timeouts.untilHealthy;
  const mayListenLater = task.secondsSinceStart < timeouts.untilListening;
  const failedEnough = target.inARow >= healthCheck.unhealthyThreshold;
  if (lastProbe.status !== undefined) {
    return mayBecomeHealthy || !failedEnough ? undefined : explainStatus(lastProbe.status, target, healthCheck);
  }
  if (healthCheck.inContainer && ['failed', 'timed out'].includes(lastProbe.error ?? '')) {
    const starting = mayBecomeHealthy || !task.listening?.length && mayListenLater;
    return starting || !failedEnough ? undefined : explainContainerHealthCheck(healthCheck, lastProbe);
  }
  // It waits for another container.
  if (target.port === undefined) { return undefined; }

  const listening = task.listening ?? [];
  if (listening.length === 0) {
    return mayListenLater ? undefined
      : `the app listens on no port after ${task.secondsSinceStart.toFixed(0)} s, and ECS would replace the task:`
        + ' it hangs at startup, or needs a longer grace period';
  }
  const port = healthCheck.port ?? target.port;
  // A refused connection is older than the listening socket.
  const probedTooEarly = lastProbe.error === 'ECONNREFUSED' && mayListenLater
    && isReachable(listening, target.host, port);
  return mayBecomeHealthy || probedTooEarly ? undefined : explainNoAnswer(listening, target, healthCheck);
}

function explainExit({ exit, lastLines, secondsSinceStart }: Task, lastProbe?: Probe): string {
  const log = lastLines.length > 0 ? 'its last log lines follow' : 'it logged nothing';
  if (exit!.code === 0) {
    return `the app exited with code 0 after ${secondsSinceStart.toFixed(1)} s, but a server must keep running; ${log}`;
  }
  const when = lastProbe?.status === undefined ? 'at startup' : 'during its health checks';
  return `the app exited ${when} with ${describeExit(exit!)}; ${log}`;
}

function explainStatus(status: number, target: Target, healthCheck: HealthCheckSpec): string {
  let fix = 'change the app, or the success codes of the health check';
  if (status === 404) {
    fix = 'the app has no such path; change the path of the health check, or the app';
  } else if (status >= 500) {
    fix = 'the app reports that it is unhealthy';
  }
  return `${describeProbe(healthCheck, target.port)} answered ${status}, but the target group expects`
    + ` ${healthCheck.successCodes}: ${fix}`;
}

function explainContainerHealthCheck({ inContainer }: HealthCheckSpec, { error }: Probe): string {
  const command = inContainer && inContainer !== 'none' ? ` ${inContainer.command.slice(1).join(' ')}` : '';
  return `its container health check,${command}, ${error}, so ECS would replace the task:`
    + ' run the command in the container, and change the app or the command';
}

/** The app listens, but a probe gets no answer. */
function explainNoAnswer(listening: readonly ListenReport[], target: Target, healthCheck: HealthCheckSpec): string {
  const port = healthCheck.port ?? target.port!;
  if (isReachable(listening, target.host, port)) {
    const error = target.lastProbe?.error;
    const request = describeProbe(healthCheck, target.port);
    return error === 'ETIMEDOUT'
      ? `${request} did not answer within ${healthCheck.timeoutSeconds} s: the app hangs, or its health check is slow`
      : `${request} got no answer (${error}): the app accepts connections, but does not speak HTTP or closes them`;
  }
  const local = listening.find((report) => report.port === port);
  return local
    ? `the app listens on ${local.host}:${port}, which is reachable only from inside the task: listen on 0.0.0.0`
    : `nothing listens on port ${port}, which the target group probes: the app listens on`
      + ` ${listening.map((report) => report.port).join(', ')}; listen on the container port of the task definition, or`
      + ' change that port';
}

function isReachable(listening: readonly ListenReport[], address: string, port: number): boolean {
  return listening.some((report) => report.port === port && (report.host === undefined || report.host === address));
}
