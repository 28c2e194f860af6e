import * as fs from 'node:fs';

/*
 * Reads what the Linux kernel reports about the processes of containers, where the engine runs on this machine.
 */

export function readFileOrEmpty(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Memory in MiB of a process's control group, without the file cache, which the kernel can free. */
export function controlGroupMiB(pid: number): number | undefined {
  const groups = readFileOrEmpty(`/proc/${pid}/cgroup`);
  const [, version1] = /^\d+:memory:(.+)$/m.exec(groups) ?? [];
  const [, version2] = /^0::(.+)$/m.exec(groups) ?? [];
  if (version1 && version1 !== '/') {
    return readMiB(`/sys/fs/cgroup/memory${version1}`, 'memory.usage_in_bytes', 'total_inactive_file');
  }
  return version2 && version2 !== '/'
    ? readMiB(`/sys/fs/cgroup${version2}`, 'memory.current', 'inactive_file')
    : undefined;
}

function readMiB(directory: string, usageFile: string, cacheName: string): number | undefined {
  const usage = readFileOrEmpty(`${directory}/${usageFile}`);
  const [, cache] = new RegExp(`^${cacheName} (\\d+)`, 'm').exec(readFileOrEmpty(`${directory}/memory.stat`)) ?? [];
  return usage && cache ? (Number(usage) - Number(cache)) / 1024 ** 2 : undefined;
}
