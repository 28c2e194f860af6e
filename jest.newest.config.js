// The unit tests of the construct once more, against the newest aws-cdk-lib instead of the lowest that is supported.
const config = require('./jest.config.json');

// From 2.262 on, each synthesis validates its templates, which takes seconds; contract.test.ts switches that on again.
process.env.CDK_VALIDATION = 'false';

module.exports = {
  ...config,
  collectCoverage: false,
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // SECURITY.md has what is found with the lowest version: the runtimes of CDK's own functions move.
  // What is worked out here and not by CDK need not be tested twice, and `lint:templates` has the combinations.
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/test/(rehearsal|example-app|tools|cost|observability)/',
    ...['package', 'changes', 'combinations', 'preset', 'validation', 'readme'].map((name) => `<rootDir>/test/${name}.test.ts`),
  ],
  moduleNameMapper: { '^aws-cdk-lib($|/.*)': '<rootDir>/node_modules/aws-cdk-lib-newest$1' },
};
