import { CheckSubject, failed, passed } from './check';
import { get } from './load';
import { RehearsalContext } from '../context';
import { hostTowards, reaches } from '../edge/routes';
import { isSuccess } from '../edge/target-group';
import { leadsTo, ServiceSpec } from '../model';

/** Requests the health path as a user would, through each emulator that leads to a target group of the service. */
export async function checkHealthPaths(
  { registrations }: ServiceSpec, { emulators, report }: RehearsalContext,
): Promise<void> {
  for (const { targetGroup: { key, healthCheck } } of registrations) {
    const { path, successCodes, timeoutSeconds } = healthCheck;
    for (const emulator of emulators) {
      const listener = emulator.spec.listeners.find((candidate) => leadsTo(candidate, key));
      if (!listener) { continue; }
      const host = hostTowards(listener, key);
      const url = `${emulator.url(listener)}${path}`;
      const { status, error } = await get(url, host, { timeout: 1000 * timeoutSeconds });
      const result = `GET ${url} ${status === undefined ? `did not answer: ${error}` : `answered ${status}`}`;
      if (!reaches(listener, key, { host, path })) {
        report.note(`${result}: the rules of ${listener.name} do not forward this path to the service, which is fine`);
        continue;
      }
      const subject: CheckSubject = { id: 'http', name: result };
      const ok = status !== undefined && isSuccess(successCodes, status);
      report.check(ok ? passed(subject) : failed(subject, `the target group expects ${successCodes}`));
    }
  }
}
