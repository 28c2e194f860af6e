import type * as Net from 'node:net';

/*
 * A task on Fargate has a network interface of its own. The two functions of this file give a Node process something like it on
 * one machine: an address of the loopback network that no other task has.
 *
 * `joinTaskNetwork` is loaded into the process of a task before the app. It is written out as text and runs there alone:
 * it may use its arguments and nothing else of this file.
 */

export interface TaskNetwork {
  /** Where the task is reached from outside: it listens here when it asks for all addresses. Absent where there is just 127.0.0.1. */
  readonly address?: string;
  /** What the task itself calls localhost. */
  readonly loopback?: string;
  /** The process that started the task, which listens at the file descriptor 3. */
  readonly startedBy: number;
  /** Without an init process in front, the app is the first process of its container. */
  readonly isFirstProcess: boolean;
}

/** A script for `node --require`. */
export function taskNetworkScript(network: TaskNetwork): string {
  return `(${joinTaskNetwork})(require, ${JSON.stringify(network)});\n`;
}

function joinTaskNetwork(load: NodeJS.Require, network: TaskNetwork): void {
  const net = load('node:net') as typeof Net;
  const { address, loopback, startedBy, isFirstProcess } = network;

  // The connection to the rehearsal. When the rehearsal is gone, by whatever death, the task goes too.
  let tie: Net.Socket | undefined;
  if (process.ppid === startedBy) {
    try {
      tie = new net.Socket({ fd: 3 });
      tie.on('error', () => {}).on('close', () => process.kill(process.pid, 'SIGKILL'));
      tie.resume().unref();
    } catch {
      // Without it the app runs as well.
    }
  }

  // The kernel ends the first process of a container by no signal that it does not handle, but for SIGKILL: pid_namespaces(7).
  if (isFirstProcess && process.ppid === startedBy) {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR2'] as const) { process.on(signal, () => {}); }
  }

  const isWildcard = (host: unknown) => host === undefined || host === null || host === '' || host === '0.0.0.0' || host === '::' || host === address;
  const isLoopback = (host: unknown) => host === 'localhost' || host === '127.0.0.1' || host === '::1';

  const listen = net.Server.prototype.listen as (...args: unknown[]) => Net.Server;
  net.Server.prototype.listen = function (this: Net.Server, ...args: any[]): Net.Server {
    const callback = typeof args.at(-1) === 'function' ? args.at(-1) : undefined;
    const [first, second, third] = args;
    const isPort = first === undefined || first === null || first === callback || typeof first === 'number' || /^\d+$/.test(first);
    if (!isPort && first?.port === undefined) { return listen.apply(this, args); }
    const options = isPort
      ? {
        port: first === callback ? 0 : first,
        host: typeof second === 'string' ? second : undefined,
        backlog: [second, third].find((argument) => typeof argument === 'number'),
      }
      : { ...first };
    const asked = options.host;
    if (address && isWildcard(asked)) { options.host = address; }
    if (loopback && isLoopback(asked)) { options.host = loopback; }
    this.once('listening', () => {
      const bound = this.address();
      if (bound && typeof bound === 'object') {
        // A `ListenReport`, one line of JSON each.
        tie?.write(`${JSON.stringify({ port: bound.port, host: isWildcard(asked) ? undefined : asked })}\n`);
      }
    });
    return listen.call(this, options, ...callback ? [callback] : []);
  } as typeof net.Server.prototype.listen;

  if (!address || !loopback) { return; }
  const connect = net.Socket.prototype.connect as (...args: unknown[]) => Net.Socket;
  net.Socket.prototype.connect = function (this: Net.Socket, ...args: any[]): Net.Socket {
    // Node itself hands over its normalised arguments: an array with the options in front.
    const given = Array.isArray(args[0]) ? args[0][0] : args[0];
    const isPort = typeof given === 'number' || typeof given === 'string' && /^\d+$/.test(given);
    const options = isPort ? { port: given, host: typeof args[1] === 'string' ? args[1] : undefined } : given;
    if (options?.port === undefined || options.path || !(options.host === undefined || isLoopback(options.host))) {
      return connect.apply(this, args);
    }
    // Inside a task, localhost reaches what listens on all addresses and what listens on localhost.
    const own = [address, loopback].map((candidate) => ({ address: candidate, family: 4 }));
    const redirected = {
      ...options,
      host: 'localhost',
      family: undefined,
      autoSelectFamily: true,
      lookup: (_name: string, how: { all?: boolean }, done: (...result: any[]) => void) =>
        how.all ? done(null, own) : done(null, own[0].address, own[0].family),
    };
    if (Array.isArray(args[0])) {
      args[0][0] = redirected;
      return connect.apply(this, args);
    }
    return connect.call(this, redirected, ...args.filter((argument) => typeof argument === 'function'));
  } as typeof net.Socket.prototype.connect;
}
