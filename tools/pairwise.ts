import '../test/support/newest';
import { fork } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { App, CfnResource, Stack } from 'aws-cdk-lib';
import type * as cxapi from 'aws-cdk-lib/cx-api';
import { cfnLint, distinct, installCfnLint } from './cfn-lint';
import { HelloFargateService } from '../src/index';
import { Conflict, CONFLICTS, conflictsOf, forbiddenBy } from '../test/support/conflicts';
import { CoveringArray, Row } from '../test/support/covering-array';
import { tooWide } from '../test/support/iam';
import { CALLS, Choice, DIMENSIONS, ENVIRONMENTS, Ground, propsOf } from '../test/support/options';
import { withoutGroupStickiness } from '../test/support/stickiness';
import { readJson } from '../test/support/synth';

/**
 * Draws combinations of all options until each pair of their values is in one, and synthesizes them with the newest
 * aws-cdk-lib and the recommended feature flags: each must be clean, or fail with the errors of `conflicts.ts` and no
 * others. Prints how many were drawn, synthesized and refused, and what is wrong. cfn-lint needs Python 3 and PyPI.
 *
 *     npx projen test:pairwise [--lint-pairs-only]
 *
 * It draws the same combinations each time; SEED=… or SEED=random draws others. It runs in two processes. cfn-lint
 * takes most of the time: with `--lint-pairs-only` it runs on as many combinations as have each pair of values.
 */
const MIN_COMBINATIONS = 500;
const PROCESSES = 2;
const STACKS_IN_AN_APP = 60;
/** One fault shows in many combinations. */
const MAX_PRINTED = 20;
/** Values of the options of a conflict that are tried, until a row has no other conflict. */
const MAX_TRIES = 50;
const OUT = path.join(__dirname, '..', 'dist', 'pairwise');

interface Combination {
  readonly name: string;
  readonly choice: Choice;
  /** Whether it is one of those that together have each pair of values that does not conflict. */
  readonly isForPairs: boolean;
}

interface Template extends Pick<Combination, 'isForPairs'> {
  readonly file: string;
}

/** The results of the combinations that one process synthesized. */
interface Outcome {
  readonly faults: string[];
  readonly templates: Template[];
  readonly refused: number;
}

const print = (text: string) => process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const start = Date.now();
  const elapsed = () => `${Math.round((Date.now() - start) / 1000)} s`;

  const { SEED = '1' } = process.env;
  const seed = SEED === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(SEED);
  print(`SEED=${seed}`);
  const combinations = drawCombinations(seed);
  print(`drawn (${elapsed()})`);

  fs.rmSync(OUT, { recursive: true, force: true });
  fs.mkdirSync(OUT, { recursive: true });
  const outcomes = await Promise.all(Array.from({ length: PROCESSES }, (_, n) =>
    synthesizeInProcess(n, combinations.filter((__, i) => i % PROCESSES === n))));
  const faults = outcomes.flatMap((outcome) => outcome.faults);
  const synthesized = outcomes.flatMap((outcome) => outcome.templates);
  const refused = outcomes.reduce((sum, outcome) => sum + outcome.refused, 0);
  print(`${synthesized.length} synthesized, ${refused} refused, ${faults.length} faults (${elapsed()})`);
  faults.slice(0, MAX_PRINTED).forEach((fault) => print(`\n${fault}`));

  installCfnLint();
  const pairsOnly = process.argv.includes('--lint-pairs-only');
  const templates = distinct(synthesized.filter(({ isForPairs }) => !pairsOnly || isForPairs).map(({ file }) => file));
  const isClean = await cfnLint(templates);
  const errors = isClean ? 'no errors' : 'errors';
  print(`cfn-lint finds ${errors} in ${templates.length} different templates (${elapsed()})`);
  if (faults.length > 0 || !isClean) { process.exitCode = 1; }
}

/**
 * Draws rows without conflict until they cover each pair of values; rows that have one conflict only, for each
 * combination of values that conflicts; rows for all other pairs; and more of the first two.
 */
