import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { IntegTest } from '@aws-cdk/integ-tests-alpha';
import { App, Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { DockerImageAssetOptions, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import * as typescript from 'typescript';

/*
 * A service of L2 constructs, as any CDK app may have it, and its cloud assembly. The rehearsal reads assemblies only,
 * so nothing here uses the construct of this library.
 */

export const APP = path.join(__dirname, 'fixtures', 'app');
const ROOT = path.join(__dirname, '..', '..', '..');

export interface FixtureProps {
  readonly containerPort?: number;
  readonly environment?: Record<string, string>;
  readonly secrets?: Record<string, ecs.Secret>;
  readonly desiredCount?: number;
  readonly gracePeriod?: Duration;
  readonly image?: ecs.ContainerImage;
  readonly imageOptions?: DockerImageAssetOptions;
  readonly healthCheck?: elbv2.HealthCheck;
  readonly container?: Partial<ecs.ContainerDefinitionOptions>;
  readonly conditions?: elbv2.ListenerCondition[];
  readonly cpuArchitecture?: ecs.CpuArchitecture;
  readonly spot?: boolean;
  /** What sends requests to it; by default an Application Load Balancer. */
  readonly ingress?: 'application' | 'network' | 'none';
  /** Adds volumes or sidecars to the task. */
  readonly furnish?: (task: ecs.FargateTaskDefinition, container: ecs.ContainerDefinition) => void;
}

export class FixtureService extends Construct {
  public readonly loadBalancer: elbv2.ApplicationLoadBalancer;
  public readonly service: ecs.FargateService;
  public readonly taskDefinition: ecs.FargateTaskDefinition;

  constructor(scope: Construct, id: string, props: FixtureProps = {}) {
    super(scope, id);
    const containerPort = props.containerPort ?? 8080;
    const vpc = new ec2.Vpc(this, 'Vpc', { natGateways: 0, maxAzs: 2, restrictDefaultSecurityGroup: false });
    const cpuArchitecture = props.cpuArchitecture ?? ecs.CpuArchitecture.ARM64;
    const platform = cpuArchitecture === ecs.CpuArchitecture.ARM64 ? Platform.LINUX_ARM64 : Platform.LINUX_AMD64;
    this.taskDefinition = new ecs.FargateTaskDefinition(this, 'Task', { runtimePlatform: { cpuArchitecture } });
    const container = this.taskDefinition.addContainer('app', {
      image: props.image ?? ecs.ContainerImage.fromAsset(APP, { platform, ...props.imageOptions }),
      portMappings: [{ containerPort }],
      environment: { PORT: String(containerPort), ...props.environment },
      secrets: props.secrets,
      stopTimeout: Duration.seconds(2),
      ...props.container,
    });
    props.furnish?.(this.taskDefinition, container);
    this.service = new ecs.FargateService(this, 'Service', {
      cluster: new ecs.Cluster(this, 'Cluster', { vpc, enableFargateCapacityProviders: props.spot }),
      capacityProviderStrategies: props.spot ? [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }] : undefined,
      taskDefinition: this.taskDefinition,
      desiredCount: props.desiredCount ?? 1,
      healthCheckGracePeriod: props.gracePeriod ?? Duration.seconds(0),
      circuitBreaker: { enable: true },
      minHealthyPercent: 100,
    });
    this.loadBalancer = new elbv2.ApplicationLoadBalancer(this, 'LoadBalancer', { vpc, internetFacing: true });
    const { ingress = 'application' } = props;
    if (ingress === 'application') { this.addLoadBalancer(vpc, props); }
    if (ingress === 'network') { this.addNetworkLoadBalancer(vpc, props); }
  }

  public get url(): string {
    return `http://${this.loadBalancer.loadBalancerDnsName}`;
  }

  private addLoadBalancer(vpc: ec2.IVpc, props: FixtureProps): void {
    const targetGroup = new elbv2.ApplicationTargetGroup(this, 'Targets', {
      vpc,
      port: 80,
      targets: [this.service],
      healthCheck: {
        path: '/health',
        interval: Duration.seconds(5),
        timeout: Duration.seconds(2),
        ...props.healthCheck,
      },
    });
    const defaultAction = elbv2.ListenerAction.fixedResponse(404);
    this.loadBalancer.addListener('Http', { port: 80, defaultAction }).addAction('Forward', {
      priority: 10,
      conditions: props.conditions ?? [elbv2.ListenerCondition.pathPatterns(['/*'])],
      action: elbv2.ListenerAction.forward([targetGroup]),
    });
  }

  private addNetworkLoadBalancer(vpc: ec2.IVpc, { healthCheck }: FixtureProps): void {
    const loadBalancer = new elbv2.NetworkLoadBalancer(this, 'NetworkLoadBalancer', { vpc });
    loadBalancer.addListener('Tcp', { port: 80 }).addTargets('TcpTargets', {
      port: 80, targets: [this.service], healthCheck: { interval: Duration.seconds(5), ...healthCheck },
    });
  }
}

/** @returns the directory of the assembly */
export function synthesize(build: (app: App) => void): string {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'assembly-'));
  // Analytics take time.
  const app = new App({ outdir, analyticsReporting: false });
  build(app);
  app.synth();
  return outdir;
}

/** @returns the directory of an assembly with one service, and with an integ test if there is `assertOn` */
export function synthesizeService(
  props: FixtureProps = {}, assertOn?: (test: IntegTest, service: FixtureService) => void,
): string {
  return synthesize((app) => {
    const stack = new Stack(app, 'Shop');
    const service = new FixtureService(stack, 'Web', props);
    if (assertOn) { assertOn(new IntegTest(app, 'Test', { testCases: [stack] }), service); }
  });
}

/** Installs the command in a directory as the package ships it. @returns its path */
export function installCommand(directory: string): string {
  const sources = path.join(ROOT, 'src', 'rehearsal');
  const target = path.join(directory, 'lib', 'rehearsal');
  const files = fs.readdirSync(sources, { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    compile(path.join(sources, file), path.join(target, path.dirname(file)));
  }
  // Programs that run by their path.
  for (const file of files.filter((name) => name.endsWith('.cjs'))) {
    fs.cpSync(path.join(sources, file), path.join(target, file));
  }
  fs.cpSync(path.join(ROOT, 'bin'), path.join(directory, 'bin'), { recursive: true });
  return path.join(directory, 'bin', 'hello-fargate-service');
}

/** Compiles a file without type checks, which take time. */
export function compile(file: string, directory: string): void {
  fs.mkdirSync(directory, { recursive: true });
  const { outputText } = typescript.transpileModule(fs.readFileSync(file, 'utf8'), {
    compilerOptions: {
      module: typescript.ModuleKind.CommonJS,
      target: typescript.ScriptTarget.ES2022,
      esModuleInterop: true,
    },
  });
  fs.writeFileSync(path.join(directory, path.basename(file).replace(/\.ts$/, '.js')), outputText);
}
