import { stripVTControlCharacters } from 'node:util';

/*
 * What the rehearsal tells its user: in colour on a terminal, as plain lines elsewhere. It also keeps count of the checks.
 */

export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

type Color = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

const CODES: { readonly [colour in Color]: readonly [on: number, off: number] } = {
  bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39],
};

export interface Check {
  /** What it is about, for programs that read the verdict. */
  readonly id: string;
  readonly outcome: 'passed' | 'failed' | 'not rehearsed';
  readonly name: string;
  readonly reason?: string;
}

export class Report {
  public readonly checks: Check[] = [];
  /** The verdict, once it is there. */
  public passed?: boolean;
  private readonly colors: boolean;
  private seconds = 0;

  constructor(private readonly output: Output, environment: NodeJS.ProcessEnv = process.env) {
    // https://no-color.org
    this.colors = Boolean(output.isTTY) && !environment.NO_COLOR && environment.TERM !== 'dumb';
  }

  public heading(text: string): void {
    this.line(`\n${this.paint('bold', text)}`);
  }

  public line(text: string): void {
    this.output.write(`${text}\n`);
  }

  /** A name and what there is to say of it. */
  public fact(name: string, text: string): void {
    this.line(`  ${this.paint('dim', name.padEnd(14))}${text}`);
  }

  public check(check: Check): void {
    this.checks.push(check);
    const mark = {
      'passed': this.colors ? this.paint('green', '✓') : 'ok  ',
      'failed': this.colors ? this.paint('red', '✗') : 'FAIL',
      'not rehearsed': this.colors ? this.paint('yellow', '–') : 'skip',
    }[check.outcome];
    const aside = check.outcome === 'not rehearsed' ? ['not rehearsed', check.reason].filter(Boolean).join(': ') : check.reason;
    const colour = check.outcome === 'failed' ? 'red' : 'dim';
    const [first = '', ...more] = aside?.split('\n') ?? [];
    // What takes several lines stands below.
    const below = more.length > 0 ? [first, ...more].map((line) => `\n       ${this.paint(colour, line)}`).join('') : '';
    this.line(`  ${mark} ${check.name}${below || (first && this.paint(colour, ` (${first})`))}`);
  }

  /** A line of a task's log. */
  public log(task: string, line: string): void {
    // A log may not steer the terminal.
    this.line(`${this.paint('cyan', `  ${task} |`)} ${stripVTControlCharacters(line)}`);
  }

  public note(text: string): void {
    this.line(`  ${this.paint('dim', text)}`);
  }

  public problem(text: string): void {
    this.line(this.paint('red', text));
  }

  /** @returns whether all checks have passed that could be made */
  public result(seconds: number): boolean {
    this.seconds = Number(seconds.toFixed(1));
    this.passed = this.checks.every(({ outcome }) => outcome !== 'failed');
    this.line(`\n${this.paint(this.passed ? 'green' : 'red', this.paint('bold', this.counted))} in ${seconds.toFixed(1)} s`);
    return this.passed;
  }

  /** Like 3 passed, 0 failed. */
  public get counted(): string {
    const count = (outcome: Check['outcome']) => this.checks.filter((check) => check.outcome === outcome).length;
    return [`${count('passed')} passed`, `${count('failed')} failed`, ...count('not rehearsed') > 0 ? [`${count('not rehearsed')} not rehearsed`] : []].join(', ');
  }

  /** The verdict for programs. */
  public document(): { readonly passed: boolean; readonly seconds: number; readonly checks: readonly Check[]; readonly notCovered: readonly string[] } {
    return {
      passed: this.passed ?? false,
      seconds: this.seconds,
      checks: this.checks,
      notCovered: ['IAM', 'security groups', 'quotas', 'the timing of AWS'],
    };
  }

  private paint(colour: Color, text: string): string {
    const [on, off] = CODES[colour];
    return this.colors ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  }
}
