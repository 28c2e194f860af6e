import { readConfig } from '../../example-app/src/config';

test('shuts down within 30 seconds by default, the `stopTimeout` of ECS', () => {
  expect(readConfig({})).toEqual({
    port: 8080,
    host: undefined,
    logLevel: 'info',
    shutdownDelayMs: 10_000,
    shutdownTimeoutMs: 25_000,
    keepAliveTimeoutMs: 65_000,
    requestTimeoutMs: 70_000,
    commit: undefined,
  });
});

test('overrides each default by a variable', () => {
  expect(readConfig({
    PORT: '80',
    HOST: '127.0.0.1',
    LOG_LEVEL: 'WARN',
    SHUTDOWN_DELAY_MS: '1',
    SHUTDOWN_TIMEOUT_MS: '2',
    KEEP_ALIVE_TIMEOUT_MS: '3',
    REQUEST_TIMEOUT_MS: '4',
    COMMIT: 'abc',
  })).toEqual({
    port: 80,
    host: '127.0.0.1',
    logLevel: 'warn',
    shutdownDelayMs: 1,
    shutdownTimeoutMs: 2,
    keepAliveTimeoutMs: 3,
    requestTimeoutMs: 4,
    commit: 'abc',
  });
});

test('keeps a new connection open longer than an idle one', () => {
  expect(readConfig({ KEEP_ALIVE_TIMEOUT_MS: '125000' }).requestTimeoutMs).toBe(130_000);
});

test('treats an empty variable as unset', () => {
  expect(readConfig({ PORT: '', LOG_LEVEL: ' ', COMMIT: '' })).toEqual(readConfig({}));
});

test.each([
  ['PORT', '65536'], ['PORT', '-1'], ['PORT', '80.5'], ['PORT', '8e3'], ['PORT', '0x50'], ['PORT', 'http'],
  ['LOG_LEVEL', 'verbose'],
  ['SHUTDOWN_DELAY_MS', '10s'], ['SHUTDOWN_TIMEOUT_MS', '9999999999'],
  ['KEEP_ALIVE_TIMEOUT_MS', '∞'], ['KEEP_ALIVE_TIMEOUT_MS', '0'],
  ['REQUEST_TIMEOUT_MS', '0'], ['REQUEST_TIMEOUT_MS', 'NaN'],
])('fails for %s=%s with the value in the message', (name, value) => {
  const message = new RegExp(`^invalid configuration: ${name} must be .* got '${value}'`);
  expect(() => readConfig({ [name]: value })).toThrow(message);
});

test('fails when no time is left to complete requests', () => {
  expect(() => readConfig({ SHUTDOWN_DELAY_MS: '5000', SHUTDOWN_TIMEOUT_MS: '5000' }))
    .toThrow('SHUTDOWN_DELAY_MS must be less than SHUTDOWN_TIMEOUT_MS');
});

test('fails with all problems in one message', () => {
  expect(() => readConfig({ PORT: 'x', LOG_LEVEL: 'y' })).toThrow(/PORT .*; LOG_LEVEL /);
});
