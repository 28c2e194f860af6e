import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fullDiff, ResourceImpact } from '@aws-cdk/cloudformation-diff';
import { ROOT, run } from './examples/run';

/**
 * What an upgrade from another commit would do to users: lists resources of the integ tests that CloudFormation would
 * replace or delete, and changes of the API that break their code. Fails if there are any, unless a commit since then
 * announces a breaking change (`feat!:`, `fix!:`).
 *
 *     npx projen upgrade-safety COMMIT      # a tag, or the commit before a change
 */

const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1e9 });
/** New assets and assertions are no change for users. */
const IGNORED = /DeployAssert/;

const LOST: readonly ResourceImpact[] = [
  ResourceImpact.WILL_REPLACE, ResourceImpact.MAY_REPLACE, ResourceImpact.WILL_DESTROY, ResourceImpact.WILL_ORPHAN,
];

/** The resources of a template that an update would replace or delete. */
export function lostResources(before: object, after: object): string[] {
  const lost: string[] = [];
  fullDiff(before, after).resources.forEachDifference((id, { changeImpact, oldResourceType }) => {
    // A task definition is immutable: each change makes a new revision.
    if (LOST.includes(changeImpact) && oldResourceType !== 'AWS::ECS::TaskDefinition') {
      lost.push(`${id} (${oldResourceType}): ${changeImpact.toLowerCase().replace('_', ' ')}`);
    }
  });
  return lost;
}

/** What jsii-diff calls an error in a comparison with the API of a commit. */
function brokenApi(commit: string): string[] {
  const before = fs.mkdtempSync(path.join(os.tmpdir(), 'hello-fargate-service-upgrade-'));
  try {
    git('worktree', 'add', '--quiet', '--detach', before, commit);
    fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(before, 'node_modules'));
    const bin = path.join(ROOT, 'node_modules', '.bin');
    for (const directory of [before, ROOT]) {
      run(path.join(bin, 'jsii'), [], directory);
    }
    const { stdout, stderr } = spawnSync(path.join(bin, 'jsii-diff'), [before, ROOT], { encoding: 'utf8' });
    const output = stdout + stderr;
    if (!/^Updated assembly:/m.test(output)) { throw new Error(output); }
    return apiErrors(output);
  } finally {
    git('worktree', 'remove', '--force', before);
  }
}

/** The errors in the output of jsii-diff. A stability that is not declared breaks no code. */
export function apiErrors(output: string): string[] {
  return [...output.matchAll(/^err +- (.*)$/gm)].map(([, error]) => error)
    .filter((error) => !error.endsWith('stability was \'stable\', has been removed'));
}

function main([commit]: string[]): void {
  if (!commit) { throw new Error('name the commit to compare with: npx projen upgrade-safety COMMIT'); }
  const templates = git('ls-tree', '-r', '--name-only', commit, 'integ').split('\n')
    .filter((file) => file.endsWith('.template.json') && !IGNORED.test(file) && fs.existsSync(path.join(ROOT, file)));
  const list = (what: string, changes: string[]) => {
    if (changes.length > 0) { process.stdout.write(`${what}\n  ${changes.join('\n  ')}\n`); }
    return changes.length;
  };
  let lost = 0;
  for (const file of templates) {
    lost += list(path.basename(file), lostResources(
      JSON.parse(git('show', `${commit}:${file}`)), JSON.parse(fs.readFileSync(path.join(ROOT, file), 'utf8'))));
  }
  const broken = list('API', brokenApi(commit));
  const titles = git('log', '--format=%s', `${commit}..HEAD`).split('\n');
  const announced = titles.filter((title) => /^\w+(\(.*\))?!:/.test(title));
  process.stdout.write(`${templates.length} templates, ${lost} resources would be replaced or deleted; `
    + `${broken} incompatible changes of the API\n`);
  if (lost + broken === 0) { return; }
  const by = announced.length > 0 ? `announced by:\n  ${announced.join('\n  ')}` : 'no commit announces it';
  process.stdout.write(`${by}\n`);
  process.exitCode = announced.length > 0 ? 0 : 1;
}

if (require.main === module) { main(process.argv.slice(2)); }
