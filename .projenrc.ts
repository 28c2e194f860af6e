import { awscdk, github, javascript, release, TextFile, YamlFile } from 'projen';

/**
 * Every name that the package is published under. The owner replaces them here; only the apps in `examples/` repeat
 * them, as the apps of users do.
 * CONTRIBUTING.md lists the credentials that a release needs.
 */
const PUBLISHED_AS = {
  repository: 'https://github.com/hello-fargate-service/hello-fargate-service.git',
  npm: 'hello-fargate-service',
  pypi: { distName: 'hello-fargate-service', module: 'hello_fargate_service' },
  maven: {
    mavenGroupId: 'io.github.hello-fargate-service',
    mavenArtifactId: 'hello-fargate-service',
    javaPackage: 'io.github.hellofargateservice',
  },
  // A namespace with the name of a class in it does not compile: the name means the class there.
  nuget: { packageId: 'HelloFargateService', dotNetNamespace: 'HelloFargate' },
  go: { moduleName: 'github.com/hello-fargate-service/hello-fargate-service-go' },
};

/** Lowest aws-cdk-lib that users may have. The library is developed against it. */
const CDK_FLOOR = '2.257.0';
/** Newest aws-cdk-lib that the unit tests also run against, by `npx projen test:newest`. */
const CDK_NEWEST = '2.276.0';

/** Files and folders of `src/` in order: each may import from those before it. */
const LAYERS = [
  'validation.ts', 'preset.ts', 'capacity.ts', 'scaling-options.ts', 'network', 'ingress', 'task', 'deployment',
  'scaling.ts', 'observability', 'cost',
];

