import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as assets from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as patterns from 'aws-cdk-lib/aws-ecs-patterns';
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
  const service = new patterns.ApplicationLoadBalancedFargateService(stack, id, {
    cluster,
    cpu: 256,
    memoryLimitMiB: 512,
    desiredCount: 2,
    assignPublicIp: true,
    runtimePlatform: { cpuArchitecture: ecs.CpuArchitecture.ARM64 },
    circuitBreaker: { enable: true, rollback: true },
    minHealthyPercent: 100,
    maxHealthyPercent: 200,
    healthCheckGracePeriod: Duration.seconds(60),
    taskImageOptions: {
      image: ecs.ContainerImage.fromAsset('example-app', { platform: assets.Platform.LINUX_ARM64 }),
      containerPort: 8080,
      logDriver: ecs.LogDrivers.awsLogs({
        streamPrefix: 'app',
        logGroup: new logs.LogGroup(stack, `${id}Logs`, { retention: logs.RetentionDays.ONE_MONTH }),
      }),
    },
  });
  service.targetGroup.configureHealthCheck({ path: '/health', healthyThresholdCount: 2 });
  service.targetGroup.setAttribute('deregistration_delay.timeout_seconds', '30');
  service.loadBalancer.setAttribute('routing.http.drop_invalid_header_fields.enabled', 'true');
  new CfnOutput(stack, `${id}Url`, { value: `http://${service.loadBalancer.loadBalancerDnsName}` });
}
