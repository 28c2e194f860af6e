import { aws_ecs as ecs, aws_iam as iam } from 'aws-cdk-lib';
import { Validation } from '../validation';

/** A policy has at most 6,144 characters, and a statement for a secret or its key about 300. */
const STATEMENTS_PER_POLICY = 15;

/** The default quota: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const POLICIES_PER_ROLE = 10;

/** Statements for the image and the logs. */
const OTHER_STATEMENTS = 3;

/** Each secret needs at least one statement. How many keys encrypt them is known only when they are granted. */
export function validateSecretCount(
  validation: Validation, prop: string, secrets: { readonly [name: string]: ecs.Secret },
): void {
  const count = new Set(Object.values(secrets).map(({ arn, hasField }) =>
    hasField ? arn.replace(/(:[^:]*){3}$/, '') : arn)).size;
  const max = POLICIES_PER_ROLE * STATEMENTS_PER_POLICY - OTHER_STATEMENTS;
  if (count > max) {
    validation.refuse(prop, `${count} secrets`, `the policies of the execution role have room for ${max}`,
      'keep several values in one secret, and pass the field to ecs.Secret.fromSecretsManager');
  }
}

/**
 * The task execution role. Its permissions are in managed policies, not inline, as NIST, HIPAA and PCI DSS checks
 * require.
 */
export class ExecutionRole extends iam.Role {
  public readonly policies: iam.ManagedPolicy[] = [];
  private readonly statements = new Set<string>();

  public addToPrincipalPolicy(statement: iam.PolicyStatement): iam.AddToPrincipalPolicyResult {
    // CDK grants the whole secret once for each field that is read.
    const text = JSON.stringify(statement);
    if (!this.statements.has(text)) {
      if (this.statements.size % STATEMENTS_PER_POLICY === 0) { this.policies.push(this.newPolicy()); }
      this.statements.add(text);
      this.policies[this.policies.length - 1].addStatements(statement);
    }
    return { statementAdded: true, policyDependable: this.policies[this.policies.length - 1] };
  }

  private newPolicy(): iam.ManagedPolicy {
    const { length } = this.policies;
    if (length === POLICIES_PER_ROLE) { this.refuseMoreStatements(); }
    return new iam.ManagedPolicy(this, length === 0 ? 'Policy' : `Policy${length + 1}`, { roles: [this] });
  }

  private refuseMoreStatements(): void {
    const service = this.node.scope!.node.scope!;
    const validation = new Validation(service);
    validation.refuse('secrets',
      `more than ${POLICIES_PER_ROLE * STATEMENTS_PER_POLICY} IAM statements, one for each secret and each key`,
      `the execution role can have ${POLICIES_PER_ROLE} policies`,
      'keep several values in one secret, and pass the field to ecs.Secret.fromSecretsManager');
    validation.throwIfRefused();
  }
}
