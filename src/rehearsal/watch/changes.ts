import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { sleep } from '../sleep';

/*
 * Finds changed files of a directory by looking at it again and again: that works on every file system, and without
 * the directories that are ignored it takes milliseconds.
 */

const INTERVAL_MS = 300;

interface Known {
  /** The time and the size of the file when it was read. */
  readonly stamp: string;
  /** Undefined before the file changes for the first time. */
  readonly hash?: string;
}

export class Changes {
  private files: Map<string, Known>;

  constructor(private readonly directory: string) {
    this.files = this.read();
  }

  /** @returns files that have changed, relative to the directory, once no more change; none when it is interrupted */
  public async next(interrupted: AbortSignal): Promise<string[]> {
    const changed = new Set<string>();
    for (let more: string[] = []; (changed.size === 0 || more.length > 0) && !interrupted.aborted;) {
      await sleep(INTERVAL_MS, interrupted);
      more = this.look();
      more.forEach((file) => changed.add(path.relative(this.directory, file)));
    }
    return interrupted.aborted ? [] : [...changed].sort();
  }

  /** A file that was written again with the same content has not changed: the synthesis itself may do that. */
  private look(): string[] {
    const before = this.files;
    this.files = this.read();
    const changed: string[] = [];
    for (const [file, { stamp }] of this.files) {
      const known = before.get(file);
      const hash = known?.stamp === stamp ? known.hash : hashOf(file);
      this.files.set(file, { stamp, hash });
      if (known?.stamp !== stamp && (hash === undefined || known?.hash !== hash)) { changed.push(file); }
    }
    return [...changed, ...[...before.keys()].filter((file) => !this.files.has(file))];
  }

  private read(): Map<string, Known> {
    const found = new Map<string, Known>();
    const add = (directory: string) => {
      for (const entry of entriesOf(directory)) {
        const file = path.join(directory, entry.name);
        if (entry.name.startsWith('.') || IGNORED.has(entry.name)) { continue; }
        if (entry.isDirectory()) {
          add(file);
        } else {
          const stat = fs.statSync(file, { throwIfNoEntry: false });
          if (stat?.isFile()) { found.set(file, { stamp: `${stat.mtimeMs} ${stat.size}` }); }
        }
      }
    };
    add(this.directory);
    return found;
  }
}

/** Directories that tools write, besides those whose names start with a dot. */
const IGNORED = new Set(['node_modules', 'cdk.out', '__pycache__']);

/** None of a directory that was removed meanwhile, or that this user may not read. */
function entriesOf(directory: string): fs.Dirent[] {
  try {
    return fs.readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

function hashOf(file: string): string | undefined {
  try {
    return createHash('sha256').update(fs.readFileSync(file)).digest('hex');
  } catch {
    return undefined;
  }
}
