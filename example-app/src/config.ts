/** Everything that the environment configures. Times are in milliseconds. */
export interface Config {
  /** 0 uses any free port. */
  readonly port: number;
  /** The address to listen on; unset: all addresses. */
  readonly host?: string;
  readonly logLevel: string;
  /** How long after SIGTERM the app still serves requests while /health returns 503. */
  readonly shutdownDelayMs: number;
  /** When, counted from SIGTERM, the process exits even if requests are still in flight. */
  readonly shutdownTimeoutMs: number;
  /**
   * How long idle connections are kept open. Must be longer than the idle timeout of the load balancer, which
   * otherwise sends requests on connections that are closing.
   */
  readonly keepAliveTimeoutMs: number;
  /**
   * How long a client may take to send a request, and a new connection its first one. Must be longer than the idle
   * timeout of the load balancer.
   */
  readonly requestTimeoutMs: number;
  /** The Git commit of the build, for /info. */
  readonly commit?: string;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'];

/** The longest delay that setTimeout supports; longer ones fire immediately. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Reads the configuration from the environment.
 *
 * @throws Error that lists all invalid variables, so that one failed start is enough to fix them
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const problems: string[] = [];

  // Most deployment tools write `NAME=` for an unset variable.
  const text = (name: string) => env[name]?.trim() || undefined;
  const integer = (name: string, fallback: number, min: number, max: number) => {
    const value = text(name);
    if (value === undefined) { return fallback; }
    if (/^\d{1,10}$/.test(value) && Number(value) >= min && Number(value) <= max) { return Number(value); }
    problems.push(`${name} must be a whole number from ${min} to ${max}, got '${value}'`);
    return fallback;
  };

  const keepAliveTimeoutMs = integer('KEEP_ALIVE_TIMEOUT_MS', 65_000, 1, MAX_TIMER_MS);
  const config: Config = {
    port: integer('PORT', 8080, 0, 65_535),
    host: text('HOST'),
    logLevel: text('LOG_LEVEL')?.toLowerCase() ?? 'info',
    shutdownDelayMs: integer('SHUTDOWN_DELAY_MS', 10_000, 0, MAX_TIMER_MS),
    // Less than 30 seconds, the default of ECS for `stopTimeout`.
    shutdownTimeoutMs: integer('SHUTDOWN_TIMEOUT_MS', 25_000, 1, MAX_TIMER_MS),
    keepAliveTimeoutMs,
    requestTimeoutMs: integer('REQUEST_TIMEOUT_MS', keepAliveTimeoutMs + 5_000, 1, MAX_TIMER_MS),
    commit: text('COMMIT'),
  };

  if (!LOG_LEVELS.includes(config.logLevel)) {
    problems.push(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}, got '${config.logLevel}'`);
  }
  if (config.shutdownDelayMs >= config.shutdownTimeoutMs) {
    problems.push('SHUTDOWN_DELAY_MS must be less than SHUTDOWN_TIMEOUT_MS, or no time is left to complete requests,'
      + ` got ${config.shutdownDelayMs} and ${config.shutdownTimeoutMs}`);
  }
  if (problems.length > 0) { throw new Error(`invalid configuration: ${problems.join('; ')}`); }
  return config;
}
