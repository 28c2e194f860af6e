from aws_cdk import Stack
from constructs import Construct
from hello_fargate_service import HelloFargateService


class HelloStack(Stack):
    """The default service: no props."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        HelloFargateService(self, "Hello")
