import { aws_ec2 as ec2, aws_ecs as ecs } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';
import { EXAMPLE_APP } from './service-image';
import { limited, show, Validation } from '../validation';

/** Options for `connectTo`. */
export interface ConnectionOptions {
  /**
   * TCP port of the target, 1 to 65535.
   *
   * @default - the default port of its connections
   */
  readonly port?: number;

  /**
   * Environment variables with connection details for the container, like a host name or a database name.
   *
   * @default - no environment variables
   */
  readonly environment?: { [name: string]: string };

  /**
   * Environment variables with values from Secrets Manager or SSM Parameter Store, like a password.
   *
   * @default - no secrets
   */
  readonly secrets?: { [name: string]: ecs.Secret };
}

interface Variable {
  readonly name: string;
}

/** The part of a service that connects to a target. */
interface Client extends ec2.IConnectable, IConstruct {
  readonly container: ecs.ContainerDefinition;
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html (description) */
const NOT_IN_RULES = /[^a-zA-Z0-9. _\-:/()#,@[\]+=&;{}!$*]/g;

/** Allows the tasks to connect to the target, and adds the variables to the container. */
export function connect(
  validation: Validation, client: Client, target: ec2.IConnectable, options: ConnectionOptions,
): void {
  const { environment = {}, secrets = {} } = options;
  validateVariables(validation, client.container, { environment, secrets });
  validateTarget(validation, target, options.port);
  validation.throwIfRefused();

  const port = options.port === undefined ? target.connections.defaultPort! : ec2.Port.tcp(options.port);
  // `allowTo` of CDK warns that the tasks have unrestricted outbound access anyway. Like it, this creates the rule in
  // the stack of the service, so that the stack of the target does not depend on it.
  for (const targetGroup of target.connections.securityGroups) {
    for (const clientGroup of client.connections.securityGroups) {
      targetGroup.addIngressRule(clientGroup, port, limited(`From ${client.node.path}`, 255, NOT_IN_RULES), true);
    }
  }
  Object.entries(environment).forEach(([name, value]) => client.container.addEnvironment(name, value));
  Object.entries(secrets).forEach(([name, secret]) => client.container.addSecret(name, secret));
}

function validateVariables(
  validation: Validation, container: ecs.ContainerDefinition, added: Required<Omit<ConnectionOptions, 'port'>>,
): void {
  const existing = container.renderContainerDefinition() as { environment?: Variable[]; secrets?: Variable[] };
  const variables = [...existing.environment ?? [], ...existing.secrets ?? []].map(({ name }) => name);
  const taken = new Set([...variables, ...Object.keys(EXAMPLE_APP.environment)]);
  for (const [list, values] of Object.entries(added)) {
    for (const [name, value] of Object.entries(values)) {
      if (taken.has(name)) {
        validation.refuse(`connectTo.${list}.${name}`, typeof value === 'string' ? show(value) : 'a secret',
          'the container already has a variable with that name', 'rename one of the two');
      }
      validation.variableName(`connectTo.${list}`, name);
      taken.add(name);
    }
  }
}

function validateTarget(validation: Validation, { connections }: ec2.IConnectable, port: number | undefined): void {
  validation.wholeNumber('connectTo.port', port, [1, 65535], 'a port');
  if (port === undefined && !connections.defaultPort) {
    validation.refuse('connectTo.port', 'not set', 'the target has no default port', 'set the port');
  }
  if (connections.securityGroups.length === 0) {
    validation.refuse('connectTo.other', 'without a security group', 'there is no security group to allow traffic to',
      'import it with its security group');
  }
}
