import '../test/support/newest';
import { fork } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { App, CfnResource, Stack } from 'aws-cdk-lib';
import { cfnLint, distinct, installCfnLint } from './cfn-lint';
import { HelloFargateService } from '../src/index';
import { draw } from '../test/support/draw';
import { tooWide } from '../test/support/iam';
import { CALLS, Choice, DIMENSIONS, ENVIRONMENTS, Ground, propsOf, RULES } from '../test/support/options';
import { readJson } from '../test/support/synth';

/**
 * Draws combinations of all options, until each pair of their values has been in one, and synthesises them with the newest
 * aws-cdk-lib and the recommended flags: each must be clean, or be refused by the rules of `options.ts` and no others.
 *
 * It draws the same each time, so that a change is judged by what it changes; SEED=… or SEED=random draws others.
 * It runs in two processes, for machines with two cores.
 */
const AT_LEAST = 500;
const PROCESSES = 2;
const STACKS_IN_AN_APP = 60;
/** One fault shows in many combinations. */
const MAX_PRINTED = 20;
const OUT = path.join(__dirname, '..', 'dist', 'pairwise');

/** What is drawn, as one process hands it to the other. */
interface Combination {
  readonly name: string;
  readonly choice: Choice;
  /** Which of the rules it breaks. */
  readonly breaks: number[];
}

/** What came of a share of them. */
interface Outcome {
  readonly wrong: string[];
  readonly templates: string[];
  readonly refused: number;
}

async function main(): Promise<void> {
  const start = Date.now();
  const seconds = () => `${Math.round((Date.now() - start) / 1000)} s`;
  const say = (text: string) => process.stdout.write(`${text}\n`);

  const { SEED = '1' } = process.env;
  const seed = SEED === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(SEED);
  say(`SEED=${seed}`);
  const { drawn, pairs, clean, refused } = draw(DIMENSIONS, RULES, seed, AT_LEAST);
  say(`${drawn.length} combinations of ${Object.keys(DIMENSIONS).length} options. Of ${pairs} pairs of values, ${clean} are in one that is clean, `
    + `and ${refused} in one that is refused, as no clean one was found (${seconds()})`);
  if (clean + refused !== pairs || drawn.length < AT_LEAST) { throw new Error(`${pairs - clean - refused} pairs are in no combination`); }

  fs.rmSync(OUT, { recursive: true, force: true });
  fs.mkdirSync(OUT, { recursive: true });
  const combinations = drawn.map(({ choice, breaks }, i): Combination =>
    ({ name: `C${i}`, choice: choice as Choice, breaks: breaks.map((rule) => RULES.indexOf(rule)) }));
  const outcomes = await Promise.all(Array.from({ length: PROCESSES }, (_, n) => shareOut(n, combinations.filter((__, i) => i % PROCESSES === n))));
  const wrong = outcomes.flatMap((outcome) => outcome.wrong);
  const synthesised = outcomes.flatMap((outcome) => outcome.templates);
  say(`${synthesised.length} were synthesised and ${outcomes.reduce((sum, outcome) => sum + outcome.refused, 0)} refused, ${wrong.length} of them not as they should (${seconds()})`);
  wrong.slice(0, MAX_PRINTED).forEach((each) => say(`\n${each}`));

  installCfnLint();
  const templates = distinct(synthesised);
  const linted = await cfnLint(templates);
  say(`cfn-lint finds ${linted ? 'no error' : 'errors'} in the ${templates.length} different templates (${seconds()})`);
  if (wrong.length > 0 || !linted) { process.exitCode = 1; }
}

function shareOut(index: number, combinations: Combination[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = fork(__filename, [], { env: { ...process.env, PAIRWISE_SHARE: path.join(OUT, `share-${index}`) }, execArgv: process.execArgv });
    child.on('message', (outcome: Outcome) => resolve(outcome)).on('error', reject);
    child.on('exit', (code) => reject(new Error(`a process ended with ${code} before it was done`)));
    child.send(combinations);
  });
}

