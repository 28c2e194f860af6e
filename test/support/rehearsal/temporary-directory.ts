import * as fs from 'node:fs';
import os from 'node:os';
import * as path from 'node:path';

/**
 * Makes `os.tmpdir()` return a directory of this test file, and removes it afterwards.
 *
 * @returns a function that returns its path, to be called in tests
 */
export function useTemporaryDirectory(): () => string {
  let directory: string;
  beforeAll(() => {
    directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'rehearsal-test-')));
    // The user of a task needs access.
    fs.chmodSync(directory, 0o755);
    jest.spyOn(os, 'tmpdir').mockReturnValue(directory);
  });
  afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));
  return () => directory;
}
