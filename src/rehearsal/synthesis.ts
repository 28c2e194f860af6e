import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { CannotRun, Interrupted } from './cannot-run';
import { removeOnExit, temporaryDirectory } from './leftovers';
import { signalGroup } from './tasks/node/processes';

/*
 * Runs the program of a CDK app, which writes its cloud assembly.
 */

export interface Synthesis {
  /** A command of the shell. */
  readonly command: string;
  readonly outdir: string;
  /** Added to the environment of this process. */
  readonly environment: NodeJS.ProcessEnv;
  readonly interrupted: AbortSignal;
}

/** @throws CannotRun with the output of the command if it fails */
export async function synthesize({ command, outdir, environment, interrupted }: Synthesis): Promise<void> {
  let output = '';
  const child = spawn(command, {
    shell: true,
    detached: process.platform !== 'win32',
    env: {
      ...process.env,
      PATH: [...binaries(), process.env.PATH].join(path.delimiter),
      CDK_OUTDIR: outdir,
      ...environment,
    },
  });
  const kill = () => signalGroup(child, 'SIGKILL');
  const remove = removeOnExit(kill);
  interrupted.addEventListener('abort', kill, { once: true });
  const append = (text: Buffer) => { output += text; };
  child.stdout.on('data', append);
  child.stderr.on('data', append);
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  interrupted.removeEventListener('abort', kill);
  remove();
  if (interrupted.aborted) { throw new Interrupted(); }
  if (code !== 0) {
    throw new CannotRun(`\`${command}\`, which synthesizes the app, exited with code ${code}:\n${output.trim()}`);
  }
}

/** The directories of package binaries, from the working directory upwards. */
export function binaries(): string[] {
  const directories = [process.cwd()];
  for (let parent = path.dirname(directories[0]); parent !== directories.at(-1); parent = path.dirname(parent)) {
    directories.push(parent);
  }
  return directories.map((directory) => path.join(directory, 'node_modules', '.bin'));
}

/** What the CDK CLI adds to the context of each app. */
const CLI_CONTEXT = { 'aws:cdk:enable-path-metadata': true, 'aws:cdk:bundling-stacks': ['**'] };

/**
 * Synthesizes the app of the working directory with the command of its cdk.json. Values that the CDK CLI has looked up
 * are in cdk.context.json; others are placeholders.
 *
 * @returns the directory of the assembly, and a function that removes it
 */
export async function synthesizeApp(interrupted: AbortSignal): Promise<{ directory: string; remove: () => void }> {
  const { app: command, context } = readConfiguration('cdk.json');
  if (typeof command !== 'string') {
    throw new CannotRun(`cdk.json in ${process.cwd()} has no "app", the command that synthesizes it: run the rehearsal`
      + ' in the directory of the CDK app');
  }
  const { directory, remove } = temporaryDirectory();
  try {
    await synthesize({
      command,
      outdir: directory,
      environment: {
        CDK_CONTEXT_JSON: JSON.stringify({
          ...CLI_CONTEXT, ...context as object, ...readConfiguration('cdk.context.json'),
        }),
      },
      interrupted,
    });
  } catch (error) {
    remove();
    throw error;
  }
  return { directory, remove };
}

/** The values of a configuration file in the working directory; none if it does not exist. */
function readConfiguration(file: string): Readonly<Record<string, unknown>> {
  if (!fs.existsSync(file)) { return {}; }
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    throw new CannotRun(`${file} is not JSON`);
  }
}
