import { Properties } from '../test/support/synth';

/** Controls of AWS Security Hub that can be checked in a template. */

/** The properties of the resources of a type. */
export type Resources = (type: string) => Properties[];

export interface Control {
  readonly id: string;
  readonly title: string;
  /** The type of resource that it applies to. */
  readonly type: string;
  /** Why it fails, if it does. */
  readonly reason?: string;
  /** Whether it passes, if there is a resource of the type. `undefined` if it does not apply. */
  passes(properties: Properties[], resources: Resources): boolean | undefined;
}

const CLUSTER = 'ECS::Cluster';
const SERVICE = 'ECS::Service';
const TASK = 'ECS::TaskDefinition';
const LOAD_BALANCER = 'ElasticLoadBalancingV2::LoadBalancer';
const LISTENER = 'ElasticLoadBalancingV2::Listener';
const TARGET_GROUP = 'ElasticLoadBalancingV2::TargetGroup';
const SECURITY_GROUP = 'EC2::SecurityGroup';
const VPC = 'EC2::VPC';
const BUCKET = 'S3::Bucket';
const DISTRIBUTION = 'CloudFront::Distribution';

const NO_DOMAIN = 'HTTPS needs a domain name or CloudFront: `Ingress.https`, `Ingress.cloudFront`';
const NO_WEB_ACL = 'It costs $5 a month and needs rules that fit your app: `webAclArn`';
const ENDPOINTS = '`Egress.vpcEndpoints()` creates the endpoints that are used, at $14.60 a month each';

const all = (test: (properties: Properties) => unknown) => (list: Properties[]) => list.every(test);

const containers = (tasks: Properties[]): Properties[] =>
  tasks.flatMap(({ ContainerDefinitions }) => ContainerDefinitions);

/** An attribute of a load balancer. */
function attribute({ LoadBalancerAttributes = [] }: Properties, key: string): string | undefined {
  return LoadBalancerAttributes.find(({ Key }: Properties) => Key === key)?.Value;
}

const isPublicPolicy = (policies: unknown) => /"(AWS|Principal)":"\*"/.test(JSON.stringify(policies));

/** Whether the internet can reach no other port than 80 and 443. */
function opensOnlyHttp(groups: Properties[], resources: Resources): boolean {
  const rules = [
    ...groups.flatMap(({ SecurityGroupIngress = [] }) => SecurityGroupIngress),
    ...resources('EC2::SecurityGroupIngress'),
  ];
  return rules.filter(({ CidrIp, CidrIpv6 }) => CidrIp === '0.0.0.0/0' || CidrIpv6 === '::/0')
    .every(({ FromPort }) => [80, 443].includes(FromPort));
}

const hasEndpoint = (service: string) => (_vpcs: Properties[], resources: Resources) =>
  JSON.stringify(resources('EC2::VPCEndpoint')).includes(service);

/** Whether all distributions have a setting. */
const configures = (setting: string) => all(({ DistributionConfig }) => DistributionConfig[setting]);

const ECS_CONTROLS: Control[] = [
  {
    id: 'ECS.1',
    title: 'no root user on the host network',
    type: TASK,
    passes: all(({ NetworkMode }) => NetworkMode === 'awsvpc'),
  },
  {
    id: 'ECS.2',
    title: 'tasks have no public IP addresses',
    type: SERVICE,
    passes: all(({ NetworkConfiguration: { AwsvpcConfiguration } }) =>
      AwsvpcConfiguration.AssignPublicIp === 'DISABLED'),
    reason: 'They provide outbound internet access without a NAT gateway. '
      + 'Inbound traffic is allowed only from the load balancer. `Egress.natGateway()`',
  },
  {
    id: 'ECS.3',
    title: 'no process namespace of the host',
    type: TASK,
    passes: all(({ PidMode }) => PidMode !== 'host'),
  },
  {
    id: 'ECS.4',
    title: 'no privileged containers',
    type: TASK,
    passes: (tasks) => containers(tasks).every(({ Privileged }) => !Privileged),
  },
  {
    id: 'ECS.5',
    title: 'read-only root filesystem',
    type: TASK,
    passes: (tasks) => containers(tasks).every(({ ReadonlyRootFilesystem }) => ReadonlyRootFilesystem === true),
  },
  {
    id: 'ECS.8',
    title: 'no credentials in the environment',
    type: TASK,
    passes: (tasks) => !/"(AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|ECS_ENGINE_AUTH_DATA)"/
      .test(JSON.stringify(containers(tasks))),
  },
  {
    id: 'ECS.9',
    title: 'logging configuration',
    type: TASK,
    passes: (tasks) => containers(tasks).every(({ LogConfiguration }) => LogConfiguration),
  },
  {
    id: 'ECS.10',
    title: 'latest platform version',
    type: SERVICE,
    passes: all(({ PlatformVersion }) => PlatformVersion === 'LATEST'),
  },
  {
    id: 'ECS.12',
    title: 'Container Insights',
    type: CLUSTER,
    passes: all(({ ClusterSettings = [] }) =>
      ClusterSettings.some(({ Value }: Properties) => Value !== 'disabled')),
    reason: 'It is billed for each metric: `containerInsights`',
  },
  { id: 'ECS.17', title: 'no host network', type: TASK, passes: all(({ NetworkMode }) => NetworkMode !== 'host') },
  {
    id: 'ECS.20',
    title: 'no root user',
    type: TASK,
    passes: (tasks) => containers(tasks).every(({ User }) => User && !/^(root|0)(:|$)/.test(User)),
  },
];

