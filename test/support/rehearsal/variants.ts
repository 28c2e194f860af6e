import * as fs from 'node:fs';
import os from 'node:os';
import * as path from 'node:path';
import { Duration } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { FixtureProps, synthesizeService } from './fixture';
import { rehearse } from '../../../src/rehearsal/rehearse';
import { Check, CheckId, CheckOutcome, Report } from '../../../src/rehearsal/report/report';

/*
 * An app that does everything right, and variants of it with one fault each. Exactly the check for that fault fails.
 */

const APP = path.join(__dirname, 'fixtures', 'variants');

/** Other systems have one loopback address, and so one task at a time. */
export const describeOnLinux = process.platform === 'linux' ? describe : describe.skip;

/** Rehearses the app with all checks. To be used with `useTemporaryDirectory`. */
export async function rehearseVariant(
  fault?: string, props: FixtureProps = {}, write: (text: string) => void = () => {},
): Promise<readonly Check[]> {
  const shared = fs.mkdtempSync(path.join(os.tmpdir(), 'shared-'));
  fs.chmodSync(shared, 0o777);
  const directory = synthesizeService({
    desiredCount: 2,
    image: ecs.ContainerImage.fromAsset(APP, { platform: Platform.LINUX_ARM64 }),
    ...props,
    environment: { SHARED: shared, ...fault === undefined ? {} : { FAULT: fault }, ...props.environment },
    container: {
      stopTimeout: Duration.seconds(5),
      user: '1000:1000',
      readonlyRootFilesystem: true,
      ...props.container,
    },
  });
  const report = new Report({ write }, { strict: true });
  await rehearse({ directory, once: true, port: 0, minHealthySeconds: 1 }, report, new AbortController().signal);
  const leftovers = fs.readdirSync(os.tmpdir()).filter((name) => !/^(assembly|shared)-/.test(name));
  expect(leftovers).toEqual([]);
  return report.document().checks;
}

/** The Node.js engine cannot make the root filesystem read-only. */
export const SKIPPED_WITHOUT_ENGINE = { 'as-declared': 'only a container engine can make it read-only' };

/** The reasons of the checks with an outcome, by ID. */
export function reasonsOf(checks: readonly Check[], outcome: CheckOutcome): Record<string, string | undefined> {
  return Object.fromEntries(checks.filter((check) => check.outcome === outcome).map(({ id, reason }) => [id, reason]));
}

const isTooSlow = ({ outcome, reason }: Check) =>
  outcome === 'skipped' && /too few for a result|answered before SIGTERM/.test(reason ?? '');

/**
 * Expects that exactly these checks fail. On a busy machine, a check may be skipped instead if its reason is that too
 * few requests could be sent; it must never pass.
 *
 * @param reason of the first of them
 */
export function expectFailures(checks: readonly Check[], ids: readonly CheckId[], reason: RegExp): void {
  const skipped = checks.filter((check) => ids.includes(check.id) && isTooSlow(check)).map(({ id }) => id);
  if (skipped.length > 0) {
    process.stderr.write(`\nSKIPPED: the machine was too slow to check ${skipped.join(', ')}\n`);
  }
  const expected = ids.filter((id) => !skipped.includes(id));
  const matcher = (id: string) => id === ids[0] ? expect.stringMatching(reason) : expect.any(String);
  expect(reasonsOf(checks, 'failed')).toEqual(Object.fromEntries(expected.map((id) => [id, matcher(id)])));
}

/** The IDs of the checks that passed, or that a busy machine was too slow to make. */
export function passedOrTooSlow(checks: readonly Check[]): string[] {
  return checks.filter((check) => check.outcome === 'passed' || isTooSlow(check)).map(({ id }) => id);
}
