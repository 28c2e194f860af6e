import { CannotRun } from '../cannot-run';
import { Assembly, Stack } from './assembly';
import { list, Properties, record, text } from './values';
import { ResourceKey } from '../model';

/*
 * Resolves CloudFormation's intrinsic functions as far as possible without AWS.
 *
 * A value that only AWS knows, such as the ARN of a table, becomes a placeholder: {{aws:STACK:LOGICALID:ATTRIBUTE}}.
 * Placeholders identify the resource, so references can be followed through parameters, exports and joins.
 */

/** A resource of the assembly that a template value refers to. */
export interface ResourceReference {
  readonly stack: Stack;
  readonly logicalId: string;
  readonly attribute?: string;
}

/** Returns the value of `Ref` (no attribute) or `Fn::GetAtt` if the rehearsal has one. */
export type KnownAttributes = (reference: ResourceReference) => unknown;

const PLACEHOLDER = /\{\{(?:aws|resolve):[^}]*\}\}/g;

/** Account and region of environment-agnostic stacks. The account is the one in AWS's examples. */
const ACCOUNT = '123456789012';
const REGION = 'us-east-1';

/** The placeholders in a text. */
export function knownOnlyInAws(value: string): string[] {
  return value.match(PLACEHOLDER) ?? [];
}

export function regionOf(stack: Stack): string {
  return stack.region ?? process.env.AWS_REGION ?? REGION;
}

export function keyOf({ stack, logicalId }: ResourceReference): ResourceKey {
  return `${stack.key}:${logicalId}`;
}

/** The placeholder of a value, if only AWS knows it or a part of it. */
function unknownPart(value: unknown): string | undefined {
  return typeof value === 'string' ? knownOnlyInAws(value)[0] : undefined;
}

/** The result of a function, or its argument if only AWS knows that: one placeholder stays one. */
function unlessUnknown(value: unknown, compute: (value: unknown) => unknown): unknown {
  return unknownPart(value) ?? compute(value);
}

/** The parts of a text. Placeholders are not split, and a text that is only a placeholder stays one. */
function split(value: unknown, separator: string): unknown {
  const whole = String(value);
  const placeholders = knownOnlyInAws(whole);
  if (placeholders[0] === whole) { return whole; }
  return whole.replace(PLACEHOLDER, '\0').split(separator)
    .map((part) => part.replace(/\0/g, () => placeholders.shift()!));
}

/** The conjunction of conditions, or the placeholder that decides it. */
function every(conditions: unknown[]): unknown {
  return !conditions.includes(false) && (conditions.find((condition) => unknownPart(condition)) ?? true);
}

function equals(one: unknown, other: unknown): unknown {
  return String(one) === String(other) || (unknownPart(one) ?? unknownPart(other) ?? false);
}

