import * as fs from 'node:fs';
import { App, AppProps, Stack, StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { HelloFargateService, HelloFargateServiceProps } from '../../src/index';

/** A stack in an app of its own. Without an environment it is environment-agnostic. */
export function newStack(props: StackProps = {}, appProps: AppProps = {}): Stack {
  // tree.json takes a tenth of the time of a synthesis, and no test reads it.
  return new Stack(new App({ treeMetadata: false, ...appProps }), 'Stack', props);
}

/** Calls a function once for each argument, and returns the same result from then on. */
export function memoize<K, V>(make: (key: K) => V): (key: K) => V {
  const results = new Map<K, V>();
  return (key) => {
    if (!results.has(key)) { results.set(key, make(key)); }
    return results.get(key)!;
  };
}

/** The template of a stack with one service, `Hello`. The default service is synthesized once in a test file. */
export function templateOf(props?: HelloFargateServiceProps, stack?: Stack): Template {
  if (!props && !stack) { return defaultTemplate ??= templateOf({}); }
  const scope = stack ?? newStack();
  new HelloFargateService(scope, 'Hello', props);
  return Template.fromStack(scope);
}

let defaultTemplate: Template | undefined;

export type Properties = Record<string, any>;

/** The properties of the only resource of a type. */
export function only(template: Template, type: string): Properties {
  const resources = Object.values(template.findResources(type));
  expect(resources).toHaveLength(1);
  return resources[0].Properties;
}

/** The definition of the only container. */
export function containerOf(template: Template): Properties {
  const { ContainerDefinitions } = only(template, 'AWS::ECS::TaskDefinition');
  expect(ContainerDefinitions).toHaveLength(1);
  return ContainerDefinitions[0];
}

/** The environment variables of the only container. */
export function environmentOf(template: Template): Record<string, string> {
  const variables: Properties[] = containerOf(template).Environment;
  return Object.fromEntries(variables.map(({ Name, Value }) => [Name, Value]));
}

/** The statements of all IAM policies of a template. */
export function statementsOf(template: Template): Properties[] {
  return ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy']
    .flatMap((type) => Object.values(template.findResources(type)))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
}

export function readJson(file: string): any {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}
