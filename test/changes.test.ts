import { fullDiff, ResourceImpact } from '@aws-cdk/cloudformation-diff';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { Capacity, Egress, HelloFargateService, HelloFargateServiceProps, Ingress } from '../src';

/** What CloudFormation would do when the props of a service that runs are changed, by the rules of its resource types. */
function change(before: (stack: Stack) => HelloFargateServiceProps, after: (stack: Stack) => HelloFargateServiceProps) {
  const templateWith = (props: (stack: Stack) => HelloFargateServiceProps) => {
    const stack = new Stack(new App(), 'Stack', { env: { account: '123456789012', region: 'us-east-1' } });
    new HelloFargateService(stack, 'Hello', props(stack));
    return Template.fromStack(stack).toJSON();
  };
  const impacts = new Array<{ type: string; id: string; impact: ResourceImpact }>();
  fullDiff(templateWith(before), templateWith(after)).resources.forEachDifference((id, difference) => {
    impacts.push({ id, type: difference.newResourceType ?? difference.oldResourceType ?? '', impact: difference.changeImpact });
  });
  return {
    /** What happens to the resources of a type; those that stay as they are are left out. */
    of: (type: string) => impacts.filter((each) => each.type === `AWS::${type}`).map(({ impact }) => impact),
    replaced: impacts.filter(({ impact }) => impact === ResourceImpact.WILL_REPLACE || impact === ResourceImpact.MAY_REPLACE).map(({ type }) => type),
    gone: impacts.filter(({ impact }) => impact === ResourceImpact.WILL_DESTROY || impact === ResourceImpact.WILL_ORPHAN).map(({ type }) => type),
  };
}

const { WILL_CREATE, WILL_DESTROY, WILL_UPDATE } = ResourceImpact;
const SERVICE = 'ECS::Service';
const LOAD_BALANCER = 'ElasticLoadBalancingV2::LoadBalancer';
const LISTENER = 'ElasticLoadBalancingV2::Listener';
const TARGET_GROUP = 'ElasticLoadBalancingV2::TargetGroup';

const nothing = () => ({});
const certificate = (stack: Stack, id: string) => acm.Certificate.fromCertificateArn(stack, id, `arn:aws:acm:us-east-1:123456789012:certificate/${id}`);
const https = (stack: Stack) => Ingress.https({
  domainName: 'hello.example.com',
  domainZone: route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z0123456789ABCDEFGHIJ', zoneName: 'example.com' }),
});

test('the same props change nothing', () => {
  const { replaced, gone, of } = change(nothing, nothing);

  expect([...replaced, ...gone, ...of(SERVICE)]).toEqual([]);
});

describe('ingress', () => {
  test.each([
    ['public to internal', nothing, () => ({ ingress: Ingress.http({ internetFacing: false }) })],
    ['internal to public', () => ({ ingress: Ingress.http({ internetFacing: false }) }), nothing],
    ['public to CloudFront', nothing, () => ({ ingress: Ingress.cloudFront() })],
  ])('%s: a new load balancer with a new target group, and the service is updated', (_what, before, after) => {
    const { replaced, of } = change(before, after);

    expect(replaced).toEqual([]);
    expect(of(SERVICE)).toEqual([WILL_UPDATE]);
    expect(of(LOAD_BALANCER).sort()).toEqual([WILL_CREATE, WILL_DESTROY].sort());
    expect(of(TARGET_GROUP).sort()).toEqual([WILL_CREATE, WILL_DESTROY].sort());
  });

  test('internal to CloudFront keeps the load balancer', () => {
    const { replaced, of } = change(() => ({ ingress: Ingress.http({ internetFacing: false }) }), () => ({ ingress: Ingress.cloudFront() }));

    expect(replaced).toEqual([]);
    expect(of(LOAD_BALANCER)).toEqual([]);
    expect(of('CloudFront::Distribution')).toEqual([WILL_CREATE]);
  });

  test('HTTP to HTTPS: a second listener, and load balancer, target group and service stay', () => {
    const { replaced, of } = change(nothing, (stack) => ({ ingress: https(stack) }));

    expect(replaced).toEqual([]);
    expect(of(LOAD_BALANCER)).toEqual([]);
    expect(of(TARGET_GROUP)).toEqual([]);
    expect(of(SERVICE)).toEqual([WILL_UPDATE]); // what it waits for, and no property
    expect(of(LISTENER).sort()).toEqual([WILL_CREATE, WILL_UPDATE].sort());
  });

  test('a second certificate is only added', () => {
    const { replaced, gone, of } = change(
      (stack) => ({ ingress: Ingress.httpsWithCertificates([certificate(stack, 'One')]) }),
      (stack) => ({ ingress: Ingress.httpsWithCertificates([certificate(stack, 'One'), certificate(stack, 'Two')]) }),
    );

    expect([...replaced, ...gone]).toEqual([]);
    expect(of(LISTENER)).toEqual([]);
    expect(of('ElasticLoadBalancingV2::ListenerCertificate')).toEqual([WILL_CREATE]);
  });

  test('options of the load balancer update it', () => {
    const { replaced, of } = change(nothing, () => ({
      ingress: Ingress.http({ deletionProtection: true, accessLogs: true, sessionStickiness: {}, allowFrom: [ec2.Peer.ipv4('192.0.2.0/24')] }),
    }));

    expect(replaced).toEqual([]);
    expect(of(LOAD_BALANCER)).toEqual([WILL_UPDATE]);
    expect(of(TARGET_GROUP)).toEqual([WILL_UPDATE]);
  });
});

describe('egress', () => {
  test.each([
    ['public addresses to NAT gateway', () => ({ egress: Egress.natGateway() })],
    ['public addresses to endpoints', () => ({ egress: Egress.vpcEndpoints() })],
    ['two zones to three', () => ({ maxAzs: 3 })],
  ])('%s: the service moves, and VPC, subnets and load balancer stay', (_what, after) => {
    const { replaced, gone, of } = change(nothing, after);

    expect([...replaced, ...gone]).toEqual([]);
    expect(of(SERVICE)).toEqual([WILL_UPDATE]);
    expect(of('EC2::VPC')).toEqual([]);
    expect(new Set(of('EC2::Subnet'))).toEqual(new Set([WILL_CREATE]));
  });
});

describe('the service', () => {
  test.each<[string, () => HelloFargateServiceProps, string[]]>([
    ['size', () => ({ cpu: 1024 }), ['AWS::ECS::TaskDefinition']],
    ['environment', () => ({ environment: { A: '1' } }), ['AWS::ECS::TaskDefinition']],
    ['ECS Exec', () => ({ enableExecuteCommand: true }), ['AWS::ECS::TaskDefinition']],
    ['count', () => ({ desiredCount: 5 }), []],
    ['Spot', () => ({ capacity: Capacity.spot() }), ['AWS::ECS::TaskDefinition']],
    ['health check', () => ({ healthCheck: { path: '/info' } }), []],
    ['log retention', () => ({ logRetention: 365 }), []],
  ])('%s: nothing is replaced but the revision of the task definition', (_what, after, replacedTypes) => {
    const { replaced, gone } = change(nothing, after);

    expect([...new Set(replaced)]).toEqual(replacedTypes);
    expect(gone).toEqual([]);
  });

  test('port: the rules of the security groups are new, the target group stays', () => {
    const { replaced, of } = change(nothing, () => ({ containerPort: 3000 }));

    expect(replaced).toEqual(['AWS::ECS::TaskDefinition']);
    expect(of(SERVICE)).toEqual([WILL_UPDATE]);
    expect(of(TARGET_GROUP)).toEqual([]);
  });
});
