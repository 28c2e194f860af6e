// Runs the unit tests of the construct against the newest aws-cdk-lib instead of the lowest that is supported.
const config = require('./jest.config.json');

// From 2.262 on, each synthesis validates its templates, which takes seconds. contract.test.ts enables it.
process.env.CDK_VALIDATION = 'false';

// SECURITY.md shows findings with the lowest version: the runtimes of the Lambda functions of CDK change.
// Results that do not depend on aws-cdk-lib are not tested twice, and `lint:templates` covers the combinations.
const folders = ['rehearsal', 'example-app', 'tools', 'cost', 'observability'];
const files = ['package', 'changes', 'combinations', 'preset', 'validation', 'readme'];

module.exports = {
  ...config,
  collectCoverage: false,
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: [
    ...config.testPathIgnorePatterns,
    `<rootDir>/test/(${folders.join('|')})/`,
    ...files.map((name) => `<rootDir>/test/${name}.test.ts`),
  ],
  moduleNameMapper: { ...config.moduleNameMapper, '^aws-cdk-lib($|/.*)': '<rootDir>/node_modules/aws-cdk-lib-newest$1' },
};
