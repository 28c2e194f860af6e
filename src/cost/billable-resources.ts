import {
  CfnResource,
  Stack,
  Token,
  aws_cloudfront as cloudfront,
  aws_cloudwatch as cloudwatch,
  aws_ec2 as ec2,
  aws_ecs as ecs,
  aws_elasticloadbalancingv2 as elbv2,
  aws_logs as logs,
} from 'aws-cdk-lib';
import { IConstruct } from 'constructs';
import { FixedCost, FREE_TASK_STORAGE } from './prices';
import { sharedVpcOf } from '../network/network';
import { Preset } from '../preset';

export type Counts = Partial<Record<FixedCost, number>>;

/** The billable resources of a service, as far as they are known at synthesis. */
export interface BillableResources {
  /** Not set if it is a token. */
  readonly region?: string;
  /** Not set if their size is a token. */
  readonly tasks?: BillableTasks;
  readonly own: Counts;
  /** Resources that all services of the stack share. */
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
  /** The number of tasks that never run on Spot. */
  readonly onDemand: number;
  readonly haveIpv4: boolean;
}

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

/** Resource types that are free, or that are billed by tasks and traffic. */
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

const S3_STORAGE = 'S3 storage, such as access logs: $0.023 per GB-month';
const DEPLOYMENT_FUNCTIONS = 'Lambda functions used only during deployment';
const NOTIFICATIONS = 'SNS notifications';

/** Descriptions of resource types without a price. Other types are listed by their name. */
const NOT_PRICED: Record<string, string> = {
  'AWS::S3::Bucket': S3_STORAGE,
  'AWS::EC2::FlowLog': 'VPC flow logs: $0.50 per GB ingested',
  'AWS::ApplicationAutoScaling::ScalingPolicy': 'the alarms that target tracking creates',
  'AWS::ServiceDiscovery::Service': 'AWS Cloud Map API calls',
  'AWS::ApiGatewayV2::VpcLink': 'the VPC link of API Gateway',
  'AWS::CloudFront::VpcOrigin': 'data transfer from CloudFront to its VPC origin',
  'AWS::CloudWatch::CompositeAlarm': 'composite alarms',
  'AWS::Logs::MetricFilter': 'custom metrics from log lines',
  'AWS::SNS::Topic': NOTIFICATIONS,
  'AWS::SNS::Subscription': NOTIFICATIONS,
  'AWS::SNS::TopicPolicy': NOTIFICATIONS,
  'AWS::Route53::RecordSet': 'DNS queries',
  'AWS::Lambda::Function': 'Lambda functions',
  'Custom::AWS': DEPLOYMENT_FUNCTIONS,
  'Custom::VpcRestrictDefaultSG': DEPLOYMENT_FUNCTIONS,
};

/** Collects the billable resources from the finished constructs, including those that the user has added to them. */
export function readBillableResources(service: BilledService): BillableResources {
  const stack = Stack.of(service);
  const reader = new Reader(stack);
  reader.notPriced.add('data transfer between Availability Zones').add('image storage in ECR: $0.10 per GB-month');
  const tasks = reader.tasks(service);
  const own = reader.count(service);
  const shared = reader.sharedNetwork(service);
  if (service.targetGroup && !service.loadBalancer) {
    reader.notPriced.add('the load balancer of the shared listener');
    reader.assumptions.add('clients of the shared listener are on the internet');
  }
  const hasWebAcl = hasWebAclOf(service);
  if (hasWebAcl) { reader.notPriced.add('the web ACL: $5 per month, and $1 for each rule'); }
  return {
    region: Token.isUnresolved(stack.region) ? undefined : stack.region,
    tasks,
    own,
    shared,
    isLoadBalanced: service.targetGroup !== undefined,
    ingress: ingressOf(service, own),
    hasWebAcl,
    ...reader.logs(service),
    assumptions: [...reader.assumptions],
    notPriced: [...reader.notPriced],
  };
}

function ingressOf({ distribution, httpApi }: BilledService, own: Counts): BillableResources['ingress'] {
  if (distribution) { return 'cloudFront'; }
  if (httpApi) { return 'httpApi'; }
  return own.loadBalancer && !own.loadBalancerIpv4 ? 'internal' : 'public';
}

