import { LoadBalancer } from './load-balancer';
import { Assembly } from '../templates/assembly';
import { KnownAttributes, Resolver } from '../templates/intrinsics';

/** The attribute with the name under which each is called, and what stands around the name there. */
const NAMES: { readonly [type: string]: { readonly attribute: string; readonly scheme: string } } = {
  'AWS::ElasticLoadBalancingV2::LoadBalancer': { attribute: 'DNSName', scheme: '' },
  'AWS::CloudFront::Distribution': { attribute: 'DomainName', scheme: '' },
  'AWS::ApiGatewayV2::Api': { attribute: 'ApiEndpoint', scheme: 'https://' },
};

/*
 * The DNS names of load balancers, HTTP APIs and CloudFront, which AWS would give out. While templates are read, each gets a name that
 * cannot exist; where such a name is used, or one that Route 53 makes an alias of it, it is replaced by the address of the stand-in.
 */
export class PublicNames {
  private readonly keys: string[];
  private readonly emulators = new Map<string, LoadBalancer>();
  /** Keys by the names of the user's own domain. */
  private readonly aliases = new Map<string, string>();

  constructor(assembly: Assembly) {
    this.keys = Object.keys(NAMES).flatMap((type) => assembly.ofType(type)).map(({ stack, logicalId }) => `${stack.key}:${logicalId}`);
    const resolver = new Resolver(assembly, this.known);
    for (const { stack, resource } of assembly.ofType('AWS::Route53::RecordSet')) {
      const { Name, AliasTarget } = resolver.resolve(stack, resource.Properties ?? {});
      const [, index] = /stand-in-(\d+)\.invalid$/.exec(AliasTarget?.DNSName ?? '') ?? [];
      if (index !== undefined && typeof Name === 'string') { this.aliases.set(Name.replace(/\.$/, '').toLowerCase(), this.keys[Number(index)]); }
    }
  }

  /** For the resolver. */
  public readonly known: KnownAttributes = ({ stack, logicalId, attribute }) => {
    const index = this.keys.indexOf(`${stack.key}:${logicalId}`);
    const name = NAMES[stack.template.Resources?.[logicalId]?.Type ?? ''];
    return index >= 0 && attribute === name.attribute ? `${name.scheme}stand-in-${index}.invalid` : undefined;
  };

  public register(standIn: LoadBalancer): void {
    this.emulators.set(standIn.spec.key, standIn);
  }

  /** The text with the URLs of what has a stand-in replaced by those of the stand-in. */
  public rewrite(text: string): string {
    // CDK's `url` of an HTTP API is put together from its ID.
    const API = /(?:(https?):\/\/)?\{\{aws:([^:}]+:[^:}]+)\}\}\.execute-api\.[\w-]+\.amazonaws\.com(?:\.cn)?(?::(\d+))?/g;
    const replaced = text
      .replace(/(?:(https?):\/\/)?stand-in-(\d+)\.invalid(?::(\d+))?/g, (all, protocol: string | undefined, index: string, port?: string) =>
        this.address(this.keys[Number(index)], protocol, port) ?? all)
      .replace(API, (all, protocol: string | undefined, key: string, port?: string) => this.address(key, protocol, port) ?? all);
    return replaced.replace(/(https?):\/\/([A-Za-z0-9.-]+)(?::(\d+))?/g, (all, protocol: string, host: string, port?: string) => {
      const key = this.aliases.get(host.toLowerCase());
      return key === undefined ? all : this.address(key, protocol, port) ?? all;
    });
  }

  private address(key: string, protocol?: string, port?: string): string | undefined {
    const standIn = this.emulators.get(key);
    const wanted = Number(port ?? (protocol === 'https' ? 443 : 80));
    // A name without a protocol says no port: an HTTP API has 443 only.
    const listener = standIn?.spec.listeners.find((candidate) => candidate.port === wanted)
      ?? (protocol ? undefined : standIn?.spec.listeners.at(-1));
    if (!standIn || !listener) { return undefined; }
    const url = standIn.url(listener);
    return protocol ? url : url.replace('http://', '');
  }
}
