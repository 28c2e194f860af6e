import { rehearseAssertions } from './assertions/assertions';
import { Interrupted } from './cannot-run';
import { skipped } from './checks/check';
import { checkContainerHealth, checkHealthy, checkStillRunning } from './checks/health';
import { checkHealthPaths } from './checks/health-path';
import { answersHttp, hasFailed } from './checks/load';
import { checkRedirects } from './checks/redirects';
import { checkReplacement } from './checks/replacement';
import { checkReplacementWithoutLoad, Replacement } from './checks/replacement-without-load';
import { RehearsalContext, RehearseOptions, SPEEDUP } from './context';
import { newEmulators } from './edge/emulators';
import { findFrontOf } from './edge/routes';
import { TargetGroup } from './edge/target-group';
import { ResourceKey, ServiceSpec, SkippedService } from './model';
import { describeRun, printOverview } from './overview';
import { readPlan, targetGroupsOf } from './plan';
import { Report } from './report/report';
import { Timeline } from './report/timeline';
import { RunningService } from './running-service';
import { startHealthyTask, startTask } from './start-task';
import { synthesizeApp } from './synthesis';
import { Runtime, Runtimes } from './tasks/runtime';
import { describeExit, StopMode } from './tasks/task';
import { Assembly } from './templates/assembly';
import { PublicNames } from './templates/public-names';
import { watch, WatchOptions } from './watch/watch';

/*
 * A rehearsal: reads the assembly, starts emulators and tasks, runs the checks, and stops what it has started.
 */

/**
 * @param interrupted ends the rehearsal early when it is aborted
 * @returns whether no check failed
 * @throws CannotRun when there is no result
 */
export async function rehearse(options: RehearseOptions, report: Report, interrupted: AbortSignal): Promise<boolean> {
  const start = Date.now();
  const { directory } = options.watch ? await synthesizeApp(interrupted) : options;
  const plan = readPlan(directory, options);
  const { assembly, names, services, skippedServices, edge } = plan;
  const timeline = new Timeline();
  const targetGroups = newTargetGroups(services, report, timeline);
  const runningServices: RunningService[] = [];
  const context: RehearsalContext = {
    options,
    report,
    interrupted,
    targetGroups,
    emulators: newEmulators(edge, targetGroups),
    runningServices,
    timeline,
    // Many lines would hide the checks. After the result, they show what the service does.
    printLog: (task, line) => {
      if (options.logs || !options.once && report.passed !== undefined) { report.log(task, line); }
    },
  };
  const runtimes = new Runtimes({
    engine: options.engine,
    awsProfile: options.awsProfile,
    interrupted,
    progress: (line) => report.note(line),
  });

  let passed = false;
  // While the rehearsal keeps running, users expect a graceful stop. Otherwise the checks cover it.
  let stopMode: StopMode = 'immediately';
  try {
    runningServices.push(...await prepareServices(services, runtimes, names, context));
    printOverview(context);
    observeRequests(context);
    await startTasks(context);
    await runChecks(assembly, names, context);
    if (interrupted.aborted) { throw new Interrupted(); }
    reportSkippedServices(skippedServices, report);
    report.run = describeRun(context);
    passed = report.result((Date.now() - start) / 1000);
    if (options.watch || passed && !options.once) {
      stopMode = 'gracefully';
      printAddresses(context);
      await (options.watch ? watch({ plan, prepare: prepareVersion(runtimes) }, context) : untilAborted(interrupted));
      report.line('');
    }
  } finally {
    report.endProgress();
    await stopAll(context, stopMode);
    await runtimes.close();
  }
  return passed;
}

function newTargetGroups(
  services: readonly ServiceSpec[], report: Report, timeline: Timeline,
): Map<ResourceKey, TargetGroup> {
  const onChange: ConstructorParameters<typeof TargetGroup>[2] = ({ name, state }, previous) => {
    timeline.event(name, state);
    // The first change is the result of a check. Later ones matter while the rehearsal keeps running.
    if (previous !== 'initial' && report.passed !== undefined) { report.note(`${name} is ${state}`); }
  };
  return new Map(targetGroupsOf(services).map((spec) => [spec.key, new TargetGroup(spec, SPEEDUP, onChange)]));
}