const project = new awscdk.AwsCdkConstructLibrary({
  name: PUBLISHED_AS.npm,
  description: 'Deploy an HTTP service on AWS Fargate with one line of AWS CDK, and test it locally first',
  keywords: ['aws', 'cdk', 'fargate', 'ecs', 'load-balancer', 'container', 'service'],
  author: 'hello-fargate-service contributors',
  authorAddress: PUBLISHED_AS.repository.replace(/\.git$/, ''),
  authorOrganization: true,
  repositoryUrl: PUBLISHED_AS.repository,
  license: 'Apache-2.0',
  copyrightOwner: 'hello-fargate-service contributors',
  defaultReleaseBranch: 'main',
  majorVersion: 0,

  packageManager: javascript.NodePackageManager.NPM,
  // util.parseEnv
  minNodeVersion: '20.12.0',
  cdkVersion: CDK_FLOOR,
  constructsVersion: '10.5.1',
  jsiiVersion: '~6.0.0',
  typescriptVersion: '~6.0.0',

  publishToPypi: { ...PUBLISHED_AS.pypi, trustedPublishing: true },
  publishToMaven: { ...PUBLISHED_AS.maven, mavenServerId: 'central-ossrh' },
  publishToNuget: { ...PUBLISHED_AS.nuget, trustedPublishing: true },
  publishToGo: PUBLISHED_AS.go,

  github: true,
  githubOptions: { mergify: false },
  workflowNodeVersion: '24.x',
  // A release is started by hand; its notes, dist/changelog.md, come from the commits since the last one.
  release: true,
  releaseTrigger: release.ReleaseTrigger.workflowDispatch(),
  npmTrustedPublishing: true,
  npmProvenance: true,
  // A build that would change a committed file fails instead of pushing to the pull request.
  buildWorkflowOptions: { mutableBuild: false },
  depsUpgradeOptions: { workflowOptions: { schedule: javascript.UpgradeDependenciesSchedule.WEEKLY } },
  pullRequestTemplateContents: [
    '<!-- What changes for users, and why? CONTRIBUTING.md has the checklist for a new prop. -->',
    '',
    '- [ ] `npx projen build` passes and changes no committed file',
    '- [ ] New behavior has a test that fails without the change',
    '- [ ] No logical ID changes, or the title says `feat!:` or `fix!:` and the text says what is replaced',
  ],

  devDeps: [
    // The integ tests. Newer aws-cdk-lib write assemblies that this runner cannot read, hence CDK_FLOOR.
    '@aws-cdk/integ-tests-alpha@2.245.0-alpha.0',
    '@aws-cdk/integ-runner@2.197.10',
    'aws-cdk@^2.1148.1',
    `aws-cdk-lib-newest@npm:aws-cdk-lib@${CDK_NEWEST}`,
    // go.mod names what is installed here, and Go's module proxy does not have every version.
    '@aws-cdk/cloud-assembly-schema@53.25.0',
    // What CloudFormation would do with a change, in the tests.
    '@aws-cdk/cloudformation-diff@2.187.5',
    // The bill of materials of what the package bundles: `npx projen sbom`.
    '@cyclonedx/cyclonedx-esbuild@1.4.4',
    // What reviewers of security find in the templates.
    'cdk-nag@^3.0.2',
    // The example app: bundled into one file by esbuild, so that an image build installs nothing.
    'express@5.3.0',
    '@types/express@^5',
    'pino@10.4.0',
    'esbuild@0.28.2',
    // The schema of a dashboard, in the tests.
    'ajv@^8.20.0',
    'concurrently@^9',
    // Hostile values of props, in the tests.
    'fast-check@^4.10.2',
    // Runs the TypeScript of integ tests, benches and checks without compiling it first.
    'tsx@4.23.15',
  ],

  // An allowlist (`files`, below) says what the tarball holds; an ignore list forgets.
  npmignoreEnabled: false,
  bin: { 'hello-fargate-service': 'bin/hello-fargate-service' },

  sampleCode: false,
  projenrcTs: true,
  projenrcTsOptions: { projenCodeDir: '.projen' },
  tsconfigDevFile: 'tsconfig.dev.json',
  tsconfigDev: {
    compilerOptions: {
      rootDir: '.',
      types: ['jest', 'node'],
      // The examples import the package, as the apps of users do.
      paths: { [PUBLISHED_AS.npm]: ['./src'] },
    },
    include: ['.projenrc.ts', 'integ/**/*.ts', 'example-app/src/**/*.ts', 'bench/**/*.ts', 'tools/**/*.ts'],
    exclude: ['node_modules', 'lib', 'dist', 'cdk.out', 'example-app/dist', 'examples', 'integ/**/*.snapshot'],
  },
  typecheckTests: true,
  eslintOptions: {
    dirs: ['src'],
    devdirs: ['test', 'integ', 'bench', 'tools', 'example-app/src'],
    projectService: false,
    tsconfigPath: './tsconfig.dev.json',
    // A check does not rewrite what it checks.
    commandOptions: { fix: false },
  },
  jestOptions: {
    updateSnapshot: javascript.UpdateSnapshot.NEVER,
    configFilePath: 'jest.config.json',
    jestConfig: {
      modulePathIgnorePatterns: ['integ/.*\\.snapshot', 'cdk.out', 'dist', 'lib']
        .map((directory) => `<rootDir>/${directory}/`),
      moduleNameMapper: { [`^${PUBLISHED_AS.npm}$`]: '<rootDir>/src' },
      testTimeout: 60_000,
      collectCoverage: false,
      setupFiles: ['<rootDir>/test/support/setup.ts'],
      // One more than the cores of a small machine: rehearsals wait more than they compute.
      maxWorkers: 3,
      testPathIgnorePatterns: ['/node_modules/', '\\.thorough\\.test\\.ts$'],
    },
    junitReporting: false,
  },
  integrationTestAutoDiscover: false,
  lambdaAutoDiscover: false,
  edgeLambdaAutoDiscover: false,
  lambdaExtensionAutoDiscover: false,

  gitignore: [
    '/cdk.out/',
    '/integ/**/*.snapshot/asset.*',
    '/integ/cdk-integ.out.*',
    '*.tgz',
    '.jsii.tabl.json',
    '!/example-app/dist/',
  ],
});

// unrs-resolver 1.13.0 lists platform packages that its registry entry does not have: `npm ci` would fail.
project.package.addPackageResolutions('unrs-resolver@1.12.2');

project.package.addField('files', [
  'API.md',
  'bin',
  'lib',
  '.jsii',
  'example-app/Dockerfile',
  'example-app/.dockerignore',
  'example-app/README.md',
  'example-app/health-check.js',
  'example-app/dist',
]);
project.gitattributes.addAttributes('/example-app/dist/**', 'linguist-generated', '-diff');
project.gitattributes.addAttributes('/integ/**/*.snapshot/**', 'linguist-generated');

// ---------------------------------------------------------------------------------------------------------------------
// The example app
// ---------------------------------------------------------------------------------------------------------------------

project.addTask('bundle', {
  description: 'Bundle example-app/src into example-app/dist/server.js',
  exec: 'tsx example-app/bundle.ts',
});

