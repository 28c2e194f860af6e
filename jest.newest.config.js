// The unit tests of the construct once more, against the newest aws-cdk-lib instead of the lowest that is supported.
process.env.CDK_VALIDATION = 'false';

const config = require('./jest.config.json');

module.exports = {
  ...config,
  collectCoverage: false,
  testMatch: ['<rootDir>/test/*.test.ts'],
  moduleNameMapper: { '^aws-cdk-lib($|/.*)': '<rootDir>/node_modules/aws-cdk-lib-newest$1' },
};
