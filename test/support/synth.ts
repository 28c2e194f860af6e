import * as fs from 'fs';
import { App, AppProps, Stack, StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { HelloFargateService, HelloFargateServiceProps } from '../../src/index';

/** A stack of its own app. Without an environment it is environment-agnostic. */
export function newStack(props: StackProps = {}, appProps: AppProps = {}): Stack {
  return new Stack(new App(appProps), 'Stack', props);
}

/** The template of a stack with one service, `Hello`. */
export function templateOf(props?: HelloFargateServiceProps, stack = newStack()): Template {
  new HelloFargateService(stack, 'Hello', props);
  return Template.fromStack(stack);
}

type Properties = { [name: string]: any };

/** The properties of the one resource of a type. */
export function only(template: Template, type: string): Properties {
  const found = Object.values(template.findResources(type));
  expect(found).toHaveLength(1);
  return found[0].Properties;
}

/** The container definition of the one container. */
export function containerOf(template: Template): Properties {
  const { ContainerDefinitions } = only(template, 'AWS::ECS::TaskDefinition');
  expect(ContainerDefinitions).toHaveLength(1);
  return ContainerDefinitions[0];
}

export function environmentOf(template: Template): { [name: string]: string } {
  return Object.fromEntries(containerOf(template).Environment.map((variable: Properties) => [variable.Name, variable.Value]));
}

/** What the roles of a template may do. */
export function statementsOf(template: Template): Properties[] {
  return ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].flatMap((type) => Object.values(template.findResources(type)))
    .flatMap((policy) => policy.Properties.PolicyDocument.Statement);
}

export function readJson(file: string): any {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}