project.addTask('test:example-app', {
  description: 'Stop the example app under load ten times in each of three cases, and send it hostile input (minutes)',
  exec: 'tsx tools/stress-example-app.ts',
  receiveArgs: true,
});
project.addTask('cost', {
  description: 'Print the cost tables of README and docs/cost.md',
  exec: 'tsx tools/cost-tables.ts',
});
project.addTask('tables', {
  description: 'Write the generated tables of README.md, docs/ and SECURITY.md',
  exec: 'tsx tools/update-tables.ts',
});
project.addTask('upgrade-safety', {
  description: 'List what an upgrade from another commit would replace, delete or break; fails unless announced',
  exec: 'tsx tools/upgrade-safety.ts',
  receiveArgs: true,
});
project.addTask('compatibility', {
  description: 'Try the packed library with other versions of Node.js, its peers, Python, Java and Go',
  steps: [{ spawn: 'compile' }, { exec: 'tsx tools/compatibility.ts', receiveArgs: true }],
});
project.addTask('bench', {
  description: 'Compare the construct with aws-ecs-patterns, Solutions Constructs, L2 and ECS Express Mode (5 minutes)',
  steps: [{ spawn: 'compile' }, { exec: 'tsx bench/synth/main.ts', receiveArgs: true }],
});
project.addTask('bench:app', {
  description: 'Compare the example app with bare node:http, Express and Fastify',
  exec: 'tsx bench/app/main.ts',
  receiveArgs: true,
});

// ---------------------------------------------------------------------------------------------------------------------
// Integ tests and the rehearsal
// ---------------------------------------------------------------------------------------------------------------------

new TextFile(project, 'integ.config.json', {
  lines: [
    JSON.stringify({
      directory: 'integ',
      language: ['typescript'],
      app: 'tsx {filePath}',
    }, undefined, 2),
  ],
});
// Without a region the runner waits for the metadata service of an EC2 instance.
const INTEG_ENV = { AWS_REGION: 'us-east-1' };
project.addTask('integ', {
  description: 'Check the snapshots of the integ tests; needs neither AWS nor a container engine',
  env: INTEG_ENV,
  exec: 'integ-runner --max-workers 3',
  receiveArgs: true,
});
project.addTask('integ:update', {
  description: 'Rewrite the snapshots of the integ tests without deploying them',
  env: INTEG_ENV,
  exec: 'integ-runner --update-on-failed --dry-run',
  receiveArgs: true,
});
project.addTask('integ:emulator', {
  description: 'Deploy integ tests to floci, an emulator of AWS, run their assertions, and destroy them; needs Docker',
  env: INTEG_ENV,
  exec: 'bash tools/emulator/integ.sh',
  receiveArgs: true,
});
project.addTask('integ:deploy', {
  description: 'Deploy the integ tests to the AWS account of the environment, assert over HTTP, and destroy them',
  exec: 'integ-runner --update-on-failed --force --no-update-workflow',
  receiveArgs: true,
});
const REHEARSAL = 'tsx src/rehearsal/main.ts rehearse';
project.addTask('rehearse', {
  description: 'Synthesize the default service, run it on this machine and check that /health returns 200',
  steps: [
    { exec: 'tsx integ/integ.default.ts', env: { CDK_OUTDIR: 'cdk.out', ...INTEG_ENV } },
    { exec: `${REHEARSAL} cdk.out`, receiveArgs: true },
  ],
});
project.addTask('rehearse:integ', {
  description: 'Synthesize every integ scenario and run its assertions on this machine, without an AWS account',
  // Values of the secrets of integ.secrets-and-exec.
  env: { PASSWORD: 'only for this machine', GREETING: 'hello' },
  exec: `${REHEARSAL} --integ integ --quick --once`,
  receiveArgs: true,
});
const ENGINE_UP = 'bash test/support/rehearsal/engine-up.sh';
const ENGINE_TEST = 'jest --coverage=false test/rehearsal/tasks/containers/engine.test.ts';
project.addTask('test:engine', {
  description: 'Rehearse in Docker and Podman, native and for ARM64; installs them on Debian and Ubuntu (10 minutes)',
  exec: `${ENGINE_UP} ${ENGINE_TEST}`,
  receiveArgs: true,
});
project.addTask('test:engine:quick', {
  description: 'Rehearse the default service in Docker only; says why it is skipped without an engine',
  exec: `${ENGINE_UP} --quick ${ENGINE_TEST} -t "the full rehearsal of the default service"`,
  receiveArgs: true,
});
// Each leaves a core idle at times.
project.testTask.reset('jest --passWithNoTests --ci', { receiveArgs: true });
project.testTask.exec('concurrently --group "tsc --noEmit -p tsconfig.dev.json" "projen eslint" "projen integ"');
project.addTask('test:newest', {
  description: `Run the unit tests of the construct against aws-cdk-lib ${CDK_NEWEST}`,
  exec: 'jest --config jest.newest.config.js',
  receiveArgs: true,
});

