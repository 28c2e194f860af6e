package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	hello "github.com/hello-fargate-service/hello-fargate-service-go/hellofargateservice"
)

// NewHelloStack creates the default service: no props.
func NewHelloStack(scope constructs.Construct, id string) awscdk.Stack {
	stack := awscdk.NewStack(scope, &id, nil)
	hello.NewHelloFargateService(stack, jsii.String("Hello"), nil)
	return stack
}
