import { CheckSubject, failed, passed, skipped } from './check';
import { Check } from '../report/report';
import { RunningService, RunningTask } from '../running-service';

const ROOT_FILESYSTEM: CheckSubject = { id: 'root-filesystem', name: 'the app writes nothing to its root filesystem' };

export async function checkRootFilesystem({ service }: RunningService, tasks: readonly RunningTask[]): Promise<Check> {
  if (!service.container.readonlyRootFilesystem) { return skipped(ROOT_FILESYSTEM, 'it is not declared read-only'); }
  const running = tasks.filter(({ task }) => !task.exit);
  const writes = await Promise.all(running.map(async ({ task }) => task.rootWrites()));
  if (writes.every((files) => files === undefined)) {
    return skipped(ROOT_FILESYSTEM, 'writes cannot be seen here; where it is read-only, they would have failed');
  }
  const files = [...new Set(writes.flatMap((paths) => paths ?? []))];
  return files.length > 0
    ? failed(ROOT_FILESYSTEM, `it is read-only on Fargate, but the app wrote ${files.slice(0, 3).join(', ')}:`
      + ' write to /tmp, or set readonlyRootFilesystem: false')
    : passed(ROOT_FILESYSTEM);
}