function drawCombinations(seed: number): Combination[] {
  const array = new CoveringArray(DIMENSIONS, seed);
  const forbidden = CONFLICTS.flatMap(forbiddenBy);
  const pairs = new Map(array.uncovered);
  const rows = new Array<Row>();
  for (const [key, pair] of array.shuffled([...pairs])) {
    const row = array.uncovered.has(key) ? array.draw(pair, forbidden) : undefined;
    if (row) { rows.push(row); }
  }
  const clean = pairs.size - array.uncovered.size;
  const forPairs = rows.length;

  CONFLICTS.forEach((conflict) => rows.push(...drawConflict(array, conflict)));
  while (array.uncovered.size > 0) {
    const [[, pair]] = array.uncovered;
    rows.push(array.draw(pair, [])!);
  }
  while (rows.length < MIN_COMBINATIONS) {
    const row = array.draw({}, forbidden);
    if (row) { rows.push(row); }
    rows.push(...drawConflict(array, array.shuffled(CONFLICTS)[0]));
  }
  print(`${rows.length} combinations of ${Object.keys(DIMENSIONS).length} options; of ${pairs.size} pairs of values, `
    + `${clean} are in a combination without conflict, ${pairs.size - clean} only in one that is refused`);
  return rows.map((row, i) => ({ name: `C${i}`, choice: row as Choice, isForPairs: i < forPairs }));
}

/** For each combination of values that a conflict consists of, a row that has no other conflict. */
function drawConflict(array: CoveringArray, conflict: Conflict): Row[] {
  const others = CONFLICTS.filter((other) => other !== conflict).flatMap(forbiddenBy);
  return forbiddenBy(conflict).map((combination) => {
    for (let i = 0; i < MAX_TRIES; i += 1) {
      const values = Object.entries(combination).map(([name, choices]) => [name, array.shuffled(choices)[0]]);
      const row = array.draw(Object.fromEntries(values), others);
      if (row) { return row; }
    }
    throw new Error(`each row with ${JSON.stringify(combination)} has another conflict`);
  });
}

/** Runs `synthesizeAll` in a process of its own. */
function synthesizeInProcess(index: number, combinations: Combination[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PAIRWISE_OUT: path.join(OUT, `process-${index}`) };
    const child = fork(__filename, [], { env, execArgv: process.execArgv });
    child.on('message', (outcome: Outcome) => resolve(outcome)).on('error', reject);
    child.on('exit', (code) => reject(new Error(`a process exited with ${code} before it was done`)));
    child.send(combinations);
  });
}

function synthesizeAll(out: string, combinations: Combination[]): Outcome {
  const printed = new Array<string>();
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = (text: string | Uint8Array) => printed.push(String(text)) > 0;
  }
  const refused = combinations.filter(({ choice }) => conflictsOf(choice).length > 0);
  const clean = combinations.filter((combination) => !refused.includes(combination));

  const faults = refused.flatMap(faultsOfRefused);
  const templates = new Array<Template>();
  for (let i = 0; i < clean.length; i += STACKS_IN_AN_APP) {
    const results = synthesizeApp(path.join(out, String(i)), clean.slice(i, i + STACKS_IN_AN_APP));
    faults.push(...results.faults);
    templates.push(...results.templates);
  }
  if (printed.length > 0) { faults.push(`this is printed: ${printed.join('')}`); }
  return { faults, templates, refused: refused.length };
}

