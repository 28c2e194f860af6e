/** Everything that can be set from outside. Times are milliseconds. */
export interface Config {
  /** 0 takes any free port. */
  readonly port: number;
  /** The address to listen on; unset: all of them. */
  readonly host?: string;
  readonly logLevel: string;
  /** How long after SIGTERM requests are still served, while /health fails. */
  readonly shutdownDelayMs: number;
  /** When, counted from SIGTERM, the process ends even if requests are still open. */
  readonly shutdownTimeoutMs: number;
  /** How long an idle connection is kept: longer than the load balancer does, or it sends requests into a closing connection. */
  readonly keepAliveTimeoutMs: number;
  /** How long a client may take to send one request, and a new connection to send its first: longer than a load balancer keeps idle ones. */
  readonly requestTimeoutMs: number;
  /** The revision that was built, for /info. */
  readonly commit?: string;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'];

/** The largest delay that setTimeout takes; beyond it fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Reads the configuration from the environment.
 *
 * @throws Error that names every wrong variable at once, so that one failed start is enough to mend them all
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const problems: string[] = [];

  // An empty variable counts as unset: that is what `NAME=` means in most deployment tools.
  const text = (name: string) => env[name]?.trim() || undefined;
  const integer = (name: string, fallback: number, min: number, max: number) => {
    const value = text(name);
    if (value === undefined) return fallback;
    if (/^\d{1,10}$/.test(value) && Number(value) >= min && Number(value) <= max) return Number(value);
    problems.push(`${name} must be a whole number from ${min} to ${max}, got '${value}'`);
    return fallback;
  };

  const keepAliveTimeoutMs = integer('KEEP_ALIVE_TIMEOUT_MS', 65_000, 1, MAX_TIMER_MS);
  const config: Config = {
    port: integer('PORT', 8080, 0, 65_535),
    host: text('HOST'),
    logLevel: text('LOG_LEVEL')?.toLowerCase() ?? 'info',
    shutdownDelayMs: integer('SHUTDOWN_DELAY_MS', 10_000, 0, MAX_TIMER_MS),
    // ECS kills after 30 seconds unless the task definition says otherwise.
    shutdownTimeoutMs: integer('SHUTDOWN_TIMEOUT_MS', 25_000, 1, MAX_TIMER_MS),
    keepAliveTimeoutMs,
    requestTimeoutMs: integer('REQUEST_TIMEOUT_MS', keepAliveTimeoutMs + 5_000, 1, MAX_TIMER_MS),
    commit: text('COMMIT'),
  };

  if (!LOG_LEVELS.includes(config.logLevel)) {
    problems.push(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}, got '${config.logLevel}'`);
  }
  if (config.shutdownDelayMs >= config.shutdownTimeoutMs) {
    problems.push('SHUTDOWN_DELAY_MS must be less than SHUTDOWN_TIMEOUT_MS, or no time is left to finish requests,'
      + ` got ${config.shutdownDelayMs} and ${config.shutdownTimeoutMs}`);
  }
  if (problems.length > 0) throw new Error(`refusing to start: ${problems.join('; ')}`);
  return config;
}
