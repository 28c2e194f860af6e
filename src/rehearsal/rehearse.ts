import * as http from 'node:http';
import { Assembly } from './assembly';
import { rehearseAssertions } from './assertions';
import { CannotRun } from './cannot-run';
import { knownOnlyInAws, Resolver } from './intrinsics';
import { decide } from './listener-rules';
import { LoadBalancer } from './load-balancer';
import { PublicNames } from './public-names';
import { Report } from './report';
import { Runtime, Runtimes, startTask } from './runtime';
import { readSecrets } from './secrets';
import { leadsTo, ListenerSpec, readServices, ServiceSpec, TargetGroupSpec } from './service';
import { sleep } from './sleep';
import { standInsFor } from './stand-ins';
import { isSuccess, Target, TargetGroup } from './target-group';
import { EngineName, Task } from './task';
import { explainUnhealthy } from './unhealthy';

/*
 * The play: reads what was synthesised, starts the load balancers and the tasks, makes the checks, and ends what it has started.
 */

export interface RehearseOptions {
  /** The cloud assembly. */
  readonly directory: string;
  /** One service of it instead of all. */
  readonly service?: string;
  /** End after the verdict. */
  readonly once: boolean;
  /** For the first listener; 0 is any that is free. */
  readonly port: number;
  /** Values of secrets. */
  readonly envFile?: string;
  /** What runs the containers; by default the fastest that can. */
  readonly engine?: EngineName;
  /** Time that a task has at least to become healthy, once it is heard of. */
  readonly patienceSeconds?: number;
}

/**
 * Health checks and waiters come as many times as often as the template says, or nobody would wait for them.
 * Time-outs are never touched, nor is the time that a silent app has to start.
 */
const PACE = 20;
const PATIENCE_SECONDS = 5;

/** A service that is on stage. */
interface Cast {
  readonly service: ServiceSpec;
  readonly runtime: Runtime;
  readonly tasks: Array<{ readonly task: Task; readonly targets: ReadonlyArray<{ readonly target: Target; readonly group: TargetGroup }> }>;
}

/**
 * @param interrupted when it fires, the rehearsal ends what it has started
 * @returns whether all checks passed
 * @throws CannotRun when there is no verdict
 */
export async function rehearse(options: RehearseOptions, report: Report, interrupted: AbortSignal): Promise<boolean> {
  const began = Date.now();
  const assembly = Assembly.read(options.directory);
  const names = new PublicNames(assembly);
  const resolver = new Resolver(assembly, names.known);

  const services = readServices(assembly, resolver, options.service);
  const groups = new Map(services.flatMap(({ registrations }) => registrations)
    .map(({ targetGroup }) => [targetGroup.key, new TargetGroup(targetGroup, PACE, ({ name, state }, before) => {
      // How a target becomes healthy is a check; that it does not stay so is news.
      if (before !== 'initial' && report.passed !== undefined) { report.note(`${name} is ${state}`); }
    })]));
  const loadBalancers = standInsFor(assembly, resolver, groups);
  const cast: Cast[] = [];
  const runtimes = new Runtimes({
    engine: options.engine, secrets: readSecrets(services, options.envFile), interrupted, progress: (line) => report.note(line),
  });
  let passed = false;
  try {
    const prepared: Array<{ service: ServiceSpec; runtime: Runtime }> = [];
    for (const service of services) { prepared.push({ service, runtime: await runtimes.prepare(service) }); }

    for (const [index, loadBalancer] of loadBalancers.entries()) {
      await loadBalancer.listen(index === 0 ? options.port : 0);
      names.standFor(loadBalancer);
    }
    for (const { service, runtime } of prepared) {
      const environment = Object.fromEntries(Object.entries(runtime.environment).map(([name, value]) => [name, names.rewrite(value)]));
      cast.push({ service, runtime: { ...runtime, environment }, tasks: [] });
    }
    introduce(cast, loadBalancers, report);

    report.heading('Tasks');
    for (const member of cast) {
      const prefix = cast.length > 1 ? `${member.service.name} ` : '';
      await startTasks(member, prefix, groups, report, options.once ? undefined : (name, line) => report.log(name, line));
    }
    for (const member of cast) { await waitUntilHealthy(member, options.patienceSeconds ?? PATIENCE_SECONDS, report, interrupted); }

    if (!interrupted.aborted && report.checks.every(({ outcome }) => outcome === 'passed')) {
      for (const member of cast) { await checkContainerHealth(member, report); }
      report.heading('Over HTTP, through the stand-in for the load balancer');
      for (const { service } of cast) { await askHealthPaths(service, loadBalancers, report); }
      if (assembly.integTests.length > 0) {
        await rehearseAssertions(assembly, names, PACE, interrupted,
          ({ assertion, ...outcome }) => report.check({ name: `assertion: ${assertion}`, ...outcome }));
      } else {
        report.note('the assembly has no integ test: only the health path is asked');
      }
      for (const member of cast) { checkAlive(member, report); }
    }
    if (interrupted.aborted) { throw new CannotRun('interrupted before the verdict'); }

    passed = report.verdict((Date.now() - began) / 1000);
    if (passed && !options.once) { await stayUp(cast, loadBalancers, report, interrupted); }
  } finally {
    await end(cast, groups, loadBalancers, passed, report);
    await runtimes.close();
  }
  return passed;
}

