import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as sns from 'aws-cdk-lib/aws-sns';
import { AwsSolutionsChecks, HIPAASecurityChecks, NagPack, NIST80053R5Checks, PCIDSS321Checks } from 'cdk-nag';
import { Alarms, HelloFargateService, Ingress, Preset } from '../src/index';

/**
 * What reviewers of security find in the templates: the tables in SECURITY.md.
 *
 *     npx tsx tools/security.ts
 */

const PACKS: { readonly [name: string]: () => NagPack } = {
  'AwsSolutions': () => new AwsSolutionsChecks(),
  'NIST 800-53 r5': () => new NIST80053R5Checks(),
  'HIPAA': () => new HIPAASecurityChecks(),
  'PCI DSS 3.2.1': () => new PCIDSS321Checks(),
};

const alarmsOf = (stack: Stack) => Alarms.recommended({ topics: [sns.Topic.fromTopicArn(stack, 'OnCall', 'arn:aws:sns:us-east-1:123456789012:on-call')] });

/** Services as they are looked at. Each has somebody to tell of its alarms. */
const SERVICES: { readonly [name: string]: (stack: Stack) => void } = {
  'DEVELOPMENT': (stack) => { new HelloFargateService(stack, 'Hello', { preset: Preset.DEVELOPMENT }); },
  'STANDARD': (stack) => { new HelloFargateService(stack, 'Hello', { alarms: alarmsOf(stack) }); },
  'PRODUCTION, https': (stack) => {
    new HelloFargateService(stack, 'Hello', {
      preset: Preset.PRODUCTION,
      alarms: alarmsOf(stack),
      ingress: Ingress.https({
        domainName: 'hello.example.com',
        domainZone: route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z0123456789ABCDEFGHIJ', zoneName: 'example.com' }),
      }),
    });
  },
  'PRODUCTION, cloudFront': (stack) => {
    new HelloFargateService(stack, 'Hello', { preset: Preset.PRODUCTION, alarms: alarmsOf(stack), ingress: Ingress.cloudFront() });
  },
};

export const PRODUCTION = Object.keys(SERVICES).filter((name) => name.startsWith('PRODUCTION'));

/** An error of a pack: its rule without the pack's name, and where it is. */
export interface Finding {
  readonly pack: string;
  readonly rule: string;
  readonly path: string;
}

