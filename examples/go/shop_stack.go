package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapplicationautoscaling"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	hello "github.com/hello-fargate-service/hello-fargate-service-go/hellofargateservice"
)

// NewShopStack creates an online shop with a domain and a database, and a page for its staff.
func NewShopStack(scope constructs.Construct, id string) awscdk.Stack {
	stack := awscdk.NewStack(scope, &id, nil)

	domainZone := awsroute53.HostedZone_FromHostedZoneAttributes(stack, jsii.String("Zone"),
		&awsroute53.HostedZoneAttributes{
			HostedZoneId: jsii.String("Z0123456789EXAMPLE"),
			ZoneName:     jsii.String("example.com"),
		})
	vpc := awsec2.NewVpc(stack, jsii.String("Vpc"), &awsec2.VpcProps{
		MaxAzs:      jsii.Number(2),
		NatGateways: jsii.Number(1),
		SubnetConfiguration: &[]*awsec2.SubnetConfiguration{
			{Name: jsii.String("public"), SubnetType: awsec2.SubnetType_PUBLIC},
			{Name: jsii.String("tasks"), SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS},
			{Name: jsii.String("database"), SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED},
		},
	})
	paymentKey := awssecretsmanager.NewSecret(stack, jsii.String("PaymentKey"), nil)

	shop := hello.NewHelloFargateService(stack, jsii.String("Shop"), &hello.HelloFargateServiceProps{
		Preset: hello.Preset_PRODUCTION(),
		Vpc:    vpc,
		Ingress: hello.Ingress_Https(&hello.HttpsIngressOptions{
			DomainName: jsii.String("shop.example.com"),
			DomainZone: domainZone,
		}),
		MemoryLimitMiB: jsii.Number(1024),
		Secrets: &map[string]awsecs.Secret{
			"PAYMENT_KEY": awsecs.Secret_FromSecretsManager(paymentKey, nil),
		},
		Capacity: hello.Capacity_Spot(&hello.SpotCapacityOptions{OnDemandBase: jsii.Number(2)}),
		Scaling: &hello.ScalingOptions{
			MinCapacity: jsii.Number(3),
			MaxCapacity: jsii.Number(20),
			Cpu: hello.CpuScaling_StepScaling(&hello.StepScalingOptions{
				ScaleOutAbovePercent: jsii.Number(60),
				ScaleInBelowPercent:  jsii.Number(20),
			}),
			Schedules: &[]*hello.ScalingSchedule{minCapacity("FRI", "17", 6), minCapacity("SUN", "22", 3)},
		},
		Deployment: hello.Deployment_Canary(&hello.CanaryDeploymentOptions{
			Percent:        jsii.Number(10),
			CanaryBakeTime: awscdk.Duration_Minutes(jsii.Number(10)),
		}),
		Alarms: hello.Alarms_Recommended(&hello.RecommendedAlarmsOptions{
			Emails:          jsii.Strings("on-call@example.com"),
			P95ResponseTime: awscdk.Duration_Seconds(jsii.Number(1)),
		}),
		Dashboard: jsii.Bool(true),
	})
	shop.AddSidecar(jsii.String("otel"), &hello.SidecarOptions{
		Image: awsecs.ContainerImage_FromRegistry(
			jsii.String("public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3"), nil),
	})

	database := awsrds.NewDatabaseCluster(stack, jsii.String("Database"), &awsrds.DatabaseClusterProps{
		Engine: awsrds.DatabaseClusterEngine_AuroraPostgres(&awsrds.AuroraPostgresClusterEngineProps{
			Version: awsrds.AuroraPostgresEngineVersion_VER_16_6(),
		}),
		Writer:                  awsrds.ClusterInstance_ServerlessV2(jsii.String("Writer"), nil),
		ServerlessV2MinCapacity: jsii.Number(0.5),
		ServerlessV2MaxCapacity: jsii.Number(4),
		DefaultDatabaseName:     jsii.String("shop"),
		StorageEncrypted:        jsii.Bool(true),
		Vpc:                     vpc,
		VpcSubnets:              &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED},
	})
	shop.ConnectTo(database, &hello.ConnectionOptions{
		Environment: &map[string]*string{"DATABASE_HOST": database.ClusterEndpoint().Hostname()},
		Secrets: &map[string]awsecs.Secret{
			"DATABASE_PASSWORD": awsecs.Secret_FromSecretsManager(database.Secret(), jsii.String("password")),
		},
	})

	hello.NewHelloFargateService(stack, jsii.String("Staff"), &hello.HelloFargateServiceProps{
		Vpc:     vpc,
		Cluster: shop.Cluster(),
		Ingress: hello.Ingress_CloudFront(&hello.CloudFrontIngressOptions{
			StaticPathPatterns: jsii.Strings("/static/*"),
		}),
	})

	estimate := shop.EstimateMonthlyCost(&hello.CostUsage{
		RequestsPerSecond: jsii.Number(20),
		GigabytesOut:      jsii.Number(100),
		AverageTasks:      jsii.Number(4),
	})
	awscdk.NewCfnOutput(stack, jsii.String("MonthlyCost"), &awscdk.CfnOutputProps{
		Value: jsii.String(fmt.Sprintf("%.2f", *estimate.Total())),
	})
	return stack
}

func minCapacity(weekDay string, hour string, capacity float64) *hello.ScalingSchedule {
	return &hello.ScalingSchedule{
		Schedule: awsapplicationautoscaling.Schedule_Cron(&awsapplicationautoscaling.CronOptions{
			WeekDay: &weekDay,
			Hour:    &hour,
			Minute:  jsii.String("0"),
		}),
		TimeZone:    awscdk.TimeZone_EUROPE_BERLIN(),
		MinCapacity: &capacity,
	}
}