function hasWebAclOf(service: BilledService): boolean {
  if (resourcesOf(service, 'AWS::WAFv2::WebACLAssociation').length > 0) { return true; }
  const distribution = service.distribution?.node.defaultChild as cloudfront.CfnDistribution | undefined;
  return Boolean(distribution && Stack.of(service).resolve(distribution.distributionConfig).webAclId);
}

function resourcesOf(scope: IConstruct, type?: string): CfnResource[] {
  return scope.node.findAll()
    .filter((child): child is CfnResource => CfnResource.isCfnResource(child))
    .filter((resource) => type === undefined || resource.cfnResourceType === type);
}

/** Part of a rendered template. A value that is only known during deployment is an object. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Json = any;

/** Reads properties of resources as they are rendered in the template. */
class Reader {
  public readonly assumptions = new Set<string>();
  public readonly notPriced = new Set<string>();

  constructor(private readonly stack: Stack) {}

  /** Resolved properties of a resource. */
  private read<T>(resource: IConstruct | undefined, ...properties: (keyof T)[]): Json {
    const values = properties.map((property) => [property, (resource as T | undefined)?.[property]]);
    return this.stack.resolve(Object.fromEntries(values));
  }

  public count(scope: IConstruct): Counts {
    const counts: Counts = {};
    for (const resource of resourcesOf(scope)) {
      for (const [kind, number] of Object.entries(this.fixedCosts(resource)) as [FixedCost, number][]) {
        counts[kind] = (counts[kind] ?? 0) + number;
      }
    }
    return counts;
  }

  /** Counts the network that the services of the stack share. Another VPC is not part of the estimate. */
  public sharedNetwork(service: BilledService): Counts {
    const { vpc } = service;
    const sharedVpc = sharedVpcOf(service);
    if (sharedVpc && sharedVpc === vpc) { return this.count(sharedVpc.node.scope!); }
    this.notPriced.add(`other resources in the VPC ${vpc.node.path}: NAT gateways, VPC endpoints and their traffic`);
    return {};
  }

  public logs({ logGroup }: BilledService): Pick<BillableResources, 'logRetentionDays' | 'logsAreInfrequent'> {
    const { retentionInDays, logGroupClass } =
      this.read<logs.CfnLogGroup>(logGroup.node.defaultChild, 'retentionInDays', 'logGroupClass');
    const isKnown = typeof retentionInDays === 'number';
    if (!isKnown) { this.assumptions.add('logs are kept for one year'); }
    return {
      logRetentionDays: isKnown ? retentionInDays : 365,
      logsAreInfrequent: logGroupClass === 'INFREQUENT_ACCESS',
    };
  }

