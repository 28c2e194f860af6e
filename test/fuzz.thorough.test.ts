import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as fc from 'fast-check';
import { HOSTILE, METHODS, PLACES } from './support/hostile';
import { newStack } from './support/synth';
import { HelloFargateService } from '../src/index';

const IMAGE = ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');
const countOf = (stack: Stack) => stack.node.findAll().length;

/** Text that no message and no template may have: a token in its raw form, or an object that was made a text. */
const RAW = /\$\{Token\[|-1\.8\d+e\+289|\[object |#\{Token|\bundefined\b/;

const OURS = /^Stack\/Hello: \S.* is .+, but .+; .+[^.]$/;

/** What is wrong with an error: it is not ours, or it has raw values. */
function faultOf(error: Error): string | undefined {
  const lines = error.message.split('\n');
  const isOurs = lines.every((line) => OURS.test(line) && !RAW.test(line));
  return isOurs ? undefined : `threw ${error.name}: ${error.message}`;
}

function pathsOfNull(value: unknown, path: string): string[] {
  if (value === null) { return [path]; }
  return typeof value === 'object' ? Object.entries(value!).flatMap(([k, v]) => pathsOfNull(v, `${path}.${k}`)) : [];
}

function faultOfTemplate(stack: Stack): string | undefined {
  try {
    const template = Template.fromStack(stack).toJSON();
    const nulls = pathsOfNull(template, '');
    const [raw] = RAW.exec(JSON.stringify(template)) ?? [];
    return nulls.length > 0 ? `null in the template: ${nulls[0]}` : raw && `${raw} in the template`;
  } catch (error) {
    return `could not be synthesized: ${(error as Error).message}`;
  }
}

/** What is wrong with a call: it must make a clean template, or throw our error and not make one new construct. */
function faultOfCall(stack: Stack, allowed: number, call: () => unknown): string | undefined {
  const before = countOf(stack);
  try {
    const result = call();
    if (typeof result === 'string' && /\[object |\bundefined\b/.test(result)) { return `returned ${result}`; }
  } catch (error) {
    const added = countOf(stack) - before - allowed;
    return faultOf(error as Error) ?? (added > 0 ? `created ${added} constructs before the error` : undefined);
  }
  return faultOfTemplate(stack);
}

function faultOfProps(place: string, options: Record<string, unknown>): string | undefined {
  const stack = newStack();
  const props = { image: IMAGE, ...PLACES[place].props(options, stack) };
  return faultOfCall(stack, 1, () => new HelloFargateService(stack, 'Hello', props));
}

function faultOfMethod(method: string, options: Record<string, unknown>): string | undefined {
  const stack = newStack();
  const hello = new HelloFargateService(stack, 'Hello', { image: IMAGE, dashboard: true });
  // The security group of the call itself is created before it fails.
  const fixtures = method === 'connectTo' ? 1 : 0;
  return faultOfCall(stack, fixtures, () => METHODS[method].call(hello, options, stack));
}

const CASES = Object.keys(HOSTILE).map((value) => [value] as const);

test.each(CASES)('each prop that is %s gives a template, or our error before any resource is created', (value) => {
  const faults = Object.entries(PLACES).flatMap(([place, { names }]) => names.map((name) => {
    const fault = faultOfProps(place, { [name]: HOSTILE[value] });
    return fault && `${place}.${name}: ${fault}`;
  }));
  expect(faults.filter(Boolean)).toEqual([]);
}, 300_000);

test.each(CASES)('each option of a method that is %s works, or gives our error and creates nothing', (value) => {
  const faults = Object.entries(METHODS).flatMap(([method, { names }]) => names.map((name) => {
    const fault = faultOfMethod(method, { [name]: HOSTILE[value] });
    return fault && `${method}.${name}: ${fault}`;
  }));
  expect(faults.filter(Boolean)).toEqual([]);
}, 300_000);

/** Several values at once, because one fault can hide another, and each can be a text or number that nobody chose. */
const hostile = fc.oneof(fc.constantFrom(...Object.values(HOSTILE)), fc.string(), fc.integer(), fc.double());
const somePlace = fc.constantFrom(...Object.keys(PLACES)).chain((place) => fc.tuple(fc.constant(place),
  fc.dictionary(fc.constantFrom(...PLACES[place].names), hostile, { minKeys: 1, maxKeys: 3 })));

test('several hostile props together give a template, or our error before any resource is created', () => {
  fc.assert(fc.property(somePlace, ([place, options]) => {
    expect(faultOfProps(place, { ...options })).toBeUndefined();
  }), { seed: 14, numRuns: 400 });
}, 300_000);
