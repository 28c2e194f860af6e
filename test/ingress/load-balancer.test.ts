import { Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Deployment, HelloFargateService, Ingress, ReachableLoadBalancerOptions } from '../../src';
import { hostedZone, importedCertificate } from '../support/fixtures';
import { environmentOf, newStack, only, templateOf } from '../support/synth';

const { DUAL_STACK } = elbv2.IpAddressType;

const WEB_ACL = 'arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/acl/00000000-0000-0000-0000-000000000000';


const attributesOf = (properties: { [name: string]: any }, list: string) =>
  Object.fromEntries(
    properties[list].map((attribute: { Key: string; Value: unknown }) => [attribute.Key, attribute.Value]),
  );

/** The peers that can connect to the load balancer, with their ports. */
function clientsOf(template: Template): unknown[] {
  const groups = Object.entries(template.findResources('AWS::EC2::SecurityGroup'));
  const [id, group] = groups.find(([, { Properties }]) => Properties.GroupDescription.startsWith('Load balancer'))!;
  const apart = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'))
    .map(({ Properties }) => Properties)
    .filter(({ GroupId }) => GroupId['Fn::GetAtt'][0] === id);
  return [...(group.Properties.SecurityGroupIngress ?? []), ...apart].map((rule) => [
    rule.CidrIp ?? rule.CidrIpv6 ?? rule.SourcePrefixListId ?? rule.SourceSecurityGroupId,
    rule.FromPort,
  ]);
}

describe('HTTPS with a domain name', () => {
  const httpsOf = (options: ReachableLoadBalancerOptions = {}) => {
    const stack = newStack();
    const hello = new HelloFargateService(stack, 'Hello', {
      ingress: Ingress.https({ domainName: 'hello.example.com', domainZone: hostedZone(stack), ...options }),
    });
    return { hello, template: Template.fromStack(stack) };
  };

  test('creates a certificate with DNS validation, an alias record and a listener with the default TLS policy', () => {
    const { hello, template } = httpsOf();

    expect(hello.url).toBe('https://hello.example.com');
    expect(only(template, 'AWS::CertificateManager::Certificate')).toMatchObject({
      DomainName: 'hello.example.com',
      ValidationMethod: 'DNS',
      DomainValidationOptions: [{ HostedZoneId: 'Z0123456789ABCDEFGHIJ' }],
    });
    expect(only(template, 'AWS::Route53::RecordSet')).toMatchObject({ Name: 'hello.example.com.', Type: 'A' });
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 443,
      Protocol: 'HTTPS',
      SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09',
    });
    expect(hello.listener!.node.id).toBe('HttpsListener');
  });

  test('redirects HTTP to HTTPS permanently', () => {
    httpsOf().template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 80,
      DefaultActions: [
        { Type: 'redirect', RedirectConfig: { Protocol: 'HTTPS', Port: '443', StatusCode: 'HTTP_301' } },
      ],
    });
  });

  test('opens only ports 443 and 80 to the internet', () => {
    expect(clientsOf(httpsOf().template)).toEqual([
      ['0.0.0.0/0', 443],
      ['0.0.0.0/0', 80],
    ]);
  });

  test('has no public IPv4 addresses if that is set', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, ipProtocol: ec2.IpProtocol.DUAL_STACK });
    const domainZone = hostedZone(stack);
    const hello = new HelloFargateService(stack, 'Hello', {
      vpc,
      ingress: Ingress.https({
        domainName: 'example.com', domainZone, ipAddressType: elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4,
      }),
    });
    const template = Template.fromStack(stack);

    expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').IpAddressType)
      .toBe('dualstack-without-public-ipv4');
    expect(only(template, 'AWS::Route53::RecordSet').Type).toBe('AAAA');
    expect(clientsOf(template)).toEqual([['::/0', 443], ['::/0', 80]]);
    const items = hello.estimateMonthlyCost().lineItems.map(({ item }) => item);
    expect(items.filter((item) => /IPv4 addresses of the load balancer/.test(item))).toEqual([]);
  });

  test.each([
    ['HTTP', (listenerPort: number) => Ingress.http({ listenerPort }), [[8443, 'forward']]],
    ['HTTPS', (listenerPort: number, stack: Stack) =>
      Ingress.httpsWithCertificates([importedCertificate(stack)], { domainName: 'example.com', listenerPort }),
    [[80, 'redirect'], [8443, 'forward']]],
  ])('listens on another port: %s', (protocol, ingress, listeners) => {
    const stack = newStack();
    const hello = new HelloFargateService(stack, 'Hello', { ingress: ingress(8443, stack) });
    const template = Template.fromStack(stack);
    const found = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::Listener'))
      .map(({ Properties: { Port, DefaultActions: [action] } }) =>
        [Port, action.Type === 'redirect' ? 'redirect' : 'forward', action.RedirectConfig?.Port]);

    expect(found.map(([port, type]) => [port, type])).toEqual(listeners);
    expect(found.map(([, , to]) => to).filter(Boolean)).toEqual(protocol === 'HTTPS' ? ['8443'] : []);
    const openPorts = clientsOf(template).map((client) => (client as unknown[])[1]);
    expect(openPorts.sort()).toEqual(listeners.map(([port]) => port).sort());
    expect(JSON.stringify(stack.resolve(hello.url))).toMatch(/:8443"/);
  });

  test('creates an IPv6 record if it is dual-stack', () => {
    const stack = newStack();
    const template = templateOf(
      {
        vpc: new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, ipProtocol: ec2.IpProtocol.DUAL_STACK }),
        ingress: Ingress.https({ domainName: 'example.com', domainZone: hostedZone(stack), ipAddressType: DUAL_STACK }),
      },
      stack,
    );

    expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').IpAddressType).toBe('dualstack');
    expect(
      Object.values(template.findResources('AWS::Route53::RecordSet')).map(({ Properties }) => Properties.Type),
    ).toEqual(['A', 'AAAA']);
    expect(clientsOf(template)).toEqual([
      ['0.0.0.0/0', 443],
      ['::/0', 443],
      ['0.0.0.0/0', 80],
      ['::/0', 80],
    ]);
  });

  test('adds more certificates', () => {
    const stack = newStack();
    const certificate = importedCertificate(stack);
    const template = templateOf(
      {
        ingress: Ingress.https({
          domainName: 'example.com',
          domainZone: hostedZone(stack),
          additionalCertificates: [certificate],
        }),
      },
      stack,
    );

    expect(only(template, 'AWS::ElasticLoadBalancingV2::ListenerCertificate').Certificates).toEqual([
      { CertificateArn: certificate.certificateArn },
    ]);
  });
});

