import * as net from 'node:net';
import * as os from 'node:os';
import { CannotRun } from '../../cannot-run';
import { portsOf, ServiceSpec } from '../../model';

/** Loopback addresses of a task. Both are undefined on a system that has only 127.0.0.1. */
export interface TaskAddresses {
  /** Where the task is reachable: 127.0.x.y. */
  readonly address?: string;
  /** What the task itself resolves as localhost: 127.1.x.y. */
  readonly loopback?: string;
}

const MAX_NUMBER = 65_000;

/** Linux has all of 127.0.0.0/8; other systems have only 127.0.0.1 unless more addresses are configured. */
export function hasManyAddresses(): boolean {
  return os.platform() === 'linux';
}

/** Finds addresses that no other task uses, including tasks of another rehearsal. */
export async function findFreeAddresses(service: ServiceSpec): Promise<TaskAddresses> {
  const ports = portsOf(service);
  if (!hasManyAddresses()) {
    for (const port of ports) {
      if (await isFree(port, '127.0.0.1', service.name)) { continue; }
      throw new CannotRun(`port ${port}, on which service ${service.name} listens, is in use on 127.0.0.1;`
        + ' stop the process that uses it');
    }
    return {};
  }
  // A random start separates two rehearsals that begin at the same time.
  const start = Math.floor(Math.random() * MAX_NUMBER);
  for (let attempt = 0; attempt < 100; attempt++) {
    const number = (start + attempt) % MAX_NUMBER;
    const suffix = `${1 + Math.floor(number / 254) % 254}.${1 + number % 254}`;
    const free = await Promise.all(ports.map(async (port) => isFree(port, `127.0.${suffix}`, service.name)));
    if (free.every(Boolean)) { return { address: `127.0.${suffix}`, loopback: `127.1.${suffix}` }; }
  }
  throw new CannotRun(`port ${ports.join(' and ')} is in use on all addresses of this machine;`
    + ' stop the process that uses it');
}

async function isFree(port: number, host: string, service: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') {
        resolve(false);
      } else if (error.code === 'EACCES') {
        reject(new CannotRun(`service ${service} listens on port ${port}, but you have no permission to open it;`
          + ' run the rehearsal as root, or choose a container port of 1024 or higher'));
      } else {
        reject(error);
      }
    });
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
