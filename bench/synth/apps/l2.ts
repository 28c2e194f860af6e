import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as assets from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as logs from 'aws-cdk-lib/aws-logs';

export function add(stack: Stack, id: string): void {
  const cluster = stack.node.tryFindChild('Cluster') as ecs.Cluster ?? new ecs.Cluster(stack, 'Cluster', {
    vpc: new ec2.Vpc(stack, 'Vpc', {
      maxAzs: 2,
      natGateways: 0,
      restrictDefaultSecurityGroup: true,
      subnetConfiguration: [{ name: 'public', subnetType: ec2.SubnetType.PUBLIC, mapPublicIpOnLaunch: false }],
    }),
    enableFargateCapacityProviders: true,
  });
  const { vpc } = cluster;
  const taskDefinition = new ecs.FargateTaskDefinition(stack, `${id}Task`, {
    cpu: 256,
    memoryLimitMiB: 512,
    runtimePlatform: {
      cpuArchitecture: ecs.CpuArchitecture.ARM64,
      operatingSystemFamily: ecs.OperatingSystemFamily.LINUX,
    },
  });
  taskDefinition.addContainer('app', {
    image: ecs.ContainerImage.fromAsset('example-app', { platform: assets.Platform.LINUX_ARM64 }),
    portMappings: [{ containerPort: 8080 }],
    environment: { PORT: '8080' },
    user: '1000:1000',
    readonlyRootFilesystem: true,
    stopTimeout: Duration.seconds(45),
    healthCheck: { command: ['CMD', 'node', 'health-check.js'] },
    logging: ecs.LogDrivers.awsLogs({
      streamPrefix: 'app',
      logGroup: new logs.LogGroup(stack, `${id}Logs`, { retention: logs.RetentionDays.ONE_MONTH }),
    }),
  });
  const loadBalancer = new elbv2.ApplicationLoadBalancer(stack, `${id}LoadBalancer`, {
    vpc,
    internetFacing: true,
    dropInvalidHeaderFields: true,
  });
  const targetGroup = new elbv2.ApplicationTargetGroup(stack, `${id}TargetGroup`, {
    vpc,
    port: 8080,
    protocol: elbv2.ApplicationProtocol.HTTP,
    targetType: elbv2.TargetType.IP,
    deregistrationDelay: Duration.seconds(30),
    healthCheck: { path: '/health', healthyThresholdCount: 2 },
  });
  loadBalancer.addListener('Listener', { port: 80, open: true, defaultTargetGroups: [targetGroup] });
  const metrics = targetGroup.metrics;
  const failed = new cloudwatch.Alarm(stack, `${id}Failed`, {
    metric: metrics.httpCodeTarget(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, { period: Duration.minutes(5) }),
    threshold: 5,
    evaluationPeriods: 2,
    treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
  });
  const unhealthy = new cloudwatch.Alarm(stack, `${id}Unhealthy`, {
    metric: metrics.unhealthyHostCount(),
    threshold: 1,
    evaluationPeriods: 3,
  });
  const service = new ecs.FargateService(stack, `${id}Service`, {
    cluster,
    taskDefinition,
    desiredCount: 2,
    assignPublicIp: true,
    vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
    healthCheckGracePeriod: Duration.seconds(60),
    minHealthyPercent: 100,
    maxHealthyPercent: 200,
    circuitBreaker: { enable: true, rollback: true },
    deploymentAlarms: {
      alarmNames: [failed.alarmName, unhealthy.alarmName],
      behavior: ecs.AlarmBehavior.ROLLBACK_ON_ALARM,
    },
    propagateTags: ecs.PropagatedTagSource.SERVICE,
  });
  service.attachToApplicationTargetGroup(targetGroup);
  for (const [name, metric] of Object.entries({
    Cpu: service.metricCpuUtilization(),
    Memory: service.metricMemoryUtilization(),
    Latency: metrics.targetResponseTime({ statistic: 'p95' }),
    Healthy: metrics.healthyHostCount(),
  })) {
    new cloudwatch.Alarm(stack, `${id}${name}`, { metric, threshold: 85, evaluationPeriods: 5 });
  }
  new CfnOutput(stack, `${id}Url`, { value: `http://${loadBalancer.loadBalancerDnsName}` });
}