describe('HTTPS with certificates', () => {
  test('uses the first certificate by default and the others by SNI', () => {
    const stack = newStack();
    const certificate = importedCertificate(stack);
    const hello = new HelloFargateService(stack, 'Hello', {
      ingress: Ingress.httpsWithCertificates([certificate, importedCertificate(stack, 'Other')], {
        domainName: 'hello.example.com',
        sslPolicy: elbv2.SslPolicy.TLS13_13_PQ,
      }),
    });
    const template = Template.fromStack(stack);

    expect(hello.url).toBe('https://hello.example.com');
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 443,
      Certificates: [{ CertificateArn: certificate.certificateArn }],
      SslPolicy: 'ELBSecurityPolicy-TLS13-1-3-PQ-2025-09',
    });
    template.resourceCountIs('AWS::ElasticLoadBalancingV2::ListenerCertificate', 1);
    template.resourceCountIs('AWS::Route53::RecordSet', 0);
  });

  test('uses the DNS name of the load balancer if domainName is not set', () => {
    const stack = newStack();
    const hello = new HelloFargateService(stack, 'Hello', {
      ingress: Ingress.httpsWithCertificates([importedCertificate(stack)]),
    });

    expect(JSON.stringify(stack.resolve(hello.url))).toContain('"https://');
  });
});

