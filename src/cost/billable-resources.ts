import { CfnResource, Stack, Token } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as logs from 'aws-cdk-lib/aws-logs';
import { IConstruct } from 'constructs';
import { sharedVpcOf } from '../network/network';
import { Preset } from '../preset';

/** What is billed as long as it exists. */
export type Standing = 'loadBalancer' | 'loadBalancerIpv4' | 'taskIpv4' | 'natGateway' | 'elasticIpv4' | 'endpoint' | 'dnsNamespace'
  | 'alarmMetric' | 'dashboard' | 'key' | 'secret';

export type Counts = { [kind in Standing]?: number };

/** What is billed of a service, as far as its constructs say. */
export interface BillableResources {
  /** Not there if only the deployment knows it. */
  readonly region?: string;
  /** Not there if only the deployment knows their size. */
  readonly tasks?: BillableTasks;
  readonly own: Counts;
  /** What all services of the stack use. */
  readonly shared: Counts;
  readonly isLoadBalanced: boolean;
  readonly ingress: 'public' | 'internal' | 'cloudFront' | 'httpApi';
  readonly hasWebAcl: boolean;
  readonly logRetentionDays: number;
  readonly logsAreInfrequent: boolean;
  readonly assumptions: string[];
  readonly notPriced: string[];
}

export interface BillableTasks {
  readonly isArm: boolean;
  readonly vcpu: number;
  readonly memoryGb: number;
  readonly storageGb: number;
  readonly count: number;
  /** How many of them are never on Spot. */
  readonly onDemand: number;
  readonly haveIpv4: boolean;
}

/** GB of storage that each task has without paying for it. */
export const STORAGE_INCLUDED = 20;

/** The constructs of a service that are billed. */
export interface BilledService extends IConstruct {
  readonly service: ecs.FargateService;
  readonly taskDefinition: ecs.FargateTaskDefinition;
  readonly vpc: ec2.IVpc;
  readonly logGroup: logs.ILogGroup;
  readonly loadBalancer?: elbv2.ApplicationLoadBalancer;
  readonly targetGroup?: elbv2.ApplicationTargetGroup;
  readonly distribution?: cloudfront.Distribution;
  readonly httpApi?: IConstruct;
}

/** What AWS bills nothing for by itself, and what is counted with the tasks and the traffic. */
const NO_CHARGE = new RegExp(`^AWS::(${[
  'IAM::.*',
  'EC2::(VPC|Subnet.*|Route.*|InternetGateway|VPCGatewayAttachment|SecurityGroup.*)',
  'ECS::(ClusterCapacityProviderAssociations|TaskDefinition|Service)',
  'ElasticLoadBalancingV2::(Listener.*|TargetGroup)',
  'ApplicationAutoScaling::ScalableTarget',
  'ApiGatewayV2::(Api|Integration|Route|Stage)',
  'CloudFront::Distribution',
  'CertificateManager::Certificate',
  'Events::Rule',
  'Logs::(LogGroup|QueryDefinition|ResourcePolicy)',
  'S3::BucketPolicy',
  'KMS::Alias',
  'WAFv2::WebACLAssociation',
].join('|')})$`);

const BUCKETS = 'what is stored in S3, like access logs: $0.023 a GB and month';

/** What the table of prices does not have, in words. Any other type is named as it is. */
const NOT_PRICED: { [type: string]: string } = {
  'AWS::S3::Bucket': BUCKETS,
  'AWS::EC2::FlowLog': 'flow logs: $0.50 a GB taken in',
  'AWS::ApplicationAutoScaling::ScalingPolicy': 'the alarms that target tracking makes for itself',
  'AWS::ServiceDiscovery::Service': 'calls of Cloud Map',
  'AWS::ApiGatewayV2::VpcLink': 'the VPC link of API Gateway',
  'AWS::CloudFront::VpcOrigin': 'what CloudFront sends to its VPC origin',
  'AWS::CloudWatch::CompositeAlarm': 'composite alarms',
  'AWS::Logs::MetricFilter': 'metrics that are made of log lines',
  'AWS::SNS::Topic': 'notifications',
  'AWS::SNS::Subscription': 'notifications',
  'AWS::SNS::TopicPolicy': 'notifications',
  'AWS::Route53::RecordSet': 'DNS queries',
  'AWS::Lambda::Function': 'Lambda functions',
  'Custom::AWS': 'functions that run while it is deployed',
  'Custom::VpcRestrictDefaultSG': 'functions that run while it is deployed',
};

