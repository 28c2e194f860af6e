import * as net from 'node:net';
import { CheckSubject, failed, passed } from './check';
import { get } from './load';
import { RehearsalContext } from '../context';
import { Emulator } from '../edge/emulator';
import { hostTowards, reaches } from '../edge/routes';
import { isSuccess } from '../edge/target-group';
import { leadsTo, ListenerSpec, ServiceSpec, TargetGroupSpec } from '../model';
import { Check } from '../report/report';

/** A target that is unreachable closes the connection within this time. */
const MIN_OPEN_MS = 500;

/** Requests the health path as a user would, through each emulator that leads to a target group of the service. */
export async function checkHealthPaths(
  { registrations }: ServiceSpec, { emulators, report }: RehearsalContext,
): Promise<void> {
  for (const { targetGroup } of registrations) {
    for (const emulator of emulators) {
      const listener = emulator.spec.listeners.find((candidate) => leadsTo(candidate, targetGroup.key));
      if (!listener) { continue; }
      if (targetGroup.healthCheck.protocol === 'TCP') {
        report.check(await checkConnection(emulator, listener));
      } else {
        await requestHealthPath(targetGroup, { emulator, listener, report });
      }
    }
  }
}

async function requestHealthPath(
  { key, healthCheck: { path, successCodes, timeoutSeconds } }: TargetGroupSpec,
  { emulator, listener, report }: {
    readonly emulator: Emulator; readonly listener: ListenerSpec; readonly report: RehearsalContext['report'];
  },
): Promise<void> {
  const host = hostTowards(listener, key);
  const url = `${emulator.url(listener)}${path}`;
  const { status, error } = await get(url, host, { timeout: 1000 * timeoutSeconds });
  const result = `GET ${url} ${status === undefined ? `did not answer: ${error}` : `answered ${status}`}`;
  if (!reaches(listener, key, { host, path })) {
    report.note(`${result}: the rules of ${listener.name} do not forward this path to the service, which is fine`);
    return;
  }
  const subject: CheckSubject = { id: 'http', name: result };
  const ok = status !== undefined && isSuccess(successCodes, status);
  report.check(ok ? passed(subject) : failed(subject, `the target group expects ${successCodes}`));
}

/** Whether the app keeps a connection open. */
async function checkConnection(emulator: Emulator, listener: ListenerSpec): Promise<Check> {
  const { host, hostname, port } = new URL(emulator.url(listener));
  const subject: CheckSubject = { id: 'http', name: `a connection to ${host} reaches a task` };
  return new Promise((resolve) => {
    const socket = net.connect(Number(port), hostname);
    const settle = (check: Check) => {
      clearTimeout(timeout);
      socket.end().resume();
      resolve(check);
    };
    const timeout = setTimeout(() => settle(passed(subject)), MIN_OPEN_MS);
    // An app may greet its clients.
    socket.on('data', () => settle(passed(subject)));
    socket.on('error', (error) => settle(failed(subject, `it was closed: ${error.message}`)));
    socket.on('end', () => settle(failed(subject, 'the task closed it at once')));
  });
}
