import { awscdk, javascript, TextFile } from 'projen';

/**
 * Every name under which the package is published, in one place, for the owner to replace.
 * Nothing else in the repository repeats them.
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
  nuget: { packageId: 'HelloFargateService', dotNetNamespace: 'HelloFargateService' },
  go: { moduleName: 'github.com/hello-fargate-service/hello-fargate-service-go' },
};

/** The lowest aws-cdk-lib that users may have; the library is developed against it. */
const CDK_FLOOR = '2.257.0';
/** The newest aws-cdk-lib that the unit tests are run against as well, by `npx projen test:newest`. */
const CDK_NEWEST = '2.276.0';

const project = new awscdk.AwsCdkConstructLibrary({
  name: PUBLISHED_AS.npm,
  description: 'One line of CDK gives an HTTP service on AWS Fargate that can be tried before it is deployed',
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
  minNodeVersion: '20.0.0',
  cdkVersion: CDK_FLOOR,
  constructsVersion: '10.5.1',
  jsiiVersion: '~6.0.0',
  typescriptVersion: '~6.0.0',

  publishToPypi: PUBLISHED_AS.pypi,
  publishToMaven: PUBLISHED_AS.maven,
  publishToNuget: PUBLISHED_AS.nuget,
  publishToGo: PUBLISHED_AS.go,
  // Publishing needs an owner with credentials: no workflow is generated that could not run.
  github: false,
  release: false,
  depsUpgrade: false,

  devDeps: [
    // The integ tests. Newer aws-cdk-lib write assemblies that this runner cannot read, hence CDK_FLOOR.
    '@aws-cdk/integ-tests-alpha@2.245.0-alpha.0',
    '@aws-cdk/integ-runner@2.197.10',
    'aws-cdk@^2.1148.1',
    `aws-cdk-lib-newest@npm:aws-cdk-lib@${CDK_NEWEST}`,
    // What CloudFormation would do with a change, in the tests.
    '@aws-cdk/cloudformation-diff@2.187.5',
    // What reviewers of security find in the templates.
    'cdk-nag@^3.0.2',
    // The example app: bundled into one file by esbuild, so that an image build installs nothing.
    'express@5.3.0',
    '@types/express@^5',
    'pino@10.4.0',
    'esbuild@0.28.2',
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
    compilerOptions: { rootDir: '.', types: ['jest', 'node'] },
    include: ['.projenrc.ts', 'integ/**/*.ts', 'example-app/src/**/*.ts', 'bench/**/*.ts', 'tools/**/*.ts'],
    exclude: ['node_modules', 'lib', 'dist', 'cdk.out', 'example-app/dist', 'integ/**/*.snapshot'],
  },
  typecheckTests: true,
  eslintOptions: {
    dirs: ['src'],
    devdirs: ['test', 'integ', 'bench', 'tools', 'example-app/src'],
    projectService: false,
    tsconfigPath: './tsconfig.dev.json',
    // A check must not rewrite what it checks.
    commandOptions: { fix: false },
  },
  jestOptions: {
    updateSnapshot: javascript.UpdateSnapshot.NEVER,
    configFilePath: 'jest.config.json',
    jestConfig: {
      modulePathIgnorePatterns: ['<rootDir>/integ/.*\\.snapshot/', '<rootDir>/cdk.out/', '<rootDir>/dist/', '<rootDir>/lib/'],
      testTimeout: 60_000,
      collectCoverage: false,
      // One more than the cores of a small machine: rehearsals wait more than they compute.
      maxWorkers: 3,
    },
    junitReporting: false,
  },
  integrationTestAutoDiscover: false,
  lambdaAutoDiscover: false,
  edgeLambdaAutoDiscover: false,
  lambdaExtensionAutoDiscover: false,

  gitignore: ['/cdk.out/', '/integ/**/*.snapshot/asset.*', '/integ/cdk-integ.out.*', '*.tgz', '.jsii.tabl.json', '!/example-app/dist/'],
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
  description: 'Stop the example app under load ten times in each of three cases, and send it hostile input; takes minutes',
  exec: 'tsx tools/stress-example-app.ts',
  receiveArgs: true,
});
project.addTask('cost', {
  description: 'Print the tables of README that say what a service costs',
  exec: 'tsx tools/cost-tables.ts',
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
const integ = project.addTask('integ', {
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
project.addTask('integ:deploy', {
  description: 'Deploy the integ tests to the AWS account of the environment, assert over HTTP, and destroy them',
  exec: 'integ-runner --update-on-failed --force --no-update-workflow',
  receiveArgs: true,
});
// Not by tsx: it changes functions, and the rehearsal hands one to the tasks as text.
const REHEARSAL = 'ts-node -T -P tsconfig.dev.json src/rehearsal/main.ts rehearse';
project.addTask('rehearse', {
  description: 'Synthesise the default service and run it on this machine; asserts that /health answers 200',
  steps: [
    { exec: 'tsx integ/integ.default.ts', env: { CDK_OUTDIR: 'cdk.out', ...INTEG_ENV } },
    { exec: `${REHEARSAL} cdk.out`, receiveArgs: true },
  ],
});
project.addTask('rehearse:integ', {
  description: 'Synthesise every integ scenario and run its assertions on this machine, without an account',
  // What the scenario with secrets has in Secrets Manager and the Parameter Store.
  env: { PASSWORD: 'only for this machine', GREETING: 'hello' },
  exec: `${REHEARSAL} --integ integ --quick --once`,
  receiveArgs: true,
});
project.addTask('test:engine', {
  description: 'Rehearse in Docker and Podman, native and for ARM64; installs them on Debian and Ubuntu, needs root, takes ten minutes',
  exec: 'bash test/support/rehearsal/engine-up.sh jest --coverage=false test/rehearsal/tasks/containers/engine.test.ts',
  receiveArgs: true,
});
project.addTask('test:engine:quick', {
  description: 'The smallest proof of that, in Docker alone; says why it is skipped where there is no engine and none can be installed',
  exec: 'bash test/support/rehearsal/engine-up.sh --quick jest --coverage=false test/rehearsal/tasks/containers/engine.test.ts -t "the whole verdict on the default service"',
  receiveArgs: true,
});
project.testTask.spawn(integ);
project.addTask('test:newest', {
  description: `Run the unit tests of the construct against aws-cdk-lib ${CDK_NEWEST}`,
  exec: 'jest --config jest.newest.config.js',
  receiveArgs: true,
});

project.addTask('test:pairwise', {
  description: 'Synthesise hundreds of drawn combinations of options, which cover every pair of values, and lint them; needs Python 3 and PyPI',
  exec: 'tsx tools/pairwise.ts',
  receiveArgs: true,
});
project.addTask('lint:templates', {
  description: 'Put cfn-lint over the template of every combination of options; needs Python 3 and PyPI',
  exec: 'tsx tools/lint-templates.ts',
});

project.synth();
