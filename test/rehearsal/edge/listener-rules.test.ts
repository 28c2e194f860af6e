import { decide, redirectLocation } from '../../../src/rehearsal/edge/listener-rules';
import { Action, RuleRequest } from '../../../src/rehearsal/model';
import { readConditions } from '../../../src/rehearsal/templates/listener-rules';
import * as specs from '../../support/rehearsal/specs';

const REQUEST: RuleRequest = { ...specs.REQUEST, headers: { 'x-beta': 'yes please' } };
const HIT: Action = { type: 'fixed-response', statusCode: 200, contentType: 'text/plain', body: 'hit' };
const MISS: Action = { ...HIT, body: 'miss' };

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
])('returns %s for the condition %j', (expected, condition) => {
  const rules = [{ conditions: readConditions([condition]), action: HIT }];
  expect(decide({ rules, defaultAction: MISS }, REQUEST)).toBe(expected ? HIT : MISS);
});

test('takes the action of the first rule whose conditions are all met', () => {
  const path = { field: 'path-pattern' as const, values: ['*'] };
  const method = { field: 'http-request-method' as const, values: ['POST'] };
  const other: Action = { ...HIT, body: 'other' };
  const rules = [
    { conditions: [path, method], action: other },
    { conditions: [path], action: HIT },
    { conditions: [path], action: other },
  ];
  expect(decide({ rules, defaultAction: MISS }, REQUEST)).toBe(HIT);
});

test.each([
  ['#{protocol}://#{host}:#{port}/#{path}', '#{query}', 'http://shop.example.com:80/a/b?c=d&E=f'],
  ['https://#{host}/new/#{path}', '', 'https://shop.example.com/new/a/b'],
])('fills in the redirect to %s?%s', (location, query, expected) => {
  expect(redirectLocation({ type: 'redirect', statusCode: 301, location, query }, REQUEST)).toBe(expected);
});
