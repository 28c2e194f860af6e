import { Assembly } from './assembly';
import { keyOf, KnownAttributes, Resolver } from './intrinsics';
import { record, text } from './values';
import { ListenerSpec, ResourceKey } from '../model';

/** The attribute that has the DNS name or URL of a resource. */
const NAME_ATTRIBUTES: Record<string, { readonly attribute: string; readonly prefix: string }> = {
  'AWS::ElasticLoadBalancingV2::LoadBalancer': { attribute: 'DNSName', prefix: '' },
  'AWS::CloudFront::Distribution': { attribute: 'DomainName', prefix: '' },
  'AWS::ApiGatewayV2::Api': { attribute: 'ApiEndpoint', prefix: 'https://' },
};

const EMULATOR_URL = /(?:(https?):\/\/)?emulator-(\d+)\.invalid(?::(\d+))?/g;
/** CDK builds the `url` of an HTTP API from its ID. */
const API_URL =
  /(?:(https?):\/\/)?\{\{aws:([^:}]+:[^:}]+)\}\}\.execute-api\.[\w-]+\.amazonaws\.com(?:\.cn)?(?::(\d+))?/g;
const ANY_URL = /(https?):\/\/([A-Za-z0-9.-]+)(?::(\d+))?/g;

/** An emulator that is listening. */
interface ListeningEmulator {
  readonly spec: { readonly key: ResourceKey; readonly listeners: readonly ListenerSpec[] };
  url(listener: ListenerSpec): string;
}

/*
 * The DNS names that AWS would assign to load balancers, HTTP APIs and CloudFront. Templates are read with a name that
 * cannot exist for each of them. Where such a name, or its alias in Route 53, is used, it is replaced by the address of
 * the emulator.
 */
export class PublicNames {
  private readonly keys: ResourceKey[];
  private readonly emulators = new Map<ResourceKey, ListeningEmulator>();
  /** Keys of resources by the domain names of their alias records. */
  private readonly aliases = new Map<string, ResourceKey>();

  constructor(assembly: Assembly) {
    this.keys = Object.keys(NAME_ATTRIBUTES).flatMap((type) => assembly.ofType(type)).map(keyOf);
    const resolver = new Resolver(assembly, this.known);
    for (const recordSet of assembly.ofType('AWS::Route53::RecordSet')) {
      const { Name, AliasTarget } = resolver.properties(recordSet);
      const [, index] = /emulator-(\d+)\.invalid$/.exec(text(record(AliasTarget).DNSName, '')) ?? [];
      if (index !== undefined && typeof Name === 'string') {
        this.aliases.set(Name.replace(/\.$/, '').toLowerCase(), this.keys[Number(index)]);
      }
    }
  }

  /** The names, for a resolver. */
  public readonly known: KnownAttributes = ({ stack, logicalId, attribute }) => {
    const index = this.keys.indexOf(keyOf({ stack, logicalId }));
    if (index < 0) { return undefined; }
    const name = NAME_ATTRIBUTES[stack.template.Resources![logicalId].Type];
    return attribute === name.attribute ? `${name.prefix}emulator-${index}.invalid` : undefined;
  };

  /** Makes an emulator known that is listening. */
  public register(emulator: ListeningEmulator): void {
    this.emulators.set(emulator.spec.key, emulator);
  }

  /** Replaces the names of emulated resources in a text by the addresses of their emulators. */
  public rewrite(value: string): string {
    return value
      .replace(EMULATOR_URL, (url, protocol: string | undefined, index: string, port?: string) =>
        this.address(this.keys[Number(index)], protocol, port) ?? url)
      .replace(API_URL, (url, protocol: string | undefined, key: string, port?: string) =>
        this.address(key, protocol, port) ?? url)
      .replace(ANY_URL, (url, protocol: string, host: string, port?: string) => {
        const key = this.aliases.get(host.toLowerCase());
        return key === undefined ? url : this.address(key, protocol, port) ?? url;
      });
  }

  private address(key: ResourceKey, protocol?: string, port?: string): string | undefined {
    const emulator = this.emulators.get(key);
    const wantedPort = Number(port ?? (protocol === 'https' ? 443 : 80));
    // A name without a protocol implies no port: an HTTP API has only 443.
    const listener = emulator?.spec.listeners.find((candidate) => candidate.port === wantedPort)
      ?? (protocol ? undefined : emulator?.spec.listeners.at(-1));
    if (!emulator || !listener) { return undefined; }
    const url = emulator.url(listener);
    return protocol ? url : url.replace('http://', '');
  }
}
