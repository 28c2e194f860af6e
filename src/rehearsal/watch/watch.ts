import { isDeepStrictEqual } from 'node:util';
import { Changes } from './changes';
import { deploy, DeploymentResult } from './deploy';
import { CannotRun } from '../cannot-run';
import { RehearsalContext } from '../context';
import { ServiceSpec } from '../model';
import { Plan, readPlan, targetGroupsOf } from '../plan';
import { synthesizeApp } from '../synthesis';
import { Runtime } from '../tasks/runtime';

/*
 * `rehearse --watch`: synthesizes the app again when one of its files changes, and deploys the new version of each
 * service that differs.
 */

export interface WatchOptions {
  /** What runs now. */
  readonly plan: Plan;
  /** Prepares to run the tasks of a service, with the names of its plan. */
  readonly prepare: (service: ServiceSpec, plan: Plan) => Promise<Runtime>;
}

/** Returns when it is interrupted. */
export async function watch({ plan, prepare }: WatchOptions, context: RehearsalContext): Promise<void> {
  const { report, interrupted } = context;
  const changes = new Changes(process.cwd());
  let current = plan;
  report.note(`Watching ${process.cwd()}, without node_modules and hidden files.`);
  while (!interrupted.aborted) {
    const [file, ...others] = await changes.next(interrupted);
    if (file === undefined) { return; }
    report.heading(`${file}${others.length > 0 ? ` and ${others.length} more` : ''} changed`);
    try {
      current = await update(current, prepare, context);
    } catch (error) {
      if (!(error instanceof CannotRun)) { throw error; }
      if (!interrupted.aborted) { report.problem(`  ${error.message}\n  The previous version keeps running.`); }
    } finally {
      report.endProgress();
    }
  }
}

/** @returns the plan that runs afterwards */
async function update(current: Plan, prepare: WatchOptions['prepare'], context: RehearsalContext): Promise<Plan> {
  const { options, report, runningServices } = context;
  const { directory, remove } = await synthesizeApp(context.interrupted);
  try {
    const plan = readPlan(directory, options);
    if (!isSameEdge(plan, current)) {
      report.problem('  The services, the load balancer, its rules or its target groups changed: start again to apply'
        + ' that. The previous version keeps running.');
      return current;
    }
    context.emulators.forEach((emulator) => plan.names.register(emulator));
    const versions = plan.services.map((service, i) => ({ service, runningService: runningServices[i] }));
    const changed = versions.filter(({ service, runningService }) =>
      !isDeepStrictEqual(comparable(service), comparable(runningService.service)));
    if (changed.length === 0) { report.note('no task definition or image differs'); }
    for (const { service, runningService } of changed) {
      const result = await deploy(runningService, { service, runtime: await prepare(service, plan) }, context);
      reportDeployment(service, result, context);
    }
    return plan;
  } finally {
    remove();
  }
}

function reportDeployment(
  { name }: ServiceSpec, { failure, seconds, requests, failedRequests }: DeploymentResult,
  { report, interrupted }: RehearsalContext,
): void {
  if (interrupted.aborted) { return; }
  const lost = requests === 0 ? 'no requests were sent' : `${failedRequests} of ${requests} requests failed`;
  if (failure !== undefined) {
    report.problem(`  The new version of ${name} does not become healthy: ${failure}\n`
      + `  The previous version keeps running; ${lost}.`);
  } else if (failedRequests > 0) {
    report.problem(`  ${name} runs the new version, and ${lost} while its tasks were replaced.`);
  } else {
    report.note(`${name} runs the new version, healthy after ${seconds.toFixed(1)} s; ${lost}`);
  }
}

function isSameEdge(one: Plan, other: Plan): boolean {
  const parts = ({ edge, services }: Plan) => [edge, targetGroupsOf(services), services.map(({ name }) => name)];
  return isDeepStrictEqual(parts(one), parts(other));
}

/** Without the directories of the assets, which differ after each synthesis: the name of an image has their hash. */
function comparable({ container, sidecars, ...service }: ServiceSpec): object {
  return { ...service, containers: [container, ...sidecars].map(({ asset, ...rest }) => rest) };
}
