import { rehearseAssertions } from './assertions/assertions';
import { CannotRun } from './cannot-run';
import { get } from './checks/load';
import { rehearseReplacement } from './checks/replacement';
import { Patience } from './checks/unhealthy';
import { newEmulators } from './edge/emulators';
import { LoadBalancer } from './edge/load-balancer';
import { PublicNames } from './edge/public-names';
import { frontOf, hostTowards, reaches } from './edge/routes';
import { isSuccess, TargetGroup } from './edge/target-group';
import { ServiceSpec } from './model';
import { Report } from './report';
import { RunningTask, RunningService, deregister, healthy, startRunningTask } from './running-service';
import { sleep } from './sleep';
import { Runtime, Runtimes } from './tasks/runtime';
import { readSecrets } from './tasks/secrets';
import { EngineName, describeExit } from './tasks/task';
import { Assembly } from './templates/assembly';
import { knownOnlyInAws, Resolver } from './templates/intrinsics';
import { leadsTo, readServices } from './templates/service';

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
  /** Only how things are wired, and not what becomes of them when tasks come and go. */
  readonly quick?: boolean;
  /** For the first listener; 0 is any that is free. */
  readonly port: number;
  /** Values of secrets. */
  readonly envFile?: string;
  /** What runs the containers; by default the fastest that can. */
  readonly engine?: EngineName;
  /** Time that a task has at least to become healthy, once it is heard of. */
  readonly patienceSeconds?: number;
}

type Say = (task: string, line: string) => void;

/**
 * Health checks and waiters come as many times as often as the template says, or nobody would wait for them.
 * Time-outs are never touched, nor is the time that a silent app has to start.
 */
const PACE = 20;
const PATIENCE_SECONDS = 5;
/** How long an app may take from its last answer to its exit, and be called the cause. */
const DYING_MS = 2000;

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
  const loadBalancers = newEmulators(assembly, resolver, groups);
  const cast: RunningService[] = [];
  const runtimes = new Runtimes({
    engine: options.engine, secrets: readSecrets(services, options.envFile), interrupted, progress: (line) => report.note(line),
  });
  const say = options.once ? undefined : (name: string, line: string) => report.log(name, line);
  const patience = options.patienceSeconds ?? PATIENCE_SECONDS;
  let passed = false;
  try {
    const prepared: Array<{ service: ServiceSpec; runtime: Runtime }> = [];
    for (const service of services) { prepared.push({ service, runtime: await runtimes.prepare(service) }); }

    for (const [index, loadBalancer] of loadBalancers.entries()) {
      await loadBalancer.listen(index === 0 ? options.port : 0);
      names.register(loadBalancer);
    }
    for (const { service, runtime } of prepared) {
      const environment = Object.fromEntries(Object.entries(runtime.environment).map(([name, value]) => [name, names.rewrite(value)]));
      cast.push({ service, runtime: { ...runtime, environment }, prefix: services.length > 1 ? `${service.name} ` : '', tasks: [] });
    }
    introduce(cast, loadBalancers, report);

    report.heading('Tasks');
    for (const member of cast) {
      await startTasks(member, groups, report, say);
    }
    for (const member of cast) { await checkHealthy(member, patience, report, interrupted); }

    if (!interrupted.aborted && report.checks.every(({ outcome }) => outcome === 'passed')) {
      for (const member of cast) { await checkContainerHealth(member, report); }
      report.heading('Over HTTP, through the stand-in for the load balancer');
      for (const { service } of cast) { await askHealthPaths(service, loadBalancers, report); }
      if (assembly.integTests.length > 0) {
        await rehearseAssertions(assembly, names, PACE, interrupted,
          ({ assertion, ...outcome }) => report.check({ id: 'assertion', name: `assertion: ${assertion}`, ...outcome }));
      } else {
        report.note('the assembly has no integ test: only the health path is asked');
      }
      for (const member of cast) { await checkAlive(member, report, interrupted); }
    }
    if (!options.quick && !interrupted.aborted && report.checks.every(({ outcome }) => outcome !== 'failed')) {
      for (const member of cast) {
        await rehearseComingAndGoing(member, loadBalancers, groups, patience, report, interrupted, say);
        await checkAlive(member, report, interrupted);
      }
    }
    if (interrupted.aborted) { throw new CannotRun('interrupted before the verdict'); }

    passed = report.result((Date.now() - began) / 1000);
    if (passed && !options.once) { await stayUp(cast, loadBalancers, report, interrupted); }
  } finally {
    // Who has looked on for a while sees the tasks leave too. Otherwise the verdict has shown it, or it was not asked for.
    await end(cast, groups, loadBalancers, passed && !options.once, report);
    await runtimes.close();
  }
  return passed;
}