/** Synthesizes combinations without conflict in one app. */
function synthesizeApp(outdir: string, combinations: Combination[]): Omit<Outcome, 'refused'> {
  const flags = readJson(require.resolve('aws-cdk-lib/recommended-feature-flags.json'));
  const app = new App({ context: flags, outdir });
  const faults = new Array<string>();
  const stacks = new Map<string, Combination>();
  for (const combination of combinations) {
    try {
      stacks.set(addStack(app, combination), combination);
    } catch (error) {
      faults.push(describe(combination, `fails, but has no conflict: ${(error as Error).message}`));
      app.node.tryRemoveChild(combination.name);
    }
  }
  const artifacts = synthesize(app, faults);
  for (const { id, messages, template } of artifacts) {
    const found = [
      ...messages.map((message) => `warns: ${message.id}: ${String(message.entry.data)}`),
      ...tooWide(template).map((statement) => `allows too much: ${statement}`),
      ...withoutGroupStickiness(template).map((rule) => `forwards to sticky target groups: ${rule}`),
    ];
    faults.push(...found.map((fault) => describe(stacks.get(id)!, fault)));
  }
  const templates = artifacts.map(({ id, templateFullPath }) =>
    ({ file: templateFullPath, isForPairs: stacks.get(id)!.isForPairs }));
  return { faults, templates };
}

/** The stacks of an app, unless the validation of CDK finds faults: it prints them and throws. */
function synthesize(app: App, faults: string[]): cxapi.CloudFormationStackArtifact[] {
  try {
    return app.synth().stacks;
  } catch (error) {
    const names = app.node.children.map(({ node }) => node.id);
    faults.push(`an app with ${names.join(', ')} fails: ${(error as Error).message}`);
    return [];
  }
}

function addStack(app: App, { name, choice }: Combination): string {
  const stack = new Stack(app, name, { env: ENVIRONMENTS[choice.stack] });
  const ground = new Ground(stack);
  const hello = new HelloFargateService(stack, 'Hello', propsOf(choice, ground));
  Object.entries(CALLS).forEach(([call, values]) => values[choice[call as keyof Choice]](hello, ground));
  return stack.artifactId;
}

/** Checks that a combination fails before any resource is created, with a well-formed error for each conflict only. */
function faultsOfRefused(combination: Combination): string[] {
  const { name, choice } = combination;
  const app = new App();
  const stack = new Stack(app, name, { env: ENVIRONMENTS[choice.stack] });
  const props = propsOf(choice, new Ground(stack));
  const countResources = () => app.node.findAll().filter((construct) => CfnResource.isCfnResource(construct)).length;
  const before = countResources();
  let message = '';
  try {
    new HelloFargateService(stack, 'Hello', props);
  } catch (error) {
    message = (error as Error).message;
  }
  const faults = faultsOfMessage(name, message, conflictsOf(choice));
  if (countResources() !== before) { faults.push('creates resources before it fails'); }
  return faults.map((fault) => describe(combination, fault));
}

function faultsOfMessage(name: string, message: string, conflicts: Conflict[]): string[] {
  const lines = message.split('\n');
  const isAbout = (line: string, conflict: Conflict) =>
    line.startsWith(`${name}/Hello: ${conflict.prop} is `) && conflict.message.test(line);
  const isNetworkWrong = conflicts.some(({ isOfNetwork }) => isOfNetwork);
  const missing = conflicts.filter((conflict) => !(conflict.afterNetwork && isNetworkWrong))
    .filter((conflict) => !lines.some((line) => isAbout(line, conflict)));
  return [
    ...missing.map((conflict) => `does not fail with ${conflict.prop} ${conflict.message}, but with: ${message}`),
    ...lines.filter((line) => !conflicts.some((conflict) => isAbout(line, conflict)))
      .map((line) => `fails with an error that is not in conflicts.ts: ${line}`),
    ...lines.filter((line) => !/^C\d+\/Hello: [a-zA-Z.[\]0-9]+ is .+, but .+; .+$/.test(line))
      .map((line) => `fails with an error that is not well-formed: ${line}`),
  ];
}

function describe({ name, choice }: Combination, fault: string): string {
  const values = Object.entries(choice).filter(([, value]) => value !== 'left');
  return `${name} (${values.map(([option, value]) => `${option}=${value}`).join(' ')}) ${fault}`;
}

const { PAIRWISE_OUT } = process.env;
if (PAIRWISE_OUT) {
  process.once('message', (combinations: Combination[]) => {
    process.send!(synthesizeAll(PAIRWISE_OUT, combinations), () => process.exit());
  });
} else {
  void main();
}
