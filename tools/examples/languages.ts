import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { artifactFile, DIST } from './artifacts';
import { GO_INVALID, InvalidProgram, JAVA_INVALID, PYTHON_INVALID } from './errors';
import { ROOT, run } from './run';
import { GO_SNIPPETS, JAVA_SNIPPETS, PYTHON_SNIPPETS, SnippetCompiler } from './snippets';

export type Environment = Record<string, string>;

/** A version of a language on this machine. */
export interface LanguageVersion {
  /** What selects it. */
  readonly environment: Environment;
  /** The command that prints its number. */
  readonly printed: readonly string[];
}

/** How the example of a language is installed and run. */
export interface Language {
  /** Of the directory in `examples/`. */
  readonly name: string;
  /** Of the language for jsii-pacmak. */
  readonly target: string;
  /** How the name of the artifact ends. */
  readonly ending: string;
  /** The command that the language's package installs. @default `npx` with the tarball */
  readonly command?: readonly string[];
  /** Of the translated snippets. */
  readonly snippets?: SnippetCompiler;
  /** Passes invalid props. */
  readonly invalid?: InvalidProgram;
  /** Why the example cannot run on this machine, if so. */
  missing(): string | undefined;
  /** Installs the package and what it needs, with the environment of a version. @returns from where */
  install(directory: string, version?: Environment): string;
  environment?(directory: string): Environment;
  /** The versions of the language on this machine. */
  versions?(): LanguageVersion[];
}

const { devDependencies, jsii } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
/** Every example has the versions of this repository. */
const VERSIONS: Record<string, string> = {
  'aws-cdk-lib': devDependencies['aws-cdk-lib'],
  'constructs': devDependencies.constructs,
};

const tarball = () => artifactFile('js', '.tgz');
/**
 * For languages whose package has no command: the CDK CLI needs Node.js anyway. npx would take an earlier build from
 * its cache.
 */
export const npxCommand = (directory: string) =>
  ['npx', '--yes', '--cache', path.join(directory, 'npx-cache'), '--package', tarball(), 'hello-fargate-service'];

function needs(command: string, args: string[], name: string): string | undefined {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0 ? undefined : `not tried: ${name} is not installed`;
}

export const TYPESCRIPT: Language = {
  name: 'typescript',
  target: 'js',
  ending: '.tgz',
  missing: () => undefined,
  install: (directory) => {
    const file = path.join(directory, 'package.json');
    const manifest = JSON.parse(fs.readFileSync(file, 'utf8'));
    Object.assign(manifest.dependencies, VERSIONS, { 'hello-fargate-service': `file:${tarball()}` });
    fs.writeFileSync(file, JSON.stringify(manifest, undefined, 2));
    run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], directory);
    run('npm', ['run', 'build'], directory);
    return 'tarball, npm install';
  },
  command: ['npx', 'hello-fargate-service'],
};

const PYTHON: Language = {
  name: 'python',
  target: 'python',
  ending: '.whl',
  missing: () => needs('python3', ['-m', 'venv', '--help'], 'Python 3 with venv'),
  install: (directory, version) => {
    const constraints = Object.entries(VERSIONS).map((pin) => pin.join('==')).join('\n');
    fs.writeFileSync(path.join(directory, 'constraints.txt'), constraints);
    run(version?.PYTHON ?? 'python3', ['-m', 'venv', '.venv'], directory);
    const wheel = artifactFile('python', '.whl');
    const options = ['--quiet', '--disable-pip-version-check', '--constraint', 'constraints.txt'];
    run('.venv/bin/pip', ['install', ...options, '--find-links', path.dirname(wheel), '.'], directory);
    return 'wheel, pip install';
  },
  environment: (directory) => ({ PATH: `${path.join(directory, '.venv', 'bin')}:${process.env.PATH}` }),
  command: ['hello-fargate-service'],
  snippets: PYTHON_SNIPPETS,
  invalid: PYTHON_INVALID,
  versions: () => ['3.10', '3.11', '3.12', '3.13', '3.14']
    .map((version) => `python${version}`)
    .filter((command) => !needs(command, ['-m', 'venv', '--help'], command))
    .map((command) => ({ environment: { PYTHON: command }, printed: [command, '--version'] })),
};

