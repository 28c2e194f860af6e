import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { compileLibrary, compileSnippets } from './support/compile';
import { readJson } from './support/synth';

/**
 * The package as users install it: compiled, packed, and unpacked into an app outside this repository.
 * The app uses the peer dependencies of this repository, so that nothing is downloaded.
 */
const ROOT = path.join(__dirname, '..');

let app: string;
let files: string[];

const run = (command: string, args: string[], cwd: string, env: NodeJS.ProcessEnv = {}) => {
  // As a user runs it, with the assets in the output directory.
  const { CDK_CONTEXT_JSON: _, ...own } = process.env;
  const options = { cwd, encoding: 'utf8', env: { ...own, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(command, args, options);
  return { status, stdout, stderr };
};

beforeAll(() => {
  app = fs.mkdtempSync(path.join(os.tmpdir(), 'hello-fargate-service-app-'));
  compileLibrary();
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', app];
  const [packed] = JSON.parse(execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8' }));
  files = packed.files.map((file: { path: string }) => file.path).sort();

  const modules = path.join(app, 'node_modules');
  fs.mkdirSync(path.join(modules, 'hello-fargate-service'), { recursive: true });
  const destination = path.join(modules, 'hello-fargate-service');
  execFileSync('tar', ['-xzf', path.join(app, packed.filename), '--strip-components=1', '-C', destination]);
  for (const peer of ['aws-cdk-lib', 'constructs']) {
    fs.symlinkSync(path.join(ROOT, 'node_modules', peer), path.join(modules, peer));
  }
}, 300_000);

afterAll(() => fs.rmSync(app, { recursive: true, force: true }));

test('the tarball contains only the library, the command and the built example app', () => {
  const sources = fs.readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  const compiled = sources.filter((file) => file.endsWith('.ts'))
    .flatMap((file) => ['.js', '.d.ts'].map((extension) => `lib/${file.replace(/\.ts$/, extension)}`));
  const programs = sources.filter((file) => file.endsWith('.cjs')).map((file) => `lib/${file}`);

  expect(files).toEqual([
    '.jsii',
    'API.md',
    'LICENSE',
    'README.md',
    'bin/hello-fargate-service',
    'example-app/.dockerignore',
    'example-app/Dockerfile',
    'example-app/README.md',
    'example-app/dist/THIRD-PARTY-LICENSES.txt',
    'example-app/dist/server.js',
    'example-app/health-check.js',
    'package.json',
    ...compiled,
    ...programs,
  ].sort());
});

test('a second build of the same commit gives the same bytes, in another directory', () => {
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'hello-fargate-service-copy-'));
  try {
    const listed = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0');
    for (const file of listed.filter((name) => name !== '' && fs.existsSync(path.join(ROOT, name)))) {
      fs.cpSync(path.join(ROOT, file), path.join(copy, file));
    }
    fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
    execFileSync('npx', ['projen', 'compile'], { cwd: copy, stdio: 'pipe' });
    const pack = (directory: string) => {
      const [{ filename }] = JSON.parse(execFileSync('npm', [
        'pack', '--json', '--ignore-scripts', '--pack-destination', copy,
      ], { cwd: directory, encoding: 'utf8' }));
      return createHash('sha256').update(fs.readFileSync(path.join(copy, filename))).digest('hex');
    };

    expect(pack(copy)).toBe(pack(ROOT));
  } finally {
    fs.rmSync(copy, { recursive: true, force: true });
  }
}, 300_000);

test('the bill of materials has all packages whose code the tarball contains, and is reproducible', () => {
  const sbom = () => {
    execFileSync('npx', ['projen', 'sbom'], { cwd: ROOT, stdio: 'pipe' });
    return fs.readFileSync(path.join(ROOT, 'dist', 'js', 'hello-fargate-service.cdx.json'), 'utf8');
  };
  const text = sbom();
  const { bomFormat, metadata, components } = JSON.parse(text);
  const names = components.map(({ group, name, version }: { group?: string; name: string; version: string }) =>
    `${group ? `${group}/` : ''}${name}@${version}`);
  const licenses = fs.readFileSync(path.join(ROOT, 'example-app', 'dist', 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  const bundled = [...licenses.matchAll(/^(\S+@\d\S*) \(/gm)].map(([, name]) => name);

  expect([bomFormat, metadata.component.name]).toEqual(['CycloneDX', 'hello-fargate-service']);
  expect(bundled.length).toBeGreaterThan(50);
  expect(names.sort()).toEqual([...bundled, 'hello-fargate-example-app@1.0.0'].sort());
  expect(sbom()).toBe(text);
}, 60_000);

test('installing the package runs nothing', () => {
  const { scripts } = readJson(path.join(app, 'node_modules', 'hello-fargate-service', 'package.json'));

  expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
});

test('the package has only peer dependencies', () => {
  const manifest = path.join(app, 'node_modules', 'hello-fargate-service', 'package.json');
  const { dependencies = {}, peerDependencies } = readJson(manifest);

  expect(dependencies).toEqual({});
  expect(peerDependencies).toEqual({ 'aws-cdk-lib': '^2.257.0', 'constructs': '^10.5.1' });
});

test('no language has a namespace with the name of a type in it, which does not compile in C#', () => {
  const { targets, types } = readJson(path.join(ROOT, '.jsii'));
  const names = Object.values<{ name: string }>(types).map(({ name }) => name);

  expect(names).toContain('HelloFargateService');
  expect(names).not.toContain(targets.dotnet.namespace.split('.').at(-1));
  expect(names).not.toContain(targets.java.package.split('.').at(-1));
});

test('the package loads the modules of aws-cdk-lib that the default needs, and no others', () => {
  const program = path.join(app, 'modules.js');
  fs.writeFileSync(program, `
    const modules = () => [...new Set(Object.keys(require.cache)
      .map((file) => /aws-cdk-lib\\/(aws-[^/]+)\\//.exec(file)?.[1]).filter(Boolean))].sort();
    const { HelloFargateService } = require('hello-fargate-service');
    const required = modules();
    const { App, Stack } = require('aws-cdk-lib');
    const app = new App();
    new HelloFargateService(new Stack(app, 'Hello'), 'Hello');
    app.synth();
    console.log(JSON.stringify({ required, synthesized: modules() }));
  `);
  const { stdout, stderr, status } = run('node', [program], app);
  expect([status, stderr]).toEqual([0, '']);
  const { required, synthesized } = JSON.parse(stdout);

  expect(synthesized).toEqual([
    'aws-cloudwatch', 'aws-ec2', 'aws-ecr', 'aws-ecr-assets', 'aws-ecs', 'aws-elasticloadbalancingv2', 'aws-iam',
    'aws-logs',
  ]);
  expect(synthesized).toEqual(expect.arrayContaining(required));
});

describe('an app that installed the package', () => {
  beforeAll(() => {
    fs.writeFileSync(path.join(app, 'app.js'), `
      const { App, Stack } = require('aws-cdk-lib');
      const { HelloFargateService } = require('hello-fargate-service');
      new HelloFargateService(new Stack(new App(), 'Hello'), 'Hello');
    `);
  });

  test('synthesizes without output', () => {
    const result = run('node', ['app.js'], app, { CDK_OUTDIR: path.join(app, 'cdk.out') });

    expect(result).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('has an image asset with the files that the Dockerfile copies, and the same hash as in this repository', () => {
    const { dockerImages } = readJson(path.join(app, 'cdk.out', 'Hello.assets.json'));
    const [[hash, { source }]] = Object.entries<{ source: { directory: string; platform: string } }>(dockerImages);
    const directory = path.join(app, 'cdk.out', source.directory);
    const assetFiles = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' });

    expect(source.platform).toBe('linux/arm64');
    expect(assetFiles).toEqual(expect.arrayContaining([
      'Dockerfile', 'health-check.js', 'dist/server.js', 'dist/THIRD-PARTY-LICENSES.txt',
    ]));
    expect(assetFiles).not.toContain('README.md');

    const here = run('node', ['-e', `
      const { App, Stack } = require('aws-cdk-lib');
      const { HelloFargateService } = require('${ROOT}');
      new HelloFargateService(new Stack(new App(), 'Hello'), 'Hello');
    `], ROOT, { CDK_OUTDIR: path.join(app, 'here.out') });
    expect(here.status).toBe(0);
    expect(Object.keys(readJson(path.join(app, 'here.out', 'Hello.assets.json')).dockerImages)).toEqual([hash]);
  });

  test('can be rehearsed with the installed command', () => {
    const command = path.join(app, 'node_modules', 'hello-fargate-service', 'bin', 'hello-fargate-service');
    const { status, stdout } = run('node', [command, 'rehearse', 'cdk.out', '--once', '--quick'], app);

    expect(stdout).toMatch(/\/health answered 200/);
    expect(status).toBe(0);
  });
});

test('the code of README and of the docstrings compiles', () => {
  // The error names each snippet that does not compile.
  expect(compileSnippets).not.toThrow();
}, 300_000);
