interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, any>>;
}

interface Statement {
  readonly Effect: string;
  readonly Action?: string | string[];
  readonly NotAction?: unknown;
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
  readonly Principal?: unknown;
}

const REFERENCE = 'https://docs.aws.amazon.com/service-authorization/latest/reference';

/** Actions that do not support specific resources, with the source. */
const FORCED: Readonly<Record<string, string>> = {
  'ecr:GetAuthorizationToken': `${REFERENCE}/list_amazonelasticcontainerregistry.html`,
  'ssmmessages:CreateControlChannel': `${REFERENCE}/list_amazonmessagegatewayservice.html`,
  'ssmmessages:CreateDataChannel': `${REFERENCE}/list_amazonmessagegatewayservice.html`,
  'ssmmessages:OpenControlChannel': `${REFERENCE}/list_amazonmessagegatewayservice.html`,
  'ssmmessages:OpenDataChannel': `${REFERENCE}/list_amazonmessagegatewayservice.html`,
  'ec2:DescribeManagedPrefixLists': `${REFERENCE}/list_amazonec2.html`,
  // The agent of ECS Exec lists log groups to find its own: "log-group:*" is the smallest resource that works.
  'logs:DescribeLogGroups': `${REFERENCE}/list_amazoncloudwatchlogs.html`,
};

/** Actions that CDK allows for the log router of FireLens: in each Region its image is in another account of AWS. */
const FIRELENS = ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];

/** Policies of AWS that are accepted, and why. */
const AWS_MANAGED: Readonly<Record<string, string>> = {
  AmazonECSInfrastructureRolePolicyForLoadBalancers: 'required by AWS for the role that shifts traffic',
};

/**
 * Statements that allow more than named resources, unless AWS requires that.
 *
 * The policies of keys, buckets and topics use "*" for themselves, so only their principals are checked.
 */
export function tooWide(template: { Resources: { [id: string]: Resource } }): string[] {
  const usesFireLens = JSON.stringify(template).includes('"FirelensConfiguration"');
  const accepted = new Set([...Object.keys(FORCED), ...usesFireLens ? FIRELENS : []]);
  return Object.entries(template.Resources).flatMap(([id, { Type, Properties = {} }]) => {
    const found = (statement: string) => `${id}: ${statement}`;
    switch (Type) {
      case 'AWS::IAM::Policy':
      case 'AWS::IAM::ManagedPolicy':
        return wideStatements(Properties.PolicyDocument, accepted).map(found);
      case 'AWS::IAM::Role':
        return [
          ...(Properties.Policies ?? []).flatMap((policy: any) => wideStatements(policy.PolicyDocument, accepted)),
          ...(Properties.ManagedPolicyArns ?? []).map((arn: unknown) => JSON.stringify(arn))
            .filter((arn: string) => !Object.keys(AWS_MANAGED).some((policy) => arn.includes(`:policy/${policy}"`))),
          ...wideTrust(Properties.AssumeRolePolicyDocument),
        ].map(found);
      case 'AWS::KMS::Key':
        return wideTrust(Properties.KeyPolicy).map(found);
      case 'AWS::S3::BucketPolicy':
      case 'AWS::SNS::TopicPolicy':
      case 'AWS::Logs::ResourcePolicy':
        return wideTrust(Properties.PolicyDocument).map(found);
      default:
        return [];
    }
  });
}

function listOf<T>(value: T | T[] | undefined): T[] {
  if (value === undefined) { return []; }
  return Array.isArray(value) ? value : [value];
}

function wideStatements(document: { Statement: Statement[] }, accepted: Set<string>): string[] {
  return document.Statement.filter(({ Effect }) => Effect === 'Allow').flatMap((statement) => {
    const actions = listOf(statement.Action);
    const wildcards = listOf(statement.Resource).map((resource) => JSON.stringify(resource)).filter(isWildcard);
    const found = actions.filter((action) => /^\*|:\*$/.test(action)).map((action) => `the action ${action}`);
    // A function that may create its log group leaves one behind: nothing deletes it with the stack.
    if (actions.includes('logs:CreateLogGroup')) { found.push('the action logs:CreateLogGroup'); }
    if (statement.NotAction || statement.NotResource) { found.push('a statement by exclusion'); }
    if (wildcards.length > 0) {
      const wide = actions.filter((action) => !accepted.has(action));
      found.push(...wide.map((action) => `${action} on ${wildcards.join(', ')}`));
    }
    return found;
  });
}

/** Whether it matches several resources, other than the objects of one bucket or the streams of one log group. */
function isWildcard(resource: string): boolean {
  const withoutParts = resource.replace(/("|:|\/)\*"/g, (match) => match === '"*"' ? match : '"');
  return resource === '"*"' || withoutParts.includes('*') || /log-group:\*"/.test(resource);
}

/** What anyone is allowed to do. */
function wideTrust(document: { Statement?: Statement[] }): string[] {
  if (!document.Statement) {
    // The policy of CloudWatch Logs is a string, in which quotes are escaped.
    const isPublic = /"(AWS|Principal)":"\*"/.test(JSON.stringify(document).replace(/\\/g, ''));
    return isPublic ? ['anyone is allowed something'] : [];
  }
  return document.Statement
    .filter(({ Effect, Principal }) => Effect === 'Allow' && /"\*"/.test(JSON.stringify(Principal ?? '')))
    .map(({ Action }) => `anyone may ${listOf(Action).join(', ')}`);
}
