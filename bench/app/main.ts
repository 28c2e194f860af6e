/*
 * Compares the cost of the example app with bare node:http, bare Express and Fastify.
 *
 *   npx tsx bench/app/main.ts [rounds [node-version]]      # 5 24
 *
 * CPU is the CPU time of the server's process per request, so that the load generator and other processes do not count.
 * Each round measures all servers, and ratios are calculated within a round, so that a machine that slows down does not
 * favor one of them.
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
const EXAMPLE_APP = 'example app';
const ROOT = join(__dirname, '../..');
/** The limits for the example app. */
const MAX_RATIO = 1.9;
const MAX_RSS_MB = 110;

/** A script with its arguments, and the flags for Node.js. */
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
    // Reads the log without delay, like a log driver.
    server.stdout!.resume();
    const readUsage = async (): Promise<{ cpuMicros: number; rss: number }> => {
      server.send('usage');
      return (await once(server, 'message'))[0];
    };

    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    await request(port, agent);
    const start = await readUsage();
    await load(port, agent, WARM_UP);
    const before = await readUsage();
    await load(port, agent, REQUESTS);
    const after = await readUsage();
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

/** The request headers that a load balancer sends. */
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
      if (response.statusCode !== 200) { reject(new Error(`status ${response.statusCode}`)); }
      response.resume().on('end', resolve);
    }).on('error', reject);
  });
}

async function load(port: number, agent: Agent, requests: number): Promise<void> {
  let left = requests;
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    while (left-- > 0) {
      await request(port, agent);
    }
  }));
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Reads the flags with which the app runs in its container. */
function imageFlags(): string[] {
  const [, command] = /^CMD (.*)$/m.exec(readFileSync(join(ROOT, 'example-app/Dockerfile'), 'utf8'))!;
  return JSON.parse(command).filter((part: string) => part.startsWith('--'));
}

async function main() {
  const [rounds = '5', nodeVersion = '24'] = process.argv.slice(2);
  const node = nodeBinary(nodeVersion);
  if (node === undefined) { return; }
  const modules = mkdtempSync(join(tmpdir(), 'bench-app-'));
  try {
    const hasFastify = installFastify(modules);
    const versions = [
      `Node.js ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`,
      `express ${versionOf('express', ROOT)}`,
      `pino ${versionOf('pino', ROOT)}`,
    ];
    if (hasFastify) { versions.push(`fastify ${versionOf('fastify', modules)}`); }
    console.log(`${cpus().length} × ${cpus()[0].model}, ${process.platform} ${process.arch}\n${versions.join(', ')}`);
    console.log(`${rounds} rounds of ${REQUESTS} requests after ${WARM_UP}, ${CONNECTIONS} connections; medians\n`);

    const subjects = listSubjects(hasFastify ? modules : undefined);
    const samples: Record<string, Sample[]> = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
    for (let round = 0; round < Number(rounds); round++) {
      for (const [name, subject] of Object.entries(subjects)) {
        samples[name].push(await measure(node, subject));
      }
    }
    printTable(samples);
  } finally {
    rmSync(modules, { recursive: true });
  }
}

function installFastify(modules: string): boolean {
  const args = ['install', '--prefix', modules, '--ignore-scripts', '--no-audit', '--no-fund', FASTIFY];
  try {
    execFileSync('npm', args, { stdio: 'pipe' });
    return true;
  } catch (error) {
    console.error(`SKIPPED: ${FASTIFY} could not be installed, so it is missing below\n${error}`);
    return false;
  }
}

function versionOf(name: string, folder: string): string {
  return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
}

function listSubjects(fastifyModules?: string): Record<string, Subject> {
  const servers = join(__dirname, 'servers.js');
  const subjects: Record<string, Subject> = {
    'node:http': [servers, ['node:http']],
    'express': [servers, ['express']],
    [EXAMPLE_APP]: [join(ROOT, 'example-app/dist/server.js'), [], imageFlags()],
  };
  if (fastifyModules !== undefined) { subjects.fastify = [servers, ['fastify', fastifyModules]]; }
  return subjects;
}

function printTable(samples: Record<string, Sample[]>) {
  console.log('| | CPU per request | × node:http | start-up CPU | RSS after load |\n|---|---|---|---|---|');
  const baseline = samples['node:http'];
  for (const [name, rounds] of Object.entries(samples)) {
    const cpu = median(rounds.map(({ cpuMicros }) => cpuMicros));
    const ratio = median(rounds.map(({ cpuMicros }, round) => cpuMicros / baseline[round].cpuMicros));
    const start = median(rounds.map(({ startMs }) => startMs));
    const rss = median(rounds.map(({ rssMb }) => rssMb));
    console.log(`| ${name} | ${cpu.toFixed(0)} µs | ${ratio.toFixed(2)} | ${start.toFixed(0)} ms`
      + ` | ${rss.toFixed(0)} MB |`);
    if (name === EXAMPLE_APP && (ratio > MAX_RATIO || rss > MAX_RSS_MB)) {
      console.error(`ABOVE THE LIMIT: at most ${MAX_RATIO} × node:http and ${MAX_RSS_MB} MB`);
      process.exitCode = 1;
    }
  }
}

void main();
