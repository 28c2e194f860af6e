/*
 * Takes the screenshots of the documentation: of the example app's page, with the metadata of a task on Fargate, or of
 * the report of a rehearsal, by `npx projen rehearse --once --report report.html`.
 *
 *   npx tsx tools/screenshot.ts [FILE [WIDTH [light|dark]]]      # needs Chromium
 *   npx tsx tools/screenshot.ts --report report.html
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
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

interface Page {
  readonly url: string;
  readonly size: readonly [width: number, height: number];
  readonly scheme?: string;
}

function capture({ url, size, scheme = 'light' }: Page, file: string): void {
  const profile = mkdtempSync(join(tmpdir(), 'screenshot-'));
  try {
    execFileSync(process.env.CHROMIUM ?? 'chromium', [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync', '--hide-scrollbars',
      `--user-data-dir=${profile}`,
      `--window-size=${size.join(',')}`,
      `--blink-settings=preferredColorScheme=${scheme === 'dark' ? 0 : 1}`,
      `--screenshot=${file}`,
      url,
    ], { stdio: 'pipe', timeout: 60_000 });
    console.log(file);
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function captureExampleApp([file = SCREENSHOT, width = '880', scheme]: string[]): Promise<void> {
  const metadata = createServer((_req, res) => res.end(JSON.stringify(TASK))).listen(0, '127.0.0.1');
  await once(metadata, 'listening');
  const uri = `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`;
  const app = await AppProcess.start({ env: { ECS_CONTAINER_METADATA_URI_V4: uri, COMMIT: '8c1d2e3f' } });
  try {
    // The app reads the metadata after its start, and the uptime should not be 0.
    await sleep(2_000);
    const size = [Number(width), Number(width) < 600 ? 800 : 520] as const;
    capture({ url: `http://127.0.0.1:${app.port}/`, size, scheme }, file);
  } finally {
    app.kill();
    metadata.close().closeAllConnections();
  }
}

const [option, report] = process.argv.slice(2);
if (option === '--report') {
  // The height of the report of the default service.
  const url = pathToFileURL(resolve(report)).href;
  capture({ url, size: [880, 1840] }, join(__dirname, '../docs/images/report.png'));
} else {
  void captureExampleApp(process.argv.slice(2));
}
