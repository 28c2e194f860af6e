import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fullDiff, ResourceImpact } from '@aws-cdk/cloudformation-diff';

/**
 * What CloudFormation would do to the services of users on an upgrade: compares the snapshots of the integ tests with
 * those of another commit, and lists resources that it would replace or delete. Fails if there are any, unless a commit
 * since then announces a breaking change (`feat!:`, `fix!:`).
 *
 *     npx projen upgrade-safety COMMIT      # a tag, or the commit before a change
 */

const ROOT = path.join(__dirname, '..');
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

function main([commit]: string[]): void {
  if (!commit) { throw new Error('name the commit to compare with: npx projen upgrade-safety COMMIT'); }
  const templates = git('ls-tree', '-r', '--name-only', commit, 'integ').split('\n')
    .filter((file) => file.endsWith('.template.json') && !IGNORED.test(file) && fs.existsSync(path.join(ROOT, file)));
  let lost = 0;
  for (const file of templates) {
    const resources = lostResources(
      JSON.parse(git('show', `${commit}:${file}`)), JSON.parse(fs.readFileSync(path.join(ROOT, file), 'utf8')));
    if (resources.length > 0) { process.stdout.write(`${path.basename(file)}\n  ${resources.join('\n  ')}\n`); }
    lost += resources.length;
  }
  const titles = git('log', '--format=%s', `${commit}..HEAD`).split('\n');
  const announced = titles.filter((title) => /^\w+(\(.*\))?!:/.test(title));
  process.stdout.write(`${templates.length} templates, ${lost} resources would be replaced or deleted\n`);
  if (lost === 0) { return; }
  const by = announced.length > 0 ? `announced by:\n  ${announced.join('\n  ')}` : 'no commit announces it';
  process.stdout.write(`${by}\n`);
  process.exitCode = announced.length > 0 ? 0 : 1;
}

if (require.main === module) { main(process.argv.slice(2)); }
