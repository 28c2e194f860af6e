import { CfnOutput, Duration, Stack, TimeZone } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-applicationautoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as rds from 'aws-cdk-lib/aws-rds';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import {
  Alarms, Capacity, CpuScaling, Deployment, HelloFargateService, Ingress, Preset,
} from 'hello-fargate-service';

/** An online shop with a domain and a database, and a page for its staff. */
export class ShopStack extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id);

    const domainZone = route53.HostedZone.fromHostedZoneAttributes(this, 'Zone', {
      hostedZoneId: 'Z0123456789EXAMPLE',
      zoneName: 'example.com',
    });
    const vpc = new ec2.Vpc(this, 'Vpc', {
      maxAzs: 2,
      natGateways: 1,
      subnetConfiguration: [
        { name: 'public', subnetType: ec2.SubnetType.PUBLIC },
        { name: 'tasks', subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
        { name: 'database', subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
      ],
    });
    const paymentKey = new secretsmanager.Secret(this, 'PaymentKey');

    const shop = new HelloFargateService(this, 'Shop', {
      preset: Preset.PRODUCTION,
      vpc,
      ingress: Ingress.https({ domainName: 'shop.example.com', domainZone }),
      memoryLimitMiB: 1024,
      secrets: { PAYMENT_KEY: ecs.Secret.fromSecretsManager(paymentKey) },
      capacity: Capacity.spot({ onDemandBase: 2 }),
      scaling: {
        minCapacity: 3,
        maxCapacity: 20,
        cpu: CpuScaling.stepScaling({ scaleOutAbovePercent: 60, scaleInBelowPercent: 20 }),
        schedules: [
          {
            schedule: Schedule.cron({ weekDay: 'FRI', hour: '17', minute: '0' }),
            timeZone: TimeZone.EUROPE_BERLIN,
            minCapacity: 6,
          },
          {
            schedule: Schedule.cron({ weekDay: 'SUN', hour: '22', minute: '0' }),
            timeZone: TimeZone.EUROPE_BERLIN,
            minCapacity: 3,
          },
        ],
      },
      deployment: Deployment.canary({ percent: 10, canaryBakeTime: Duration.minutes(10) }),
      alarms: Alarms.recommended({ emails: ['on-call@example.com'], p95ResponseTime: Duration.seconds(1) }),
      dashboard: true,
    });
    shop.addSidecar('otel', {
      image: ecs.ContainerImage.fromRegistry('public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3'),
    });

    const database = new rds.DatabaseCluster(this, 'Database', {
      engine: rds.DatabaseClusterEngine.auroraPostgres({ version: rds.AuroraPostgresEngineVersion.VER_16_6 }),
      writer: rds.ClusterInstance.serverlessV2('Writer'),
      serverlessV2MinCapacity: 0.5,
      serverlessV2MaxCapacity: 4,
      defaultDatabaseName: 'shop',
      storageEncrypted: true,
      vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
    });
    shop.connectTo(database, {
      environment: { DATABASE_HOST: database.clusterEndpoint.hostname },
      secrets: { DATABASE_PASSWORD: ecs.Secret.fromSecretsManager(database.secret!, 'password') },
    });

    new HelloFargateService(this, 'Staff', {
      vpc,
      cluster: shop.cluster,
      ingress: Ingress.cloudFront({ staticPathPatterns: ['/static/*'] }),
    });

    const estimate = shop.estimateMonthlyCost({ requestsPerSecond: 20, gigabytesOut: 100, averageTasks: 4 });
    new CfnOutput(this, 'MonthlyCost', { value: estimate.total.toFixed(2) });
  }
}
