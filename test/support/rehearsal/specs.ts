import { HealthCheckSpec, LoadBalancerSpec, RuleRequest } from '../../../src/rehearsal/model';

/*
 * Parts of a rehearsal's model with the usual values.
 */

export const HEALTH_CHECK: HealthCheckSpec = {
  path: '/health',
  intervalSeconds: 30,
  timeoutSeconds: 5,
  healthyThreshold: 2,
  unhealthyThreshold: 2,
  successCodes: '200',
};

export const LOAD_BALANCER: LoadBalancerSpec = {
  key: 'lb',
  name: 'lb',
  type: 'application',
  notes: [],
  idleTimeoutSeconds: 5,
  dropInvalidHeaderFields: false,
  xForwardedFor: 'append',
  listeners: [],
};

export const REQUEST: RuleRequest = {
  method: 'GET',
  protocol: 'HTTP',
  host: 'shop.example.com',
  port: 80,
  path: '/a/b',
  query: 'c=d&E=f',
  headers: {},
  sourceIp: '127.0.0.1',
};
