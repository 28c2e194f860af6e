from aws_cdk import CfnOutput, Duration, Stack, TimeZone
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct
from hello_fargate_service import (
    Alarms,
    Capacity,
    CpuScaling,
    Deployment,
    HelloFargateService,
    Ingress,
    Preset,
    ScalingOptions,
    ScalingSchedule,
)


class ShopStack(Stack):
    """An online shop with a domain and a database, and a page for its staff."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)

        domain_zone = route53.HostedZone.from_hosted_zone_attributes(
            self,
            "Zone",
            hosted_zone_id="Z0123456789EXAMPLE",
            zone_name="example.com",
        )
        vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            nat_gateways=1,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="public", subnet_type=ec2.SubnetType.PUBLIC),
                ec2.SubnetConfiguration(name="tasks", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
                ec2.SubnetConfiguration(name="database", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            ],
        )
        payment_key = secretsmanager.Secret(self, "PaymentKey")

        shop = HelloFargateService(
            self,
            "Shop",
            preset=Preset.PRODUCTION,
            vpc=vpc,
            ingress=Ingress.https(domain_name="shop.example.com", domain_zone=domain_zone),
            memory_limit_mib=1024,
            secrets={"PAYMENT_KEY": ecs.Secret.from_secrets_manager(payment_key)},
            capacity=Capacity.spot(on_demand_base=2),
            scaling=ScalingOptions(
                min_capacity=3,
                max_capacity=20,
                cpu=CpuScaling.step_scaling(scale_out_above_percent=60, scale_in_below_percent=20),
                schedules=[
                    ScalingSchedule(
                        schedule=appscaling.Schedule.cron(week_day="FRI", hour="17", minute="0"),
                        time_zone=TimeZone.EUROPE_BERLIN,
                        min_capacity=6,
                    ),
                    ScalingSchedule(
                        schedule=appscaling.Schedule.cron(week_day="SUN", hour="22", minute="0"),
                        time_zone=TimeZone.EUROPE_BERLIN,
                        min_capacity=3,
                    ),
                ],
            ),
            deployment=Deployment.canary(percent=10, canary_bake_time=Duration.minutes(10)),
            alarms=Alarms.recommended(emails=["on-call@example.com"], p95_response_time=Duration.seconds(1)),
            dashboard=True,
        )
        shop.add_sidecar(
            "otel",
            image=ecs.ContainerImage.from_registry("public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3"),
        )

        database = rds.DatabaseCluster(
            self,
            "Database",
            engine=rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_16_6),
            writer=rds.ClusterInstance.serverless_v2("Writer"),
            serverless_v2_min_capacity=0.5,
            serverless_v2_max_capacity=4,
            default_database_name="shop",
            storage_encrypted=True,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        )
        shop.connect_to(
            database,
            environment={"DATABASE_HOST": database.cluster_endpoint.hostname},
            secrets={"DATABASE_PASSWORD": ecs.Secret.from_secrets_manager(database.secret, "password")},
        )

        HelloFargateService(
            self,
            "Staff",
            vpc=vpc,
            cluster=shop.cluster,
            ingress=Ingress.cloud_front(static_path_patterns=["/static/*"]),
        )

        estimate = shop.estimate_monthly_cost(requests_per_second=20, gigabytes_out=100, average_tasks=4)
        CfnOutput(self, "MonthlyCost", value=f"{estimate.total:.2f}")
