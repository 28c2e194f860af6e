import { execFileSync } from 'node:child_process';

/** The binary of that version of Node, by npm's package of the same name; undefined, said loudly, when it is not to be had. */
export function nodeBinary(version: string): string | undefined {
  try {
    return execFileSync('npx', ['--yes', '-p', `node@${version}`, 'node', '-p', 'process.execPath'], { encoding: 'utf8' }).trim();
  } catch (error) {
    console.error(`SKIPPED: Node ${version} is not to be had: ${error}`);
    process.exitCode = 1;
    return undefined;
  }
}
