import { aws_route53 as route53 } from 'aws-cdk-lib';
import { Construct, IDependable } from 'constructs';

interface AliasRecordOptions {
  readonly domainName: string;
  readonly domainZone: route53.IHostedZone;
  readonly target: route53.IAliasRecordTarget;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

/**
 * Creates the alias records of a domain name after the service. When the ingress changes, they point to the new load
 * balancer only when the tasks are registered with it, and not at all if the deployment fails.
 */
export function addAliasRecords(scope: Construct, service: IDependable, options: AliasRecordOptions): void {
  const { domainName, domainZone: zone, ipv4, ipv6 } = options;
  // The dot keeps CDK from appending the name of the hosted zone, which it does if one of the two names is a token.
  const recordName = `${domainName}.`;
  const record = { zone, recordName, target: route53.RecordTarget.fromAlias(options.target) };
  const records = new Array<route53.RecordSet>();
  if (ipv4) { records.push(new route53.ARecord(scope, 'AliasRecord', record)); }
  if (ipv6) { records.push(new route53.AaaaRecord(scope, 'AliasRecordIpv6', record)); }
  records.forEach(({ node }) => node.addDependency(service));
}