project.addTask('test:thorough', {
  description: 'Run the tests that are too slow for every change',
  exec: 'jest --testPathIgnorePatterns /node_modules/ --testMatch "**/*.thorough.test.ts"',
  receiveArgs: true,
});
// Most of the rehearsal runs in processes of its own, which are not measured.
const MEASURED = ['src/**/*.ts', '!src/rehearsal/**'].map((files) => `--collectCoverageFrom "${files}"`).join(' ');
project.addTask('test:coverage', {
  description: 'Fail if the unit tests cover less than 95 % of the branches of the construct, and list the others',
  exec: `jest --coverage --coverageReporters text ${MEASURED} --testPathIgnorePatterns test/rehearsal test/example-app`
    + ' thorough --coverageThreshold \'{"global":{"branches":95}}\'',
});
project.addTask('test:pairwise', {
  description: 'Synthesize combinations that cover every pair of option values, and lint them; needs Python 3 and PyPI',
  exec: 'tsx tools/pairwise.ts',
  receiveArgs: true,
});
project.addTask('lint:templates', {
  description: 'Run cfn-lint on the template of every combination of ingress, egress and VPC; needs Python 3 and PyPI',
  exec: 'tsx tools/lint-templates.ts',
});

// ---------------------------------------------------------------------------------------------------------------------
// Checks of the repository itself
// ---------------------------------------------------------------------------------------------------------------------

// Limits of length, and the directions of imports.
const eslint = project.eslint!;
eslint.addRules({
  '@stylistic/max-len': ['error', { code: 120, tabWidth: 2, ignoreUrls: true }],
  'max-lines': ['error', 350],
  'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
  'max-params': ['error', 4],
  'no-nested-ternary': ['error'],
  'curly': ['error', 'all'],
  'import/no-cycle': ['error'],
  'import/enforce-node-protocol-usage': ['error', 'always'],
  'import/no-restricted-paths': ['error', { zones: importZones() }],
  '@typescript-eslint/no-explicit-any': ['error'],
});
// A describe block is a function too, and a table of cases is long.
eslint.addOverride({
  files: ['test/**/*.ts'],
  rules: { 'max-lines': ['off'], 'max-lines-per-function': ['off'], '@typescript-eslint/no-explicit-any': ['off'] },
});
eslint.addOverride({ files: ['src/props.ts', '.projenrc.ts'], rules: { 'max-lines': ['off'] } });
// The root of aws-cdk-lib loads each module when it is first used.
eslint.addOverride({
  files: ['src/**/*.ts'],
  excludedFiles: ['src/rehearsal/**'],
  rules: { 'no-restricted-imports': ['error', { patterns: ['aws-cdk-lib/*'] }] },
});
// They are measured as users write them.
eslint.addOverride({ files: ['bench/synth/apps/*.ts'], rules: { 'max-lines-per-function': ['off'] } });

project.addTask('lint:language', {
  description: 'Find words that are not plain American English, as listed in tools/check-language.ts',
  exec: 'tsx tools/check-language.ts',
});
project.addTask('lint:workflows', {
  description: 'Run actionlint on the GitHub workflows; needs Go',
  exec: 'bash tools/actionlint.sh',
});
project.addTask('architecture', {
  description: 'Draw the picture in ARCHITECTURE.md from the imports; --check fails if it is out of date',
  exec: 'tsx tools/architecture.ts',
  receiveArgs: true,
});

// projen says `stable`, which PyPI would show as Production/Stable; this is version 0.
project.package.addField('stability', undefined);
project.tryFindObjectFile('package.json')!
  .addOverride('jsii.targets.python.classifiers', ['Development Status :: 4 - Beta']);

// A name that is a reserved word in one of the languages is a warning.
project.compileTask.reset('jsii --fail-on-warnings');
// The compiler leaves out plain JavaScript: programs that the rehearsal starts by their path.
project.compileTask.exec('tsx tools/copy-programs.ts');

