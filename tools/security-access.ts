import { CfnElement, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { markdownTable } from './markdown';
import { SERVICES, stackWith } from './security-services';

/** Who may do what in a service, read from its template: the roles with their permissions, and the open ports. */

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource?: unknown;
  readonly Principal?: Readonly<Record<string, unknown>>;
}

const list = <T>(value: T | T[] | undefined): T[] => value === undefined ? [] : [value].flat() as T[];
const code = (text: string) => `\`${text}\``;

class Access {
  private readonly paths: ReadonlyMap<string, string>;
  private readonly template: Template;

  constructor(stack: Stack) {
    this.template = Template.fromStack(stack);
    const elements = stack.node.findAll().filter((node): node is CfnElement => CfnElement.isCfnElement(node));
    this.paths = new Map(elements.map(({ logicalId, node }) => [stack.resolve(logicalId), shorten(node.path)]));
  }

  /** A row for each role and statement: what is allowed, and on which resources. */
  public permissions(): string[][] {
    const roles = Object.entries(this.template.findResources('AWS::IAM::Role'));
    return roles.flatMap(([id, { Properties: { AssumeRolePolicyDocument, ManagedPolicyArns, Policies } }]) => {
      const trusted = list<Statement>(AssumeRolePolicyDocument.Statement)
        .flatMap(({ Principal }) => list(Principal?.Service).map((service) => this.text(service)));
      const attached = ['Policy', 'ManagedPolicy']
        .flatMap((type) => Object.values(this.template.findResources(`AWS::IAM::${type}`)))
        .filter(({ Properties: { Roles } }) => list(Roles).some((role) => (role as { Ref?: string }).Ref === id));
      const statements = [
        ...list<{ PolicyDocument: { Statement: Statement[] } }>(Policies).map(({ PolicyDocument }) => PolicyDocument),
        ...attached.map(({ Properties: { PolicyDocument } }) => PolicyDocument),
      ].flatMap(({ Statement: all }) => list<Statement>(all));
      const rows = [
        ...statements.map(({ Action, Resource }) => [
          list(Action).map(code).join(', '), list(Resource).map((resource) => this.text(resource)).join(', '),
        ]),
        ...list(ManagedPolicyArns).map((arn) => [`managed policy ${code(this.text(arn).split('/').at(-1)!)}`, '']),
      ];
      return (rows.length > 0 ? rows : [['nothing', '']])
        .map((row, i) => i === 0 ? [this.paths.get(id)!, trusted.join(', '), ...row] : ['', '', ...row]);
    });
  }

  /** A row for each rule of a security group that lets traffic in. */
  public ports(): string[][] {
    const groups = Object.entries(this.template.findResources('AWS::EC2::SecurityGroup')).flatMap(([id, group]) =>
      list<Rule>(group.Properties.SecurityGroupIngress).map((rule) => ({ ...rule, GroupId: { Ref: id } })));
    const rules = Object.values(this.template.findResources('AWS::EC2::SecurityGroupIngress'))
      .map(({ Properties }) => Properties as Rule);
    return [...groups, ...rules].map((rule) => [
      this.text(rule.GroupId),
      rule.FromPort === rule.ToPort ? String(rule.FromPort) : `${rule.FromPort} to ${rule.ToPort}`,
      this.text(rule.CidrIp ?? rule.CidrIpv6 ?? rule.SourceSecurityGroupId ?? rule.SourcePrefixListId),
    ]);
  }

  /** A template value as text, with the paths of constructs in place of references. */
  private text(value: unknown): string {
    if (typeof value !== 'object' || value === null) { return value === '*' ? code('*') : String(value); }
    const { Ref, ...functions } = value as { Ref?: string };
    const [name, argument] = Object.entries(functions)[0] ?? [];
    if (Ref?.startsWith('AWS::')) { return ''; }
    const id = Ref ?? (name === 'Fn::GetAtt' ? (argument as unknown as string[])[0] : undefined);
    if (id !== undefined) { return this.paths.get(id) ?? id; }
    if (name === 'Fn::Join') {
      const parts = (argument as unknown as [string, unknown[]])[1].map((part) => this.text(part)).join('');
      return /^arn:/.test(parts) ? code(parts.replace(/^arn::(\w+)::*/, '$1:')) : parts;
    }
    return JSON.stringify(value);
  }
}

function shorten(path: string): string {
  return path.replace(/^Stack\//, '').replace(/^HelloFargateNetwork\//, '').replace(/(\/(Resource|Default))+$/, '')
    .replace(/^AWS679f53fac002430cb0da5b7982bd2287\/.*/, 'look-up of the prefix list')
    .replace(/^Custom::VpcRestrictDefaultSGCustomResourceProvider\/.*/, 'restriction of the default security group');
}

interface Rule {
  readonly GroupId: unknown;
  readonly FromPort?: number;
  readonly ToPort?: number;
  readonly CidrIp?: unknown;
  readonly CidrIpv6?: unknown;
  readonly SourceSecurityGroupId?: unknown;
  readonly SourcePrefixListId?: unknown;
}

/** The roles of a service, by its name in `SERVICES`. */
export function permissionsTable(service: string): string {
  const rows = new Access(stackWith(SERVICES[service])).permissions();
  return markdownTable(['role', 'assumed by', 'may', 'on'], rows);
}

/** The open ports of all services. */
export function portsTable(): string {
  const rows = Object.entries(SERVICES).flatMap(([service, add]) => new Access(stackWith(add)).ports()
    .map((row, i) => [i === 0 ? service : '', ...row]));
  return markdownTable(['', 'security group', 'port', 'from'], rows);
}
