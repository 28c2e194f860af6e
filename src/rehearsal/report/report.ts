import { stripVTControlCharacters } from 'node:util';
import { TimelineDocument } from './timeline';

/*
 * Collects the checks of a rehearsal, and prints its progress and result: in color on a terminal, elsewhere as text.
 */

export interface Output {
  readonly isTTY?: boolean;
  /** Width of the terminal. */
  readonly columns?: number;
  write(text: string): unknown;
}

/** A warning is a matter of preference: the app would work on Fargate. */
export type CheckOutcome = 'passed' | 'warning' | 'failed' | 'skipped';

/** Without them, no other result would mean anything. */
const ESSENTIAL_CHECKS = ['service', 'healthy', 'running'] as const;

/** What `--skip` can name. */
export const SKIPPABLE_CHECKS = [
  'container-health-check', 'http', 'redirect', 'assertion', 'load', 'as-declared', 'not-root', 'in-flight',
  'deregistered-before', 'deregistered-after', 'failing-health-checks', 'stops-in-time', 'survives-a-kill', 'memory',
  'keep-alive', 'root-filesystem', 'json-logs',
] as const;

export type SkippableCheck = typeof SKIPPABLE_CHECKS[number];

/** Identifies a kind of check, for programs that read the result. */
export type CheckId = typeof ESSENTIAL_CHECKS[number] | SkippableCheck;

export interface Check {
  readonly id: CheckId;
  readonly outcome: CheckOutcome;
  readonly name: string;
  readonly reason?: string;
}

export interface ReportOptions {
  /** Warnings become failures. */
  readonly strict?: boolean;
  /** Their results are reported as skipped. */
  readonly skip?: readonly SkippableCheck[];
  /** Shows on a terminal which step is running, and for how long. */
  readonly progress?: boolean;
  /** Called when there is a result. */
  readonly onResult?: (document: ReportDocument) => void;
}

/** What was run. */
export interface RunDocument {
  readonly services: ReadonlyArray<{
    readonly name: string;
    readonly tasks: number;
    readonly size: string;
    readonly engine: string;
    readonly containers: readonly string[];
    readonly targetGroups: readonly string[];
  }>;
  /** Outermost first. */
  readonly emulators: ReadonlyArray<{
    readonly name: string;
    readonly listeners: ReadonlyArray<{ readonly name: string; readonly rules: number }>;
    readonly targetGroups: readonly string[];
  }>;
  readonly timeline: TimelineDocument;
}

/** The result in the form that `--json` prints. */
export interface ReportDocument {
  readonly passed: boolean;
  readonly seconds: number;
  readonly checks: readonly Check[];
  readonly notCovered: readonly string[];
  readonly run?: RunDocument;
}

/** The result of an assembly or of an integ test. */
export interface NamedDocument extends ReportDocument {
  readonly name: string;
}

type Color = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

const CODES: Record<Color, readonly [on: number, off: number]> = {
  bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39],
};

/** How an outcome is marked, with and without color. */
const MARKS: Record<CheckOutcome, { readonly color: Color; readonly sign: string; readonly word: string }> = {
  passed: { color: 'green', sign: '✓', word: 'ok  ' },
  warning: { color: 'yellow', sign: '!', word: 'warn' },
  failed: { color: 'red', sign: '✗', word: 'FAIL' },
  skipped: { color: 'yellow', sign: '–', word: 'skip' },
};

export const NOT_COVERED = ['IAM', 'security groups', 'quotas', 'the timing of AWS'] as const;

export class Report {
  public readonly checks: Check[] = [];
  /** Whether no check failed; undefined until there is a result. */
  public passed?: boolean;
  public run?: RunDocument;
  private readonly colors: boolean;
  private seconds = 0;
  private progress?: { readonly step: string; readonly start: number; readonly timer: NodeJS.Timeout };

  constructor(
    private readonly output: Output,
    private readonly options: ReportOptions = {},
    environment: NodeJS.ProcessEnv = process.env,
  ) {
    // https://no-color.org
    this.colors = Boolean(output.isTTY) && !environment.NO_COLOR && environment.TERM !== 'dumb';
  }

  public heading(text: string): void {
    this.line(`\n${this.paint('bold', text)}`);
    this.endProgress();
    if (!this.colors || !this.options.progress) { return; }
    const timer = setInterval(() => this.showProgress(), 1000).unref();
    this.progress = { step: text, start: Date.now(), timer };
  }

  /** @param indentation of the following lines, where the text is wider than the terminal */
  public line(text: string, indentation = 2): void {
    const { columns } = this.output;
    const wrapped = this.colors && columns ? wrap(text, columns, indentation) : text;
    this.output.write(`${this.progress ? CLEAR_LINE : ''}${wrapped}\n`);
  }

