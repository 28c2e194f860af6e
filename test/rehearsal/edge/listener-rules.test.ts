import { decide, readAction, readConditions } from '../../../src/rehearsal/edge/listener-rules';
import { Action, RuleRequest } from '../../../src/rehearsal/model';

const REQUEST: RuleRequest = {
  method: 'GET', protocol: 'HTTP', host: 'shop.example.com', port: 80, path: '/a/b', query: 'c=d&E=f', headers: { 'x-beta': 'yes please' }, sourceIp: '127.0.0.1',
};
const HIT: Action = { type: 'fixed-response', statusCode: 200, contentType: 'text/plain', body: 'hit' };
const MISS: Action = { ...HIT, body: 'miss' };

const as = (value: unknown) => value as any;

test.each([
  [true, { Field: 'path-pattern', PathPatternConfig: { Values: ['/x', '/a/*'] } }],
  [true, { Field: 'path-pattern', Values: ['/a/?'] }],
  [false, { Field: 'path-pattern', Values: ['/a/b?'] }],
  [false, { Field: 'path-pattern', Values: ['/?'] }],
  [false, { Field: 'path-pattern', PathPatternConfig: { Values: ['/a'] } }],
  [false, { Field: 'path-pattern', PathPatternConfig: { Values: ['/A/*'] } }],
  [false, { Field: 'path-pattern', PathPatternConfig: { Values: ['/a.b'] } }],
  [true, { Field: 'host-header', HostHeaderConfig: { Values: ['*.EXAMPLE.com'] } }],
  [false, { Field: 'host-header', HostHeaderConfig: { Values: ['example.com'] } }],
  [true, { Field: 'http-request-method', HttpRequestMethodConfig: { Values: ['GET', 'HEAD'] } }],
  [false, { Field: 'http-request-method', HttpRequestMethodConfig: { Values: ['POST'] } }],
  [true, { Field: 'http-header', HttpHeaderConfig: { HttpHeaderName: 'X-Beta', Values: ['YES*'] } }],
  [false, { Field: 'http-header', HttpHeaderConfig: { HttpHeaderName: 'X-Alpha', Values: ['*'] } }],
  [true, { Field: 'query-string', QueryStringConfig: { Values: [{ Key: 'c', Value: 'd' }] } }],
  [true, { Field: 'query-string', QueryStringConfig: { Values: [{ Value: 'F' }] } }],
  [true, { Field: 'query-string', QueryStringConfig: { Values: [{ Key: 'e', Value: 'f' }] } }],
  [false, { Field: 'query-string', QueryStringConfig: { Values: [{ Key: 'c', Value: 'f' }] } }],
  [true, { Field: 'source-ip', SourceIpConfig: { Values: ['0.0.0.0/0'] } }],
  [true, { Field: 'source-ip', SourceIpConfig: { Values: ['127.0.0.1/32'] } }],
  [false, { Field: 'source-ip', SourceIpConfig: { Values: ['203.0.113.0/24'] } }],
])('says %s for %j', (expected, condition) => {
  const rules = [{ conditions: readConditions([condition]), action: HIT }];
  expect(decide({ rules, defaultAction: MISS }, REQUEST)).toBe(expected ? HIT : MISS);
});

test('all conditions of a rule must hold, and the first rule decides', () => {
  const path = { field: 'path-pattern' as const, values: ['*'] };
  const method = { field: 'http-request-method' as const, values: ['POST'] };
  const other: Action = { ...HIT, body: 'other' };
  const rules = [{ conditions: [path, method], action: other }, { conditions: [path], action: HIT }, { conditions: [path], action: other }];
  expect(decide({ rules, defaultAction: MISS }, REQUEST)).toBe(HIT);
});

test('fails on a condition or an action that it does not know', () => {
  expect(() => readConditions([{ Field: 'path-pattern', PathPatternConfig: { RegexValues: ['^/a'] } }])).toThrow(/does not know this condition .*RegexValues/);
  expect(() => readConditions([{ Field: 'http-header', HttpHeaderConfig: { HttpHeaderName: 'X-Beta', RegexValues: ['a'] } }])).toThrow(/does not know this condition/);
  expect(() => readAction([{ Type: 'lambda' }], as, String)).toThrow(/does not know this action .*lambda/);
});

test.each([
  [{ Protocol: 'HTTPS', Port: '443', StatusCode: 'HTTP_301' }, 301, 'https://shop.example.com:443/a/b?c=d&E=f'],
  [{ Host: 'www.#{host}', Path: '/new/#{path}', Query: '', StatusCode: 'HTTP_302' }, 302, 'http://www.shop.example.com:80/new/a/b'],
])('redirects with %j', (RedirectConfig, statusCode, location) => {
  const action = readAction([{ Type: 'redirect', RedirectConfig }], as, String);
  expect(action).toMatchObject({ type: 'redirect', statusCode });
  expect(action.type === 'redirect' && action.location(REQUEST)).toBe(location);
});

test('forwards to weighted target groups, after authentication that is left out', () => {
  const action = readAction([
    { Type: 'forward', Order: 2, ForwardConfig: { TargetGroups: [{ TargetGroupArn: 'blue', Weight: 100 }, { TargetGroupArn: 'green', Weight: 0 }] } },
    { Type: 'authenticate-oidc', Order: 1 },
  ], as, String);
  expect(action).toEqual({ type: 'forward', targetGroups: [{ key: 'blue', weight: 100 }, { key: 'green', weight: 0 }] });
});

test('answers by itself with an empty text where nothing else is said', () => {
  expect(readAction([{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } }], as, String))
    .toEqual({ type: 'fixed-response', statusCode: 404, contentType: 'text/plain', body: '' });
});

test('without a word on weights each target group has its share', () => {
  expect(readAction([{ Type: 'forward', TargetGroupArn: 'blue' }], as, String)).toEqual({ type: 'forward', targetGroups: [{ key: 'blue', weight: 1 }] });
});