export function findingsIn(make: (stack: Stack) => void): Finding[] {
  const stack = new Stack(new App(), 'Stack', { env: { account: '123456789012', region: 'us-east-1' } });
  make(stack);
  return Object.entries(PACKS).flatMap(([pack, newPack]) => newPack().validateScope(stack).violations
    .filter(({ severity }) => severity === 'error')
    .flatMap(({ ruleName, violatingResources }) => violatingResources.map(({ constructPath }) =>
      ({ pack, rule: ruleName.slice(ruleName.indexOf('-') + 1), path: constructPath!.replace(/^Stack\//, '') }))));
}

export const findingsOf = once((service) => findingsIn(SERVICES[service]));

/** Each service is looked at often. */
function once<T>(look: (service: string) => T): (service: string) => T {
  const seen = new Map<string, T>();
  return (service) => {
    if (!seen.has(service)) { seen.set(service, look(service)); }
    return seen.get(service)!;
  };
}

/** How many findings there are, pack by pack. */
export function counts(findings: Finding[]): number[] {
  return Object.keys(PACKS).map((name) => findings.filter(({ pack }) => pack === name).length);
}

/** A finding that stays, in production too, and why. */
interface Accepted {
  readonly rules: string[];
  readonly path: RegExp;
  readonly where: string;
  readonly why: string;
}

export const ACCEPTED: Accepted[] = [
  {
    rules: ['ECS2'],
    path: /^Hello\/Task\/TaskDefinition\//,
    where: 'task definition',
    why: 'The port and the times of the shutdown are environment variables. None is secret: secrets have a prop of their own.',
  },
  {
    rules: ['IAM5[Resource::*]'],
    path: /ExecutionRole|OriginFacingPrefixList/,
    where: 'execution role; look-up of CloudFront\'s prefix list',
    why: '`ecr:GetAuthorizationToken` and `ec2:DescribeManagedPrefixLists` have no resources. No other statement says `*`, which a test holds.',
  },
  {
    rules: ['IAMNoInlinePolicy'],
    path: /OriginFacingPrefixList|FlowLog/,
    where: 'look-up of CloudFront\'s prefix list; flow logs',
    why: 'A policy that belongs to one role, and goes with it, is what CDK makes of grants.',
  },
  {
    rules: ['EC23'],
    path: /^Hello\/Ingress\/SecurityGroup\//,
    where: 'load balancer',
    why: 'A public service is open to the internet on 80 and 443. `allowFrom` narrows it.',
  },
  {
    rules: ['VPCNoUnrestrictedRouteToIGW'],
    path: /publicSubnet\d\/DefaultRoute$/,
    where: 'public subnets',
    why: 'The load balancer, the NAT gateways and CloudFront\'s VPC origin need an internet gateway. Tasks stand in private subnets.',
  },
  {
    rules: ['ALBWAFEnabled'],
    path: /LoadBalancer\/Resource$/,
    where: 'load balancer',
    why: 'A web ACL is $5 a month and a set of rules that only you can choose: `webAclArn`.',
  },
  {
    rules: ['ELBv2ACMCertificateRequired'],
    path: /LoadBalancer\/Listener\//,
    where: 'listener on port 80',
    why: 'It redirects to HTTPS; behind CloudFront it is internal, and only CloudFront reaches it.',
  },
  {
    rules: ['ALBHttpToHttpsRedirection'],
    path: /Internal\/LoadBalancer\/Listener\//,
    where: 'listener behind CloudFront',
    why: 'CloudFront redirects. A load balancer without a domain has no certificate, so traffic inside the VPC is HTTP.',
  },
  {
    rules: ['S1', 'S3BucketLoggingEnabled', 'S3BucketReplicationEnabled', 'S3BucketVersioningEnabled', 'S3DefaultEncryptionKMS'],
    path: /AccessLogs\//,
    where: 'bucket of the access logs',
    why: 'It is where logs end: load balancers cannot write to KMS-encrypted buckets, lines are written once and deleted after 90 days. `accessLogsBucket` takes a bucket of yours.',
  },
  {
    rules: ['CloudWatchAlarmAction'],
    path: /^Hello\/RollbackOn/,
    where: 'rollback alarms',
    why: 'ECS looks at them during a deployment and undoes it. You are told of that by `alarms`.',
  },
  {
    rules: ['CloudWatchLogGroupEncrypted'],
    path: /FlowLogGroup/,
    where: 'flow logs',
    why: 'CloudWatch encrypts them with a key of its own. They hold addresses and ports, and no content.',
  },
  {
    rules: ['L1', 'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]', 'LambdaConcurrency', 'LambdaDLQ', 'LambdaInsideVPC'],
    path: /^AWS679f53fac002430cb0da5b7982bd2287\//,
    where: 'look-up of CloudFront\'s prefix list',
    why: 'A function of CDK that runs while the stack is deployed. With `originFacingPrefixListId` there is none.',
  },
  {
    rules: ['CFR3'],
    path: /Distribution/,
    where: 'distribution',
    why: 'The load balancer\'s access logs have each request that reaches the app.',
  },
  {
    rules: ['CFR4'],
    path: /Distribution/,
    where: 'distribution',
    why: 'The name that CloudFront gives goes with the TLS policy that CloudFront gives. With `domain` it is TLS 1.2 of 2021 or newer.',
  },
];

// ---------------------------------------------------------------------------------------------------------------------

/** Properties of the resources of a type. */
type Resources = (type: string) => Array<{ readonly [property: string]: any }>;

interface Control {
  readonly id: string;
  readonly what: string;
  /** Types without which it does not apply; `passes` is asked where there is one. */
  readonly of: string;
  /** Why it fails where it does. */
  readonly why?: string;
  /** Nothing where it does not apply after all. */
  passes(resources: Resources): boolean | undefined;
}

const containersOf = (resources: Resources): any[] => resources('ECS::TaskDefinition').flatMap(({ ContainerDefinitions }) => ContainerDefinitions);
const attribute = ({ LoadBalancerAttributes = [] }: any, key: string) => LoadBalancerAttributes.find(({ Key }: any) => Key === key)?.Value;
const openPorts = (resources: Resources): number[] => [
  ...resources('EC2::SecurityGroup').flatMap(({ SecurityGroupIngress = [] }) => SecurityGroupIngress),
  ...resources('EC2::SecurityGroupIngress'),
].filter(({ CidrIp, CidrIpv6 }) => CidrIp === '0.0.0.0/0' || CidrIpv6 === '::/0').map(({ FromPort }) => FromPort);
const TASK = 'ECS::TaskDefinition';
const ALB = 'ElasticLoadBalancingV2::LoadBalancer';
const LISTENER = 'ElasticLoadBalancingV2::Listener';
const TARGET_GROUP = 'ElasticLoadBalancingV2::TargetGroup';
const DISTRIBUTION = 'CloudFront::Distribution';
const hasEndpoint = (service: string) => (resources: Resources) => JSON.stringify(resources('EC2::VPCEndpoint')).includes(service);

const NO_DOMAIN = 'HTTPS needs a name that you own, or CloudFront: `Ingress.https`, `Ingress.cloudFront`';
const ENDPOINTS = '`Egress.vpcEndpoints()` makes those that are used, at $14.60 a month each';

/** https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html; those that a template can tell. */
export const CONTROLS: Control[] = [
  { id: 'ECS.1', what: 'no host network with root', of: TASK, passes: (of) => of(TASK).every(({ NetworkMode }) => NetworkMode === 'awsvpc') },
  {
    id: 'ECS.2',
    what: 'no public addresses for tasks',
    of: 'ECS::Service',
    passes: (of) => of('ECS::Service').every(({ NetworkConfiguration }) => NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp === 'DISABLED'),
    why: 'They are the way out, without a NAT gateway; only the load balancer gets in. `Egress.natGateway()`',
  },
  { id: 'ECS.3', what: 'no process namespace of the host', of: TASK, passes: (of) => of(TASK).every(({ PidMode }) => PidMode !== 'host') },
  { id: 'ECS.4', what: 'no privileged containers', of: TASK, passes: (of) => containersOf(of).every(({ Privileged }) => !Privileged) },
  { id: 'ECS.5', what: 'read-only root', of: TASK, passes: (of) => containersOf(of).every(({ ReadonlyRootFilesystem }) => ReadonlyRootFilesystem === true) },
  {
    id: 'ECS.8',
    what: 'no credentials in the environment',
    of: TASK,
    passes: (of) => !/"(AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|ECS_ENGINE_AUTH_DATA)"/.test(JSON.stringify(containersOf(of))),
  },
  { id: 'ECS.9', what: 'logs', of: TASK, passes: (of) => containersOf(of).every(({ LogConfiguration }) => LogConfiguration) },
  { id: 'ECS.10', what: 'latest platform', of: 'ECS::Service', passes: (of) => of('ECS::Service').every(({ PlatformVersion }) => PlatformVersion === 'LATEST') },
  {
    id: 'ECS.12',
    what: 'Container Insights',
    of: 'ECS::Cluster',
    passes: (of) => of('ECS::Cluster').every(({ ClusterSettings = [] }) => ClusterSettings.some(({ Value }: any) => Value !== 'disabled')),
    why: 'It is billed for each metric: `containerInsights`',
  },
  { id: 'ECS.17', what: 'no host network', of: TASK, passes: (of) => of(TASK).every(({ NetworkMode }) => NetworkMode !== 'host') },
  { id: 'ECS.20', what: 'no root user', of: TASK, passes: (of) => containersOf(of).every(({ User }) => User && !/^(root|0)(:|$)/.test(User)) },
  {
    id: 'ELB.1',
    what: 'HTTP is redirected to HTTPS',
    of: ALB,
    passes: (of) => of(LISTENER).filter(({ Protocol }) => Protocol === 'HTTP').every(({ DefaultActions: [{ Type }] }) => Type === 'redirect'),
    why: `${NO_DOMAIN}. Behind CloudFront, which redirects, the load balancer is internal`,
  },
  { id: 'ELB.4', what: 'invalid headers are dropped', of: ALB, passes: (of) => of(ALB).every((alb) => attribute(alb, 'routing.http.drop_invalid_header_fields.enabled') === 'true') },
  {
    id: 'ELB.5',
    what: 'access logs',
    of: ALB,
    passes: (of) => of(ALB).every((alb) => attribute(alb, 'access_logs.s3.enabled') === 'true'),
    why: 'They outlive the stack, in a bucket: `accessLogs`',
  },
  {
    id: 'ELB.6',
    what: 'deletion protection',
    of: ALB,
    passes: (of) => of(ALB).every((alb) => attribute(alb, 'deletion_protection.enabled') === 'true'),
    why: 'A stack that is tried out must go away again: `deletionProtection`',
  },
  {
    id: 'ELB.12',
    what: 'desync mitigation',
    of: ALB,
    passes: (of) => of(ALB).every((alb) => ['defensive', 'strictest'].includes(attribute(alb, 'routing.http.desync_mitigation_mode'))),
  },
  { id: 'ELB.13', what: 'two zones', of: ALB, passes: (of) => of(ALB).every(({ Subnets }) => Subnets.length >= 2) },
  {
    id: 'ELB.16',
    what: 'web ACL',
    of: ALB,
    passes: (of) => of('WAFv2::WebACLAssociation').length > 0,
    why: 'It is $5 a month and rules that only you can choose: `webAclArn`',
  },
  {
    id: 'ELB.17',
    what: 'recommended TLS policy',
    of: LISTENER,
    passes: (of) => {
      const policies = of(LISTENER).filter(({ Protocol }) => Protocol === 'HTTPS').map(({ SslPolicy }) => SslPolicy);
      return policies.length > 0 ? policies.every((policy) => /^ELBSecurityPolicy-TLS13-1-[23]-Res(-|$)/.test(policy)) : undefined;
    },
  },
  {
    id: 'ELB.18',
    what: 'listeners are HTTPS',
    of: LISTENER,
    passes: (of) => of(LISTENER).every(({ Protocol }) => Protocol === 'HTTPS'),
    why: `${NO_DOMAIN}; its listener on port 80 only redirects`,
  },
  {
    id: 'ELB.21',
    what: 'health checks are encrypted',
    of: TARGET_GROUP,
    passes: (of) => of(TARGET_GROUP).every(({ HealthCheckProtocol }) => HealthCheckProtocol === 'HTTPS'),
    why: 'TLS ends at the load balancer, and its security group alone reaches the tasks',
  },
  {
    id: 'ELB.22',
    what: 'requests to tasks are encrypted',
    of: TARGET_GROUP,
    passes: (of) => of(TARGET_GROUP).every(({ Protocol }) => Protocol === 'HTTPS'),
    why: 'The same',
  },
  { id: 'EC2.2', what: 'default security group is closed', of: 'EC2::VPC', passes: (of) => of('EC2::VPC').length > 0 && restricts(of) },
  { id: 'EC2.6', what: 'flow logs', of: 'EC2::VPC', passes: (of) => of('EC2::FlowLog').length > 0, why: '$0.50 a GB: `flowLogs`' },
  {
    id: 'EC2.15',
    what: 'subnets give no public addresses',
    of: 'EC2::Subnet',
    passes: (of) => of('EC2::Subnet').every(({ MapPublicIpOnLaunch }) => !MapPublicIpOnLaunch),
  },
  { id: 'EC2.18', what: 'open to everybody on 80 and 443 only', of: 'EC2::SecurityGroup', passes: (of) => openPorts(of).every((port) => [80, 443].includes(port)) },
  { id: 'EC2.19', what: 'no high-risk port is open', of: 'EC2::SecurityGroup', passes: (of) => openPorts(of).every((port) => [80, 443].includes(port)) },
  { id: 'EC2.55', what: 'endpoint for the ECR API', of: 'EC2::VPC', passes: hasEndpoint('ecr.api'), why: ENDPOINTS },
  { id: 'EC2.56', what: 'endpoint for the ECR registry', of: 'EC2::VPC', passes: hasEndpoint('ecr.dkr'), why: ENDPOINTS },
  {
    id: 'CloudWatch.15',
    what: 'alarms tell somebody',
    of: 'CloudWatch::Alarm',
    passes: (of) => of('CloudWatch::Alarm').every(({ AlarmActions = [] }) => AlarmActions.length > 0),
    why: 'The two rollback alarms tell ECS, which undoes the deployment; the others tell whom `alarms` names',
  },
  {
    id: 'CloudWatch.16',
    what: 'logs are kept for a year',
    of: 'Logs::LogGroup',
    passes: (of) => of('Logs::LogGroup').every(({ RetentionInDays }) => RetentionInDays >= 365),
    why: '`logRetention` keeps them longer',
  },
  { id: 'KMS.4', what: 'keys are rotated', of: 'KMS::Key', passes: (of) => of('KMS::Key').every(({ EnableKeyRotation }) => EnableKeyRotation === true) },
  {
    id: 'KMS.5',
    what: 'keys are not public',
    of: 'KMS::Key',
    passes: (of) => !/"(AWS|Principal)":"\*"/.test(JSON.stringify(of('KMS::Key').map(({ KeyPolicy }) => KeyPolicy))),
  },
  {
    id: 'S3.1',
    what: 'buckets block public access',
    of: 'S3::Bucket',
    passes: (of) => of('S3::Bucket').every(({ PublicAccessBlockConfiguration }) => Object.values(PublicAccessBlockConfiguration ?? { no: false }).every(Boolean)),
  },
  { id: 'S3.5', what: 'buckets demand TLS', of: 'S3::Bucket', passes: (of) => JSON.stringify(of('S3::BucketPolicy')).includes('"aws:SecureTransport":"false"') },
  { id: 'S3.9', what: 'access to buckets is logged', of: 'S3::Bucket', passes: (of) => of('S3::Bucket').every(({ LoggingConfiguration }) => LoggingConfiguration), why: 'It is where logs end' },
  { id: 'S3.13', what: 'objects have a life cycle', of: 'S3::Bucket', passes: (of) => of('S3::Bucket').every(({ LifecycleConfiguration }) => LifecycleConfiguration) },
  {
    id: 'S3.14',
    what: 'objects have versions',
    of: 'S3::Bucket',
    passes: (of) => of('S3::Bucket').every(({ VersioningConfiguration }) => VersioningConfiguration?.Status === 'Enabled'),
    why: 'Log files are written once',
  },
  {
    id: 'CloudFront.1',
    what: 'default root object',
    of: DISTRIBUTION,
    passes: (of) => of(DISTRIBUTION).every(({ DistributionConfig }) => DistributionConfig.DefaultRootObject),
    why: 'It is for buckets: `/` is the app\'s',
  },
  {
    id: 'CloudFront.3',
    what: 'HTTPS for viewers',
    of: DISTRIBUTION,
    passes: (of) => of(DISTRIBUTION).every(({ DistributionConfig: { DefaultCacheBehavior } }) => DefaultCacheBehavior.ViewerProtocolPolicy !== 'allow-all'),
  },
  {
    id: 'CloudFront.4',
    what: 'origin failover',
    of: DISTRIBUTION,
    passes: (of) => of(DISTRIBUTION).every(({ DistributionConfig }) => DistributionConfig.OriginGroups),
    why: 'There is one origin, a load balancer over all zones',
  },
  {
    id: 'CloudFront.5',
    what: 'logs',
    of: DISTRIBUTION,
    passes: (of) => of(DISTRIBUTION).every(({ DistributionConfig }) => DistributionConfig.Logging),
    why: 'The load balancer\'s access logs have each request that reaches the app',
  },
  {
    id: 'CloudFront.6',
    what: 'web ACL',
    of: DISTRIBUTION,
    passes: (of) => of(DISTRIBUTION).every(({ DistributionConfig }) => DistributionConfig.WebACLId),
    why: 'It is $5 a month and rules that only you can choose: `webAclArn`',
  },
  {
    id: 'CloudFront.7',
    what: 'a certificate of your own',
    of: DISTRIBUTION,
    passes: (of) => of(DISTRIBUTION).every(({ DistributionConfig }) => DistributionConfig.ViewerCertificate),
    why: 'It goes with a name of your own: `domain`',
  },
];

function restricts(of: Resources): boolean {
  return of('Custom::VpcRestrictDefaultSG').length > 0;
}

/** What a control says of a service: nothing where it has no such resource. */
export function verdict(control: Control, template: Template): boolean | undefined {
  const resources: Resources = (type) => Object.values(template.findResources(type.startsWith('Custom::') ? type : `AWS::${type}`)).map(({ Properties = {} }) => Properties);
  return resources(control.of).length === 0 ? undefined : control.passes(resources);
}

export const templateOf = once((service) => {
  const stack = new Stack(new App(), 'Stack', { env: { account: '123456789012', region: 'us-east-1' } });
  SERVICES[service](stack);
  return Template.fromStack(stack);
});

/** The tables, by the marks between which they stand in SECURITY.md. */
export function tables(): { readonly [mark: string]: string } {
  const templates = Object.keys(SERVICES).map(templateOf);
  const show = { true: 'passes', false: '**fails**', undefined: '' };
  return {
    nag: [
      `| | ${Object.keys(PACKS).join(' | ')} |`,
      '|---|---:|---:|---:|---:|',
      ...Object.keys(SERVICES).map((service) => `| ${service} | ${counts(findingsOf(service)).join(' | ')} |`),
    ].join('\n'),
    accepted: [
      '| where | rules | why it stays |',
      '|---|---|---|',
      ...ACCEPTED.map(({ where, rules, why }) => `| ${where} | ${rules.map((rule) => `\`${rule.replace(/\[.*/, '')}\``).join(', ')} | ${why} |`),
    ].join('\n'),
    controls: [
      `| | | ${Object.keys(SERVICES).join(' | ')} | why it fails |`,
      `|---|---|${'---|'.repeat(templates.length)}---|`,
      ...CONTROLS.map((control) => {
        const verdicts = templates.map((template) => show[`${verdict(control, template)}`]);
        return `| ${control.id} | ${control.what} | ${verdicts.join(' | ')} | ${control.why ?? ''} |`.replace(/ {2,}\|/g, ' |');
      }),
    ].join('\n'),
  };
}

if (require.main === module) {
  Object.entries(tables()).forEach(([mark, table]) => process.stdout.write(`<!-- ${mark} -->\n${table}\n<!-- /${mark} -->\n\n`));
}
