import { Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { HelloFargateService } from 'hello-fargate-service';

/** The default service: no props. */
export class HelloStack extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    new HelloFargateService(this, 'Hello');
  }
}
