import { Target } from '../edge/target-group';
import { HealthCheckSpec } from '../model';
import { describeExit, Task } from '../tasks/task';

/** How long a task may go on without being healthy. */
export interface Patience {
  /** While it listens nowhere: the app may still be starting. */
  readonly silent: number;
  /** Once it listens or answers. */
  readonly heard: number;
}

/** In one sentence why a target does not become healthy, and what is likely to blame; nothing while it still may. */
export function explainUnhealthy(task: Task, target: Target, healthCheck: HealthCheckSpec, patience: Patience): string | undefined {
  const { lastProbe } = target;
  const port = healthCheck.port ?? target.port;
  const seconds = task.secondsSinceStart;

  if (task.exit) {
    const { code } = task.exit;
    const last = task.lastLines.length > 0 ? 'its last words follow' : 'it said nothing';
    return code === 0
      ? `the app exited with code 0 after ${seconds.toFixed(1)} s: it does not keep running, as a server must; ${last}`
      : `the app died ${lastProbe?.status === undefined ? 'at start' : 'while it was probed'}, with ${describeExit(task.exit)}; ${last}`;
  }
  // The first one is under way, or not enough have passed so far.
  if (!lastProbe || lastProbe.passed) { return undefined; }
  if (lastProbe.status !== undefined) {
    return target.inARow < healthCheck.unhealthyThreshold || seconds < patience.heard ? undefined
      : `GET ${healthCheck.path} on port ${port} answered ${lastProbe.status}, and the target group wants ${healthCheck.successCodes}: `
        + (lastProbe.status === 404 ? 'the app has no such path; change the path of the health check, or the app'
          : lastProbe.status >= 500 ? 'the app is there and says that it is not well'
            : 'change the app, or the success codes of the health check');
  }

  if (healthCheck.inContainer && ['failed', 'timed out'].includes(lastProbe.error ?? '')) {
    const words = healthCheck.inContainer === 'none' ? '' : healthCheck.inContainer.command.slice(1).join(' ');
    const starting = seconds < patience.heard || !task.listening?.length && seconds < patience.silent;
    return starting || target.inARow < healthCheck.unhealthyThreshold ? undefined
      : `its container health check, ${words}, ${lastProbe.error}, so Cloud Map would not name the task to anybody, and ECS would replace it: `
        + 'run that command beside the app, and change one or the other';
  }

  const listening = task.listening ?? [];
  const there = listening.filter((report) => report.port === port);
  if (there.some(({ host }) => host === undefined || host === target.host)) {
    // Refused: the last probe came before the app listened.
    return seconds < patience.heard || lastProbe.error === 'ECONNREFUSED' && seconds < patience.silent ? undefined
      : lastProbe.error === 'ETIMEDOUT'
        ? `GET ${healthCheck.path} on port ${port} did not answer within ${healthCheck.timeoutSeconds} s: the app hangs, or does work in its health check`
        : `GET ${healthCheck.path} on port ${port} got no answer (${lastProbe.error}): the app takes the connection, but speaks no HTTP or drops it`;
  }
  if (there.length > 0) {
    return seconds < patience.heard ? undefined
      : `the app listens on ${there[0].host}:${port}, which only the task itself can reach: listen on 0.0.0.0`;
  }
  if (listening.length > 0) {
    return seconds < patience.heard ? undefined
      : `nothing listens on port ${port}, which the target group probes: the app listens on ${listening.map((report) => report.port).join(', ')};`
        + ' have it listen on the container port of the task definition, or change that';
  }
  return seconds < patience.silent ? undefined
    : `the app listens nowhere after ${seconds.toFixed(0)} s, and ECS would replace the task: it hangs at start, or needs a longer grace period`;
}
