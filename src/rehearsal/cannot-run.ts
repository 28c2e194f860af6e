/**
 * The rehearsal cannot be run, which says nothing about the app: exit code 2.
 * The message is for the user: what is in the way, and what to do about it.
 */
export class CannotRun extends Error {}

/** It can be run, but not by Node alone. The message says what takes a container engine. */
export class NeedsEngine extends CannotRun {}
