import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { CloudFormationResponse, LambdaCode, RESPONSE_URL } from '../../../src/rehearsal/assertions/lambda';

const HANDLERS = `
exports.look = async (event, context) => ({ event, home: require('os').homedir(), env: process.env, left: context.getRemainingTimeInMillis() });
exports.fail = async () => { throw new Error('no luck'); };
exports.hang = () => new Promise(() => {});
exports.die = () => process.exit(1);
exports.respond = (event) => new Promise((resolve) => {
  const request = require('https').request({ hostname: new URL(event.ResponseURL).hostname, path: '/', method: 'PUT' }, resolve);
  request.write(JSON.stringify({ Status: 'SUCCESS', RequestId: event.RequestId }));
  request.end();
}).then(() => null);
`;

let directory: string;
let code: LambdaCode;
let responses: CloudFormationResponse[];

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lambda-test-'));
  fs.writeFileSync(path.join(directory, 'index.js'), HANDLERS);
  responses = [];
  code = new LambdaCode(path.join(directory, 'index.js'), { GIVEN: 'yes' }, (response) => responses.push(response));
});

afterEach(() => {
  code.close();
  fs.rmSync(directory, { recursive: true, force: true });
});

test('runs a handler with the environment that it is given, and not with the user\'s', async () => {
  const { event, home, env, left } = await code.invoke('look', { a: 1 }, 3) as any;
  expect(event).toEqual({ a: 1 });
  expect(env.GIVEN).toBe('yes');
  expect(env.PATH).toBeUndefined();
  expect(home).not.toBe(os.homedir());
  expect(left).toBeGreaterThan(1000);
});

test('takes what the handler answers to CloudFormation', async () => {
  await code.invoke('respond', { ResponseURL: RESPONSE_URL, RequestId: 'r' }, 3);
  expect(responses).toEqual([{ Status: 'SUCCESS', RequestId: 'r' }]);
});

test.each([
  ['fail', 3, 'no luck'],
  ['hang', 0.2, 'timed out after 0.2 seconds'],
  ['die', 3, 'the handler died'],
])('fails when the handler does: %s', async (handler, timeout, message) => {
  await expect(code.invoke(handler, {}, timeout)).rejects.toThrow(message);
});
