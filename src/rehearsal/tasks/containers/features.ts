import { MACHINES } from './helper-image';
import { Images } from './images';

/** What a machine may not support, and the arguments that request it. */
const FEATURES = {
  'CPU limits': ['--cpus', '0.25'],
  'memory limits': ['--memory', '64m', '--memory-swap', '64m'],
  'an init process': ['--init'],
  'the limit of 65,535 open files on Fargate': ['--ulimit', 'nofile=65535:65535'],
} as const;

export type Feature = keyof typeof FEATURES;

/** Finds out what a machine supports by running a helper program. */
export class Features {
  private readonly platforms = new Map<string, Promise<boolean>>();
  private unsupportedFeatures?: Promise<ReadonlySet<Feature>>;

  constructor(private readonly images: Images) {}

  /** Whether programs of a platform run on this machine, natively or emulated. */
  public async supportsPlatform(platform: string): Promise<boolean> {
    const supported = this.platforms.get(platform) ?? this.runs(platform, []);
    this.platforms.set(platform, supported);
    return supported;
  }

  public async unsupported(): Promise<ReadonlySet<Feature>> {
    this.unsupportedFeatures ??= this.findUnsupported();
    return this.unsupportedFeatures;
  }

  private async findUnsupported(): Promise<ReadonlySet<Feature>> {
    const platform = this.images.engine.nativePlatform;
    // Most machines support everything, which one container shows.
    if (await this.runs(platform, Object.values(FEATURES).flat())) { return new Set(); }
    const features = Object.keys(FEATURES) as Feature[];
    const supported = await Promise.all(features.map(async (feature) => this.runs(platform, FEATURES[feature])));
    return new Set(features.filter((_, index) => !supported[index]));
  }

  private async runs(platform: string, args: readonly string[]): Promise<boolean> {
    if (!(platform.split('/')[1] in MACHINES)) { return false; }
    const { engine } = this.images;
    const { code } = await engine.run([
      'run', '--rm', '--name', engine.name('probe'), '--label', engine.label, '--network', 'none',
      '--platform', platform, ...args, await this.images.helpers(platform), '/true',
    ]);
    return code === 0;
  }
}
