import { App } from 'aws-cdk-lib';
import { GitHubRolesStack } from '../lib/github-roles-stack';

const app = new App();
new GitHubRolesStack(app, 'GitHubRoles', {
  repository: 'example/shop',
  environment: 'production',
  env: { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION },
});
