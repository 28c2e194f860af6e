import { ChildProcess, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';

/*
 * Process groups of this machine: each task has its own, so that the processes that an app starts count and end with
 * it.
 */

export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) { return; }
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, signal);
  } catch {
    // It has already exited.
  }
}

/**
 * Kills the processes that an app detached from its process group. They end with a container, and are found by their
 * environment, which names the temporary directory of the task.
 */
export function killProcessesOf(directory: string): void {
  if (!fs.existsSync('/proc/self/environ')) { return; }
  for (const pid of pids()) {
    try {
      if (fs.readFileSync(`/proc/${pid}/environ`, 'utf8').includes(directory)) { process.kill(Number(pid), 'SIGKILL'); }
    } catch {
      // It has exited, or belongs to another user.
    }
  }
}

/** Resident memory of all processes of a group. */
export function residentMiB(group: number): number | undefined {
  if (os.platform() === 'win32') { return undefined; }
  // Some Linux distributions have no `ps`.
  const processes = fs.existsSync('/proc/self/stat') ? readProcesses() : listProcesses();
  return processes
    .filter(([processGroup]) => processGroup === group)
    .reduce((sum, [, kibibytes]) => sum + kibibytes, 0) / 1024;
}

type GroupAndKibibytes = [group: number, residentKibibytes: number];

function readProcesses(): GroupAndKibibytes[] {
  return pids().map((pid) => {
    try {
      // The name of the program may contain spaces. The process group is the third field after it: proc(5).
      const [,, group] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ').map(Number);
      const [, resident = 0] = /^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      return [group, Number(resident)];
    } catch {
      // It has exited in the meantime.
      return [0, 0];
    }
  });
}

function pids(): string[] {
  return fs.readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
}

function listProcesses(): GroupAndKibibytes[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pgid=,rss='], { encoding: 'utf8' });
  return stdout.trim().split('\n').map((row) => {
    const [group, resident] = row.trim().split(/\s+/).map(Number);
    return [group, resident];
  });
}
