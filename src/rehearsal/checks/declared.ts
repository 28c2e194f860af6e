import { CheckSubject, failed, passed, skipped, warning } from './check';
import { Check } from '../report/report';
import { RunningService } from '../running-service';
import { DeclaredSetting } from '../tasks/task';

const NOT_ROOT: CheckSubject = { id: 'not-root', name: 'the app does not run as root' };

/** Checks that the task runs as its task definition and image declare, and not as root. */
export async function checkDeclared({ runtime: { user }, tasks: [{ task }] }: RunningService): Promise<Check[]> {
  const isRoot = /^(root|0)(:|$)/.test(user);
  return [
    ...(await task.declaredSettings()).map(checkSetting),
    isRoot
      ? warning(NOT_ROOT, 'neither the task definition nor the image sets another user: add USER to the Dockerfile,'
        + ' or set user')
      : passed(NOT_ROOT, `as ${user}`),
  ];
}

function checkSetting({ setting, declared, actual, matches }: DeclaredSetting): Check {
  const subject: CheckSubject = { id: 'as-declared', name: `${setting}: ${declared}, as declared` };
  if (matches === undefined) { return skipped(subject, actual); }
  return matches ? passed(subject) : failed(subject, `the task has ${actual}`);
}
