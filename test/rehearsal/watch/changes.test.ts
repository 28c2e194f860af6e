import * as fs from 'node:fs';
import * as path from 'node:path';
import { Changes } from '../../../src/rehearsal/watch/changes';
import { useTemporaryDirectory } from '../../support/rehearsal/temporary-directory';

const temporary = useTemporaryDirectory();
let root: string;
let number = 0;

const write = (file: string, text: string) => {
  fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  fs.writeFileSync(path.join(root, file), text);
};
const never = new AbortController().signal;

beforeEach(() => {
  root = path.join(temporary(), String(++number));
  write('app.ts', 'one');
  write('image/server.js', 'one');
});

test('a file that is new, changed or removed is found, with those that change shortly after', async () => {
  const changes = new Changes(root);
  const found = changes.next(never);
  write('image/server.js', 'two');
  setTimeout(() => write('image/lib/new.js', ''), 350);
  expect(await found).toEqual(['image/lib/new.js', 'image/server.js']);

  const removed = changes.next(never);
  fs.rmSync(path.join(root, 'app.ts'));
  expect(await removed).toEqual(['app.ts']);
});

test('a file that is written again with the same content is not found, after it has been read once', async () => {
  const changes = new Changes(root);
  const first = changes.next(never);
  write('app.ts', 'two');
  expect(await first).toEqual(['app.ts']);

  const second = changes.next(never);
  write('app.ts', 'two');
  setTimeout(() => write('image/server.js', 'two'), 700);
  expect(await second).toEqual(['image/server.js']);
});

test('what tools write is ignored', async () => {
  const changes = new Changes(root);
  const found = changes.next(never);
  ['cdk.out/manifest.json', 'node_modules/a/index.js', '.git/HEAD', '.venv/a.py', 'image/__pycache__/a.pyc']
    .forEach((file) => write(file, 'one'));
  setTimeout(() => write('app.ts', 'two'), 700);
  expect(await found).toEqual(['app.ts']);
});

test('nothing is found when it is interrupted', async () => {
  const interrupted = new AbortController();
  const found = new Changes(root).next(interrupted.signal);
  interrupted.abort();
  expect(await found).toEqual([]);
});
