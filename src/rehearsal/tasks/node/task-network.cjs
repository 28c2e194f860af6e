'use strict';
/*
 * Gives a Node.js process its own network address on this machine, as a Fargate task has its own network interface.
 * Node.js loads this script with `--require` before the app, from a copy in the directory of the task: the user of
 * the task can read it there.
 */
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

/**
 * @typedef {object} TaskNetwork
 * @property {string} [address] Where the task is reachable; it listens here when it requests all addresses. Absent
 * where there is only 127.0.0.1.
 * @property {string} [loopback] What the task itself resolves as localhost.
 * @property {number[]} hostPorts Ports of 127.0.0.1 that are reached at this machine and not at the task.
 * @property {number} rehearsalPid The process that started the task, with a pipe at file descriptor 3.
 * @property {boolean} isFirstProcess Whether the app, without an init process, is the first process of its container.
 */

/** @type {TaskNetwork} */
const settings = JSON.parse(fs.readFileSync(path.join(__dirname, 'task-network.json'), 'utf8'));
const { address, loopback, hostPorts, rehearsalPid, isFirstProcess } = settings;

/** The processes that the app starts load this script too. */
const isApp = process.ppid === rehearsalPid;

/**
 * The kernel sends the first process of a container no signal that it does not handle, except SIGKILL:
 * pid_namespaces(7).
 */
function ignoreDefaultSignals() {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR2']) { process.on(signal, () => {}); }
}

/** Connects to the rehearsal. When the rehearsal ends, the connection closes and the app ends too. */
function connectToRehearsal() {
  try {
    const connection = new net.Socket({ fd: 3 });
    connection.on('error', () => {}).on('close', () => process.kill(process.pid, 'SIGKILL'));
    connection.resume().unref();
    return connection;
  } catch {
    // The app also runs without it.
    return undefined;
  }
}

const isWildcard = (host) => host === undefined || host === null || ['', '0.0.0.0', '::', address].includes(host);
const isLoopback = (host) => ['localhost', '127.0.0.1', '::1'].includes(host);
const isPortNumber = (value) => typeof value === 'number' || typeof value === 'string' && /^\d+$/.test(value);

/** Options of `server.listen(…)`; undefined for a pipe, a handle or a file descriptor. */
function readListenOptions([first, second, third], callback) {
  if (first === undefined || first === null || first === callback || isPortNumber(first)) {
    return {
      port: first === callback ? 0 : first,
      host: typeof second === 'string' ? second : undefined,
      backlog: [second, third].find((argument) => typeof argument === 'number'),
    };
  }
  return first.port === undefined ? undefined : { ...first };
}

/**
 * Replaces all addresses and localhost by the task's own, and reports each listening address as a line of JSON: a
 * `ListenReport`.
 */
function patchListen(rehearsal) {
  const { listen } = net.Server.prototype;
  net.Server.prototype.listen = function (...args) {
    const callback = typeof args.at(-1) === 'function' ? args.at(-1) : undefined;
    const options = readListenOptions(args, callback);
    if (options === undefined) { return listen.apply(this, args); }
    const { host } = options;
    if (address && isWildcard(host)) { options.host = address; }
    if (loopback && isLoopback(host)) { options.host = loopback; }
    this.once('listening', () => {
      const bound = this.address();
      if (bound === null || typeof bound !== 'object') { return; }
      rehearsal?.write(`${JSON.stringify({ port: bound.port, host: isWildcard(host) ? undefined : host })}\n`);
    });
    return callback ? listen.call(this, options, callback) : listen.call(this, options);
  };
}

/**
 * Connects to localhost at the task's own addresses: servers that listen on all addresses, and those that listen on
 * localhost.
 */
function patchConnect() {
  const { connect } = net.Socket.prototype;
  const addresses = [address, loopback].map((candidate) => ({ address: candidate, family: 4 }));
  const lookup = (_name, { all }, done) =>
    all ? done(null, addresses) : done(null, addresses[0].address, addresses[0].family);

  net.Socket.prototype.connect = function (...args) {
    // Node.js itself passes its normalized arguments as an array that begins with the options.
    const isNormalized = Array.isArray(args[0]);
    const first = isNormalized ? args[0][0] : args[0];
    const options = isPortNumber(first)
      ? { port: first, host: typeof args[1] === 'string' ? args[1] : undefined }
      : first;
    const hasPort = options?.port !== undefined && !options.path;
    const isHere = hasPort && (options.host === undefined || isLoopback(options.host));
    if (!isHere || hostPorts.includes(Number(options.port))) { return connect.apply(this, args); }

    const redirected = { ...options, host: 'localhost', family: undefined, autoSelectFamily: true, lookup };
    if (isNormalized) {
      args[0][0] = redirected;
      return connect.apply(this, args);
    }
    return connect.call(this, redirected, ...args.filter((argument) => typeof argument === 'function'));
  };
}

if (isApp && isFirstProcess) { ignoreDefaultSignals(); }
patchListen(isApp ? connectToRehearsal() : undefined);
if (address && loopback) { patchConnect(); }
