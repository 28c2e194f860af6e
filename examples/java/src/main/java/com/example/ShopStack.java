package com.example;

import io.github.hellofargateservice.Alarms;
import io.github.hellofargateservice.CanaryDeploymentOptions;
import io.github.hellofargateservice.Capacity;
import io.github.hellofargateservice.CloudFrontIngressOptions;
import io.github.hellofargateservice.ConnectionOptions;
import io.github.hellofargateservice.CostEstimate;
import io.github.hellofargateservice.CostUsage;
import io.github.hellofargateservice.CpuScaling;
import io.github.hellofargateservice.Deployment;
import io.github.hellofargateservice.HelloFargateService;
import io.github.hellofargateservice.HttpsIngressOptions;
import io.github.hellofargateservice.Ingress;
import io.github.hellofargateservice.Preset;
import io.github.hellofargateservice.RecommendedAlarmsOptions;
import io.github.hellofargateservice.ScalingOptions;
import io.github.hellofargateservice.ScalingSchedule;
import io.github.hellofargateservice.SidecarOptions;
import io.github.hellofargateservice.SpotCapacityOptions;
import io.github.hellofargateservice.StepScalingOptions;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import software.amazon.awscdk.CfnOutput;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.TimeZone;
import software.amazon.awscdk.services.applicationautoscaling.CronOptions;
import software.amazon.awscdk.services.applicationautoscaling.Schedule;
import software.amazon.awscdk.services.ec2.SubnetConfiguration;
import software.amazon.awscdk.services.ec2.SubnetSelection;
import software.amazon.awscdk.services.ec2.SubnetType;
import software.amazon.awscdk.services.ec2.Vpc;
import software.amazon.awscdk.services.ecs.ContainerImage;
import software.amazon.awscdk.services.rds.AuroraPostgresClusterEngineProps;
import software.amazon.awscdk.services.rds.AuroraPostgresEngineVersion;
import software.amazon.awscdk.services.rds.ClusterInstance;
import software.amazon.awscdk.services.rds.DatabaseCluster;
import software.amazon.awscdk.services.rds.DatabaseClusterEngine;
import software.amazon.awscdk.services.route53.HostedZone;
import software.amazon.awscdk.services.route53.HostedZoneAttributes;
import software.amazon.awscdk.services.route53.IHostedZone;
import software.amazon.awscdk.services.secretsmanager.Secret;
import software.constructs.Construct;

/** An online shop with a domain and a database, and a page for its staff. */
public class ShopStack extends Stack {
    public ShopStack(final Construct scope, final String id) {
        super(scope, id);

        IHostedZone domainZone = HostedZone.fromHostedZoneAttributes(this, "Zone", HostedZoneAttributes.builder()
                .hostedZoneId("Z0123456789EXAMPLE")
                .zoneName("example.com")
                .build());
        Vpc vpc = Vpc.Builder.create(this, "Vpc")
                .maxAzs(2)
                .natGateways(1)
                .subnetConfiguration(List.of(
                        subnets("public", SubnetType.PUBLIC),
                        subnets("tasks", SubnetType.PRIVATE_WITH_EGRESS),
                        subnets("database", SubnetType.PRIVATE_ISOLATED)))
                .build();
        Secret paymentKey = new Secret(this, "PaymentKey");

        HelloFargateService shop = HelloFargateService.Builder.create(this, "Shop")
                .preset(Preset.PRODUCTION)
                .vpc(vpc)
                .ingress(Ingress.https(HttpsIngressOptions.builder()
                        .domainName("shop.example.com")
                        .domainZone(domainZone)
                        .build()))
                .memoryLimitMiB(1024)
                .secrets(Map.of("PAYMENT_KEY", ecsSecret(paymentKey)))
                .capacity(Capacity.spot(SpotCapacityOptions.builder().onDemandBase(2).build()))
                .scaling(ScalingOptions.builder()
                        .minCapacity(3)
                        .maxCapacity(20)
                        .cpu(CpuScaling.stepScaling(StepScalingOptions.builder()
                                .scaleOutAbovePercent(60)
                                .scaleInBelowPercent(20)
                                .build()))
                        .schedules(List.of(minCapacity("FRI", "17", 6), minCapacity("SUN", "22", 3)))
                        .build())
                .deployment(Deployment.canary(CanaryDeploymentOptions.builder()
                        .percent(10)
                        .canaryBakeTime(Duration.minutes(10))
                        .build()))
                .alarms(Alarms.recommended(RecommendedAlarmsOptions.builder()
                        .emails(List.of("on-call@example.com"))
                        .p95ResponseTime(Duration.seconds(1))
                        .build()))
                .dashboard(true)
                .build();
        shop.addSidecar("otel", SidecarOptions.builder()
                .image(ContainerImage.fromRegistry("public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3"))
                .build());

        DatabaseCluster database = DatabaseCluster.Builder.create(this, "Database")
                .engine(DatabaseClusterEngine.auroraPostgres(AuroraPostgresClusterEngineProps.builder()
                        .version(AuroraPostgresEngineVersion.VER_16_6)
                        .build()))
                .writer(ClusterInstance.serverlessV2("Writer"))
                .serverlessV2MinCapacity(0.5)
                .serverlessV2MaxCapacity(4)
                .defaultDatabaseName("shop")
                .storageEncrypted(true)
                .vpc(vpc)
                .vpcSubnets(SubnetSelection.builder().subnetType(SubnetType.PRIVATE_ISOLATED).build())
                .build();
        shop.connectTo(database, ConnectionOptions.builder()
                .environment(Map.of("DATABASE_HOST", database.getClusterEndpoint().getHostname()))
                .secrets(Map.of("DATABASE_PASSWORD",
                        software.amazon.awscdk.services.ecs.Secret.fromSecretsManager(
                                database.getSecret(), "password")))
                .build());

        HelloFargateService.Builder.create(this, "Staff")
                .vpc(vpc)
                .cluster(shop.getCluster())
                .ingress(Ingress.cloudFront(CloudFrontIngressOptions.builder()
                        .staticPathPatterns(List.of("/static/*"))
                        .build()))
                .build();

        CostEstimate estimate = shop.estimateMonthlyCost(CostUsage.builder()
                .requestsPerSecond(20)
                .gigabytesOut(100)
                .averageTasks(4)
                .build());
        CfnOutput.Builder.create(this, "MonthlyCost")
                .value(String.format(Locale.ROOT, "%.2f", estimate.getTotal().doubleValue()))
                .build();
    }

    private static SubnetConfiguration subnets(final String name, final SubnetType type) {
        return SubnetConfiguration.builder().name(name).subnetType(type).build();
    }

    private static software.amazon.awscdk.services.ecs.Secret ecsSecret(final Secret secret) {
        return software.amazon.awscdk.services.ecs.Secret.fromSecretsManager(secret);
    }

    private static ScalingSchedule minCapacity(final String weekDay, final String hour, final int minCapacity) {
        return ScalingSchedule.builder()
                .schedule(Schedule.cron(CronOptions.builder().weekDay(weekDay).hour(hour).minute("0").build()))
                .timeZone(TimeZone.EUROPE_BERLIN)
                .minCapacity(minCapacity)
                .build();
    }
}