/** In a process of its own. */
function share(out: string, combinations: Combination[]): Outcome {
  const flags = readJson(require.resolve('aws-cdk-lib/recommended-feature-flags.json'));
  const wrong = new Array<string>();
  const printed = new Array<string>();
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = (text: string | Uint8Array) => printed.push(String(text)) > 0;
  }

  const refused = combinations.filter(({ breaks }) => breaks.length > 0);
  for (const combination of refused) {
    const problem = refuse(combination);
    if (problem) { wrong.push(describe(combination, problem)); }
  }

  const templates: Outcome['templates'] = [];
  const clean = combinations.filter(({ breaks }) => breaks.length === 0);
  for (let i = 0; i < clean.length; i += STACKS_IN_AN_APP) {
    const chunk = clean.slice(i, i + STACKS_IN_AN_APP);
    const app = new App({ context: flags, outdir: path.join(out, String(i)) });
    const made = new Map<string, Combination>();
    for (const combination of chunk) {
      try {
        made.set(make(app, combination), combination);
      } catch (error) {
        wrong.push(describe(combination, `should synthesise, and fails: ${(error as Error).message}`));
        app.node.tryRemoveChild(combination.name);
      }
    }
    try {
      for (const artifact of app.synth().stacks) {
        const combination = made.get(artifact.id)!;
        const messages = artifact.messages.map(({ id, entry }) => `${id}: ${String(entry.data)}`);
        if (messages.length > 0) { wrong.push(describe(combination, `warns: ${messages.join('\n')}`)); }
        const wide = tooWide(artifact.template);
        if (wide.length > 0) { wrong.push(describe(combination, `allows too much: ${wide.join('\n')}`)); }
        templates.push(artifact.templateFullPath);
      }
    } catch (error) {
      wrong.push(`an app of ${chunk.map(({ name }) => name).join(', ')} does not synthesise: ${(error as Error).message}\n${printed.join('')}`);
      printed.length = 0;
    }
  }
  if (printed.length > 0) { wrong.push(`this is printed: ${printed.join('')}`); }
  return { wrong, templates, refused: refused.length };
}

/** What its error is, where a good one says path, prop, value, rule and fix, for each rule that is broken, and comes before any resource. */
function refuse({ name, choice, breaks }: Combination): string | undefined {
  const app = new App();
  const stack = new Stack(app, name, { env: ENVIRONMENTS[choice.stack] });
  const props = propsOf(choice, new Ground(stack));
  const resources = () => app.node.findAll().filter((construct) => CfnResource.isCfnResource(construct)).length;
  const before = resources();
  let message: string;
  try {
    new HelloFargateService(stack, 'Hello', props);
    return `should be refused: ${breaks.map((i) => RULES[i].prop).join(', ')}`;
  } catch (error) {
    message = (error as Error).message;
  }
  const lines = message.split('\n');
  const broken = breaks.map((i) => RULES[i]);
  const networkIsWrong = broken.some(({ isOfNetwork }) => isOfNetwork);
  const expected = broken.filter(({ afterNetwork }) => !(afterNetwork && networkIsWrong));
  const unclear = lines.filter((line) => !/^C\d+\/Hello: [a-zA-Z.[\]0-9]+ is .+, but .+; .+$/.test(line));
  const unsaid = expected.filter(({ prop, because }) => !lines.some((line) => line.startsWith(`${name}/Hello: ${prop} is `) && because.test(line)));
  const unasked = lines.filter((line) => !broken.some(({ prop, because }) => line.startsWith(`${name}/Hello: ${prop} is `) && because.test(line)));
  if (unclear.length + unsaid.length + unasked.length > 0) {
    return `is refused badly: ${message}\n  not said: ${unsaid.map(({ prop, because }) => `${prop} ${because}`).join(', ')}\n  not expected: ${unasked.join('\n')}\n  unclear: ${unclear.join('\n')}`;
  }
  return resources() === before ? undefined : 'is refused after resources were made';
}

function make(app: App, { name, choice }: Combination): string {
  const stack = new Stack(app, name, { env: ENVIRONMENTS[choice.stack] });
  const ground = new Ground(stack);
  const hello = new HelloFargateService(stack, 'Hello', propsOf(choice, ground));
  Object.entries(CALLS).forEach(([call, values]) => values[choice[call as keyof Choice]](hello, ground));
  return stack.artifactId;
}

function describe({ name, choice }: Combination, problem: string): string {
  const chosen = Object.entries(choice).filter(([, value]) => value !== 'left').map(([option, value]) => `${option}=${value}`);
  return `${name} (${chosen.join(' ')}) ${problem}`;
}

const shareDirectory = process.env.PAIRWISE_SHARE;
if (shareDirectory) {
  process.once('message', (combinations: Combination[]) => {
    process.send!(share(shareDirectory, combinations), () => process.exit());
  });
} else {
  void main();
}
