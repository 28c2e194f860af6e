import { Duration } from 'aws-cdk-lib';
import { only, templateOf } from '../support/synth';

const attributesOf = (properties: { [name: string]: any }, list: string) =>
  Object.fromEntries(
    properties[list].map((attribute: { Key: string; Value: string }) => [attribute.Key, attribute.Value]),
  );

describe('load balancer', () => {
  test('is internet-facing on port 80 and drops malformed requests', () => {
    const template = templateOf();
    const loadBalancer = only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer');

    expect(loadBalancer).toMatchObject({ Scheme: 'internet-facing', Type: 'application' });
    expect(loadBalancer.Subnets).toHaveLength(2);
    expect(attributesOf(loadBalancer, 'LoadBalancerAttributes')).toMatchObject({
      'routing.http.drop_invalid_header_fields.enabled': 'true',
      'routing.http.desync_mitigation_mode': 'defensive',
      'idle_timeout.timeout_seconds': '60',
    });
    expect(only(template, 'AWS::ElasticLoadBalancingV2::Listener')).toMatchObject({ Port: 80, Protocol: 'HTTP' });
  });

  test('forwards to the target group by the last rule, and responds with 404 by default', () => {
    const template = templateOf();
    const [targetGroup] = Object.keys(template.findResources('AWS::ElasticLoadBalancingV2::TargetGroup'));

    expect(only(template, 'AWS::ElasticLoadBalancingV2::ListenerRule')).toMatchObject({
      Priority: 50000,
      Conditions: [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/*'] } }],
      Actions: [{ Type: 'forward', TargetGroupArn: { Ref: targetGroup } }],
    });
    expect(only(template, 'AWS::ElasticLoadBalancingV2::Listener').DefaultActions).toEqual([
      {
        Type: 'fixed-response',
        FixedResponseConfig: { StatusCode: '404', ContentType: 'text/plain', MessageBody: 'not found' },
      },
    ]);
  });
});

describe('security groups', () => {
  test('allow inbound traffic from the internet to port 80 of the load balancer, and from there to the tasks', () => {
    const template = templateOf();
    const groups = template.findResources('AWS::EC2::SecurityGroup');
    const ids = Object.keys(groups);
    const loadBalancerGroup = ids.find((id) => groups[id].Properties.SecurityGroupIngress)!;
    const taskGroup = ids.find((id) => id !== loadBalancerGroup)!;

    expect(ids).toHaveLength(2);
    expect(groups[loadBalancerGroup].Properties.SecurityGroupIngress).toEqual([
      expect.objectContaining({ CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 80, ToPort: 80 }),
    ]);
    expect(groups[taskGroup].Properties.SecurityGroupIngress).toBeUndefined();
    expect(only(template, 'AWS::EC2::SecurityGroupIngress')).toMatchObject({
      GroupId: { 'Fn::GetAtt': [taskGroup, 'GroupId'] },
      SourceSecurityGroupId: { 'Fn::GetAtt': [loadBalancerGroup, 'GroupId'] },
      IpProtocol: 'tcp',
      FromPort: 8080,
      ToPort: 8080,
    });
    // Outbound: from the load balancer only to the tasks, from the tasks to anywhere.
    expect(groups[loadBalancerGroup].Properties.SecurityGroupEgress).toBeUndefined();
    expect(only(template, 'AWS::EC2::SecurityGroupEgress')).toMatchObject({
      GroupId: { 'Fn::GetAtt': [loadBalancerGroup, 'GroupId'] },
      DestinationSecurityGroupId: { 'Fn::GetAtt': [taskGroup, 'GroupId'] },
    });
    expect(groups[taskGroup].Properties.SecurityGroupEgress).toEqual([
      expect.objectContaining({ CidrIp: '0.0.0.0/0', IpProtocol: '-1' }),
    ]);
  });
});

describe('target group', () => {
  test('has a deregistration delay of 30 seconds', () => {
    expect(
      attributesOf(only(templateOf(), 'AWS::ElasticLoadBalancingV2::TargetGroup'), 'TargetGroupAttributes'),
    ).toMatchObject({ 'deregistration_delay.timeout_seconds': '30' });
  });

  test('is not replaced when the container port changes', () => {
    const targetGroup = (containerPort: number) =>
      templateOf({ containerPort }).findResources('AWS::ElasticLoadBalancingV2::TargetGroup');

    expect(targetGroup(3000)).toEqual(targetGroup(8080));
    expect(only(templateOf(), 'AWS::ElasticLoadBalancingV2::TargetGroup').Port).toBe(80);
  });
});

describe('health check', () => {
  test('requests /health every 30 seconds by default', () => {
    const template = templateOf();

    expect(only(template, 'AWS::ElasticLoadBalancingV2::TargetGroup')).toMatchObject({
      TargetType: 'ip',
      Protocol: 'HTTP',
      HealthCheckPath: '/health',
      HealthCheckIntervalSeconds: 30,
      HealthCheckTimeoutSeconds: 5,
      HealthyThresholdCount: 2,
      UnhealthyThresholdCount: 2,
      Matcher: { HttpCode: '200' },
    });
    expect(only(template, 'AWS::ECS::Service').HealthCheckGracePeriodSeconds).toBe(60);
  });

  test('applies each option separately', () => {
    const template = templateOf({
      healthCheck: {
        path: '/info?deep=1',
        interval: Duration.seconds(10),
        timeout: Duration.seconds(9),
        healthyThresholdCount: 3,
        unhealthyThresholdCount: 4,
        healthyHttpCodes: '200-204,301',
        gracePeriod: Duration.minutes(5),
      },
    });

    expect(only(template, 'AWS::ElasticLoadBalancingV2::TargetGroup')).toMatchObject({
      HealthCheckPath: '/info?deep=1',
      HealthCheckIntervalSeconds: 10,
      HealthCheckTimeoutSeconds: 9,
      HealthyThresholdCount: 3,
      UnhealthyThresholdCount: 4,
      Matcher: { HttpCode: '200-204,301' },
    });
    expect(only(template, 'AWS::ECS::Service').HealthCheckGracePeriodSeconds).toBe(300);
    expect(
      only(templateOf({ healthCheck: { path: '/info' } }), 'AWS::ElasticLoadBalancingV2::TargetGroup'),
    ).toMatchObject({ HealthCheckPath: '/info', HealthCheckIntervalSeconds: 30 });
  });
});
