import { Duration, Token } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';

/**
 * Collects what is wrong with the props of one construct and refuses all of it in one error, before a resource exists.
 *
 * A value that is a Token is only known when it is deployed, so it is let through.
 */
export class Validation {
  private readonly refusals = new Array<string>();

  constructor(private readonly scope: IConstruct) {}

  /**
   * Notes what a prop is, the rule that it breaks, and how to mend it.
   *
   * @param is the value as the user should read it: `show(value)`, or words for what cannot be shown
   */
  public refuse(prop: string, is: string, rule: string, fix: string): void {
    this.refusals.push(`${this.scope.node.path}: ${prop} is ${is}, but ${rule}; ${fix}`);
  }

  public wholeNumber(prop: string, value: number | undefined, min: number, max: number, what: string): void {
    if (value === undefined || Token.isUnresolved(value)) { return; }
    if (!Number.isInteger(value) || value < min || value > max) {
      this.refuse(prop, show(value), `${what} is a whole number from ${min} to ${max}`, `set ${prop} within that range`);
    }
  }

  public wholeSeconds(prop: string, value: Duration | undefined, min: number, max: number, what: string): void {
    if (value === undefined || value.isUnresolved()) { return; }
    const seconds = value.toMilliseconds() / 1000;
    if (!Number.isInteger(seconds) || seconds < min || seconds > max) {
      this.refuse(prop, show(value), `${what} is a whole number of seconds from ${min} to ${max}`, `set ${prop} within that range`);
    }
  }

  /** An empty list or text would be taken as "not said", and so be ignored. */
  public notEmpty(prop: string, value: string | string[] | undefined, fix: string): void {
    if (value !== undefined && !Token.isUnresolved(value) && value.length === 0) {
      this.refuse(prop, show(value), 'an empty value would be ignored', fix);
    }
  }

  public get hasRefused(): boolean {
    return this.refusals.length > 0;
  }

  /** @throws Error with one line for each refusal, if there is any */
  public throwIfRefused(): void {
    if (this.hasRefused) {
      throw new Error(this.refusals.join('\n'));
    }
  }
}

/** A value as its user wrote it, more or less. */
export function show(value: string | string[] | number | Duration): string {
  if (value instanceof Duration) { return `${value.toMilliseconds() / 1000} seconds`; }
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}