function introduce(cast: RunningService[], loadBalancers: LoadBalancer[], report: Report): void {
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

async function startTasks(member: RunningService, groups: ReadonlyMap<string, TargetGroup>, report: Report, say?: Say): Promise<void> {
  const { service, runtime, tasks } = member;
  const count = Math.min(service.desiredCount, runtime.taskLimit?.tasks ?? Infinity);
  if (count < service.desiredCount) { report.note(`${count} task instead of ${service.desiredCount}: ${runtime.taskLimit!.reason}`); }
  for (let number = 1; number <= count; number++) { tasks.push(await startRunningTask(member, number, groups, say)); }
}

/** ECS replaces a task that fails health checks after the grace period. */
function patienceOf({ service, runtime }: RunningService, { targets: [{ group: { spec: { healthCheck } } }] }: RunningTask, seconds: number): Patience {
  const allowed = service.gracePeriodSeconds + healthCheck.unhealthyThreshold * healthCheck.intervalSeconds;
  const slower = runtime.emulated ? 10 : 1;
  return { silent: slower * allowed, heard: slower * Math.max(seconds, allowed / PACE) };
}

async function checkHealthy(member: RunningService, patienceSeconds: number, report: Report, interrupted: AbortSignal): Promise<void> {
  await Promise.all(member.tasks.map(async (actor) => {
    const { task, targets: [{ target }] } = actor;
    const name = `${task.name} at ${target.host}:${target.port}`;
    const reason = await healthy(actor, patienceOf(member, actor, patienceSeconds), interrupted);
    if (interrupted.aborted) { return; }
    report.check(reason
      ? { id: 'healthy', outcome: 'failed', name: `${name} is not healthy`, reason }
      : { id: 'healthy', outcome: 'passed', name: `${name} is healthy`, reason: `after ${task.secondsSinceStart.toFixed(1)} s` });
    if (reason) { task.lastLines.forEach((line) => report.log(task.name, line)); }
  }));
}

async function checkContainerHealth({ service: { container: { healthCheck } }, tasks }: RunningService, report: Report): Promise<void> {
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
      'skipped': 'only `node …` runs without a container engine',
    };
    report.check({ id: 'container-health-check', outcome: outcome === 'timed out' ? 'failed' : outcome, name, reason: reasons[outcome] });
  }
}

async function rehearseComingAndGoing(
  member: RunningService, loadBalancers: LoadBalancer[], groups: ReadonlyMap<string, TargetGroup>, patience: number, report: Report, interrupted: AbortSignal,
  say?: Say,
): Promise<void> {
  const front = frontOf(member.service.registrations[0].targetGroup.key, loadBalancers);
  if (!front) {
    report.check({ id: 'load', outcome: 'not rehearsed', name: `${member.prefix}tasks are replaced under load`, reason: 'no rule leads requests to them' });
    return;
  }
  report.heading(`${member.prefix}When tasks come and go`);
  report.note(`replacing three tasks under load, each in its own way, and killing one; ${member.service.container.stopTimeoutSeconds} s at most …`);
  let number = member.tasks.length;
  await rehearseReplacement(member, {
    front,
    idleTimeoutSeconds: front.loadBalancer.spec.idleTimeoutSeconds,
    interrupted,
    note: (line) => report.note(line),
    startAnother: async () => {
      const actor = await startRunningTask(member, ++number, groups, say);
      const reason = await healthy(actor, patienceOf(member, actor, patience), interrupted);
      if (reason) {
        deregister(actor);
        await actor.task.stop('immediately');
        throw new Error(reason);
      }
      return actor;
    },
  }, (result) => report.check({ ...result, name: `${member.prefix}${result.name}` }));
}

