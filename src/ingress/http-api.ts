import { Duration, Names } from 'aws-cdk-lib';
import * as apigatewayv2 from 'aws-cdk-lib/aws-apigatewayv2';
import * as integrations from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as cloudmap from 'aws-cdk-lib/aws-servicediscovery';
import { Construct } from 'constructs';
import { BoundIngress, IngressContext, IngressType } from './ingress-type';
import { DEFAULTS } from '../preset';
import { Validation } from '../validation';

/** `Ingress.httpApi`. */
export interface HttpApiIngressOptions {
  /**
   * Time after which API Gateway answers 503 in place of a task that has not: 50 ms to 29 s.
   *
   * @default Duration.seconds(29)
   */
  readonly timeout?: Duration;
}

/** An API Gateway HTTP API that finds the tasks through Cloud Map, without a load balancer. */
export class HttpApiIngress implements IngressType {
  public readonly name = 'Ingress.httpApi';
  public readonly checksHealth = false;
  public readonly hasOwnListener = false;
  public readonly isPublicWithoutTls = false;
  public readonly idleTimeout = DEFAULTS.idleTimeout;

  constructor(private readonly options: HttpApiIngressOptions) {}

  public validate(validation: Validation, _scope: Construct, _vpc: ec2.IVpc | undefined): void {
    const { timeout } = this.options;
    if (timeout && !timeout.isUnresolved() && (timeout.toMilliseconds() < 50 || timeout.toMilliseconds() > 29_000)) {
      validation.refuse('ingress.timeout', `${timeout.toMilliseconds()} ms`, 'API Gateway waits 50 to 29000 ms for an answer, which cannot be raised',
        'set it within that range, or take an ingress with a load balancer');
    }
  }

  public bind(scope: Construct, { network }: IngressContext): BoundIngress {
    const { vpc } = network;
    // Subnets and groups of a link cannot change: another network makes another link, and so another API.
    const link = new Construct(scope, 'HttpApi');
    const securityGroup = new ec2.SecurityGroup(link, 'SecurityGroup', { vpc, description: 'VPC link: the tasks out', allowAllOutbound: false });
    const vpcLink = new apigatewayv2.VpcLink(link, 'VpcLink', { vpc, subnets: network.taskSubnets, securityGroups: [securityGroup] });
    const namespace = new cloudmap.PrivateDnsNamespace(link, 'Namespace', {
      vpc,
      // Unique in the VPC, and a name in DNS.
      name: `${Names.uniqueResourceName(scope, { maxLength: 50, separator: '-' }).toLowerCase()}.internal`,
    });
    const httpApi = new apigatewayv2.HttpApi(link, 'Api', { description: scope.node.path });
    return {
      url: httpApi.apiEndpoint,
      httpApi,
      attach: (service: ecs.FargateService, container: ecs.ContainerDefinition) => {
        const discovery = service.enableCloudMap({
          cloudMapNamespace: namespace,
          dnsRecordType: cloudmap.DnsRecordType.SRV,
          dnsTtl: Duration.seconds(10),
          container,
          containerPort: container.containerPort,
        });
        const integration = new TasksIntegration('Tasks', discovery, { vpcLink, timeout: this.options.timeout });
        new apigatewayv2.HttpRoute(link, 'Route', { httpApi, routeKey: apigatewayv2.HttpRouteKey.DEFAULT, integration });
        service.connections.allowFrom(securityGroup, ec2.Port.tcp(container.containerPort), 'VPC link to the tasks');
      },
    };
  }
}

/** CDK's own integration has the time-out as an option, and forgets it. */
class TasksIntegration extends integrations.HttpServiceDiscoveryIntegration {
  constructor(id: string, service: cloudmap.IService, private readonly options: integrations.HttpServiceDiscoveryIntegrationProps) {
    super(id, service, options);
  }

  public bind(options: apigatewayv2.HttpRouteIntegrationBindOptions): apigatewayv2.HttpRouteIntegrationConfig {
    return { ...super.bind(options), timeout: this.options.timeout };
  }
}
