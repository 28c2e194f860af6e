import { CfnOutput, Duration, Stack, StackProps } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

export interface GitHubRolesStackProps extends StackProps {
  /** Owner and name: `example/shop`. */
  readonly repository: string;
  /** The environment of GitHub whose jobs may deploy. Restrict it to the main branch, and require a reviewer there. */
  readonly environment: string;
}

const ISSUER = 'token.actions.githubusercontent.com';
/** Of `cdk bootstrap`, unless you changed it. */
const QUALIFIER = 'hnb659fds';

/**
 * Lets the workflows of one repository deploy with CDK to this account and Region, without keys that could leak: GitHub
 * signs a token for each job, and AWS exchanges it for credentials that expire within an hour.
 *
 * The roles have no permissions of their own. They may only assume the roles of `cdk bootstrap`.
 */
export class GitHubRolesStack extends Stack {
  constructor(scope: Construct, id: string, props: GitHubRolesStackProps) {
    super(scope, id, props);
    const { repository, environment } = props;
    // An account can have one provider for GitHub. If it has one, use iam.OidcProviderNative.fromOidcProviderArn.
    const provider = new iam.OidcProviderNative(this, 'GitHub', {
      url: `https://${ISSUER}`,
      clientIds: ['sts.amazonaws.com'],
    });

    const newRole = (name: string, subject: string, bootstrapRoles: string[]) => {
      const role = new iam.Role(this, name, {
        assumedBy: new iam.WebIdentityPrincipal(provider.oidcProviderArn, {
          StringEquals: { [`${ISSUER}:aud`]: 'sts.amazonaws.com', [`${ISSUER}:sub`]: subject },
        }),
        maxSessionDuration: Duration.hours(1),
      });
      role.addToPolicy(new iam.PolicyStatement({
        actions: ['sts:AssumeRole'],
        resources: bootstrapRoles.map((bootstrapRole) => this.formatArn({
          service: 'iam',
          region: '',
          resource: 'role',
          resourceName: `cdk-${QUALIFIER}-${bootstrapRole}-role-${this.account}-${this.region}`,
        })),
      }));
      new CfnOutput(this, `${name}Arn`, { value: role.roleArn });
    };
    newRole('Deploy', `repo:${repository}:environment:${environment}`,
      ['deploy', 'file-publishing', 'image-publishing', 'lookup']);
    // Pull requests may compare their template with the deployed one. The role can read most of the account, but nothing
    // that is encrypted with a KMS key.
    newRole('Diff', `repo:${repository}:pull_request`, ['lookup']);
  }
}