/** Asks for the health path as a user would, by the first listener that leads to the target group. */
async function askHealthPaths(service: ServiceSpec, loadBalancers: LoadBalancer[], report: Report): Promise<void> {
  for (const { targetGroup } of service.registrations) {
    const { path, successCodes, timeoutSeconds } = targetGroup.healthCheck;
    for (const loadBalancer of loadBalancers) {
      const listener = loadBalancer.spec.listeners.find((candidate) => leadsTo(candidate, targetGroup.key));
      if (!listener) { continue; }
      const host = hostTowards(listener, targetGroup.key);
      const url = `${loadBalancer.url(listener)}${path}`;
      const answer = await get(url, host, { timeout: 1000 * timeoutSeconds });
      const said = `GET ${url} ${answer.status === undefined ? `did not answer: ${answer.error}` : `answered ${answer.status}`}`;
      if (reaches(listener, targetGroup.key, host, path)) {
        const ok = answer.status !== undefined && isSuccess(successCodes, answer.status);
        report.check({ id: 'http', outcome: ok ? 'passed' : 'failed', name: said, reason: ok ? undefined : `the target group wants ${successCodes}` });
      } else {
        report.note(`${said}: the rules of ${listener.name} lead that path elsewhere, which is no fault`);
      }
    }
  }
}

async function checkAlive({ tasks }: RunningService, report: Report, interrupted: AbortSignal): Promise<void> {
  // An app that dies drops its connections first, and is seen to have exited only later.
  const until = report.checks.some(({ outcome }) => outcome === 'failed') ? Date.now() + DYING_MS : 0;
  while (Date.now() < until && !interrupted.aborted && tasks.every(({ task }) => !task.exit)) { await sleep(50, interrupted); }
  for (const { task } of tasks) {
    if (!task.exit) { continue; }
    const reason = `the app died after it was healthy, with ${describeExit(task.exit)}; its last words follow`;
    report.check({ id: 'running', outcome: 'failed', name: `${task.name} is still running`, reason });
    task.lastLines.forEach((line) => report.log(task.name, line));
  }
}

async function stayUp(cast: RunningService[], loadBalancers: LoadBalancer[], report: Report, interrupted: AbortSignal): Promise<void> {
  report.line('');
  for (const loadBalancer of loadBalancers) {
    for (const listener of loadBalancer.spec.listeners) {
      report.line(`  ${loadBalancer.url(listener)}  stands for ${listener.protocol} port ${listener.port} of ${loadBalancer.spec.name}`
        + (listener.protocol === 'HTTPS' ? ', without TLS: the certificate is in AWS' : ''));
    }
  }
  report.note('Ctrl-C ends it.\n');
  for (const { task } of cast.flatMap(({ tasks }) => tasks)) {
    void task.exited.then((exit) => {
      if (!interrupted.aborted) { report.problem(`  ${task.name} exited with ${describeExit(exit)}: ECS would start another, the rehearsal does not`); }
    });
  }
  // The listening servers keep the process alive meanwhile.
  if (!interrupted.aborted) { await new Promise((resolve) => interrupted.addEventListener('abort', resolve, { once: true })); }
  report.line('');
}

/** @param gently with the stop signal, as ECS does. Where the verdict is that something failed, nobody waits for that. */
async function end(
  cast: RunningService[], groups: ReadonlyMap<string, TargetGroup>, loadBalancers: LoadBalancer[], gently: boolean, report: Report,
): Promise<void> {
  groups.forEach((group) => group.close());
  const tasks = cast.flatMap((member) => member.tasks);
  if (gently && tasks.length > 0) { report.note(`stopping ${tasks.length === 1 ? 'the task' : `${tasks.length} tasks`} …`); }
  await Promise.all(tasks.map(async ({ task }) => {
    const running = !task.exit;
    const stop = await task.stop(gently ? 'gracefully' : 'immediately');
    if (!gently || !running) { return; }
    report.note(stop.killed
      ? `${task.name} did not leave within its stop time-out and got SIGKILL, which ECS would do too`
      : `${task.name} left with ${describeExit(stop)} after ${(stop.milliseconds / 1000).toFixed(1)} s`);
  }));
  await Promise.all(loadBalancers.map(async (loadBalancer) => loadBalancer.close()));
}
