import { fullDiff, ResourceImpact } from '@aws-cdk/cloudformation-diff';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as patterns from 'aws-cdk-lib/aws-ecs-patterns';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { hostedZone, importedCertificate } from './support/fixtures';
import { HelloFargateService, Ingress } from '../src/index';

/*
 * The steps of docs/migration.md, from ApplicationLoadBalancedFargateService: what CloudFormation does in each.
 */

const IMAGE = () => ecs.ContainerImage.fromRegistry('public.ecr.aws/nginx/nginx:1.29');
const DOMAIN = 'shop.example.com';

class Ground {
  public readonly stack = new Stack(new App(), 'Stack', { env: { account: '123456789012', region: 'us-east-1' } });
  public readonly vpc = new ec2.Vpc(this.stack, 'Vpc', { restrictDefaultSecurityGroup: false });
  public readonly zone = hostedZone(this.stack);
  public readonly certificate = importedCertificate(this.stack);

  public addOld(): patterns.ApplicationLoadBalancedFargateService {
    return new patterns.ApplicationLoadBalancedFargateService(this.stack, 'Shop', {
      vpc: this.vpc,
      domainName: DOMAIN,
      domainZone: this.zone,
      certificate: this.certificate,
      taskImageOptions: { image: IMAGE(), containerPort: 8080 },
    });
  }

  public addNew(): HelloFargateService {
    return new HelloFargateService(this.stack, 'HelloShop', {
      vpc: this.vpc,
      image: IMAGE(),
      ingress: Ingress.httpsWithCertificates([this.certificate], { domainName: DOMAIN }),
    });
  }

  public get template(): object {
    return Template.fromStack(this.stack).toJSON();
  }
}

/** The alias of an existing record, in place. */
function pointTo(record: route53.CfnRecordSet, { loadBalancer }: HelloFargateService): void {
  const { loadBalancerDnsName, loadBalancerCanonicalHostedZoneId } = loadBalancer as elbv2.ApplicationLoadBalancer;
  record.aliasTarget = { dnsName: loadBalancerDnsName, hostedZoneId: loadBalancerCanonicalHostedZoneId };
}

const recordOf = (old: patterns.ApplicationLoadBalancedFargateService) =>
  old.node.findChild('DNS').node.defaultChild as route53.CfnRecordSet;

/** The template after each step. */
const STEPS = {
  before: () => {
    const ground = new Ground();
    ground.addOld();
    return ground.template;
  },
  beside: () => {
    const ground = new Ground();
    ground.addOld();
    ground.addNew();
    return ground.template;
  },
  moved: () => {
    const ground = new Ground();
    pointTo(recordOf(ground.addOld()), ground.addNew());
    return ground.template;
  },
  after: () => {
    const ground = new Ground();
    const hello = ground.addNew();
    const record = new route53.CfnRecordSet(ground.stack, 'Record', {
      name: `${DOMAIN}.`, type: 'A', hostedZoneId: ground.zone.hostedZoneId,
    });
    record.overrideLogicalId('ShopDNS7A6A3C0B');
    pointTo(record, hello);
    return ground.template;
  },
};

function impacts(before: object, after: object): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  fullDiff(before, after).resources.forEachDifference((id, { changeImpact }) => {
    (found[ResourceImpact[changeImpact]] ??= []).push(id);
  });
  return found;
}

const { before, beside, moved, after } = Object.fromEntries(
  Object.entries(STEPS).map(([step, build]) => [step, build()]));

test('the new service is created beside the old one, which does not change', () => {
  const { WILL_CREATE: created, ...others } = impacts(before, beside);

  expect(others).toEqual({});
  expect(created.every((id) => id.startsWith('HelloShop'))).toBe(true);
});

test('the record is updated in place, and nothing else', () => {
  expect(impacts(beside, moved)).toEqual({ WILL_UPDATE: ['ShopDNS7A6A3C0B'] });
});

test('the old service is removed, and the record and the new one stay', () => {
  const { WILL_DESTROY: destroyed, WILL_ORPHAN: orphaned = [], ...others } = impacts(moved, after);

  expect(others).toEqual({});
  expect([...destroyed, ...orphaned].every((id) => /^Shop|^EcsDefaultCluster/.test(id))).toBe(true);
  expect(destroyed).not.toContain('ShopDNS7A6A3C0B');
});
