/** What CloudFormation says of a resource. */
interface Resource {
  readonly Type: string;
  readonly Properties?: { readonly [name: string]: any };
}

interface Statement {
  readonly Effect: string;
  readonly Action?: string | string[];
  readonly NotAction?: unknown;
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
  readonly Principal?: unknown;
}

/** Actions for which AWS takes no narrower resource, and where it says so. */
const FORCED: { readonly [action: string]: string } = {
  'ecr:GetAuthorizationToken': 'https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html',
  'ssmmessages:CreateControlChannel': 'https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmessagegatewayservice.html',
  'ssmmessages:CreateDataChannel': 'https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmessagegatewayservice.html',
  'ssmmessages:OpenControlChannel': 'https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmessagegatewayservice.html',
  'ssmmessages:OpenDataChannel': 'https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmessagegatewayservice.html',
  // A list of prefix lists is asked for, by the name that AWS gives to one of them.
  'ec2:DescribeManagedPrefixLists': 'https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html',
  // The agent of ECS Exec asks for the groups of the account, to find its own: "log-group:*" of one account and region is the least there is.
  'logs:DescribeLogGroups': 'https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html',
};

/** What CDK allows for the log router of FireLens, as its image is in another account of AWS in each region; only who asks for FireLens gets it. */
const FIRELENS = ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];

/** Policies of AWS that are taken as they are, and why. */
const AWS_MANAGED: { readonly [policy: string]: string } = {
  'service-role/AWSLambdaBasicExecutionRole': 'the functions of CDK\'s custom resources log by it',
  'AmazonECSInfrastructureRolePolicyForLoadBalancers': 'the role by which ECS shifts traffic; AWS asks for this policy',
};

/**
 * What the roles of a template may do beyond named resources, and AWS does not force.
 *
 * The policies of keys, buckets and topics say "*" of themselves, and are not looked at here but for who is allowed.
 */
export function tooWide(template: { Resources: { [id: string]: Resource } }): string[] {
  const ofFireLens = JSON.stringify(template).includes('"FirelensConfiguration"') ? FIRELENS : [];
  const tolerated = new Set([...Object.keys(FORCED), ...ofFireLens]);
  return Object.entries(template.Resources).flatMap(([id, { Type, Properties = {} }]) => {
    const found = (what: string) => `${id}: ${what}`;
    switch (Type) {
      case 'AWS::IAM::Policy':
      case 'AWS::IAM::ManagedPolicy':
        return wideStatements(Properties.PolicyDocument, tolerated).map(found);
      case 'AWS::IAM::Role':
        return [
          ...(Properties.Policies ?? []).flatMap((policy: any) => wideStatements(policy.PolicyDocument, tolerated)),
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

const listOf = <T>(value: T | T[] | undefined): T[] => value === undefined ? [] : Array.isArray(value) ? value : [value];

function wideStatements(document: { Statement: Statement[] }, tolerated: Set<string>): string[] {
  return document.Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action, NotAction, Resource, NotResource }) => {
    const actions = listOf(Action);
    const wildResources = listOf(Resource).map((resource) => JSON.stringify(resource)).filter(isWild);
    return [
      ...NotAction || NotResource ? ['a statement by exclusion'] : [],
      ...actions.filter((action) => /^\*|:\*$/.test(action)).map((action) => `the action ${action}`),
      ...wildResources.length > 0 ? actions.filter((action) => !tolerated.has(action)).map((action) => `${action} on ${wildResources.join(', ')}`) : [],
    ];
  });
}

/** Whether a resource stands for many. The objects of one bucket, and the streams of one log group, are what they are for. */
function isWild(resource: string): boolean {
  const withoutParts = resource.replace(/("|:|\/)\*"/g, (match) => match === '"*"' ? match : '"');
  return resource === '"*"' || withoutParts.includes('*') || /log-group:\*"/.test(resource);
}

/** What everybody may. CloudWatch Logs takes its policy as text, where quotes are escaped. */
function wideTrust(document: { Statement?: Statement[] }): string[] {
  if (!document.Statement) {
    return /"(AWS|Principal)":"\*"/.test(JSON.stringify(document).replace(/\\/g, '')) ? ['everybody is allowed something'] : [];
  }
  return document.Statement.filter(({ Effect, Principal }) => Effect === 'Allow' && /"\*"/.test(JSON.stringify(Principal ?? '')))
    .map(({ Action }) => `everybody may ${listOf(Action).join(', ')}`);
}
