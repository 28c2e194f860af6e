import { App, Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { hostedZone, importedVpc, NOTIFIED } from './support/fixtures';
import { newStack } from './support/synth';
import { HelloFargateService, HelloFargateServiceProps, Ingress, Preset } from '../src/index';

const EU = { env: { account: '123456789012', region: 'eu-central-1' } };

type Props = (stack: Stack) => HelloFargateServiceProps;

const lookedUpVpc = (stack: Stack) => ec2.Vpc.fromLookup(stack, 'Vpc', { vpcName: 'shared' });
const lookedUpListener = (stack: Stack) =>
  elbv2.ApplicationListener.fromLookup(stack, 'Listener', { loadBalancerTags: { name: 'shared' } });
const lookedUpZone = (stack: Stack) => route53.HostedZone.fromLookup(stack, 'Zone', { domainName: 'example.com' });
const parameter = (stack: Stack, name = '/shop/value') => ssm.StringParameter.valueFromLookup(stack, name);
const subnetIds = ['subnet-0123456789abcdef0'];

/** Whatever can be looked up in the account during synthesis, with the context provider that looks it up. */
const LOOKUPS: Record<string, [provider: string, props: Props]> = {
  'a VPC': ['vpc-provider', (stack) => ({ vpc: lookedUpVpc(stack) })],
  'a VPC with a subnet group': ['vpc-provider', (stack) =>
    ({ vpc: lookedUpVpc(stack), vpcSubnets: { subnetGroupName: 'app' } })],
  'a VPC with subnets by ID': ['vpc-provider', (stack) =>
    ({ vpc: lookedUpVpc(stack), vpcSubnets: { subnetFilters: [ec2.SubnetFilter.byIds(subnetIds)] } })],
  'a VPC with subnets of an Availability Zone': ['vpc-provider', (stack) =>
    ({ vpc: lookedUpVpc(stack), vpcSubnets: { availabilityZones: ['eu-central-1a'] } })],
  'a VPC with isolated subnets': ['vpc-provider', (stack) =>
    ({ vpc: lookedUpVpc(stack), vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED } })],
  'a VPC with private subnets': ['vpc-provider', (stack) =>
    ({ vpc: lookedUpVpc(stack), vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS } })],
  'a VPC with no subnets left by two filters': ['vpc-provider', (stack) => ({
    vpc: lookedUpVpc(stack),
    vpcSubnets: { subnetFilters: [ec2.SubnetFilter.onePerAz(), ec2.SubnetFilter.availabilityZones(['eu-central-1c'])] },
  })],
  'the VPC of a cluster': ['vpc-provider', (stack) => ({
    cluster: ecs.Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'shared', vpc: lookedUpVpc(stack) }),
    vpcSubnets: { subnetGroupName: 'app' },
  })],
  'a VPC, internal': ['vpc-provider', (stack) =>
    ({ vpc: lookedUpVpc(stack), ingress: Ingress.http({ internetFacing: false }) })],
  'a VPC, with CloudFront': ['vpc-provider', (stack) => ({ vpc: lookedUpVpc(stack), ingress: Ingress.cloudFront() })],
  'a VPC, with an HTTP API': ['vpc-provider', (stack) =>
    ({ vpc: lookedUpVpc(stack), ingress: Ingress.httpApi(), vpcSubnets: { subnetGroupName: 'app' } })],
  'a listener and its VPC': ['load-balancer-listener', (stack) => ({
    vpc: lookedUpVpc(stack),
    vpcSubnets: { subnetGroupName: 'app' },
    ingress: Ingress.sharedListener(lookedUpListener(stack), { hostHeaders: ['www.example.com'], priority: 7 }),
  })],
  'a listener': ['load-balancer-listener', (stack) => ({
    vpc: importedVpc(stack),
    ingress: Ingress.sharedListener(lookedUpListener(stack), { hostHeaders: ['www.example.com'] }),
  })],
  'a hosted zone': ['hosted-zone', (stack) =>
    ({ ingress: Ingress.https({ domainName: 'hello.example.com', domainZone: lookedUpZone(stack) }) })],
  'Availability Zones': ['availability-zones', () => ({ maxAzs: 3 })],
  'Availability Zones with names': ['availability-zones', () =>
    ({ availabilityZones: ['eu-central-1b', 'eu-central-1c'] })],
  'Availability Zones of the preset': ['availability-zones', () =>
    ({ preset: Preset.PRODUCTION, ingress: Ingress.cloudFront(), alarms: NOTIFIED })],
  'a security group': ['security-group', (stack) => ({
    ingress: Ingress.http({
      internetFacing: false,
      allowFrom: [ec2.SecurityGroup.fromLookupById(stack, 'Clients', 'sg-0123456789abcdef0')],
    }),
  })],
  'a prefix list': ['cc-api-provider', (stack) => ({
    ingress: Ingress.cloudFront({
      originFacingPrefixListId: ec2.PrefixList.fromLookup(stack, 'PrefixList', {
        prefixListName: 'com.amazonaws.global.cloudfront.origin-facing',
      }).prefixListId,
    }),
  })],
  'a repository': ['cc-api-provider', (stack) => ({
    image: ecs.ContainerImage.fromEcrRepository(ecr.Repository.fromLookup(stack, 'Images', { repositoryName: 'shop' })),
  })],
  'a key': ['key-provider', (stack) =>
    ({ logEncryptionKey: kms.Key.fromLookup(stack, 'Key', { aliasName: 'alias/logs' }) })],
  'a domain name': ['ssm', (stack) =>
    ({ ingress: Ingress.https({ domainName: parameter(stack), domainZone: hostedZone(stack) }) })],
  'a certificate': ['ssm', (stack) => ({
    ingress: Ingress.httpsWithCertificates([acm.Certificate.fromCertificateArn(stack, 'C', parameter(stack))]),
  })],
  'a web ACL': ['ssm', (stack) => ({ ingress: Ingress.http({ webAclArn: parameter(stack) }) })],
  'a web ACL for CloudFront': ['ssm', (stack) => ({ ingress: Ingress.cloudFront({ webAclArn: parameter(stack) }) })],
  'the ID of a prefix list': ['ssm', (stack) =>
    ({ ingress: Ingress.cloudFront({ originFacingPrefixListId: parameter(stack) }) })],
  'a path to cache': ['ssm', (stack) => ({ ingress: Ingress.cloudFront({ staticPathPatterns: [parameter(stack)] }) })],
  'a host and a path': ['ssm', (stack) => ({
    vpc: lookedUpVpc(stack),
    ingress: Ingress.sharedListener(lookedUpListener(stack), {
      hostHeaders: [parameter(stack)],
      pathPatterns: [parameter(stack, 'path')],
    }),
  })],
  'a health check path': ['ssm', (stack) => ({
    image: ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29'),
    healthCheck: { path: parameter(stack, 'path') },
  })],
  'a reserved variable': ['ssm', (stack) => ({ environment: { PORT: parameter(stack) } })],
};

test.each(Object.entries(LOOKUPS))('the first synthesis looks up %s, whatever its placeholder is', (_what, lookup) => {
  const [provider, props] = lookup;
  const stack = newStack(EU);
  new HelloFargateService(stack, 'Hello', props(stack));
  const { manifest, stacks } = (stack.node.root as App).synth();

  expect(manifest.missing?.map((missing) => missing.provider)).toContain(provider);
  expect(stacks.flatMap(({ messages }) => messages)).toEqual([]);
});
