import { join } from 'node:path';
import { Deregistration, DEREGISTRATIONS, stopOneOfTwo } from '../support/example-app/load-balancer';

const NAIVE = join(__dirname, '../support/example-app/naive-server.js');

test.each(DEREGISTRATIONS)('no request fails and no log line is lost when the target is deregistered %s', async (deregistration) => {
  const outcome = await stopOneOfTwo(deregistration);
  expect(outcome).toMatchObject({ failures: {}, lostLines: 0, ended: 0 });
});

test.each<Deregistration>(['after SIGTERM', 'only by failing health checks'])(
  'the same check fails for an app that only closes its server, when the target is deregistered %s',
  async (deregistration) => {
    const { failed } = await stopOneOfTwo(deregistration, { script: NAIVE });
    expect(failed).toBeGreaterThan(10);
  },
);