  private fixedCosts(resource: CfnResource): Counts {
    const { cfnResourceType: type } = resource;
    switch (type) {
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
    if (!NO_CHARGE.test(type)) { this.notPriced.add(NOT_PRICED[type] ?? type); }
    return {};
  }

  private endpoint(resource: CfnResource): Counts {
    const { vpcEndpointType, subnetIds } = this.read<ec2.CfnVPCEndpoint>(resource, 'vpcEndpointType', 'subnetIds');
    return vpcEndpointType === 'Interface' ? { endpoint: this.zoneCount(subnetIds) } : {};
  }

  private loadBalancer(resource: CfnResource): Counts {
    const { type = 'application', scheme, subnets, ipAddressType, loadBalancerAttributes = [] } =
      this.read<elbv2.CfnLoadBalancer>(
        resource, 'type', 'scheme', 'subnets', 'ipAddressType', 'loadBalancerAttributes');
    if (type !== 'application') {
      this.notPriced.add(`a load balancer of type ${type}`);
      return {};
    }
    const hasAccessLogs = loadBalancerAttributes
      .some(({ key, value }: Json) => key === 'access_logs.s3.enabled' && value === 'true');
    if (hasAccessLogs) { this.notPriced.add(S3_STORAGE); }
    const hasIpv4 = scheme !== 'internal' && ipAddressType !== 'dualstack-without-public-ipv4';
    return { loadBalancer: 1, loadBalancerIpv4: hasIpv4 ? this.zoneCount(subnets) : 0 };
  }

  /** An alarm is billed for each metric that it uses, but not for expressions. */
  private alarm(resource: CfnResource): Counts {
    const { metrics = [], period = 60 } = this.read<cloudwatch.CfnAlarm>(resource, 'metrics', 'period');
    const metricStats = metrics.flatMap(({ metricStat }: Json) => metricStat ?? []);
    const periods: number[] = metrics.length > 0 ? metricStats.map((stat: Json) => stat.period) : [period];
    const hasSpecialPrice = periods.some((seconds) => seconds < 60)
      || metrics.some(({ expression = '' }: Json) => /ANOMALY_DETECTION_BAND|^\s*SELECT\b/i.test(expression));
    if (hasSpecialPrice) {
      this.notPriced.add('high-resolution, anomaly detection and Metrics Insights alarms');
      return {};
    }
    return { alarmMetric: periods.length };
  }

  private cluster(resource: CfnResource): Counts {
    const { clusterSettings = [] } = this.read<ecs.CfnCluster>(resource, 'clusterSettings');
    const hasInsights = clusterSettings
      .some(({ name, value }: Json) => name === 'containerInsights' && value !== 'disabled');
    if (hasInsights) { this.notPriced.add('Container Insights'); }
    return {};
  }

  private zoneCount(subnets: unknown): number {
    if (Array.isArray(subnets)) { return subnets.length; }
    this.assumptions.add('two Availability Zones, if their number is only known during deployment');
    return 2;
  }

  public tasks(service: BilledService): BillableTasks | undefined {
    const { cpu, memory, ephemeralStorage, runtimePlatform } = this.read<ecs.CfnTaskDefinition>(
      service.taskDefinition.node.defaultChild, 'cpu', 'memory', 'ephemeralStorage', 'runtimePlatform');
    const [vcpu, memoryGb] = [Number(cpu) / 1024, Number(memory) / 1024];
    if (Number.isNaN(vcpu) || Number.isNaN(memoryGb)) {
      this.notPriced.add('the tasks, whose size is only known during deployment');
      return undefined;
    }
    const { capacityProviderStrategy = [], networkConfiguration } = this.read<ecs.CfnService>(
      service.service.node.defaultChild, 'capacityProviderStrategy', 'networkConfiguration');
    const [onDemand, spot] = ['FARGATE', 'FARGATE_SPOT']
      .map((name) => capacityProviderStrategy.find(({ capacityProvider }: Json) => capacityProvider === name));
    return {
      isArm: runtimePlatform?.cpuArchitecture === 'ARM64',
      vcpu,
      memoryGb,
      storageGb: ephemeralStorage?.sizeInGiB ?? FREE_TASK_STORAGE,
      count: this.taskCount(service),
      onDemand: spot?.weight > 0 ? onDemand?.base ?? 0 : Infinity,
      haveIpv4: networkConfiguration?.awsvpcConfiguration?.assignPublicIp === 'ENABLED',
    };
  }

  private taskCount(service: BilledService): number {
    const { desiredCount } = this.read<ecs.CfnService>(service.service.node.defaultChild, 'desiredCount');
    const [target] = resourcesOf(service.service, 'AWS::ApplicationAutoScaling::ScalableTarget');
    const { minCapacity, maxCapacity } = this.read<Json>(target, 'minCapacity', 'maxCapacity');
    const count = target ? minCapacity : desiredCount;
    if (typeof count !== 'number') {
      const standardCount = Preset.STANDARD._defaults.desiredCount;
      this.assumptions.add(`${taskText(standardCount)} if averageTasks is not set, `
        + 'because the number is only known during deployment');
      return standardCount;
    }
    if (target) {
      this.assumptions.add(`${taskText(count)} if averageTasks is not set, `
        + `the minimum of scaling, whose maximum is ${JSON.stringify(maxCapacity)}`);
    }
    return count;
  }
}

/** A number of tasks in words, in the singular for 1. */
export function taskText(count: number, qualifier = ''): string {
  return `${Math.round(count * 100) / 100} ${count === 1 ? 'task' : 'tasks'}${qualifier}`;
}
