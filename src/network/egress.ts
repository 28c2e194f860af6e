import { aws_ec2 as ec2 } from 'aws-cdk-lib';
import { DEFAULTS } from '../preset';
import { show } from '../validation';

/** Options for `Egress.natGateway`. */
export interface NatGatewayEgressOptions {
  /**
   * Number of NAT gateways, each in its own Availability Zone: 1 to the number of Availability Zones.
   *
   * A gateway costs $32.85 a month and $0.045 per GB, plus $3.65 a month for its public IPv4 address.
   *
   * Each needs an Elastic IP address, of which a Region has 5 by default
   * (https://docs.aws.amazon.com/general/latest/gr/ec2-service.html).
   *
   * With one gateway, the tasks lose outbound access in all Availability Zones if that of the gateway fails:
   * running tasks keep serving, but no new ones can start.
   *
   * @default 1
   * @see https://aws.amazon.com/vpc/pricing/ (2026-09)
   */
  readonly count?: number;
}

/**
 * Outbound access of the tasks, in the VPC that the construct creates: to ECR for the image, to CloudWatch for the
 * logs, and to other services.
 *
 * | | subnets of the tasks | $ a month at rest, two tasks in two Availability Zones (us-east-1, 2026-09) |
 * |---|---|---|
 * | `publicIp` | public | 7.30: one public IPv4 address for each task |
 * | `natGateway` | private | 36.50: one NAT gateway and its address |
 * | `vpcEndpoints` | isolated | 43.80: three interface endpoints per Availability Zone; 14.60 for each further one |
 *
 * Changing it moves the tasks with a deployment. Neither the VPC nor the service is replaced.
 */
export class Egress {
  /** Gives each task a public IPv4 address. Its security group allows inbound traffic only from the load balancer. */
  public static publicIp(): Egress {
    return new Egress('Egress.publicIp', ec2.SubnetType.PUBLIC, 0);
  }

  /**
   * Runs the tasks in private subnets with a NAT gateway. All of them share its address, for third-party allow lists.
   *
   * @param options number of NAT gateways
   */
  public static natGateway(options: NatGatewayEgressOptions = {}): Egress {
    const { count = DEFAULTS.natGateways } = options;
    const text = typeof count === 'number' ? String(count) : show(count);
    return new Egress(`Egress.natGateway with count ${text}`, ec2.SubnetType.PRIVATE_WITH_EGRESS, count);
  }

  /**
   * Runs the tasks in isolated subnets, with VPC endpoints for the AWS services that they need: ECR, S3 and CloudWatch
   * Logs, and Secrets Manager, Parameter Store, KMS and ECS Exec if the service uses them. They have no internet
   * access.
   *
   * Permissions and secrets that you add to the tasks outside this construct may need further endpoints:
   * `vpc.addInterfaceEndpoint`. Traffic through an interface endpoint costs $0.01 per GB.
   *
   * @see https://aws.amazon.com/privatelink/pricing/ (2026-09)
   */
  public static vpcEndpoints(): Egress {
    return new Egress('Egress.vpcEndpoints', ec2.SubnetType.PRIVATE_ISOLATED, 0);
  }

  private constructor(
    /** @internal */
    public readonly _description: string,
    /** @internal */
    public readonly _subnetType: ec2.SubnetType,
    /** @internal */
    public readonly _natGateways: number,
  ) {}

  /** @internal */
  public get _isIsolated(): boolean {
    return this._subnetType === ec2.SubnetType.PRIVATE_ISOLATED;
  }

  /** @internal */
  public get _usesPublicIps(): boolean {
    return this._subnetType === ec2.SubnetType.PUBLIC;
  }

  /** @internal */
  public get _usesNatGateways(): boolean {
    return this._subnetType === ec2.SubnetType.PRIVATE_WITH_EGRESS;
  }
}
