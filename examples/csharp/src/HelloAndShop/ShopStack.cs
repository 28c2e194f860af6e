using System.Collections.Generic;
using System.Globalization;
using Amazon.CDK;
using Amazon.CDK.AWS.ApplicationAutoScaling;
using Amazon.CDK.AWS.EC2;
using Amazon.CDK.AWS.ECS;
using Amazon.CDK.AWS.RDS;
using Amazon.CDK.AWS.Route53;
using Constructs;
using HelloFargate;
using Capacity = HelloFargate.Capacity;
using Deployment = HelloFargate.Deployment;
using Secret = Amazon.CDK.AWS.SecretsManager.Secret;

namespace HelloAndShop
{
    /// <summary>An online shop with a domain and a database, and a page for its staff.</summary>
    public class ShopStack : Stack
    {
        public ShopStack(Construct scope, string id) : base(scope, id)
        {
            var domainZone = HostedZone.FromHostedZoneAttributes(this, "Zone", new HostedZoneAttributes
            {
                HostedZoneId = "Z0123456789EXAMPLE",
                ZoneName = "example.com",
            });
            var vpc = new Vpc(this, "Vpc", new VpcProps
            {
                MaxAzs = 2,
                NatGateways = 1,
                SubnetConfiguration = new[]
                {
                    new SubnetConfiguration { Name = "public", SubnetType = SubnetType.PUBLIC },
                    new SubnetConfiguration { Name = "tasks", SubnetType = SubnetType.PRIVATE_WITH_EGRESS },
                    new SubnetConfiguration { Name = "database", SubnetType = SubnetType.PRIVATE_ISOLATED },
                },
            });
            var paymentKey = new Secret(this, "PaymentKey");

            var shop = new HelloFargateService(this, "Shop", new HelloFargateServiceProps
            {
                Preset = Preset.PRODUCTION,
                Vpc = vpc,
                Ingress = Ingress.Https(new HttpsIngressOptions
                {
                    DomainName = "shop.example.com",
                    DomainZone = domainZone,
                }),
                MemoryLimitMiB = 1024,
                Secrets = new Dictionary<string, Amazon.CDK.AWS.ECS.Secret>
                {
                    ["PAYMENT_KEY"] = Amazon.CDK.AWS.ECS.Secret.FromSecretsManager(paymentKey),
                },
                Capacity = Capacity.Spot(new SpotCapacityOptions { OnDemandBase = 2 }),
                Scaling = new ScalingOptions
                {
                    MinCapacity = 3,
                    MaxCapacity = 20,
                    Cpu = CpuScaling.StepScaling(new StepScalingOptions
                    {
                        ScaleOutAbovePercent = 60,
                        ScaleInBelowPercent = 20,
                    }),
                    Schedules = new IScalingSchedule[]
                    {
                        MinCapacity("FRI", "17", 6),
                        MinCapacity("SUN", "22", 3),
                    },
                },
                Deployment = Deployment.Canary(new CanaryDeploymentOptions
                {
                    Percent = 10,
                    CanaryBakeTime = Duration.Minutes(10),
                }),
                Alarms = Alarms.Recommended(new RecommendedAlarmsOptions
                {
                    Emails = new[] { "on-call@example.com" },
                    P95ResponseTime = Duration.Seconds(1),
                }),
                Dashboard = true,
            });
            shop.AddSidecar("otel", new SidecarOptions
            {
                Image = ContainerImage.FromRegistry(
                    "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3"),
            });

            var database = new DatabaseCluster(this, "Database", new DatabaseClusterProps
            {
                Engine = DatabaseClusterEngine.AuroraPostgres(new AuroraPostgresClusterEngineProps
                {
                    Version = AuroraPostgresEngineVersion.VER_16_6,
                }),
                Writer = ClusterInstance.ServerlessV2("Writer"),
                ServerlessV2MinCapacity = 0.5,
                ServerlessV2MaxCapacity = 4,
                DefaultDatabaseName = "shop",
                StorageEncrypted = true,
                Vpc = vpc,
                VpcSubnets = new SubnetSelection { SubnetType = SubnetType.PRIVATE_ISOLATED },
            });
            shop.ConnectTo(database, new ConnectionOptions
            {
                Environment = new Dictionary<string, string>
                {
                    ["DATABASE_HOST"] = database.ClusterEndpoint.Hostname,
                },
                Secrets = new Dictionary<string, Amazon.CDK.AWS.ECS.Secret>
                {
                    ["DATABASE_PASSWORD"] =
                        Amazon.CDK.AWS.ECS.Secret.FromSecretsManager(database.Secret!, "password"),
                },
            });

            new HelloFargateService(this, "Staff", new HelloFargateServiceProps
            {
                Vpc = vpc,
                Cluster = shop.Cluster,
                Ingress = Ingress.CloudFront(new CloudFrontIngressOptions
                {
                    StaticPathPatterns = new[] { "/static/*" },
                }),
            });

            var estimate = shop.EstimateMonthlyCost(new CostUsage
            {
                RequestsPerSecond = 20,
                GigabytesOut = 100,
                AverageTasks = 4,
            });
            new CfnOutput(this, "MonthlyCost", new CfnOutputProps
            {
                Value = estimate.Total.ToString("F2", CultureInfo.InvariantCulture),
            });
        }

        private static ScalingSchedule MinCapacity(string weekDay, string hour, double capacity)
        {
            return new ScalingSchedule
            {
                Schedule = Schedule.Cron(new CronOptions { WeekDay = weekDay, Hour = hour, Minute = "0" }),
                TimeZone = TimeZone.EUROPE_BERLIN,
                MinCapacity = capacity,
            };
        }
    }
}
