import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { redirectLocation } from '../../../src/rehearsal/edge/listener-rules';
import { RedirectAction } from '../../../src/rehearsal/model';
import { Assembly } from '../../../src/rehearsal/templates/assembly';
import { Resolver } from '../../../src/rehearsal/templates/intrinsics';
import { readAction, readConditions } from '../../../src/rehearsal/templates/listener-rules';
import { REQUEST } from '../../support/rehearsal/specs';

let directory: string;
let read: (actions: unknown) => ReturnType<typeof readAction>;

beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'listener-rules-test-'));
  const artifacts = { Shop: { type: 'aws:cloudformation:stack', properties: { templateFile: 'shop.json' } } };
  fs.writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify({ artifacts }));
  fs.writeFileSync(path.join(directory, 'shop.json'), '{}');
  const assembly = Assembly.read(directory);
  read = (actions) => readAction(actions, new Resolver(assembly), assembly.stack('Shop')!);
});

afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

test.each<[object]>([
  [{ Field: 'path-pattern', PathPatternConfig: { RegexValues: ['^/a'] } }],
  [{ Field: 'http-header', HttpHeaderConfig: { HttpHeaderName: 'X-Beta', RegexValues: ['a'] } }],
])('fails on a condition that is not supported: %j', (condition) => {
  expect(() => readConditions([condition]))
    .toThrow(`does not support this condition of a listener rule: ${JSON.stringify(condition)}`);
});

test('fails on an action that is not supported', () => {
  expect(() => read([{ Type: 'lambda' }])).toThrow(/does not support this action .*lambda/);
});

test.each([
  [{ Protocol: 'HTTPS', Port: '443', StatusCode: 'HTTP_301' }, 301, 'https://shop.example.com:443/a/b?c=d&E=f'],
  [
    { Host: 'www.#{host}', Path: '/new/#{path}', Query: '', StatusCode: 'HTTP_302' },
    302,
    'http://www.shop.example.com:80/new/a/b',
  ],
])('reads the redirect %j', (RedirectConfig, statusCode, location) => {
  const action = read([{ Type: 'redirect', RedirectConfig }]);
  expect(action).toMatchObject({ type: 'redirect', statusCode });
  expect(redirectLocation(action as RedirectAction, REQUEST)).toBe(location);
});

test('reads weighted target groups, and leaves out authentication', () => {
  const TargetGroups = [{ TargetGroupArn: 'blue', Weight: 100 }, { TargetGroupArn: 'green', Weight: 0 }];
  const action = read([
    { Type: 'forward', Order: 2, ForwardConfig: { TargetGroups } },
    { Type: 'authenticate-oidc', Order: 1 },
  ]);
  const targetGroups = [{ key: 'blue', weight: 100 }, { key: 'green', weight: 0 }];
  expect(action).toEqual({ type: 'forward', targetGroups });
});

test('gives a single target group the weight 1', () => {
  expect(read([{ Type: 'forward', TargetGroupArn: 'blue' }]))
    .toEqual({ type: 'forward', targetGroups: [{ key: 'blue', weight: 1 }] });
});

test('reads a fixed response without a body as empty text', () => {
  expect(read([{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } }]))
    .toEqual({ type: 'fixed-response', statusCode: 404, contentType: 'text/plain', body: '' });
});
