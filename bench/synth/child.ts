/*
 * Synthesizes an app, and prints what it cost as JSON: `node child.js APP SERVICES STACKS REPEATS`.
 *
 * The main program translates it to JavaScript first, so that the compiler does not count. Only what the app itself
 * needs is loaded.
 */
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as os from 'node:os';
import * as path from 'node:path';
import { App, Stack } from 'aws-cdk-lib';

/** What synthesis cost, and what came out of it. */
export interface Measurement {
  /** CPU time of the process in seconds, with the start of Node.js. */
  readonly cpuSeconds: number;
  readonly peakMemoryMB: number;
  /** CPU time in milliseconds of each synthesis, in a process that has already synthesized it three times. */
  readonly synthMs: number[];
  /** Of all stacks. */
  readonly resources: number;
  readonly templateBytes: number;
  readonly template: string;
}

const ENV = { account: '123456789012', region: 'us-east-1' };
const WARM_UP = 3;

const [file, services, stacks, repeats] = process.argv.slice(2);
const output = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-'));
try {
  const { add } = createRequire(__filename)(path.resolve(file)) as { add: (stack: Stack, id: string) => void };
  const cpu = () => {
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    return (userCPUTime + systemCPUTime) / 1e3;
  };
  const synthesize = () => {
    const start = cpu();
    const app = new App({ outdir: output, context: { '@aws-cdk/core:stackResourceLimit': 0 } });
    const all = Array.from({ length: Number(stacks) }, (_, i) => new Stack(app, `Stack${i}`, { env: ENV }));
    for (let i = 0; i < Number(services); i++) { add(all[i % all.length], `Hello${i}`); }
    const templates = app.synth().stacks.map(({ templateFullPath }) => templateFullPath);
    return { templates, ms: cpu() - start };
  };
  const { templates } = synthesize();
  const { maxRSS } = process.resourceUsage();
  const cpuSeconds = cpu() / 1e3;
  const runs = Array.from({ length: Number(repeats) }, () => synthesize().ms);
  const texts = templates.map((template) => fs.readFileSync(template, 'utf8'));
  const result: Measurement = {
    cpuSeconds,
    peakMemoryMB: maxRSS * 1024 / 1e6,
    synthMs: runs.slice(WARM_UP),
    resources: texts.reduce((sum, text) => sum + Object.keys(JSON.parse(text).Resources).length, 0),
    templateBytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
    template: texts[0],
  };
  process.stdout.write(JSON.stringify(result));
} finally {
  fs.rmSync(output, { recursive: true });
}
