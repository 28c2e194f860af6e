import { Check } from '../report';

/** What a check is about. */
export interface CheckSubject {
  /** For programs that read the result. */
  readonly id: string;
  readonly name: string;
}

export const passed = (subject: CheckSubject, reason?: string): Check => ({ ...subject, outcome: 'passed', reason });
export const failed = (subject: CheckSubject, reason: string): Check => ({ ...subject, outcome: 'failed', reason });
export const skipped = (subject: CheckSubject, reason: string): Check => ({ ...subject, outcome: 'skipped', reason });

/** With fewer requests, chance decides whether one of them shows a fault. */
export const MIN_REQUESTS = 3;

/** The reason to skip a check where this machine, or the app, was too slow to send enough requests. */
export function tooFewRequests(count: number): string {
  return `only ${count} ${count === 1 ? 'request' : 'requests'} reached the task in time, too few for a result:`
    + ' the machine or the app is too slow';
}