  public fact(label: string, text: string): void {
    this.line(`  ${this.paint('dim', label.padEnd(14))}${text}`, 16);
  }

  /** Removes the line that shows the progress. */
  public endProgress(): void {
    if (!this.progress) { return; }
    clearInterval(this.progress.timer);
    this.progress = undefined;
    this.output.write(CLEAR_LINE);
  }

  private showProgress(): void {
    const { step, start } = this.progress!;
    const seconds = Math.round((Date.now() - start) / 1000);
    // It must not be wider than the terminal, or it could not be cleared.
    const text = `  ${step}: ${seconds} s`.slice(0, (this.output.columns ?? 80) - 1);
    this.output.write(`${CLEAR_LINE}${this.paint('dim', text)}`);
  }

  public check(result: Check): void {
    const { name, reason } = result;
    const check = this.applyOptions({ ...result, name: printable(name), reason: reason && printable(reason) });
    this.checks.push(check);
    const { color, sign, word } = MARKS[check.outcome];
    const mark = this.colors ? this.paint(color, sign) : word;
    this.line(`  ${mark} ${check.name}${this.formatReason(check)}`, 4);
  }

  /** Prints a line of a task's log. */
  public log(task: string, line: string): void {
    const clear = this.progress ? CLEAR_LINE : '';
    this.output.write(`${clear}${this.paint('cyan', `  ${task} |`)} ${printable(line)}\n`);
  }

  public note(text: string): void {
    this.line(`  ${this.paint('dim', printable(text))}`);
  }

  public problem(text: string): void {
    this.line(this.paint('red', text));
  }

  /** @returns whether no check failed */
  public result(seconds: number): boolean {
    this.endProgress();
    this.seconds = Number(seconds.toFixed(1));
    this.passed = this.checks.every(({ outcome }) => outcome !== 'failed');
    const summary = this.paint(this.passed ? 'green' : 'red', this.paint('bold', this.summary));
    this.line(`\n${summary} in ${seconds.toFixed(1)} s`);
    this.options.onResult?.(this.document());
    return this.passed;
  }

  /** For example: 3 passed, 0 failed, 1 skipped. */
  public get summary(): string {
    const count = (outcome: CheckOutcome) => this.checks.filter((check) => check.outcome === outcome).length;
    const warnings = count('warning');
    return [
      `${count('passed')} passed, ${count('failed')} failed`,
      ...warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : [],
      ...count('skipped') > 0 ? [`${count('skipped')} skipped`] : [],
    ].join(', ');
  }

  public document(): ReportDocument {
    return {
      passed: this.passed ?? false,
      seconds: this.seconds,
      checks: this.checks,
      notCovered: [...NOT_COVERED],
      run: this.run,
    };
  }

  private applyOptions(check: Check): Check {
    const { strict = false, skip = [] } = this.options;
    if (skip.some((id) => id === check.id)) { return { ...check, outcome: 'skipped', reason: `--skip ${check.id}` }; }
    return strict && check.outcome === 'warning' ? { ...check, outcome: 'failed' } : check;
  }

  /** A reason of one line follows the name in parentheses; a longer one is indented below it. */
  private formatReason({ outcome, reason }: Check): string {
    const text = outcome === 'skipped' ? ['skipped', reason].filter(Boolean).join(': ') : reason;
    if (!text) { return ''; }
    const color = outcome === 'failed' ? 'red' : 'dim';
    const lines = text.split('\n');
    return lines.length === 1
      ? this.paint(color, ` (${text})`)
      : lines.map((line) => `\n       ${this.paint(color, line)}`).join('');
  }

  private paint(color: Color, text: string): string {
    const [on, off] = CODES[color];
    return this.colors ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  }
}

/** Moves the cursor to the first column, and clears the line. */
const CLEAR_LINE = '\r\u001b[2K';

/** Breaks lines between words where they would be wider than the terminal. Control sequences have no width. */
export function wrap(text: string, columns: number, indentation: number): string {
  return text.split('\n').map((line) => {
    let width = 0;
    return line.split(/(?<=\S)(?= )/).map((word) => {
      const breaks = width > 0 && width + widthOf(word) > columns;
      const printed = breaks ? `${' '.repeat(indentation)}${word.trimStart()}` : word;
      width = widthOf(printed) + (breaks ? 0 : width);
      return breaks ? `\n${printed}` : printed;
    }).join('');
  }).join('\n');
}

function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** Text of an app must not control the terminal. */
function printable(text: string): string {
  return [...stripVTControlCharacters(text)]
    .map((character) => /\p{Cc}/u.test(character) && !'\n\t'.includes(character) ? '\ufffd' : character)
    .join('');
}
