import * as fs from 'node:fs';
import os from 'node:os';
import * as path from 'node:path';

/** Makes `os.tmpdir()` return a directory of this test file, which is removed afterwards. @returns a getter of its path */
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
