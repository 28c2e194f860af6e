import * as fs from 'node:fs';

/*
 * What the kernel of this machine says about the processes of containers, where an engine runs them on this machine.
 */

export function readOrNothing(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** In MiB, without the cache of files that the kernel may drop, by the control group of a process. */
export function memoryOf(pid: number): number | undefined {
  const groups = readOrNothing(`/proc/${pid}/cgroup`);
  const [, first] = /^\d+:memory:(.*)$/m.exec(groups) ?? [];
  const [, second] = /^0::(.*)$/m.exec(groups) ?? [];
  const read = (directory: string, usage: string, cache: string) => {
    const used = readOrNothing(`${directory}/${usage}`);
    const inactive = new RegExp(`^${cache} (\\d+)`, 'm').exec(readOrNothing(`${directory}/memory.stat`))?.[1];
    return used && inactive ? (Number(used) - Number(inactive)) / 1024 ** 2 : undefined;
  };
  return first && first !== '/' ? read(`/sys/fs/cgroup/memory${first}`, 'memory.usage_in_bytes', 'total_inactive_file')
    : second && second !== '/' ? read(`/sys/fs/cgroup${second}`, 'memory.current', 'inactive_file') : undefined;
}
