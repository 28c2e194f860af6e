import { join } from 'node:path';
import { Deregistration, DEREGISTRATIONS, stopOneOfTwo } from '../support/example-app/load-balancer';

const NAIVE = join(__dirname, '../support/example-app/naive-server.js');

test.each(DEREGISTRATIONS)('fails no request and loses no log line when deregistered %s', async (deregistration) => {
  const result = await stopOneOfTwo(deregistration);
  expect(result).toMatchObject({ failures: {}, lostLines: 0, exitCode: 0 });
});

test.each<Deregistration>(['after SIGTERM', 'only by failing health checks'])(
  'detects failed requests of an app that closes its server at once when deregistered %s',
  async (deregistration) => {
    const { failed } = await stopOneOfTwo(deregistration, { script: NAIVE });
    expect(failed).toBeGreaterThan(10);
  },
);
