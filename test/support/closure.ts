/** A CloudFormation resource, as far as the order of creation and deletion is concerned. */
export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Record<string, any>;
  readonly DependsOn?: string | string[];
}

export type Resources = Readonly<Record<string, TemplateResource>>;

/**
 * The logical IDs of a resource and of everything that exists before it is created and until it is deleted: what it
 * reaches by Ref, Fn::GetAtt, Fn::Sub and DependsOn.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html
 */
export function closureOf(resources: Resources, id: string): Set<string> {
  const found = new Set([id]);
  // The set grows while it is iterated.
  for (const each of found) {
    const { DependsOn = [], Properties } = resources[each];
    for (const reference of [DependsOn, referencesOf(Properties)].flat()) {
      if (reference in resources) { found.add(reference); }
    }
  }
  return found;
}

function referencesOf(value: unknown): string[] {
  if (Array.isArray(value)) { return value.flatMap(referencesOf); }
  if (typeof value !== 'object' || value === null) { return []; }
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'Ref') { return [inner]; }
    if (key === 'Fn::GetAtt') { return [Array.isArray(inner) ? inner[0] : inner.split('.')[0]]; }
    const variables = key === 'Fn::Sub' ? [...String([inner].flat()[0]).matchAll(/\$\{([^!}.]+)/g)] : [];
    const names = variables.map(([, name]) => name);
    return [...names, ...referencesOf(inner)];
  });
}

/** The logical IDs of the resources of a type that have a property with this value. */
export function idsOf(resources: Resources, type: string, properties: Record<string, unknown> = {}): string[] {
  return Object.keys(resources).filter((id) => resources[id].Type === `AWS::${type}`
    && Object.entries(properties).every(([name, value]) =>
      JSON.stringify(resources[id].Properties?.[name]) === JSON.stringify(value)));
}

/**
 * What a subnet needs to reach the internet, or in an isolated subnet the VPC endpoints: the association with its route
 * table, the default route, and the gateways that this leads to. Empty if the subnet is not in the template.
 */
export function connectivityOf(resources: Resources, subnetId: unknown): string[] {
  return idsOf(resources, 'EC2::SubnetRouteTableAssociation', { SubnetId: subnetId }).flatMap((association) => {
    const RouteTableId = resources[association].Properties!.RouteTableId;
    const routes = idsOf(resources, 'EC2::Route', { RouteTableId, DestinationCidrBlock: '0.0.0.0/0' });
    return [association, ...routes.flatMap((route) => [route, ...gatewaysOf(resources, route)])];
  });
}

function gatewaysOf(resources: Resources, route: string): string[] {
  const { NatGatewayId, GatewayId } = resources[route].Properties!;
  if (NatGatewayId) {
    const gateway: string = NatGatewayId.Ref;
    return [gateway, ...connectivityOf(resources, resources[gateway].Properties!.SubnetId)];
  }
  return [GatewayId.Ref, ...idsOf(resources, 'EC2::VPCGatewayAttachment', { InternetGatewayId: GatewayId })];
}

/** A resource, and one that must exist as long as it does. */
export interface Use {
  readonly user: string;
  readonly used: string;
}

/** What the resources of a template use without referring to it. */
export function usesOf(resources: Resources): Use[] {
  const all = (type: string) => idsOf(resources, type)
    .map((user) => ({ user, properties: resources[user].Properties! }));
  const attachments = idsOf(resources, 'EC2::VPCGatewayAttachment');
  const connected = (user: string, subnets: unknown[]) => subnets
    .flatMap((subnet) => connectivityOf(resources, subnet)).map((used) => ({ user, used }));
  return [
    ...all('ECS::Service').flatMap(({ user, properties }) => [
      ...connected(user, properties.NetworkConfiguration.AwsvpcConfiguration.Subnets),
      ...idsOf(resources, 'ECS::ClusterCapacityProviderAssociations', { Cluster: properties.Cluster })
        .map((used) => ({ user, used })),
      ...policiesOf(resources, properties.TaskDefinition.Ref).map((used) => ({ user, used })),
    ]),
    ...all('ElasticLoadBalancingV2::LoadBalancer').filter(({ properties }) => properties.Scheme === 'internet-facing')
      .flatMap(({ user, properties }) => connected(user, properties.Subnets)),
    ...all('EC2::NatGateway').flatMap(({ user, properties }) => connected(user, [properties.SubnetId])),
    ...all('CloudFront::VpcOrigin').flatMap(({ user }) => attachments.map((used) => ({ user, used }))),
  ];
}

/** The policies of the roles of a task definition. */
function policiesOf(resources: Resources, taskDefinition: string): string[] {
  const { TaskRoleArn, ExecutionRoleArn } = resources[taskDefinition].Properties!;
  const roles = [TaskRoleArn, ExecutionRoleArn].map((arn) => arn['Fn::GetAtt'][0]);
  return idsOf(resources, 'IAM::Policy').filter((id) =>
    resources[id].Properties!.Roles.some((role: { Ref: string }) => roles.includes(role.Ref)));
}