const not = (condition: unknown): unknown => unlessUnknown(condition, (value) => !value);

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-cidr.html, IPv4 */
function cidrs([block, count = '1', bits = '8']: string[]): unknown {
  const [address, ...octets] = block.split(/[./]/).map(Number);
  if ([address, ...octets].some(Number.isNaN)) { return unknownPart(block) ?? block; }
  const start = [address, ...octets.slice(0, 3)].reduce((sum, octet) => sum * 256 + octet, 0);
  return Array.from({ length: Number(count) }, (_, i) => {
    const first = start + i * 2 ** Number(bits);
    return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${32 - Number(bits)}`;
  });
}

export class Resolver {
  constructor(private readonly assembly: Assembly, private readonly known: KnownAttributes = () => undefined) {}

  /** The value with its intrinsic functions resolved. */
  public resolve(stack: Stack, value: unknown): unknown {
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

  /** The properties of a resource with their intrinsic functions resolved. */
  public properties({ stack, logicalId }: ResourceReference): Properties {
    return record(this.resolve(stack, stack.properties(logicalId)));
  }

  /** Removes the resources whose condition is false: they are not created. */
  public removeAbsent(): void {
    for (const stack of this.assembly.stacks) {
      for (const [logicalId, { Condition }] of Object.entries(stack.template.Resources ?? {})) {
        if (Condition !== undefined && this.condition(stack, Condition) === false) { stack.remove(logicalId); }
      }
    }
  }

  /** @throws CannotRun if only AWS knows the number, with the parameter that has no default if that is why */
  public knownNumber(what: string, value: unknown): number {
    const result = Number(value);
    if (value !== undefined && Number.isInteger(result)) { return result; }
    const [, key = '', name = ''] = /\{\{aws:([^:}]+):([^:}]+)/.exec(String(value)) ?? [];
    const isParameter = this.assembly.stack(key)?.template.Parameters?.[name] !== undefined;
    throw new CannotRun(`${what} is known only in AWS${isParameter ? `: the parameter ${name} has no default` : ''}`);
  }

  /** The resource that a value refers to, if it is in the assembly. */
  public reference(stack: Stack, value: unknown): ResourceReference | undefined {
    // Without known attributes every reference resolves to a placeholder.
    const resolved = new Resolver(this.assembly).resolve(stack, value);
    const [, key, logicalId, attribute] = /^\{\{aws:([^:}]+):([^:}]+)(?::([^}]+))?\}\}$/.exec(String(resolved)) ?? [];
    const owner = key && this.assembly.stack(key);
    return owner && owner.template.Resources?.[logicalId] ? { stack: owner, logicalId, attribute } : undefined;
  }

  private intrinsic(stack: Stack, name: string, argument: unknown): unknown {
    const resolve = (value: unknown) => this.resolve(stack, value);
    const [first, second, third] = Array.isArray(argument) ? argument as unknown[] : [];
    switch (name) {
      case 'Ref':
        return this.ref(stack, String(argument));
      case 'Fn::GetAtt': {
        const [logicalId, ...attribute] = Array.isArray(argument) ? argument.map(String) : String(argument).split('.');
        return this.attribute(stack, logicalId, attribute.join('.'));
      }
      case 'Fn::Join':
        return unlessUnknown(resolve(second), (items) => list(items).join(String(first)));
      case 'Fn::Sub':
        return this.substitute(stack, argument);
      case 'Fn::Select':
        return unlessUnknown(resolve(second), (items) => list(items)[Number(resolve(first))]);
      case 'Fn::Split':
        return split(resolve(second), String(first));
      case 'Fn::Base64':
        return unlessUnknown(resolve(argument), (value) => Buffer.from(String(value)).toString('base64'));
      case 'Fn::Cidr':
        return cidrs(list(resolve(argument)).map(String));
      case 'Fn::Length':
        return unlessUnknown(resolve(argument), (items) => list(items).length);
      case 'Fn::ToJsonString':
        return JSON.stringify(resolve(argument));
      case 'Fn::GetAZs':
        return ['a', 'b', 'c'].map((zone) => `${resolve(argument) || regionOf(stack)}${zone}`);
      case 'Fn::FindInMap': {
        const [map, key, subkey, options] = list(resolve(argument));
        const values = record(record(stack.template.Mappings?.[String(map)])[String(key)]);
        return values[String(subkey)] ?? record(options).DefaultValue;
      }
      case 'Fn::ImportValue':
        return this.importValue(stack, resolve(argument));
      case 'Fn::GetStackOutput':
        return this.stackOutput(stack, record(resolve(argument)));
      case 'Fn::If':
        return unlessUnknown(this.condition(stack, first), (isTrue) => resolve(isTrue ? second : third));
      case 'Condition':
        return this.condition(stack, argument);
      case 'Fn::Equals':
        return equals(resolve(first), resolve(second));
      case 'Fn::Not':
        return not(resolve(first));
      case 'Fn::And':
        return every(list(resolve(argument)));
      case 'Fn::Or':
        return not(every(list(resolve(argument)).map(not)));
      default:
        throw new CannotRun(`stack ${stack.name} uses ${name}, which cannot be rehearsed`);
    }
  }

  private ref(stack: Stack, name: string): unknown {
    const account = stack.account ?? ACCOUNT;
    switch (name) {
      case 'AWS::AccountId': return account;
      case 'AWS::Region': return regionOf(stack);
      case 'AWS::Partition': return 'aws';
      case 'AWS::URLSuffix': return 'amazonaws.com';
      case 'AWS::StackName': return stack.name;
      case 'AWS::StackId': return `arn:aws:cloudformation:${regionOf(stack)}:${account}:stack/${stack.name}/rehearsal`;
      case 'AWS::NoValue': return undefined;
    }
    const parameter = stack.template.Parameters?.[name];
    if (!parameter) { return this.attribute(stack, name); }
    if (stack.parent) {
      const value = record(stack.parent.stack.properties(stack.parent.logicalId).Parameters)[name];
      if (value !== undefined) { return this.resolve(stack.parent.stack, value); }
    }
    // The default of an SSM parameter is its name, not its value.
    const isLookup = parameter.Type.startsWith('AWS::SSM::Parameter::Value');
    if (isLookup || parameter.Default === undefined) { return `{{aws:${stack.key}:${name}}}`; }
    const isList = parameter.Type === 'CommaDelimitedList' || parameter.Type.startsWith('List<');
    return isList ? String(parameter.Default).split(',').map((item) => item.trim()) : parameter.Default;
  }

  private attribute(stack: Stack, logicalId: string, attribute?: string): unknown {
    const nested = stack.nested.get(logicalId);
    const output = attribute?.startsWith('Outputs.') && nested?.template.Outputs?.[attribute.slice('Outputs.'.length)];
    if (nested && output) { return this.resolve(nested, output.Value); }
    const suffix = attribute ? `:${attribute}` : '';
    return this.known({ stack, logicalId, attribute }) ?? `{{aws:${stack.key}:${logicalId}${suffix}}}`;
  }

  private substitute(stack: Stack, argument: unknown): string {
    const [template, variables] = Array.isArray(argument) ? argument as unknown[] : [argument];
    const values = record(variables);
    return text(template, '').replace(/\$\{([^}]+)\}/g, (_, name: string) => {
      if (name.startsWith('!')) { return `\${${name.slice(1)}}`; }
      if (name in values) { return String(this.resolve(stack, values[name])); }
      const [logicalId, ...attribute] = name.split('.');
      return String(attribute.length > 0
        ? this.attribute(stack, logicalId, attribute.join('.'))
        : this.ref(stack, name));
    });
  }

  private importValue(stack: Stack, name: unknown): unknown {
    for (const exporter of this.assembly.stacks) {
      for (const output of Object.values(exporter.template.Outputs ?? {})) {
        if (output.Export && this.resolve(exporter, output.Export.Name) === name) {
          return this.resolve(exporter, output.Value);
        }
      }
    }
    return `{{aws:${stack.key}:import ${name}}}`;
  }

  /** The output of another stack, which does not need to be exported. */
  private stackOutput(stack: Stack, { StackName, OutputName, Region = regionOf(stack) }: Properties): unknown {
    const owner = this.assembly.stacks.find((each) => each.name === StackName && regionOf(each) === Region);
    const output = owner?.template.Outputs?.[String(OutputName)];
    return owner && output
      ? this.resolve(owner, output.Value)
      : `{{aws:${stack.key}:output ${StackName}.${OutputName}}}`;
  }

  /** True, false, or the placeholder that decides it. */
  private condition(stack: Stack, name: unknown): unknown {
    return this.resolve(stack, stack.template.Conditions?.[String(name)]) ?? false;
  }
}
