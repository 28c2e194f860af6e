/*
 * The thorough checks of the example app: ten shutdowns under load for each way of deregistration, and all hostile
 * inputs, on each supported version of Node.js. Takes minutes.
 *
 *   npx tsx tools/stress-example-app.ts [runs [node-version …]]      # 10 22 24
 */
import { execFileSync } from 'node:child_process';
import { sendHostileInputs } from '../test/support/example-app/hostile';
import { HOSTILE_INPUTS } from '../test/support/example-app/hostile-inputs';
import { Deregistration, DEREGISTRATIONS, stopOneOfTwo } from '../test/support/example-app/load-balancer';
import { nodeBinary } from '../test/support/example-app/node-binary';

async function main() {
  const [runs = '10', ...versions] = process.argv.slice(2);
  if (!/^[1-9]\d*$/.test(runs)) {
    throw new Error(`the number of runs is ${runs}, but must be a whole number from 1; pass it before the Node.js`
      + ' versions, as in 3 22 24');
  }
  for (const version of versions.length > 0 ? versions : ['22', '24']) {
    const node = nodeBinary(version);
    if (node === undefined) { continue; }
    console.log(`\nNode.js ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`);
    await checkHostileInputs(node);
    for (const deregistration of DEREGISTRATIONS) {
      await checkShutdown(deregistration, Number(runs), node);
    }
  }
}

async function checkHostileInputs(node: string) {
  const problems = await sendHostileInputs(node);
  console.log(`${HOSTILE_INPUTS.length} hostile inputs: ${problems.length} problems`);
  for (const problem of problems) {
    console.error(`  ${problem}`);
  }
  if (problems.length > 0) { process.exitCode = 1; }
}

async function checkShutdown(deregistration: Deregistration, runs: number, node: string) {
  const total = { requests: 0, failed: 0, lostLines: 0 };
  let minRate = Infinity;
  for (let run = 1; run <= runs; run++) {
    const result = await stopOneOfTwo(deregistration, { node });
    total.requests += result.requests;
    total.failed += result.failed;
    total.lostLines += result.lostLines;
    minRate = Math.min(minRate, result.requestsPerSecond);
    if (result.failed > 0 || result.lostLines > 0 || result.exitCode !== 0) {
      console.error(`  run ${run}: ${JSON.stringify(result)}`);
      process.exitCode = 1;
    }
  }
  console.log(`deregistered ${deregistration}, ${runs} times: ${total.requests} requests at ${minRate}/s or more, `
    + `${total.failed} failed, ${total.lostLines} log lines lost`);
}

void main();
