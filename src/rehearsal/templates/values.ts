import { CannotRun } from '../cannot-run';

/*
 * Checked readers of template values whose intrinsic functions are resolved.
 */

export type Properties = Readonly<Record<string, unknown>>;

/** The properties of an object; none if the value is not an object. */
export function record(value: unknown): Properties {
  return isRecord(value) ? value : {};
}

/**
 * The elements of a list; none if it is absent.
 *
 * @throws CannotRun if the value is something else
 */
export function list(value: unknown): unknown[] {
  if (isAbsent(value)) { return []; }
  if (!Array.isArray(value)) {
    throw new CannotRun(`a template has ${JSON.stringify(value)}, but a list is required there`);
  }
  return value;
}

export function records(value: unknown): Properties[] {
  return list(value).map(record);
}

export function texts(value: unknown): string[] | undefined {
  return isAbsent(value) ? undefined : list(value).map(String);
}

export function text(value: unknown): string | undefined;
export function text(value: unknown, fallback: string): string;
export function text(value: unknown, fallback?: string): string | undefined {
  return isAbsent(value) ? fallback : String(value);
}

/**
 * Templates may have numbers as strings.
 *
 * @throws CannotRun if the value is something else, for example because only AWS knows it
 */
export function number(value: unknown): number | undefined;
export function number(value: unknown, fallback: number): number;
export function number(value: unknown, fallback?: number): number | undefined {
  if (isAbsent(value)) { return fallback; }
  const result = Number(value);
  if (Number.isNaN(result)) {
    throw new CannotRun(`a template has ${JSON.stringify(value)}, but a number is required there`);
  }
  return result;
}

/** Templates may have booleans as strings. */
export function isTrue(value: unknown): boolean {
  return String(value) === 'true';
}

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

function isRecord(value: unknown): value is Properties {
  return typeof value === 'object' && value !== null;
}
