/*
 * Takes the screenshot of the example app's page for its README, with the metadata of a task on Fargate.
 *
 *   npx tsx tools/screenshot.ts [file [width [light|dark]]]      # needs Chromium
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppProcess, sleep } from '../test/support/example-app/app-process';

const SCREENSHOT = join(__dirname, '../example-app/screenshot.png');
const TASK = {
  TaskARN: 'arn:aws:ecs:eu-west-1:111122223333:task/hello/3f9c1a7e5b2d4860',
  Family: 'HelloService',
  Revision: '12',
  AvailabilityZone: 'eu-west-1b',
  LaunchType: 'FARGATE',
  Limits: { CPU: 0.25, Memory: 512 },
};

async function main() {
  const [file = SCREENSHOT, width = '880', scheme = 'light'] = process.argv.slice(2);
  const metadata = createServer((_req, res) => res.end(JSON.stringify(TASK))).listen(0, '127.0.0.1');
  await new Promise((resolve) => metadata.once('listening', resolve));
  const uri = `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`;
  const app = await AppProcess.start({ env: { ECS_CONTAINER_METADATA_URI_V4: uri, COMMIT: '8c1d2e3f' } });
  const profile = mkdtempSync(join(tmpdir(), 'screenshot-'));
  try {
    // The app reads the metadata after its start, and the uptime should not be 0.
    await sleep(2_000);
    execFileSync(process.env.CHROMIUM ?? 'chromium', [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync', '--hide-scrollbars',
      `--user-data-dir=${profile}`,
      `--window-size=${width},${Number(width) < 600 ? 800 : 520}`,
      `--blink-settings=preferredColorScheme=${scheme === 'dark' ? 0 : 1}`,
      `--screenshot=${file}`,
      `http://127.0.0.1:${app.port}/`,
    ], { stdio: 'pipe', timeout: 60_000 });
    console.log(file);
  } finally {
    app.kill();
    metadata.close().closeAllConnections();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

void main();
