module example.com/hello-and-shop

go 1.25

require (
	github.com/aws/aws-cdk-go/awscdk/v2 v2.257.0
	github.com/aws/constructs-go/constructs/v10 v10.5.1
	github.com/aws/jsii-runtime-go v1.140.0
	github.com/hello-fargate-service/hello-fargate-service-go/hellofargateservice v0.0.0
)
