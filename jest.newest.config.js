// The unit tests of the construct once more, against the newest aws-cdk-lib instead of the lowest that is supported.
const config = require('./jest.config.json');

// From 2.262 on, each synthesis validates its templates, which takes seconds; contract.test.ts switches that on again.
process.env.CDK_VALIDATION = 'false';

module.exports = {
  ...config,
  collectCoverage: false,
  testMatch: ['<rootDir>/test/*.test.ts', '<rootDir>/test/ingress/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/package.test.ts'],
  moduleNameMapper: { '^aws-cdk-lib($|/.*)': '<rootDir>/node_modules/aws-cdk-lib-newest$1' },
};