/** Prepares all runtimes before anything listens, then replaces the public names in environments by local addresses. */
async function prepareServices(
  services: readonly ServiceSpec[], runtimes: Runtimes, names: PublicNames, { options, emulators }: RehearsalContext,
): Promise<RunningService[]> {
  const prepared: RunningService[] = [];
  for (const service of services) {
    const prefix = services.length > 1 ? `${service.name} ` : '';
    prepared.push({ service, runtime: await runtimes.prepare(service), prefix, tasks: [] });
  }
  for (const [index, emulator] of emulators.entries()) {
    await emulator.listen(index === 0 ? options.port : 0);
    names.register(emulator);
  }
  return prepared.map((runningService) =>
    ({ ...runningService, runtime: withLocalAddresses(runningService.runtime, names) }));
}

/** For a version that is deployed later: the emulators are listening. */
function prepareVersion(runtimes: Runtimes): WatchOptions['prepare'] {
  return async (service, { names }) => withLocalAddresses(await runtimes.prepare(service), names);
}

function withLocalAddresses(runtime: Runtime, names: PublicNames): Runtime {
  const variables = Object.entries(runtime.environment).map(([name, value]) => [name, names.rewrite(value)]);
  return { ...runtime, environment: Object.fromEntries(variables) };
}

/** Only those to tasks: CloudFront forwards to another emulator. */
function observeRequests({ emulators, timeline }: RehearsalContext): void {
  emulators.forEach((emulator) => emulator.observe(({ target, status }) => {
    if (target.task) { timeline.request(hasFailed({ status })); }
  }));
}

async function startTasks(context: RehearsalContext): Promise<void> {
  const { runningServices, report } = context;
  report.heading('Tasks');
  for (const runningService of runningServices) {
    const { service: { desiredCount }, runtime: { taskLimit }, tasks } = runningService;
    const count = Math.min(desiredCount, taskLimit?.tasks ?? Infinity);
    if (count < desiredCount) { report.note(`${count} task instead of ${desiredCount}: ${taskLimit!.reason}`); }
    for (let number = 1; number <= count; number++) {
      tasks.push(await startTask(runningService, number, context));
    }
  }
}

/** One list at the end, so that what cannot be rehearsed does not hide what can. */
function reportSkippedServices(skippedServices: readonly SkippedService[], report: Report): void {
  if (skippedServices.length === 0) { return; }
  report.heading('Skipped services');
  for (const { name, reason } of skippedServices) {
    report.check(skipped({ id: 'service', name: `service ${name} is rehearsed` }, reason));
  }
}

/** Each group of checks needs the one before to have passed. */
async function runChecks(assembly: Assembly, names: PublicNames, context: RehearsalContext): Promise<void> {
  const { options, report, interrupted, runningServices } = context;
  const nothingFailed = () => !interrupted.aborted && report.checks.every(({ outcome }) => outcome !== 'failed');

  for (const runningService of runningServices) { await checkHealthy(runningService, context); }
  if (!nothingFailed()) { return; }

  for (const runningService of runningServices) { await checkContainerHealth(runningService, context); }
  if (context.emulators.length > 0) { report.heading('HTTP, through the load balancer emulator'); }
  for (const { service } of runningServices) { await checkHealthPaths(service, context); }
  for (const { service } of runningServices) { await checkRedirects(service, context); }
  await checkAssertions(assembly, names, context);
  for (const runningService of runningServices) { await checkStillRunning(runningService, context); }
  if (options.quick || !nothingFailed()) { return; }

  for (const runningService of runningServices) {
    await replaceTasks(runningService, context);
    await checkStillRunning(runningService, context);
  }
}