const LOAD_BALANCER_CONTROLS: Control[] = [
  {
    id: 'ELB.1',
    title: 'HTTP redirects to HTTPS',
    type: LOAD_BALANCER,
    passes: (_, resources) => resources(LISTENER).filter(({ Protocol }) => Protocol === 'HTTP')
      .every(({ DefaultActions: [{ Type }] }) => Type === 'redirect'),
    reason: `${NO_DOMAIN}. Behind CloudFront, which redirects, the load balancer is internal`,
  },
  {
    id: 'ELB.4',
    title: 'invalid headers are dropped',
    type: LOAD_BALANCER,
    passes: all((alb) => attribute(alb, 'routing.http.drop_invalid_header_fields.enabled') === 'true'),
  },
  {
    id: 'ELB.5',
    title: 'access logs',
    type: LOAD_BALANCER,
    passes: all((alb) => attribute(alb, 'access_logs.s3.enabled') === 'true'),
    reason: 'They need a bucket that is retained when the stack is deleted: `accessLogs`',
  },
  {
    id: 'ELB.6',
    title: 'deletion protection',
    type: LOAD_BALANCER,
    passes: all((alb) => attribute(alb, 'deletion_protection.enabled') === 'true'),
    reason: 'Stacks for trials can be deleted: `deletionProtection`',
  },
  {
    id: 'ELB.12',
    title: 'desync mitigation',
    type: LOAD_BALANCER,
    passes: all((alb) =>
      ['defensive', 'strictest'].includes(attribute(alb, 'routing.http.desync_mitigation_mode')!)),
  },
  {
    id: 'ELB.13',
    title: 'two Availability Zones',
    type: LOAD_BALANCER,
    passes: all(({ Subnets }) => Subnets.length >= 2),
  },
  {
    id: 'ELB.16',
    title: 'web ACL',
    type: LOAD_BALANCER,
    passes: (_, resources) => resources('WAFv2::WebACLAssociation').length > 0,
    reason: NO_WEB_ACL,
  },
  {
    id: 'ELB.17',
    title: 'recommended TLS policy',
    type: LISTENER,
    passes: (listeners) => {
      const https = listeners.filter(({ Protocol }) => Protocol === 'HTTPS');
      if (https.length === 0) { return undefined; }
      return https.every(({ SslPolicy }) => /^ELBSecurityPolicy-TLS13-1-[23]-Res(-|$)/.test(SslPolicy));
    },
  },
  {
    id: 'ELB.18',
    title: 'listeners use HTTPS',
    type: LISTENER,
    passes: all(({ Protocol }) => Protocol === 'HTTPS'),
    reason: `${NO_DOMAIN}; its listener on port 80 only redirects`,
  },
  {
    id: 'ELB.21',
    title: 'health checks are encrypted',
    type: TARGET_GROUP,
    passes: all(({ HealthCheckProtocol }) => HealthCheckProtocol === 'HTTPS'),
    reason: 'The load balancer terminates TLS, and only its security group can reach the tasks',
  },
  {
    id: 'ELB.22',
    title: 'requests to tasks are encrypted',
    type: TARGET_GROUP,
    passes: all(({ Protocol }) => Protocol === 'HTTPS'),
    reason: 'As ELB.21',
  },
];