function introduce(cast: Cast[], loadBalancers: LoadBalancer[], report: Report): void {
  for (const { service, runtime } of cast) {
    const { container } = service;
    report.heading(service.name);
    report.fact('tasks', `${service.desiredCount} of ${service.cpu} CPU units and ${service.memoryMiB} MiB, ${service.architecture}`);
    report.fact('command', `${runtime.command.join(' ')} in ${runtime.workingDirectory}, user ${runtime.user}`);
    for (const { targetGroup: { healthCheck }, port } of service.registrations) {
      if (healthCheck.inContainer) {
        report.fact('health check', healthCheck.inContainer === 'none' ? 'none: a task counts as well as soon as it runs'
          : `${healthCheck.inContainer.command.slice(1).join(' ')} in the container, every ${healthCheck.intervalSeconds} s`);
        continue;
      }
      report.fact('health check', `GET ${healthCheck.path} on port ${healthCheck.port ?? port} gives ${healthCheck.successCodes}`
        + ` within ${healthCheck.timeoutSeconds} s, every ${healthCheck.intervalSeconds} s`);
      report.fact('time', `health checks come ${PACE} times as often here, every ${healthCheck.intervalSeconds / PACE} s; time-outs are as above`);
    }
    report.fact('stop', `${runtime.stopSignal}, after ${container.stopTimeoutSeconds} s SIGKILL`);

    runtime.differences.forEach((difference, index) => report.fact(index === 0 ? 'differences' : '', difference));
    if (container.environmentFiles > 0) { report.fact('', 'the environment files in S3 are not read'); }
    for (const [name, value] of Object.entries(runtime.environment)) {
      const unknown = knownOnlyInAws(value);
      if (unknown.length > 0) { report.fact('', `${name} has ${unknown.join(', ')}, which only AWS knows`); }
    }
  }
  report.line('');
  loadBalancers.flatMap(({ spec }) => spec.notes).forEach((note) => report.note(note));
  report.note('The load balancer is a stand-in on this machine: it proves how things are wired, and is not a deployment.');
  report.note('IAM, security groups, quotas and the timing of AWS show up only there.');
}

async function startTasks(
  { service, runtime, tasks }: Cast, prefix: string, groups: ReadonlyMap<string, TargetGroup>, report: Report,
  log?: (name: string, line: string) => void,
): Promise<void> {
  const count = Math.min(service.desiredCount, runtime.limit?.tasks ?? Infinity);
  if (count < service.desiredCount) { report.note(`${count} task instead of ${service.desiredCount}: ${runtime.limit!.because}`); }
  for (let number = 1; number <= count; number++) {
    const name = `${prefix}task ${number}`;
    const task = await startTask(name, service, runtime, (line) => log?.(name, line));
    const targets = service.registrations
      .map(({ targetGroup, port }) => {
        const endpoint = task.endpoint(port);
        return { target: new Target(name, endpoint.host, endpoint.port, task), group: groups.get(targetGroup.key)! };
      });
    targets.forEach(({ target, group }) => group.register(target));
    tasks.push({ task, targets });
  }
}