async function checkAssertions(
  assembly: Assembly, names: PublicNames, { report, interrupted }: RehearsalContext,
): Promise<void> {
  if (assembly.integTests.length === 0) {
    report.note('the assembly has no integ test: only the health path is requested');
    return;
  }
  await rehearseAssertions(assembly, {
    names,
    speedup: SPEEDUP,
    interrupted,
    report: ({ assertion, ...result }) => report.check({ id: 'assertion', name: `assertion: ${assertion}`, ...result }),
  });
}

/** Under load, if HTTP requests reach the service. */
async function replaceTasks(runningService: RunningService, context: RehearsalContext): Promise<void> {
  const { emulators, report, interrupted } = context;
  const { prefix, service, tasks } = runningService;
  const { stopTimeoutSeconds } = service.container;
  let number = tasks.length;
  const replacement: Replacement = {
    interrupted,
    report: (check) => report.check({ ...check, name: `${prefix}${check.name}` }),
    startAnother: async () => startHealthyTask(runningService, ++number, context),
    sampled: (task, { usedMiB, limitMiB }) => context.timeline.memory(task, usedMiB / limitMiB),
  };
  const front = findFrontOf(service, emulators);
  const isTcp = front?.emulator.spec.listeners.some(({ protocol }) => protocol === 'TCP' || protocol === 'TLS');
  if (!front || isTcp && !await answersHttp(front)) {
    report.heading(`${prefix}Task replacement`);
    const reason = front ? 'the app does not answer HTTP requests' : 'nothing in this assembly forwards requests to it';
    report.note(`${reason}: replacing one task and killing one, without load; each may take up to`
      + ` ${stopTimeoutSeconds} s to stop …`);
    await checkReplacementWithoutLoad(runningService, replacement);
    return;
  }
  report.heading(`${prefix}Task replacement under load`);
  report.note('replacing three tasks under load, each in another way, and killing one;'
    + ` each may take up to ${stopTimeoutSeconds} s to stop …`);
  await checkReplacement(runningService, {
    ...replacement,
    front,
    // A Network Load Balancer has no connections of its own.
    idleTimeoutSeconds: isTcp ? undefined : front.emulator.spec.idleTimeoutSeconds,
    note: (line) => report.note(line),
  });
}

function printAddresses({ emulators, report }: RehearsalContext): void {
  report.line('');
  for (const emulator of emulators) {
    for (const listener of emulator.spec.listeners) {
      const { protocol, port } = listener;
      const tls = protocol === 'HTTPS' || protocol === 'TLS' ? ', without TLS: the certificate is in AWS' : '';
      report.line(`  ${emulator.url(listener)}  emulates ${protocol} port ${port} of ${emulator.spec.name}${tls}`);
    }
  }
  report.note('Press Ctrl-C to stop.\n');
}

/** The listening servers keep the process alive. */
async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) { return; }
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

async function stopAll(
  { runningServices, targetGroups, emulators, report }: RehearsalContext, mode: StopMode,
): Promise<void> {
  targetGroups.forEach((group) => group.close());
  // Out of the lists, their exit is not reported as unexpected.
  const runningTasks = runningServices.flatMap(({ tasks }) => tasks.splice(0));
  const gracefully = mode === 'gracefully';
  if (gracefully && runningTasks.length > 0) {
    report.note(`stopping ${runningTasks.length === 1 ? 'the task' : `${runningTasks.length} tasks`} …`);
  }
  await Promise.all(runningTasks.map(async ({ task }) => {
    const wasRunning = !task.exit;
    const stop = await task.stop(mode);
    if (!gracefully || !wasRunning) { return; }
    report.note(stop.killed
      ? `${task.name} did not exit within its stop timeout and received SIGKILL, as in ECS`
      : `${task.name} exited with ${describeExit(stop)} after ${(stop.milliseconds / 1000).toFixed(1)} s`);
  }));
  await Promise.all(emulators.map(async (emulator) => emulator.close()));
}
