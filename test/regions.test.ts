import { App, Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { hostedZone, importedCertificate } from './support/fixtures';
import { newStack, only, templateOf } from './support/synth';
import { HelloFargateService, HelloFargateServiceProps, Ingress } from '../src/index';

const account = '123456789012';
const stackIn = (region?: string) => newStack({ env: region ? { account, region } : undefined });

type Props = (stack: Stack, region: string) => HelloFargateServiceProps;

const webAcl = (region: string) => `arn:aws:wafv2:${region}:${account}:regional/webacl/acl/1`;

/** Everything that must be in the Region of the service, in a Region. */
const REGIONAL: Record<string, [prop: string, props: Props]> = {
  'a certificate': ['ingress.certificates', (stack, region) =>
    ({ ingress: Ingress.httpsWithCertificates([importedCertificate(stack, 'C', region)]) })],
  'the second certificate': ['ingress.certificates', (stack, region) => ({
    ingress: Ingress.httpsWithCertificates([importedCertificate(stack), importedCertificate(stack, 'C', region)]),
  })],
  'an additional certificate': ['ingress.additionalCertificates', (stack, region) => ({
    ingress: Ingress.https({
      domainName: 'hello.example.com',
      domainZone: hostedZone(stack),
      additionalCertificates: [importedCertificate(stack, 'C', region)],
    }),
  })],
  'a web ACL': ['ingress.webAclArn', (_stack, region) => ({ ingress: Ingress.http({ webAclArn: webAcl(region) }) })],
  'a bucket for access logs': ['ingress.accessLogsBucket', (stack, region) => ({
    ingress: Ingress.http({
      accessLogsBucket: s3.Bucket.fromBucketAttributes(stack, 'Bucket', { bucketName: 'logs', region }),
    }),
  })],
  'a key for logs': ['logEncryptionKey', (stack, region) =>
    ({ logEncryptionKey: kms.Key.fromKeyArn(stack, 'Key', `arn:aws:kms:${region}:${account}:key/1`) })],
};

describe.each(Object.entries(REGIONAL))('%s', (_what, [prop, props]) => {
  test('in the Region of the service is accepted', () => {
    const stack = stackIn('eu-central-1');

    expect(() => new HelloFargateService(stack, 'Hello', props(stack, 'eu-central-1'))).not.toThrow();
  });

  test('is accepted if the Region of the service is unknown', () => {
    const stack = stackIn();

    expect(() => new HelloFargateService(stack, 'Hello', props(stack, 'eu-central-1'))).not.toThrow();
  });

  test('in another Region fails', () => {
    const stack = stackIn('eu-central-1');

    expect(() => new HelloFargateService(stack, 'Hello', props(stack, 'us-east-1')))
      .toThrow(new RegExp(`^Stack/Hello: ${prop} is .* in eu-central-1.*; `));
  });
});

test('fails with a certificate of a stack in another Region', () => {
  const app = new App();
  const there = new Stack(app, 'There', { env: { account, region: 'us-east-1' }, crossRegionReferences: true });
  const here = new Stack(app, 'Here', { env: { account, region: 'eu-central-1' }, crossRegionReferences: true });
  const certificate = new acm.Certificate(there, 'Certificate', { domainName: 'hello.example.com' });

  expect(() => new HelloFargateService(here, 'Hello', { ingress: Ingress.httpsWithCertificates([certificate]) }))
    .toThrow(/ingress\.certificates is "There\/Certificate", but it is in us-east-1, and the load balancer in eu-/);
});

test('accepts a certificate in IAM, which has no Region', () => {
  const stack = stackIn('eu-central-1');
  const arn = `arn:aws:iam::${account}:server-certificate/hello`;
  const ingress = Ingress.httpsWithCertificates([acm.Certificate.fromCertificateArn(stack, 'C', arn)]);

  expect(() => new HelloFargateService(stack, 'Hello', { ingress })).not.toThrow();
});

test.each(['cn-north-1', 'cn-northwest-1', 'us-gov-west-1', 'us-iso-east-1'])(
  'fails with Ingress.cloudFront in %s',
  (region) => {
    expect(() => templateOf({ ingress: Ingress.cloudFront() }, stackIn(region)))
      .toThrow(new RegExp(`ingress is Ingress\\.cloudFront in ${region}, but the partition .*; use Ingress\\.https`));
  },
);

/** Names of the principal by `aws-cdk-lib/region-info`. */
test.each([
  ['us-east-1', 'amazonaws.com', 'logs.us-east-1.amazonaws.com'],
  ['us-gov-west-1', 'amazonaws.com', 'logs.us-gov-west-1.amazonaws.com'],
  ['cn-north-1', 'amazonaws.com.cn', 'logs.cn-north-1.amazonaws.com.cn'],
])('allows CloudWatch Logs to use the key, under its name in %s', (region, urlSuffix, principal) => {
  const { KeyPolicy } = only(templateOf({ encryptLogs: true }, stackIn(region)), 'AWS::KMS::Key');
  const parts: (string | { Ref: string })[] = KeyPolicy.Statement[1].Principal.Service['Fn::Join'][1];
  const values: Record<string, string> = { 'AWS::Region': region, 'AWS::URLSuffix': urlSuffix };

  expect(parts.map((part) => typeof part === 'string' ? part : values[part.Ref]).join('')).toBe(principal);
});
