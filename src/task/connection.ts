import { Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { IConstruct } from 'constructs';
import { show, Validation } from '../validation';

/** How the tasks connect to something: `connectTo`. */
export interface ConnectionOptions {
  /**
   * The port at which it is reached.
   *
   * @default - its default port
   */
  readonly port?: number;

  /**
   * What the container is told of it, as environment variables: its host name, the name of a database.
   *
   * @default - nothing
   */
  readonly environment?: { [name: string]: string };

  /**
   * What the container is told of it by Secrets Manager or the SSM Parameter Store: its password.
   *
   * @default - nothing
   */
  readonly secrets?: { [name: string]: ecs.Secret };
}

/** What a connection needs of the service. */
interface Connecting extends ec2.IConnectable, IConstruct {
  readonly container: ecs.ContainerDefinition;
}

export function connect(validation: Validation, service: Connecting, other: ec2.IConnectable, options: ConnectionOptions): void {
  const { container } = service;
  const { environment = {}, secrets = {} } = options;
  const has = container.renderContainerDefinition() as { environment?: Array<{ name: string }>; secrets?: Array<{ name: string }> };
  const taken = new Set([...has.environment ?? [], ...has.secrets ?? []].map(({ name }) => name));
  for (const [list, names] of Object.entries({ environment, secrets })) {
    for (const name of Object.keys(names)) {
      if (taken.has(name)) {
        validation.refuse(`connectTo.${list}.${name}`, list === 'secrets' ? 'a secret' : show(environment[name]), 'the container has that name already', 'rename one of the two');
      }
      if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name) && !Token.isUnresolved(name)) {
        validation.refuse(`connectTo.${list}`, show(name), 'the name of an environment variable has letters, digits and _ and does not start with a digit', 'rename it');
      }
      taken.add(name);
    }
  }
  validation.wholeNumber('connectTo.port', options.port, 1, 65535, 'a port');
  if (options.port === undefined && !other.connections.defaultPort) {
    validation.refuse('connectTo.port', 'not given', 'what you connect to has no default port', 'give the port');
  }
  if (other.connections.securityGroups.length === 0) {
    validation.refuse('connectTo.other', 'without a security group', 'nothing could be opened', 'import it with its security group');
  }
  validation.throwIfRefused();

  const port = options.port === undefined ? other.connections.defaultPort! : ec2.Port.tcp(options.port);
  // CDK's own `allowTo` warns that tasks may reach everything anyhow. As with it, the rule stands in the stack of the service: the other
  // one's, which the service refers to, must not refer back.
  for (const theirs of other.connections.securityGroups) {
    service.connections.securityGroups.forEach((ours) => theirs.addIngressRule(ours, port, `From ${service.node.path}`, true));
  }
  Object.entries(environment).forEach(([name, value]) => container.addEnvironment(name, value));
  Object.entries(secrets).forEach(([name, secret]) => container.addSecret(name, secret));
}