async function waitUntilHealthy({ service, tasks }: Cast, patienceSeconds: number, report: Report, interrupted: AbortSignal): Promise<void> {
  const waiting = new Set(tasks.flatMap(({ task, targets }) => targets.map(({ target, group }) => ({ task, target, group }))));
  while (waiting.size > 0 && !interrupted.aborted) {
    for (const candidate of waiting) {
      const { task, target, group: { spec: { healthCheck } } } = candidate;
      const name = `${task.name} at ${target.host}:${target.port}`;
      if (target.state === 'healthy' && !task.exit) {
        report.check({ outcome: 'passed', name: `${name} is healthy`, reason: `after ${task.secondsSinceStart.toFixed(1)} s` });
        waiting.delete(candidate);
        continue;
      }
      // ECS replaces a task that fails health checks after the grace period.
      const allowed = service.gracePeriodSeconds + healthCheck.unhealthyThreshold * healthCheck.intervalSeconds;
      const reason = explainUnhealthy(task, target, healthCheck, { silent: allowed, heard: Math.max(patienceSeconds, allowed / PACE) });
      if (reason) {
        report.check({ outcome: 'failed', name: `${name} is not healthy`, reason });
        task.lastLines.forEach((line) => report.log(task.name, line));
        waiting.delete(candidate);
      }
    }
    await sleep(25);
  }
}

async function checkContainerHealth({ service: { container: { healthCheck } }, tasks }: Cast, report: Report): Promise<void> {
  if (!healthCheck) { return; }
  const [form, ...words] = healthCheck.command;
  if (form === 'NONE') { return; }
  for (const { task } of tasks) {
    let outcome = await task.checkContainerHealth(healthCheck);
    for (let retry = 1; retry < healthCheck.retries && (outcome === 'failed' || outcome === 'timed out'); retry++) {
      await sleep(1000 * healthCheck.intervalSeconds / PACE);
      outcome = await task.checkContainerHealth(healthCheck);
    }
    const name = `${task.name} passes its container health check, ${words.join(' ')}`;
    const reasons = {
      'passed': undefined,
      'failed': `it failed ${healthCheck.retries} times: ECS would replace the task`,
      'timed out': `it took longer than ${healthCheck.timeoutSeconds} s, ${healthCheck.retries} times: ECS would replace the task`,
      'not rehearsed': 'only `node …` runs without a container engine',
    };
    report.check({ outcome: outcome === 'timed out' ? 'failed' : outcome, name, reason: reasons[outcome] });
  }
}

/** Asks for the health path as a user would, by the first listener that leads to the target group. */
async function askHealthPaths(service: ServiceSpec, loadBalancers: LoadBalancer[], report: Report): Promise<void> {
  for (const { targetGroup } of service.registrations) {
    const { path, successCodes, timeoutSeconds } = targetGroup.healthCheck;
    for (const loadBalancer of loadBalancers) {
      const listener = loadBalancer.spec.listeners.find((candidate) => leadsTo(candidate, targetGroup.key));
      if (!listener) { continue; }
      const host = hostFor(listener, targetGroup) ?? '127.0.0.1';
      const url = `${loadBalancer.url(listener)}${path}`;
      const [pathname, query = ''] = path.split('?');
      const action = decide(listener, {
        method: 'GET', protocol: listener.protocol, host, port: listener.port, path: pathname, query, headers: { host }, sourceIp: '127.0.0.1',
      });
      const answer = await get(url, host, 1000 * timeoutSeconds);
      const said = `GET ${url} ${answer.status === undefined ? `did not answer: ${answer.error}` : `answered ${answer.status}`}`;
      if (action.type === 'forward' && action.targetGroups.some(({ key, weight }) => key === targetGroup.key && weight > 0)) {
        const ok = answer.status !== undefined && isSuccess(successCodes, answer.status);
        report.check({ outcome: ok ? 'passed' : 'failed', name: said, reason: ok ? undefined : `the target group wants ${successCodes}` });
      } else {
        report.note(`${said}: the rules of ${listener.name} lead that path elsewhere, which is no fault`);
      }
    }
  }
}

