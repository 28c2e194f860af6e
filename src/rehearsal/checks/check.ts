import { Check, CheckId } from '../report/report';

/** What a check is about. */
export interface CheckSubject {
  readonly id: CheckId;
  readonly name: string;
}

export const passed = (subject: CheckSubject, reason?: string): Check => ({ ...subject, outcome: 'passed', reason });
export const warning = (subject: CheckSubject, reason: string): Check => ({ ...subject, outcome: 'warning', reason });
export const failed = (subject: CheckSubject, reason: string): Check => ({ ...subject, outcome: 'failed', reason });
export const skipped = (subject: CheckSubject, reason: string): Check => ({ ...subject, outcome: 'skipped', reason });

/** With fewer requests, chance decides whether one of them shows a fault. */
export const MIN_REQUESTS = 10;

/** The reason to skip a check where this machine, or the app, was too slow to send enough requests. */
export function tooFewRequests(count: number): string {
  return `only ${count} ${count === 1 ? 'request' : 'requests'} reached the task in time, too few for a result:`
    + ' the machine or the app is too slow';
}

/**
 * What to change in the app.
 *
 * @param environment of the app's container
 * @param variable of the app that has the setting
 * @param other what to do where the container does not have the variable
 */
export function fixFor(environment: Readonly<Record<string, string>>, variable: string, other: string): string {
  return environment[variable] === undefined ? other : `it reads ${variable}`;
}