// The snippets of README and docstrings, translated for the documentation of the other languages. Without the file,
// they would be TypeScript there.
const SNIPPETS = 'dist/snippets.tabl.json';
/** A file that is there is whole. */
const NEW_SNIPPETS = 'dist/new-snippets.tabl.json';
project.addTask('snippets', {
  description: 'Compile the snippets of README and docstrings, and translate them; needs the output of compile',
  steps: [
    { exec: `mkdir -p dist && rm -f ${SNIPPETS} ${NEW_SNIPPETS}` },
    { exec: `jsii-rosetta extract --strict --cache ${NEW_SNIPPETS}` },
    { exec: `tsx tools/go-snippets.ts ${NEW_SNIPPETS}` },
    { exec: `mv ${NEW_SNIPPETS} ${SNIPPETS}` },
  ],
});
for (const target of ['js', 'java', 'python', 'dotnet', 'go']) {
  const translated = target === 'js' ? '' : ` --rosetta-tablet ${SNIPPETS} --rosetta-unknown-snippets fail`;
  // jsii-pacmak would write an .npmignore that nothing uses: `files` says what the tarball has.
  project.tasks.tryFind(`package:${target}`)!
    .reset(`jsii-pacmak -v --target ${target} --no-npmignore${translated}`, { receiveArgs: true });
}
const sbom = project.addTask('sbom', {
  description: 'Write a bill of materials (CycloneDX) of the code that the package bundles, beside its tarball',
  exec: 'tsx tools/sbom.ts',
});
project.tasks.tryFind('package:js')!.spawn(sbom);
for (const all of ['package', 'package-all']) {
  project.tasks.tryFind(all)!.prependSpawn(project.tasks.tryFind('snippets')!);
}
project.addTask('docgen:languages', {
  description: 'Write the API reference of each language to dist/docs; needs the output of compile',
  steps: [
    { exec: 'mkdir -p dist/docs' },
    { exec: 'jsii-docgen -l typescript python java csharp go -o dist/docs/API' },
  ],
});
project.addTask('examples', {
  description: 'Package the library for each language, install it in examples/, compare the templates, rehearse',
  exec: 'tsx tools/examples/main.ts',
  receiveArgs: true,
});
project.addTask('examples:database', {
  description: 'Rehearse examples/database-and-cache with a real PostgreSQL and Redis; needs both (1 minute)',
  exec: 'tsx tools/examples/database-and-cache.ts',
});

// ---------------------------------------------------------------------------------------------------------------------
// GitHub
// ---------------------------------------------------------------------------------------------------------------------

const checks = new github.GithubWorkflow(project.github!, 'checks');
checks.on({ pullRequest: {}, push: { branches: ['main'] }, workflowDispatch: {} });
const CHECKOUT_AND_TOOLS = [
  github.WorkflowSteps.checkout(),
  { uses: 'actions/setup-node@v7.0.0', with: { 'node-version': '24.x', 'package-manager-cache': 'false' } },
  { uses: 'actions/setup-go@v7.0.0', with: { 'go-version': 'stable', 'cache': 'false' } },
];
checks.addJob('checks', {
  name: 'Everything that must hold before a change lands',
  runsOn: ['ubuntu-latest'],
  timeoutMinutes: 60,
  permissions: { contents: github.workflows.JobPermission.READ },
  steps: [...CHECKOUT_AND_TOOLS, { run: 'bash .ci/run' }],
});
checks.addJob('upgrade', {
  name: 'What an upgrade would replace or delete',
  if: 'github.event_name == \'pull_request\'',
  runsOn: ['ubuntu-latest'],
  timeoutMinutes: 15,
  permissions: { contents: github.workflows.JobPermission.READ },
  steps: [
    github.WorkflowSteps.checkout({ with: { fetchDepth: 0 } }),
    ...CHECKOUT_AND_TOOLS.slice(1),
    { run: 'npm ci' },
    { run: 'npx projen upgrade-safety "$BASE"', env: { BASE: '${{ github.event.pull_request.base.sha }}' } },
  ],
});
checks.addJob('coverage', {
  name: 'Coverage of the construct',
  runsOn: ['ubuntu-latest'],
  timeoutMinutes: 30,
  permissions: { contents: github.workflows.JobPermission.READ },
  steps: [...CHECKOUT_AND_TOOLS, { run: 'npm ci' }, { run: 'npx projen test:coverage' }],
});
checks.addJob('combinations', {
  name: 'cfn-lint over every drawn combination of options', // `.ci/run` takes as many as cover each pair of values
  runsOn: ['ubuntu-latest'],
  timeoutMinutes: 30,
  permissions: { contents: github.workflows.JobPermission.READ },
  steps: [...CHECKOUT_AND_TOOLS, { run: 'npm ci' }, { run: 'npx projen test:pairwise' }],
});
checks.addJob('languages', {
  name: 'The package in every language',
  runsOn: ['ubuntu-latest'], // has Python, Maven with a JDK, and the .NET SDK
  timeoutMinutes: 60,
  permissions: { contents: github.workflows.JobPermission.READ },
  steps: [...CHECKOUT_AND_TOOLS, { run: 'npm ci' }, { run: 'npx projen examples' }],
});
checks.addJob('database', {
  name: 'The example with a database and a cache',
  runsOn: ['ubuntu-latest'], // has PostgreSQL
  timeoutMinutes: 20,
  permissions: { contents: github.workflows.JobPermission.READ },
  steps: [
    ...CHECKOUT_AND_TOOLS,
    { run: 'npm ci' },
    { run: 'sudo apt-get update && sudo apt-get install --yes postgresql redis-server' },
    { run: 'npx projen examples:database' },
  ],
});

