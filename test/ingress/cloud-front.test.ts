import { App, Duration, Stack, Tags } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { CloudFrontIngressOptions, HelloFargateService, Ingress } from '../../src';
import { hostedZone, importedCertificate } from '../support/fixtures';
import { newStack, only, templateOf } from '../support/synth';

const PREFIX_LIST = 'pl-3b927c52';
const WEB_ACL = 'arn:aws:wafv2:us-east-1:123456789012:global/webacl/acl/00000000-0000-0000-0000-000000000000';
const certificateIn = (region: string, stack = newStack()) => importedCertificate(stack, 'Certificate', region);

function cloudFrontWith(options: CloudFrontIngressOptions = {}, stack = newStack()) {
  const hello = new HelloFargateService(stack, 'Hello', {
    ingress: Ingress.cloudFront({ originFacingPrefixListId: PREFIX_LIST, ...options }),
  });
  const template = Template.fromStack(stack);
  return { hello, template, config: only(template, 'AWS::CloudFront::Distribution').DistributionConfig };
}

test('serves HTTPS in front of an internal load balancer, without a domain', () => {
  const { hello, template, config } = cloudFrontWith();

  expect(JSON.stringify(hello.node.root && Stack.of(hello).resolve(hello.url))).toMatch(/"https:\/\/".*"DomainName"/);
  expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').Scheme).toBe('internal');
  expect(config.Origins).toHaveLength(1);
  expect(config.Origins[0].VpcOriginConfig.VpcOriginId['Fn::GetAtt'][0]).toContain('VpcOrigin');
  expect(only(template, 'AWS::CloudFront::VpcOrigin').VpcOriginEndpointConfig).toMatchObject({
    HTTPPort: 80,
    OriginProtocolPolicy: 'http-only',
  });
  expect(config).toMatchObject({ HttpVersion: 'http2and3', Enabled: true });
  expect(config).not.toHaveProperty('Aliases');
  expect(hello.distribution).toBeDefined();
  expect(hello.listener).toBeDefined();
});

test('caches nothing, forwards everything with the protocol of the viewer, and adds security headers', () => {
  expect(cloudFrontWith().config.DefaultCacheBehavior).toMatchObject({
    AllowedMethods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'POST', 'DELETE'],
    CachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad', // CachingDisabled
    OriginRequestPolicyId: '33f36d7e-f396-46d9-90e0-52428a34d9dc', // AllViewerAndCloudFrontHeaders-2022-06
    ResponseHeadersPolicyId: '67f7725c-6f97-4210-82d7-5512b31e9d03', // SecurityHeadersPolicy
    ViewerProtocolPolicy: 'redirect-to-https',
  });
  expect(cloudFrontWith().config.CacheBehaviors).toBeUndefined();
});

describe('timeouts of the origin', () => {
  const timeoutsWith = (seconds: number) =>
    cloudFrontWith({ idleTimeout: Duration.seconds(seconds) }).config.Origins[0].VpcOriginConfig;

  test.each([2, 5, 6, 30, 60, 61, 120, 121, 180, 4000])('close idle connections first, for %s s', (idleTimeout) => {
    const { OriginKeepaliveTimeout } = timeoutsWith(idleTimeout);

    expect(OriginKeepaliveTimeout).toBeGreaterThanOrEqual(1);
    expect(OriginKeepaliveTimeout).toBeLessThan(idleTimeout);
    expect(OriginKeepaliveTimeout).toBeLessThanOrEqual(60);
  });

  test.each([[1, 60], [60, 60], [90, 90], [120, 120], [180, 120], [4000, 120]])(
    'wait for a response as long as the load balancer, which waits %s s, within the quota: %s s',
    (idleTimeout, seconds) => {
      expect(timeoutsWith(idleTimeout).OriginReadTimeout).toBe(seconds);
    },
  );
});

test('caches static paths, without cookies', () => {
  expect(cloudFrontWith({ staticPathPatterns: ['/assets/*'] }).config.CacheBehaviors).toEqual([
    expect.objectContaining({
      PathPattern: '/assets/*',
      CachePolicyId: '658327ea-f89d-4fab-a63d-7e88639e58f6', // CachingOptimized
    }),
  ]);
  expect(cloudFrontWith({ staticPathPatterns: ['/assets/*'] }).config.CacheBehaviors[0]).not.toHaveProperty(
    'OriginRequestPolicyId',
  );
});

describe('accepts connections to the load balancer only from CloudFront', () => {
  const clients = (template: Template) => {
    const groups = Object.values(template.findResources('AWS::EC2::SecurityGroup')).map(({ Properties }) => Properties);
    return (
      groups.find(({ GroupDescription }) => GroupDescription.startsWith('Load balancer')).SecurityGroupIngress ??
      Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'))
        .map(({ Properties }) => Properties)
        .filter(({ SourcePrefixListId }) => SourcePrefixListId)
    );
  };

  test('with the prefix list that is set', () => {
    const { template } = cloudFrontWith();

    expect(clients(template)).toEqual([
      expect.objectContaining({ SourcePrefixListId: PREFIX_LIST, FromPort: 80, ToPort: 80 }),
    ]);
    template.resourceCountIs('Custom::AWS', 0);
  });

  test('with a prefix list that is looked up during deployment, even if the Region is unknown', () => {
    const { template } = cloudFrontWith({ originFacingPrefixListId: undefined });
    const [lookUp] = Object.keys(template.findResources('Custom::AWS'));

    expect(clients(template)).toEqual([
      expect.objectContaining({ SourcePrefixListId: { 'Fn::GetAtt': [lookUp, 'PrefixLists.0.PrefixListId'] } }),
    ]);
    expect(only(template, 'Custom::AWS').Create).toBeDefined();
  });
});

