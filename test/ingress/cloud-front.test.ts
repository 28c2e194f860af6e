import { App, Stack, Tags } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { CloudFrontIngressOptions, HelloFargateService, Ingress } from '../../src';
import { hostedZone } from '../support/fixtures';
import { newStack, only, templateOf } from '../support/synth';

const PREFIX_LIST = 'pl-3b927c52';
const WEB_ACL = 'arn:aws:wafv2:us-east-1:123456789012:global/webacl/acl/00000000-0000-0000-0000-000000000000';
const certificateIn = (region: string, stack = newStack()) =>
  acm.Certificate.fromCertificateArn(stack, 'Certificate', `arn:aws:acm:${region}:123456789012:certificate/00000000-0000-0000-0000-000000000000`);

function cloudFrontWith(options: CloudFrontIngressOptions = {}, stack = newStack()) {
  const hello = new HelloFargateService(stack, 'Hello', { ingress: Ingress.cloudFront({ originFacingPrefixListId: PREFIX_LIST, ...options }) });
  const template = Template.fromStack(stack);
  return { hello, template, config: only(template, 'AWS::CloudFront::Distribution').DistributionConfig };
}

test('is HTTPS in front of an internal load balancer, without a name of your own', () => {
  const { hello, template, config } = cloudFrontWith();

  expect(JSON.stringify(hello.node.root && Stack.of(hello).resolve(hello.url))).toMatch(/"https:\/\/".*"DomainName"/);
  expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').Scheme).toBe('internal');
  expect(config.Origins).toHaveLength(1);
  expect(config.Origins[0].VpcOriginConfig.VpcOriginId['Fn::GetAtt'][0]).toContain('VpcOrigin');
  expect(only(template, 'AWS::CloudFront::VpcOrigin').VpcOriginEndpointConfig).toMatchObject({ HTTPPort: 80, OriginProtocolPolicy: 'http-only' });
  expect(config).toMatchObject({ HttpVersion: 'http2and3', Enabled: true });
  expect(config).not.toHaveProperty('Aliases');
  expect(hello.distribution).toBeDefined();
  expect(hello.listener).toBeDefined();
});

test('caches nothing and passes everything on, with security headers', () => {
  expect(cloudFrontWith().config.DefaultCacheBehavior).toMatchObject({
    AllowedMethods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'POST', 'DELETE'],
    CachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad', // CachingDisabled
    OriginRequestPolicyId: '216adef6-5c7f-47e4-b989-5492eafa07d3', // AllViewer
    ResponseHeadersPolicyId: '67f7725c-6f97-4210-82d7-5512b31e9d03', // SecurityHeadersPolicy
    ViewerProtocolPolicy: 'redirect-to-https',
  });
  expect(cloudFrontWith().config.CacheBehaviors).toBeUndefined();
});

test('caches the paths that are named, without cookies', () => {
  expect(cloudFrontWith({ staticPathPatterns: ['/assets/*'] }).config.CacheBehaviors).toEqual([
    expect.objectContaining({ PathPattern: '/assets/*', CachePolicyId: '658327ea-f89d-4fab-a63d-7e88639e58f6' }), // CachingOptimized
  ]);
  expect(cloudFrontWith({ staticPathPatterns: ['/assets/*'] }).config.CacheBehaviors[0]).not.toHaveProperty('OriginRequestPolicyId');
});

describe('nothing but CloudFront reaches the load balancer', () => {
  const clients = (template: Template) => {
    const groups = Object.values(template.findResources('AWS::EC2::SecurityGroup')).map(({ Properties }) => Properties);
    return groups.find(({ GroupDescription }) => GroupDescription.startsWith('Load balancer')).SecurityGroupIngress
      ?? Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).map(({ Properties }) => Properties)
        .filter(({ SourcePrefixListId }) => SourcePrefixListId);
  };

  test('by the prefix list that is given', () => {
    const { template } = cloudFrontWith();

    expect(clients(template)).toEqual([expect.objectContaining({ SourcePrefixListId: PREFIX_LIST, FromPort: 80, ToPort: 80 })]);
    template.resourceCountIs('Custom::AWS', 0);
  });

  test('by the one that is looked up while deploying, also where the region is not known', () => {
    const { template } = cloudFrontWith({ originFacingPrefixListId: undefined });
    const [lookUp] = Object.keys(template.findResources('Custom::AWS'));

    expect(clients(template)).toEqual([expect.objectContaining({ SourcePrefixListId: { 'Fn::GetAtt': [lookUp, 'PrefixLists.0.PrefixListId'] } })]);
    expect(only(template, 'Custom::AWS').Create).toBeDefined();
  });
});