checks.addJob('emulator', {
  name: 'The default service on an emulator of AWS',
  runsOn: ['ubuntu-24.04-arm'], // runs the ARM64 image without emulation
  timeoutMinutes: 30,
  permissions: { contents: github.workflows.JobPermission.READ },
  steps: [...CHECKOUT_AND_TOOLS, { run: 'npm ci' }, { run: 'npx projen integ:emulator' }],
});

const FILES = { committed: true, marker: true, readonly: true };
const textArea = (id: string, label: string, description: string) =>
  ({ type: 'textarea', id, attributes: { label, description }, validations: { required: true } });
new YamlFile(project, '.github/ISSUE_TEMPLATE/bug.yml', {
  ...FILES,
  obj: {
    name: 'Bug',
    description: 'Something fails, or behaves differently from its documentation',
    labels: ['bug'],
    body: [
      textArea('code', 'Code', 'The smallest CDK code that shows it'),
      textArea('expected', 'Expected and actual behavior', 'With the error, stack events or output of the rehearsal'),
      textArea('versions', 'Versions', 'hello-fargate-service, aws-cdk-lib, Node.js, language, operating system'),
    ],
  },
});
new YamlFile(project, '.github/ISSUE_TEMPLATE/feature.yml', {
  ...FILES,
  obj: {
    name: 'Feature',
    description: 'Something that the construct or the rehearsal cannot do yet',
    labels: ['enhancement'],
    body: [
      textArea('problem', 'Problem', 'What you want to achieve, and how you do it today'),
      textArea('proposal', 'Proposal', 'The code that you would like to write'),
    ],
  },
});
new YamlFile(project, '.github/ISSUE_TEMPLATE/config.yml', {
  ...FILES,
  obj: {
    blank_issues_enabled: false,
    contact_links: [{
      name: 'Security',
      url: `${PUBLISHED_AS.repository.replace(/\.git$/, '')}/security/advisories/new`,
      about: 'Report a vulnerability in private',
    }],
  },
});

project.synth();

/** Which folder may not import which, with the reason that the linter prints. */
function importZones() {
  const zone = (target: string | string[], from: string | string[], message: string, except?: string[]) =>
    ({ target, from, except, message });
  return [
    zone('./src/!(rehearsal)/**/*', './src/rehearsal', 'the construct does not import the rehearsal'),
    zone('./src/*.ts', './src/rehearsal', 'the construct does not import the rehearsal'),
    zone('./src/rehearsal', './src', 'the rehearsal does not import the construct', ['./rehearsal']),
    zone('./src', ['./tools', './bench', './test', './integ', './example-app'], 'src/ imports nothing outside src/'),
    zone('./src/rehearsal/checks', './src/rehearsal/templates', 'checks read the model, not templates'),
    zone('./src/rehearsal/edge', './src/rehearsal/templates', 'the edge reads the model, not templates'),
    // observability/logs.ts comes before all folders: each task has a log group.
    ...LAYERS.slice(0, -1).flatMap((layer, index) => LAYERS.slice(index + 1).map((later) => zone(
      `./src/${layer}`,
      `./src/${later}`,
      `${layer} does not import ${later}, which comes after it`,
      later === 'observability' ? ['./logs.ts'] : undefined,
    ))),
    zone(
      LAYERS.map((layer) => `./src/${layer}`),
      ['./src/props.ts', './src/hello-fargate-service.ts', './src/ecs-service.ts', './src/index.ts'],
      'a part does not import the whole',
    ),
  ];
}