const NETWORK_CONTROLS: Control[] = [
  {
    id: 'EC2.2',
    title: 'the default security group has no rules',
    type: VPC,
    passes: (_, resources) => resources('Custom::VpcRestrictDefaultSG').length > 0,
  },
  {
    id: 'EC2.6',
    title: 'flow logs',
    type: VPC,
    passes: (_, resources) => resources('EC2::FlowLog').length > 0,
    reason: '$0.50 a GB: `flowLogs`',
  },
  {
    id: 'EC2.15',
    title: 'subnets assign no public IP addresses',
    type: 'EC2::Subnet',
    passes: all(({ MapPublicIpOnLaunch }) => !MapPublicIpOnLaunch),
  },
  { id: 'EC2.18', title: 'the internet can reach only ports 80 and 443', type: SECURITY_GROUP, passes: opensOnlyHttp },
  { id: 'EC2.19', title: 'the internet can reach no high-risk port', type: SECURITY_GROUP, passes: opensOnlyHttp },
  { id: 'EC2.55', title: 'ECR API endpoint', type: VPC, passes: hasEndpoint('ecr.api'), reason: ENDPOINTS },
  { id: 'EC2.56', title: 'ECR registry endpoint', type: VPC, passes: hasEndpoint('ecr.dkr'), reason: ENDPOINTS },
];

const DATA_CONTROLS: Control[] = [
  {
    id: 'CloudWatch.15',
    title: 'alarms have actions',
    type: 'CloudWatch::Alarm',
    passes: all(({ AlarmActions = [] }) => AlarmActions.length > 0),
    reason: 'ECS reads the two rollback alarms and rolls the deployment back. The others notify the topics of `alarms`',
  },
  {
    id: 'CloudWatch.16',
    title: 'logs are retained for a year',
    type: 'Logs::LogGroup',
    passes: all(({ RetentionInDays }) => RetentionInDays >= 365),
    reason: '`logRetention` sets a longer retention',
  },
  {
    id: 'KMS.4',
    title: 'keys are rotated',
    type: 'KMS::Key',
    passes: all(({ EnableKeyRotation }) => EnableKeyRotation === true),
  },
  {
    id: 'KMS.5',
    title: 'keys are not public',
    type: 'KMS::Key',
    passes: (keys) => !isPublicPolicy(keys.map(({ KeyPolicy }) => KeyPolicy)),
  },
  {
    id: 'S3.1',
    title: 'buckets block public access',
    type: BUCKET,
    passes: all(({ PublicAccessBlockConfiguration: block }) =>
      block !== undefined && Object.values(block).every(Boolean)),
  },
  {
    id: 'S3.5',
    title: 'buckets require TLS',
    type: BUCKET,
    passes: (_, resources) => JSON.stringify(resources('S3::BucketPolicy')).includes('"aws:SecureTransport":"false"'),
  },
  {
    id: 'S3.9',
    title: 'access to buckets is logged',
    type: BUCKET,
    passes: all(({ LoggingConfiguration }) => LoggingConfiguration),
    reason: 'It is itself the log destination',
  },
  {
    id: 'S3.13',
    title: 'buckets have a lifecycle configuration',
    type: BUCKET,
    passes: all(({ LifecycleConfiguration }) => LifecycleConfiguration),
  },
  {
    id: 'S3.14',
    title: 'buckets are versioned',
    type: BUCKET,
    passes: all(({ VersioningConfiguration }) => VersioningConfiguration?.Status === 'Enabled'),
    reason: 'Log files are written once',
  },
];

const CLOUD_FRONT_CONTROLS: Control[] = [
  {
    id: 'CloudFront.1',
    title: 'default root object',
    type: DISTRIBUTION,
    passes: configures('DefaultRootObject'),
    reason: 'It is for S3 origins: the app serves `/`',
  },
  {
    id: 'CloudFront.3',
    title: 'viewers use HTTPS',
    type: DISTRIBUTION,
    passes: all(({ DistributionConfig: { DefaultCacheBehavior } }) =>
      DefaultCacheBehavior.ViewerProtocolPolicy !== 'allow-all'),
  },
  {
    id: 'CloudFront.4',
    title: 'origin failover',
    type: DISTRIBUTION,
    passes: configures('OriginGroups'),
    reason: 'The one origin is a load balancer in all Availability Zones',
  },
  {
    id: 'CloudFront.5',
    title: 'logs',
    type: DISTRIBUTION,
    passes: configures('Logging'),
    reason: 'The access logs of the load balancer have each request that reaches the app',
  },
  { id: 'CloudFront.6', title: 'web ACL', type: DISTRIBUTION, passes: configures('WebACLId'), reason: NO_WEB_ACL },
  {
    id: 'CloudFront.7',
    title: 'custom certificate',
    type: DISTRIBUTION,
    passes: configures('ViewerCertificate'),
    reason: 'It needs a domain name of your own: `domainName`',
  },
];

/** https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html */
export const CONTROLS: readonly Control[] = [
  ...ECS_CONTROLS,
  ...LOAD_BALANCER_CONTROLS,
  ...NETWORK_CONTROLS,
  ...DATA_CONTROLS,
  ...CLOUD_FRONT_CONTROLS,
];
