import { Assembly } from './assembly';
import { KnownAttributes } from './intrinsics';
import { LoadBalancer } from './load-balancer';

/*
 * The DNS names of load balancers, which AWS would give out. While templates are read, each load balancer gets a name that cannot
 * exist; where such a name is used, it is replaced by the address of the stand-in.
 */
export class PublicNames {
  private readonly keys: string[];
  private readonly standIns = new Map<string, LoadBalancer>();

  constructor(assembly: Assembly) {
    this.keys = assembly.ofType('AWS::ElasticLoadBalancingV2::LoadBalancer').map(({ stack, logicalId }) => `${stack.key}:${logicalId}`);
  }

  /** For the resolver. */
  public readonly known: KnownAttributes = ({ stack, logicalId, attribute }) => {
    const index = this.keys.indexOf(`${stack.key}:${logicalId}`);
    return index >= 0 && attribute === 'DNSName' ? `load-balancer-${index}.invalid` : undefined;
  };

  public standFor(loadBalancer: LoadBalancer): void {
    this.standIns.set(loadBalancer.spec.key, loadBalancer);
  }

  /** The text with the URLs of load balancers replaced by those of their stand-ins. */
  public rewrite(text: string): string {
    return text.replace(/(?:(https?):\/\/)?load-balancer-(\d+)\.invalid(?::(\d+))?/g, (all, protocol: string | undefined, index: string, port?: string) => {
      const standIn = this.standIns.get(this.keys[Number(index)]);
      const wanted = Number(port ?? (protocol === 'https' ? 443 : 80));
      const listener = standIn?.spec.listeners.find((candidate) => candidate.port === wanted);
      if (!standIn || !listener) { return all; }
      const url = standIn.url(listener);
      return protocol ? url : url.replace('http://', '');
    });
  }
}