test('the VPC origin keeps off tags, which it could not be updated with', () => {
  const stack = newStack();
  Tags.of(stack.node.root as App).add('team', 'shop');
  const { template } = cloudFrontWith({}, stack);

  expect(only(template, 'AWS::CloudFront::VpcOrigin')).not.toHaveProperty('Tags');
  expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').Tags).toEqual([{ Key: 'team', Value: 'shop' }]);
});

test('waits until the internet gateway is attached, which CloudFront comes by', () => {
  const { template } = cloudFrontWith();

  const attachments = Object.keys(template.findResources('AWS::EC2::VPCGatewayAttachment'));
  expect(attachments).toHaveLength(1);
  expect(Object.values(template.findResources('AWS::CloudFront::VpcOrigin'))[0].DependsOn).toEqual(expect.arrayContaining(attachments));
});

describe('in a VPC of isolated subnets', () => {
  const cloudFrontIn = (attach: (vpc: ec2.Vpc) => void) => {
    const stack = newStack();
    const isolated = { subnetType: ec2.SubnetType.PRIVATE_ISOLATED };
    const vpc = new ec2.Vpc(stack, 'Vpc', { restrictDefaultSecurityGroup: false, subnetConfiguration: [{ name: 'isolated', ...isolated }] });
    attach(vpc);
    return templateOf({ vpc, vpcSubnets: isolated, ingress: Ingress.cloudFront({ originFacingPrefixListId: PREFIX_LIST }) }, stack);
  };

  test('waits for the internet gateway that is attached to it, without a route', () => {
    const template = cloudFrontIn((vpc) => {
      new ec2.CfnVPCGatewayAttachment(vpc, 'Attachment', { vpcId: vpc.vpcId, internetGatewayId: new ec2.CfnInternetGateway(vpc, 'Gateway').ref });
    });

    expect(Object.values(template.findResources('AWS::CloudFront::VpcOrigin'))[0].DependsOn).toContainEqual(expect.stringMatching(/^VpcAttachment/));
    template.resourceCountIs('AWS::EC2::Route', 0);
  });

  test('is refused without one', () => {
    expect(() => cloudFrontIn(() => {})).toThrow(/^Stack\/Hello: vpc is "Stack\/Vpc", but it has no internet gateway, .*; attach one/);
  });
});

test('can have a name of your own, with records for IPv4 and IPv6', () => {
  const stack = newStack();
  const domainZone = hostedZone(stack);
  const { hello, template, config } = cloudFrontWith({
    domain: { domainName: 'hello.example.com', certificate: certificateIn('us-east-1', stack), domainZone },
    webAclArn: WEB_ACL,
  }, stack);

  expect(hello.url).toBe('https://hello.example.com');
  expect(config).toMatchObject({ Aliases: ['hello.example.com'], WebACLId: WEB_ACL, ViewerCertificate: { MinimumProtocolVersion: 'TLSv1.2_2021' } });
  expect(Object.values(template.findResources('AWS::Route53::RecordSet')).map(({ Properties }) => Properties.Type)).toEqual(['A', 'AAAA']);
});

describe('fails with', () => {
  test.each<[string, CloudFrontIngressOptions, RegExp]>([
    ['a certificate in another region', { domain: { domainName: 'a.example.com', certificate: certificateIn('eu-central-1') } }, /ingress\.domain\.certificate is one in eu-central-1, but CloudFront reads certificates in us-east-1 only; .*crossRegionReferences/],
    ['a regional web ACL', { webAclArn: WEB_ACL.replace('global', 'regional') }, /ingress\.webAclArn .* scope CLOUDFRONT, in us-east-1/],
    ['a path without a slash', { staticPathPatterns: ['assets/*'] }, /ingress\.staticPathPatterns is "assets\/\*", but a pattern starts with \//],
    ['a prefix list that is none', { originFacingPrefixListId: 'com.amazonaws.global.cloudfront.origin-facing' }, /ingress\.originFacingPrefixListId/],
  ])('%s', (_what, options, message) => {
    expect(() => templateOf({ ingress: Ingress.cloudFront(options) })).toThrow(message);
  });
});
