import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { App, Stage } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import * as ts from 'typescript';

/*
 * The code in README and docs compiles, and synthesizes as it stands: with an empty context, without warnings. The
 * stack has an account and a Region, so that a lookup has placeholders.
 */

const ROOT = path.join(__dirname, '..');
const DOCUMENTS = ['README.md', ...fs.readdirSync(path.join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md')).map((name) => path.join('docs', name))];
const FIXTURE = fs.readFileSync(path.join(ROOT, 'rosetta', 'default.ts-fixture'), 'utf8');
/** The files of the user that the code names. */
const FILES = [
  ...['admin', 'api', 'grpc', 'shop', 'slow'].map((directory) => `${directory}/Dockerfile`), 'shop/Dockerfile.slim',
];

interface Snippet {
  /** The document and the line of the code in it. */
  readonly name: string;
  readonly source: string;
  readonly isComplete: boolean;
}

const SNIPPETS = DOCUMENTS.flatMap((document): Snippet[] => {
  const text = fs.readFileSync(path.join(ROOT, document), 'utf8');
  return [...text.matchAll(/^```ts( nofixture)?\n([^]*?)^```$/gm)].map(({ 1: nofixture, 2: code, index }) => ({
    name: `${document}:${text.slice(0, index).split('\n').length + 1}`,
    source: nofixture ? code : `${FIXTURE.replace('/// here', () => code)}\nexport { Example };\n`,
    isComplete: nofixture !== undefined,
  }));
});

/** The messages of the compiler, by the name of the snippet. */
function compile(): Map<string, string[]> {
  const fileOf = new Map(SNIPPETS.map(({ name }, index) => [path.join(ROOT, 'test', `snippet-${index}.ts`), name]));
  const sourceOf = new Map([...fileOf].map(([file], index) => [file, SNIPPETS[index].source]));
  const options: ts.CompilerOptions = {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    esModuleInterop: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.CommonJS,
    moduleResolution: ts.ModuleResolutionKind.Node10,
    baseUrl: ROOT,
    paths: { 'hello-fargate-service': ['src/index.ts'] },
    types: ['node'],
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => sourceOf.has(file) || fileExists(file);
  host.readFile = (file) => sourceOf.get(file) ?? readFile(file);
  host.getSourceFile = (file, ...rest) => {
    const source = sourceOf.get(file);
    return source === undefined ? getSourceFile(file, ...rest) : ts.createSourceFile(file, source, rest[0]);
  };
  const messages = new Map<string, string[]>();
  for (const { file, messageText } of ts.getPreEmitDiagnostics(ts.createProgram([...sourceOf.keys()], options, host))) {
    const name = fileOf.get(file?.fileName ?? '');
    if (name === undefined) { continue; }
    messages.set(name, [...messages.get(name) ?? [], ts.flattenDiagnosticMessageText(messageText, '\n')]);
  }
  return messages;
}

/** Runs a program with this repository's library, from a file in the directory. */
function run(source: string): { Example: new (scope: Construct, id: string) => Construct } {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true },
  });
  const file = path.join(directory, `snippet-${fs.readdirSync(directory).length}.js`);
  fs.writeFileSync(file, outputText.replace(/require\("([^"]+)"\)/g, (_, name: string) => {
    const resolved = name === 'hello-fargate-service' ? path.join(ROOT, 'src') : require.resolve(name);
    return `require(${JSON.stringify(resolved)})`;
  }));
  return jest.requireActual(file);
}

/** Databases that the internet can reach, or whose storage is not encrypted. */
function unsafeDatabases(template: { readonly Resources?: Record<string, Resource> }): string[] {
  return Object.entries(template.Resources ?? {}).flatMap(([id, { Type, Properties = {} }]) => {
    const isPublic = Type === 'AWS::RDS::DBInstance' && Properties.PubliclyAccessible !== false;
    const storesFiles = Type === 'AWS::RDS::DBCluster'
      || Type === 'AWS::RDS::DBInstance' && Properties.DBClusterIdentifier === undefined;
    return [
      ...isPublic ? [`${id} is public`] : [],
      ...storesFiles && Properties.StorageEncrypted !== true ? [`${id} is not encrypted`] : [],
    ];
  });
}

interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

let messages: Map<string, string[]>;
let directory: string;
const workingDirectory = process.cwd();

beforeAll(() => {
  messages = compile();
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'snippets-'));
  for (const file of FILES) {
    fs.mkdirSync(path.join(directory, path.dirname(file)), { recursive: true });
    fs.writeFileSync(path.join(directory, file), 'FROM scratch\n');
  }
  process.chdir(directory);
});

afterAll(() => {
  process.chdir(workingDirectory);
  fs.rmSync(directory, { recursive: true });
});

test('there are snippets in each guide', () => {
  expect(SNIPPETS.length).toBeGreaterThan(40);
});

test.each(SNIPPETS.map(({ name }) => name))('%s compiles', (name) => {
  expect(messages.get(name)).toBeUndefined();
});

test.each(SNIPPETS.filter(({ isComplete }) => !isComplete).map(({ name, source }) => [name, source]))(
  '%s synthesizes with an empty context, without warnings and unsafe databases',
  (_, source) => {
    const app = new App({ analyticsReporting: false });
    const stage = new Stage(app, 'Stage', { env: { account: '123456789012', region: 'eu-central-1' } });
    const { Example } = run(source);
    new Example(stage, 'Example');

    const stacks = app.synth().getNestedAssembly('assembly-Stage').stacks;
    const warnings = stacks.flatMap(({ messages: found }) => found).filter(({ level }) => level !== 'info');
    expect(warnings.map(({ id, entry }) => `${id}: ${String(entry.data)}`)).toEqual([]);
    expect(stacks.flatMap(({ template }) => unsafeDatabases(template))).toEqual([]);
  },
);