const JAVA: Language = {
  name: 'java',
  target: 'java',
  ending: '.jar',
  missing: () => needs('mvn', ['--version'], 'Maven with a JDK'),
  install: (directory) => {
    // Maven would take an earlier build of the same version from here.
    fs.rmSync(path.join(MAVEN_CACHE, ...jsii.targets.java.maven.groupId.split('.')), { recursive: true, force: true });
    fs.mkdirSync(path.join(directory, '.mvn'));
    fs.writeFileSync(path.join(directory, '.mvn', 'maven.config'), '--settings\nsettings.xml\n--batch-mode\n');
    fs.writeFileSync(path.join(directory, 'settings.xml'), mavenSettings(pathToFileURL(path.join(DIST, 'java')).href));
    return 'jar, Maven repository';
  },
  snippets: JAVA_SNIPPETS,
  invalid: JAVA_INVALID,
  // GitHub's runners name their JDKs so: JAVA_HOME_17_X64.
  versions: () => Object.keys(process.env)
    .filter((name) => /^JAVA_HOME_\d+_(X64|ARM64)$/.test(name) && parseInt(name.slice('JAVA_HOME_'.length)) >= 11)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => process.env[name]!)
    .map((home) => ({ environment: { JAVA_HOME: home }, printed: [path.join(home, 'bin', 'java'), '-version'] })),
};

/** Keeps the artifacts out of the local repository of the user. */
const MAVEN_CACHE = path.join(DIST, 'maven-cache');

/** Adds the packaged artifacts as a repository. */
function mavenSettings(repository: string): string {
  return `<settings>
  <localRepository>${MAVEN_CACHE}</localRepository>
  <profiles>
    <profile>
      <id>local</id>
      <repositories>
        <repository>
          <id>local</id>
          <url>${repository}</url>
          <releases><updatePolicy>always</updatePolicy><checksumPolicy>fail</checksumPolicy></releases>
        </repository>
      </repositories>
    </profile>
  </profiles>
  <activeProfiles><activeProfile>local</activeProfile></activeProfiles>
</settings>
`;
}

/** Not local.go.mod, which is beside it. */
const GO_MODULE_FILE = path.join(path.sep, 'go.mod');

const LOWEST_GO = /^go ([\d.]+)$/m.exec(fs.readFileSync(path.join(ROOT, 'examples', 'go', 'go.mod'), 'utf8'))![1];

const GO: Language = {
  name: 'go',
  target: 'go',
  ending: GO_MODULE_FILE,
  missing: () => needs('go', ['version'], 'Go'),
  install: (directory, version) => {
    const module = path.dirname(artifactFile('go', GO_MODULE_FILE));
    const name = `${jsii.targets.go.moduleName}/${path.basename(module)}`;
    run('go', ['mod', 'edit', '-replace', `${name}=${module}`], directory, version);
    run('go', ['mod', 'tidy'], directory, version);
    run('go', ['vet', './...'], directory, version);
    return 'module, go mod replace';
  },
  snippets: GO_SNIPPETS,
  invalid: GO_INVALID,
  // The Go command downloads the lowest version, which the example's go.mod names.
  versions: () => [`go${LOWEST_GO}.0`, 'local']
    .map((version) => ({ environment: { GOTOOLCHAIN: version }, printed: ['go', 'version'] })),
};

const CSHARP: Language = {
  name: 'csharp',
  target: 'dotnet',
  ending: '.csproj',
  missing: () => needs('dotnet', ['--version'], 'the .NET SDK'),
  install: (directory) => {
    run('dotnet', ['restore', '--source', path.dirname(artifactFile('dotnet', '.nupkg'))], directory);
    return 'package, dotnet restore';
  },
};

/** In the order of the table; the others are compared with the first. */
export const LANGUAGES: readonly Language[] = [TYPESCRIPT, PYTHON, JAVA, GO, CSHARP];
