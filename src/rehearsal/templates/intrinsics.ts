import { Assembly, Stack } from './assembly';

/*
 * Works out CloudFormation's intrinsic functions as far as that goes without AWS.
 *
 * What only AWS knows, such as the ARN of a table, becomes a placeholder that names it: {{aws:STACK:LOGICALID:ATTRIBUTE}}.
 * A placeholder also says which resource was meant, so that a reference can be followed through parameters, exports and joins.
 */

/** A resource of the assembly that a template value refers to. */
export interface ResourceReference {
  readonly stack: Stack;
  readonly logicalId: string;
  readonly attribute?: string;
}

/** Gives the value of `Ref` (no attribute) or `Fn::GetAtt` where the rehearsal has one. */
export type KnownAttributes = (reference: ResourceReference) => unknown;

const PLACEHOLDER = /\{\{(?:aws|resolve):[^}]*\}\}/g;

/** The account and region where the app names none. The account is AWS's own example. */
const ACCOUNT = '123456789012';
const REGION = 'us-east-1';

/** What of a text is known only in AWS. */
export function knownOnlyInAws(text: string): string[] {
  return text.match(PLACEHOLDER) ?? [];
}

export function regionOf(stack: Stack): string {
  return stack.region ?? process.env.AWS_REGION ?? REGION;
}

export class Resolver {
  constructor(private readonly assembly: Assembly, private readonly known: KnownAttributes = () => undefined) {}

  /** The value with its intrinsic functions worked out. */
  public resolve(stack: Stack, value: unknown): any {
    if (Array.isArray(value)) {
      return value.map((element) => this.resolve(stack, element)).filter((element) => element !== undefined);
    }
    if (value === null || typeof value !== 'object') { return value; }
    const entries = Object.entries(value);
    if (entries.length === 1) {
      const [[name, argument]] = entries;
      if (name === 'Ref' || name === 'Condition' && typeof argument === 'string' || name.startsWith('Fn::')) {
        return this.intrinsic(stack, name, argument);
      }
    }
    return Object.fromEntries(entries
      .map(([key, element]) => [key, this.resolve(stack, element)])
      .filter(([, element]) => element !== undefined));
  }

  /** The resource that a value refers to, if it is one of the assembly. */
  public reference(stack: Stack, value: unknown): ResourceReference | undefined {
    // With nothing known, every reference comes out as a placeholder.
    const resolved = new Resolver(this.assembly).resolve(stack, value);
    const [, key, logicalId, attribute] = /^\{\{aws:([^:}]+):([^:}]+)(?::([^}]+))?\}\}$/.exec(String(resolved)) ?? [];
    const owner = key && this.assembly.stack(key);
    return owner && owner.template.Resources?.[logicalId] ? { stack: owner, logicalId, attribute } : undefined;
  }

  private intrinsic(stack: Stack, name: string, argument: any): unknown {
    const resolve = (value: unknown) => this.resolve(stack, value);
    switch (name) {
      case 'Ref':
        return this.ref(stack, argument);
      case 'Fn::GetAtt': {
        const [logicalId, ...attribute] = Array.isArray(argument) ? argument : String(argument).split('.');
        return this.attribute(stack, logicalId, attribute.join('.'));
      }
      case 'Fn::Join':
        return resolve(argument[1]).join(argument[0]);
      case 'Fn::Sub':
        return this.substitute(stack, argument);
      case 'Fn::Select':
        return resolve(argument[1])[Number(resolve(argument[0]))];
      case 'Fn::Split':
        return resolve(argument[1]).split(argument[0]);
      case 'Fn::Base64':
        return Buffer.from(String(resolve(argument))).toString('base64');
      case 'Fn::GetAZs':
        return ['a', 'b', 'c'].map((zone) => `${resolve(argument) || regionOf(stack)}${zone}`);
      case 'Fn::FindInMap': {
        const [map, first, second] = resolve(argument);
        return stack.template.Mappings?.[map]?.[first]?.[second];
      }
      case 'Fn::ImportValue':
        return this.importValue(stack, resolve(argument));
      case 'Fn::If':
        return resolve(this.condition(stack, argument[0]) ? argument[1] : argument[2]);
      case 'Condition':
        return this.condition(stack, argument);
      case 'Fn::Equals':
        return String(resolve(argument[0])) === String(resolve(argument[1]));
      case 'Fn::Not':
        return !resolve(argument[0]);
      case 'Fn::And':
        return resolve(argument).every(Boolean);
      case 'Fn::Or':
        return resolve(argument).some(Boolean);
      default:
        return `{{aws:${stack.key}:${name}}}`;
    }
  }

  private ref(stack: Stack, name: string): unknown {
    switch (name) {
      case 'AWS::AccountId': return stack.account ?? ACCOUNT;
      case 'AWS::Region': return regionOf(stack);
      case 'AWS::Partition': return 'aws';
      case 'AWS::URLSuffix': return 'amazonaws.com';
      case 'AWS::StackName': return stack.name;
      case 'AWS::StackId': return `arn:aws:cloudformation:${regionOf(stack)}:${stack.account ?? ACCOUNT}:stack/${stack.name}/rehearsal`;
      case 'AWS::NoValue': return undefined;
    }
    const parameter = stack.template.Parameters?.[name];
    if (!parameter) { return this.attribute(stack, name); }
    if (stack.parent) {
      const given = stack.parent.stack.template.Resources?.[stack.parent.logicalId]?.Properties?.Parameters?.[name];
      if (given !== undefined) { return this.resolve(stack.parent.stack, given); }
    }
    // The default of such a parameter is the name under which AWS would look the value up.
    const looksUp = parameter.Type.startsWith('AWS::SSM::Parameter::Value');
    return looksUp || parameter.Default === undefined ? `{{aws:${stack.key}:${name}}}` : parameter.Default;
  }

  private attribute(stack: Stack, logicalId: string, attribute?: string): unknown {
    const nested = stack.nested.get(logicalId);
    const output = attribute?.startsWith('Outputs.') && nested?.template.Outputs?.[attribute.slice('Outputs.'.length)];
    if (nested && output) { return this.resolve(nested, output.Value); }
    return this.known({ stack, logicalId, attribute }) ?? `{{aws:${[stack.key, logicalId, ...attribute ? [attribute] : []].join(':')}}}`;
  }

  private substitute(stack: Stack, argument: string | [text: string, variables: { [name: string]: unknown }]): string {
    const [text, variables] = Array.isArray(argument) ? argument : [argument, {}];
    return text.replace(/\$\{([^}]+)\}/g, (_, name: string) => {
      if (name.startsWith('!')) { return `\${${name.slice(1)}}`; }
      if (name in variables) { return String(this.resolve(stack, variables[name])); }
      const [logicalId, ...attribute] = name.split('.');
      return String(attribute.length > 0 ? this.attribute(stack, logicalId, attribute.join('.')) : this.ref(stack, name));
    });
  }

  private importValue(stack: Stack, name: unknown): unknown {
    for (const exporter of this.assembly.stacks) {
      for (const output of Object.values(exporter.template.Outputs ?? {})) {
        if (output.Export && this.resolve(exporter, output.Export.Name) === name) { return this.resolve(exporter, output.Value); }
      }
    }
    return `{{aws:${stack.key}:import ${name}}}`;
  }

  private condition(stack: Stack, name: string): boolean {
    return Boolean(this.resolve(stack, stack.template.Conditions?.[name]));
  }
}
