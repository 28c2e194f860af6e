import { RehearseOptions } from './context';
import { EdgeSpec, ServiceSpec, SkippedService, TargetGroupSpec } from './model';
import { applyOverrides, missingValues } from './overrides';
import { Assembly } from './templates/assembly';
import { readEdge, skipWithoutListener } from './templates/edge';
import { Resolver } from './templates/intrinsics';
import { PublicNames } from './templates/public-names';
import { readServices, skipServices } from './templates/services';

/** What a rehearsal reads from an assembly. */
export interface Plan {
  readonly assembly: Assembly;
  readonly names: PublicNames;
  readonly services: readonly ServiceSpec[];
  readonly skippedServices: readonly SkippedService[];
  /** What is in front of the services. */
  readonly edge: EdgeSpec;
}

/** @throws CannotRun if there is no assembly in the directory, or no service that can be rehearsed */
export function readPlan(directory: string, options: RehearseOptions): Plan {
  const assembly = Assembly.read(directory);
  const names = new PublicNames(assembly);
  const resolver = new Resolver(assembly, names.known);
  const all = readServices(assembly, resolver, options.service);
  const read = skipServices({ ...all, services: applyOverrides(all.services, options) }, missingValues);
  const edge = readEdge(assembly, resolver, targetGroupsOf(read.services));
  return { assembly, names, edge, ...skipWithoutListener(read, edge) };
}

export function targetGroupsOf(services: readonly ServiceSpec[]): TargetGroupSpec[] {
  return services.flatMap(({ registrations }) => registrations).map(({ targetGroup }) => targetGroup);
}
