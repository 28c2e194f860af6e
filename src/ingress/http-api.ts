import {
  Duration,
  Names,
  RemovalPolicy,
  aws_apigatewayv2 as apigatewayv2,
  aws_apigatewayv2_integrations as integrations,
  aws_ec2 as ec2,
  aws_ecs as ecs,
  aws_logs as logs,
  aws_servicediscovery as cloudmap,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { BoundIngress, IngressContext, IngressType } from './ingress-type';
import { DEFAULTS } from '../preset';
import { limited, Validation } from '../validation';

/**
 * Options of `Ingress.httpApi`.
 *
 * @experimental
 */
export interface HttpApiIngressOptions {
  /**
   * Time after which API Gateway responds with 503 if a task has not responded: 50 ms to 29 seconds. The maximum cannot
   * be increased.
   *
   * @default Duration.seconds(29)
   * @experimental
   */
  readonly timeout?: Duration;

  /**
   * Limits of the API for all clients together; API Gateway responds to further requests with 429. `rateLimit` is in
   * requests per second, `burstLimit` in requests. Both are whole numbers, and required.
   *
   * @default - the quota of the account in the Region: in most Regions 10,000 requests per second and a burst of 5,000
   * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
   * @experimental
   */
  readonly throttle?: apigatewayv2.ThrottleSettings;

  /**
   * Whether API Gateway writes a JSON line for each request to a log group, which is kept for a month and deleted with
   * the stack. A line has about 300 bytes: $0.15 for a million requests
   * (https://aws.amazon.com/cloudwatch/pricing/, 2026-09).
   *
   * @default false
   * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
   * @experimental
   */
  readonly accessLogs?: boolean;
}

/** The fields of an access log line, named like those of the example app where it has them too. */
const ACCESS_LOG_FIELDS = {
  timestamp: '$context.requestTime',
  method: '$context.httpMethod',
  path: '$context.path',
  status: '$context.status',
  responseLength: '$context.responseLength',
  responseTime: '$context.responseLatency',
  integrationTime: '$context.integrationLatency',
  error: '$context.error.message',
  ip: '$context.identity.sourceIp',
  requestId: '$context.requestId',
};

/** An API Gateway HTTP API that discovers the tasks through AWS Cloud Map, without a load balancer. */
export class HttpApiIngress implements IngressType {
  public readonly name = 'Ingress.httpApi';
  public readonly hasLoadBalancer = false;
  public readonly hasOwnListener = false;
  public readonly hasStickySessions = false;
  public readonly isPublicWithoutTls = false;
  public readonly idleTimeout = DEFAULTS.idleTimeout;

  constructor(public readonly options: HttpApiIngressOptions) {}

  public validate(validation: Validation, _scope: Construct, _vpc: ec2.IVpc | undefined): void {
    const { timeout, throttle } = this.options;
    if (throttle) { validateThrottle(validation, throttle); }
    if (!timeout || validation.checkTokenUnit('millis', 'ingress.timeout', timeout)) { return; }
    const ms = timeout.toMilliseconds({ integral: false });
    if (ms < 50 || ms > 29_000) {
      validation.refuse('ingress.timeout', `${ms} ms`,
        'the timeout of API Gateway is 50 to 29000 ms, which cannot be increased',
        'set it within that range, or use an ingress with a load balancer');
    }
  }

  public bind(scope: Construct, { network }: IngressContext): BoundIngress {
    const { vpc } = network;
    // Subnets and security groups of a VPC link cannot be changed: another network needs another link, and another API.
    const link = new Construct(scope, 'HttpApi');
    const securityGroup = new ec2.SecurityGroup(link, 'SecurityGroup', {
      vpc,
      description: 'VPC link: the tasks out',
      allowAllOutbound: false,
    });
    const vpcLink = new apigatewayv2.VpcLink(link, 'VpcLink', {
      vpc,
      subnets: network.taskSubnets,
      securityGroups: [securityGroup],
    });
    // The unique part of the name is at its end.
    (vpcLink.node.defaultChild as apigatewayv2.CfnVpcLink).name = Names.uniqueId(vpcLink).slice(-MAX_NAME);
    const cloudMapNamespace = newNamespace(link, scope, vpc);
    const httpApi = new apigatewayv2.HttpApi(link, 'Api', {
      apiName: limited(scope.node.scope!.node.path, MAX_NAME),
      description: limited(scope.node.path, 1024),
    });
    this.configureStage(httpApi);
    return {
      url: httpApi.apiEndpoint,
      httpApi,
      attach: (service: ecs.FargateService, container: ecs.ContainerDefinition) => {
        const { containerPort } = container;
        const discovery = service.enableCloudMap({
          cloudMapNamespace,
          dnsRecordType: cloudmap.DnsRecordType.SRV,
          dnsTtl: Duration.seconds(10),
          container,
          containerPort,
        });
        const integration = tasksIntegration(discovery, { vpcLink, timeout: this.options.timeout });
        const routeKey = apigatewayv2.HttpRouteKey.DEFAULT;
        new apigatewayv2.HttpRoute(link, 'Route', { httpApi, routeKey, integration });
        service.connections.allowFrom(securityGroup, ec2.Port.tcp(containerPort), 'VPC link to the tasks');
      },
    };
  }

  /** CDK creates the default stage without these options. */
  private configureStage(httpApi: apigatewayv2.HttpApi): void {
    const { throttle, accessLogs } = this.options;
    const stage = httpApi.defaultStage!.node.defaultChild as apigatewayv2.CfnStage;
    if (throttle) {
      const { burstLimit, rateLimit } = throttle;
      stage.defaultRouteSettings = { throttlingBurstLimit: burstLimit, throttlingRateLimit: rateLimit };
    }
    if (accessLogs) {
      const logGroup = new logs.LogGroup(httpApi, 'AccessLogs', {
        retention: DEFAULTS.httpApiLogRetention,
        removalPolicy: RemovalPolicy.DESTROY,
      });
      stage.accessLogSettings = { destinationArn: logGroup.logGroupArn, format: JSON.stringify(ACCESS_LOG_FIELDS) };
    }
  }
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-apigatewayv2-stage-routesettings.html */
function validateThrottle(validation: Validation, { burstLimit, rateLimit }: apigatewayv2.ThrottleSettings): void {
  for (const [option, value] of Object.entries({ burstLimit, rateLimit })) {
    const prop = `ingress.throttle.${option}`;
    if (value === undefined) {
      validation.refuse(prop, 'not set', 'API Gateway would keep its default for it', 'set both limits');
    }
    validation.wholeNumber(prop, value, [1, 1_000_000], 'a limit');
  }
}

/** https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/vpclinks.html, and the same for APIs. */
const MAX_NAME = 128;

/** Creates a DNS namespace, whose name must be a valid domain name that is unique in the VPC. */
function newNamespace(scope: Construct, ingressScope: Construct, vpc: ec2.IVpc): cloudmap.PrivateDnsNamespace {
  const name = Names.uniqueResourceName(ingressScope, { maxLength: 50, separator: '-' }).toLowerCase();
  return new cloudmap.PrivateDnsNamespace(scope, 'Namespace', { vpc, name: `${name}.internal` });
}

/** CDK's own integration has an option for the timeout, but does not render it. */
function tasksIntegration(
  service: cloudmap.IService, props: integrations.HttpServiceDiscoveryIntegrationProps,
): apigatewayv2.HttpRouteIntegration {
  class TasksIntegration extends integrations.HttpServiceDiscoveryIntegration {
    public bind(options: apigatewayv2.HttpRouteIntegrationBindOptions): apigatewayv2.HttpRouteIntegrationConfig {
      return { ...super.bind(options), timeout: props.timeout };
    }
  }
  return new TasksIntegration('Tasks', service, props);
}
