import { CheckSubject, failed, passed } from './check';
import { Check } from '../report';
import { RunningService } from '../running-service';

const AS_DECLARED: CheckSubject = { id: 'as-declared', name: 'user, root filesystem and capabilities are as declared' };
const NOT_ROOT: CheckSubject = { id: 'not-root', name: 'the app does not run as root' };

/** Checks that the task runs as its task definition and image declare, and not as root. */
export async function checkDeclared({ runtime: { user }, tasks: [{ task }] }: RunningService): Promise<Check[]> {
  const differences = (await task.declaredSettings())
    .filter(({ matches }) => matches === false)
    .map(({ setting, declared, actual }) => `${setting}: ${declared} is declared, but the task has ${actual}`);
  const isRoot = /^(root|0)(:|$)/.test(user);
  return [
    differences.length > 0 ? failed(AS_DECLARED, differences.join('; ')) : passed(AS_DECLARED),
    isRoot
      ? failed(NOT_ROOT, 'neither the task definition nor the image sets another user: add USER to the Dockerfile,'
        + ' or set user')
      : passed(NOT_ROOT, `as ${user}`),
  ];
}
