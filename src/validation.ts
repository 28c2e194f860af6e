import { Duration, Token } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';

/** The smallest and the largest valid value. */
type Range = readonly [min: number, max: number];

/**
 * Parts of the placeholders of look-ups: of `ssm.StringParameter.valueFromLookup` and `ec2.PrefixList.fromLookup`. If
 * one was an error, the synthesis would end before the CLI looks the value up
 * (https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.GetContextValueOptions.html#dummyvalue).
 */
const PLACEHOLDER = /dummy-value-for-|pl-xxxxxxxx/;

/**
 * Collects the errors in the props of a construct, and throws them together before any resource is created.
 *
 * The value of a token is known only during deployment, so tokens are accepted. The same holds for the placeholder of a
 * value that is looked up in the account, in the synthesis before the look-up.
 */
export class Validation {
  private readonly refusals = new Array<string>();

  constructor(private readonly scope: IConstruct) {}

  /**
   * Records an error: the prop, its value, the rule that it breaks, and the fix.
   *
   * @param is the value as the user reads it: `show(value)`, or a description of a value that cannot be printed
   */
  public refuse(prop: string, is: string, rule: string, fix: string): void {
    if (PLACEHOLDER.test(is)) { return; }
    const error = `${this.scope.node.path}: ${prop} is ${is}, but ${rule}; ${fix}`;
    this.refusals.push(error.replace(/\$\{Token\[.*?\]\}|#\{Token\[.*?\]\}|-1\.8\d+e\+289/g, 'TOKEN'));
  }

  public wholeNumber(prop: string, value: number | undefined, [min, max]: Range, what: string): void {
    if (value === undefined || Token.isUnresolved(value)) { return; }
    if (!Number.isInteger(value) || value < min || value > max) {
      this.refuse(prop, show(value), `${what} is a whole number from ${min} to ${max}`,
        `set ${prop} within that range`);
    }
  }

  public wholeSeconds(prop: string, value: Duration | undefined, [min, max]: Range, what: string): void {
    if (value === undefined || this.checkTokenUnit('seconds', prop, value)) { return; }
    const seconds = value.toMilliseconds({ integral: false }) / 1000;
    if (!Number.isInteger(seconds) || seconds < min || seconds > max) {
      this.refuse(prop, show(value), `${what} is a whole number of seconds from ${min} to ${max}`,
        `set ${prop} within that range`);
    }
  }

  /**
   * Checks the unit of a duration that is a token: it cannot be converted to the unit of the template.
   *
   * @returns whether it is a token, whose value is unknown
   */
  public checkTokenUnit(unit: 'millis' | 'seconds' | 'minutes', prop: string, value: Duration): boolean {
    if (!value.isUnresolved()) { return false; }
    if (value.unitLabel() !== unit) {
      this.refuse(prop, `a token in ${value.unitLabel()}`, `it cannot be converted to ${unit}`, `use Duration.${unit}`);
    }
    return true;
  }

  /**
   * Refuses a token where the value decides what is synthesized.
   *
   * @returns whether it is a token
   */
  public refuseToken(prop: string, value: unknown, rule: string): boolean {
    if (!isToken(value)) { return false; }
    this.refuse(prop, show(value), rule, 'set a value that is known at synthesis');
    return true;
  }

  /** CloudFormation would treat an empty list or string as if the prop was not set. */
  public notEmpty(prop: string, value: string | readonly unknown[] | undefined, fix: string): void {
    if (value !== undefined && !Token.isUnresolved(value) && value.length === 0) {
      this.refuse(prop, show(value), 'an empty value would be ignored', fix);
    }
  }

  public domainName(prop: string, name: string | undefined): void {
    const isName = name === undefined || Token.isUnresolved(name)
      || name.length <= 253 && /^(\*\.)?([A-Za-z0-9_-]{1,63}\.)+[A-Za-z0-9-]{1,63}$/.test(name);
    if (!isName) {
      this.refuse(prop, show(name), 'it is not a domain name', 'set a name like hello.example.com');
    }
  }

  /** Checks the name of an environment variable in the list `prop`. */
  public variableName(prop: string, name: string): void {
    if (!Token.isUnresolved(name) && !/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) {
      this.refuse(prop, show(name),
        'the name of an environment variable has letters, digits and _ and does not start with a digit', 'rename it');
    }
  }

  public get hasRefused(): boolean {
    return this.refusals.length > 0;
  }

  /** @throws Error with one line for each recorded error, if there are any */
  public throwIfRefused(): void {
    if (this.hasRefused) {
      throw new Error(this.refusals.join('\n'));
    }
  }
}

function isToken(value: unknown): boolean {
  return value instanceof Duration ? value.isUnresolved() : Token.isUnresolved(value);
}

/** A value roughly as the user wrote it. */
export function show(value: unknown): string {
  if (value === undefined) { return 'not set'; }
  if (isToken(value)) { return 'a token'; }
  if (value instanceof Duration) { return `${value.toMilliseconds({ integral: false }) / 1000} seconds`; }
  if (typeof value === 'function') { return 'a function'; }
  if (typeof value !== 'string' && typeof value !== 'object') { return String(value); }
  try {
    return JSON.stringify(value);
  } catch {
    return 'an object';
  }
}

/** A text within the limits of AWS: at most `max` characters, with _ for each character that is not allowed. */
export function limited(text: string, max: number, notAllowed?: RegExp): string {
  if (Token.isUnresolved(text)) { return text; }
  return (notAllowed ? text.replace(notAllowed, '_') : text).slice(0, max);
}

/** Whether a lookup succeeds: attributes that an imported construct does not have throw an error when they are read. */
export function isDefined(read: () => unknown): boolean {
  try {
    return read() !== undefined;
  } catch {
    return false;
  }
}
