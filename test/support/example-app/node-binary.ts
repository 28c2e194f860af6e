import { execFileSync } from 'node:child_process';

/** Returns the path of a Node.js binary from npm's package `node`; undefined, with an error message, if unavailable. */
export function nodeBinary(version: string): string | undefined {
  try {
    const args = ['--yes', '-p', `node@${version}`, 'node', '-p', 'process.execPath'];
    return execFileSync('npx', args, { encoding: 'utf8' }).trim();
  } catch (error) {
    console.error(`SKIPPED: Node.js ${version} could not be installed: ${error}`);
    process.exitCode = 1;
    return undefined;
  }
}
