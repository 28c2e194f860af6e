/**
 * The rehearsal cannot run, which is no result about the app: exit code 2.
 * The message is for the user: what prevents it, and how to fix that.
 */
export class CannotRun extends Error {}

/** The rehearsal needs a container engine. The message names the reason. */
export class NeedsEngine extends CannotRun {}

/** The user ended the rehearsal before it had a result. */
export class Interrupted extends CannotRun {
  constructor() {
    super('interrupted before the result');
  }
}