/** A host that the rules towards a target group ask for. */
function hostFor(listener: ListenerSpec, { key }: TargetGroupSpec): string | undefined {
  const rule = listener.rules.find(({ action }) => action.type === 'forward' && action.targetGroups.some((group) => group.key === key));
  const condition = rule?.conditions.find(({ field }) => field === 'host-header');
  return condition?.field === 'host-header' ? condition.values[0].replace(/[*?]/g, 'x') : undefined;
}

async function get(url: string, host: string, timeout: number): Promise<{ status?: number; error?: string }> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false, headers: { Host: host }, timeout }, (response) => {
      response.resume().on('end', () => resolve({ status: response.statusCode })).on('error', (error) => resolve({ error: error.message }));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeout / 1000} s`)));
    request.on('error', (error) => resolve({ error: error.message }));
  });
}

function checkAlive({ tasks }: Cast, report: Report): void {
  for (const { task } of tasks) {
    if (!task.exit) { continue; }
    const how = task.exit.signal ?? `exit code ${task.exit.code}`;
    report.check({ outcome: 'failed', name: `${task.name} is still running`, reason: `the app died after it was healthy, with ${how}; its last words follow` });
    task.lastLines.forEach((line) => report.log(task.name, line));
  }
}

async function stayUp(cast: Cast[], loadBalancers: LoadBalancer[], report: Report, interrupted: AbortSignal): Promise<void> {
  report.line('');
  for (const loadBalancer of loadBalancers) {
    for (const listener of loadBalancer.spec.listeners) {
      report.line(`  ${loadBalancer.url(listener)}  stands for ${listener.protocol} port ${listener.port} of ${loadBalancer.spec.name}`
        + (listener.protocol === 'HTTPS' ? ', without TLS: the certificate is in AWS' : ''));
    }
  }
  report.note('Ctrl-C ends it.\n');
  for (const { task } of cast.flatMap(({ tasks }) => tasks)) {
    void task.exited.then(({ code, signal }) => {
      if (!interrupted.aborted) { report.problem(`  ${task.name} exited with ${signal ?? code}: ECS would start another, the rehearsal does not`); }
    });
  }
  // The listening servers keep the process alive meanwhile.
  if (!interrupted.aborted) { await new Promise((resolve) => interrupted.addEventListener('abort', resolve, { once: true })); }
  report.line('');
}

/** @param gently with the stop signal, as ECS does. Where the verdict is that something failed, nobody waits for that. */
async function end(
  cast: Cast[], groups: ReadonlyMap<string, TargetGroup>, loadBalancers: LoadBalancer[], gently: boolean, report: Report,
): Promise<void> {
  groups.forEach((group) => group.close());
  const tasks = cast.flatMap((member) => member.tasks);
  if (gently && tasks.length > 0) { report.note(`stopping ${tasks.length === 1 ? 'the task' : `${tasks.length} tasks`} …`); }
  await Promise.all(tasks.map(async ({ task }) => {
    const running = !task.exit;
    const { code, signal, killed, milliseconds } = await task.stop(gently ? 'gently' : 'at once');
    if (!gently || !running) { return; }
    report.note(killed
      ? `${task.name} did not leave within its stop time-out and got SIGKILL, which ECS would do too`
      : `${task.name} left with ${signal ?? `exit code ${code}`} after ${(milliseconds / 1000).toFixed(1)} s`);
  }));
  await Promise.all(loadBalancers.map(async (loadBalancer) => loadBalancer.close()));
}