/** Reads the bill from the finished constructs, so that what was added to them by CDK's own classes counts too. */
export function readBillableResources(service: BilledService): BillableResources {
  const stack = Stack.of(service);
  const reader = new Reader(stack);
  reader.notPriced.add('traffic between zones').add('the image in ECR: $0.10 a GB and month');
  const tasks = reader.tasks(service);
  const own = reader.count(service);

  const sharedVpc = sharedVpcOf(service);
  const isShared = sharedVpc !== undefined && sharedVpc === service.vpc;
  const shared = isShared ? reader.count(sharedVpc.node.scope!) : {};
  if (!isShared) { reader.notPriced.add(`what else stands in the VPC ${service.vpc.node.path}: NAT gateways, endpoints, and what goes through them`); }
  if (service.targetGroup && !service.loadBalancer) {
    reader.notPriced.add('the load balancer of the shared listener, at rest');
    reader.assumptions.add('the clients of the shared listener are in the internet');
  }

  const distribution = service.distribution?.node.defaultChild as cloudfront.CfnDistribution | undefined;
  const hasWebAcl = resourcesOf(service, 'AWS::WAFv2::WebACLAssociation').length > 0
    || Boolean(distribution && stack.resolve(distribution.distributionConfig).webAclId);
  if (hasWebAcl) { reader.notPriced.add('the web ACL: $5 a month, and $1 for each rule'); }

  const { retentionInDays, logGroupClass } = reader.read<logs.CfnLogGroup>(service.logGroup.node.defaultChild, 'retentionInDays', 'logGroupClass');
  if (typeof retentionInDays !== 'number') { reader.assumptions.add('logs are kept for a year'); }

  return {
    region: Token.isUnresolved(stack.region) ? undefined : stack.region,
    tasks,
    own,
    shared,
    isLoadBalanced: service.targetGroup !== undefined,
    ingress: distribution ? 'cloudFront' : service.httpApi ? 'httpApi' : own.loadBalancer && !own.loadBalancerIpv4 ? 'internal' : 'public',
    hasWebAcl,
    logsAreInfrequent: logGroupClass === 'INFREQUENT_ACCESS',
    logRetentionDays: typeof retentionInDays === 'number' ? retentionInDays : 365,
    assumptions: [...reader.assumptions],
    notPriced: [...reader.notPriced],
  };
}

function resourcesOf(scope: IConstruct, type?: string): CfnResource[] {
  return scope.node.findAll()
    .filter((child): child is CfnResource => CfnResource.isCfnResource(child) && (type === undefined || child.cfnResourceType === type));
}

/** Reads resources as the template will have them. */
class Reader {
  public readonly assumptions = new Set<string>();
  public readonly notPriced = new Set<string>();

  constructor(private readonly stack: Stack) {}

  /** Some properties of a resource; what only the deployment knows is an object. */
  public read<T>(resource: IConstruct | undefined, ...properties: (keyof T)[]): any {
    return this.stack.resolve(Object.fromEntries(properties.map((property) => [property, (resource as T | undefined)?.[property]])));
  }

  public count(scope: IConstruct): Counts {
    const counts: Counts = {};
    for (const resource of resourcesOf(scope)) {
      for (const [kind, number] of Object.entries(this.standing(resource)) as [Standing, number][]) {
        counts[kind] = (counts[kind] ?? 0) + number;
      }
    }
    return counts;
  }

  private standing(resource: CfnResource): Counts {
    switch (resource.cfnResourceType) {
      case 'AWS::EC2::NatGateway': return { natGateway: 1 };
      case 'AWS::EC2::EIP': return { elasticIpv4: 1 };
      case 'AWS::EC2::VPCEndpoint': return this.endpoint(resource);
      case 'AWS::ElasticLoadBalancingV2::LoadBalancer': return this.loadBalancer(resource);
      case 'AWS::CloudWatch::Alarm': return this.alarm(resource);
      case 'AWS::CloudWatch::Dashboard': return { dashboard: 1 };
      case 'AWS::KMS::Key': return { key: 1 };
      case 'AWS::SecretsManager::Secret': return { secret: 1 };
      case 'AWS::ServiceDiscovery::PrivateDnsNamespace': return { dnsNamespace: 1 };
      case 'AWS::ECS::Cluster': return this.cluster(resource);
    }
    if (!NO_CHARGE.test(resource.cfnResourceType)) { this.notPriced.add(NOT_PRICED[resource.cfnResourceType] ?? resource.cfnResourceType); }
    return {};
  }

  private endpoint(resource: CfnResource): Counts {
    const { vpcEndpointType, subnetIds } = this.read<ec2.CfnVPCEndpoint>(resource, 'vpcEndpointType', 'subnetIds');
    return vpcEndpointType === 'Interface' ? { endpoint: this.zones(subnetIds) } : {};
  }

