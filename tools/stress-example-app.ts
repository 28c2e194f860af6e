/*
 * The checks that take minutes: each stop under load ten times, and the hostile inputs, on every Node that is supported.
 *
 *   npx tsx tools/stress-example-app.ts [runs [node-version …]]      # 10 22 24
 */
import { execFileSync } from 'node:child_process';
import { sendHostileInputs } from '../test/support/example-app/hostile';
import { HOSTILE_INPUTS } from '../test/support/example-app/hostile-inputs';
import { DEREGISTRATIONS, stopOneOfTwo } from '../test/support/example-app/load-balancer';
import { nodeBinary } from '../test/support/example-app/node-binary';

async function main() {
  const [runs = '10', ...versions] = process.argv.slice(2);
  if (!/^[1-9]\d*$/.test(runs)) throw new Error(`${runs} is no number of runs: say how many, and then versions of Node, as in 3 22 24`);
  for (const version of versions.length > 0 ? versions : ['22', '24']) {
    const node = nodeBinary(version);
    if (node === undefined) continue;
    console.log(`\nNode ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`);

    const problems = await sendHostileInputs(node);
    console.log(`${HOSTILE_INPUTS.length} hostile inputs: ${problems.length} problems`);
    for (const problem of problems) console.error(`  ${problem}`);
    if (problems.length > 0) process.exitCode = 1;

    for (const deregistration of DEREGISTRATIONS) {
      const total = { requests: 0, failed: 0, lostLines: 0 };
      let slowest = Infinity;
      for (let run = 0; run < Number(runs); run++) {
        const outcome = await stopOneOfTwo(deregistration, { node });
        total.requests += outcome.requests;
        total.failed += outcome.failed;
        total.lostLines += outcome.lostLines;
        slowest = Math.min(slowest, outcome.requestsPerSecond);
        if (outcome.failed > 0 || outcome.lostLines > 0 || outcome.ended !== 0) {
          console.error(`  run ${run + 1}: ${JSON.stringify(outcome)}`);
          process.exitCode = 1;
        }
      }
      console.log(`deregistered ${deregistration}, ${runs} times: ${total.requests} requests at ${slowest}/s or more, `
        + `${total.failed} failed, ${total.lostLines} log lines lost`);
    }
  }
}

void main();
