import { Resources } from './closure';

/**
 * Lambda functions that create a log group of their own. Nothing deletes it, so it stays when the stack is deleted.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
 */
export function functionsWithOwnLogGroup(resources: Resources): string[] {
  return Object.entries(resources)
    .filter(([, { Type, Properties }]) => Type === 'AWS::Lambda::Function' && !Properties?.LoggingConfig)
    .filter(([, { Properties }]) => mayCreateLogGroup(resources, Properties!.Role['Fn::GetAtt'][0]))
    .map(([id]) => id);
}

function mayCreateLogGroup(resources: Resources, role: string): boolean {
  const { ManagedPolicyArns = [], Policies = [] } = resources[role].Properties!;
  const attached = Object.values(resources)
    .filter(({ Type }) => Type === 'AWS::IAM::Policy')
    .filter(({ Properties }) => Properties!.Roles.some(({ Ref }: any) => Ref === role))
    .map(({ Properties }) => Properties!.PolicyDocument);
  const documents = [...Policies.map((policy: any) => policy.PolicyDocument), ...attached];
  const actions = documents.flatMap(({ Statement }) => Statement.flatMap(({ Action }: any) => Action)) as string[];
  return ManagedPolicyArns.length > 0 || actions.some((action) => /^(\*|logs:(\*|Create(\*|LogGroup)))$/.test(action));
}
