import { RehearsalContext, SPEEDUP } from './context';
import { describeProbe, leadsTo, RegistrationSpec } from './model';
import { envOptions, unknownVariables } from './overrides';
import { Report, RunDocument } from './report/report';
import { RunningService } from './running-service';
import { knownOnlyInAws } from './templates/intrinsics';

/** Prints what is rehearsed, and how that differs from AWS. */
export function printOverview({ runningServices, emulators, report }: RehearsalContext): void {
  runningServices.forEach((runningService) => printService(runningService, report));
  report.line('');
  const notes = [...runningServices.map(({ service }) => service), ...emulators.map(({ spec }) => spec)]
    .flatMap((spec) => spec.notes);
  notes.forEach((note) => report.note(note));
  if (emulators.length > 0) {
    report.note('The load balancer is an emulator on this machine: it tests the configuration, and is not a'
      + ' deployment.');
  }
  report.note('IAM, security groups, quotas and the timing of AWS are not covered.');
}

function printService({ service, runtime }: RunningService, report: Report): void {
  const { container, desiredCount, cpu, memoryMiB, architecture } = service;
  report.heading(service.name);
  report.fact('tasks', `${desiredCount} of ${cpu} CPU units and ${memoryMiB} MiB, ${architecture}`);
  report.fact('command', `${runtime.command.join(' ')} in ${runtime.workingDirectory}, user ${runtime.user}`);
  service.registrations.forEach((registration) => printHealthCheck(registration, report));
  report.fact('stop', `${runtime.stopSignal}, and SIGKILL after ${container.stopTimeoutSeconds} s`);

  runtime.differences.forEach((difference, index) => report.fact(index === 0 ? 'differences' : '', difference));
  if (container.environmentFiles > 0) { report.fact('', 'environment files in S3 are not read'); }
  const unknown = unknownVariables(runtime.environment);
  if (unknown.length > 0) {
    const values = unknown.map((name) => `${name} contains ${knownOnlyInAws(runtime.environment[name]).join(', ')}`);
    report.fact('', `values that only AWS knows: ${values.join('; ')}. Set them with ${envOptions(unknown)}`);
  }
}

function printHealthCheck({ targetGroup: { healthCheck }, port }: RegistrationSpec, report: Report): void {
  const { inContainer, intervalSeconds, timeoutSeconds } = healthCheck;
  if (inContainer === 'none') {
    report.fact('health check', 'none: a task is healthy as soon as it runs');
    return;
  }
  if (inContainer) {
    const command = inContainer.command.slice(1).join(' ');
    report.fact('health check', `${command} in the container, every ${intervalSeconds} s`);
    return;
  }
  const answer = healthCheck.protocol === 'TCP' ? 'is accepted' : `returns ${healthCheck.successCodes}`;
  report.fact('health check', `${describeProbe(healthCheck, port)} ${answer} within ${timeoutSeconds} s, every`
    + ` ${intervalSeconds} s`);
  report.fact('', `runs ${SPEEDUP} times as often here, every ${intervalSeconds / SPEEDUP} s, with the same timeout`);
}

/** The same as data. */
export function describeRun({ runningServices, emulators, timeline }: RehearsalContext): RunDocument {
  return {
    services: runningServices.map(({ service, runtime }) => ({
      name: service.name,
      tasks: service.desiredCount,
      size: `${service.cpu} CPU units, ${service.memoryMiB} MiB, ${service.architecture}`,
      engine: runtime.engine,
      containers: [service.container, ...service.sidecars].map(({ name }) => name),
      targetGroups: service.registrations.map(({ targetGroup }) => targetGroup.name),
    })),
    emulators: emulators.map(({ spec }) => ({
      name: spec.name,
      listeners: spec.listeners
        .map(({ protocol, port, rules }) => ({ name: `${protocol} ${port}`, rules: rules.length })),
      targetGroups: runningServices.flatMap(({ service }) => service.registrations)
        .map(({ targetGroup }) => targetGroup)
        .filter(({ key }) => spec.listeners.some((listener) => leadsTo(listener, key)))
        .map(({ name }) => name),
    })),
    timeline: timeline.document(),
  };
}