  private loadBalancer(resource: CfnResource): Counts {
    const { type = 'application', scheme, subnets, ipAddressType, loadBalancerAttributes = [] } =
      this.read<elbv2.CfnLoadBalancer>(resource, 'type', 'scheme', 'subnets', 'ipAddressType', 'loadBalancerAttributes');
    if (type !== 'application') {
      this.notPriced.add(`a load balancer of type ${type}`);
      return {};
    }
    if (loadBalancerAttributes.some(({ key, value }: any) => key === 'access_logs.s3.enabled' && value === 'true')) { this.notPriced.add(BUCKETS); }
    const isPublic = scheme !== 'internal' && ipAddressType !== 'dualstack-without-public-ipv4';
    return { loadBalancer: 1, loadBalancerIpv4: isPublic ? this.zones(subnets) : 0 };
  }

  /** An alarm is billed for each metric that it reads, and an expression is none. */
  private alarm(resource: CfnResource): Counts {
    const { metrics, period = 60 } = this.read<cloudwatch.CfnAlarm>(resource, 'metrics', 'period');
    const periods: number[] = metrics?.flatMap(({ metricStat }: any) => metricStat ? [metricStat.period] : []) ?? [period];
    const isCommon = periods.every((seconds) => seconds >= 60)
      && !metrics?.some(({ expression = '' }) => /ANOMALY_DETECTION_BAND|^\s*SELECT\b/i.test(expression));
    if (!isCommon) { this.notPriced.add('alarms of high resolution, on anomalies or on queries'); }
    return isCommon ? { alarmMetric: periods.length } : {};
  }

  private cluster(resource: CfnResource): Counts {
    const { clusterSettings = [] } = this.read<ecs.CfnCluster>(resource, 'clusterSettings');
    if (clusterSettings.some(({ name, value }: any) => name === 'containerInsights' && value !== 'disabled')) { this.notPriced.add('Container Insights'); }
    return {};
  }

  private zones(subnets: unknown): number {
    if (Array.isArray(subnets)) { return subnets.length; }
    this.assumptions.add('two zones, where only the deployment knows how many');
    return 2;
  }

  public tasks(service: BilledService): BillableTasks | undefined {
    const { cpu, memory, ephemeralStorage, runtimePlatform } =
      this.read<ecs.CfnTaskDefinition>(service.taskDefinition.node.defaultChild, 'cpu', 'memory', 'ephemeralStorage', 'runtimePlatform');
    const { capacityProviderStrategy = [], networkConfiguration } =
      this.read<ecs.CfnService>(service.service.node.defaultChild, 'capacityProviderStrategy', 'networkConfiguration');
    const [vcpu, memoryGb] = [Number(cpu) / 1024, Number(memory) / 1024];
    if (Number.isNaN(vcpu) || Number.isNaN(memoryGb)) {
      this.notPriced.add('the tasks, whose size only the deployment knows');
      return undefined;
    }
    const usesSpot = capacityProviderStrategy.some(({ capacityProvider, weight }: any) => capacityProvider === 'FARGATE_SPOT' && weight > 0);
    const base = capacityProviderStrategy.find(({ capacityProvider }: any) => capacityProvider === 'FARGATE')?.base ?? 0;
    return {
      isArm: runtimePlatform?.cpuArchitecture === 'ARM64',
      vcpu,
      memoryGb,
      storageGb: ephemeralStorage?.sizeInGiB ?? STORAGE_INCLUDED,
      count: this.taskCount(service),
      onDemand: usesSpot ? base : Infinity,
      haveIpv4: networkConfiguration?.awsvpcConfiguration?.assignPublicIp === 'ENABLED',
    };
  }

  private taskCount(service: BilledService): number {
    const [target] = resourcesOf(service.service, 'AWS::ApplicationAutoScaling::ScalableTarget');
    const { desiredCount } = this.read<ecs.CfnService>(service.service.node.defaultChild, 'desiredCount');
    const { minCapacity, maxCapacity } = this.read<any>(target, 'minCapacity', 'maxCapacity');
    const count = target ? minCapacity : desiredCount;
    if (typeof count !== 'number') {
      const usual = Preset.STANDARD._defaults.desiredCount;
      this.assumptions.add(`${usual} tasks unless averageTasks says otherwise, as only the deployment knows how many`);
      return usual;
    }
    if (target) { this.assumptions.add(`${count} tasks unless averageTasks says otherwise, the fewest that scaling allows; it allows ${JSON.stringify(maxCapacity)}`); }
    return count;
  }
}