describe('an internal load balancer', () => {
  test('accepts connections only from the VPC', () => {
    const template = templateOf({ ingress: Ingress.http({ internetFacing: false }) });
    const [vpc] = Object.keys(template.findResources('AWS::EC2::VPC'));

    expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').Scheme).toBe('internal');
    expect(clientsOf(template)).toEqual([[{ 'Fn::GetAtt': [vpc, 'CidrBlock'] }, 80]]);
  });

  test('accepts connections from the peers in allowFrom', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 });
    const client = new ec2.SecurityGroup(stack, 'Client', { vpc });
    const template = templateOf(
      {
        vpc,
        ingress: Ingress.http({
          internetFacing: false,
          allowFrom: [ec2.Peer.ipv4('10.1.0.0/16'), ec2.Peer.prefixList('pl-12345678'), client],
        }),
      },
      stack,
    );

    expect(clientsOf(template)).toEqual([
      ['10.1.0.0/16', 80],
      ['pl-12345678', 80],
      [stack.resolve(client.securityGroupId), 80],
    ]);
  });

  test('is created in private subnets if available', () => {
    const stack = newStack();
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 });

    expect(
      only(
        templateOf({ vpc, ingress: Ingress.http({ internetFacing: false }) }, stack),
        'AWS::ElasticLoadBalancingV2::LoadBalancer',
      ).Subnets,
    ).toEqual(vpc.privateSubnets.map((subnet) => stack.resolve(subnet.subnetId)));
  });

  test('supports TLS', () => {
    const stack = newStack();
    const template = templateOf(
      { ingress: Ingress.httpsWithCertificates([importedCertificate(stack)], { internetFacing: false }) },
      stack,
    );

    expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').Scheme).toBe('internal');
    expect(clientsOf(template).map(([, port]: any) => port)).toEqual([443, 80]);
  });
});

test('a public load balancer accepts connections only from allowFrom', () => {
  expect(clientsOf(templateOf({ ingress: Ingress.http({ allowFrom: [ec2.Peer.ipv4('192.0.2.0/24')] }) }))).toEqual([
    ['192.0.2.0/24', 80],
  ]);
});

