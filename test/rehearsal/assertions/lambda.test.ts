import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { CloudFormationResponse, LambdaFunction, RESPONSE_URL } from '../../../src/rehearsal/assertions/lambda';

const HANDLERS = `
exports.inspect = async (event, context) => ({
  event, home: require('os').homedir(), env: process.env, remaining: context.getRemainingTimeInMillis(),
});
exports.fail = async () => { throw new Error('some error'); };
exports.hang = () => new Promise(() => {});
exports.exit = () => process.exit(1);
exports.respond = (event) => new Promise((resolve) => {
  const { hostname } = new URL(event.ResponseURL);
  const request = require('https').request({ hostname, path: '/', method: 'PUT' }, resolve);
  request.write(JSON.stringify({ Status: 'SUCCESS', RequestId: event.RequestId }));
  request.end();
}).then(() => null);
`;

let directory: string;
let lambdaFunction: LambdaFunction;
let responses: CloudFormationResponse[];

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lambda-test-'));
  fs.writeFileSync(path.join(directory, 'index.js'), HANDLERS);
  responses = [];
  const file = path.join(directory, 'index.js');
  lambdaFunction = new LambdaFunction(file, { CUSTOM: 'yes' }, (response) => responses.push(response));
});

afterEach(() => {
  lambdaFunction.close();
  fs.rmSync(directory, { recursive: true, force: true });
});

test('runs a handler without the environment and home directory of the user', async () => {
  const { event, home, env, remaining } = await lambdaFunction.invoke('inspect', { a: 1 }, 3) as any;
  expect(event).toEqual({ a: 1 });
  expect(env.CUSTOM).toBe('yes');
  expect(env.PATH).toBeUndefined();
  expect(home).not.toBe(os.homedir());
  expect(remaining).toBeGreaterThan(1000);
});

test('receives the response of a handler to CloudFormation', async () => {
  await lambdaFunction.invoke('respond', { ResponseURL: RESPONSE_URL, RequestId: 'r' }, 3);
  expect(responses).toEqual([{ Status: 'SUCCESS', RequestId: 'r' }]);
});

test.each([
  ['fail', 3, 'some error'],
  ['hang', 0.2, 'timed out after 0.2 seconds'],
  ['exit', 3, 'the handler exited'],
])('fails when the handler fails: %s', async (handler, timeout, message) => {
  await expect(lambdaFunction.invoke(handler, {}, timeout)).rejects.toThrow(message);
});
