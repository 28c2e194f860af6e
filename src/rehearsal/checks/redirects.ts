import { CheckSubject, failed, passed, skipped } from './check';
import { get } from './load';
import { RehearsalContext } from '../context';
import { Emulator } from '../edge/emulator';
import { hostTowards, originOf, reaches } from '../edge/routes';
import { ListenerSpec, ResourceKey, ServiceSpec } from '../model';

const TIMEOUT_MS = 5000;
const FIX = 'trust X-Forwarded-Proto, or behind an HTTP API the proto of Forwarded';
const FIX_BEHIND_CLOUDFRONT = 'the load balancer sets X-Forwarded-Proto to the protocol between CloudFront and itself;'
  + ' trust CloudFront-Forwarded-Proto, which an origin request policy adds';

interface HttpsFront {
  readonly emulator: Emulator;
  readonly listener: ListenerSpec;
  readonly host: string;
  readonly behindCloudFront: boolean;
}

/**
 * Requests / and the health path over HTTPS, and fails if the app redirects to the same URL. An app does this if it
 * takes the request for HTTP, which happens behind CloudFront: the load balancer overwrites X-Forwarded-Proto with the
 * protocol between CloudFront and itself.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
 */
export async function checkRedirects(
  { registrations }: ServiceSpec, { emulators, report }: RehearsalContext,
): Promise<void> {
  for (const { targetGroup: { key, healthCheck } } of registrations) {
    for (const path of new Set(['/', healthCheck.path])) {
      const fronts = emulators.flatMap((emulator) => httpsFront(emulator, path, { key, emulators }) ?? []);
      for (const { emulator, listener, host, behindCloudFront } of fronts) {
        const url = `${emulator.url(listener)}${path}`;
        const { status, location, error } = await get(url, host, { timeout: TIMEOUT_MS });
        const name = `GET ${path} over HTTPS through ${emulator.spec.name} does not loop`;
        const subject: CheckSubject = { id: 'redirect', name };
        if (status === undefined) {
          report.check(skipped(subject, `there was no answer: ${error}`));
        } else if (isLoop(`https://${host}${path}`, status, location)) {
          report.check(failed(subject, `the app redirects it to the same URL with ${status}, because it takes the`
            + ` request for HTTP: ${behindCloudFront ? FIX_BEHIND_CLOUDFRONT : FIX}`));
        } else {
          report.check(passed(subject));
        }
      }
    }
  }
}

/** The HTTPS listener of an emulator, if it forwards the path to the target group. */
function httpsFront(
  emulator: Emulator, path: string, { key, emulators }: { key: ResourceKey; emulators: readonly Emulator[] },
): HttpsFront | undefined {
  const listener = emulator.spec.listeners.find(({ protocol }) => protocol === 'HTTPS');
  if (!listener) { return undefined; }
  const origin = originOf(emulator, path, emulators);
  const last = origin?.listener ?? listener;
  const host = hostTowards(last, key);
  return reaches(last, key, { host, path })
    ? { emulator, listener, host, behindCloudFront: origin !== undefined }
    : undefined;
}

function isLoop(url: string, status: number, location = ''): boolean {
  if (status < 300 || status > 399 || location === '') { return false; }
  const [from, to] = [new URL(url), URL.canParse(location, url) ? new URL(location, url) : undefined];
  // The app may add the port on which it listens.
  return to?.protocol === 'https:' && to.hostname === from.hostname
    && to.pathname + to.search === from.pathname + from.search;
}
