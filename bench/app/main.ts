/*
 * What the example app costs beside bare node:http, bare Express and Fastify.
 *
 *   npx tsx bench/app/main.ts [rounds [node-version]]      # 5 24
 *
 * CPU is what the server's process used, divided by the requests it answered, so that the load generator and other work
 * on the machine do not count. The servers take turns in every round, and ratios are taken within a round: a machine that
 * becomes slower does not favour one of them.
 */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeBinary } from '../../test/support/example-app/node-binary';

const WARM_UP = 5_000;
const REQUESTS = 20_000;
const CONNECTIONS = 32;
const FASTIFY = 'fastify@5';
/** What the app may cost. */
const MAX_RATIO = 1.9;
const MAX_RSS_MB = 110;

/** A script with its arguments, and the flags for Node. */
type Subject = [script: string, args: string[], flags?: string[]];

interface Sample { startMs: number; cpuMicros: number; rssMb: number }

async function measure(node: string, [script, args, flags = []]: Subject): Promise<Sample> {
  const server = fork(script, args, {
    execPath: node,
    execArgv: [...flags, '--require', join(__dirname, 'probe.js')],
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  try {
    const port: number = JSON.parse(String((await once(server.stdout!, 'data'))[0]).split('\n')[0]).port;
    // The log goes where a log driver would take it: away, at once.
    server.stdout!.resume();
    const used = async (): Promise<{ cpuMicros: number; rss: number }> => {
      server.send('?');
      return (await once(server, 'message'))[0];
    };

    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    await request(port, agent);
    const start = await used();
    await load(port, agent, WARM_UP);
    const before = await used();
    await load(port, agent, REQUESTS);
    const after = await used();
    agent.destroy();
    return {
      startMs: start.cpuMicros / 1e3,
      cpuMicros: (after.cpuMicros - before.cpuMicros) / REQUESTS,
      rssMb: after.rss / 1e6,
    };
  } finally {
    server.kill('SIGKILL');
  }
}

/** What a load balancer sends. */
const HEADERS = {
  'Host': 'hello.example.com',
  'X-Forwarded-For': '203.0.113.7',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Port': '443',
  'X-Amzn-Trace-Id': 'Root=1-67891233-abcdef012345678912345678',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Accept': 'application/json',
  'Accept-Encoding': 'gzip, deflate, br',
};

function request(port: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/api/hello', agent, headers: HEADERS }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
      response.resume().on('end', resolve);
    }).on('error', reject);
  });
}

async function load(port: number, agent: Agent, requests: number): Promise<void> {
  let left = requests;
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    while (left-- > 0) await request(port, agent);
  }));
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** The app runs as it does in its container. */
function imageFlags(root: string): string[] {
  const [, command] = /^CMD (.*)$/m.exec(readFileSync(join(root, 'example-app/Dockerfile'), 'utf8'))!;
  return JSON.parse(command).filter((part: string) => part.startsWith('--'));
}

async function main() {
  const [rounds = '5', nodeVersion = '24'] = process.argv.slice(2);
  const node = nodeBinary(nodeVersion);
  if (node === undefined) return;
  const root = join(__dirname, '../..');
  const modules = mkdtempSync(join(tmpdir(), 'bench-app-'));
  const others = join(__dirname, 'servers.js');
  const subjects: Record<string, Subject> = {
    'node:http': [others, ['node:http']],
    'express': [others, ['express']],
    'example app': [join(root, 'example-app/dist/server.js'), [], imageFlags(root)],
  };
  const versionOf = (name: string, folder = root) => JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
  let versions = `Node ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}, express ${versionOf('express')}, pino ${versionOf('pino')}`;

  try {
    try {
      execFileSync('npm', ['install', '--prefix', modules, '--ignore-scripts', '--no-audit', '--no-fund', FASTIFY], { stdio: 'pipe' });
      subjects.fastify = [others, ['fastify', modules]];
      versions += `, fastify ${versionOf('fastify', modules)}`;
    } catch (error) {
      console.error(`SKIPPED: ${FASTIFY} could not be installed, so it is missing below\n${error}`);
    }
    console.log(`${cpus().length} × ${cpus()[0].model}, ${process.platform} ${process.arch}\n${versions}`);
    console.log(`${rounds} rounds of ${REQUESTS} requests after ${WARM_UP}, ${CONNECTIONS} connections; medians\n`);

    const samples: Record<string, Sample[]> = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
    for (let round = 0; round < Number(rounds); round++) {
      for (const [name, subject] of Object.entries(subjects)) samples[name].push(await measure(node, subject));
    }

    console.log('| | CPU per request | × node:http | start-up CPU | RSS after load |\n|---|---|---|---|---|');
    for (const [name, taken] of Object.entries(samples)) {
      const ratio = median(taken.map(({ cpuMicros }, round) => cpuMicros / samples['node:http'][round].cpuMicros));
      const rss = median(taken.map(({ rssMb }) => rssMb));
      console.log(`| ${name} | ${median(taken.map(({ cpuMicros }) => cpuMicros)).toFixed(0)} µs | ${ratio.toFixed(2)}`
        + ` | ${median(taken.map(({ startMs }) => startMs)).toFixed(0)} ms | ${rss.toFixed(0)} MB |`);
      if (name === 'example app' && (ratio > MAX_RATIO || rss > MAX_RSS_MB)) {
        console.error(`TOO MUCH: at most ${MAX_RATIO} × node:http and ${MAX_RSS_MB} MB`);
        process.exitCode = 1;
      }
    }
  } finally {
    rmSync(modules, { recursive: true });
  }
}

void main();