test('creates the VPC origin without tags, because it cannot be updated', () => {
  const stack = newStack();
  Tags.of(stack.node.root as App).add('team', 'shop');
  const { template } = cloudFrontWith({}, stack);

  expect(only(template, 'AWS::CloudFront::VpcOrigin')).not.toHaveProperty('Tags');
  expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').Tags).toEqual([{ Key: 'team', Value: 'shop' }]);
});

test('creates the VPC origin after the internet gateway is attached', () => {
  const { template } = cloudFrontWith();

  const attachments = Object.keys(template.findResources('AWS::EC2::VPCGatewayAttachment'));
  expect(attachments).toHaveLength(1);
  expect(Object.values(template.findResources('AWS::CloudFront::VpcOrigin'))[0].DependsOn).toEqual(
    expect.arrayContaining(attachments),
  );
});

describe('in a VPC with isolated subnets', () => {
  const cloudFrontIn = (attach: (vpc: ec2.Vpc) => void) => {
    const stack = newStack();
    const isolated = { subnetType: ec2.SubnetType.PRIVATE_ISOLATED };
    const vpc = new ec2.Vpc(stack, 'Vpc', {
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [{ name: 'isolated', ...isolated }],
    });
    attach(vpc);
    return templateOf(
      { vpc, vpcSubnets: isolated, ingress: Ingress.cloudFront({ originFacingPrefixListId: PREFIX_LIST }) },
      stack,
    );
  };

  test('waits for an attached internet gateway without a route', () => {
    const template = cloudFrontIn((vpc) => {
      new ec2.CfnVPCGatewayAttachment(vpc, 'Attachment', {
        vpcId: vpc.vpcId,
        internetGatewayId: new ec2.CfnInternetGateway(vpc, 'Gateway').ref,
      });
    });

    expect(Object.values(template.findResources('AWS::CloudFront::VpcOrigin'))[0].DependsOn).toContainEqual(
      expect.stringMatching(/^VpcAttachment/),
    );
    template.resourceCountIs('AWS::EC2::Route', 0);
  });

  test('fails without an internet gateway', () => {
    expect(() => cloudFrontIn(() => {})).toThrow(
      /^Stack\/Hello: vpc is "Stack\/Vpc", but it has no internet gateway, .*; attach one/,
    );
  });
});

test('supports a domain name, with records for IPv4 and IPv6', () => {
  const stack = newStack();
  const { hello, template, config } = cloudFrontWith(
    {
      domainName: 'hello.example.com',
      certificate: certificateIn('us-east-1', stack),
      domainZone: hostedZone(stack),
      webAclArn: WEB_ACL,
    },
    stack,
  );

  expect(hello.url).toBe('https://hello.example.com');
  expect(config).toMatchObject({
    Aliases: ['hello.example.com'],
    WebACLId: WEB_ACL,
    ViewerCertificate: { MinimumProtocolVersion: 'TLSv1.2_2021' },
  });
  expect(
    Object.values(template.findResources('AWS::Route53::RecordSet')).map(({ Properties }) => Properties.Type),
  ).toEqual(['A', 'AAAA']);
});

describe('fails with', () => {
  const domainName = 'hello.example.com';

  test.each<[string, CloudFrontIngressOptions, RegExp]>([
    [
      'a domain name without a certificate',
      { domainName },
      /ingress\.domainName is "hello\.example\.com", but CloudFront needs a certificate .*; set certificate/,
    ],
    [
      'a certificate without a domain name',
      { certificate: certificateIn('us-east-1') },
      /ingress\.certificate is "Stack\/Certificate", but without domainName it would be ignored; set domainName/,
    ],
    [
      'a hosted zone without a domain name',
      { domainZone: hostedZone(newStack()) },
      /ingress\.domainZone is "Stack\/Zone", but without domainName no record would be created; set domainName/,
    ],
    [
      'a certificate in another Region',
      { domainName, certificate: certificateIn('eu-central-1') },
      /ingress\.certificate is in eu-central-1, but .* only certificates in us-east-1; .*crossRegionReferences/,
    ],
    [
      'a regional web ACL',
      { webAclArn: WEB_ACL.replace('global', 'regional') },
      /ingress\.webAclArn .* scope CLOUDFRONT, in us-east-1/,
    ],
    [
      'a path without a slash',
      { staticPathPatterns: ['assets/*'] },
      /ingress\.staticPathPatterns is "assets\/\*", but a pattern starts with \//,
    ],
    [
      'a prefix list name instead of an ID',
      { originFacingPrefixListId: 'com.amazonaws.global.cloudfront.origin-facing' },
      /ingress\.originFacingPrefixListId/,
    ],
  ])('%s', (_what, options, message) => {
    expect(() => templateOf({ ingress: Ingress.cloudFront(options) })).toThrow(message);
  });
});
