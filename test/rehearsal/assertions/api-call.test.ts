import { malformedParameter } from '../../../src/rehearsal/assertions/api-call';

const invoke = (parameters: object) => malformedParameter({ service: 'Lambda', api: 'invoke', parameters });

test.each([
  ['a text', { FunctionName: '"hello"' }],
  ['a list, a number and a boolean', { FunctionName: '["hello"]', Qualifier: '1', DryRun: 'true' }],
  ['binary data', { Payload: { $type: 'ArrayBufferView', string: 'hello' } }],
  ['a payload of JSON', { Payload: JSON.stringify(JSON.stringify({ path: '/health' })) }],
  ['a payload that is an object', { Payload: '{"path":"/health"}' }],
  ['an empty payload', { Payload: '""' }],
])('accepts %s', (_what, parameters) => {
  expect(invoke(parameters)).toBeUndefined();
});

test('accepts a call without parameters', () => {
  expect(malformedParameter({ service: 'ecs', api: 'listClusters' })).toBeUndefined();
});

test('fails with a parameter whose token contains quotation marks', () => {
  const parameters = { cluster: '"shop"', services: '"{"url":"http://hello"}"' };

  expect(malformedParameter({ service: 'ecs', api: 'describeServices', parameters }))
    .toMatch(/^the parameter services is "\{"url":"http:\/\/hello"\}", .* quotation marks/);
});

test('fails with a payload for Lambda that is not JSON', () => {
  expect(invoke({ Payload: '"hello"' })).toMatch(/^the payload is hello, which is not JSON/);
  expect(malformedParameter({ service: 'kinesis', api: 'putRecord', parameters: { Payload: '"hello"' } }))
    .toBeUndefined();
});
