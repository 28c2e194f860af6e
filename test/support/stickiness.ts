/** A template, as plain data. */
interface PlainTemplate {
  readonly Resources?: Record<string, { readonly Type: string; readonly Properties?: any }>;
}

const isSticky = (resource?: { readonly Properties?: any }): boolean =>
  (resource?.Properties?.TargetGroupAttributes ?? []).some(({ Key, Value }: { Key: string; Value: unknown }) =>
    Key === 'stickiness.enabled' && String(Value) === 'true');

/**
 * The listeners and rules that Elastic Load Balancing refuses: they forward to several target groups of which one has
 * sticky sessions, and have no group stickiness themselves
 * (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html,
 * https://github.com/hashicorp/terraform-provider-aws/issues/20200).
 */
export function withoutGroupStickiness({ Resources = {} }: PlainTemplate): string[] {
  return Object.entries(Resources)
    .filter(([, { Properties }]) =>
      [...Properties?.Actions ?? [], ...Properties?.DefaultActions ?? []].some(({ ForwardConfig }) => {
        const groups: any[] = ForwardConfig?.TargetGroups ?? [];
        return groups.length > 1
          && groups.some(({ TargetGroupArn }) => isSticky(Resources[TargetGroupArn?.Ref]))
          && ForwardConfig.TargetGroupStickinessConfig?.Enabled !== true;
      }))
    .map(([id]) => id);
}
