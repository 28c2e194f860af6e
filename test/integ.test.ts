import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { apiCallsIn } from './support/integ-assertions';

const INTEG = join(__dirname, '..', 'integ');
const SCENARIOS = readdirSync(INTEG).filter((name) => /^integ\..*\.ts$/.test(name)).map((name) => name.slice(0, -3));

const mockApps: App[] = [];
jest.mock('../integ/support', () => {
  const actual = jest.requireActual('../integ/support');
  return {
    ...actual,
    newApp: () => {
      const app = actual.newApp();
      mockApps.push(app);
      return app;
    },
  };
});

/** Synthesizes a scenario. @returns the directory of its assembly */
function synthesize(scenario: string): string {
  jest.requireActual(join(INTEG, scenario));
  return mockApps.pop()!.synth().directory;
}

// Their types and members are compared with the AWS APIs by `npx projen lint:templates`, which needs Python.
describe.each(SCENARIOS)('%s', (scenario) => {
  const calls = apiCallsIn(synthesize(scenario));

  test('passes parameters to AWS that its assertion handler can decode', () => {
    const parameters = calls.flatMap(({ service, api, encoded }) =>
      Object.entries(encoded).map(([name, value]) => ({ parameter: `${service}:${api} ${name}`, value })));
    // The only other values are binary, which are objects.
    expect(parameters.filter(({ value }) => typeof value === 'string' && !isJson(value))).toEqual([]);
  });

  test('invokes Lambda functions with a payload of JSON', () => {
    const payloads = calls.filter(({ api }) => api === 'invoke').map(({ parameters }) => parameters.Payload ?? '{}');
    expect(payloads.filter((payload) => !isJson(payload))).toEqual([]);
  });
});

function isJson(value: unknown): boolean {
  try {
    JSON.parse(String(value));
    return true;
  } catch {
    return false;
  }
}