describe('options for production', () => {
  test('are off by default', () => {
    const template = templateOf();

    template.resourceCountIs('AWS::S3::Bucket', 0);
    template.resourceCountIs('AWS::WAFv2::WebACLAssociation', 0);
    expect(
      attributesOf(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer'), 'LoadBalancerAttributes'),
    ).toMatchObject({ 'deletion_protection.enabled': 'false' });
    expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').IpAddressType).toBeUndefined();
    expect(
      attributesOf(only(template, 'AWS::ElasticLoadBalancingV2::TargetGroup'), 'TargetGroupAttributes'),
    ).toMatchObject({ 'stickiness.enabled': 'false' });
  });

  test('writes access logs to an encrypted bucket that expires objects after 90 days and is retained', () => {
    const template = templateOf({ ingress: Ingress.http({ accessLogs: true }) });
    const [bucket] = Object.keys(template.findResources('AWS::S3::Bucket'));
    const [policy] = Object.keys(template.findResources('AWS::S3::BucketPolicy'));

    template.hasResource('AWS::S3::Bucket', {
      Properties: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        LifecycleConfiguration: { Rules: [{ ExpirationInDays: 90, Status: 'Enabled' }] },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      },
      DeletionPolicy: 'Retain',
    });
    expect(only(template, 'AWS::S3::BucketPolicy').PolicyDocument.Statement).toEqual([
      expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      {
        Effect: 'Allow',
        Action: 's3:PutObject',
        Principal: { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
        Resource: {
          'Fn::Join': ['', [{ 'Fn::GetAtt': [bucket, 'Arn'] }, '/AWSLogs/', { Ref: 'AWS::AccountId' }, '/*']],
        },
      },
    ]);
    expect(
      attributesOf(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer'), 'LoadBalancerAttributes'),
    ).toMatchObject({ 'access_logs.s3.enabled': 'true', 'access_logs.s3.bucket': { Ref: bucket } });
    expect(Object.values(template.findResources('AWS::ElasticLoadBalancingV2::LoadBalancer'))[0].DependsOn).toContain(
      policy,
    );
  });

  test('writes access logs to an existing bucket', () => {
    const stack = newStack();
    const bucket = new s3.Bucket(stack, 'Logs');
    const template = templateOf({ ingress: Ingress.http({ accessLogsBucket: bucket }) }, stack);

    template.resourceCountIs('AWS::S3::Bucket', 1);
    expect(
      attributesOf(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer'), 'LoadBalancerAttributes'),
    ).toMatchObject({ 'access_logs.s3.bucket': stack.resolve(bucket.bucketName) });
  });

  test('sets a web ACL, deletion protection and stickiness', () => {
    const template = templateOf({
      ingress: Ingress.http({
        webAclArn: WEB_ACL,
        deletionProtection: true,
        sessionStickiness: { cookieDuration: Duration.hours(1), cookieName: 'session' },
      }),
    });

    expect(only(template, 'AWS::WAFv2::WebACLAssociation').WebACLArn).toBe(WEB_ACL);
    expect(
      attributesOf(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer'), 'LoadBalancerAttributes'),
    ).toMatchObject({ 'deletion_protection.enabled': 'true' });
    expect(
      attributesOf(only(template, 'AWS::ElasticLoadBalancingV2::TargetGroup'), 'TargetGroupAttributes'),
    ).toMatchObject({
      'stickiness.enabled': 'true',
      'stickiness.type': 'app_cookie',
      'stickiness.app_cookie.cookie_name': 'session',
      'stickiness.app_cookie.duration_seconds': '3600',
    });
  });

  test('routes to the task with the fewest requests only if that is set', () => {
    const algorithm = elbv2.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS;
    const groupsOf = (template: Template) =>
      Object.values(template.findResources('AWS::ElasticLoadBalancingV2::TargetGroup'))
        .map(({ Properties }) => attributesOf(Properties, 'TargetGroupAttributes')['load_balancing.algorithm.type']);

    expect(groupsOf(templateOf())).toEqual([undefined]);
    expect(groupsOf(templateOf({
      ingress: Ingress.http({ loadBalancingAlgorithmType: algorithm }), deployment: Deployment.canary(),
    }))).toEqual([algorithm, algorithm]);
  });

  test('uses a load balancer cookie of one day for stickiness by default', () => {
    expect(
      attributesOf(
        only(
          templateOf({ ingress: Ingress.http({ sessionStickiness: {} }) }),
          'AWS::ElasticLoadBalancingV2::TargetGroup',
        ),
        'TargetGroupAttributes',
      ),
    ).toMatchObject({ 'stickiness.type': 'lb_cookie', 'stickiness.lb_cookie.duration_seconds': '86400' });
  });

  test('sets the idle timeout, and a longer keep-alive timeout of the app', () => {
    const template = templateOf({ ingress: Ingress.http({ idleTimeout: Duration.seconds(120) }) });

    expect(
      attributesOf(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer'), 'LoadBalancerAttributes'),
    ).toMatchObject({ 'idle_timeout.timeout_seconds': '120' });
    expect(environmentOf(template).KEEP_ALIVE_TIMEOUT_MS).toBe('125000');
  });
});

describe('fails with', () => {
  const ingress = (options: ReachableLoadBalancerOptions) => () => templateOf({ ingress: Ingress.http(options) });
  const encrypted = () => {
    const stack = newStack();
    return templateOf(
      {
        ingress: Ingress.http({
          accessLogsBucket: new s3.Bucket(stack, 'Logs', { encryption: s3.BucketEncryption.KMS }),
        }),
      },
      stack,
    );
  };
  const httpsFor = (domainName: string) => () =>
    templateOf({ ingress: Ingress.https({ domainName, domainZone: hostedZone(newStack()) }) });
  const inVpc = (attributes: Partial<ec2.VpcAttributes>, options: ReachableLoadBalancerOptions) => () => {
    const stack = newStack();
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-12345678',
      availabilityZones: ['a', 'b'],
      ...attributes,
    });
    return templateOf({ vpc, ingress: Ingress.http(options) }, stack);
  };
  const PRIVATE = { privateSubnetIds: ['subnet-12345678', 'subnet-87654321'] };

  test.each([
    [
      'an internal load balancer that is open to all IPv4 addresses',
      ingress({ internetFacing: false, allowFrom: [ec2.Peer.anyIpv4()] }),
      /ingress\.allowFrom is "0\.0\.0\.0\/0", but an internal load balancer/,
    ],
    [
      'an internal load balancer that is open to all IPv6 addresses',
      ingress({ internetFacing: false, allowFrom: [ec2.Peer.anyIpv6()] }),
      /ingress\.allowFrom is "::\/0"/,
    ],
    ['an empty list of peers', ingress({ allowFrom: [] }), /ingress\.allowFrom is \[\], but no client could connect/],
    [
      'an internal load balancer without public IPv4',
      ingress({ internetFacing: false, ipAddressType: elbv2.IpAddressType.DUAL_STACK_WITHOUT_PUBLIC_IPV4 }),
      /ingress\.ipAddressType is ".*", but an internal load balancer has private addresses; set .*DUAL_STACK/,
    ],
    ['port 0', ingress({ listenerPort: 0 }), /ingress\.listenerPort is 0, but a port is a whole number from 1/],
    [
      'HTTPS on port 80',
      () => {
        const stack = newStack();
        const certificates = [importedCertificate(stack)];
        return templateOf({ ingress: Ingress.httpsWithCertificates(certificates, { listenerPort: 80 }) }, stack);
      },
      /ingress\.listenerPort is 80, but port 80 redirects to HTTPS; set another port, or leave it out/,
    ],
    [
      'IPv6 in the VPC that the construct creates',
      ingress({ ipAddressType: DUAL_STACK }),
      /ingress\.ipAddressType is "dualstack", but the VPC that the construct creates has no IPv6/,
    ],
    [
      'an idle timeout of 0 seconds',
      ingress({ idleTimeout: Duration.seconds(0) }),
      /ingress\.idleTimeout is 0 seconds, but .* 1 to 4000/,
    ],
    [
      'a bucket for disabled access logs',
      () => {
        const stack = newStack();
        return templateOf(
          { ingress: Ingress.http({ accessLogs: false, accessLogsBucket: new s3.Bucket(stack, 'Logs') }) },
          stack,
        );
      },
      /ingress\.accessLogsBucket is "Stack\/Logs", but accessLogs is false/,
    ],
    ['a bucket with a KMS key', encrypted, /ingress\.accessLogsBucket .* KMS key/],
    [
      'a web ACL for CloudFront',
      ingress({ webAclArn: WEB_ACL.replace('regional', 'global') }),
      /ingress\.webAclArn .* scope REGIONAL/,
    ],
    [
      'a reserved cookie name',
      ingress({ sessionStickiness: { cookieName: 'AWSALB' } }),
      /ingress\.sessionStickiness\.cookieName is "AWSALB"/,
    ],
    [
      'eight days of stickiness',
      ingress({ sessionStickiness: { cookieDuration: Duration.days(8) } }),
      /ingress\.sessionStickiness\.cookieDuration is 691200 seconds/,
    ],
    [
      'an empty list of certificates',
      () => templateOf({ ingress: Ingress.httpsWithCertificates([]) }),
      /ingress\.certificates is \[\], but HTTPS needs a certificate/,
    ],
    [
      'a domain name outside the hosted zone',
      httpsFor('hello.example.org'),
      /ingress\.domainName is "hello\.example\.org", but it is not in the hosted zone example\.com/,
    ],
    [
      'a domain name that only ends with the same characters',
      httpsFor('myexample.com'),
      /not in the hosted zone/,
    ],
    [
      'a public load balancer in a VPC without public subnets',
      inVpc(PRIVATE, {}),
      /Ingress\.http needs public subnets in two Availability Zones .* 0 public, 2 private/,
    ],
    [
      'an internal load balancer in a single Availability Zone',
      inVpc({ availabilityZones: ['a'], privateSubnetIds: ['subnet-12345678'] }, { internetFacing: false }),
      /Ingress\.http needs subnets in two Availability Zones/,
    ],
    [
      'an internal load balancer in a VPC without a known address range',
      inVpc(PRIVATE, { internetFacing: false }),
      /vpc is "Stack\/Vpc", but it was imported without its address range/,
    ],
  ])('%s', (_what, make, message) => {
    expect(make).toThrow(message);
  });

  test('nothing if the VPC has an address range, or the ingress has allowFrom', () => {
    expect(inVpc({ ...PRIVATE, vpcCidrBlock: '10.9.0.0/16' }, { internetFacing: false })).not.toThrow();
    expect(inVpc(PRIVATE, { internetFacing: false, allowFrom: [ec2.Peer.ipv4('10.9.0.0/16')] })).not.toThrow();
  });
});
